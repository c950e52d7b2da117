"""Starts that cannot be: each ends with one sentence on the standard error and a non-zero exit."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.command import ROOT, read_flask_options, read_server_options
from launcher.credentials import Credentials
from launcher.errors import LauncherError, PlaceUnusable
from launcher.folder import DataFolder
from launcher.parts import without_settings
from launcher.postgres import Postgres


def refused(data: Path, *words: str, **settings: str) -> str:
    """Try to start, and hand back the one line that it ended with."""
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "server", "--no-demo", "--data", str(data), *words],
        cwd=ROOT,
        env={**without_settings(os.environ), **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line != "Starting …"]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        sentence = refused(tmp_path, "--port", str(port))
    assert sentence.startswith(f"Port {port} on 127.0.0.1 is in use by another program;")


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "--port", "0", "--host", "192.0.2.1")
    assert sentence.startswith("Cannot listen on HOST '192.0.2.1':")


def test_a_port_that_is_none(tmp_path: Path) -> None:
    assert refused(tmp_path, PORT="http") == (
        "PORT should be a whole number from 0 to 65535, not 'http'."
    )


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "--port", "0", PARTITIONS="many")
    assert sentence == "PARTITIONS should be a whole number from 1 to 256."


def test_a_database_that_cannot_be_reached(tmp_path: Path) -> None:
    url = "postgres://someone:hidden@127.0.0.1:1/none"
    sentence = refused(tmp_path, "--port", "0", DATABASE_URL=url)
    assert sentence.startswith("DATABASE_URL names a database that cannot be reached:")
    assert sentence.endswith("Connection refused.")
    assert "hidden" not in sentence


@pytest.mark.parametrize("place", ["[bad", "127.0.0.1:port/none", "127.0.0.1:1/none?nonsense=1"])
def test_an_address_of_a_database_that_is_none(tmp_path: Path, place: str) -> None:
    url = f"postgresql://someone:hid%zzden@{place}"
    sentence = refused(tmp_path, "--port", "0", DATABASE_URL=url)
    assert sentence.startswith("DATABASE_URL should look like postgresql://")
    assert "hid" not in sentence


@pytest.mark.parametrize("place", ["localhost:port", "[bad", "127.0.0.1:1/0?nonsense=1"])
def test_an_address_of_a_redis_that_is_none(tmp_path: Path, place: str) -> None:
    sentence = refused(tmp_path, "--port", "0", REDIS_URL=f"redis://:hidden@{place}")
    assert sentence.startswith("REDIS_URL should look like redis://")
    assert "hidden" not in sentence


def test_a_redis_that_cannot_be_reached(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "--port", "0", REDIS_URL="redis://127.0.0.1:1/0")
    assert sentence.startswith("REDIS_URL names a server that cannot be reached:")


def test_a_data_folder_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("17\n")
    sentence = refused(tmp_path, "--port", "0")
    assert "was made by PostgreSQL 17, and this is PostgreSQL 18" in sentence


def test_a_data_folder_that_holds_something_else(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "letters.txt").write_text("dear all")
    with pytest.raises(PlaceUnusable, match="holds no PostgreSQL database"):
        Postgres(data, tmp_path / "run").check()


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    sentence = refused(file, "--port", "0")
    assert sentence == f"The data folder {file} cannot be used: File exists."


def test_a_data_folder_in_use(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.prepare()
    with folder.lock():
        sentence = refused(tmp_path, "--port", "0")
    assert sentence == f"Another Telltale is running on the data folder {tmp_path}."


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launcher.folder.NEEDED_BYTES", 10**18)
    with pytest.raises(PlaceUnusable, match="too little disk space"):
        DataFolder(tmp_path).prepare()


def test_an_older_python_can_read_the_scripts_up_to_their_refusal() -> None:
    for name in ("server", "flask", "test", "lint", "bench"):
        text = (ROOT / "script" / name).read_text()
        ast.parse(text, feature_version=(3, 4))
        assert "launcher" not in text[: text.index("sys.version_info")]


def test_options_go_before_the_environment() -> None:
    env = {"PORT": "9000", "HOST": "localhost"}
    options = read_server_options([], env)
    assert (options.host, options.port, options.demo) == ("localhost", 9000, True)
    assert options.data == ROOT / "var"
    options = read_server_options(["--port", "9001", "--no-demo", "--host", "::1"], env)
    assert (options.host, options.port, options.demo) == ("::1", 9001, False)
    assert read_server_options(options.as_arguments()[1:], {}) == options
    with pytest.raises(LauncherError):
        read_server_options(["--port", "70000"], {})


def test_what_is_behind_a_command_is_flasks() -> None:
    options = read_flask_options(["keys", "create", "--name", "x", "--data", "y", "--help"])
    assert options.data == ROOT / "var"
    assert options.words == ("keys", "create", "--name", "x", "--data", "y", "--help")
    options = read_flask_options(["--data", "/srv/telltale", "limits", "show"])
    assert (options.data, options.words) == (Path("/srv/telltale"), ("limits", "show"))
    assert read_flask_options(options.as_arguments()[1:]) == options
    assert read_flask_options([]).words == ()


def test_a_command_where_nothing_was_started(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "flask", "--data", str(tmp_path), "keys", "list"],
        cwd=ROOT,
        env=without_settings(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"No postgres runs on the data folder {tmp_path}: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_kept_and_private(tmp_path: Path) -> None:
    made = Credentials.work_out(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    made.keep(tmp_path)
    assert Credentials.work_out(tmp_path, {}) == made
    assert (tmp_path / "admin_key").read_text() == f"{made.admin_key}\n"
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o600}
    given = Credentials.work_out(tmp_path, {"ADMIN_PASSWORD": "chosen"})
    assert given.admin_password == "chosen"
    assert given.admin_key == made.admin_key
    given.keep(tmp_path)
    assert Credentials.work_out(tmp_path, {}) == given


@pytest.mark.parametrize(
    ("name", "value"),
    [("SECRET_KEY", "short"), ("ADMIN_KEY", "hunter2"), ("ADMIN_PASSWORD", " spaced ")],
)
def test_a_wrong_secret_leaves_the_kept_ones_as_they_were(
    tmp_path: Path, name: str, value: str
) -> None:
    made = Credentials.work_out(tmp_path, {})
    made.keep(tmp_path)
    assert refused(tmp_path, "--port", "0", **{name: value}).startswith(f"{name} should ")
    assert Credentials.work_out(tmp_path, {}) == made

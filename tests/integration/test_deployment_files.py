"""The files that describe a deployment, as far as they can be checked without one."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from app.settings import Settings
from launcher import parts
from launcher.command import ROOT
from workers.__main__ import ENVIRONMENT

BUILT = re.compile(r"^COPY (?P<sources>(?!--).+) (?P<target>\S+)$", re.MULTILINE)


def procfile() -> dict[str, list[str]]:
    """The words of each process."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: shlex.split(words) for name, words in (line.split(": ", 1) for line in lines)}


def test_the_procfile_starts_what_the_launcher_starts() -> None:
    written = procfile()
    started = {
        "web": ["gunicorn", *parts.web("web", {}, 8000).argv[3:]],
        "worker": ["python", *parts.worker("worker", {}).argv[1:]],
        "clock": ["python", *parts.clock({}).argv[1:]],
    }
    assert written["web"][0] == "HOST=0.0.0.0"
    assert {**written, "web": written["web"][1:]} == {
        "release": ["flask", "--app", "wsgi", "prepare"],
        **started,
    }


def test_the_compose_file_starts_what_the_procfile_starts() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    found = re.findall(r"^    command: \[(.+)\]$", compose, re.MULTILINE)
    commands = [re.findall(r'"([^"]+)"', words) for words in found]
    assert commands == [procfile()[name] for name in ("release", "worker", "clock")]


def test_every_setting_is_in_the_table() -> None:
    table = (ROOT / "docs" / "operations.md").read_text()
    missing = [entry.name for entry in fields(Settings) if f"`{entry.name.upper()}`" not in table]
    assert missing == []
    assert [name for name in ENVIRONMENT if f"`{name}`" not in table] == []


def test_the_image_holds_all_that_its_processes_import(tmp_path: Path) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    _, _, last_stage = dockerfile.rpartition("\nFROM ")
    for line in BUILT.finditer(last_stage):
        target = tmp_path / line["target"]
        for source in line["sources"].split():
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, target, dirs_exist_ok=True)
            else:
                target.mkdir(exist_ok=True)
                shutil.copy(ROOT / source, target)
    settings = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1",
        "SECRET_KEY": "s" * 32,
    }
    for words in (
        ["-m", "flask", "--app", "wsgi", "check-settings"],
        ["-m", "gunicorn", "-c", "gunicorn.conf.py", "--check-config", "wsgi:app"],
        ["-c", "import workers.main, workers.clock"],
        ["-c", "import workers.__main__"],
        ["-m", "alembic", "heads"],
    ):
        done = subprocess.run(
            [sys.executable, "-B", *words],
            cwd=tmp_path,
            env=settings,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr

"""``script/flask``: the product's own commands, on what runs in a data folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from launcher import parts
from launcher.command import ROOT, FlaskOptions
from launcher.credentials import Credentials
from launcher.errors import PlaceUnusable
from launcher.folder import DataFolder
from launcher.postgres import Postgres
from launcher.valkey import Valkey


def become_flask(options: FlaskOptions) -> int:
    """Run Flask's command in the place of this process; does not return.

    Raises:
        LauncherError: nothing runs on the data folder, or a setting is wrong.
    """
    env = environment(options.data, os.environ)
    os.chdir(ROOT)
    words = options.words or ("--help",)
    os.execve(sys.executable, [sys.executable, "-m", "flask", "--app", "wsgi", *words], env)


def environment(data: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of what ``script/server`` runs on a data folder, over ``given``.

    Raises:
        LauncherError: nothing runs there, or a setting is wrong.
    """
    folder = DataFolder(data)
    postgres = Postgres(folder.postgres, folder.sockets("pg"))
    valkey = Valkey(folder.valkey, folder.sockets("vk"))
    env = dict(given)
    for name, server in (("DATABASE_URL", postgres), ("REDIS_URL", valkey)):
        if env.get(name):
            continue
        if not (folder.root / "secret_key").exists() or not server.ready():
            raise PlaceUnusable(
                f"No {server.name} runs on the data folder {data}: start script/server there "
                f"first, or set {name} as it was for script/server."
            )
        env[name] = server.url()
    secrets = Credentials.work_out(data, env)
    # Where the web listens is nothing to a command.
    return parts.environment(env, secrets=secrets, host="127.0.0.1", port=8000)

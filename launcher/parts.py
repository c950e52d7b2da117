"""The product's own processes: how each is started, and with which environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from app.core.errors import SettingError
from app.settings import Settings
from launcher.command import ROOT
from launcher.credentials import Credentials
from launcher.errors import LauncherError
from launcher.process import Program

DEFAULTS = {
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "WEB_CONCURRENCY": "1",
}


def without_settings(env: Mapping[str, str]) -> dict[str, str]:
    """An environment without Telltale's settings, so that a test sees only those that it gives."""
    names = {entry.name.upper() for entry in fields(Settings)}
    return {name: value for name, value in env.items() if name not in names}


def environment(
    given: Mapping[str, str], *, secrets: Credentials, host: str, port: int
) -> dict[str, str]:
    """What every process of the product gets: ``given``, and what it leaves open.

    Raises:
        LauncherError: a setting is wrong; the message names it and says what it should be.
    """
    env = {
        **DEFAULTS,
        "ALLOWED_ORIGINS": ",".join(_origins(host, port)),
        **{name: value for name, value in given.items() if value},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{given.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": secrets.secret_key,
        "ADMIN_KEY": secrets.admin_key,
        "ADMIN_PASSWORD": secrets.admin_password,
        "HOST": host,
        "PORT": str(port),
    }
    try:
        Settings.from_env(env)
    except SettingError as error:
        raise LauncherError(str(error)) from None
    return env


def _origins(host: str, port: int) -> list[str]:
    names = ["localhost", "127.0.0.1"]
    if host not in ("0.0.0.0", "::", *names):
        names.append(f"[{host}]" if ":" in host else host)
    return [f"http://{name}:{port}" for name in names]


def prepare(env: Mapping[str, str], answer: Path) -> Program:
    """Migrates, makes the first project, user and key, and answers with one line of JSON."""
    return _python(
        "prepare", env, "-m", "flask", "--app", "wsgi", "prepare", "--sign-in", answer=answer
    )


def demo_key(env: Mapping[str, str], answer: Path) -> Program:
    """Makes a key for the demo fleet, and answers with it."""
    words = ("keys", "create", "--role", "manager", "--name", "demo", "--quiet")
    return _python("keys", env, "-m", "flask", "--app", "wsgi", *words, answer=answer)


def web(name: str, env: Mapping[str, str], port: int) -> Program:
    """REST, sockets and the dashboard's files."""
    words = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
    return _python(name, {**env, "PORT": str(port)}, *words, stop_timeout_s=25.0)


def worker(name: str, env: Mapping[str, str]) -> Program:
    """The Dramatiq actors: drain, deliver and the rest."""
    return _python(name, env, "-m", "workers", stop_timeout_s=25.0)


def clock(env: Mapping[str, str]) -> Program:
    """What happens by the second."""
    return _python("clock", env, "-m", "workers.clock")


def demo(env: Mapping[str, str], url: str, key: str) -> Program:
    """The demo fleet, which knows what an agent knows: an address and a key."""
    env = {**without_settings(env), "TELLTALE_URL": url, "TELLTALE_KEY": key}
    return _python("demo", env, "-m", "demo", essential=False)


def _python(
    name: str,
    env: Mapping[str, str],
    *words: str,
    stop_timeout_s: float = 10.0,
    answer: Path | None = None,
    essential: bool = True,
) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, *words),
        cwd=ROOT,
        env=env,
        stop_timeout_s=stop_timeout_s,
        answer=answer,
        essential=essential,
    )

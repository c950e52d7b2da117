"""The virtual environment: made when missing, filled again when a requirements file has changed."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from launcher.command import ROOT
from launcher.errors import SetupFailed

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCAL = ("requirements.txt", "requirements-local.txt")
DEVELOPMENT = (*LOCAL, "requirements-dev.txt")

LOCK_TIMEOUT_S = 900
INSTALL_TIMEOUT_S = 900
INSTALL_BYTES = 1_500_000_000


def tell(line: str) -> None:
    """Say what is being done, in one short line."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up of this checkout run at a time; the others wait for it, 15 minutes at most."""
    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "setup.lock").open("w") as lock:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        told = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SetupFailed("Another set-up of this checkout does not end.") from None
                if not told:
                    tell("Waiting for another set-up of this checkout …")
                    told = True
                time.sleep(0.2)
        yield


def ensure(requirements: Sequence[str] = LOCAL) -> None:
    """Make ``.venv`` hold what the named requirements files say.

    Does nothing when it does already: a second start costs one short Python process.

    Raises:
        SetupFailed: says what is missing, in one sentence.
    """
    if not _works():
        _create()
    stamp = VENV / ".installed"
    wanted = _fingerprint(requirements)
    installed = stamp.read_text().splitlines() if stamp.exists() else []
    if wanted in installed:
        return
    stamp.unlink(missing_ok=True)
    tell("Installing Python packages (a minute or so, only when they have changed) …")
    files = [word for name in requirements for word in ("-r", str(ROOT / name))]
    run_logged([str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input",
                "--disable-pip-version-check", *files], "install the Python packages")  # fmt: skip
    # The smaller sets of files are contained in the larger ones.
    sets = [requirements[:n] for n in range(len(LOCAL), len(requirements) + 1)]
    stamp.write_text("".join(f"{_fingerprint(names)}\n" for names in sets))


def run_logged(words: Sequence[str], purpose: str, *, env: dict[str, str] | None = None) -> None:
    """Run a step of the set-up; what it writes goes to ``var/setup.log``.

    Raises:
        SetupFailed: it failed or took longer than 15 minutes; the message ends with its last words.
    """
    log = ROOT / "var" / "setup.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, cwd=ROOT, env=env,
                                  stderr=subprocess.STDOUT, timeout=INSTALL_TIMEOUT_S)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SetupFailed(f"Could not {purpose} within 15 minutes; see {log}.") from None
    if done.returncode == 0:
        return
    said = _essence(log.read_text(errors="replace").splitlines())
    raise SetupFailed(f"Could not {purpose}: {said} (all of it is in {log}).")


def _essence(lines: list[str]) -> str:
    """What a failed pip, npm or apt-get had to say, without what it says each time."""
    noise = re.compile(r"npm (error|ERR!)( code .*| A complete log .*)?$")
    spoken = [line.strip() for line in lines if line.strip() and not noise.match(line.strip())]
    errors = [line for line in spoken if "error" in line.lower()]
    return " ".join(errors[:2] or spoken[-1:] or ["it said nothing"])[:400]


def _works() -> bool:
    if not PYTHON.exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([PYTHON, "-c", check], capture_output=True, timeout=60).returncode == 0


def _create() -> None:
    free = shutil.disk_usage(ROOT).free
    if free < INSTALL_BYTES:
        raise SetupFailed(
            f"There is too little disk space for the installation: {free // 1_000_000} MB are free "
            f"in {ROOT}, and it takes {INSTALL_BYTES // 1_000_000} MB."
        )
    tell("Making the virtual environment .venv …")
    shutil.rmtree(VENV, ignore_errors=True)
    base = [sys.executable, "-m", "venv"]
    if importlib.util.find_spec("ensurepip") is not None:
        run_logged([*base, str(VENV)], "make the virtual environment")
        return
    # Debian's and Ubuntu's python3 comes without ensurepip.
    if importlib.util.find_spec("pip") is not None:
        run_logged([*base, "--without-pip", str(VENV)], "make the virtual environment")
        run_logged([sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet",
                    "pip"], "install pip")  # fmt: skip
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if not install_from_apt(package):
        raise SetupFailed(
            f"This Python cannot make virtual environments; install its venv module first "
            f"(on Debian and Ubuntu: apt-get install {package})."
        )
    run_logged([*base, str(VENV)], "make the virtual environment")


def install_from_apt(package: str) -> bool:
    """Install a Debian package where that is possible: as root, with apt-get there."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    tell(f"Installing {package} with apt-get …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run_logged(["apt-get", "update", "-qq"], "read the package lists", env=env)
    run_logged(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
               f"install {package}", env=env)  # fmt: skip
    return True


def _fingerprint(requirements: Sequence[str]) -> str:
    digest = hashlib.sha256()
    client = ROOT / "clients" / "python" / "pyproject.toml"
    for path in (*(ROOT / name for name in requirements), client):
        digest.update(path.name.encode() + b"\0")
        digest.update(path.read_bytes() if path.exists() else b"")
    return digest.hexdigest()

"""What a process imports before it is ready, as far as it delays its start."""

from __future__ import annotations

import subprocess
import sys

import pytest

from launcher.command import ROOT

UNUSED = {
    "app.factory": ("alembic", "mako", "dramatiq.cli", "launcher"),
    "workers.__main__": ("sqlalchemy", "redis", "flask", "alembic"),
    "workers.clock": ("flask", "alembic", "gunicorn", "marshmallow"),
    "launcher.__main__": ("sqlalchemy", "redis", "psycopg", "flask"),
}


@pytest.mark.parametrize("module", UNUSED)
def test_a_start_imports_nothing_that_it_does_not_need(module: str) -> None:
    names = ", ".join(repr(name) for name in UNUSED[module])
    look = f"import sys, {module}; print([name for name in ({names},) if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr

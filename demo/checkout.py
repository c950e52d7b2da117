"""Where the client comes from: what is installed, else this checkout."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "clients" / "python" / "src"


def use_client_of_checkout() -> None:
    """Make `telltale_client` importable, here and in processes that are started from here.

    Call it before anything that imports the client.
    """
    if importlib.util.find_spec("telltale_client") is None:
        sys.path.insert(0, str(SOURCE))
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCE), inherited]))

"""The web's entry: ``gunicorn -c gunicorn.conf.py wsgi:app``."""

from __future__ import annotations

import os
import sys

from app.core.errors import SettingError
from app.core.logging import configure_logging
from app.factory import create_app
from app.settings import Settings

try:
    settings = Settings.from_env(os.environ)
except SettingError as error:
    sys.stderr.write(f"telltale: {error}\n")
    raise SystemExit(2) from None
configure_logging("web", settings.log_level)
app = create_app(settings)

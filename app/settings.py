"""Every setting, in one place: read once from the environment, checked, then never changed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.core.errors import SettingError
from app.domain.api_key import parse_key


def _text(value: str) -> str:
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError(f"should be a whole number from {low} to {high}") from None
        if not low <= number <= high:
            raise ValueError(f"should be a whole number from {low} to {high}")
        return number

    return read


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            raise ValueError(f"should be a number from {low:g} to {high:g}") from None
        if not low <= number <= high:
            raise ValueError(f"should be a number from {low:g} to {high:g}")
        return number

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"should be one of {', '.join(words)}")
        return value

    return read


def _secret(value: str) -> str:
    if len(value) < 32 or not _is_text(value):
        raise ValueError("should be at least 32 characters of randomness")
    return value


def _api_key(value: str) -> str:
    try:
        parse_key(value)
    except ValueError:
        raise ValueError(
            "should look like tt_<id>_<secret>, with a secret of at least 16 characters"
        ) from None
    return value


def _password(value: str) -> str:
    if not 1 <= len(value) <= 1000 or value != value.strip() or not _is_text(value):
        raise ValueError("should be 1 to 1000 characters, without a space at either end")
    return value


def _is_text(value: str) -> bool:
    """Not so for bytes of an environment that are no UTF-8."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _database_url(value: str) -> str:
    """Heroku hands out ``postgres://``; SQLAlchemy wants the driver's name."""
    scheme, separator, rest = value.partition("://")
    known = separator and scheme in {"postgres", "postgresql", "postgresql+psycopg"}
    if not known or not value.isprintable() or not _names_a_server(rest.partition("@")[2] or rest):
        raise ValueError("should look like postgresql://user:password@host:5432/name")
    return f"postgresql+psycopg://{rest}"


def _redis_url(value: str) -> str:
    """``rediss://`` as Heroku hands it out comes with a self-signed certificate."""
    scheme, separator, rest = value.partition("://")
    known = separator and scheme in {"redis", "rediss", "unix"}
    if not known or not _names_a_server(rest):
        raise ValueError("should look like redis://host:6379/0, rediss://… or unix:///path")
    parts = urlsplit(value)
    if parts.scheme != "rediss":
        return value
    query = {"ssl_cert_reqs": "none", **dict(parse_qsl(parts.query))}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _names_a_server(rest: str) -> bool:
    """Whether what is behind ``://`` has no half bracket and no port that is none."""
    try:
        return urlsplit(f"//{rest}").port != 0
    except ValueError:
        return False


def _origins(value: str) -> tuple[str, ...]:
    origins = tuple(item.strip().rstrip("/") for item in value.split(",") if item.strip())
    for origin in origins:
        if not re.fullmatch(r"https?://[^/\s]+", origin):
            raise ValueError(
                "should be addresses such as https://telltale.example, with commas between"
            )
    return origins


def _networks(value: str) -> tuple[str, ...]:
    networks = tuple(item.strip() for item in value.split(",") if item.strip())
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ValueError("should be networks such as 10.0.0.0/8, with commas between") from None
    return networks


def _setting(read: Callable[[str], Any], default: Any = MISSING) -> Any:
    return field(default=default, metadata={"read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one process. An environment variable has the field's name in capitals.

    Units are in the names: ``_s`` seconds, ``_ms`` milliseconds, ``_bytes``, ``_days``.
    """

    database_url: str = _setting(_database_url)
    listen_database_url: str = _setting(_database_url, "")
    redis_url: str = _setting(_redis_url)
    secret_key: str = _setting(_secret)
    admin_key: str = _setting(_api_key, "")
    admin_email: str = _setting(str.lower, "admin@localhost")
    admin_password: str = _setting(_password, "")
    allowed_origins: tuple[str, ...] = _setting(_origins, ())
    host: str = _setting(_text, "127.0.0.1")
    port: int = _setting(_whole(1, 65535), 8000)
    trusted_proxies: int = _setting(_whole(0, 10), 0)
    web_concurrency: int = _setting(_whole(1, 64), 1)
    log_level: str = _setting(_one_of("debug", "info", "warning", "error"), "info")

    # The partition log. The two bounds hold for each partition.
    partitions: int = _setting(_whole(1, 256), 8)
    log_max_events: int = _setting(_whole(1_000, 100_000_000), 250_000)
    log_max_bytes: int = _setting(_whole(1_000_000, 100_000_000_000), 128 * 1024 * 1024)
    recent_ids: int = _setting(_whole(100, 10_000_000), 20_000)
    rate_limit_events_per_s: float = _setting(_number(0.1, 1_000_000), 1000.0)
    rate_limit_burst: int = _setting(_whole(1, 10_000_000), 5000)

    # Sockets, per process.
    max_sockets: int = _setting(_whole(10, 1_000_000), 11_000)
    max_viewers: int = _setting(_whole(1, 100_000), 2_000)
    ping_interval_s: float = _setting(_number(1, 300), 20.0)
    hello_timeout_s: float = _setting(_number(0.5, 60), 10.0)
    send_timeout_s: float = _setting(_number(0.5, 120), 10.0)
    body_timeout_s: float = _setting(_number(0.5, 120), 20.0)
    max_frame_bytes: int = _setting(_whole(65_536, 16 * 1024 * 1024), 1024 * 1024)
    viewer_queue_events: int = _setting(_whole(100, 1_000_000), 10_000)
    viewer_queue_bytes: int = _setting(_whole(65_536, 1_000_000_000), 8 * 1024 * 1024)
    viewer_drop_policy: str = _setting(_one_of("head", "tail", "random"), "head")
    drain_s: float = _setting(_number(0.1, 120), 8.0)

    # Liveness, by the server's clock.
    stale_after_s: float = _setting(_number(1, 86_400), 45.0)
    lost_after_s: float = _setting(_number(2, 864_000), 180.0)

    # History.
    retention_days: int = _setting(_whole(1, 3650), 35)
    audit_days: int = _setting(_whole(1, 36_500), 365)
    config_history_days: int = _setting(_whole(1, 36_500), 365)
    config_history_versions: int = _setting(_whole(1, 1_000_000), 1000)
    task_days: int = _setting(_whole(1, 36_500), 90)
    # 0 keeps agents for ever.
    agent_days: int = _setting(_whole(0, 36_500), 0)
    catch_up_max_events: int = _setting(_whole(1_000, 10_000_000), 500_000)
    snapshot_events: int = _setting(_whole(0, 5_000), 200)

    webhook_allowed_networks: tuple[str, ...] = _setting(_networks, ())

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the settings.

        Raises:
            SettingError: names the first wrong or missing setting and what it should be.
        """
        values: dict[str, Any] = {}
        for entry in fields(cls):
            name = entry.name.upper()
            given = env.get(name, "")
            if given == "":
                if entry.default is MISSING:
                    raise SettingError(f"{name} is not set.")
                continue
            try:
                values[entry.name] = entry.metadata["read"](given)
            except ValueError as error:
                raise SettingError(f"{name} {error}.") from None
        settings = cls(**values)
        if settings.lost_after_s <= settings.stale_after_s:
            raise SettingError("LOST_AFTER_S should be more than STALE_AFTER_S.")
        if settings.rate_limit_burst < settings.rate_limit_events_per_s / 100:
            raise SettingError(
                "RATE_LIMIT_BURST should be at least a hundredth of RATE_LIMIT_EVENTS_PER_S."
            )
        return settings

"""The settings: their defaults, their forms, and the one sentence for a wrong one."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import FrozenInstanceError, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import make_url

from app.core.errors import SettingError
from app.settings import Settings

NEEDED = {
    "DATABASE_URL": "postgresql://me:secret@db:5432/telltale",
    "REDIS_URL": "redis://cache:6379/0",
    "SECRET_KEY": "s" * 32,
}


def settings(**env: str) -> Settings:
    return Settings.from_env(NEEDED | env)


def test_three_settings_are_enough() -> None:
    made = settings(UNRELATED="x", PARTITIONS="")
    assert (made.port, made.partitions, made.host) == (8000, 8, "127.0.0.1")
    assert (made.rate_limit_events_per_s, made.rate_limit_burst) == (1000.0, 5000)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingError, match=f"^{name} is not set"):
        settings(**{name: ""})


WRONG = {
    "DATABASE_URL": [
        "mysql://db/x",
        "db:5432/telltale",
        "postgresql",
        "postgres://h:port/x",
        "postgresql://u:hunter2@h:port/x",
        "postgresql://u:hunter2@[bad",
        "postgresql://u:hunter2@h:70000/x",
        "postgresql://u:hunter2@h\n/x",
    ],
    "REDIS_URL": [
        "http://cache",
        "cache:6379",
        "redis",
        "redis://[::1",
        "redis://localhost:port",
        "rediss://:hunter2@localhost:70000/0",
        "redis://:hunter2@[bad",
    ],
    "SECRET_KEY": ["short", "s" * 31, "s" * 40 + "\udcff"],
    "ADMIN_KEY": ["hunter2hunter2hunter2", "tt_admin", "tt_a_short", "tt_a_" + "s" * 40 + " "],
    "ADMIN_PASSWORD": [" a good one", "a good one\n", "a good one\udcff", "p" * 1001],
    "ALLOWED_ORIGINS": ["telltale.example", "https://a.example/path", "https://a,*", "null"],
    "PORT": ["0", "65536", "http", "80.5", "-1"],
    "WEB_CONCURRENCY": ["0", "65", "two"],
    "LOG_LEVEL": ["trace", "INFO "],
    "PARTITIONS": ["0", "257", "8.0"],
    "LOG_MAX_EVENTS": ["999"],
    "LOG_MAX_BYTES": ["1"],
    "RECENT_IDS": ["99"],
    "RATE_LIMIT_EVENTS_PER_S": ["0", "nan", "inf", "-inf", "fast"],
    "RATE_LIMIT_BURST": ["0", "1e3"],
    "MAX_SOCKETS": ["9"],
    "MAX_VIEWERS": ["0"],
    "PING_INTERVAL_S": ["0", "301"],
    "MAX_FRAME_BYTES": ["65535", "16777217"],
    "VIEWER_QUEUE_EVENTS": ["99"],
    "VIEWER_QUEUE_BYTES": ["65535"],
    "VIEWER_DROP_POLICY": ["oldest", "HEAD"],
    "STALE_AFTER_S": ["0", "soon"],
    "LOST_AFTER_S": ["1"],
    "RETENTION_DAYS": ["0", "3651"],
    "CATCH_UP_MAX_EVENTS": ["999"],
    "SNAPSHOT_EVENTS": ["-1", "5001"],
    "WEBHOOK_ALLOWED_NETWORKS": ["10.0.0.1/8", "localhost", "10.0.0.0/33"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_setting_is_named_with_what_it_should_be(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=rf"^{name} ") as caught:
        settings(**{name: value})
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert " should " in str(caught.value)
    assert str(caught.value).endswith(".")


NUMBERS = [entry.name.upper() for entry in fields(Settings) if entry.type in {"int", "float"}]


@pytest.mark.parametrize("name", NUMBERS)
@given(st.text(max_size=12))
def test_no_text_gets_past_a_number(name: str, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        number = None
    if value and number is None:
        with pytest.raises(SettingError, match=name):
            settings(**{name: value})
        return
    with suppress(SettingError):
        made = settings(**{name: value})
        assert value == "" or getattr(made, name.lower()) == number


def test_a_secret_is_not_repeated_in_the_sentence() -> None:
    for name in ("SECRET_KEY", "ADMIN_KEY", "ADMIN_PASSWORD"):
        with pytest.raises(SettingError, match=name) as caught:
            settings(**{name: " hunter2"})
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "given_url",
    [
        "postgres://me:p%40ss@db:5432/telltale?sslmode=require",
        "postgresql://me:p%40ss@db:5432/telltale?sslmode=require",
        "postgresql+psycopg://me:p%40ss@db:5432/telltale?sslmode=require",
    ],
)
def test_a_database_is_reached_with_its_driver_however_its_address_is_written(
    given_url: str,
) -> None:
    url = make_url(settings(DATABASE_URL=given_url).database_url)
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.database) == ("me", "p@ss", "telltale")
    assert url.query == {"sslmode": "require"}


@pytest.mark.parametrize(
    "given_url", ["postgres://me:a/b?c:d@db/x", "postgres:///x?host=/run/pg", "postgres://[::1]:1/"]
)
def test_an_address_that_the_driver_understands_is_taken(given_url: str) -> None:
    make_url(settings(DATABASE_URL=given_url).database_url)


def test_a_redis_behind_heroku_needs_no_certificate_that_we_know() -> None:
    url = settings(REDIS_URL="rediss://:p%40ss@cache:6380/2").redis_url
    with Redis.from_url(url) as client:
        options = client.connection_pool.connection_kwargs
    assert (options["host"], options["port"], options["db"]) == ("cache", 6380, 2)
    assert options["password"] == "p@ss"
    assert options["ssl_cert_reqs"] in {"none", ssl.CERT_NONE}


def test_a_certificate_that_is_asked_for_is_checked() -> None:
    url = settings(REDIS_URL="rediss://cache/0?ssl_cert_reqs=required").redis_url
    assert url.endswith("ssl_cert_reqs=required")


@pytest.mark.parametrize("url", ["redis://cache:6379/0", "unix:///run/valkey.sock?db=3"])
def test_other_addresses_of_redis_stay_as_they_are(url: str) -> None:
    assert settings(REDIS_URL=url).redis_url == url
    with Redis.from_url(url) as client:
        assert "ssl_cert_reqs" not in client.connection_pool.connection_kwargs


def test_lists_have_commas_between() -> None:
    made = settings(
        ALLOWED_ORIGINS=" https://a.example/, http://localhost:5173 ,",
        WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8, ::1/128",
    )
    assert made.allowed_origins == ("https://a.example", "http://localhost:5173")
    assert made.webhook_allowed_networks == ("127.0.0.0/8", "::1/128")


def test_an_agent_is_stale_before_it_is_lost() -> None:
    with pytest.raises(SettingError, match="LOST_AFTER_S"):
        settings(STALE_AFTER_S="60", LOST_AFTER_S="60")


def test_a_bucket_holds_what_comes_in_ten_milliseconds() -> None:
    with pytest.raises(SettingError, match="RATE_LIMIT_BURST"):
        settings(RATE_LIMIT_EVENTS_PER_S="1000", RATE_LIMIT_BURST="9")
    assert settings(RATE_LIMIT_EVENTS_PER_S="1000", RATE_LIMIT_BURST="10").rate_limit_burst == 10


def test_settings_never_change() -> None:
    with pytest.raises(FrozenInstanceError):
        settings().port = 1  # type: ignore[misc]

"""The event as it goes over the wire: checked against the protocol and encoded once, at `emit`."""

from __future__ import annotations

import json
import math
import re
import time as clock
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from telltale_client.errors import InvalidEvent

Severity = Literal["debug", "info", "warning", "error", "critical"]
SEVERITIES = frozenset(get_args(Severity))

MAX_TYPE = 64
MAX_ID = 64
MAX_AGENT_ID = 128
MAX_REFERENCE = 128
MAX_DEPTH = 64

_is_type = re.compile(r"[a-z0-9_]+(?:\.[a-z0-9_]+)*").fullmatch
_is_visible = re.compile(r"[\x21-\x7e]+").fullmatch
# An escaped NUL, and not an escaped backslash before the letters u0000.
_holds_nul = re.compile(r"(?<!\\)(?:\\\\)*\\u0000").search
_bracket = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL).finditer

dumps = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def is_droppable(type_: str, severity: str) -> bool:
    """Whether an event may be dropped when there is no room: debug logs and metrics."""
    return type_ == "agent.metric" or (type_ == "agent.log" and severity == "debug")


def encode_event(
    type_: str,
    data: Mapping[str, Any] | None,
    *,
    event_id: str,
    time: datetime | str | None = None,
    task_id: str | None = None,
    trace_id: str | None = None,
    severity: str = "info",
    max_data_bytes: int = 65536,
) -> bytes:
    """One item of an events frame, as UTF-8 JSON.

    Raises:
        InvalidEvent: if the server would refuse it, with a sentence that says why.
    """
    if not isinstance(type_, str) or len(type_) > MAX_TYPE or not _is_type(type_):
        raise InvalidEvent(
            f"The type {type_!r} must be up to {MAX_TYPE} characters of lower-case words "
            "(a-z, 0-9, _) joined by dots, like tool.called."
        )
    if severity not in SEVERITIES:
        raise InvalidEvent(
            f"The severity {severity!r} is not one of {', '.join(get_args(Severity))}."
        )
    stamp = _now() if time is None else _as_stamp(time)
    references = ""
    if task_id is not None:
        references += f',"task_id":{_as_reference("task_id", task_id)}'
    if trace_id is not None:
        references += f',"trace_id":{_as_reference("trace_id", trace_id)}'
    text = encode_object("data", data, max_data_bytes)
    return (
        f'{{"id":{dumps(event_id)},"type":"{type_}","time":"{stamp}"{references},'
        f'"severity":"{severity}","data":{text}}}'
    ).encode()


def encode_object(what: str, value: Mapping[str, Any] | None, max_bytes: int) -> str:
    """A JSON object as text that PostgreSQL can hold.

    ``what`` names it in the errors. None gives an empty object.

    Raises:
        InvalidEvent: if it is no object, cannot be written as JSON, or is too big.
    """
    if not value and (value is None or isinstance(value, Mapping)):
        return "{}"
    if not isinstance(value, dict):
        if not isinstance(value, Mapping):
            raise InvalidEvent(f"{what} must be a dict, not {type(value).__name__}.")
        value = dict(value)
    try:
        text = dumps(value)
    except TypeError as error:
        raise InvalidEvent(f"{what} cannot be written as JSON: {error}.") from None
    except ValueError as error:
        raise InvalidEvent(f"{what} cannot be written as JSON: {error}.") from None
    except RecursionError:
        raise InvalidEvent(f"{what} is nested deeper than {MAX_DEPTH} levels.") from None
    size = _checked_size(what, text)
    if size > max_bytes:
        raise InvalidEvent(f"{what} has {size} bytes as JSON; at most {max_bytes} are allowed.")
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise InvalidEvent(f"{what} is nested deeper than {MAX_DEPTH} levels.")
    return text


def check_visible(what: str, value: str, longest: int) -> str:
    """``value`` if it is 1 to ``longest`` visible ASCII characters.

    Raises:
        InvalidEvent: if it is not.
    """
    if not isinstance(value, str) or len(value) > longest or not _is_visible(value):
        raise InvalidEvent(f"{what} must be 1 to {longest} visible ASCII characters.")
    return value


def check_metrics(numbers: Mapping[str, float]) -> None:
    """Let finite numbers pass.

    Raises:
        InvalidEvent: if there is none, or if one is no finite number.
    """
    if not numbers:
        raise InvalidEvent("A metric needs at least one number.")
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidEvent(f"The metric {name} must be a number, not {type(value).__name__}.")
        if not math.isfinite(value):
            raise InvalidEvent(f"The metric {name} must be a finite number.")


def _checked_size(what: str, text: str) -> int:
    if "\\u0000" in text and _holds_nul(text):
        raise InvalidEvent(f"{what} holds the character \\u0000, which cannot be stored.")
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise InvalidEvent(f"{what} holds a lone surrogate, which cannot be stored.") from None


def _as_reference(what: str, value: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_REFERENCE:
        raise InvalidEvent(f"{what} must be a text of 1 to {MAX_REFERENCE} characters.")
    text = dumps(value)
    _checked_size(what, text)
    return text


def _now() -> str:
    """The time in UTC to the microsecond. The seconds are written once a second: it is hot."""
    global _second  # noqa: PLW0603  one tuple, replaced as a whole
    nanoseconds = clock.time_ns()
    seconds = nanoseconds // 1_000_000_000
    known, text = _second
    if known != seconds:
        text = clock.strftime("%Y-%m-%dT%H:%M:%S", clock.gmtime(seconds))
        _second = seconds, text
    return f"{text}.{nanoseconds // 1000 % 1_000_000:06d}Z"


_second = (0, "")


def _as_stamp(time: datetime | str) -> str:
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            raise InvalidEvent(f"The time {time!r} is not a time like RFC 3339 has it.") from None
    if not isinstance(time, datetime) or time.utcoffset() is None:
        raise InvalidEvent("The time must be a datetime with a time zone, or text with an offset.")
    try:
        moment = time.astimezone(UTC)
    except OverflowError:
        raise InvalidEvent(f"The time {time} is out of range.") from None
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _bracket(text):
        token = match.group()
        if token in ("{", "["):
            depth += 1
            deepest = max(deepest, depth)
        elif token in ("}", "]"):
            depth -= 1
    return deepest

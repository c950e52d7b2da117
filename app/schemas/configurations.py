"""Configurations: what their endpoints take and give."""

from __future__ import annotations

from datetime import datetime

import msgspec
from marshmallow import fields, validate

from app.domain.configuration import Difference
from app.schemas.access import Strict
from app.schemas.tasks import ListQuery

MAX_VERSION = 2**63 - 1


class ConfigPut(Strict):
    """How a value is written: ``merge=lww`` lays it over what others wrote meanwhile."""

    merge = fields.String(validate=validate.OneOf(["lww"]))


class ConfigHistoryQuery(ListQuery):
    """A page of versions."""


class ConfigDiffQuery(Strict):
    """Two versions."""

    old = fields.Integer(required=True, data_key="from", validate=validate.Range(1, MAX_VERSION))
    new = fields.Integer(required=True, data_key="to", validate=validate.Range(1, MAX_VERSION))


class ConfigValue(msgspec.Struct):
    """A configuration as it is now. ``value`` is any JSON."""

    version: int
    value: msgspec.Raw


class ConfigVersion(msgspec.Struct):
    """A version in the history. ``lost`` is what a merge overwrote that its writer had not seen."""

    version: int
    changed_at: datetime
    changed_by: str
    lost: msgspec.Raw | None


class ConfigDiff(msgspec.Struct, rename={"old": "from", "new": "to"}):
    """What differs between two versions."""

    old: int
    new: int
    differences: list[Difference]

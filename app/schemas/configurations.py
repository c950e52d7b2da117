"""Configurations: the queries of their endpoints."""

from __future__ import annotations

from marshmallow import fields, validate

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

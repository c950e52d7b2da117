"""The schemas of answers, made of the very structs that are sent."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, get_args, get_type_hints

import msgspec
from apispec import APISpec
from marshmallow import Schema

from app.api.description.operation import Answer, ListOf, Media

_REF: Final = "#/components/schemas/{name}"
Json = dict[str, Any]


class Components:
    """Hands out references to schemas, and puts each into the document the first time."""

    def __init__(self, spec: APISpec, converter: Any) -> None:
        self._spec = spec
        self._converter = converter

    def content(self, answer: Answer) -> Json:
        """The ``content`` of a response."""
        if isinstance(answer, Media):
            return {answer.content_type: {"schema": answer.schema}}
        if isinstance(answer, ListOf):
            return {"application/json": {"schema": self._page(answer.kind)}}
        assert answer is not None
        return {"application/json": {"schema": self.schema(answer)}}

    def schema(self, kind: type) -> Json:
        """A reference to the schema of what is sent."""
        if kind is object:
            return {}
        if issubclass(kind, Schema):
            resolved: Json = self._converter.resolve_nested_schema(kind)
            return resolved
        [reference], found = msgspec.json.schema_components([kind], ref_template=_REF)
        structs = _structs(kind)
        for name, schema in found.items():
            self._add(name, _as_sent(schema, structs.get(name)))
        return dict(reference)

    def _page(self, kind: type) -> Json:
        name = f"{kind.__name__}Page"
        self._add(
            name,
            {
                "type": "object",
                "description": "A page; `next` is the cursor of what follows, null at the end.",
                "properties": {
                    "items": {"type": "array", "items": self.schema(kind)},
                    "next": {"type": ["string", "null"]},
                },
                "required": ["items", "next"],
            },
        )
        return {"$ref": _REF.format(name=name)}

    def _add(self, name: str, schema: Json) -> None:
        if name not in self._spec.components.schemas:
            self._spec.components.schema(name, schema)


def _structs(kind: type) -> dict[str, type[msgspec.Struct]]:
    """A struct and all that it is made of, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[Any] = [kind]
    while waiting:
        one = waiting.pop()
        waiting += get_args(one)
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one.__name__ not in found:
            found[one.__name__] = one
            waiting += get_type_hints(one).values()
    return found


def _as_sent(schema: Json, struct: type[msgspec.Struct] | None) -> Json:
    """A struct's schema as its writer sees it: every field is sent, and times are RFC 3339."""
    schema = {**schema}
    schema.pop("title", None)
    if "description" in schema:
        schema["description"] = schema["description"].replace("``", "`")
    if struct is None:
        # An enumeration.
        return {"type": "string", **schema}
    hints = get_type_hints(struct)
    properties = {
        encoded: _property(schema["properties"][encoded], hints[field])
        for field, encoded in zip(
            struct.__struct_fields__, struct.__struct_encode_fields__, strict=True
        )
    }
    required = [
        field.encode_name
        for field in msgspec.structs.fields(struct)
        if field.required
        or not (struct.__struct_config__.omit_defaults or field.default is msgspec.UNSET)
    ]
    return {**schema, "properties": properties, "required": required}


def _property(schema: Json, hint: Any) -> Json:
    schema = {name: value for name, value in schema.items() if name != "default"}
    kinds = get_args(hint) or (hint,)
    if msgspec.Raw in kinds:
        # Any JSON value, null too.
        return {}
    if datetime not in kinds:
        return schema
    moment = {"type": "string", "format": "date-time"}
    return {"anyOf": [moment, {"type": "null"}]} if type(None) in kinds else moment

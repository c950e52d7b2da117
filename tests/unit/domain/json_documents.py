"""JSON as people and programs write it: any value, any spacing, escaped or not."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(['"', "\\", '\\"', "},{", "[]", ",", "é€😀", "\\ud800", "\\u0000"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.text(max_size=8), values, max_size=5
)


@st.composite
def written(draw: st.DrawFn, documents: st.SearchStrategy[Any] = values) -> bytes:
    """A document as bytes."""
    return json.dumps(
        draw(documents),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from((None, 0, 3))),
        separators=draw(st.sampled_from(((",", ":"), (" , ", "\t:\r\n")))),
    ).encode()


def storable(document: Any) -> bool:
    """Whether no text in the document holds a NUL."""
    return "\\u0000" not in json.dumps(document, ensure_ascii=False).replace("\\\\", "")

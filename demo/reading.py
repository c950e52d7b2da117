"""Reading one module, in the three steps that a worker reports: read, parse, measure."""

from __future__ import annotations

import ast
import tokenize
import warnings
from pathlib import Path

from demo.questions import Finding, Question
from demo.timebox import TimeBox


class Unreadable(Exception):
    """The module is no Python that this interpreter understands."""


def read_source(path: str) -> tuple[str, int]:
    """The text, by the encoding that the file declares, and its size in bytes.

    Raises:
        Unreadable: if the bytes are not text in that encoding.
    """
    try:
        with tokenize.open(path) as file:
            return file.read(), Path(path).stat().st_size
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise Unreadable(f"cannot be read: {error}") from None


def parse(source: str, box: TimeBox) -> ast.Module:
    """The syntax tree.

    Raises:
        Unreadable: if it has none.
        TimeBoxExceeded: if that took too long.
    """
    with box:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unreadable(f"cannot be parsed: {error}") from None
        box.check()
        return tree


def measure(question: Question, tree: ast.Module, box: TimeBox) -> Finding:
    """The answer to the question.

    Raises:
        TimeBoxExceeded: if it takes too long.
    """
    with box:
        return question.measure(tree, box)

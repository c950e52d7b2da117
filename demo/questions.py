"""What a round asks of every module, answered from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from demo.timebox import TimeBox

Function = ast.FunctionDef | ast.AsyncFunctionDef
CHECK_EVERY = 500
"""Nodes between two looks at the clock."""

BRANCHES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.IfExp, ast.ExceptHandler, ast.comprehension,
    ast.match_case,
)  # fmt: skip
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer for one module: a number, and where it was found (empty: in all of it)."""

    value: float
    where: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """``unit`` follows the number in a sentence; the highest number of a round is its result."""

    title: str
    unit: str
    measure: Callable[[ast.Module, TimeBox], Finding]


def walk(tree: ast.AST, box: TimeBox) -> Iterator[ast.AST]:
    """Every node, with a look at the clock now and then.

    Raises:
        TimeBoxExceeded: if the time is used up.
    """
    for number, node in enumerate(ast.walk(tree)):
        if number % CHECK_EVERY == 0:
            box.check()
        yield node


def longest_function(tree: ast.Module, box: TimeBox) -> Finding:
    """Lines of the longest function."""
    return _highest(tree, box, lambda one: (one.end_lineno or one.lineno) - one.lineno + 1)


def complexity(tree: ast.Module, box: TimeBox) -> Finding:
    """Cyclomatic complexity of the function with the most paths through it."""

    def paths(function: Function) -> int:
        count = 1
        for node in walk(function, box):
            if isinstance(node, BRANCHES):
                count += 1
            elif isinstance(node, ast.BoolOp):
                count += len(node.values) - 1
        return count

    return _highest(tree, box, paths)


def nesting(tree: ast.Module, box: TimeBox) -> Finding:
    """How deep the blocks of the most nested function are."""

    def depth(node: ast.AST, level: int) -> int:
        level += isinstance(node, BLOCKS)
        return max((depth(child, level) for child in ast.iter_child_nodes(node)), default=level)

    return _highest(tree, box, lambda function: depth(function, 0))


def documented(tree: ast.Module, box: TimeBox) -> Finding:
    """Share of functions and classes that have a docstring, in percent."""
    have = total = 0
    for node in walk(tree, box):
        if isinstance(node, Function | ast.ClassDef):
            total += 1
            have += ast.get_docstring(node, clean=False) is not None
    return Finding(_percent(have, total))


def annotated(tree: ast.Module, box: TimeBox) -> Finding:
    """Share of arguments that have a type, in percent."""
    have = total = 0
    for node in walk(tree, box):
        if isinstance(node, ast.arg) and node.arg not in ("self", "cls"):
            total += 1
            have += node.annotation is not None
    return Finding(_percent(have, total))


def imports(tree: ast.Module, box: TimeBox) -> Finding:
    """How many modules are imported."""
    names: set[str] = set()
    for node in walk(tree, box):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return Finding(len(names))


QUESTIONS = (
    Question("Which function is the longest?", "lines", longest_function),
    Question("How branched is the code?", "paths in one function", complexity),
    Question("How much is documented?", "% have a docstring", documented),
    Question("What depends on the most?", "modules imported", imports),
    Question("How deep does it nest?", "levels", nesting),
    Question("How much is annotated?", "% of arguments have a type", annotated),
)


def _highest(tree: ast.Module, box: TimeBox, score: Callable[[Function], int]) -> Finding:
    best = Finding(0)
    for node in walk(tree, box):
        if isinstance(node, Function):
            value = score(node)
            if value > best.value:
                best = Finding(value, node.name)
    return best


def _percent(part: int, total: int) -> float:
    return round(100 * part / total, 1) if total else 0.0

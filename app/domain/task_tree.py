"""A task with all that lies below it, as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from app.domain.task import Task


class Branch(Protocol):
    """A task, and how deep it lies below the root."""

    @property
    def depth(self) -> int: ...
    @property
    def task(self) -> Task: ...


class TreeNode(msgspec.Struct):
    """A task and its children. ``truncated`` is said of the root: there is more than is shown."""

    task: Task
    children: list[TreeNode]
    truncated: bool = False


def grow(branches: Sequence[Branch], most: int) -> TreeNode:
    """The tree of these branches, parents before children; the first is the root."""
    nodes: dict[str, TreeNode] = {}
    for branch in branches:
        node = nodes[branch.task.task_id] = TreeNode(branch.task, [])
        if branch.depth and branch.task.parent_id in nodes:
            nodes[branch.task.parent_id].children.append(node)
    root = nodes[branches[0].task.task_id]
    root.truncated = len(branches) >= most
    return root

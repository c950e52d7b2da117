"""A manager's words, and what it makes of the answers. Telltale itself is asked elsewhere."""

from __future__ import annotations

import time
from typing import Any

import pytest
from telltale_client import ApiError, Config, Manager, StaleVersion, Unfinished

from clients.python.tests.scripted_rest import LOST, Reply, ScriptedRest, problem

TASK: dict[str, Any] = {
    "task_id": "t", "version": 3, "state": "working", "title": "dig", "agent_id": "w",
    "created_at": "2026-11-23T10:00:00.5Z", "updated_at": "2026-11-23T10:00:01Z",
}  # fmt: skip
COMMAND: dict[str, Any] = {
    "command_id": "c", "agent_id": "w", "name": "dig", "args": {}, "state": "queued",
    "created_by": "key:1", "created_at": "2026-11-23T10:00:00Z", "deliveries": 0,
    "deadline_at": "2026-11-23T10:05:00Z",
}  # fmt: skip
STALE = problem(412, "precondition_failed", current_version=4)


def manager(server: ScriptedRest) -> Manager:
    return Manager(server.url, "tt_test_key", timeout=10)


def test_a_key_is_kept_over_the_tries_and_is_new_for_each_task() -> None:
    with ScriptedRest(LOST, Reply(201, TASK), Reply(201, TASK), Reply(201, TASK)) as server:
        task = manager(server).create_task("dig", "w", input={"depth": 3})
        manager(server).create_task("dig", "w")
        manager(server).create_task("dig", "w", idempotency_key="mine")
    assert (task.state, task.created_at.microsecond, task.result) == ("working", 500_000, None)
    assert server.asked[0].body == {"title": "dig", "agent_id": "w", "input": {"depth": 3}}
    keys = [one.headers["idempotency-key"] for one in server.asked]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] == "mine"


def test_a_task_that_a_lost_try_has_changed_is_changed() -> None:
    changed = {**TASK, "version": 4, "title": "dig deep"}
    with ScriptedRest(Reply(200, TASK), LOST, STALE, Reply(200, changed)) as server:
        task = manager(server).task("t")
        assert manager(server).change_task(task, title="dig deep").version == 4
    assert server.asked[1].headers["if-match"] == '"3"'


@pytest.mark.parametrize("now", [{"version": 5, "title": "dig deep"}, {"version": 4}])
def test_a_task_that_somebody_else_has_changed_is_stale(now: dict[str, Any]) -> None:
    replies = (Reply(200, TASK), LOST, STALE, Reply(200, {**TASK, **now}))
    with ScriptedRest(*replies) as server:
        task = manager(server).task("t")
        with pytest.raises(StaleVersion) as raised:
            manager(server).change_task(task, title="dig deep")
    assert raised.value.current_version == 4


def test_stale_without_a_lost_try_is_stale() -> None:
    with ScriptedRest(STALE, STALE) as server, pytest.raises(StaleVersion):
        manager(server).set_config("w", {"a": 1}, 3)
    assert len(server.asked) == 1


def test_a_configuration_that_a_lost_try_has_written_is_written() -> None:
    written = {"version": 1, "value": {"a": 1}}
    with ScriptedRest(LOST, STALE, Reply(200, written)) as server:
        assert manager(server).set_config("w/1", {"a": 1}, 0) == Config(1, {"a": 1})
    assert server.asked[0].path == "/v1/agents/w%2F1/config"
    assert server.asked[0].headers["if-none-match"] == "*"


def test_an_edit_begins_again_with_what_others_wrote() -> None:
    with ScriptedRest(
        problem(404, "not_found"),
        problem(412, "precondition_failed", current_version=1),
        Reply(200, {"version": 1, "value": {"b": 2}}),
        Reply(200, {"version": 2, "value": {"a": 1, "b": 2}}),
    ) as server:
        config = manager(server).edit_config("w", lambda value: {**(value or {}), "a": 1})
    assert config.version == 2
    assert server.asked[1].body == {"a": 1}
    assert (server.asked[3].body, server.asked[3].headers["if-match"]) == ({"a": 1, "b": 2}, '"1"')


def test_an_edit_that_is_always_late_gives_up() -> None:
    found = Reply(200, {"version": 1, "value": 1})
    with ScriptedRest(*[found, STALE] * 30) as server, pytest.raises(StaleVersion):
        manager(server).edit_config("w", lambda value: value + 1)
    assert len(server.asked) == 40


def test_a_merge_says_so() -> None:
    with ScriptedRest(Reply(200, {"version": 3, "value": {}})) as server:
        manager(server).set_config("w", {}, 1, merge=True)
    assert server.asked[0].path.endswith("?merge=lww")


def test_an_order_is_waited_for() -> None:
    done = {**COMMAND, "state": "done", "finished_at": "2026-11-23T10:00:01Z", "detail": "3 m"}
    with ScriptedRest(Reply(201, COMMAND), Reply(200, COMMAND), Reply(200, done)) as server:
        command = manager(server).order("w", "dig", {"to": 3}, timeout=5)
    assert (command.state, command.detail) == ("done", "3 m")
    assert server.asked[0].body == {"name": "dig", "args": {"to": 3}, "deadline_s": 5}
    assert server.asked[1].path == "/v1/agents/w/commands/c"


def test_waiting_ends() -> None:
    began = time.monotonic()
    with (
        ScriptedRest(Reply(201, COMMAND), *[Reply(200, COMMAND)] * 50) as server,
        pytest.raises(Unfinished, match=r"still queued after 0\.2 s"),
    ):
        manager(server).order("w", "dig", timeout=0.2)
    assert time.monotonic() - began < 2
    assert server.asked[0].body["deadline_s"] == 1
    with ScriptedRest(*[Reply(200, TASK)] * 50) as server, pytest.raises(TimeoutError):
        manager(server).wait_for_task("t", 0.1)


def test_lists_are_read_to_their_end() -> None:
    pages = [{"items": [TASK, TASK], "next": "two"}, {"items": [TASK], "next": None}]
    with ScriptedRest(*(Reply(200, page) for page in pages)) as server:
        assert len(list(manager(server).tasks(state="working", agent_id="w"))) == 3
    first, second = (one.path for one in server.asked)
    assert first == "/v1/tasks?state=working&agent_id=w&limit=1000"
    assert second == f"{first}&cursor=two"


def test_a_tree_is_read_and_walked() -> None:
    leaf = {"task": {**TASK, "task_id": "leaf"}, "children": []}
    shown = {"task": TASK, "children": [leaf], "truncated": True}
    with ScriptedRest(Reply(200, shown)) as server:
        tree = manager(server).task_tree("t")
    assert [task.task_id for task in tree] == ["t", "leaf"]
    assert (tree.truncated, tree.children[0].truncated) == (True, False)


def test_what_is_no_json_is_not_sent() -> None:
    with ScriptedRest() as server:
        for value in (float("nan"), {1, 2}):
            with pytest.raises((ValueError, TypeError)):
                manager(server).set_config("w", value, 1)
        with pytest.raises(ApiError):
            manager(server).agent("w")
    assert len(server.asked) == 1

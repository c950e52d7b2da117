"""Tasks: created, changed and canceled by managers, reported on by agents, read by all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import RAISE
from sqlalchemy import Engine

from app.access.authenticator import Authenticator
from app.api.change import Change, Changes, Work
from app.api.description.operation import ListOf, described
from app.api.listing import answer, as_json, unseal
from app.api.versions import check_version, tag
from app.core.errors import Conflict, NotFound, Unprocessable
from app.core.identifiers import uuid7
from app.domain.access import Identity, Permission
from app.domain.task import Task, TaskEvent, TaskState, TransitionRefused, fold
from app.domain.task_order import TooMuchData, changed, created
from app.domain.task_tree import TreeNode, grow
from app.schemas.states import AtQuery
from app.schemas.tasks import Cancellation, NewTask, TaskPatch, TasksQuery
from app.storage import projections, tasks


class TransitionNotAllowed(Conflict):
    """The task's state does not allow this."""

    code, title = "transition_refused", "The task's state does not allow this"


def create_blueprint(authenticator: Authenticator, engine: Engine, changes: Changes) -> Blueprint:
    """The routes under ``/v1/tasks``."""
    blueprint = Blueprint("tasks", __name__, description="What is to be done, and by whom.")

    @blueprint.route("/v1/tasks")
    class Tasks(MethodView):
        @blueprint.arguments(TasksQuery, location="query", unknown=RAISE)
        @described("list_tasks", Permission.READ, {200: ListOf(Task)}, own=True)
        def get(self, query: dict[str, Any]) -> Response:
            """Tasks, newest first."""
            identity = authenticator.reader(request, query.get("agent_id"))
            limit = query["limit"]
            with engine.connect() as connection:
                found = tasks.page(
                    connection,
                    identity.project_id,
                    limit=limit + 1,
                    before=unseal(query.get("cursor"), tuple[datetime, str]),
                    states=query["states"],
                    agent_id=query.get("agent_id", identity.agent_id),
                    parent_id=query.get("parent_id"),
                    created_by=query.get("created_by"),
                    text_wanted=query.get("text", ""),
                )
            return answer(found, limit, lambda task: (task.created_at, task.task_id))

        @blueprint.arguments(NewTask())
        @described(
            "create_task",
            Permission.MANAGE,
            {201: Task},
            creates=True,
            located=True,
            tagged=True,
        )
        def post(self, fields: dict[str, Any]) -> Response:
            """Create a task."""
            identity = authenticator.request(request, Permission.MANAGE)
            reads = fields.get("parent_id") is not None
            return changes.run(request, identity, _creation(fields), reads=reads)

    @blueprint.route("/v1/tasks/<path:task_id>")
    class OneTask(MethodView):
        @blueprint.arguments(AtQuery, location="query", unknown=RAISE)
        @described("get_task", Permission.READ, {200: Task}, own=True)
        def get(self, query: dict[str, Any], task_id: str) -> Response:
            """One task as it is now, or with ``at`` as it was then."""
            identity = authenticator.reader(request)
            with engine.connect() as connection:
                if "at" in query:
                    then = projections.task_at(
                        connection, identity.project_id, task_id, query["at"]
                    )
                    return as_json(_own(identity, then))
                task = _own(identity, tasks.find(connection, identity.project_id, task_id))
            return tag(as_json(task), task.version)

        @blueprint.arguments(TaskPatch)
        @described(
            "change_task",
            Permission.MANAGE,
            {200: Task},
            tagged=True,
            guarded=True,
            refuses=(409,),
        )
        def patch(self, fields: dict[str, Any], task_id: str) -> Response:
            """Change a task. What changes nothing is no change."""
            identity = authenticator.request(request, Permission.MANAGE)
            return changes.run(request, identity, _patch(task_id, fields))

    @blueprint.route("/v1/tasks/<path:task_id>/cancel")
    class Cancel(MethodView):
        @blueprint.arguments(Cancellation, required=False)
        @described("cancel_task", Permission.MANAGE, {200: Task}, creates=True, tagged=True)
        def post(self, fields: dict[str, Any], task_id: str) -> Response:
            """Cancel a task. One that is canceled stays so."""
            identity = authenticator.request(request, Permission.MANAGE)
            return changes.run(request, identity, _cancellation(task_id, fields))

    @blueprint.route("/v1/tasks/<path:task_id>/tree")
    class Tree(MethodView):
        @described("get_task_tree", Permission.READ, {200: TreeNode})
        def get(self, task_id: str) -> Response:
            """A task with all that lies below it."""
            identity = authenticator.request(request, Permission.READ)
            with engine.connect() as connection:
                branches = tasks.tree(connection, identity.project_id, task_id)
            if not branches:
                raise NotFound("There is no task with this id.")
            return as_json(grow(branches, tasks.MAX_TREE))

    return blueprint


def _creation(fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        _check_deadline(fields, change.at)
        _check_agent(change, fields["agent_id"])
        _check_parent(change, None, fields)
        task_id = str(uuid7())
        begun = {"created_by": change.identity.subject, **fields}
        task = _take(change, None, _ordered(created, task_id, begun, change.at))
        change.record("created", "task", task_id, version=task.version)
        response = tag(as_json(task, 201), task.version)
        response.headers["Location"] = f"/v1/tasks/{task_id}"
        return response

    return work


def _patch(task_id: str, fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        task = _locked(change, task_id)
        check_version(request, task.version)
        if fields.get("agent_id", task.agent_id) != task.agent_id:
            _check_agent(change, fields["agent_id"])
        _check_deadline(fields, change.at)
        _check_parent(change, task_id, fields)
        event = _ordered(changed, task, fields, change.at)
        if event is not None:
            task = _take(change, task, event)
            change.record("changed", "task", task_id, version=task.version)
        return tag(as_json(task), task.version)

    return work


def _cancellation(task_id: str, fields: dict[str, Any]) -> Work:
    def work(change: Change) -> Response:
        task = _locked(change, task_id)
        if task.state is not TaskState.CANCELED:
            wanted = {**fields, "state": TaskState.CANCELED}
            task = _take(change, task, _ordered(changed, task, wanted, change.at))
            change.record("canceled", "task", task_id, version=task.version)
        return tag(as_json(task), task.version)

    return work


def _found(task: Task | None) -> Task:
    if task is None:
        raise NotFound("There is no task with this id.")
    return task


def _own(identity: Identity, task: Task | None) -> Task:
    """The task, if it is there for whoever asks."""
    return _found(task if task is not None and identity.may_read_of(task.agent_id) else None)


def _locked(change: Change, task_id: str) -> Task:
    project_id = change.identity.project_id
    return _found(tasks.find(change.connection, project_id, task_id, for_update=True))


def _ordered(order: Any, *arguments: Any) -> Any:
    try:
        return order(*arguments)
    except TooMuchData as error:
        raise _wrong(error.field, str(error)) from None


def _take(change: Change, task: Task | None, event: TaskEvent) -> Task:
    """Fold the event, write the task as it is then, and let the event leave with the commit."""
    try:
        after = fold(task, event)
    except TransitionRefused as refused:
        state = refused.state.value if refused.state else None
        raise TransitionNotAllowed(str(refused), members={"current_state": state}) from None
    tasks.save(change.writes, change.identity.project_id, after)
    change.tell(
        event.agent_id,
        event.type,
        bytes(event.data),
        task_id=after.task_id,
        task_version=after.version,
    )
    return after


def _check_deadline(fields: dict[str, Any], now: datetime) -> None:
    deadline = fields.get("deadline_at")
    if deadline is not None and deadline <= now:
        raise _wrong("deadline_at", "It lies in the past.")


def _check_agent(change: Change, agent_id: str) -> None:
    if not change.has_agent(agent_id):
        raise _wrong("agent_id", "There is no agent with this id.")


def _check_parent(change: Change, task_id: str | None, fields: dict[str, Any]) -> None:
    parent_id = fields.get("parent_id")
    if parent_id is None:
        return
    connection, project_id = change.connection, change.identity.project_id
    tasks.hold_tree(connection, project_id)
    if tasks.find(connection, project_id, parent_id) is None:
        raise _wrong("parent_id", "There is no task with this id.")
    if task_id is not None and tasks.is_below(connection, project_id, parent_id, task_id):
        raise _wrong("parent_id", "It lies below this task, or is the task itself.")


def _wrong(field: str, detail: str) -> Unprocessable:
    return Unprocessable(
        "A field is not valid.", errors=[{"pointer": f"/{field}", "detail": detail}]
    )

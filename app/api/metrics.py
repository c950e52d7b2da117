"""``/metrics``: the whole installation for Prometheus, whichever web process answers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response
from flask_smorest import Blueprint
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.api.description.operation import Anybody, Media, described
from app.api.look import Look
from app.backplane.figures import Family, Figures, together
from app.core.logging import get_logger
from app.domain.backlog import backlog
from app.domain.batch import PartitionState
from app.eventlog.log import Depth, EventLog, LogUnavailable
from app.storage import partitions

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Rows:
    """What the partitions' rows say, by number."""

    states: Sequence[PartitionState]
    drained_at: Sequence[datetime]


class _Installation(Collector):
    """Everything that is known at this moment; what is out of reach is left out."""

    def __init__(
        self, figures: list[Family], depths: Sequence[Depth] | None, rows: Rows | None
    ) -> None:
        self._figures = figures
        self._depths = depths
        self._rows = rows

    def collect(self) -> Iterator[Metric]:
        yield from together(self._figures)
        if self._depths is not None:
            yield from _waiting(self._depths, self._rows)
        if self._rows is not None:
            yield _last_drains(self._rows.drained_at)


def create_blueprint(engine: Engine, eventlog: EventLog, figures: Figures) -> Blueprint:
    """The route that Prometheus scrapes."""
    blueprint = Blueprint("metrics", __name__, description="Figures for Prometheus.")
    others = Look(lambda: _others(figures))
    depths = Look(lambda: _depths(eventlog))
    rows = Look(lambda: _rows(engine))

    @blueprint.route("/metrics", tags=["health"])
    @described("get_metrics", Anybody.OPEN, {200: Media(CONTENT_TYPE_LATEST, {"type": "string"})})
    def metrics() -> Response:
        """Prometheus' text format: every process's figures, and what waits in the log."""
        registry = CollectorRegistry()
        registry.register(
            _Installation(
                figures.own() + (others.value() or []),
                depths.value(),
                rows.value(),
            )
        )
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint


def _waiting(depths: Sequence[Depth], rows: Rows | None) -> Iterator[Metric]:
    events = GaugeMetricFamily(
        "telltale_log_events", "Events waiting in the log", labels=["partition"]
    )
    lag = GaugeMetricFamily(
        "telltale_log_lag_seconds", "Age of the oldest waiting event", labels=["partition"]
    )
    now_s = time.time()
    for partition, depth in enumerate(depths):
        waits = backlog(depth, rows.states[partition] if rows else None, now_s)
        events.add_metric([str(partition)], waits.events)
        lag.add_metric([str(partition)], waits.lag_s)
    yield events
    yield lag


def _last_drains(drained_at: Sequence[datetime]) -> Metric:
    metric = GaugeMetricFamily(
        "telltale_last_drain_timestamp_seconds",
        "When events of the partition were stored last",
        labels=["partition"],
    )
    for partition, at in enumerate(drained_at):
        metric.add_metric([str(partition)], at.timestamp())
    return metric


def _others(figures: Figures) -> list[Family] | None:
    try:
        return figures.others()
    except RedisError as error:
        log.debug("no_figures", of="others", error=str(error))
        return None


def _depths(eventlog: EventLog) -> list[Depth] | None:
    try:
        return eventlog.depth()
    except LogUnavailable as error:
        log.debug("no_figures", of="log", error=str(error))
        return None


def _rows(engine: Engine) -> Rows | None:
    try:
        with engine.connect() as connection:
            return Rows(partitions.states(connection), partitions.drained_at(connection))
    except SQLAlchemyError as error:
        log.debug("no_figures", of="partitions", error=str(error).split("\n")[0])
        return None

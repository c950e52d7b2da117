"""What ``/metrics`` says, read as Prometheus reads it."""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.rest import Rest

TOLD_S = 30.0
"""Processes tell their figures every five seconds, and forget who ended after fifteen."""


class Figures:
    """One scrape of one web process."""

    def __init__(self, url: str) -> None:
        answer = Rest(url).get("/metrics")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/plain")
        self.families = list(text_string_to_metric_families(answer.body.decode()))
        self.samples = [
            (sample.name, dict(sample.labels), sample.value)
            for family in self.families
            for sample in family.samples
        ]

    def sum(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels, among others."""
        return sum(self._values(name, labels))

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is such a sample."""
        return bool(self._values(name, labels))

    def processes(self, kind: str) -> set[int]:
        """The ids of the processes of a kind that are told of."""
        return {
            int(labels["pid"]) for _, labels, _ in self.samples if labels.get("process") == kind
        }

    def _values(self, name: str, wanted: dict[str, str]) -> list[float]:
        return [
            value
            for found, labels, value in self.samples
            if found == name and wanted.items() <= labels.items()
        ]


def scrape_until(
    url: str, condition: Callable[[Figures], bool], timeout_s: float = TOLD_S
) -> Figures:
    """The first scrape for which the condition holds."""
    deadline = time.monotonic() + timeout_s
    while True:
        figures = Figures(url)
        if condition(figures):
            return figures
        assert time.monotonic() < deadline, [
            sample for sample in figures.samples if "telltale" in sample[0]
        ]
        time.sleep(0.1)

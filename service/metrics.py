"""Figures of the running service, in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from indexer.errors import TrellisError
from service.snapshot import Snapshot
from service.stages import Record

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The figures of one application. Labels are routes and words of our own, never anything that a caller sent."""

    def __init__(self, current: Callable[[], Sequence[Snapshot]]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each figure, of use to nobody here
        made = self._registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter("trellis_requests", "Requests answered.", ["method", "route", "status"], registry=made)
        self._seconds = Histogram(
            "trellis_request_seconds", "From the whole request to the end of its answer.", ["route"],
            buckets=_SECONDS, registry=made,
        )  # fmt: skip
        self._stages = Histogram(
            "trellis_stage_seconds", "Steps of an answer.", ["stage"], buckets=_SECONDS, registry=made
        )
        self._recalled = Counter(
            "trellis_answers", "Questions, by whether the answer was kept from before.", ["cache"], registry=made
        )
        self._refusals = Counter("trellis_refusals", "Requests refused, by why.", ["reason"], registry=made)
        self.waiting = Gauge("trellis_waiting_requests", "Requests that wait for a thread.", registry=made)
        self.streams = Gauge("trellis_streams", "Answers that a language model is writing.", registry=made)
        made.register(_IndexCollector(current))
        ProcessCollector(registry=made)
        PlatformCollector(registry=made)

    def answered(self, method: str, route: str, status: str, seconds: float, record: Record) -> None:
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)
        for stage, taken in record.seconds.items():
            self._stages.labels(stage).observe(taken)
        if record.recalled is not None:
            self._recalled.labels("hit" if record.recalled else "miss").inc()

    def refused(self, reason: str) -> None:
        self._refusals.labels(reason).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _IndexCollector(Collector):
    """Reads the index that answers now whenever somebody looks."""

    def __init__(self, current: Callable[[], Sequence[Snapshot]]) -> None:
        self._current = current

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily | InfoMetricFamily]:
        nodes = GaugeMetricFamily("trellis_index_nodes", "Notes in the index.", labels=["collection"])
        pending = GaugeMetricFamily(
            "trellis_index_pending", "Notes still to be embedded under new headings.", labels=["collection"]
        )
        age = GaugeMetricFamily(
            "trellis_index_age_seconds", "Since the generation was made that answers now.", labels=["collection"]
        )
        told = InfoMetricFamily("trellis_index", "What answers now.", labels=["collection"])
        for snapshot in self._snapshots():
            manifest, name = snapshot.generation.manifest, [snapshot.collection]
            nodes.add_metric(name, manifest.nodes)
            pending.add_metric(name, manifest.borrowed)
            age.add_metric(name, _age(manifest.created))
            told.add_metric(name, {"generation": snapshot.name, "model": manifest.model})
        yield from (nodes, pending, age, told)

    def _snapshots(self) -> Sequence[Snapshot]:
        try:
            return self._current()
        except TrellisError:
            return ()  # none can be asked at the moment


def _age(created: str) -> float:
    try:
        return max(0.0, time.time() - datetime.fromisoformat(created).timestamp())
    except ValueError:
        return 0.0

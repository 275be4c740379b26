"""Figures of the running service, in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from indexer.errors import TrellisError
from service.stages import Record

if TYPE_CHECKING:
    from service.snapshot import Snapshot

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable by which the library is told, before it is loaded, in which folder several processes keep their
figures.
"""
_PROCESSES = "processes"


class Metrics:
    """The figures of one application. Labels are routes and words of our own, never anything that a caller sent."""

    def __init__(self, current: Callable[[], Sequence[Snapshot]], shared: Path | None = None) -> None:
        """shared: the folder in which all processes of a service keep their figures; `SHARED` must have named it when this
        module was loaded. Counters are then those of all processes, and what is told of a process has its number.
        """
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
        self._gauges: list[tuple[Gauge, Callable[[], float]]] = []
        self._told = made
        if shared:
            self._told = CollectorRegistry(auto_describe=True)
            MultiProcessCollector(self._told, str(shared))  # type: ignore[no-untyped-call]
            self._told.register(_ProcessesCollector(shared))
        else:
            ProcessCollector(registry=made)
        self._told.register(_IndexCollector(current))
        PlatformCollector(registry=self._told)

    def count_waiting(self, count: Callable[[], float]) -> None:
        self._gauge("trellis_waiting_requests", "Requests that wait for a thread.", count)

    def count_streams(self, count: Callable[[], float]) -> None:
        self._gauge("trellis_streams", "Answers that a language model is writing.", count)

    def _gauge(self, name: str, help_text: str, count: Callable[[], float]) -> None:
        gauge = Gauge(name, help_text, registry=self._registry, multiprocess_mode="livesum")
        self._gauges.append((gauge, count))

    def _set_gauges(self) -> None:
        """Other processes can see only what was set."""
        for gauge, count in self._gauges:
            gauge.set(count())

    def answered(self, method: str, route: str, status: str, seconds: float, record: Record) -> None:
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(route).observe(seconds)
        for stage, taken in record.seconds.items():
            self._stages.labels(stage).observe(taken)
        self._set_gauges()
        if record.recalled is not None:
            self._recalled.labels("hit" if record.recalled else "miss").inc()

    def refused(self, reason: str) -> None:
        self._refusals.labels(reason).inc()

    def text(self) -> bytes:
        self._set_gauges()
        return generate_latest(self._told)


def tell_processes(shared: Path, processes: Mapping[int, int]) -> None:
    """Leaves for all of them which processes there are: their ids by their numbers."""
    aside = shared / f".{_PROCESSES}"
    aside.write_bytes(msgspec.json.encode(processes))
    aside.replace(shared / _PROCESSES)


def forget_process(shared: Path, pid: int) -> None:
    """What a process that has ended had under way is no more; what it counted stays."""
    mark_process_dead(pid, str(shared))  # type: ignore[no-untyped-call]


class _ProcessesCollector(Collector):
    """What the system says of each process of the service."""

    def __init__(self, shared: Path) -> None:
        self._path = shared / _PROCESSES

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        processes = msgspec.json.decode(self._path.read_bytes(), type=dict[int, int])
        yield GaugeMetricFamily("trellis_processes", "Processes that answer or are about to.", len(processes))
        families: dict[str, Metric] = {}
        for number, pid in processes.items():
            for found in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                family = families.setdefault(found.name, Metric(found.name, found.documentation, found.type))
                for sample in found.samples:
                    family.add_sample(sample.name, {"process": str(number)}, sample.value)
        yield from families.values()


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

"""What answers: the indexes of a service opened and kept up to date, by itself or by whoever updates them elsewhere."""

from __future__ import annotations

import logging
import threading
from collections.abc import MutableSequence, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from indexer.errors import TrellisError
from service.cli.support import plain
from service.collections import Collections, Encoders, OpenCollection
from service.config import Config

if TYPE_CHECKING:
    from indexer.build import Report
    from indexer.merge import Merged
    from indexer.shards import Shard

Flags = MutableSequence[bool]
_log = logging.getLogger("trellis.serving")
_INTERVAL = 0.5
"""Seconds between two looks for a new generation: each reads 65 bytes."""


class Refresher(threading.Thread):
    """Takes up what somebody else indexes. Looking is all that also works on a disk of another machine."""

    def __init__(self, members: Sequence[OpenCollection]) -> None:
        super().__init__(name="refresher", daemon=True)
        self._members = members
        self._stopped = threading.Event()
        self._troubles: dict[str, str] = {}

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.wait(_INTERVAL):
            for member in self._members:
                self._look(member)

    def _look(self, member: OpenCollection) -> None:
        """What is wrong is said once, for as long as it is the same."""
        trouble = ""
        try:
            member.refresh()
        except (TrellisError, OSError) as error:
            trouble = str(error)
        except Exception:
            _log.exception("a new index could not be opened; the one before goes on answering")
        if trouble and trouble != self._troubles.get(member.name):
            _log.warning("the index before goes on answering: %s", trouble)
        self._troubles[member.name] = trouble


def open_indexes(
    config: Config, *, follows: bool, behind: Flags | None = None
) -> tuple[Collections, Sequence[threading.Thread]]:
    """All collections, ready to answer, and the threads that keep them so, not started yet. follows: brings the indexes up to
    date first; otherwise somebody else does. behind: where the one who follows the notes tells the others, for each collection,
    that its index is behind them. Raises TrellisError when none can be asked.
    """
    from indexer.machine import give_back_memory
    from service.batching import SharedEncoder

    served = Collections.of(config, Encoders(SharedEncoder))
    keeping: list[threading.Thread] = []
    flags = [False] * len(served.members) if behind is None else behind
    if not follows:
        keeping = [Refresher(served.members)]
        for at, member in enumerate(served.members):
            member.is_behind = partial(_is_behind, member, flags, at)
    elif config.watch:
        from service.follow import Follower

        for at, member in enumerate(served.members):
            follower = Follower(
                member.notes, partial(_follow, member), member.leave_out, partial(flags.__setitem__, at)
            )
            member.is_behind = partial(getattr, follower, "behind")
            keeping.append(follower)
    if follows:
        for member in served.members:
            _bring_up(member)
    served.asked()  # one at least has to answer
    give_back_memory()
    return served, keeping


def _is_behind(member: OpenCollection, flags: Flags, at: int) -> bool:
    """Whether the notes are ahead of the index, or the index of what is served of it."""
    return bool(flags[at]) or member.is_outdated()


def build(member: OpenCollection, shard: Shard | None = None, anew: bool = False) -> Report:
    """Brings a collection, or a part of it, up to date under the eyes of whoever waits for it. anew: see
    `OpenCollection.update`. Raises TrellisError.
    """
    from service.cli.show import ProgressBars

    with ProgressBars() as bars:
        return member.update(bars, shard, anew=anew)


def merge(member: OpenCollection, parts: Sequence[Path]) -> Merged:
    """Makes a collection out of parts. Raises TrellisError."""
    from service.cli.show import ProgressBars

    with ProgressBars() as bars:
        return member.merge(parts, bars)


def _bring_up(member: OpenCollection) -> None:
    """Indexes and opens a collection. One with a name that cannot be used does not keep the others from being served."""
    from service.cli.show import show_indexed

    try:
        report = build(member)
        click.echo(plain("".join(show_indexed(report, member.name)[::-1])), err=True)
    except TrellisError as error:
        if not member.name:
            raise
        member.fail(error)
        click.echo(f"trellis: {member.name}: {plain(str(error))}", err=True)
    state = member.state()
    if member.name and state.state != "ready":
        click.echo(f"trellis: {member.name} is not served: {plain(state.problem)}", err=True)


def _follow(member: OpenCollection) -> None:
    name = f"{member.name}: " if member.name else ""
    member.follow(lambda message: click.echo(f"trellis: {name}{message}", err=True))

"""What a build tells of itself, while it runs and when it is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import msgspec

from indexer.account import Account
from indexer.milvus.publication import Publication
from indexer.node import Problem

_NAMES_SHOWN = 20

Progress = Callable[[str, int, int], None]
"""Hears what is being done, how much of it is done, and how much there is."""


class Report(msgspec.Struct, frozen=True):
    """What a build did. embedded: nodes with a new vector. kept: nodes whose vectors were taken over.
    removed: nodes of the old index that are gone. resumed: of the embedded ones, those that an earlier run that was stopped had
    left. borrowed: chunks that are found by a vector made under other headings, for now; the next build makes more of theirs.
    notice: why everything was built anew, or "". skipped: what in the notes folders was passed over, by why.
    accounts: where the lines of each file went. published: what came of it in Milvus, if that is set up.
    """

    generation: str
    files: int
    nodes: int
    embedded: int
    kept: int
    removed: int
    resumed: int
    borrowed: int
    problems: list[Problem]
    notice: str
    seconds: float
    skipped: list[Skipped] = []
    accounts: list[Account] = []
    published: Publication | None = None


class Skipped(msgspec.Struct, frozen=True):
    """Files and folders that were passed over for one reason. names: the first of them."""

    reason: str
    count: int
    names: list[str]


def ignore(what: str, done: int, total: int) -> None:
    """For those who need not hear of progress."""


def by_reason(skipped: Sequence[tuple[str, str]]) -> list[Skipped]:
    """The commonest reason first."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name, reason in skipped:
        names[reason].append(name)
    groups = [Skipped(reason, len(some), some[:_NAMES_SHOWN]) for reason, some in names.items()]
    return sorted(groups, key=lambda group: -group.count)

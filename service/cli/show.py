"""Answers as text for a terminal, and progress bars."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from service.types import Answer, CollectionState, Explanation, Outdated, RelatedResults, Result

if TYPE_CHECKING:
    from indexer.account import Account
    from indexer.build import Report
    from indexer.milvus.publication import Publication

_PROBLEMS_SHOWN = 100
_UNITS = {"reading": " files", "asking": " questions"}


class ProgressBars:
    """What each stage of long work has done, its rate and the time that remains, on standard error: a bar on a terminal, and a
    line now and then elsewhere.
    """

    def __init__(self, every: float = 5.0) -> None:
        """`every`: seconds between two lines."""
        self._bars: dict[str, Any] = {}
        self._every = every

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for bar in self._bars.values():
            bar.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        from tqdm import tqdm

        bar = self._bars.get(stage)
        if bar is None:
            unit = _UNITS.get(stage, " notes")
            if sys.stderr.isatty():
                bar = tqdm(initial=done, total=total, desc=stage, unit=unit)
            else:
                bar = _Lines(done, total, stage, unit, self._every)
            self._bars[stage] = bar
        bar.update(done - bar.n)
        if done == total:
            bar.close()


class _Lines:
    """As much of a tqdm bar as is used here, for what is no terminal."""

    def __init__(self, initial: int, total: int, stage: str, unit: str, every: float) -> None:
        self.n = self._initial = initial
        self._total, self._stage, self._unit, self._every = total, stage, unit, every
        self._started = self._told = time.monotonic()

    def update(self, more: int) -> None:
        self.n += more
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told = now
        rate = (self.n - self._initial) / max(now - self._started, 1e-9)
        left = f", {(self._total - self.n) / rate:,.0f} s left" if rate and self.n < self._total else ""
        print(
            f"{self._stage}: {self.n:,} of {self._total:,}{self._unit}, {rate:,.0f} a second{left}",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        pass


def show_accounts(accounts: Sequence[Account]) -> str:
    """A line a file and one for all of them; they add up."""
    from indexer.account import Account  # only indexing needs the readers, and `trellis ask` should start quickly

    syntax: Counter[str] = Counter()
    for account in accounts:
        syntax.update(account.syntax)
    whole = Account(
        "all files",
        f"{len(accounts):,}",
        sum(account.lines for account in accounts),
        sum(account.in_nodes for account in accounts),
        sum(account.blank for account in accounts),
        dict(syntax.most_common()),
        sum(account.missing for account in accounts),
        [number for account in accounts for number in account.unaccounted][:1],
    )
    return "\n".join(map(str, [*accounts, whole]))


def show_indexed(report: Report, name: str = "", accounted: bool = False) -> tuple[str, str]:
    """What a build did, and what is to be said about it besides; name: of the collection."""
    head = f"{name}: " if name else ""
    resumed = f" ({report.resumed:,} before an interruption)" if report.resumed else ""
    summary = (
        f"{head}{report.nodes:,} nodes of {report.files:,} files: {report.embedded:,} embedded{resumed}, "
        f"{report.kept:,} kept, {report.removed:,} removed, in {report.seconds:.1f} s"
    )
    if report.published:
        summary += f"\n{head}{_show_published(report.published)}"
    remarks = [report.notice] if report.notice else []
    remarks += map(str, report.problems[:_PROBLEMS_SHOWN])
    if len(report.problems) > _PROBLEMS_SHOWN:
        remarks.append(f"and {len(report.problems) - _PROBLEMS_SHOWN:,} more")
    lines = [f"trellis: {head}{remark}" for remark in remarks] + [f"{head}{line}" for line in _skipped(report)]
    printed = f"{show_accounts(report.accounts)}\n{summary}" if accounted else summary
    return printed, "".join(f"{line}\n" for line in lines)


def _show_published(done: Publication) -> str:
    repaired = ", what had been broken off is mended" if done.repaired else ""
    moved = ", in a new collection" if done.moved else ""
    return f"published: {done.records:,} records, {done.upserted:,} written, {done.deleted:,} deleted{moved}{repaired}"


def _skipped(report: Report) -> list[str]:
    """What was passed over and why; hidden files go without saying."""
    lines = []
    for group in report.skipped:
        if group.reason != "hidden":
            names = ", ".join(group.names[:3]) + (", …" if group.count > 3 else "")
            lines.append(f"passed over {group.count:,}: {group.reason}: {names}")
    return lines


def show_answer(answer: Answer) -> str:
    """The quotation first, then the excerpts with their trails and places."""
    if answer.answered and answer.answer:
        head = [f"“{answer.answer.text}”", f"({answer.confidence:.0%} sure)"]
    else:
        head = [f"This is not in your notes ({1 - answer.confidence:.0%} sure). The nearest:"]
    if answer.outdated and not answer.answered:
        head = ["What came nearest was changed or deleted after your notes were indexed. What is left:"]
    head += map(_show_outdated, answer.outdated)
    return "\n\n".join(["\n".join(head), *map(_show_result, answer.results)])


_STALE = {
    "changed": "the file was changed since it was indexed; this still stands in it",
    "deleted": "this does not stand in its file any more",
    "unreachable": "the file cannot be read now; this is what it said when it was indexed",
}


def _show_outdated(file: Outdated) -> str:
    places = f"{file.places} place{'' if file.places == 1 else 's'}"
    why = "is no longer there" if file.state == "deleted" else "was changed since it was indexed"
    where = f"[{file.collection}] {file.file}" if file.collection else file.file
    return f"Left out: {places} of {where}, which {why}; 'trellis index' brings the index up to date."


def _show_result(result: Result) -> str:
    trail = " > ".join(result.path) or "(top level)"
    lines = [f"{trail}   {_place(result)}   {result.score:.2f}"]
    for line in result.excerpt:
        marker = f"{line.marker} " if line.marker else ""
        lines.append(f"{'>' if line.hit else ' '} {'    ' * line.depth}{marker}{line.text}")
    if result.stale:
        lines.append(f"  ({_STALE[result.stale]})")
    return "\n".join(lines + (_show_why(result.why) if result.why else []))


def _place(result: Result) -> str:
    collection = f"[{result.collection}] " if result.collection else ""
    return f"{collection}{result.source.file}:{result.source.line}"


def show_unavailable(states: Sequence[CollectionState]) -> str:
    """What is to be said besides about collections that could not be asked."""
    return "".join(f"trellis: {state.name} was not asked: {state.problem}\n" for state in states)


def _show_why(why: Explanation) -> list[str]:
    lines = [f"  why: read as “{why.understood}”"]
    lines += [f"    {view.name} {view.value:.2f} (counts {view.weight:.0%}): {view.meaning}" for view in why.views]
    for match in why.words:
        where = f"line {match.line}" + (", above" if match.inherited else "")
        told = f"{match.match} " if match.match else ""
        lines.append(f"    {match.word} ({match.weight:.0%}) ~ {told}{match.similarity:.2f} ({where})")
    return lines + [f"    {reason}" for reason in why.merged]


def show_related(found: RelatedResults) -> str:
    lines = []
    for node in found.results:
        trail = " > ".join([*node.path, node.text])
        stale = f"  ({_STALE[node.stale]})" if node.stale else ""
        lines.append(f"{node.score:.2f}  {node.id}  {node.source.file}:{node.source.line}  {trail}{stale}")
    return "\n".join(lines) or "Nothing else in the notes is related."

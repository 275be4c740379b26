"""Answers as text for a terminal, and progress bars."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from service.types import Answer, RelatedResults, Result


class ProgressBars:
    """One bar for each stage of a build that takes long, on standard error."""

    def __init__(self) -> None:
        self._bars: dict[str, Any] = {}

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
            bar = self._bars[stage] = tqdm(total=total, desc=stage, unit=" files" if stage == "reading" else " notes")
        bar.update(done - bar.n)


def show_answer(answer: Answer) -> str:
    """The quotation first, then the excerpts with their trails and places."""
    if answer.answered and answer.answer:
        head = [f"“{answer.answer.text}”", f"({answer.confidence:.0%} sure)"]
    else:
        head = [f"This is not in your notes ({1 - answer.confidence:.0%} sure). The nearest:"]
    return "\n\n".join(["\n".join(head), *map(_show_result, answer.results)])


def _show_result(result: Result) -> str:
    trail = " > ".join(result.path) or "(top level)"
    lines = [f"{trail}   {result.source.file}:{result.source.line}   {result.score:.2f}"]
    for line in result.excerpt:
        marker = f"{line.marker} " if line.marker else ""
        lines.append(f"{'>' if line.hit else ' '} {'    ' * line.depth}{marker}{line.text}")
    return "\n".join(lines)


def show_related(found: RelatedResults) -> str:
    lines = []
    for node in found.results:
        trail = " > ".join([*node.path, node.text])
        lines.append(f"{node.score:.2f}  {node.id}  {node.source.file}:{node.source.line}  {trail}")
    return "\n".join(lines) or "Nothing else in the notes is related."

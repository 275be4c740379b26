"""Answers of tools as text: short, and with all that a citation needs."""

from __future__ import annotations

from collections.abc import Sequence

from service.mcp.shapes import Asked, Note, Place, Related, Searched
from service.types import CollectionState

MOST_TEXT = 12_000
"""Characters of one answer. A model that wants more reads on by the ids that it has got."""
_CUT = "\n(cut here: ask for fewer places, or read single notes with read_note)"


def tell_answer(found: Asked) -> str:
    if found.answered:
        head = f"Answered by the notes (probability {found.confidence:.2f})."
        if found.quote:
            head += f"\n\n“{found.quote}”\nQuoted word for word from {found.quoted_from}"
    else:
        head = f"The notes do not answer this (probability that they do: {found.confidence:.2f})."
        head += " Do not present what follows as an answer; it is what comes nearest." if found.places else ""
    return _whole([head, *found.remarks, *_places(found.places)])


def tell_found(found: Searched) -> str:
    return _whole([f"{len(found.places)} places, the nearest first.", *found.remarks, *_places(found.places)])


def tell_note(note: Note) -> str:
    head = f"{' > '.join([*note.path, note.text])}\n{note.source.file}:{note.source.line}   {note.uri}"
    if note.attributes:
        head += "\n" + ", ".join(f"{each.name}: {each.value}" for each in note.attributes)
    if note.stale:
        head += f"\n(its file was {note.stale} since the notes were indexed)"
    rows = [
        f"{row.line:>5} {'>' if row.here else ' '} {'    ' * row.depth}{row.text}   [{row.node}]"
        for row in note.outline
    ]
    last = note.start + len(note.outline)
    more = f"Rows {note.start} to {last - 1} of {note.total}; 'start': {last} reads on." if last < note.total else ""
    return _whole([head, "\n".join(rows), more])


def tell_related(found: Related) -> str:
    notes = [
        f"{n}. {' > '.join([*each.path, each.text])}\n   {each.source.file}:{each.source.line}   {each.uri}"
        + (f"\n   {each.because}" if each.because else "")
        for n, each in enumerate(found.notes, 1)
    ]
    return _whole(notes) or "Nothing else in the notes is related."


def tell_collections(states: Sequence[CollectionState]) -> str:
    lines = []
    for state in states:
        name = state.name or "(one collection, without a name)"
        about = f"{state.nodes:,} notes" if state.state == "ready" else f"cannot be asked: {state.problem}"
        lines.append(f"{name}: {state.title}, {about}" if state.title not in ("", state.name) else f"{name}: {about}")
    return "\n".join(lines)


def _places(places: Sequence[Place]) -> list[str]:
    return [_place(n, place) for n, place in enumerate(places, 1)]


def _place(n: int, place: Place) -> str:
    trail = " > ".join(place.path) or "(top level)"
    stale = f"   (its file was {place.stale} since it was indexed)" if place.stale else ""
    lines = [f"{line.line:>5} {'>' if line.hit else ' '} {'    ' * line.depth}{line.text}" for line in place.lines]
    head = f"{n}. {trail}\n   {place.source.file}:{place.source.line}   {place.uri}{stale}"
    return "\n".join([head, *lines])


def _whole(parts: Sequence[str]) -> str:
    text = "\n\n".join(part for part in parts if part)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - len(_CUT)] + _CUT

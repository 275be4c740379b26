"""The findability report as one page that stands alone: no script, nothing from elsewhere, every note's text escaped."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import structs

from service.measure.misses import REASONS
from service.measure.plots import rank_columns, shares
from service.measure.report import Findability, Found, ReportError
from service.measure.report_text import percent, shorten

_GROUPS = 16
"""More files or levels than this make a plot too long; the table has them all."""
_LISTED = 200
_TEXT = 400


def render_report(result: Findability) -> str:
    """HTML; the same for the same result."""
    page = Environment(
        loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.filters |= {"percent": percent, "shorten": lambda text: shorten(text, _TEXT)}
    files, depths = _worst(result.files), [_level(group) for group in result.depths]
    title = "By file" if files == result.files else f"By file, the {len(files)} least findable"
    return page.get_template("report.html").render(
        result=result,
        meanings=REASONS,
        columns=rank_columns(result.ranks, len(result.misses)),
        plots=[
            shares("depths", "By depth", depths[:_GROUPS]),
            shares("lengths", "By length of the text", result.lengths),
            shares("files", title, files),
        ],
        tables=[("Depth", depths), ("Length", result.lengths), ("File", result.files)],
        listed=_LISTED,
    )


def _worst(groups: Sequence[Found]) -> Sequence[Found]:
    """All groups in their order, or those that are least findable when there are too many for a plot."""
    if len(groups) <= _GROUPS:
        return groups
    return sorted(groups, key=lambda group: (group.found10, group.found1, group.name))[:_GROUPS]


def _level(group: Found) -> Found:
    return structs.replace(group, name="top level" if group.name == "0" else f"level {int(group.name) + 1}")


def check_request(gate: float | None, out: Path) -> None:
    """What can be refused before the long work. Raises ReportError."""
    if gate is not None and not 0 <= gate <= 1:
        raise ReportError(f"The gate is a share from 0 to 1, not {gate:g}.")
    if out.is_dir() or not out.parent.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ReportError(f"'{out}' cannot be written: give a file in a folder that exists.")


def write_page(out: Path, page: str) -> None:
    """Raises ReportError."""
    try:
        out.write_bytes(page.encode("utf-8", "replace"))
    except OSError as error:
        raise ReportError(f"'{out}' cannot be written: {error.strerror}") from error

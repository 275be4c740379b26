"""Files as resources: an outline in, its text out."""

from __future__ import annotations

from service.collections import Collections, OpenCollection
from service.mcp.reader import LocalReader
from service.mcp.resources import text_of
from service.snapshot import Current
from tests.conftest import TINY_MODEL, Workshop


def read(workshop: Workshop, file: str) -> list[str]:
    workshop.build()
    current = Current(workshop.index, TINY_MODEL, workshop.encoder)
    reader = LocalReader(Collections([OpenCollection.around(current)]))
    return text_of(reader, f"trellis://notes/file/{file}").split("\n")


def test_a_file_is_read_as_it_is_indented_with_its_lines(workshop: Workshop) -> None:
    workshop.write("Kitchen\n\tBread\n\t\trye\nGarden\n")
    assert read(workshop, "notes.txt") == [
        "notes.txt",
        "    1 Kitchen",
        "    2     Bread",
        "    3         rye",
        "    4 Garden",
    ]


def test_a_very_deep_file_is_indented_so_far_and_no_further(workshop: Workshop) -> None:
    workshop.write("".join("\t" * depth + f"level {depth}\n" for depth in range(300)))
    _, *rows = read(workshop, "notes.txt")
    assert [row.split() for row in rows] == [[str(depth + 1), "level", str(depth)] for depth in range(300)]
    indents = [row.index("level") - rows[0].index("level") for row in rows]
    assert indents == [4 * min(depth, 40) for depth in range(300)]

"""Nodes in, what is embedded out."""

import hashlib
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.chunks import CHUNKING, Chunk, cut_chunks, too_long
from indexer.readers import read_outline


def chunks(text: str) -> list[Chunk]:
    return list(cut_chunks(read_outline("notes.txt", dedent(text).lstrip("\n").encode())))


def test_a_chunk_is_the_text_behind_its_path() -> None:
    cut = chunks(
        """
        Identity
            STS
                - AssumeRole gives the
                  caller temporary keys
        """
    )
    assert [chunk.text for chunk in cut] == [
        "Identity",
        "Identity > STS",
        "Identity > STS > AssumeRole gives the caller temporary keys",
    ]
    assert [(chunk.node, chunk.trail, chunk.piece) for chunk in cut][2] == (
        2,
        "Identity > STS",
        "AssumeRole gives the caller temporary keys",
    )


def test_the_file_is_no_part_of_what_is_embedded_so_a_renamed_file_costs_nothing() -> None:
    one, other = (list(cut_chunks(read_outline(file, b"A\n  b\n"))) for file in ("one.txt", "other.txt"))
    assert one == other


def test_hashes_are_pinned_because_an_index_is_updated_by_them() -> None:
    assert CHUNKING == 2
    [_, chunk] = chunks("Café\n  ☕\n")
    assert chunk.hash == hashlib.sha256("Café > ☕".encode()).digest()
    assert chunk.hash.hex().startswith("6f9116d39f095a4f")


def test_a_change_above_changes_every_hash_below() -> None:
    before, after = chunks("A\n  b\n    c\nD\n"), chunks("X\n  b\n    c\nD\n")
    assert [one.hash == other.hash for one, other in zip(before, after, strict=True)] == [False, False, False, True]


def test_a_long_ancestor_is_shortened_in_the_path_only() -> None:
    long = "An ancestor that goes on and on " * 10 + "to its end."
    [top, child] = chunks(f"{long}\n  child\n")
    assert top.piece == long
    assert len(child.trail) <= 100
    assert child.trail.endswith("…")
    assert long.startswith(child.trail.removesuffix("…"))


def test_a_deep_path_keeps_its_outermost_and_its_nearest_ancestors() -> None:
    levels = 10_000
    deepest = chunks("\n".join(" " * level + f"Level {level}." for level in range(levels)))[-1]
    trail = deepest.trail.split(" > ")
    assert (trail[0], trail[1], trail[-1]) == ("Level 0.", "…", f"Level {levels - 2}.")
    assert len(deepest.trail) < 400


@pytest.mark.parametrize("space", [" ", ""], ids=["words", "one word"])
def test_a_long_node_is_cut_into_overlapping_pieces_that_lose_nothing(space: str) -> None:
    text = space.join(f"w{number:04}" for number in range(1500))
    cut = chunks(f"Top\n  {text}\n")[1:]
    assert len(cut) > 5
    assert {chunk.node for chunk in cut} == {1}
    assert {chunk.trail for chunk in cut} == {"Top"}
    assert all(chunk.piece in text and len(chunk.piece) <= 1020 for chunk in cut)
    end = 0
    for chunk in cut:
        start = text.index(chunk.piece)
        assert start <= end
        end = start + len(chunk.piece)
    assert end == len(text)


@pytest.mark.parametrize(
    ("text", "longest"),
    [("茶馆的笔记很长。" * 500, 256), ("บันทึกฟาร์มเห็ด" * 300, 256), ("日本語とEnglish mixed。" * 300, 600)],
)
def test_scripts_without_spaces_are_cut_into_what_a_model_reads_whole(text: str, longest: int) -> None:
    pieces = [chunk.piece for chunk in chunks(text)]
    assert all(0 < len(piece) <= longest for piece in pieces)
    assert "".join(sorted(set("".join(pieces)))) == "".join(sorted(set(text)))
    start = 0
    for piece in pieces:
        at = text.index(piece, max(start - longest, 0))
        assert at <= start
        start = max(start, at + len(piece))
    if "。" in text:
        assert all(piece.endswith("。") for piece in pieces)


@given(st.integers(1, 5000), st.integers(1, 300))
def test_pieces_cover_texts_of_every_length(length: int, word: int) -> None:
    text = " ".join("x" * word for _ in range(length // (word + 1) + 1))
    pieces = [chunk.piece for chunk in chunks(text)]
    assert all(0 < len(piece) <= 1020 for piece in pieces)
    assert sum(map(len, pieces)) >= len(text) - len(pieces)
    assert text.startswith(pieces[0])
    assert text.endswith(pieces[-1])


@pytest.mark.parametrize("text", ["x" * 1_000_000, "word " * 200_000 + "end"])
def test_the_end_of_a_huge_node_is_given_up_with_a_report(text: str) -> None:
    outline = read_outline("notes.txt", f"Top\n  {text}\n".encode())
    assert len(list(cut_chunks(outline))) == 1 + 64
    [problem] = too_long(outline)
    assert str(problem).startswith(f"notes.txt:2: {len(text):,} characters long: only the first ")


@pytest.mark.parametrize("length", [900, 1020, 1021, 40_000, 49_000, 49_920, 50_040, 50_041, 51_000])
@pytest.mark.parametrize("word", [7, 600])
def test_whatever_is_given_up_is_reported(length: int, word: int) -> None:
    text = ("x" * (word - 1) + " ") * (length // word) + "x" * (length % word) + "END"
    outline = read_outline("notes.txt", text.encode())
    found = any(chunk.piece.endswith("END") for chunk in cut_chunks(outline))
    assert found or too_long(outline)


def test_every_node_has_a_chunk_and_chunks_come_in_the_order_of_nodes() -> None:
    cut = chunks("Notes:\n  A\n    - b\n    - b\n  C\n")
    assert [chunk.node for chunk in cut] == [0, 1, 2, 3, 4]
    assert [chunk.text for chunk in cut] == ["Notes:", "A", "A > b", "A > b", "C"]

"""An index that grew by edits, segment by segment, against one that was built at once from the same notes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import generation_writing, plan
from indexer.generation import Generation, open_generation, read_manifest
from indexer.plan import segments_to_keep
from indexer.quoting import content_hash
from indexer.vectors import nearest, stored_vectors
from tests.conftest import TINY_MODEL, Workshop

WORDS = ["valve", "pump", "STS", "Security Token Service", "cafe", "pumps", "keys", "#urgent", "TODO turn", "id:: x"]


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three chunks are a segment of their own, so that a few lines make several."""
    monkeypatch.setattr(plan, "_SMALL", 3)
    monkeypatch.setattr(plan, "_GROWTH", 1)


def opened(shop: Workshop) -> Generation:
    return open_generation(shop.index, TINY_MODEL, thorough=True)


def all_of(generation: Generation) -> dict[str, object]:
    """Everything that the rest of Trellis can learn of a generation."""
    store = generation.store
    rows, chunks = range(len(store)), np.arange(len(store.chunk_node))
    words = ["valve", "pump", "sts", "key", "cafe", "urgent", "token", "turn", "one", "two"]
    return {
        "nodes": store.nodes(rows),
        "ids": [store.row_of(store.id_of(row)) for row in rows],
        "paths": [store.path(row) for row in rows],
        "attributes": [store.attributes(row) for row in rows],
        "values": store.attribute_values(),
        "tags": store.statements(["tag", "todo", "title"]),
        "found": [(found.tolist(), scores.tolist()) for found, scores in (store.match([word]) for word in words)],
        "together": store.match(words, 5)[0].tolist(),
        "counts": [store.chunks_with(word) for word in words],
        "vocabulary": store.vocabulary,
        "acronyms": [(store.uses(short), store.spelled_out(short)) for short in ("STS", "AWS")],
        "quoted": [
            store.rows_quoted(" ".join(node.lines)[:20], content_hash(" ".join(node.lines)))
            for node in store.nodes(rows)
        ],
        "headings": store.headings,
        "made of": store.made_of().tolist(),
        "vectors": stored_vectors(generation.vectors, chunks).tolist(),
        "tokens": [generation.tokens.of_chunk(row).tolist() for row in chunks.tolist()],
        "problems": store.problems(),
        "accounts": store.accounts(),
        "files": generation.manifest.sources,
    }


def fresh(shop: Workshop) -> dict[str, object]:
    """The same notes, indexed at once."""
    other = Workshop.__new__(Workshop)
    other.notes, other.encoder = shop.notes, shop.encoder
    with tempfile.TemporaryDirectory() as folder:
        other.index = Path(folder) / "index"
        other.build()
        return all_of(opened(other))


lines = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(WORDS)), min_size=1, max_size=12)
texts = lines.map(lambda found: "\n".join(f"{'  ' * depth}- {word}" for depth, word in found) + "\n")
edits = st.tuples(st.sampled_from(["a.txt", "b.md", "c.txt"]), st.none() | texts)


@settings(max_examples=60)
@given(st.lists(edits, min_size=1, max_size=8))
def test_after_any_edits_the_index_is_the_one_built_at_once(changes: list[tuple[str, str | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        shop.write("- always here\n", "z.txt")
        for file, text in changes:
            if text is None:
                (shop.notes / file).unlink(missing_ok=True)
            else:
                shop.write(text, file)
            shop.build()
        assert all_of(opened(shop)) == fresh(shop)


@pytest.fixture
def grown(workshop: Workshop) -> Workshop:
    """Four files and, after two edits, three segments."""
    for name in "abch":
        workshop.write("".join(f"- {name} line {number}\n" for number in range(40)), f"{name}.txt")
    workshop.build()
    workshop.write("".join(f"- b other {number}\n" for number in range(12)), "d.txt")
    workshop.build()
    workshop.write("".join(f"- e more {number}\n" for number in range(5)), "e.txt")
    workshop.build()
    return workshop


def segments(shop: Workshop) -> list[str]:
    return [segment.name for segment in read_manifest(shop.index)[1].segments]


def test_an_edit_leaves_the_large_segments_as_they_are(grown: Workshop) -> None:
    before = segments(grown)
    assert len(before) == 3
    files = {path: path.stat().st_mtime_ns for path in (grown.index / "segments" / before[0]).iterdir()}
    grown.write("- something new\n" + "".join(f"- b line {number}\n" for number in range(30)), "b.txt")
    report = grown.build()
    assert (report.embedded, report.removed) == (1, 10)
    assert segments(grown)[0] == before[0]
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert all_of(opened(grown)) == fresh(grown)


def test_what_was_deleted_is_found_no_more(grown: Workshop) -> None:
    (grown.notes / "b.txt").unlink()
    grown.build()
    generation = opened(grown)
    assert generation.store.match(["b"])[0].tolist() == [*range(80, 92)]  # only those of the other file
    query = stored_vectors(generation.vectors, np.array([0]))[0]
    assert len(nearest(generation.vectors, query, 500)[1]) == 137
    assert "line" in generation.store.vocabulary


def test_a_segment_mostly_of_deleted_notes_is_merged(grown: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_writing, "_KEEP_FOR", 0)
    before = segments(grown)
    for name in "ab":
        (grown.notes / f"{name}.txt").unlink()
    grown.build()
    assert before[0] not in segments(grown)
    assert all_of(opened(grown)) == fresh(grown)
    grown.write("- one more\n", "f.txt")
    grown.build()
    grown.write("- and more\n", "g.txt")
    grown.build()
    kept = {path.name for path in (grown.index / "segments").iterdir()}
    assert before[0] not in kept  # the folder is cleared once no generation has it


def test_unchanged_files_are_not_read(grown: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = __import__("indexer.build", fromlist=["x"]).read_with_account

    def reading(file: str, *rest: object) -> object:
        read.append(file)
        return real(file, *rest)

    monkeypatch.setattr("indexer.build.read_with_account", reading)
    grown.write("- b line 0\n", "b.txt")
    grown.build()
    assert read == ["b.txt"]


def test_a_file_that_others_refer_to_is_read_with_them(workshop: Workshop) -> None:
    block = "11111111-2222-3333-4444-555555555555"
    (workshop.notes / "logseq").mkdir()
    (workshop.notes / "logseq" / "config.edn").write_text("{}")
    workshop.write(f"- the pump\n  id:: {block}\n", "pages/one.md")
    workshop.write(f"- see (({block}))\n", "pages/two.md")
    workshop.write("- nothing\n", "pages/three.md")
    workshop.build()
    assert [node.text for node in opened(workshop).store.nodes(range(3))] == ["the pump", "nothing", "see the pump"]
    workshop.write(f"- the valve\n  id:: {block}\n", "pages/one.md")
    workshop.build()
    assert [node.text for node in opened(workshop).store.nodes(range(3))] == ["the valve", "nothing", "see the valve"]


@pytest.mark.parametrize(
    ("sizes", "live", "new", "kept"),
    [
        ([], [], 5, 0),
        ([100_000], [100_000], 30, 1),
        ([100_000, 200], [100_000, 200], 30, 1),  # small ones are always merged
        ([100_000, 20_000], [100_000, 20_000], 30, 2),
        ([100_000, 20_000], [100_000, 20_000], 6_000, 0),  # merging the second makes it too large beside the first
        ([100_000, 20_000], [60_000, 20_000], 1, 0),  # the first is worn
        ([100_000, 20_000], [100_000, 9_000], 1, 1),
        ([2_000], [2_000], 1, 0),
    ],
)
def test_which_segments_stay(
    sizes: list[int], live: list[int], new: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assert segments_to_keep(sizes, live, new) == kept


def test_segments_stay_few_however_many_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    sizes, written = [100_000], 0
    for _ in range(5_000):
        kept = segments_to_keep(sizes, sizes, 30)
        written += sum(sizes[kept:]) + 30
        sizes = [*sizes[:kept], sum(sizes[kept:]) + 30]
        assert len(sizes) <= 6
    assert written < 100 * 5_000 * 30

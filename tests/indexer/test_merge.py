"""Parts that were indexed apart and merged, against an index that was built at once from the same notes."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from indexer import adopting, embed, late, plan
from indexer.build import build
from indexer.encoder import Encoded, Model
from indexer.errors import (
    IndexBusy,
    IndexDamaged,
    IndexMismatch,
    IndexUnwritable,
    NotThisShard,
    PartIsTheIndex,
    ShardEmpty,
)
from indexer.generation import current_name, open_generation, read_manifest
from indexer.generation_writing import write_lock
from indexer.joining import choose
from indexer.merge import Merged, merge
from indexer.shards import Shard, shard_of
from tests.conftest import TINY_MODEL, TinyEncoder, Workshop
from tests.indexer.test_segments import all_of

COUNT = 3


class WideEncoder(TinyEncoder):
    """More dimensions than are kept of token vectors, each word with a direction of its own."""

    dimension = 96

    def encode(self, texts: Sequence[str], *, query: bool = False) -> Encoded:
        found = super().encode(texts, query=query)
        ends = np.cumsum(found.counts)
        words = [
            texts[row][slice(*span)].casefold()
            for row, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
            for span in found.spans[start:end].tolist()
        ]
        tokens = np.array([self._direction(word) for word in words], np.float32).reshape(-1, self.dimension)
        return Encoded(found.vectors, tokens, found.counts, found.spans)

    def _direction(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        vector = np.random.default_rng(seed).normal(size=self.dimension) * np.linspace(2, 0.1, self.dimension)
        return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few chunks are a segment, and few tokens a projection."""
    monkeypatch.setattr(plan, "_SMALL", 3)
    monkeypatch.setattr(embed, "_SAMPLE_TOKENS", 300)
    monkeypatch.setattr(embed, "_SLICE", 16)
    monkeypatch.setattr(late, "_FIT_FROM", 100)


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.encoder = WideEncoder()
    for number in range(9):
        lines = [f"- heading {number}"] + [f"  - line {line} of pump {line * number}" for line in range(4 + 3 * number)]
        workshop.write("\n".join(lines) + "\n", f"{number}.md")
    return workshop


def index_part(shop: Workshop, number: int, count: int = COUNT, model: Model = TINY_MODEL) -> Path:
    folder = shop.index.parent / f"part-{number}"
    build([shop.notes], folder, model, loader=lambda _: shop.encoder, shard=Shard(number, count))
    return folder


def index_parts(shop: Workshop) -> list[Path]:
    return [index_part(shop, number) for number in range(1, COUNT + 1)]


def merged(shop: Workshop, parts: Sequence[Path], model: Model = TINY_MODEL) -> Merged:
    shop.encoder.encoded.clear()
    return merge(parts, [shop.notes], shop.index, model, loader=lambda _: shop.encoder)


def at_once(shop: Workshop) -> dict[str, object]:
    other = Workshop.__new__(Workshop)
    other.notes, other.encoder, other.index = shop.notes, WideEncoder(), shop.index.parent / "at-once"
    shutil.rmtree(other.index, ignore_errors=True)
    other.build()
    return all_of(open_generation(other.index, TINY_MODEL, thorough=True))


def everything(shop: Workshop) -> dict[str, object]:
    return all_of(open_generation(shop.index, TINY_MODEL, thorough=True))


def test_merged_parts_are_the_index_built_at_once(shop: Workshop) -> None:
    done = merged(shop, index_parts(shop))
    assert (done.report.embedded, done.report.kept, done.parts, done.remarks) == (0, 153, 3, [])
    assert shop.encoder.encoded == []
    assert everything(shop) == at_once(shop)
    assert len(read_manifest(shop.index)[1].segments) == COUNT
    assert shard_of(open_generation(shop.index, TINY_MODEL)) is None


def test_a_part_knows_its_files_alone_and_which_part_it_is(shop: Workshop) -> None:
    parts = [open_generation(part, TINY_MODEL) for part in index_parts(shop)]
    assert [shard_of(part) for part in parts] == [Shard(number, COUNT) for number in (1, 2, 3)]
    assert sorted(file for part in parts for file in part.store.files) == [f"{number}.md" for number in range(9)]
    assert len({part.tokens_projection.to_bytes() for part in parts}) == 1
    assert parts[0].tokens_projection.matrix.shape == (96, 64)


def test_a_missing_part_is_named_and_embedded(shop: Workshop) -> None:
    parts = index_parts(shop)
    files = open_generation(parts[1], TINY_MODEL).store.files
    done = merged(shop, [parts[0], parts[2]])
    assert done.remarks[0] == "not among the parts: 2/3."
    assert done.remarks[1].startswith("in no part")
    assert all(file in done.remarks[1] for file in files)
    assert done.report.embedded == len(open_generation(parts[1], TINY_MODEL).store)
    assert everything(shop) == at_once(shop)


def test_a_part_given_twice_is_taken_once(shop: Workshop) -> None:
    parts = index_parts(shop)
    copy = shop.index.parent / "copy"
    shutil.copytree(parts[0], copy)
    done = merged(shop, [*parts, copy])
    assert done.remarks[0].split(":")[0] == "in several parts, and taken from one"
    assert f"nothing was taken from '{copy}'." in done.remarks
    assert everything(shop) == at_once(shop)


def test_a_file_that_changed_or_went_since_is_as_it_is_now(shop: Workshop) -> None:
    parts = index_parts(shop)
    shop.write("- heading 4\n  - line 0 of pump 0\n  - a valve instead\n", "4.md")
    (shop.notes / "5.md").unlink()
    shop.write("- new\n", "new.md")
    done = merged(shop, parts)
    assert any("changed since their part was made" in remark and "4.md" in remark for remark in done.remarks)
    assert any("in no part" in remark and "new.md" in remark for remark in done.remarks)
    assert done.report.embedded == 2
    now, then = everything(shop), at_once(shop)
    for name in ("nodes", "paths", "found", "vectors", "files", "accounts", "vocabulary"):
        assert now[name] == then[name], name


def test_a_part_of_other_notes_is_carried_over_into_the_projection_of_most(shop: Workshop) -> None:
    odd = index_part(shop, 1)
    shop.write("- something else altogether\n" * 30, "8.md")
    parts = [odd, index_part(shop, 2), index_part(shop, 3)]
    shop.write("- heading 8\n", "8.md")
    odd_one = open_generation(odd, TINY_MODEL)
    others = open_generation(parts[1], TINY_MODEL).tokens_projection
    if odd_one.tokens_projection.to_bytes() == others.to_bytes():
        pytest.fail("the parts were to be made from other notes")
    done = merged(shop, parts)
    assert any(f"'{odd}' was made when the notes were others" in remark for remark in done.remarks)
    found = open_generation(shop.index, TINY_MODEL, thorough=True)
    assert found.tokens_projection.to_bytes() == others.to_bytes()
    encoder = WideEncoder()
    row = next(row for row in range(len(found.store)) if found.store.node(row).file in odd_one.store.files)
    text = found.store.node(row).text
    expected = others.encode(encoder.encode([text]).tokens)
    got = found.tokens.of_chunk(int(found.store.chunks_of(np.array([row]))[0][0]))
    near = np.sum(expected.astype(float) * got, axis=1) / (
        np.linalg.norm(expected.astype(float), axis=1) * np.linalg.norm(got.astype(float), axis=1)
    )
    assert near.min() > 0.9


def test_an_index_that_is_there_already_is_a_part_too(shop: Workshop) -> None:
    shop.build()
    before = everything(shop)
    shop.write("- brand new pump\n", "new.md")
    parts = [index_part(shop, number) for number in (1, 2, 3)]
    done = merged(shop, parts)
    assert done.report.embedded == 0
    now = everything(shop)
    assert len(now["nodes"]) == len(before["nodes"]) + 1  # type: ignore[arg-type]
    assert now["nodes"] == at_once(shop)["nodes"]


def test_many_parts_become_one_segment(shop: Workshop) -> None:
    parts = [index_part(shop, number, 9) for number in range(1, 10)]
    assert merged(shop, parts).report.embedded == 0
    assert len(read_manifest(shop.index)[1].segments) == 1
    assert everything(shop) == at_once(shop)


def test_blocks_that_borrow_from_files_of_other_parts_say_what_these_say(shop: Workshop) -> None:
    block = "11111111-2222-3333-4444-555555555555"
    (shop.notes / "logseq").mkdir()
    (shop.notes / "logseq" / "config.edn").write_text("{}")
    for number in range(4):
        shop.write(f"- see (({block})) {number}\n", f"pages/see-{number}.md")
    shop.write(f"- the turbine\n  id:: {block}\n", "pages/one.md")
    parts = index_parts(shop)
    assert merged(shop, parts).report.embedded == 0
    assert everything(shop) == at_once(shop)
    shop.write(f"- the gearbox\n  id:: {block}\n", "pages/one.md")
    parts[1] = index_part(shop, 2)  # one part alone is made again
    merged(shop, parts)
    texts = [node.text for node in open_generation(shop.index, TINY_MODEL).store.nodes(range(4 + 9 + 1))]
    assert everything(shop)["nodes"] == at_once(shop)["nodes"]
    assert not any("turbine" in text for text in texts)


def test_what_another_model_made_is_refused_by_name(shop: Workshop) -> None:
    parts = index_parts(shop)
    other = Model("other", Path("nowhere"), "1" * 64)
    shutil.rmtree(parts[2])
    parts[2] = index_part(shop, 3, model=other)
    with pytest.raises(IndexMismatch, match=rf"{parts[2]}.*another model: 'other'"):
        merged(shop, parts)
    assert not (shop.index / "CURRENT").exists()


def test_a_damaged_part_is_refused_by_name_and_the_index_stays(shop: Workshop) -> None:
    parts = index_parts(shop)
    shop.build()
    before = current_name(shop.index)
    shop.write("- more\n", "more.md")
    victim = next((parts[1] / "segments").glob("*/vectors.faiss"))
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(bytes(data))
    with pytest.raises(IndexDamaged, match="part-2"):
        merged(shop, parts)
    assert current_name(shop.index) == before


def test_a_merge_that_is_cut_off_changes_nothing_and_can_be_run_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = index_parts(shop)
    shop.write("- before\n", "old.md")
    build([shop.notes / "old.md"], shop.index, TINY_MODEL, loader=lambda _: shop.encoder)
    before = everything(shop)
    copied: list[Path] = []
    real = adopting.write_segment

    def cut_off(folder: Path, *rest: object) -> object:
        copied.append(folder)
        if len(copied) == 2:
            raise OSError(28, "No space left on device")
        return real(folder, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(adopting, "write_segment", cut_off)
    with pytest.raises(IndexUnwritable):
        merged(shop, parts)
    assert everything(shop) == before
    monkeypatch.setattr(adopting, "write_segment", real)
    merged(shop, parts)
    assert everything(shop)["nodes"] == at_once(shop)["nodes"]


def test_a_copy_that_is_cut_off_leaves_nothing_behind(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = index_parts(shop)
    copied: list[Path] = []
    real = adopting.copy_verified

    def cut_off(source: Path, target: Path, record: object) -> None:
        copied.append(target)
        if len(copied) == 7:
            raise OSError(28, "No space left on device")
        real(source, target, record)  # type: ignore[arg-type]

    monkeypatch.setattr(adopting, "copy_verified", cut_off)
    with pytest.raises(IndexUnwritable):
        merged(shop, parts)
    assert not (shop.index / "CURRENT").exists()
    assert not list((shop.index / "segments").glob(".new-*"))
    monkeypatch.setattr(adopting, "copy_verified", real)
    merged(shop, parts)
    assert everything(shop) == at_once(shop)


def test_a_part_does_not_take_the_place_of_a_whole_index(shop: Workshop) -> None:
    shop.build()
    with pytest.raises(NotThisShard, match="holds a whole index"):
        build([shop.notes], shop.index, TINY_MODEL, loader=lambda _: shop.encoder, shard=Shard(1, 2))
    part = index_part(shop, 1)
    with pytest.raises(NotThisShard, match="holds part 1/3"):
        build([shop.notes], part, TINY_MODEL, loader=lambda _: shop.encoder, shard=Shard(2, 3))


def test_a_part_again_embeds_nothing(shop: Workshop) -> None:
    part = index_part(shop, 2)
    name = current_name(part)
    shop.encoder.encoded.clear()
    index_part(shop, 2)
    assert (current_name(part), shop.encoder.encoded) == (name, [])


def test_more_parts_than_files_are_told(shop: Workshop) -> None:
    with pytest.raises(ShardEmpty, match="the notes are 9 files"):
        index_part(shop, 12, 12)


def test_the_index_is_no_part_of_itself(shop: Workshop) -> None:
    shop.build()
    with pytest.raises(PartIsTheIndex):
        merged(shop, [shop.index])


def test_one_writer_at_a_time(shop: Workshop) -> None:
    parts = index_parts(shop)
    with write_lock(shop.index), pytest.raises(IndexBusy):
        merged(shop, parts)


def test_of_several_that_have_a_file_the_one_that_has_it_as_it_is_now_gives_it() -> None:
    parts = [{"a": "1", "b": "1"}, {"a": "2", "c": "1"}, {"b": "1"}]
    assert choose(parts, {"a": "2", "b": "1"}) == [["b"], ["a", "c"], []]


def manifests(parts: Sequence[Path]) -> Iterator[bytes]:
    return (msgspec.json.encode(read_manifest(part)[1]) for part in parts)


def test_parts_stay_as_they_are(shop: Workshop) -> None:
    parts = index_parts(shop)
    before = list(manifests(parts))
    merged(shop, parts)
    assert list(manifests(parts)) == before
    assert [len(open_generation(part, TINY_MODEL, thorough=True).store) > 0 for part in parts] == [True] * 3

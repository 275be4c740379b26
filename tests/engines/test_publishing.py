"""Publishing: only what differs is written, what is broken off is mended, what cannot lie together moves whole."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.errors import ConfigError, EngineAway, EngineMismatch, EngineMissing, EngineRefused, NotPublished
from indexer.milvus import connection as connecting
from indexer.milvus import facts
from indexer.milvus.collections import place_now
from indexer.milvus.connection import Connection
from indexer.milvus.decide import decide
from indexer.milvus.pages import PART, UNDERWAY, Pages, key_of, parts_of, scan
from indexer.milvus.settings import Milvus
from service import standing
from service.answering import search
from service.config import make_config
from service.doctor import examine
from tests.conftest import run_trellis
from tests.engines.conftest import House

NOTES = "Shed\n  The ladder stands behind the door\n  The saw hangs on the wall\n"
EDITED = "Shed\n  A bench is new here\n  The ladder stands behind the door\n  The saw is lent to Ida\n"
OTHER = "Cellar\n  Wine lies on the left\n"


class Held:
    """What the server holds of a house, looked at from outside."""

    def __init__(self, house: House) -> None:
        assert house.milvus is not None
        self.connection = Connection(house.milvus)
        place = place_now(self.connection)
        assert place is not None
        self.place = place
        self.pages = Pages(self.connection, place.pages)

    def nodes(self) -> list[str]:
        return sorted(f"{row['node'] % 2**64:016x}" for row in scan(self.connection, self.place.nodes, ["key", "node"]))


def in_order(house: House) -> bool:
    """Every node has its records, once, and nothing else is there."""
    held, store = Held(house), house.snapshot().store
    first, last = store.chunks_of(np.arange(len(store)))
    ids = [store.id_of(row) for row, count in enumerate((last - first + 1).tolist()) for _ in range(count)]
    assert held.nodes() == sorted(ids)
    assert not held.pages.marked(UNDERWAY)
    published = house.snapshot().published
    assert published is not None
    source = published.source
    named = source.root.pages | {page for each in source.files for page in (each.layout, each.headings) if page}
    overflow = {
        row[field].removeprefix("page:")
        for field in ("said", "codes")
        for row in scan(held.connection, held.place.nodes, ["key", field], f'{field} like "page:%"')
    }
    assert len(held.pages.keys() - named - overflow) == 1  # the root
    return True


# ---- Deciding ----


@given(st.dictionaries(st.integers(), st.integers(0, 3)), st.dictionaries(st.integers(), st.integers(0, 3)), st.data())
def test_a_decision_that_is_carried_out_in_part_is_decided_for_the_rest(
    held: dict[int, int], wanted: dict[int, int], data: st.DataObject
) -> None:
    decision = decide(held, wanted)
    steps = [("put", key) for key in decision.upsert] + [("drop", key) for key in decision.delete]
    done = data.draw(st.integers(0, len(steps)))
    for step, key in steps[:done]:
        if step == "put":
            held[key] = wanted[key]
        else:
            del held[key]
    rest = decide(held, wanted)
    assert len(rest.upsert) + len(rest.delete) == len(steps) - done
    for key in rest.upsert:
        held[key] = wanted[key]
    for key in rest.delete:
        del held[key]
    assert held == wanted


# ---- Doing ----


def test_only_what_differs_is_written(milvus_house: House) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.write("b.txt", OTHER)
    first = house.index().published
    assert first is not None
    assert (first.records, first.upserted, first.deleted) == (5, 5, 0)
    again = house.index().published
    assert again is not None
    assert (again.upserted, again.deleted) == (0, 0)
    house.write("a.txt", EDITED)
    edited = house.index().published
    assert edited is not None
    assert (edited.records, edited.upserted, edited.deleted) == (6, 2, 1)
    assert in_order(house)
    house.write("c.txt", "Loft\n  " + " ".join(f"to be or not {n}" for n in range(60)) + "\n  " + "a" * 70_000 + "\n")
    house.index()
    assert in_order(house)
    (house.notes / "c.txt").unlink()
    house.index()
    assert in_order(house)


class Ended(Exception):
    """The process ends here."""


def test_what_was_broken_off_at_any_step_is_mended_by_the_next_run(
    milvus_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each call that writes, once, the process ends; the next run of all mends it, whatever came before."""
    house = milvus_house
    house.write("a.txt", NOTES)
    house.write("b.txt", OTHER)
    house.index()
    write = Connection.write
    broken = 0
    for step in itertools.count(1):
        calls = itertools.count(1)

        def ending(
            self: Connection, what: str, *arguments: Any, at: int = step, told: Any = calls, **options: Any
        ) -> Any:
            if next(told) == at:
                raise Ended
            return write(self, what, *arguments, **options)

        house.write("a.txt", EDITED if step % 2 else NOTES)
        house.write("b.txt", OTHER if step % 3 else f"Cellar\n  Empty since {step}\n")
        monkeypatch.setattr(Connection, "write", ending)
        try:
            house.index()
        except Ended:
            broken += 1
        else:
            break
        finally:
            monkeypatch.setattr(Connection, "write", write)
        house.snapshot()  # what is read meanwhile is one state or the other
        mended = house.index().published
        assert mended is not None
        assert in_order(house)
        texts = [node.text for node in house.snapshot().store.run(0, 100)]
        assert ("A bench is new here" in texts) == bool(step % 2)
    assert broken >= 6


def test_records_that_are_lost_or_too_many_are_mended_when_all_is_compared(milvus_house: House) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.index()
    held = Held(house)
    keys = [row["key"] for row in scan(held.connection, held.place.nodes, ["key"])]
    some = held.connection.call("get", held.place.nodes, ids=keys[:1], output_fields=["*"])[0]
    held.connection.write("delete", held.place.nodes, ids=keys[1:2])
    held.connection.write("upsert", held.place.nodes, [some | {"key": 4711, "node": 4711}])
    done = house.index(anew=True).published
    assert done is not None
    assert (done.upserted, done.deleted) == (1, 1)
    assert in_order(house)


def test_what_cannot_lie_together_goes_into_a_new_collection(milvus_house: House) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.index()
    before = Held(house).place
    reader = house.snapshot()
    assert house.milvus is not None
    moved = House(house.notes.parent, Milvus(uri=house.milvus.uri, collection=house.milvus.collection, index="HNSW"))
    done = moved.index().published
    assert done is not None
    assert done.moved
    after = Held(moved)
    assert after.place != before
    names = after.connection.call("list_collections")
    assert before.nodes not in names
    assert before.pages not in names
    assert house.snapshot().name == reader.name  # the alias leads whoever asked before to the new one
    assert search(house.snapshot(), "saw").results[0].text == "The saw hangs on the wall"
    assert in_order(moved)


def test_one_that_only_asks_needs_neither_notes_nor_an_index(milvus_house: House, tmp_path: Path) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    assert house.milvus is not None
    other = House(tmp_path / "elsewhere", house.milvus)
    with pytest.raises(NotPublished):
        other.snapshot()
    assert other.member.state().state == "missing"
    house.index()
    assert search(other.snapshot(), "saw").results[0].text == "The saw hangs on the wall"
    house.write("a.txt", EDITED)
    house.index()
    assert search(other.snapshot(), "saw").results[0].text == "The saw is lent to Ida"


def test_what_is_published_is_checked(milvus_house: House) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.index()
    assert house.member.check().ok
    elsewhere = House(house.notes.parent)  # indexes without publishing
    house.write("a.txt", EDITED)
    elsewhere.index()
    verdict = house.member.check()
    assert not verdict.ok
    assert "Milvus holds generation" in verdict.problem
    house.index()
    assert house.member.check().ok


def test_nothing_is_said_of_notes_that_are_on_another_machine(milvus_house: House, tmp_path: Path) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.index()
    reader = House(tmp_path / "elsewhere", house.milvus)
    house.notes.rename(tmp_path / "away")
    answer = standing.ask([reader.snapshot()], "where is the saw?")
    assert answer.results[0].text == "The saw hangs on the wall"
    assert {result.stale for result in answer.results} == {""}
    assert not answer.outdated


def test_another_model_is_refused_by_name(milvus_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = milvus_house
    house.write("a.txt", NOTES)
    house.index()
    monkeypatch.setattr("indexer.generation.CHUNKING", 99)
    with pytest.raises(EngineMismatch, match="chunking rules: 2; this is 99"):
        house.snapshot()


# ---- Pages and facts ----


@given(st.binary(max_size=300))
def test_pages_are_cut_into_parts_that_fit(data: bytes) -> None:
    import base64
    import zlib

    parts = parts_of(data * 700)
    assert all(len(part) <= PART for part in parts)
    assert zlib.decompress(base64.b64decode("".join(parts))) == data * 700
    assert len(key_of(data)) == 32


@given(st.dates(), st.dates(), st.dates())
def test_a_span_of_days_holds_the_days_in_it(day: Any, first: Any, end: Any) -> None:
    own = {facts.fact("date", day.isoformat().replace("-", "")[:length]) for length in range(1, 9)}
    asked = facts.days(first.isoformat(), end.isoformat())
    assert bool(own.intersection(asked)) == (first <= day < end)
    assert len(asked) < 200


# ---- What goes wrong ----

SECRET = "root:Very-Secret-4711"


def test_without_the_package_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting._library.cache_clear()
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    try:
        with pytest.raises(EngineMissing, match=r"pip install 'trellis\[milvus\]'"):
            Connection(Milvus(uri="http://127.0.0.1:9")).call("list_collections")
    finally:
        connecting._library.cache_clear()


def test_the_token_is_never_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = Milvus(uri="http://127.0.0.1:9", token=SECRET, timeout=1)
    with pytest.raises(EngineAway) as away:
        Connection(settings).call("list_collections")
    said = [str(away.value), repr(away.value), repr(away.value.__cause__)]
    config = make_config({"notes": ["."], "milvus": {"uri": "http://127.0.0.1:9", "token": SECRET}}, "test")
    said += examine(config).lines()
    (tmp_path / "a.txt").write_text(NOTES, "utf-8")
    (tmp_path / "trellis.yaml").write_text(
        f'notes: a.txt\nmilvus: {{uri: "http://127.0.0.1:9", token: "{SECRET}", timeout: 1}}\n', "utf-8"
    )
    asked = run_trellis("ask", "saw?", cwd=tmp_path)
    indexed = run_trellis("index", cwd=tmp_path)
    assert (asked.returncode, indexed.returncode) == (2, 2)
    assert "Milvus at 127.0.0.1:9 does not answer" in asked.stderr
    assert len(asked.stderr.strip().splitlines()) == 1
    said += [asked.stderr, indexed.stderr, *capfd.readouterr()]
    assert not any(secret in text for text in said for secret in (SECRET, "Very-Secret"))


@pytest.mark.parametrize(
    ("milvus", "says"),
    [
        ({}, "uri"),
        ({"uri": "milvus.db"}, "uri"),
        ({"uri": "http://me:pw@host"}, "uri"),
        ({"uri": "http://h:1", "tokn": "x"}, "tokn"),
        ({"uri": "http://h:1", "consistency": "Weak"}, "consistency"),
        ({"uri": "http://h:1", "replicas": 0}, "replicas"),
        ({"uri": "http://h:1", "token": "a", "token_from": "B"}, "token_from"),
        ({"uri": "http://h:1", "collection": "my notes"}, "collection"),
    ],
)
def test_settings_are_refused_by_name(milvus: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        make_config({"milvus": milvus}, "test")


def test_the_token_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "abc")
    assert Milvus(uri="http://h:1", token_from="MY_TOKEN").secret == "abc"


def test_nobody_who_has_not_set_it_up_loads_it() -> None:
    code = (
        "import sys, service.cli, service.config, service.collections, service.answering, indexer.build;"
        "print([name for name in sys.modules if name.startswith(('pymilvus', 'grpc', 'pandas'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_server_that_refuses_is_told_apart_from_one_that_is_away(milvus_house: House) -> None:
    milvus_house.write("a.txt", NOTES)
    milvus_house.index()
    held = Held(milvus_house)
    with pytest.raises(EngineRefused, match="refused 'query'"):
        held.connection.call("query", held.place.nodes, filter="no such ( thing", output_fields=["key"])

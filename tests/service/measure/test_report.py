"""Outline in, findability report out. Questions are asked with the tiny encoder, which sees shared words and nothing else."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import indexer.encoder
from service import cli
from service.judge.known_items import known_items
from service.measure.misses import Miss, explain_miss
from service.measure.plots import rank_columns, shares
from service.measure.report import Found, ReportError, measure_findability
from service.measure.report_page import render_report
from service.measure.report_text import percent
from service.search.query import read_query
from service.search.windows import Window
from service.search.words import content_words
from tests.conftest import TINY_MODEL, Workshop

SIGNS = "!?.,;:()[]+*~^%&"
"""Texts that differ only in these are different texts with the same words, so they tie, and the first in reading order
wins."""

ORCHARD = """
    Fruit
      Apples
        Store them apart, for their gas ripens everything around
      Bananas
        Picked green and shipped cool across the ocean
    Tools
      Sharpen the saw before winter
"""


def write_lookalikes(workshop: Workshop, text: str, count: int = 12) -> None:
    for at in range(count):
        signs = SIGNS[at % len(SIGNS)] * (1 + at // len(SIGNS))
        workshop.write(f"{text}{signs}\n", f"a{at:03}.txt")


def missed(workshop: Workshop, text: str) -> Miss:
    workshop.build()
    (miss,) = [miss for miss in measure_findability(workshop.snapshot()).misses if miss.node.text == text]
    return miss


@pytest.fixture
def trellis(workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command in this process, with the tiny encoder."""
    monkeypatch.setattr(indexer.encoder, "locate", lambda *_: TINY_MODEL)
    monkeypatch.setattr(indexer.encoder, "load", lambda *_: workshop.encoder)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli.main, ["report", *arguments, "--index", str(workshop.index)])

    return run


def test_notes_below_a_great_many_headings_are_sampled(workshop: Workshop) -> None:
    """Each level has a word of its own: what keeps all that stand above each of them would not fit."""
    workshop.write("\n".join(f"{' ' * level}word{level} below" for level in range(1500)))
    workshop.build()
    sample = known_items(workshop.snapshot().store, most=20)
    assert len(sample.items) == 20
    assert not sample.left_out


def test_a_question_is_rare_words_under_the_heading(workshop: Workshop) -> None:
    """Texts of fewer than five telling words; "apples" is the commonest word, and "in" tells nothing."""
    workshop.write("Fruit of Spain\n  Apples\n    apples in green barrels\n    apples in green vats\n")
    workshop.build()
    items = known_items(workshop.snapshot().store).items
    assert [(item.style, item.question) for item in items] == [
        ("rare words", "Fruit Spain"),
        ("rare words", "Fruit Spain Apples"),
        ("rare words", "Apples green barrels"),
        ("rare words", "Apples green vats"),
    ]


def test_half_of_the_longer_texts_are_asked_for_in_their_own_wording_with_words_forgotten(workshop: Workshop) -> None:
    text = "Sharpen the saw, oil its long handle and hang it by the {} window before winter"
    workshop.write("\n".join(text.format(number) for number in range(40)))
    workshop.build()
    items = [item for item in known_items(workshop.snapshot().store).items if item.style == "words forgotten"]
    assert 10 <= len(items) <= 30
    for item in items:
        words = iter(item.node.text.split())
        assert all(word in words for word in item.question.split()), "in their order"
        assert 3 <= len(content_words(item.question)) <= 6
    assert len({item.question.replace(str(item.node.row), "") for item in items}) > 5


def test_nodes_without_words_of_their_own_are_left_out(workshop: Workshop) -> None:
    """
    Cloud storage
      Storage           says what stands above
        Buckets
      ---               says nothing
      of the            says nothing either
    """
    workshop.write("Cloud storage\n  Storage\n    Buckets\n  ---\n  of the\n")
    workshop.build()
    snapshot = workshop.snapshot()
    sample = known_items(snapshot.store)
    assert [item.node.text for item in sample.items] == ["Cloud storage", "Buckets"]
    assert [place.text for place in measure_findability(snapshot).left_out] == ["Storage", "---", "of the"]


def test_the_sample_is_always_the_same_and_grows_by_adding(workshop: Workshop) -> None:
    workshop.write("\n".join(f"note number {number}" for number in range(200)))
    workshop.build()
    store = workshop.snapshot().store
    few, many = known_items(store, 20), known_items(store, 50)
    assert len(few.items) == 20
    assert known_items(store, 20) == few
    assert {item.question for item in few.items} < {item.question for item in many.items}
    assert known_items(store, 20, seed=2) != few


def test_all_notes_of_an_orchard_are_found(workshop: Workshop) -> None:
    workshop.write(ORCHARD)
    workshop.build()
    result = measure_findability(workshop.snapshot())
    assert result.misses == []
    assert (result.nodes, result.all.questions, result.all.found10) == (7, 7, 1.0)
    assert sum(result.ranks) == 7
    assert [(group.name, group.questions) for group in result.depths] == [("0", 2), ("1", 3), ("2", 2)]
    assert sum(group.questions for group in result.lengths) == 7
    assert [(group.name, group.questions) for group in result.files] == [("notes.txt", 7)]


def test_a_duplicate_is_told_from_other_misses(workshop: Workshop) -> None:
    """Twelve files with the same line: ten are shown, the last two are not."""
    for at in range(12):
        workshop.write("Apples in  the cellar\n" if at % 2 else "apples in the CELLAR\n", f"{at:02}.txt")
    workshop.build()
    result = measure_findability(workshop.snapshot())
    assert [(miss.node.file, miss.reason) for miss in result.misses] == [
        ("10.txt", "duplicate"),
        ("11.txt", "duplicate"),
    ]
    first = result.misses[0].instead
    assert first is not None
    assert first.file == "00.txt"
    assert result.all.found10 == pytest.approx(10 / 12, abs=1e-4)
    assert result.all.found1 == pytest.approx(1 / 12, abs=1e-4)
    assert result.ranks == [1] * 10


def test_a_duplicate_under_the_same_path_is_named_before_others(workshop: Workshop) -> None:
    for file, heading in (("a.txt", "Juice"), ("b.txt", "Cider"), ("c.txt", "Cider")):
        workshop.write(f"{heading}\n  pressed\n", file)
    workshop.build()
    snapshot = workshop.snapshot()
    item = known_items(snapshot.store).items[-1]
    shown = [Window(0, 1, 1, hits=[1]), Window(2, 3, 3, hits=[3])]
    miss = explain_miss(snapshot, item, read_query(snapshot, item.question), shown)
    assert miss.node.file == "c.txt"
    assert miss.reason == "duplicate"
    assert miss.instead is not None
    assert miss.instead.file == "b.txt"


def test_an_outranked_note_names_what_came_first_and_its_own_rank(workshop: Workshop) -> None:
    write_lookalikes(workshop, "harvest")
    workshop.write("harvest\n", "z.txt")
    miss = missed(workshop, "harvest")
    assert (miss.reason, miss.rank, miss.question) == ("outranked", 13, "harvest")
    assert miss.instead is not None
    assert (miss.instead.file, miss.instead.text) == ("a000.txt", "harvest!")


def test_a_short_heading_that_is_not_found_is_called_so(workshop: Workshop) -> None:
    write_lookalikes(workshop, "harvest")
    workshop.write("harvest\n  when the days grow short\n", "z.txt")
    assert missed(workshop, "harvest").reason == "heading only"


def test_a_note_beyond_a_hundred_results_is_no_candidate(workshop: Workshop) -> None:
    write_lookalikes(workshop, "harvest", 120)
    workshop.write("harvest\n", "z.txt")
    miss = missed(workshop, "harvest")
    assert (miss.reason, miss.rank) == ("not a candidate", 0)


def test_notes_without_any_word_cannot_be_reported_on(workshop: Workshop) -> None:
    workshop.write("---\n***\n")
    workshop.build()
    with pytest.raises(ReportError, match="nothing to ask"):
        measure_findability(workshop.snapshot())


@pytest.mark.parametrize(
    ("gate", "status"), [((), 0), (("--gate", "0"), 0), (("--gate", "0.8"), 0), (("--gate", "0.9"), 1)]
)
def test_the_gate_makes_it_an_exit_status(workshop: Workshop, trellis, gate: tuple[str, ...], status: int) -> None:
    """Ten of twelve are found: 83.3%."""
    for at in range(12):
        workshop.write("apples in the cellar\n", f"{at:02}.txt")
    workshop.build()
    done = trellis(*gate)
    assert done.exit_code == status
    assert "among ten 83.3%" in done.stdout
    assert "not found: 2 (duplicate 2)" in done.stdout
    assert Path("trellis-report.html").is_file()
    assert ("less than 90.00%" in done.stderr) == (status == 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--gate", "1.5"),
        ("--gate", "-0.1"),
        ("--gate", "nan"),
        ("--gate", "most"),
        ("--sample", "0"),
        ("--sample", "few"),
        ("--out", "."),
        ("--out", "missing/report.html"),
    ],
    ids=" ".join,
)
def test_bad_input_is_refused(workshop: Workshop, trellis, arguments: tuple[str, ...]) -> None:
    workshop.write(ORCHARD)
    workshop.build()
    done = trellis(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr


def test_json_is_one_document_and_the_page_is_written_beside_it(workshop: Workshop, trellis) -> None:
    workshop.write(ORCHARD)
    workshop.build()
    done = trellis("--json", "--sample", "3", "--out", "page.html")
    document = json.loads(done.stdout)
    assert document["all"]["questions"] == 3
    assert document["misses"] == []
    assert Path("page.html").read_text("utf-8").startswith("<!doctype html>")


class Page(HTMLParser):
    """Collects the elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = "</title></style></svg><script>alert(1)</script><img src=x onerror='alert(2)'>{{ 7*7 }}\"'&amp; harvest"


def test_hostile_notes_stay_text(workshop: Workshop) -> None:
    """In a missed note, in what came first, in a file's name and in a node that cannot be asked for."""
    name = '"><script>alert(3)<'
    for at in range(12):
        workshop.write(f"{HOSTILE}\n  {HOSTILE}\n", f"{at:02}{name}.txt")
    workshop.build()
    result = measure_findability(workshop.snapshot())
    assert result.misses
    assert result.left_out
    page = Page(render_report(result))
    assert "script" not in page.elements
    assert "img" not in page.elements
    assert page.elements.count("style") == 1
    assert not [each for each, _ in page.attributes if each.startswith("on") or each in ("src", "href", "style")]
    assert HOSTILE in page.text
    assert f"00{name}.txt" in page.text


def test_the_page_stands_alone_and_is_the_same_each_time(workshop: Workshop) -> None:
    write_lookalikes(workshop, "harvest")
    workshop.write("harvest\n", "z.txt")
    workshop.build()
    first, second = (render_report(measure_findability(workshop.snapshot())) for _ in range(2))
    assert first == second
    assert "http:" not in first
    assert "https:" not in first
    assert "url(" not in first
    page = Page(first)
    assert page.elements.count("svg") == page.elements.count("desc") == 4
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    labels = [value for name, value in page.attributes if name == "aria-labelledby" and value]
    assert {part for label in labels for part in label.split()} <= set(ids)


def test_the_parts_of_a_bar_add_up_to_its_width() -> None:
    plot = shares("files", "By file", [Found("a.txt", 8, 0.5, 0.75, 0.75, 0.6), Found("b" * 99, 1, 1.0, 1.0, 1.0, 1.0)])
    half, full = plot.bars
    assert [(part.kind, part.x, part.width) for part in half.parts] == [
        ("first", 0, 180),
        ("three", 180, 90),
        ("missed", 270, 90),
    ]
    assert (half.label, half.value) == ("a.txt", "75.0% of 8")
    assert [part.kind for part in full.parts] == ["first"]
    assert full.label == f"{'b' * 11}…{'b' * 22}"
    assert "a.txt 75.0%" in plot.description


def test_the_columns_of_ranks_have_their_counts() -> None:
    plot = rank_columns([4, 0, 0, 0, 0, 0, 0, 0, 0, 1], 1)
    assert [(bar.label, bar.value) for bar in plot.bars][-2:] == [("10", "1"), ("none", "1")]
    assert plot.bars[0].parts[0].height == 2 * plot.bars[-1].parts[0].height
    assert plot.bars[1].parts[0].height == 0


def test_only_all_is_a_hundred_percent() -> None:
    assert [percent(share) for share in (1.0, 0.9999, 0.123, 0.29, 0.0)] == [
        "100.0%",
        "99.9%",
        "12.3%",
        "29.0%",
        "0.0%",
    ]

"""What a result shows: a few lines of the file around the hit, inside its parent, never the same line twice."""

from __future__ import annotations

import re
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.answering import search
from service.search import excerpt
from service.search.windows import Window, shortened
from service.search.words import content_stems
from service.snapshot import Snapshot
from service.types import Result
from tests.conftest import Workshop


def notes_of(workshop: Workshop, text: str) -> Snapshot:
    workshop.write(text)
    workshop.build()
    return workshop.snapshot()


def drawn(result: Result) -> str:
    """The excerpt as a person sees it; `>` stands before a hit."""
    return "\n".join(f"{'>' if line.hit else ' '} {'  ' * line.depth}{line.text}" for line in result.excerpt)


def picture(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


SMALL = """
    Fruit
      Apples
        red ones
        green ones
      Pears
        soft ones
    Tools
      hammer
"""


def test_a_line_that_answers_alone_is_shown_alone(workshop: Workshop) -> None:
    notes = notes_of(workshop, SMALL)
    best = search(notes, "green apples", top=1).results[0]
    assert best.text == "green ones"
    assert best.path == ["Fruit", "Apples"]
    assert drawn(best) == "> green ones"
    assert (best.source.line, best.source.start_line, best.source.end_line) == (4, 4, 4)


def test_lines_that_may_answer_as_well_are_shown_with_it(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Fruit\n  Apples\n    sold by the crate\n    picked in autumn\n    cost little\n")
    best = search(notes, "fruit", top=1).results[0]
    assert [line.text for line in best.excerpt] == [
        "Fruit",
        "Apples",
        "sold by the crate",
        "picked in autumn",
        "cost little",
    ]


GARDEN = """
    Garden
      Sheds
        oak door
        tin roof
      oak bench
      pond
"""


@pytest.mark.parametrize(
    ("scores", "hits", "shown"),
    [
        pytest.param([0, 0, 0, 0, 1, 0], [4], ["oak bench"], id="one line stands out"),
        pytest.param([0, 0, 0, 1, 1, 0], [4, 3], ["Sheds", "oak door", "tin roof", "oak bench"], id="under a heading"),
        pytest.param([0, 0, 1, 0, 0, 0], [2], ["oak door"], id="its own headings are its trail"),
        pytest.param([0, 0, 0, 0, 0, 0], [4], None, id="nothing stands out"),
        pytest.param([0, 1, 0, 0, 0, 1], [1], ["Sheds", "oak door", "tin roof", "oak bench", "pond"], id="both ends"),
    ],
)
def test_the_fewest_lines_that_very_likely_answer(
    workshop: Workshop, scores: list[float], hits: list[int], shown: list[str] | None
) -> None:
    store = notes_of(workshop, GARDEN).store
    window = Window(0, 5, hits[0], hits=hits)
    short = shortened(store, window, np.array(scores, np.float32))
    texts = [node.text for node in store.run(short.first, short.last)]
    assert texts == (shown or ["Garden", "Sheds", "oak door", "tin roof", "oak bench", "pond"])


def test_a_list_is_shown_whole(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Tools\n  hammer\n  saw\n  plane\n  chisel\nFruit\n  apple\n")
    best = search(notes, "List all tools", top=1).results[0]
    assert [line.text for line in best.excerpt] == ["Tools", "hammer", "saw", "plane", "chisel"]


def test_a_heading_is_shown_with_what_stands_below_it(workshop: Workshop) -> None:
    notes = notes_of(workshop, SMALL)
    best = search(notes, "tools", top=1).results[0]
    assert drawn(best).splitlines()[0] == "> Tools"
    assert [line.text for line in best.excerpt] == ["Tools", "hammer"]


def test_an_only_line_is_its_own_excerpt(workshop: Workshop) -> None:
    best = search(notes_of(workshop, "lonely line\n"), "lonely", top=8).results
    assert [drawn(result) for result in best] == ["> lonely line"]
    assert best[0].path == []


def test_flat_notes_are_shown_by_the_line(workshop: Workshop) -> None:
    notes = notes_of(workshop, "\n".join(f"thing number {word}" for word in "abcdefghijklmnopqrstuvwxyz") + "\n")
    best = search(notes, "thing number m", top=1).results[0]
    lines = [line.line for line in best.excerpt]
    assert 13 in lines
    assert lines == list(range(lines[0], lines[0] + len(lines)))
    assert len(lines) <= 12


def test_a_long_family_is_cut_around_the_hit(workshop: Workshop) -> None:
    crowd = "".join(f"  child {number}\n" for number in range(100))
    notes = notes_of(workshop, f"Parent\n{crowd}  the blue whale\n" + crowd)
    best = search(notes, "blue whale", top=1).results[0]
    assert best.text == "the blue whale"
    assert best.source.line == 102
    assert len(best.excerpt) <= 12
    assert 102 in [line.line for line in best.excerpt]
    assert [line.text for line in best.excerpt if line.line == 102 and line.hit] == ["the blue whale"]


def test_blank_lines_count_but_are_not_shown(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Fruit\n\n\n  apple\n\n  pear\n")
    best = search(notes, "pear apple", top=1).results[0]
    assert [(line.line, line.text) for line in best.excerpt] == [(4, "apple"), (6, "pear")]
    assert (best.source.start_line, best.source.line, best.source.end_line) == (4, 4, 6)


def test_a_gap_of_blank_lines_does_not_stretch_an_excerpt(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Fruit\n  apple" + "\n" * 40 + "  pear\n")
    for result in search(notes, "pear apple fruit", top=8).results:
        assert result.source.end_line - result.source.start_line < 12


def test_a_hand_wrapped_node_is_marked_on_all_its_lines(workshop: Workshop) -> None:
    notes = notes_of(
        workshop,
        """
        Words
          this sentence is about a whale and it was broken by hand because of
          its length which was too much for the screen
          another
        """,
    )
    best = search(notes, "a whale sentence broken by hand", top=1).results[0]
    assert [(line.line, line.hit) for line in best.excerpt] == [(2, True), (3, True)]
    assert best.text.endswith("because of its length which was too much for the screen")


def test_bullets_are_told_apart_from_the_text(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Fruit\n  - apple pie\n  2. pear pie\n")
    best = search(notes, "pie", top=1).results[0]
    assert [(line.marker, line.text) for line in best.excerpt] == [("-", "apple pie"), ("2.", "pear pie")]


def test_marks_are_the_words_of_the_question(workshop: Workshop) -> None:
    notes = notes_of(workshop, "Keys\n  rotating a key, yearly\n  a monkey\n")
    best = search(notes, "How do I rotate keys?", top=1).results[0]
    parts = {line.text: [line.text[start:end] for start, end in line.marks] for line in best.excerpt}
    assert parts == {"Keys": ["Keys"], "rotating a key, yearly": ["rotating", "key"], "a monkey": []}


def test_many_results_share_no_line(workshop: Workshop) -> None:
    notes = notes_of(
        workshop, "".join(f"Topic {n}\n" + "".join(f"  apple {n} {m}\n" for m in range(30)) for n in range(5))
    )
    results = search(notes, "apple", top=100).results
    shown = [(result.source.file, line.line) for result in results for line in result.excerpt]
    assert len(results) > 5
    assert len(shown) == len(set(shown))


def test_scores_fall(workshop: Workshop) -> None:
    notes = notes_of(workshop, "".join(f"T{n}\n" + f"  {'apple ' * n} and pear {n}\n" for n in range(1, 20)))
    scores = [result.score for result in search(notes, "apple pear", top=50).results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


# Any outline: words from a small set so that questions match, any indentation, blank lines, bullets, long lines.
WORDS = ("apple", "pear", "key", "whale", "rotates", "rotating", "keys", "and", "the", "ÄPFEL")
line_text = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)
outline_line = st.one_of(
    st.tuples(st.integers(0, 5), st.sampled_from(["", "", "- ", "* ", "3. "]), line_text).map(
        lambda parts: "  " * parts[0] + parts[1] + parts[2]
    ),
    st.just(""),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lines=st.lists(outline_line, min_size=1, max_size=60), question=line_text, top=st.integers(1, 20))
def test_every_excerpt_of_every_outline_keeps_the_rules(lines: list[str], question: str, top: int) -> None:
    lines = [*lines, "apple"]
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        (workshop.notes / "notes.txt").write_text("\n".join(lines), "utf-8")
        workshop.build()
        notes = workshop.snapshot()
        try:
            check_rules(notes, lines, question, top)
        finally:
            notes.generation.close()


def check_rules(notes: Snapshot, lines: list[str], question: str, top: int) -> None:
    results = search(notes, question, top=top).results
    assert 1 <= len(results) <= top
    assert [result.score for result in results] == sorted((result.score for result in results), reverse=True)
    filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    stems = content_stems(question)
    seen: set[int] = set()
    for result in results:
        numbers = [line.line for line in result.excerpt]
        source = result.source
        assert source.end_line - source.start_line < 12
        assert (numbers[0], numbers[-1]) == (source.start_line, source.end_line)
        assert numbers == [number for number in filled if source.start_line <= number <= source.end_line]  # no gaps
        assert not seen & set(numbers)
        seen.update(numbers)
        assert {line.line: line.hit for line in result.excerpt}[source.line]
        assert min(line.depth for line in result.excerpt) == 0
        for line in result.excerpt:
            shown = f"{line.marker} {line.text}" if line.marker else line.text
            assert lines[line.line - 1].strip() == shown
            for start, end in line.marks:
                assert re.fullmatch(r"\w+", line.text[start:end])
                assert content_stems(line.text[start:end]) & stems
        check_one_family(notes, result)


def check_one_family(notes: Snapshot, result: Result) -> None:
    """Every line of an excerpt stands in the same top-level part of the outline as the hit."""
    store = notes.store
    row = store.row_of(result.id)
    assert row is not None
    top = [*store.ancestors(row), row][0]
    inside = {line for node in store.run(top, int(store.last[top])) for line in range(node.line, node.end_line + 1)}
    assert {line.line for line in result.excerpt} <= inside


def test_no_more_lines_are_looked_at_than_can_be_shown(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "".join(f"let x{at} alpha = {at}\n" for at in range(5000))
    workshop.write(f"# Heading\n\n- alpha beta code\n\n```\n{code}```\n", "c.md")
    workshop.build()
    looked: list[str] = []
    monkeypatch.setattr(excerpt, "marks", lambda line, _: looked.append(line) or [])
    results = search(workshop.snapshot(), "let alpha code", top=10).results
    assert any(line.text == "let x3 alpha = 3" for result in results for line in result.excerpt)
    assert len(looked) <= 12 * len(results)


@pytest.mark.parametrize(
    ("sizes", "room", "most"),
    [
        ([], 10, 0),
        ([3, 4], 10, 4),
        ([5, 5], 10, 5),
        ([1, 20, 2], 10, 7),
        ([9, 9, 9], 10, 3),
        ([1, 6, 6], 10, 4),
    ],
)
def test_only_the_largest_are_cut(sizes: list[int], room: int, most: int) -> None:
    assert excerpt.fair_share(sizes, room) == most


def test_an_excerpt_of_long_lines_has_room_for_all_of_them(workshop: Workshop) -> None:
    long = "".join(f"  {at} {'apple a ' * 2000}\n" for at in range(11))
    result = search(notes_of(workshop, f"Apples\n{long}"), "list all apples a", top=1).results[0]
    assert len(result.excerpt) == 12
    assert result.excerpt[0].text == "Apples"
    assert sum(len(line.text) for line in result.excerpt) <= 10_000
    assert min(len(line.text) for line in result.excerpt[1:]) > 800
    assert all(len(line.marks) <= 100 for line in result.excerpt)
    assert result.excerpt[1].marks[0] == (2, 7)


def test_one_long_line_is_shown_as_far_as_any_line_is(workshop: Workshop) -> None:
    result = search(notes_of(workshop, "Apples\n  " + "apple " * 3000 + "\n"), "list apples", top=1).results[0]
    assert [len(line.text) for line in result.excerpt] == [6, 4000]


@pytest.mark.parametrize("length", [13, 30, 400])
def test_a_node_of_very_many_lines_is_still_cut_to_twelve(workshop: Workshop, length: int) -> None:
    broken = "\n".join(["  a sentence that goes on, and on, and on, and is broken by hand, and"] * length)
    notes = notes_of(workshop, f"Long\n{broken}\n")
    for result in search(notes, "a sentence that goes on", top=50).results:
        assert len(result.excerpt) <= 12
        assert result.source.end_line - result.source.start_line < 12

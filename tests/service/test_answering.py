"""A question in, judged and ranked excerpts out."""

from __future__ import annotations

import msgspec
import pytest

from service.answering import ask, check_question, node_at, related, search, view_node
from service.errors import EmptyQuestion, NodeNotFound, QuestionTooLong, TopOutOfRange
from service.snapshot import Snapshot
from service.types import QUESTION_LIMIT
from tests.conftest import Workshop

NOTES = """
    Kitchen
      Bread
        bake it at 220 degrees
        the dough rests overnight
      Soup
        lentils, onions and cumin
    Garden
      Beans
        sow them in May
      Bread
        no bread grows here
"""


@pytest.fixture
def notes(workshop) -> Snapshot:
    workshop.write(NOTES)
    workshop.build()
    return workshop.snapshot()


def test_the_best_match_comes_first_with_its_place(notes: Snapshot) -> None:
    answer = ask(notes, "the dough rests how long?")
    best = answer.results[0]
    assert answer.question == "the dough rests how long?"
    assert best.text == "the dough rests overnight"
    assert best.path == ["Kitchen", "Bread"]
    assert (best.source.file, best.source.line) == ("notes.txt", 4)
    assert answer.generation == notes.name
    assert answer.took_ms >= 0


def test_what_is_asked_in_the_words_of_the_notes_is_answered_verbatim(notes: Snapshot) -> None:
    answer = ask(notes, "bread: bake it at 220 degrees")
    assert answer.answered
    assert 0.5 <= answer.confidence <= 1
    assert answer.answer is not None
    assert answer.answer.node == answer.results[0].id
    assert "bake it at 220 degrees" in answer.answer.text.split("\n")
    own_lines = {line.strip() for line in NOTES.split("\n")}
    assert set(answer.answer.text.split("\n")) <= own_lines


def test_what_shares_no_word_with_the_notes_is_refused_but_the_nearest_are_shown(notes: Snapshot) -> None:
    answer = ask(notes, "zzyzx qwxv")
    assert not answer.answered
    assert answer.answer is None
    assert 0 <= answer.confidence < 0.5
    assert answer.results


@pytest.mark.parametrize("question", ["", " ", "\n\t\r\n", "\u00a0\u2003"])
def test_an_empty_question_is_refused(notes: Snapshot, question: str) -> None:
    for asking in (ask, search):
        with pytest.raises(EmptyQuestion, match="empty"):
            asking(notes, question)


def test_a_question_can_be_as_long_as_the_limit_and_no_longer(notes: Snapshot) -> None:
    longest = ("dough " * QUESTION_LIMIT)[: QUESTION_LIMIT - 1] + "?"
    assert ask(notes, longest).results
    with pytest.raises(QuestionTooLong, match=r"4,001 characters; at most 4,000"):
        ask(notes, longest + "?")


def test_the_space_around_a_question_does_not_count(notes: Snapshot) -> None:
    assert check_question("  x" + " " * 2 * QUESTION_LIMIT, 8) == "x"
    assert ask(notes, "  the dough  \n").results == ask(notes, "the dough").results


TOPS = [
    (ask, -1, 50),
    (ask, 0, 50),
    (ask, 51, 50),
    (ask, 10**30, 50),
    (search, -1, 100),
    (search, 0, 100),
    (search, 101, 100),
]


@pytest.mark.parametrize(("asking", "top", "limit"), TOPS)
def test_top_outside_its_range_is_refused_with_the_range(notes: Snapshot, asking, top: int, limit: int) -> None:
    with pytest.raises(TopOutOfRange, match=f"'top' is {top}; it must be between 1 and {limit}"):
        asking(notes, "dough", top=top)


@pytest.mark.parametrize(("asking", "top"), [(ask, 1), (ask, 50), (search, 1), (search, 100)])
def test_top_at_its_ends_is_taken(notes: Snapshot, asking, top: int) -> None:
    assert 1 <= len(asking(notes, "dough", top=top).results) <= top


ODD = [
    "?!…",
    "\0",
    "the dough\0rests",
    "\x1b[31mdough",
    '"dough" OR NEAR(',
    "dough* -rests piece:dough ^x",
    "'; DROP TABLE node; --",
    "🍞" * 100,
    "a" * QUESTION_LIMIT,
    "\u202edough",
    "ﬀ ½ Ⅷ",
    "do̱ugh",
    "the a of",
]


@pytest.mark.parametrize("question", ODD)
def test_an_odd_question_is_a_question(notes: Snapshot, question: str) -> None:
    answer = ask(notes, question)
    assert answer.question == question
    assert answer.results
    assert 0 <= answer.confidence <= 1


def test_the_ranking_of_search_is_that_of_ask(notes: Snapshot) -> None:
    assert search(notes, "bread dough", top=3).results == ask(notes, "bread dough", top=3).results


def test_fewer_results_are_the_beginning_of_more(notes: Snapshot) -> None:
    more = [result.id for result in search(notes, "bread dough", top=5).results]
    assert [result.id for result in search(notes, "bread dough", top=2).results] == more[:2]


def test_a_node_is_shown_with_its_family(notes: Snapshot) -> None:
    bread = view_node(notes, node_at(notes, "notes.txt", 2))
    assert (bread.text, bread.path) == ("Bread", ["Kitchen"])
    assert (bread.source.file, bread.source.line, bread.source.start_line, bread.source.end_line) == (
        "notes.txt",
        2,
        2,
        2,
    )
    assert bread.parent is not None
    assert (bread.parent.text, bread.parent.line) == ("Kitchen", 1)
    assert [(child.text, child.line) for child in bread.children] == [
        ("bake it at 220 degrees", 3),
        ("the dough rests overnight", 4),
    ]
    assert bread.child_count == 2
    assert view_node(notes, bread.parent.id).parent is None
    assert view_node(notes, bread.children[0].id).children == []


def test_equal_texts_are_different_nodes(notes: Snapshot) -> None:
    kitchen, garden = node_at(notes, "notes.txt", 2), node_at(notes, "notes.txt", 10)
    assert kitchen != garden
    assert (view_node(notes, kitchen).path, view_node(notes, garden).path) == (["Kitchen"], ["Garden"])


@pytest.mark.parametrize("unknown", ["", "x", "0" * 16, "../etc/passwd", "\0", "' OR 1=1 --", "f" * 10_000])
def test_an_unknown_node_is_refused(notes: Snapshot, unknown: str) -> None:
    for asking in (view_node, related):
        with pytest.raises(NodeNotFound, match="There is no node") as refused:
            asking(notes, unknown)
        assert len(str(refused.value)) < 300


LINES = [("notes.txt", 1, "Kitchen"), ("notes.txt", 9, "sow them in May"), ("notes.txt", 11, "no bread grows here")]


@pytest.mark.parametrize(("file", "line", "text"), LINES)
def test_a_node_is_found_at_its_line(notes: Snapshot, file: str, line: int, text: str) -> None:
    assert view_node(notes, node_at(notes, file, line)).text == text


@pytest.mark.parametrize(("file", "line"), [("notes.txt", 0), ("notes.txt", 12), ("notes.txt", -1), ("other.txt", 1)])
def test_where_no_node_is_none_is_found(notes: Snapshot, file: str, line: int) -> None:
    with pytest.raises(NodeNotFound, match=f"{file}:{line}"):
        node_at(notes, file, line)


def test_a_line_beyond_all_numbers_is_not_found(notes: Snapshot) -> None:
    with pytest.raises(NodeNotFound):
        node_at(notes, "notes.txt", 10**30)


def test_a_heading_with_very_many_children_shows_the_first_thousand(workshop) -> None:
    workshop.write("Many\n" + "".join(f"  child {number}\n" for number in range(1500)))
    workshop.build()
    notes = workshop.snapshot()
    many = view_node(notes, node_at(notes, "notes.txt", 1))
    assert many.child_count == 1500
    assert [child.text for child in many.children] == [f"child {number}" for number in range(1000)]


def test_a_list_is_quoted_only_as_far_as_the_scope_reaches(workshop) -> None:
    workshop.write(
        """
        List of fruits
            Citrus
                lemon is sour
                orange is sweet
            Berries
                strawberry is sweet
        """
    )
    workshop.build()
    answer = ask(workshop.snapshot(), "list all fruits", under=["List of fruits", "Citrus"]).answer
    assert answer is None or not {"List of fruits", "Berries"} & set(answer.text.split("\n"))


def test_a_line_of_a_megabyte_does_not_swell_the_answer(workshop) -> None:
    workshop.write("Heading\n    " + "word " * 200_000 + "\n")
    workshop.build()
    answer = ask(workshop.snapshot(), "word word")
    assert max(len(line.text) for result in answer.results for line in result.excerpt) <= 4000
    assert max(len(result.text) for result in answer.results) <= 4000


def test_three_thousand_levels_are_no_trouble(workshop) -> None:
    workshop.write("".join(" " * depth + f"level{depth}\n" for depth in range(3000)))
    workshop.build()
    for result in ask(workshop.snapshot(), "level2500").results:
        names = [f"level{depth}" for depth in range(result.source.line - 1)]
        assert result.path == (names if len(names) <= 32 else [*names[:16], "…", *names[-16:]])


LARGEST = 1_000_000
"""Bytes of an answer about notes whose texts are all much too long."""


def size(answer: object) -> int:
    return len(msgspec.json.encode(answer))


def test_a_path_of_very_long_headings_does_not_swell_answers(workshop: Workshop) -> None:
    levels = "".join(" " * depth + f"{depth} " + "heading " * 500 + "\n" for depth in range(60))
    leaves = "".join(" " * 60 + f"leaf number {at}\n" + " " * 61 + f"twig {at}\n" for at in range(40))
    workshop.write(levels + leaves)
    workshop.build()
    notes = workshop.snapshot()
    results = search(notes, "leaf number", top=100).results
    leaf = next(result for result in results if result.text.startswith("leaf number"))
    assert len(results) > 10
    assert size(results) < LARGEST
    near = related(notes, leaf.id, top=50)
    assert near.results
    assert size(near) < LARGEST
    paths = [leaf.path, view_node(notes, leaf.id).path, *(node.path for node in near.results)]
    paths += [node.why.under for node in near.results if len(node.why.under) == 33]
    for path in paths:
        assert len(path) <= 33
        assert path[16:17] in ([], ["…"])
        assert all(len(text) < 300 for text in path)
    firsts = [text.split()[0] for text in leaf.path]
    assert firsts == [*map(str, range(16)), "…", *map(str, range(44, 60))]


def test_every_step_of_a_shortened_path_leads_somewhere(workshop: Workshop) -> None:
    workshop.write("".join(" " * depth + f"level{depth}\n" for depth in range(100)))
    workshop.build()
    notes = workshop.snapshot()
    result = max(search(notes, "level99").results, key=lambda each: len(each.path))
    named = [view_node(notes, step).text for step in result.path_ids]
    assert [named[at] for at in (0, 15, 17, -1)] == [result.path[at] for at in (0, 15, 17, -1)]
    assert (result.path[16], named[16]) == ("…", "level16")


def test_a_path_of_ordinary_length_is_shown_whole(workshop: Workshop) -> None:
    names = [f"level {depth} " + "with a rather long heading " * 5 for depth in range(32)]
    workshop.write("".join(" " * depth + name.strip() + "\n" for depth, name in enumerate(names)))
    workshop.build()
    notes = workshop.snapshot()
    bottom = node_at(notes, "notes.txt", 32)
    assert view_node(notes, bottom).path == [name.strip() for name in names[:-1]]


def test_a_node_is_shown_whole_up_to_the_length_of_a_book_chapter(workshop: Workshop) -> None:
    whole = "word " * 19_999 + "word"
    workshop.write(f"{whole}\n" + "word " * 200_000 + "\n")
    workshop.build()
    notes = workshop.snapshot()
    assert view_node(notes, node_at(notes, "notes.txt", 1)).text == whole
    cut = view_node(notes, node_at(notes, "notes.txt", 2)).text
    assert cut.endswith("word…")
    assert len(cut) <= 100_000


def test_a_node_shows_no_more_attributes_than_anyone_reads(workshop: Workshop) -> None:
    drawer = "".join(f":k{at}: {'v' * 5000}\n" for at in range(300))
    workshop.write(f"* heading\n:PROPERTIES:\n:{'n' * 5000}: short\n{drawer}:END:\n", "a.org")
    workshop.build()
    notes = workshop.snapshot()
    said = view_node(notes, node_at(notes, "a.org", 1)).attributes
    assert len(said) == 200
    assert max(len(each.name) for each in said) <= 1000
    assert [len(each.value) for each in said if each.value.endswith("v…")]
    assert max(len(each.value) for each in said) == 1000


def test_a_thousand_long_children_do_not_swell_the_answer(workshop: Workshop) -> None:
    workshop.write("Many\n  short\n" + "".join(f"  {at} " + "child " * 600 + "\n" for at in range(1000)))
    workshop.build()
    notes = workshop.snapshot()
    many = view_node(notes, node_at(notes, "notes.txt", 1))
    assert many.children[0].text == "short"
    assert len(many.children) == 1000
    assert size(many) < LARGEST


def test_a_long_related_note_is_cut_as_a_result_is(workshop: Workshop) -> None:
    workshop.write("Heading\n  apple pear\nOther\n  " + "apple pear " * 50_000 + "\n")
    workshop.build()
    notes = workshop.snapshot()
    near = related(notes, node_at(notes, "notes.txt", 2), top=8).results
    assert max(len(node.text) for node in near) == 4000


def test_a_quoted_list_of_long_lines_is_bounded(workshop: Workshop) -> None:
    workshop.write("List of fruits\n" + "".join(f"  fruit {at} " + "list " * 20_000 + "\n" for at in range(50)))
    workshop.build()
    answer = ask(workshop.snapshot(), "list of fruits")
    assert answer.answer is not None
    assert max(map(len, answer.answer.text.split("\n"))) <= 4000
    assert size(answer) < LARGEST


def test_a_comparison_keeps_its_first_result_and_adds_the_other_side_beside_it(workshop) -> None:
    """Both sides stand in one list that is too long for one excerpt; no line may be shown twice."""
    rows = "".join(f"    pear number {at}\n" for at in range(10)) + "".join(
        f"    quince number {at}\n" for at in range(10)
    )
    workshop.write("Fruit\n" + rows)
    workshop.build()
    notes = workshop.snapshot()
    results = ask(notes, "difference between pear and quince").results
    assert results[0].source.start_line <= ask(notes, "pear and quince").results[0].source.end_line
    shown = [line.line for result in results for line in result.excerpt]
    assert len(shown) == len(set(shown))
    first = " ".join(line.text for result in results[:3] for line in result.excerpt)
    assert "pear" in first
    assert "quince" in first


def test_how_many_results_are_wanted_changes_neither_their_order_nor_the_confidence(workshop: Workshop) -> None:
    workshop.write("".join(f"Topic {n}\n  thing {n} of many\n" for n in range(40)))
    workshop.build()
    crowd = workshop.snapshot()
    one, many = ask(crowd, "thing 7", top=1), ask(crowd, "thing 7", top=30)
    assert one.confidence == many.confidence
    assert one.results == many.results[:1]
    assert one.answer == many.answer

"""Notes that were changed after they were indexed: what is left of an answer, and what is said of it."""

from __future__ import annotations

import os
import shutil

import pytest

from service import asking, standing
from service.chat.conversation import converse
from service.chat.types import ChatMessage, Done, Sources
from service.cli.show import show_answer
from service.collections import Asked, Collections, OpenCollection
from service.config import Config, Publication
from service.freshness import look
from service.outline import view_outline
from service.publications import Publications
from service.snapshot import Current, Snapshot
from service.types import Answer
from tests.conftest import TINY_MODEL, Workshop

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
        pick them in July
"""
QUESTION = "the dough rests overnight"


class Kitchen:
    """Notes that are indexed once, and asked as the faces ask."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        workshop.write(NOTES)
        workshop.write("Cellar\n  the dough of the cellar\n  wine\n", "cellar.txt")
        workshop.build()
        current = Current(workshop.index, TINY_MODEL, workshop.encoder)
        self.collections = Collections([OpenCollection.around(current)])
        self.snapshot: Snapshot = current.get()

    def edit(self, old: str, new: str) -> None:
        path = self.workshop.notes / "notes.txt"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def ask(self, question: str = QUESTION, top: int = 20) -> Answer:
        return asking.ask(self.collections, question, top)

    def note(self, text: str) -> str:
        return next(row.id for row in self.snapshot.store.run(0, len(self.snapshot.store) - 1) if row.text == text)


@pytest.fixture
def kitchen(workshop: Workshop) -> Kitchen:
    return Kitchen(workshop)


def everything(answer: Answer) -> str:
    """All that a reader could take for the notes."""
    lines = [line.text for result in answer.results for line in result.excerpt]
    paths = [text for result in answer.results for text in [*result.path, result.text]]
    return "\n".join([*lines, *paths, answer.answer.text if answer.answer else ""])


def test_nothing_is_said_of_files_that_are_as_they_were_indexed(kitchen: Kitchen) -> None:
    answer = kitchen.ask()
    assert not answer.outdated
    assert {result.stale for result in answer.results} == {""}
    os.utime(kitchen.workshop.notes / "notes.txt")  # touched, the same inside
    assert kitchen.ask().results == answer.results


def test_a_deleted_line_is_no_result_and_no_answer(kitchen: Kitchen) -> None:
    assert kitchen.ask().results[0].text == QUESTION
    kitchen.edit("    the dough rests overnight\n", "")
    answer = kitchen.ask()
    assert QUESTION not in everything(answer)
    assert [(file.file, file.state) for file in answer.outdated] == [("notes.txt", "changed")]
    assert answer.outdated[0].places >= 1
    assert {result.stale for result in answer.results if result.source.file == "notes.txt"} == {"changed"}
    assert {result.stale for result in answer.results if result.source.file == "cellar.txt"} == {""}


def test_the_judgement_does_not_rest_on_what_was_deleted(kitchen: Kitchen) -> None:
    assert kitchen.ask("sow them in May").answered
    kitchen.edit("  Beans\n    sow them in May\n    pick them in July\n", "")
    answer = kitchen.ask("sow them in May")
    assert not answer.answered
    assert answer.answer is None


def test_an_edited_line_is_not_shown_as_it_was(kitchen: Kitchen) -> None:
    kitchen.edit("220 degrees", "180 degrees")
    assert "220" not in everything(kitchen.ask("bake it at 220 degrees"))


def test_what_stands_under_another_heading_now_is_not_shown_under_the_old_one(kitchen: Kitchen) -> None:
    kitchen.edit("  Soup", "  Stew")
    answer = kitchen.ask("lentils, onions and cumin")
    assert "Soup" not in everything(answer)
    assert "lentils" not in everything(answer)
    assert answer.outdated


def test_what_only_moved_comes_with_the_lines_where_it_stands_now(kitchen: Kitchen) -> None:
    before = kitchen.ask().results[0]
    kitchen.edit("Kitchen\n", "A new heading\n  and a line below it\nKitchen\n")
    now = kitchen.ask().results[0]
    assert (now.id, now.text, now.stale) == (before.id, before.text, "changed")
    assert now.source.line == before.source.line + 2
    lines = (kitchen.workshop.notes / "notes.txt").read_text("utf-8").split("\n")
    assert all(lines[line.line - 1].strip() == line.text for line in now.excerpt)
    assert (now.source.start_line, now.source.end_line) == (now.excerpt[0].line, now.excerpt[-1].line)


def test_an_excerpt_keeps_to_twelve_lines_where_lines_came_between(kitchen: Kitchen) -> None:
    between = "".join(f"    line {number} that is new\n" for number in range(20))
    kitchen.edit("    the dough rests overnight\n", f"{between}    the dough rests overnight\n")
    now = kitchen.ask().results[0]
    assert now.text == QUESTION
    assert now.source.end_line - now.source.start_line < 12
    assert now.source.line in {line.line for line in now.excerpt}


def test_what_was_rewritten_may_be_the_answer_so_nothing_else_is(kitchen: Kitchen) -> None:
    kitchen.workshop.write("Notes of a baker\n  the dough rests overnight\n", "baker.txt")
    kitchen.workshop.build()
    kitchen.collections.members[0].current.refresh()
    first = kitchen.ask().results[0].source.file
    path = kitchen.workshop.notes / first
    text = path.read_text("utf-8")
    path.write_text(text.replace("the dough rests overnight", "the dough rests for a day"), "utf-8")
    answer = kitchen.ask()
    assert answer.results[0].text == QUESTION  # in the other file
    assert (answer.answered, answer.answer, answer.confidence) == (False, None, 0.0)
    line = next(line for line in text.split("\n") if "overnight" in line)
    path.write_text(text.replace(f"{line}\n", ""), "utf-8")  # deleted, and nothing new
    answer = kitchen.ask()
    assert answer.answered
    assert answer.answer is not None
    assert QUESTION in answer.answer.text
    assert answer.results[0].source.file != first


def test_a_long_quotation_leaves_out_what_was_deleted(kitchen: Kitchen) -> None:
    """A question for a list is answered with more lines than an excerpt has."""
    kinds = ["    mint", "    sage", "    dill", "    basil", "    thyme", "    chive", "    cumin"]
    kinds += ["    anise", "    fennel", "    sorrel", "    lovage", "    borage", "    tansy", "    yarrow"]
    last = kinds[-1].strip()
    kitchen.workshop.write("\n".join(["Herbs", "  Herbs of the garden", *kinds, ""]), "herbs.txt")
    kitchen.workshop.build()
    kitchen.collections.members[0].current.refresh()
    question = "list all herbs of the garden"
    before = kitchen.ask(question)
    assert before.answer is not None
    assert last in before.answer.text
    kitchen.workshop.write("\n".join(["Herbs", "  Herbs of the garden", *kinds[:-1], ""]), "herbs.txt")
    after = kitchen.ask(question)
    assert after.answer is not None
    assert kinds[-2].strip() in after.answer.text
    assert last not in after.answer.text


def test_changes_without_end_leave_no_judgement(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_ROUNDS", 1)
    kitchen.edit("    the dough rests overnight\n", "")
    answer = kitchen.ask()
    assert QUESTION not in everything(answer)
    assert not answer.answered
    assert answer.outdated


def test_a_deleted_file_leaves_nothing(kitchen: Kitchen) -> None:
    (kitchen.workshop.notes / "notes.txt").unlink()
    answer = kitchen.ask()
    assert {result.source.file for result in answer.results} == {"cellar.txt"}
    assert [(file.file, file.state) for file in answer.outdated] == [("notes.txt", "deleted")]


def test_notes_that_are_away_are_not_taken_for_deleted(kitchen: Kitchen) -> None:
    shutil.rmtree(kitchen.workshop.notes)
    answer = kitchen.ask()
    assert answer.results[0].text == QUESTION
    assert {result.stale for result in answer.results} == {"unreachable"}
    kitchen.workshop.notes.mkdir()  # as where a disk is mounted
    assert {result.stale for result in kitchen.ask().results} == {"unreachable"}


def test_a_change_that_is_undone_is_forgotten(kitchen: Kitchen) -> None:
    before = kitchen.ask()
    kitchen.edit("the dough rests overnight", "the dough rests for a day")
    assert QUESTION not in everything(kitchen.ask())
    kitchen.edit("the dough rests for a day", "the dough rests overnight")
    assert kitchen.ask().results == before.results


def test_a_change_within_the_same_size_and_time_is_seen(kitchen: Kitchen) -> None:
    """A file system that counts whole seconds gives both writes the same time."""
    path = kitchen.workshop.notes / "notes.txt"
    kitchen.ask()
    status = path.stat()
    kitchen.edit("overnight", "overnite!")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert QUESTION not in everything(kitchen.ask())


def test_a_settled_file_is_not_read_again(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch) -> None:
    path = kitchen.workshop.notes / "notes.txt"
    os.utime(path, ns=(1, 1))
    kitchen.workshop.write(NOTES + "a line more\n")  # another index of the same file
    os.utime(path, ns=(2, 2))
    kitchen.workshop.build()
    later = kitchen.workshop.snapshot()
    reads: list[object] = []
    from service import freshness

    really = freshness.read_whole
    monkeypatch.setattr(freshness, "read_whole", lambda place: reads.append(place) or really(place))
    for _ in range(3):
        assert look(later, "notes.txt").state == "same"
        assert look(kitchen.snapshot, "notes.txt").state == "changed"
    assert reads == [path.resolve()] * 2  # for its digest, and to be taken apart


def test_twins_are_told_apart_by_their_order(workshop: Workshop) -> None:
    workshop.write("List\n  apple\n  pear\n  apple\n")
    workshop.build()
    snapshot = workshop.snapshot()
    workshop.write("new\nList\n  apple\n  pear\n  apple\n")
    assert look(snapshot, "notes.txt").lines == {1: 2, 2: 3, 3: 4, 4: 5}


def test_a_block_that_borrows_the_text_of_another_file_still_stands(workshop: Workshop) -> None:
    block = "64a1b2c3-0000-4000-8000-000000000001"
    (workshop.notes / "logseq").mkdir()
    workshop.write(f"- the gardener waters at six\n  id:: {block}\n", "pages/one.md")
    workshop.write(f"- see (({block})) for the time\n- another line\n", "pages/two.md")
    workshop.build()
    snapshot = workshop.snapshot()
    workshop.write(f"- see (({block})) for the time\n- another line, edited\n", "pages/two.md")
    found = look(snapshot, "pages/two.md")
    assert found.gone is not None
    assert found.gone.tolist() == [False, True]


# Single notes, relatives, outlines, citations, conversations, publications, the terminal


def test_a_note_says_that_it_does_not_stand_there_any_more(kitchen: Kitchen) -> None:
    bread, rests = kitchen.note("Bread"), kitchen.note(QUESTION)
    kitchen.edit("    the dough rests overnight\n", "")
    view = standing.view_node(kitchen.snapshot, bread)
    assert (view.stale, view.child_count, len(view.children)) == ("changed", 1, 1)
    assert standing.view_node(kitchen.snapshot, rests).stale == "deleted"
    assert standing.view_node(kitchen.snapshot, kitchen.note("wine")).stale == ""


def test_an_outline_marks_the_rows_that_are_gone_and_renumbers_the_others(kitchen: Kitchen) -> None:
    kitchen.edit("    bake it at 220 degrees\n", "")
    note = kitchen.note(QUESTION)
    view = standing.mark_outline(kitchen.snapshot, view_outline(kitchen.snapshot, note))
    assert [row.text for row in view.rows if row.gone] == ["bake it at 220 degrees"]
    assert view.source.line == next(row.line for row in view.rows if row.id == note) == 3
    assert view.stale == "changed"


def test_deleted_notes_are_nobodys_relatives(kitchen: Kitchen) -> None:
    subject = kitchen.note("the dough of the cellar")
    assert QUESTION in {node.text for node in standing.related(kitchen.snapshot, subject, 5).results}
    kitchen.edit("    the dough rests overnight\n", "")
    found = standing.related(kitchen.snapshot, subject, 5)
    assert len(found.results) == 5
    assert QUESTION not in {node.text for node in found.results}
    assert QUESTION not in {pair.there for node in found.results for pair in node.why.lines}
    assert {node.stale for node in found.results if node.source.file == "notes.txt"} == {"changed"}


def test_a_citation_of_a_deleted_line_says_so(kitchen: Kitchen) -> None:
    from urllib.parse import parse_qs, urlsplit

    link = parse_qs(urlsplit(view_outline(kitchen.snapshot, kitchen.note(QUESTION)).cite).query)
    parts = [link[name][0] for name in ("note", "hash", "quote", "in")]
    assert asking.find_citation(kitchen.collections, *parts).state == "same"
    kitchen.edit("    the dough rests overnight\n", "")
    found = asking.find_citation(kitchen.collections, *parts)
    assert (found.state, found.note, found.excerpt) == ("deleted", None, [])
    assert "changed since" in found.message


def test_a_conversation_does_not_quote_what_was_deleted(kitchen: Kitchen) -> None:
    kitchen.edit("    the dough rests overnight\n", "")
    events = list(converse(Asked([kitchen.snapshot]), [ChatMessage("user", QUESTION)]))
    done = next(event for event in events if isinstance(event, Done))
    sources = next(event for event in events if isinstance(event, Sources))
    assert QUESTION not in done.text
    assert QUESTION not in {source.text for source in sources.sources}
    assert "notes.txt" in done.notice


def test_a_publication_looks_at_the_file_too(kitchen: Kitchen) -> None:
    config = Config(index=str(kitchen.workshop.index), publications={"bread": Publication(under=["Kitchen > Bread"])})
    published = Publications(kitchen.collections, config).get("bread")
    assert {result.stale for result in standing.search(published, QUESTION).results} == {""}
    kitchen.edit("    bake it at 220 degrees\n", "")
    found = standing.search(published, QUESTION)
    assert found.results[0].text == QUESTION
    assert "bake it at 220 degrees" not in {line.text for result in found.results for line in result.excerpt}


def test_a_terminal_is_told_in_words(kitchen: Kitchen) -> None:
    kitchen.edit("    the dough rests overnight\n", "")
    shown = show_answer(kitchen.ask())
    assert "Left out: " in shown
    assert "of notes.txt, which was changed since it was indexed; 'trellis index'" in shown
    assert "(the file was changed since it was indexed; this still stands in it)" in shown
    assert QUESTION not in shown


@pytest.mark.parametrize("sign", ["((", "{{embed ", "{{ embed ((", ")) (("])
def test_a_changed_line_of_signs_that_are_never_closed_is_compared(workshop: Workshop, sign: str) -> None:
    """Nothing is timed; what takes the square of such a size would not come back."""
    kitchen = Kitchen(workshop)
    kitchen.workshop.write(f"{NOTES}\n{sign * 100_000}\n")
    kitchen.workshop.build()
    snapshot = kitchen.workshop.snapshot()
    kitchen.edit("Garden", "Gardens")
    looked = look(snapshot, "notes.txt")
    assert looked.gone is not None
    assert looked.gone.sum() == 4


EMBEDS = [
    "{{embed ((A))}} and see ((B)) too",
    "((A)) and {{embed ((B))}}",
    "((A)) x ((B)) y",
    "see ((A)), then {{embed ((A))}} (both (of them))",
]


@pytest.mark.parametrize("line", EMBEDS)
def test_a_block_that_borrows_from_others_still_stands_when_another_line_is_edited(
    workshop: Workshop, line: str
) -> None:
    ids = "64c0ffee-0000-4000-8000-00000000000a", "64c0ffee-0000-4000-8000-00000000000b"
    for sign, block in zip("AB", ids, strict=True):
        line = line.replace(f"({sign})", f"({block})")
    page = f"- {line}\n- call the baker\n- the first (f(x))\n  id:: {ids[0]}\n- the second\n  id:: {ids[1]}\n"
    path = workshop.notes / "logseq" / "pages" / "one.md"
    path.parent.mkdir(parents=True)
    (workshop.notes / "logseq" / "logseq").mkdir()
    (workshop.notes / "logseq" / "logseq" / "config.edn").write_text("{}")
    path.write_text(page)
    workshop.build()
    path.write_text(page.replace("baker", "butcher"))
    looked = look(workshop.snapshot(), "logseq/pages/one.md")
    assert looked.gone is not None
    assert looked.gone.tolist() == [False, True, False, False]

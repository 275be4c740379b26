"""Windows in their order, and the lines that are marked in them."""

from __future__ import annotations

import pytest

from service import answering
from service.search import ranking
from service.search.query import read_query
from tests.conftest import Workshop


@pytest.mark.parametrize("count", [450, 1000])
def test_a_window_that_reaches_beyond_all_candidates_is_marked_by_its_own_lines(workshop: Workshop, count: int) -> None:
    """Of two matches a few lines apart the second one's window grows away from the first, past what any candidate's does."""
    first, second = count - 40, count - 33
    texts = ["apple" if row < first - 50 else "stone" for row in range(count)]
    texts[first] = texts[second] = "apple pear"
    workshop.write("Fruit\n" + "".join(f"  {text}\n" for text in texts))
    workshop.build()
    results = answering.search(workshop.snapshot(), "apple pear", 5).results
    assert [(result.source.line, result.text) for result in results[:2]] == [
        (first + 2, "apple pear"),
        (second + 2, "apple pear"),
    ]
    assert all([line.line for line in result.excerpt if line.hit] == [result.source.line] for result in results[:2])


def test_a_question_is_ranked_the_same_a_little_at_a_time(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where very many rows stand above, a few tokens of the question are looked at, at a time, and a few vectors."""
    nested = "".join("\t" * depth + f"level {depth} of water\n" for depth in range(30))
    workshop.write(nested + "\t" * 30 + "deep water here\nKettle\n\twater boils\n\tsteam rises\n")
    workshop.build()
    notes = workshop.snapshot()
    query = read_query(notes, "where does the deep water boil")
    whole = ranking.rank(notes, query, 5)
    for name in ("_HELD", "_FEWEST_TOKENS", "_VECTORS"):
        monkeypatch.setattr(ranking, name, 2)
    parts = ranking.rank(notes, query, 5)
    assert [(w.first, w.last, w.row, w.hits) for w in parts.windows] == [
        (w.first, w.last, w.row, w.hits) for w in whole.windows
    ]
    for some, all_at_once in zip(parts.windows, whole.windows, strict=True):
        assert some.views == pytest.approx(all_at_once.views, abs=1e-6)
    assert parts.matches == pytest.approx(whole.matches, abs=1e-6)
    assert parts.reach == pytest.approx(whole.reach, abs=1e-6)

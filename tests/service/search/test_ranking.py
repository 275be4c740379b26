"""Windows in their order, and the lines that are marked in them."""

from __future__ import annotations

import pytest

from service import answering
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

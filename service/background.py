"""How questions score that the notes surely answer, and how those that they surely do not: asked of every index by itself.

What a question scores says little alone: it depends on the model, on the size of the notes and on their language. So the
score is read between two anchors: everyday questions that no one's notes are expected to answer, and known-item questions made
out of the outline. Notes that do cover some of the everyday subjects do no harm, since each anchor is a median.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.evidence import LEVELS, evidence
from service.known_items import known_items
from service.query import read_queries
from service.ranking import rank
from service.snapshot import Snapshot

PROBES = (
    "How long should I roast a chicken in the oven?",
    "what time does the pharmacy close",
    "Which shoes should I buy for running on trails?",
    "who won the world cup in 1998",
    "How do I remove candle wax from a tablecloth?",
    "best age to start piano lessons",
    "Is it going to rain tomorrow afternoon?",
    "cheap flights to Lisbon in May",
    "What should I name my new kitten?",
    "why do my tomato plants have yellow leaves",
    "How many calories are in a banana?",
    "lyrics of a song about leaving home",
    "How do I fold a fitted sheet?",
    "How tall is the Eiffel Tower?",
    "symptoms of a sprained ankle",
    "What is a good birthday present for my aunt?",
    "can dogs eat strawberries",
    "Where can I watch the northern lights?",
    "How do you say thank you in Japanese?",
    "opening move for a beginner at chess",
    "how to get a toddler to sleep through the night",
    "Which museum has the largest collection of Dutch paintings?",
    "how much does it cost to repaint a car",
    "When is the next total solar eclipse?",
    "What are the rules of cricket?",
    "wedding speech ideas for a brother",
    "Why is my bicycle chain squeaking?",
    "What do hedgehogs eat in winter?",
    "How do I get a passport photo taken?",
    "knitting pattern for a simple scarf",
    "Which wine goes with grilled salmon?",
    "average temperature in Oslo in March",
)


_KNOWN_ITEMS = 48
_LEAST_DISTANCE = 0.05


@dataclass(frozen=True, slots=True)
class Background:
    """Two anchors on these notes with this model for each of `evidence.LEVELS`: what far-off questions reach in the middle,
    and what questions made of the notes themselves do.
    """

    far_off: NDArray[np.float64]
    known: NDArray[np.float64]

    def height(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where these levels stand between the anchors: 0 as far-off questions, 1 as questions in the notes' own words."""
        return (levels - self.far_off) / np.maximum(self.known - self.far_off, _LEAST_DISTANCE)


@lru_cache(maxsize=2)
def background_of(snapshot: Snapshot) -> Background:
    """Measured at the first question to a snapshot, in about the time of twenty questions; it needs no labels."""
    items = known_items(snapshot.store, _KNOWN_ITEMS).items
    far_off = _middle(snapshot, PROBES)
    known = _middle(snapshot, [item.question for item in items]) if items else far_off + _LEAST_DISTANCE
    return Background(far_off, known)


def _middle(snapshot: Snapshot, questions: Sequence[str]) -> NDArray[np.float64]:
    """The median of each level over these questions."""
    queries = read_queries(snapshot, questions)
    rankings = [(query, rank(snapshot, query, 5)) for query in queries]
    levels = [evidence(snapshot, query, ranking).vector(LEVELS) for query, ranking in rankings if ranking.windows]
    return np.median(levels, axis=0)

"""Questions that no one's notes are expected to answer, asked of every index to learn how the unanswerable scores there.

What a question scores by itself says little: it depends on the model, on the size of the notes and on their language. What it
scores above this background says more. Notes that do cover some of these subjects do no harm: the background is a median.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.evidence import LEVELS, evidence
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


_LEAST_DEVIATION = 0.02


@dataclass(frozen=True, slots=True)
class Background:
    """The middle and the spread of each of `evidence.LEVELS` over the probes."""

    middle: NDArray[np.float64]
    spread: NDArray[np.float64]

    def above(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """How many deviations these levels stand above those of far-off questions."""
        return (levels - self.middle) / self.spread


@lru_cache(maxsize=2)
def background_of(snapshot: Snapshot) -> Background:
    """Measured at the first question to a snapshot, in about the time of ten questions."""
    queries = read_queries(snapshot, PROBES)
    levels = np.array([evidence(snapshot, query, rank(snapshot, query, 5)).vector(LEVELS) for query in queries])
    middle = np.median(levels, axis=0)
    deviation = 1.4826 * np.median(np.abs(levels - middle), axis=0)  # that of a normal distribution, from its quartiles
    return Background(middle, np.maximum(deviation, _LEAST_DEVIATION))

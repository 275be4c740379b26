"""Questions that no one's notes are expected to answer, asked of every new index to learn how the unanswerable scores.

The best similarity of an arbitrary question depends on the model and on the size and the language of the notes. What a
question scores above this background says more than the number itself. Notes that happen to cover some of these
subjects do no harm: the background is a robust average over all of them.
"""

from __future__ import annotations

import numpy as np

from indexer.encoder import Encoder, Vectors
from indexer.generation import Calibration

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


def calibrate(encoder: Encoder, vectors: Vectors) -> Calibration:
    """The background of an index. `vectors` has shape (n, dimension) with n at least 1."""
    best = (encoder.encode(PROBES, query=True).vectors @ vectors.T).max(axis=1)
    middle = float(np.median(best))
    spread = 1.4826 * float(
        np.median(np.abs(best - middle))
    )  # the deviation of a normal distribution, from its quartiles
    return Calibration(middle, max(spread, 0.01))

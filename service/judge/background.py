"""How questions score that the notes surely answer, and how those that they surely do not: asked of every index by itself.

What a question scores says little alone: it depends on the model, on the size of the notes and on their language. So the
score is read between two anchors: everyday questions that no one's notes are expected to answer, and known-item questions made
out of the outline. Notes that do cover some of the everyday subjects do no harm, since each anchor is a median. The anchors are
measured once, when notes are indexed, and kept with the generation; they move only when much of the notes has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakKeyDictionary

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.engine import Opened
from indexer.generation import Generation
from service.judge.evidence import JUDGED, LEVELS, evidence
from service.judge.known_items import known_items
from service.search.query import read_queries
from service.search.ranking import rank
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


FILE = "background.json"
_VERSION = 2
"""Raised whenever ranking or evidence changes what a question reaches."""
_KNOWN_ITEMS = 48
_LEAST_DISTANCE = 0.05
_TOO_MANY_CHANGED = 0.1


class Background(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two anchors on these notes with this model for each of `evidence.LEVELS`: what far-off questions reach in the middle,
    and what questions made of the notes themselves do. changed: nodes that came or went since they were measured.
    """

    far_off: tuple[float, ...]
    known: tuple[float, ...]
    changed: int = 0
    version: int = _VERSION

    def height(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where these levels stand between the anchors: 0 as far-off questions, 1 as questions in the notes' own words."""
        far_off, known = np.array(self.far_off), np.array(self.known)
        return np.asarray((levels - far_off) / np.maximum(known - far_off, _LEAST_DISTANCE), np.float64)


_backgrounds: WeakKeyDictionary[Snapshot, Background] = WeakKeyDictionary()


def background_of(snapshot: Snapshot) -> Background:
    """What was kept when the notes were indexed. Where nothing was, it is measured, in about the time of eighty questions."""
    known = _backgrounds.get(snapshot)
    if known is None:
        known = _backgrounds[snapshot] = kept_background(snapshot.generation) or measure(snapshot)
    return known


def kept_background(generation: Opened) -> Background | None:
    """None when nothing was kept, or was measured by other rules."""
    data = generation.extras.get(FILE)
    if data is None or msgspec.json.decode(data, type=_Versioned).version != _VERSION:
        return None
    return msgspec.json.decode(data, type=Background)


class _Versioned(msgspec.Struct):
    version: int


def carried_over(generation: Generation | None, changed: int, nodes: int) -> Background | None:
    """The anchors of the generation before, unless too large a part of the `nodes` changed since they were measured."""
    kept = kept_background(generation) if generation else None
    if kept is None or kept.changed + changed > _TOO_MANY_CHANGED * nodes:
        return None
    return msgspec.structs.replace(kept, changed=kept.changed + changed)


def measure(snapshot: Snapshot) -> Background:
    items = known_items(snapshot.store, _KNOWN_ITEMS).items
    far_off = _middle(snapshot, PROBES)
    known = _middle(snapshot, [item.question for item in items]) if items else far_off + _LEAST_DISTANCE
    return Background(tuple(far_off.tolist()), tuple(known.tolist()))


def _middle(snapshot: Snapshot, questions: Sequence[str]) -> NDArray[np.float64]:
    """The median of each level over these questions."""
    queries = read_queries(snapshot, questions)
    rankings = [(query, rank(snapshot, query, JUDGED)) for query in queries]
    levels = [evidence(snapshot, query, ranking).vector(LEVELS) for query, ranking in rankings if ranking.windows]
    return np.asarray(np.median(levels, axis=0), np.float64)

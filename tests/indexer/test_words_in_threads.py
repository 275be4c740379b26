"""Stems are the same when many threads want them at once: a stemmer of the library is good for one thread."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor

from indexer.words import stem

WORDS = [
    f"{start}{middle}{end}"
    for start in ("relat", "hopp", "organis", "condition", "general", "fl", "cri")
    for middle in ("", "at", "al", "iz", "ing", "ed", "ful", "ness", "li")
    for end in ("ing", "edly", "ational", "ies", "ness", "es", "'s", "y", "ably", "ization")
]


def test_threads_do_not_get_each_other_s_stems() -> None:
    alone = {word: stem(word) for word in WORDS}
    pause = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for turn in range(5):
            stem.cache_clear()

            def all_of_them(seed: int) -> dict[str, str]:
                mixed = random.Random(seed).sample(WORDS, len(WORDS))
                return {word: stem(word) for word in mixed}

            with ThreadPoolExecutor(8) as threads:
                assert all(found == alone for found in threads.map(all_of_them, range(turn * 8, turn * 8 + 8)))
    finally:
        sys.setswitchinterval(pause)

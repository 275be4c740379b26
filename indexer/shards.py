"""Indexing split by files: which of them belong to which part. Any job runner that starts commands can run the parts.

Shares are told by a pure function of the names and sizes of all files, so that whoever sees the same notes deals them out
alike. The largest files go first, each to the share that has the least so far (Graham 1969, "Bounds on Multiprocessing Timing
Anomalies": longest processing time first). Sizes count by their power of two, so that an edit hardly ever moves a file.
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Mapping

import msgspec

from indexer.errors import ConfigError
from indexer.generation import Generation

FILE = "shard.json"
"""Kept with the generation of a part."""
_MOST = 100_000


class Shard(msgspec.Struct, frozen=True):
    """One part of several. number: from 1 to count."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def files(self, sizes: Mapping[str, int]) -> set[str]:
        """Those of this part. sizes: in bytes, by the name of each file."""
        loads = [(0, number) for number in range(1, self.count + 1)]
        mine = set()
        for file in sorted(sizes, key=lambda name: (-sizes[name].bit_length(), _place(name), name)):
            load, number = heapq.heappop(loads)
            heapq.heappush(loads, (load + (1 << sizes[file].bit_length()), number))
            if number == self.number:
                mine.add(file)
        return mine


def _place(name: str) -> bytes:
    """So that files of one size and folder are not all dealt to neighbours."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def parse_shard(text: str) -> Shard:
    """From "2/8". Raises ConfigError."""
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    number, count = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= count <= _MOST:
        raise ConfigError(f"'{text}' is no part of the notes; write the second of eight as '2/8'.")
    return Shard(number, count)


def shard_of(generation: Generation) -> Shard | None:
    """Which part a generation is; None when it is a whole index."""
    data = generation.extras.get(FILE)
    return msgspec.json.decode(data, type=Shard) if data else None

"""What there is to index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from indexer.errors import ShardEmpty
from indexer.shards import Shard


@dataclass(frozen=True, slots=True)
class Gathered:
    """The notes as they are now. data, digests: contents and SHA-256 by file, in the order of the files. notebooks: the program
    whose folder a file lies in. places: what was asked to be indexed.
    """

    data: Mapping[str, bytes]
    digests: dict[str, str]
    notebooks: dict[str, str]
    places: list[str]

    def only(self, shard: Shard) -> Gathered:
        """What belongs to a part. Raises ShardEmpty."""
        mine = shard.files({file: len(content) for file, content in self.data.items()})
        if not mine:
            raise ShardEmpty(shard, len(self.data))
        return Gathered(
            {file: content for file, content in self.data.items() if file in mine},
            {file: digest for file, digest in self.digests.items() if file in mine},
            {file: kind for file, kind in self.notebooks.items() if file in mine},
            self.places,
        )

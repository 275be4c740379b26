"""What a generation holds: segments of nodes and chunks that never change, and the structure that says where each stands."""

from indexer.store.reading import Store, StoredNode
from indexer.store.structure import Rows

__all__ = ["Rows", "Store", "StoredNode"]

"""What a generation holds: segments of nodes and chunks that never change, and the structure that says where each stands."""

from indexer.numbering import Rows
from indexer.store.reading import Store
from indexer.store.stored import StoredNode

__all__ = ["Rows", "Store", "StoredNode"]

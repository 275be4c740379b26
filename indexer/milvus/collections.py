"""The two Milvus collections of a published index, and the alias by which they are found."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from indexer.chunks import CHUNKING
from indexer.errors import EngineRefused, NotPublished
from indexer.generation import Generation
from indexer.milvus.connection import Connection, library
from indexer.milvus.pages import Pages
from indexer.milvus.settings import AUTO_EXACT_UP_TO, Milvus
from indexer.milvus.wire import SCHEMA

_NODES, _PAGES = "_nodes", "_pages"
_LONGEST = 65_535
_FACTS = 4096
_PARAMS: dict[str, dict[str, Any]] = {
    "HNSW": {"M": 16, "efConstruction": 200},
    "IVF_FLAT": {"nlist": 1024},
    "IVF_SQ8": {"nlist": 1024},
}
_WIDTHS = {"HNSW": "ef", "DISKANN": "search_list"}
_LEAST_WIDTH = 512
_PROBES = 32


@dataclass(frozen=True, slots=True)
class Place:
    """base: the name that both collections begin with."""

    base: str

    @property
    def nodes(self) -> str:
        return self.base + _NODES

    @property
    def pages(self) -> str:
        return self.base + _PAGES


def place_for(generation: Generation, settings: Milvus) -> Place:
    """Named by all that has to be the same for records of two generations to lie in one collection."""
    manifest = generation.manifest
    kind = index_type(settings, manifest.chunks)
    parts = (
        SCHEMA, CHUNKING, manifest.model_digest, manifest.converted, manifest.dimension, kind, settings.shards,
        settings.partitions, settings.consistency,
    )  # fmt: skip
    digest = hashlib.sha256(repr(parts).encode() + generation.tokens.projection.to_bytes()).hexdigest()
    return Place(f"{settings.collection}_{digest[:12]}")


def index_type(settings: Milvus, chunks: int) -> str:
    if settings.index != "auto":
        return settings.index
    return "FLAT" if chunks <= AUTO_EXACT_UP_TO else "HNSW"


def search_params(kind: str, top: int) -> dict[str, Any]:
    """How far an index of this kind searches for so many: wider than it has to, for about the recall of `indexer.vectors`."""
    if kind.startswith("IVF"):
        return {"nprobe": _PROBES}
    return {_WIDTHS[kind]: max(_LEAST_WIDTH, top)} if kind in _WIDTHS else {}


def place_now(connection: Connection) -> Place | None:
    """Where the alias leads; None when there is none yet."""
    alias = connection.settings.collection
    try:
        found = connection.call("describe_alias", alias=alias)
    except NotPublished:
        return None
    except EngineRefused as error:
        if "not found" in str(error) or "not exist" in str(error):
            return None
        raise
    return Place(str(found["collection_name"]).removesuffix(_NODES))


def point_to(connection: Connection, place: Place, before: Place | None) -> None:
    """Moves the alias, in one step."""
    alias = connection.settings.collection
    connection.call("alter_alias" if before else "create_alias", collection_name=place.nodes, alias=alias)


def drop_others(connection: Connection, place: Place) -> None:
    """Drops what this alias led to before, and what was begun for it and never finished."""
    ours = re.compile(rf"{re.escape(connection.settings.collection)}_[0-9a-f]{{12}}({_NODES}|{_PAGES})")
    for name in connection.call("list_collections"):
        if ours.fullmatch(name) and name not in {place.nodes, place.pages}:
            connection.write("drop_collection", name)


def bring_up(connection: Connection, place: Place, dimension: int, chunks: int) -> Pages:
    """Makes the collections where they are missing, and has them in the server's memory."""
    settings, client = connection.settings, library().MilvusClient
    if not connection.call("has_collection", place.nodes):
        indexes = client.prepare_index_params()
        kind = index_type(settings, chunks)
        indexes.add_index(field_name="dense", index_type=kind, metric_type="IP", params=_PARAMS.get(kind, {}))
        indexes.add_index(field_name="words", index_type="SPARSE_INVERTED_INDEX", metric_type="IP")
        partitions = {"num_partitions": settings.partitions} if settings.partitions else {}
        _create(connection, place.nodes, _record_schema(dimension, bool(settings.partitions)), indexes, partitions)
    if not connection.call("has_collection", place.pages):
        indexes = client.prepare_index_params()
        indexes.add_index(field_name="nothing", index_type="FLAT", metric_type="IP")
        _create(connection, place.pages, _page_schema(), indexes, {})
    load(connection, place)
    return Pages(connection, place.pages)


def load(connection: Connection, place: Place) -> None:
    for name in (place.nodes, place.pages):
        connection.write("load_collection", name, replica_number=connection.settings.replicas)


def _create(connection: Connection, name: str, schema: Any, indexes: Any, more: dict[str, Any]) -> None:
    settings = connection.settings
    connection.write(
        "create_collection",
        name,
        schema=schema,
        index_params=indexes,
        consistency_level=settings.consistency,
        num_shards=settings.shards,
        **more,
    )


def _record_schema(dimension: int, parted: bool) -> Any:
    types, schema = library().DataType, library().MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", types.INT64, is_primary=True)
    schema.add_field("node", types.INT64)
    schema.add_field("part", types.INT32)
    schema.add_field("file", types.INT64, is_partition_key=parted)
    schema.add_field("dense", types.FLOAT_VECTOR, dim=dimension)
    schema.add_field("words", types.SPARSE_FLOAT_VECTOR)
    schema.add_field("facts", types.ARRAY, element_type=types.INT64, max_capacity=_FACTS)
    schema.add_field("said", types.VARCHAR, max_length=_LONGEST)
    schema.add_field("codes", types.VARCHAR, max_length=_LONGEST)
    schema.add_field("hash", types.INT64)
    return schema


def _page_schema() -> Any:
    types, schema = library().DataType, library().MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("key", types.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("parts", types.INT32)
    schema.add_field("data", types.VARCHAR, max_length=_LONGEST)
    schema.add_field("nothing", types.FLOAT_VECTOR, dim=2)
    return schema

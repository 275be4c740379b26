"""A peer as a person would script it, in a process of its own, for `bench/speed.py`.

    python -m bench.speed_peers txtai index|ask|questions FOLDER MODEL

FOLDER holds passages.json, questions.json and the peer's index. "index" makes the index, "ask" opens it and asks the first
question, "questions" opens it and asks all of them, one at a time. A line of JSON on standard output says what was measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

os.environ["HF_HUB_OFFLINE"] = "1"
TOP = 8


class Peer(Protocol):
    def index(self, passages: Sequence[str]) -> None: ...

    def open(self) -> None: ...

    def search(self, question: str) -> list[tuple[int, float]]: ...


class Txtai:
    """txtai with the model's own length limit and exact FAISS search, dense scores alone: its fastest setting."""

    def __init__(self, folder: Path, model: str) -> None:
        from txtai import Embeddings

        self._path = str(folder / "txtai")
        exact = {"components": "IDMap,Flat"}
        self._embeddings = Embeddings(path=model, maxlength=True, backend="faiss", faiss=exact, gpu=False)

    def index(self, passages: Sequence[str]) -> None:
        self._embeddings.index(list(enumerate(passages)))
        self._embeddings.save(self._path)

    def open(self) -> None:
        self._embeddings.load(self._path)

    def search(self, question: str) -> list[tuple[int, float]]:
        return [(int(at), score) for at, score in self._embeddings.search(question, TOP)]


class SentenceTransformers:
    """sentence-transformers and FAISS, with the defaults of both."""

    def __init__(self, folder: Path, model: str) -> None:
        from sentence_transformers import SentenceTransformer

        self._path = str(folder / "vectors.faiss")
        self._model = SentenceTransformer(model, device="cpu")
        self._index: Any = None

    def index(self, passages: Sequence[str]) -> None:
        import faiss

        vectors = self._model.encode_document(list(passages))
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(vectors)
        faiss.write_index(self._index, self._path)

    def open(self) -> None:
        import faiss

        self._index = faiss.read_index(self._path)

    def search(self, question: str) -> list[tuple[int, float]]:
        scores, rows = self._index.search(self._model.encode_query([question]), TOP)
        return list(zip(rows[0].tolist(), scores[0].tolist(), strict=True))


PEERS = {"txtai": Txtai, "sentence-transformers": SentenceTransformers}


def main() -> None:
    name, action, folder, model = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
    peer: Peer = PEERS[name](folder, model)
    passages, questions = (json.loads((folder / f"{each}.json").read_text()) for each in ("passages", "questions"))
    if action == "index":
        peer.index(passages)
        print(json.dumps({"passages": len(passages)}))
        return
    peer.open()
    seconds = []
    for question in questions[: 1 if action == "ask" else None]:
        started = time.perf_counter()
        found = peer.search(question)
        seconds.append(time.perf_counter() - started)
        assert len(found) == TOP
    print(json.dumps({"seconds": seconds, "resident": resident("self")}))


def resident(process: int | str) -> int:
    """Bytes of memory that a process holds now (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()

"""t-SNE in a process of its own (`python -m service.map.tsne`): its libraries take a second to load and a hundred megabytes to
keep, which a service that draws one map in a while should not.
"""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.machine import apart
from service.errors import MapNotDrawn

Floats = NDArray[np.float64]

_PATIENCE = 120.0
"""Seconds; it takes two."""


def lay_out(components: Floats, threads: int) -> Floats:
    """Shape (n, 2), around the origin. components: shape (n, d), started from the first two columns. Raises MapNotDrawn."""
    command, environment = apart("service.map.tsne", str(threads))
    try:
        made = subprocess.run(  # noqa: S603
            command, input=_to_bytes(components), capture_output=True, env=environment, timeout=_PATIENCE, check=True
        )
        return _from_bytes(made.stdout)
    except subprocess.CalledProcessError as error:
        trouble = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MapNotDrawn(trouble[-1] if trouble else f"it ended with status {error.returncode}") from error
    except (OSError, EOFError, ValueError, subprocess.TimeoutExpired) as error:
        raise MapNotDrawn(type(error).__name__) from error


def _fitted(components: Floats, threads: int) -> Floats:
    from openTSNE import TSNE

    start = components[:, :2] / max(float(components[:, 0].std()), 1e-9) * 1e-4
    # More rounds gain nothing: two thirds of the ten nearest in meaning are among the ten nearest on the map either way.
    method: Any = TSNE(
        perplexity=min(30, len(components) / 4),
        initialization=start,
        neighbors="exact",
        negative_gradient_method="bh",
        early_exaggeration_iter=60,
        n_iter=150,
        n_jobs=threads,
        random_state=0,
    )
    return np.asarray(method.fit(components), np.float64)


def _to_bytes(array: Floats) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _from_bytes(data: bytes) -> Floats:
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False), np.float64)


if __name__ == "__main__":
    sys.stdout.buffer.write(_to_bytes(_fitted(_from_bytes(sys.stdin.buffer.read()), int(sys.argv[1]))))

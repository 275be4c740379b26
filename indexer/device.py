"""On what many texts are embedded: the processor, or a graphics card where there is one.

A question is always embedded on the processor, in a millisecond or two, and so are a few texts: PyTorch alone takes seconds to
load. A card runs the original model (`indexer.torch_encoder`), since the whole-number products of a converted one are made for
processors; its vectors are those of the original, from which the converted model's differ by little (see docs/speed.md).
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from indexer.errors import DeviceMissing

Device = Literal["auto", "cpu", "cuda", "mps"]

MANY = 5000
"""Texts from which on loading PyTorch pays."""
_SIGNS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))
"""What the system shows where a card may be: NVIDIA's driver, Windows' subsystem for Linux, AMD's driver. Elsewhere a card
has to be named in the settings.
"""


def device_for(wanted: Device, texts: int) -> str:
    """What so many texts are embedded on: "cpu", "cuda" or "mps". On "auto" a card is never needed. Raises DeviceMissing for
    one that is named and cannot be used.
    """
    if wanted == "cpu" or texts < MANY or (wanted == "auto" and not any(sign.exists() for sign in _SIGNS)):
        return "cpu"
    with suppress(ImportError):  # questions and a few texts need no PyTorch, so it may be missing
        import torch

        if wanted in ("auto", "cuda") and torch.cuda.is_available():
            return "cuda"
        if wanted == "mps" and torch.backends.mps.is_available():
            return "mps"
    if wanted == "auto":
        return "cpu"
    raise DeviceMissing(wanted)

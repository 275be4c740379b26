"""On what notes are embedded. No machine that runs these tests has a graphics card: what PyTorch says of one is made up."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from indexer import build as building
from indexer import device
from indexer.build import build
from indexer.device import MANY, Device, device_for
from indexer.errors import DeviceMissing
from tests.conftest import TINY_MODEL, TinyEncoder, Workshop


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with the driver of a card."""
    sign = tmp_path / "nvidiactl"
    sign.touch()
    monkeypatch.setattr(device, "_SIGNS", (sign,))


@pytest.fixture
def card(driver: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a PyTorch that can use it."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize(("wanted", "chosen"), [("auto", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")])
@pytest.mark.usefixtures("card")
def test_a_card_is_used_where_there_is_one(wanted: Device, chosen: str) -> None:
    assert device_for(wanted, MANY) == chosen
    assert device_for(wanted, MANY - 1) == "cpu"


@pytest.mark.usefixtures("driver")
def test_a_card_is_never_needed() -> None:
    assert device_for("auto", MANY) == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_card_that_is_named_and_not_there_is_said(wanted: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceMissing, match=f"'device: {wanted}' cannot be used"):
        device_for(wanted, MANY)


def test_without_a_sign_of_one_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking loads PyTorch, which takes seconds."""
    monkeypatch.setattr(device, "_SIGNS", ())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("PyTorch was asked"))
    assert device_for("auto", MANY) == "cpu"


@pytest.mark.usefixtures("card")
def test_much_is_embedded_on_the_card_and_an_edit_is_not(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def load_original(model: object, device: str) -> TinyEncoder:
        asked.append(device)
        return TinyEncoder()

    monkeypatch.setattr("indexer.torch_encoder.load_original", load_original)
    monkeypatch.setattr(building, "check_weights", lambda model: None)
    monkeypatch.setattr(device, "MANY", 20)
    workshop.write("".join(f"- line {number}\n" for number in range(30)))
    build([workshop.notes], workshop.index, TINY_MODEL, loader=lambda _: workshop.encoder, device="auto")
    assert (asked, workshop.encoder.encoded) == (["cuda"], [])
    workshop.write("- one more\n", "more.txt")
    build([workshop.notes], workshop.index, TINY_MODEL, loader=lambda _: workshop.encoder, device="auto")
    assert (asked, workshop.encoder.encoded) == (["cuda"], ["one more"])

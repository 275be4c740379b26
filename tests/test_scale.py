"""What the benchmark of scale makes up is what it says: real vectors with noise that depends on the text alone."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from bench.repeated import Repeated, write_notes
from bench.scale import MEASURES, table
from bench.scale_plot import draw
from indexer.build import build
from indexer.chunks import cut_chunks
from indexer.encoder import load, locate
from indexer.generation import open_generation
from indexer.readers import read_outline
from tests.conftest import NOTES

SIZES = [
    {"nodes": nodes, "real": nodes < 10_000, "bytes a node": 3000, **dict.fromkeys(MEASURES, nodes**power * 1e-3)}
    for nodes, power in ((100, 1.0), (1000, 1.0), (10_000, 1.0))
]


def test_copies_are_near_their_originals_and_the_same_in_any_company(tmp_path: Path) -> None:
    assert write_notes(NOTES, tmp_path / "real", 200) == 200
    assert write_notes(NOTES, tmp_path / "many", 2000) >= 2000
    model = locate()
    build([tmp_path / "real"], tmp_path / "index", model)
    encoder = Repeated(load(model), open_generation(tmp_path / "index", model), tmp_path / "real", 0.3)
    file = next(path for path in sorted((tmp_path / "many").rglob("copy-1/**/*.txt")))
    real = next((tmp_path / "real").rglob(file.name))
    texts = [chunk.text for chunk in cut_chunks(read_outline("x", file.read_bytes()))][1:41]
    original = [chunk.text for chunk in cut_chunks(read_outline("x", real.read_bytes()))][:40]
    assert texts[5] == f"Copy 1 > {original[5]}"
    copies, originals = encoder.encode(texts), load(model).encode(original)
    cosines = (copies.vectors * originals.vectors).sum(axis=1)
    assert 0.9 < np.median(cosines) < 0.99
    alone = encoder.encode(texts[7:8])
    np.testing.assert_array_equal(alone.vectors[0], copies.vectors[7])
    np.testing.assert_array_equal(alone.tokens, copies.tokens[copies.counts[:7].sum() : copies.counts[:8].sum()])
    unknown = encoder.encode(["a text that stands nowhere", texts[7]])
    np.testing.assert_allclose(
        unknown.vectors[0], load(model).encode(["a text that stands nowhere"]).vectors[0], atol=1e-5
    )
    np.testing.assert_array_equal(unknown.vectors[1], copies.vectors[7])


def test_the_plots_are_drawn_and_growth_is_named() -> None:
    picture = ET.fromstring(draw(SIZES, MEASURES))
    assert len(picture.findall(".//{*}circle")) == len(MEASURES) * len(SIZES)
    where = {"date": "2026-01-01", "machine": {"cores": 2}, "code": "abc"}
    told = table({"sizes": SIZES, "conditions": where})
    assert "linear (power 1.00)" in told
    assert "10,000 *" in told
    assert "copies with noise" in told

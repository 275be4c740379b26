"""Fits the two logistic models of `service/judge/confidence.py` and prints their numbers.

    python bench/fit_confidence.py NOTES:QUESTIONS [NOTES:QUESTIONS ...]

Data: question sets over notes, as `trellis eval` reads them. A question without gold lines is far off when its kind is "far"
(or its id is listed with --far), else a near miss: same subject, not answered. The first model tells answerable questions
from far-off ones. The second tells questions whose answer is among the first ten results from near misses and from
questions whose answer was not found. Each set is scored with a model fitted to the others. Near misses and far-off
questions are weighted to the shares that are expected in use (--near, --far-share).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from indexer.build import build
from indexer.encoder import load, locate
from service import answering
from service.judge.confidence import measures
from service.measure.evaluate import DEPTH, Question, evaluate, read_questions
from service.search.query import read_query
from service.search.ranking import rank
from service.snapshot import Current

FAR_FEATURES = ("score", "matched", "reach", "keywords")
NEAR_FEATURES = ("lead", "dense_lead", "lexical_lead", "keywords", "amount_asked", "amount_missing")

Row = tuple[dict[str, float], str, bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", metavar="NOTES:QUESTIONS")
    parser.add_argument("--far", default="", help="ids of far-off questions, parted by commas")
    parser.add_argument("--near", type=float, default=0.08, help="expected share of near misses")
    parser.add_argument("--far-share", type=float, default=0.22, help="expected share of far-off questions")
    options = parser.parse_args()
    sets = [_rows(*pair.split(":"), set(options.far.split(","))) for pair in options.sets]
    for at, rows in enumerate(sets):
        others = [row for other, some in enumerate(sets) if other != at for row in some]
        _report(options.sets[at], rows, _fit(others or rows, options))
    for name, weights in zip(
        ("NOT_FAR_OFF", "SAYS_IT"), _fit([row for rows in sets for row in rows], options), strict=True
    ):
        print(f"{name}: Weights = {{{', '.join(f'{key!r}: {round(value, 3)}' for key, value in weights.items())}}}")


def _rows(notes: str, questions: str, far: set[str]) -> list[Row]:
    model = locate()
    encoder = load(model)
    asked = read_questions(Path(questions))
    with tempfile.TemporaryDirectory() as folder:
        build([Path(notes)], Path(folder), model, loader=lambda _: encoder)
        snapshot = Current(Path(folder), model, encoder).get()
        outcomes = evaluate(asked, lambda question: answering.ask(snapshot, question, DEPTH)).outcomes
        rows: list[Row] = []
        for question, outcome in zip(asked, outcomes, strict=True):
            query = read_query(snapshot, question.q)
            found = measures(snapshot, query, rank(snapshot, query, DEPTH))
            rows.append((found, _kind(question, far), outcome.rank > 0))
    return rows


def _kind(question: Question, far: set[str]) -> str:
    if question.gold:
        return "answerable"
    return "far" if question.kind == "far" or question.id in far else "near"


def _fit(rows: list[Row], options: argparse.Namespace) -> tuple[dict[str, float], dict[str, float]]:
    count = {kind: sum(1 for row in rows if row[1] == kind) for kind in ("answerable", "near", "far")}
    share = {"near": options.near, "far": options.far_share}
    answerable_share = 1 - options.near - options.far_share
    weight = {kind: share[kind] / answerable_share * count["answerable"] / max(count[kind], 1) for kind in share}
    weight["answerable"] = 1.0
    about = [row for row in rows if row[1] != "near"]
    says = [row for row in rows if row[1] != "far"]
    not_far = _logistic(about, FAR_FEATURES, [row[1] == "answerable" for row in about], weight)
    says_it = _logistic(says, NEAR_FEATURES, [row[1] == "answerable" and row[2] for row in says], weight)
    return not_far, says_it


def _logistic(rows: list[Row], names: tuple[str, ...], right: list[bool], weight: dict[str, float]) -> dict[str, float]:
    values = np.array([[row[0][name] for name in names] for row in rows])
    scaler = StandardScaler().fit(values)
    model = LogisticRegression(C=0.3, max_iter=2000)
    model.fit(scaler.transform(values), right, sample_weight=[weight[row[1]] for row in rows])
    slopes = model.coef_[0] / scaler.scale_
    intercept = float(model.intercept_[0] - slopes @ scaler.mean_)
    return {"": intercept} | dict(zip(names, slopes.tolist(), strict=True))


def _probability(weights: dict[str, float], found: dict[str, float]) -> float:
    return float(1 / (1 + np.exp(-(weights[""] + sum(w * found[name] for name, w in weights.items() if name)))))


def _report(name: str, rows: list[Row], models: tuple[dict[str, float], dict[str, float]]) -> None:
    by_kind: dict[str, list[float]] = {"answerable": [], "near": [], "far": []}
    pairs = []
    for found, kind, right in rows:
        confidence = _probability(models[0], found) * _probability(models[1], found)
        by_kind[kind].append(confidence)
        pairs.append((confidence, kind == "answerable" and right))
    inside = np.array(by_kind["answerable"])
    print(f"{name} (fitted on the other sets): {len(rows)} questions")
    for kind in ("near", "far"):
        beyond = np.array(by_kind[kind])
        if len(beyond):
            auroc = np.mean((inside[:, None] > beyond) + 0.5 * (inside[:, None] == beyond))
            strict = np.mean(beyond < np.quantile(inside, 0.03))
            print(
                f"  {kind}: AUROC {auroc:.3f}, refused at 3% false refusals {strict:.1%}, at 0.5 {np.mean(beyond < 0.5):.1%}"
            )
    print(f"  answerable refused at 0.5: {np.mean(inside < 0.5):.1%}, calibration error {_error(pairs):.3f}")


def _error(pairs: list[tuple[float, bool]]) -> float:
    said, right = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
    bins = np.minimum((said * 10).astype(int), 9)
    return float(sum(abs((said[bins == b] - right[bins == b]).sum()) for b in range(10)) / len(pairs))


if __name__ == "__main__":
    main()

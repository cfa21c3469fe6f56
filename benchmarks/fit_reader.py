"""Fit the sentence classifier on the labelled sentences and write its weights as one small file.

    python benchmarks/fit_reader.py SENTENCES.jsonl... --out src/phyassist/data/organise_reader.json.gz

SENTENCES.jsonl is no part of the repository: the 4,997 labelled sentences behind the weights that ship
were not kept, so those weights cannot be made again to the letter.  To fit anew takes one row a sentence:
    {"source", "row_id", "lang", "speaker", "text", "prev", "labels"}
with labels from D, H, M, P, S, Q, N (docs/organise.md), and none from a labelled text of Organise.

Prints, by label, precision, recall and F1 over five folds that never share a text.  Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, precision_recall_fscore_support
from sklearn.model_selection import GroupKFold

from phyassist.domain.reading.classifier import LABELS, make_features
from phyassist.domain.reading.speakers import Speaker

SEEN_MIN = 2
WEIGHT_MIN = 0.02


def load_rows(paths: list[Path]) -> list[dict[str, object]]:
    return [
        json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines() if line.strip()
    ]


def featurise(row: dict[str, object]) -> set[str]:
    speaker = Speaker.COUNSELLOR if row["speaker"] == "counsellor" else Speaker.CLIENT
    return make_features(str(row["text"]), str(row.get("prev") or ""), speaker)


def make_matrix(features: list[set[str]], columns: dict[str, int]) -> csr_matrix:
    rows, cols = [], []
    for no, found in enumerate(features):
        for feature in found:
            if feature in columns:
                rows.append(no)
                cols.append(columns[feature])
    return csr_matrix((np.ones(len(rows)), (rows, cols)), shape=(len(features), len(columns)))


def fit(matrix: csr_matrix, targets: np.ndarray, strength: float) -> list[LogisticRegression]:
    return [
        LogisticRegression(C=strength, max_iter=500, solver="liblinear").fit(matrix, targets[:, no])
        for no in range(len(LABELS))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sentences", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--strength", type=float, default=0.1)
    options = parser.parse_args()
    rows = load_rows(options.sentences)
    features = [featurise(row) for row in rows]
    targets = np.array([[label in row["labels"] for label in LABELS] for row in rows], dtype=int)
    groups = [f"{row['source']}-{row['row_id']}" for row in rows]
    counts = Counter(feature for found in features for feature in found)
    columns = {name: no for no, name in enumerate(sorted(k for k, n in counts.items() if n >= SEEN_MIN))}
    matrix = make_matrix(features, columns)
    print(f"sentences {len(rows)}   texts {len(set(groups))}   features {len(columns)}")
    guessed = np.zeros(targets.shape)
    for train, held in GroupKFold(5).split(matrix, groups=groups):
        for no, model in enumerate(fit(matrix[train], targets[train], options.strength)):
            guessed[held, no] = model.predict_proba(matrix[held])[:, 1]
    for no, label in enumerate(LABELS):
        p, r, f, _ = precision_recall_fscore_support(
            targets[:, no], guessed[:, no] > 0.4, average="binary", zero_division=0
        )
        ap = average_precision_score(targets[:, no], guessed[:, no])
        print(
            f"{label}  n {targets[:, no].sum()}  precision {p:.2f}  recall {r:.2f}  F1 {f:.2f}  AP {ap:.2f}"
        )
    if options.out:
        write(options.out, fit(matrix, targets, options.strength), columns)


def write(path: Path, models: list[LogisticRegression], columns: dict[str, int]) -> None:
    weights = np.stack([model.coef_[0] for model in models], axis=1)
    kept = {
        name: [round(float(value), 3) for value in weights[no]]
        for name, no in columns.items()
        if np.abs(weights[no]).max() >= WEIGHT_MIN
    }
    bias = [round(float(model.intercept_[0]), 3) for model in models]
    body = json.dumps(
        {"labels": LABELS, "bias": bias, "weights": kept}, ensure_ascii=False, separators=(",", ":")
    )
    with path.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
        packed.write(body.encode())
    print(f"weights {len(kept)}   {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

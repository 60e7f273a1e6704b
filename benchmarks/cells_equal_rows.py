"""Do models fitted from cells have the digits of the same models fitted from the rows, one million of them?

Run `python benchmarks/cells_equal_rows.py` (some minutes; `--rows 20000` to try, which writes no table). The rows are
binned patients of 100 units: logistic, Poisson and gamma regression, least squares, and the linear and logistic mixed
models are fitted once from rows (cells of one stay each) and once from cells; estimates and standard errors must agree
to 1e-8, relative to the standard error, or the script stops with an error.
"""

import argparse
import csv
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from microresearch.numeric.glm import fit_glm
from microresearch.numeric.logistic_mixed import fit_logistic_mixed
from microresearch.numeric.mixed import fit_mixed, group_moments

OUT = Path(__file__).with_suffix(".csv")
UNITS, NEAR = 100, 1e-8


def study(rows: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Design rows (intercept, age, sex, comorbidity, score), units, and four outcomes."""
    rng = np.random.default_rng(1)
    unit = np.sort(rng.integers(0, UNITS, rows))
    score = rng.normal(size=UNITS)
    x = np.column_stack([
        np.ones(rows), *(rng.integers(0, 4, rows)[:, None] == np.arange(1, 4)).T.astype(float),
        rng.integers(0, 2, rows), *(rng.integers(0, 3, rows)[:, None] == np.arange(1, 3)).T.astype(float), score[unit],
    ])  # fmt: skip
    eta = x @ np.array([0, 0.1, 0.2, 0.3, -0.1, 0.2, 0.4, 0.1]) + rng.normal(0, 0.2, UNITS)[unit]
    return x, unit, {
        "linear": 70 + 3 * eta + rng.normal(0, 15, rows), "logistic": rng.binomial(1, 1 / (1 + np.exp(2 - eta))) * 1.0,
        "poisson": rng.poisson(np.exp(1 + eta)) * 1.0, "gamma": rng.gamma(1.5, np.exp(8 + eta) / 1.5),
    }  # fmt: skip


def binned(x: np.ndarray, unit: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same as cells: design, stays, sum, sum of squares, unit."""
    key = np.column_stack([unit, x[:, 1:-1]])
    _, first, place = np.unique(key, axis=0, return_index=True, return_inverse=True)
    place = place.ravel()
    n, total, squares = (np.bincount(place, weights=w) for w in (np.ones(len(y)), y, y**2))
    return x[first], n, total, squares, unit[first]


def fitted(model: str, x: np.ndarray, n: np.ndarray, y: np.ndarray, y2: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Estimates, then standard errors."""
    if model == "linear mixed":
        fit = fit_mixed(group_moments(x, n, y, y2, unit))
        return np.concatenate([fit.beta, np.sqrt(np.diag(fit.cov))])
    if model == "logistic mixed":
        mixed = fit_logistic_mixed(x, n, y, unit)
        return np.concatenate([mixed.beta, np.sqrt(np.diag(mixed.cov)[: x.shape[1]])])
    if model == "linear":
        gram = (x * n[:, None]).T @ x
        beta = np.linalg.solve(gram, x.T @ y)
        left = (y2 - 2 * y * (x @ beta) + n * (x @ beta) ** 2).sum() / (n.sum() - x.shape[1])
        return np.concatenate([beta, np.sqrt(left * np.diag(np.linalg.inv(gram)))])
    glm = fit_glm(x, n, y, "binomial" if model == "logistic" else model, y2)  # type: ignore[arg-type]
    return np.concatenate([glm.beta, np.sqrt((glm.dispersion or 1) * np.diag(np.linalg.inv(glm.information)))])


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    x, unit, outcomes = study(rows)
    table = []
    for model in ("linear", "logistic", "poisson", "gamma", "linear mixed", "logistic mixed"):
        y = outcomes[model.removesuffix(" mixed")]
        begin = time.process_time()
        whole = fitted(model, x, np.ones(rows), y, y**2, unit)
        middle = time.process_time()
        cells = binned(x, unit, y)
        start = time.process_time()
        small = fitted(model, *cells)
        end = time.process_time()
        se = np.tile(whole[len(whole) // 2 :], 2)
        apart = float((np.abs(small - whole) / se).max())
        table.append({
            "model": model, "rows": rows, "cells": len(cells[0]), "rows_s": round(middle - begin, 2),
            "cells_s": round(end - start, 4), "largest_difference_in_se": f"{apart:.1e}", "equal": apart < NEAR,
        })  # fmt: skip
        print(*table[-1].values(), sep="  ", flush=True)
    if rows >= 1_000_000:
        with OUT.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    if not all(row["equal"] for row in table):
        raise SystemExit("cells and rows differ")


if __name__ == "__main__":
    main()

"""Does the correction for unreliable scores give the true effect, with intervals that cover, in 40 and 100 units?

Run `python benchmarks/calibrate/linked_rated.py` (half an hour; each finished cell is written at once, and a run that
was stopped goes on where it was; `--minutes 10` stops after the cell that is running then). Delete the CSV to start
anew. 5 to 40 raters a unit score it through `unit_scores`; a continuous outcome is linked by the mixed model as
`link_outcome` does, per true SD within hospitals. Covariates explain half of the score's variance and act on the
outcome. Ratios are to the true effect: of the naive, the corrected (mean and median over the studies not refused).
Coverage of the corrected is of the interval that is reported, and, as "plain", of one that takes reliability as known.
"""

import argparse
import itertools
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
from linked import HOSPITALS, design_of, fill, outcome, patients, sizes
from scipy import stats

from microresearch.linking.design import Design
from microresearch.linking.slopes import slope
from microresearch.numeric.pivots import scaled_interval
from microresearch.units.aggregation import unit_scores

TABLE = Path(__file__).parent / "linked_rated.csv"
RUNS, TRUTH = 1000, 1.5
COLUMNS = ["units", "icc1", "covariates", "runs", "refused", "naive_ratio", "corrected_ratio", "corrected_median",
           "ratio_se", "coverage_naive", "coverage_plain", "coverage_corrected", "mc_se", "miss"]  # fmt: skip


def study(
    rng: np.random.Generator, units: int, icc1: float, covariates: bool
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Ratings, units and true scores (variance 1 within hospitals)."""
    hospital = np.arange(units) % HOSPITALS[units]
    beds = rng.normal(size=units)
    own = math.sqrt(0.5) * (beds + rng.normal(size=units)) if covariates else rng.normal(size=units)
    true = own + 0.5 * rng.normal(size=hospital.max() + 1)[hospital]
    names = np.array([f"U{i:03d}" for i in range(units)])
    who = np.repeat(np.arange(units), rng.integers(5, 41, units))
    ratings = true[who] + math.sqrt((1 - icc1) / icc1) * rng.normal(size=len(who))
    people = pd.DataFrame({"unit": names[who], "score": ratings})
    return people, pd.DataFrame({"unit": names, "hospital": hospital.astype(str), "beds": beds}), true


def design(rng: np.random.Generator, table: pd.DataFrame, true: np.ndarray, covariates: bool) -> Design:
    """The outcome's cells, hospitals fixed; beds among the columns where the scores hold them."""
    hospital, beds = table["hospital"].to_numpy(int), table["beds"].to_numpy(float)
    units = len(table)
    n = np.concatenate(patients(rng, sizes(rng, units, "unbalanced"), true, False))
    z = np.repeat([0.0, 1.0], units)
    eta = np.tile(0.3 * true + 0.2 * beds * covariates + 0.3 * rng.normal(size=units), 2) + 0.2 * z
    made = design_of(hospital, n, z, *outcome(rng, "mixed", n, eta))
    if not covariates:
        return made
    at = made.n_between
    wide = np.insert(made.x, at, beds[made.unit], axis=1)
    names = (*made.names[:at], "beds", *made.names[at:])
    return Design(wide, names, n, made.total, made.squares, made.unit, made.units, made.hospitals, at + 1, ())


def one(rng: np.random.Generator, units: int, icc1: float, covariates: bool) -> tuple[float, ...] | None:
    """Naive and corrected effect per true SD, and whether each interval covers; None where refused."""
    people, table, true = study(rng, units, icc1, covariates)
    scores = unit_scores(people, table, hospital="hospital", covariates=["beds"] if covariates else ())
    part = scores.components.iloc[0]
    if not part["correctable"]:
        return None
    cells = design(rng, table, true, covariates)
    factors = scores.factors.drop(columns="characteristic").to_numpy(float).ravel()
    naive, corrected = (
        slope(cells, cells.with_score(scores.table[kind].to_numpy(float)), "mixed", float(part["tau"]))
        for kind in ("mean", "eb")
    )
    plain = [abs(s.estimate - TRUTH) <= stats.t.ppf(0.975, s.df) * s.se for s in (naive, corrected)]
    low, high = scaled_interval(corrected.estimate, corrected.se, corrected.df, factors, 0.95)
    return naive.estimate, corrected.estimate, *map(float, plain), float(low <= TRUTH <= high)


def rows(cell: tuple[int, float, bool]) -> list[dict[str, object]]:
    """One cell of the table."""
    got = [one(np.random.default_rng([i, cell[0], int(1000 * cell[1]), cell[2]]), *cell) for i in range(RUNS)]
    kept = np.array([g for g in got if g is not None])
    ratio, covered = kept[:, :2] / TRUTH, kept[:, 2:].mean(axis=0)
    error = math.sqrt(0.05 * 0.95 / len(kept))
    return [dict(zip(COLUMNS, (
        *cell, len(kept), RUNS - len(kept), *np.round(ratio.mean(axis=0), 4), round(float(np.median(ratio[:, 1])), 4),
        round(float(ratio[:, 1].std(ddof=1) / math.sqrt(len(kept))), 4), *np.round(covered, 4), round(error, 4),
        bool(not 0.93 - 3 * error <= covered[2] <= 0.97 + 3 * error)), strict=True))]  # fmt: skip


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no further cell after this time")
    until = time.monotonic() + 60 * parser.parse_args().minutes
    fill(TABLE, COLUMNS, 3, list(itertools.product((40, 100), (0.05, 0.12, 0.25), (False, True))), rows, until)


if __name__ == "__main__":
    main()

"""Do bootstrap intervals of a cost with zeros cover, when scores are rated by staff, in 40 units?

Run `python benchmarks/calibrate/linked_zeros.py` (half an hour; each finished cell is written at once, and a run that
was stopped goes on where it was; `--minutes 10` stops after the cell that is running then). Delete the CSV to start
anew. 300 studies a cell, 199 draws of units each: 5 to 40 raters a unit, hospitals as fixed effects, a fifth of the
stays cost nothing. The effect is in the amounts alone, so that it is the total's too. `rejected`: intervals that leave
zero out; `cr2`: coverage of the joint CR2 interval that `link_two_part` reports, on the same studies.
"""

import argparse
import itertools
import math
import time
import zlib
from pathlib import Path

import numpy as np
from linked import design_of, fill, outcome, patients, sizes
from linked_rated import study

from microresearch.linking.bootstrap import BootstrapEffects, studentised
from microresearch.linking.slopes import slope
from microresearch.linking.zero_cost_bootstrap import PARTS, TwoPartDraws
from microresearch.numeric.moments import group_moments
from microresearch.numeric.pivots import scaled_interval
from microresearch.results import NotAvailable
from microresearch.units.aggregation import unit_scores

TABLE = Path(__file__).parent / "linked_zeros.csv"
RUNS, DRAWS, UNITS = 300, 199, 40
COLUMNS = ["units", "icc1", "sizes", "effect", "part", "runs", "refused", "rejected", "coverage", "mc_se", "cr2",
           "bias", "miss"]  # fmt: skip
TOLD = PARTS[:3]


def one(rng: np.random.Generator, units: int, icc1: float, size: str, effect: float) -> np.ndarray | None:
    """Estimate, low, high, low and high by CR2 of each part of one study; None where the correction was refused."""
    people, table, true = study(rng, units, icc1, False)
    scores = unit_scores(people, table, hospital="hospital")
    part = scores.components.iloc[0]
    if not part["correctable"]:
        return None
    hospital = table["hospital"].to_numpy(int)
    n = np.concatenate(patients(rng, sizes(rng, units, size), true, False))
    z = np.repeat([0.0, 1.0], units)
    ground = np.tile(0.15 * rng.normal(size=units), 2) + 0.4 * z
    used = np.clip(rng.binomial(n.astype(int), 1 / (1 + np.exp(-1.4 - ground))).astype(float), 1, n)
    total, squares = outcome(rng, "gamma", used, ground + np.tile(effect * true, 2))
    made = design_of(hospital, n, z, total, squares)
    design = type(made)(made.x, made.names, n, total, squares, made.unit, made.units, made.hospitals, made.n_between,
                        (), n - used)  # fmt: skip
    codes = np.asarray(people["unit"].str[1:].astype(int), np.int64)
    rated = group_moments(people["score"].to_numpy(float), codes, units)
    under = TwoPartDraws((rated,), np.empty((units, 0)), hospital, np.arange(units), design)
    estimate, se, drawn, t = studentised(under, hospital, DRAWS, int(rng.integers(2**32)), 1)
    found = BootstrapEffects(PARTS, ("score",), estimate, se, drawn, t, 0.95, 0, units)
    factors = scores.factors.drop(columns="characteristic").to_numpy(float).ravel()
    x = design.with_score(scores.table["eb"].to_numpy(float))
    told = []
    for i, name in enumerate(TOLD):
        bounds = found.interval(name, "score")
        if isinstance(bounds, NotAvailable):
            return None
        plain = slope(design, x, "two-part" if name == "total" else name, float(part["tau"]))  # type: ignore[arg-type]
        told.append((estimate[i, 0], *bounds, *scaled_interval(plain.estimate, plain.se, plain.df, factors, 0.95)))
    return np.array(told)


def rows(cell: tuple[int, float, str, float]) -> list[dict[str, object]]:
    """A row a part."""
    seed = zlib.crc32(repr(cell).encode())
    got = [one(np.random.default_rng([i, seed]), *cell) for i in range(RUNS)]
    kept = np.stack([g for g in got if g is not None])
    error = math.sqrt(0.05 * 0.95 / len(kept))
    made = []
    for i, name in enumerate(TOLD):
        truth = 0.0 if name == "any use" else cell[-1]
        estimate, low, high, cr2_low, cr2_high = kept[:, i].T
        covered = float(((low <= truth) & (truth <= high)).mean())
        made.append(dict(zip(COLUMNS, (
            *cell, name, len(kept), RUNS - len(kept), round(float(((low > 0) | (high < 0)).mean()), 4),
            round(covered, 4), round(error, 4), round(float(((cr2_low <= truth) & (truth <= cr2_high)).mean()), 4),
            round(float(estimate.mean() - truth), 5), bool(not 0.93 - 3 * error <= covered <= 0.97 + 3 * error),
        ), strict=True)))  # fmt: skip
    return made


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no further cell after this time")
    until = time.monotonic() + 60 * parser.parse_args().minutes
    grid = itertools.product((UNITS,), (0.12, 0.25), ("unbalanced", "balanced"), (0.0, 0.1))
    fill(TABLE, COLUMNS, 4, list(grid), rows, until)


if __name__ == "__main__":
    main()

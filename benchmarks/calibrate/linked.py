"""Do tests of linked effects hold their level, and intervals cover, in studies of 20, 40 and 100 units?

Run `python benchmarks/calibrate/linked.py` (hours in all; each finished cell is written at once, and a run that was
stopped goes on where it was). `--minutes 10` stops after the cell that is running then. Delete the CSV to start anew.
The model is fitted as `link_outcome` fits it: hospitals as fixed effects, case mix adjusted, scores known without
error; for scores rated by staff see linked_rated.py.
"""

import argparse
import csv
import io
import itertools
import math
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from microresearch.errors import MicroresearchError
from microresearch.linking.design import Design
from microresearch.linking.slopes import slope

HERE = Path(__file__).parent
LEVELS = HERE / "linked.csv"
RUNS = 1000
HOSPITALS = {20: 4, 40: 8, 100: 10}
MODELS = {
    "primary": ("mixed", "gamma", "poisson", "binomial"),
    "zeros": ("any use", "cost if used", "two-part"),
    "beside": ("two-stage", "quadrature"),
}
LEVEL_COLUMNS = ["set", "units", "sizes", "scores", "hospital_share", "case_mix", "effect", "model", "runs", "refused",
                 "rejected", "coverage", "mc_se", "bias", "se_ratio", "miss"]  # fmt: skip


def sizes(rng: np.random.Generator, units: int, kind: str) -> np.ndarray:
    """Stays of each unit: 300, or lognormal with the same mean and a few large ones."""
    if kind == "balanced":
        return np.full(units, 300.0)
    return np.maximum(20, np.round(300 * np.exp(rng.normal(-0.5, 1.0, units))))


def standing(rng: np.random.Generator, units: int, kind: str, share: float, hospital: np.ndarray) -> np.ndarray:
    """Unit-level values of variance 1, of which `share` lies between hospitals."""
    own = rng.normal(size=units) if kind == "normal" else (rng.chisquare(3, units) - 3) / np.sqrt(6)
    return np.sqrt(1 - share) * own + np.sqrt(share) * rng.normal(size=hospital.max() + 1)[hospital]


def patients(
    rng: np.random.Generator, n: np.ndarray, score: np.ndarray, correlated: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Stays of each unit by a two-level case mix, more of the sicker where scores are high if it is correlated."""
    chance = 1 / (1 + np.exp(-0.6 * score)) if correlated else np.full(len(n), 0.5)
    sick = np.clip(rng.binomial(n.astype(int), chance).astype(float), 1, n - 1)
    return n - sick, sick


def outcome(rng: np.random.Generator, model: str, n: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and sums of squares of n outcomes each; unit effects are in eta already."""
    if model == "mixed":
        mean = 5 * eta + rng.normal(size=len(n)) * 5 / np.sqrt(n)
        return n * mean, n * mean**2 + 25 * rng.chisquare(np.maximum(n - 1, 1)) * (n > 1)
    if model == "gamma":
        total = rng.gamma(1.2 * n, np.exp(8 + eta) / 1.2)
        return total, total**2 / n
    if model == "poisson":
        total = rng.poisson(n * np.exp(1.3 + eta)).astype(float)
        return total, total**2 / n
    events = rng.binomial(n.astype(int), 1 / (1 + np.exp(2 - eta))).astype(float)
    return events, events


def design_of(hospital: np.ndarray, n: np.ndarray, z: np.ndarray, total: np.ndarray, squares: np.ndarray) -> Design:
    """Two cells a unit, hospitals as fixed effects."""
    units = len(hospital)
    unit = np.tile(np.arange(units), 2)
    dummies = [(hospital == h).astype(float)[unit] for h in range(1, hospital.max() + 1)]
    x = np.column_stack([np.ones(2 * units), *dummies, z])
    names = ("intercept", *(f"hospital: {h}" for h in range(1, hospital.max() + 1)), "sick: yes")
    return Design(
        x, names, n, total, squares, unit, tuple(map(str, range(units))), tuple(map(str, hospital)), len(names) - 1, ()
    )


def one_study(rng: np.random.Generator, cell: tuple) -> list[tuple[float, float, float]]:
    """Estimate, se and df of every model of the set on one study; NaN where a model refused."""
    which, units, size, kind, share, mix, effect = cell
    hospital = np.arange(units) % HOSPITALS[units]
    score = standing(rng, units, kind, share, hospital)
    level = standing(rng, units, "normal", share, hospital) * 0.15
    healthy, sick = patients(rng, sizes(rng, units, size), score, mix == "correlated")
    n, z = np.concatenate([healthy, sick]), np.repeat([0.0, 1.0], units)
    ground = np.tile(level, 2) + 0.4 * z
    eta, used = ground + np.tile(effect * score, 2), n
    if which == "zeros":  # the effect is in the amounts alone, so that it is the total's too
        used = np.clip(rng.binomial(n.astype(int), 1 / (1 + np.exp(-1.4 - ground))).astype(float), 1, n)
    found: list[tuple[float, float, float]] = []
    design, total = None, n
    for model in MODELS[which]:
        if which != "zeros" or design is None:
            total, squares = outcome(rng, "gamma" if which == "zeros" else model, used, eta)
            design = replace(design_of(hospital, n, z, total, squares), zeros=n - used)
        try:
            x = design.with_score(score)
            made = slope(design, x, model, 1.0)  # type: ignore[arg-type]
            found.append((made.estimate, made.se, made.df))
        except MicroresearchError:
            found.append((math.nan, math.nan, math.nan))
    return found


def level_rows(cell: tuple) -> list[dict[str, object]]:
    """A row a model: share of false positives (effect 0) and coverage."""
    which, effect = cell[0], cell[-1]
    seed = zlib.crc32(repr(cell).encode())
    runs = 300 if which == "zeros" else RUNS
    got = np.array([one_study(np.random.default_rng([index, seed]), cell) for index in range(runs)])
    return [_level_row(cell, model, effect, got[:, at]) for at, model in enumerate(MODELS[which])]


def _level_row(cell: tuple, model: str, effect: float, got: np.ndarray) -> dict[str, object]:
    truth = {"mixed": 5 * effect, "any use": 0.0}.get(model, effect)
    kept = got[np.isfinite(got).all(axis=1)]
    p = 2 * stats.t.sf(np.abs(kept[:, 0] - truth) / kept[:, 1], kept[:, 2])
    covered, error = float((p >= 0.05).mean()), math.sqrt(0.05 * 0.95 / len(kept))
    zero = 2 * stats.t.sf(np.abs(kept[:, 0]) / kept[:, 1], kept[:, 2])
    low, high = (0.935 - 3 * error, 0.965 + 3 * error) if effect == 0 else (0.93 - 3 * error, 0.97 + 3 * error)
    spread = float(kept[:, 1].mean() / kept[:, 0].std(ddof=1))
    return dict(zip(LEVEL_COLUMNS, (
        *cell, model, len(kept), len(got) - len(kept), round(float((zero < 0.05).mean()), 4), round(covered, 4),
        round(error, 4), round(float(kept[:, 0].mean() - truth), 5),
        round(spread, 3), not low <= covered <= high), strict=True))  # fmt: skip


def fill(path: Path, columns: list[str], keys: int, cells: list[tuple], rows, until: float) -> None:
    """Add every cell that the table lacks, its lines together."""
    done = set()
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            done = {tuple(line[c] for c in columns[:keys]) for line in csv.DictReader(file)}
    for cell in cells:
        if tuple(map(str, cell)) in done or time.monotonic() > until:
            continue
        made, text = rows(cell), io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        if not path.exists():
            writer.writeheader()
        writer.writerows(made)
        with path.open("a", encoding="utf-8", newline="") as file:
            file.write(text.getvalue())
        print(*(" ".join(map(str, row.values())) for row in made), sep="\n", flush=True)


def level_cells() -> list[tuple]:
    """The whole grid, the most telling cells first: no effect before effect, unequal units before equal ones."""
    grid = itertools.product(
        (0.0, 0.1), ("unbalanced", "balanced"), (0.2, 0.0, 0.3), ("correlated", "none"), ("normal", "skewed"),
        (40, 20, 100),
    )  # fmt: skip
    settings = [(units, size, kind, share, mix, effect) for effect, size, share, mix, kind, units in grid]
    first = [("primary", *s) for s in settings]
    zeros = [("zeros", *s) for s in settings if s[0] == 40]
    beside = [("beside", *s) for s in settings if s[1:5] == ("unbalanced", "normal", 0.2, "correlated")]
    return [*first[:12], *beside[:3], *zeros[:6], *first[12:], *zeros[6:], *beside[3:]]


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=math.inf, help="start no further cell after this time")
    until = time.monotonic() + 60 * parser.parse_args().minutes
    fill(LEVELS, LEVEL_COLUMNS, 7, level_cells(), level_rows, until)


if __name__ == "__main__":
    main()

"""Do 95 % intervals of alpha, omega and the ICCs cover planted truths? One row a cell, written as soon as it is done.

Run `python benchmarks/calibrate/reliability.py`; a run that was stopped goes on where it was. Delete the CSV to start
anew. The truth of a coefficient of coded answers is that coefficient of their population covariance matrix.
"""

import csv
import math
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from microresearch.errors import MicroresearchError
from microresearch.numeric.moments import group_moments
from microresearch.numeric.one_factor import fit_ml
from microresearch.numeric.ordinal.bivariate import bivariate_cdf
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.coefficients import alpha_of
from microresearch.psychometrics.icc import icc
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_categorical import green_yang
from microresearch.psychometrics.omega_total import omega_of
from microresearch.units.between import between_rows

OUT = Path(__file__).with_suffix(".csv")
RUNS = 1000
LOADINGS = np.array([0.8, 0.7, 0.6, 0.5])
CUTS: dict[str, list[float]] = {
    "continuous": [], "5 even": [-1.2, -0.4, 0.4, 1.2], "3 skewed": [0.5, 1.5], "2 even": [0.0],
}  # fmt: skip
SIZES = [100, 400]
COLUMNS = ["coefficient", "data", "n", "truth", "runs", "refused", "coverage", "mc_se", "bias", "miss"]
Found = tuple[float, float, float]  # estimate, low, high


def answers(rng: np.random.Generator, cuts: list[float], n: int) -> pd.DataFrame:
    """One-factor answers, coded 1, 2, ... where there are cuts."""
    y = rng.standard_normal((n, 1)) * LOADINGS + rng.standard_normal((n, 4)) * np.sqrt(1 - LOADINGS**2)
    return pd.DataFrame(np.digitize(y, cuts) + 1.0 if cuts else y)


def population(cuts: list[float]) -> np.ndarray:
    """Covariance matrix of the answers."""
    rho = np.outer(LOADINGS, LOADINGS)
    np.fill_diagonal(rho, 1.0)
    if not cuts:
        return rho
    at, out = np.array(cuts), np.empty((4, 4))
    below = ndtr(at)
    for i in range(4):
        for j in range(4):
            if i == j:
                out[i, j] = (np.minimum.outer(below, below) - np.outer(below, below)).sum()
            else:
                joint = bivariate_cdf(at[None], at[None], rho[i, j : j + 1])[0]
                out[i, j] = (joint - np.outer(below, below)).sum()
    return out


def alpha_bootstrap(x: pd.DataFrame) -> Found:
    """Percentiles as `reliability` takes them, of 1,000 samples."""
    draws = bootstrap_covariances(x.to_numpy(), 1000, np.random.default_rng(1))
    low, high = np.quantile([alpha_of(d) for d in draws], [0.025, 0.975])
    return alpha_of(np.cov(x.to_numpy(), rowvar=False)), float(low), float(high)


def alpha_feldt(x: pd.DataFrame) -> Found:
    """Alpha with Feldt's interval."""
    found = alpha(x)
    return found.estimate, found.ci_low, found.ci_high


def alpha_robust(x: pd.DataFrame) -> Found:
    """Alpha with the distribution-free interval."""
    found = alpha(x, interval="robust")
    return found.estimate, found.ci_low, found.ci_high


def omega_by(kind: str, interval: str, n_boot: int = 1000) -> Callable[[pd.DataFrame], Found]:
    """Omega of one kind with one interval."""

    def run(x: pd.DataFrame) -> Found:
        found = omega(x, kind=kind, interval=interval, n_boot=n_boot)
        return found.estimate, found.ci_low, found.ci_high

    return run


def truths(cuts: list[float]) -> dict[str, float]:
    """Population alpha, omega of one factor, categorical omega."""
    s = population(cuts)
    fit = fit_ml(s[None])
    out = {"alpha": alpha_of(s), "total": float(omega_of(fit.loadings, fit.psi)[0])}
    if cuts:
        first, second = np.tril_indices(4, -1)
        padded = np.tile([-40.0, *cuts, 40.0], (4, 1))
        out["categorical"] = green_yang(LOADINGS, LOADINGS[first] * LOADINGS[second], padded)
    return out


SCALES: dict[str, tuple[str, Callable[[pd.DataFrame], Found]]] = {
    "alpha, Feldt": ("alpha", alpha_feldt),
    "alpha, robust": ("alpha", alpha_robust),
    "omega total, robust": ("total", omega_by("total", "robust")),
    "alpha, bootstrap": ("alpha", alpha_bootstrap),
    "omega categorical, robust": ("categorical", omega_by("categorical", "robust")),
    "omega total, bootstrap": ("total", omega_by("total", "bootstrap")),
    "omega categorical, bootstrap": ("categorical", omega_by("categorical", "bootstrap", 500)),
}
FORMS = ("ICC(1,1)", "ICC(1,k)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)")
Runs = dict[str, list[tuple[float, Found]]]


def icc_runs(n: int, share: float) -> Runs:
    """Six forms on n targets x 6 ratings (target .5, rater .1, error .4), a share of the cells empty; truth beside.

    ICC(1) is asked of other raters for every target, where its model holds; the rest of 6 raters of all targets.
    """
    out: Runs = {name: [] for name in FORMS}
    for child in np.random.SeedSequence(n).spawn(RUNS):
        rng = np.random.default_rng(child)
        target, error = rng.normal(0, 0.5**0.5, (n, 1)), rng.normal(0, 0.4**0.5, (n, 6))
        raters = {"1": rng.normal(0, 0.1**0.5, (n, 6)), "23": rng.normal(0, 0.1**0.5, (1, 6))}
        empty = rng.random((n, 6)) < share
        for kinds, effect in raters.items():
            result = icc(pd.DataFrame(np.where(empty, np.nan, target + effect + error)))
            for name in (one for one in FORMS if one[4] in kinds):
                form, noise = result.form(name), 0.4 if name[4] == "3" else 0.5
                truth = 0.5 / (0.5 + noise / (result.k if name.endswith("k)") else 1))
                out[name].append((truth, (form.estimate, form.ci_low, form.ci_high)))
    return out


def between_runs(n_units: int, icc1: float) -> Runs:
    """ICC(1) of units with 3 to 40 raters, by both methods."""
    out: Runs = {"ICC(1), ANOVA": [], "ICC(1), REML": []}
    for child in np.random.SeedSequence(n_units).spawn(RUNS):
        rng = np.random.default_rng(child)
        codes = np.repeat(np.arange(n_units), rng.integers(3, 41, n_units))
        y = rng.normal(0, icc1**0.5, n_units)[codes] + rng.normal(0, (1 - icc1) ** 0.5, len(codes))
        for row in between_rows("x", group_moments(y, codes, n_units)):
            if row["term"] in out:
                out[str(row["term"])].append((icc1, (row["estimate"], row["ci_low"], row["ci_high"])))  # type: ignore[arg-type]
    return out


def scale_runs(cuts: list[float], n: int, truth: float, run: Callable[[pd.DataFrame], Found]) -> list:
    """One coefficient on samples of one population; None where it refused."""
    out: list[tuple[float, Found] | None] = []
    for child in np.random.SeedSequence(n + 7 * len(cuts)).spawn(RUNS):
        try:
            out.append((truth, run(answers(np.random.default_rng(child), cuts, n))))
        except MicroresearchError:
            out.append(None)
    return out


def summary(results: list) -> dict[str, object]:
    """Coverage of one cell, misses being more than 3 Monte Carlo errors outside 93 to 97 per cent."""
    kept = [r for r in results if r is not None]
    share = float(np.mean([low <= truth <= high for truth, (_, low, high) in kept]))
    error = math.sqrt(share * (1 - share) / len(kept))
    return {
        "truth": round(float(np.mean([truth for truth, _ in kept])), 4), "runs": len(kept),
        "refused": len(results) - len(kept), "coverage": round(share, 4), "mc_se": round(error, 4),
        "bias": round(float(np.mean([estimate - truth for truth, (estimate, _, _) in kept])), 4),
        "miss": share < 0.93 - 3 * error or share > 0.97 + 3 * error,
    }  # fmt: skip


def write(coefficient: str, data: str, n: int, results: list) -> None:
    """Add a row to the table."""
    fresh = not OUT.exists()
    row = {"coefficient": coefficient, "data": data, "n": n, **summary(results)}
    with OUT.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)
    sys.stdout.write(f"{coefficient}, {data}, n {n}: {row['coverage']}\n")
    sys.stdout.flush()


def fill(done: set, names: list[str], data: str, n: int, make: Callable[[], Runs]) -> None:
    """Cells that come out of the same runs, unless all are done."""
    if any((name, data, n) not in done for name in names):
        for name, results in make().items():
            if (name, data, n) not in done:
                write(name, data, n, results)


def main() -> None:
    """Fill the table, cell by cell."""
    done = set()
    if OUT.exists():
        with OUT.open(newline="", encoding="utf-8") as file:
            done = {(row["coefficient"], row["data"], int(row["n"])) for row in csv.DictReader(file)}
    for data, share in (("complete, 6 ratings", 0.0), ("a quarter empty, 6 ratings", 0.25)):
        for n in (30, 100):
            fill(done, list(FORMS), data, n, lambda n=n, share=share: icc_runs(n, share))
    for n in (20, 96):
        names = ["ICC(1), ANOVA", "ICC(1), REML"]
        fill(done, names, "units of 3 to 40 raters, ICC .12", n, lambda n=n: between_runs(n, 0.12))
    for coefficient, (key, run) in SCALES.items():
        for data, cuts in CUTS.items():
            for n in SIZES:
                truth = truths(cuts).get(key)
                if truth is not None and (coefficient, data, n) not in done:
                    write(coefficient, data, n, scale_runs(cuts, n, truth, run))


if __name__ == "__main__":
    main()

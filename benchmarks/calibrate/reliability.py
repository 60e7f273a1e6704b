"""Do 95 % intervals of alpha, omega, kappa and the ICCs cover planted truths? A row a cell, written as soon as done.

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

from microresearch.errors import DataError, MicroresearchError
from microresearch.numeric.moments import group_moments, pair_moments
from microresearch.numeric.one_factor import fit_ml
from microresearch.numeric.ordinal.bivariate import bivariate_cdf
from microresearch.numeric.resample import bootstrap_covariances
from microresearch.psychometrics.alpha_interval import Kind, alpha_interval
from microresearch.psychometrics.coefficients import alpha_of
from microresearch.psychometrics.icc import icc
from microresearch.psychometrics.kappa import Weights, weighted_kappa
from microresearch.psychometrics.omega import omega
from microresearch.psychometrics.omega_categorical import green_yang
from microresearch.psychometrics.omega_levels import LevelOmega, omega_levels
from microresearch.psychometrics.omega_total import omega_of
from microresearch.psychometrics.reliability import COEFFICIENTS, jackknifed_row, ordinal_row
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
    draws = alpha_of(bootstrap_covariances(x.to_numpy(), 1000, np.random.default_rng(1)))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(alpha_of(np.cov(x.to_numpy(), rowvar=False))), float(low), float(high)


def alpha_by(interval: Kind) -> Callable[[pd.DataFrame], Found]:
    """Alpha with one interval."""

    def run(x: pd.DataFrame) -> Found:
        values = x.to_numpy()
        moments = pair_moments(values)
        found = alpha_interval(interval, values, moments)
        return float(alpha_of(moments.covariance)), found.low, found.high

    return run


def row_of(term: str) -> Callable[[pd.DataFrame], Found]:
    """A coefficient as `reliability` gives it."""

    def run(x: pd.DataFrame) -> Found:
        values = x.to_numpy()
        row = (
            ordinal_row(values, 0.95)
            if term == "alpha, ordinal"
            else jackknifed_row(term, values, np.cov(values, rowvar=False), 0.95)
        )
        if "ci_low" not in row:
            raise DataError(str(row["note"]))
        return float(row["estimate"]), float(row["ci_low"]), float(row["ci_high"])  # type: ignore[arg-type]

    return run


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
    out = {"alpha": float(alpha_of(s)), "total": float(omega_of(fit.loadings, fit.psi)[0])}
    out |= {term: float(coefficient(s)) for term, coefficient in COEFFICIENTS.items()}
    if cuts:
        out["alpha, ordinal"] = float(alpha_of(population([])))
        first, second = np.tril_indices(4, -1)
        padded = np.tile([-40.0, *cuts, 40.0], (4, 1))
        out["categorical"] = green_yang(LOADINGS, LOADINGS[first] * LOADINGS[second], padded)
    return out


SCALES: dict[str, tuple[str, Callable[[pd.DataFrame], Found]]] = {
    "alpha, robust": ("alpha", alpha_by("robust")),
    "alpha, Feldt": ("alpha", alpha_by("feldt")),
    "alpha, bootstrap": ("alpha", alpha_bootstrap),
    **{f"{term}, jackknife": (term, row_of(term)) for term in COEFFICIENTS},
    "alpha, ordinal, delta method": ("alpha, ordinal", row_of("alpha, ordinal")),
    "omega total, robust": ("total", omega_by("total", "robust")),
    "omega categorical, robust": ("categorical", omega_by("categorical", "robust")),
    "omega total, bootstrap": ("total", omega_by("total", "bootstrap", 500)),
}
FORMS = ("ICC(1,1)", "ICC(1,k)", "ICC(2,1)", "ICC(2,k)", "ICC(3,1)", "ICC(3,k)")
Runs = dict[str, list[tuple[float, Found] | None]]


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


def many_runs(n: int) -> Runs:
    """Omega hierarchical and total of nine items of three factors under a general one."""
    loadings, above = np.array([0.8, 0.7, 0.6] * 3), np.array([0.8, 0.7, 0.6])
    first = np.zeros((9, 3))
    first[np.arange(9), np.repeat([0, 1, 2], 3)] = loadings
    r = first @ (np.outer(above, above) + np.diag(1 - above**2)) @ first.T + np.diag(1 - loadings**2)
    truth = {"hierarchical": (first @ above).sum() ** 2 / r.sum(), "total": 1 - (1 - loadings**2).sum() / r.sum()}
    root = np.linalg.cholesky(r)
    out: Runs = {f"omega {kind}, 3 factors, robust": [] for kind in truth}
    for child in np.random.SeedSequence(n).spawn(RUNS):
        x = pd.DataFrame(np.random.default_rng(child).standard_normal((n, 9)) @ root.T)
        for kind, value in truth.items():
            found = omega(x, 3, kind=kind)
            out[f"omega {kind}, 3 factors, robust"].append((value, (found.estimate, found.ci_low, found.ci_high)))
    return out


def levels_runs(n_units: int) -> Runs:
    """Omega within and between units of ten raters, four items."""
    within, between = np.array([0.8, 0.7, 0.6, 0.5]), np.array([0.5, 0.5, 0.4, 0.4])
    noise = np.array([0.36, 0.51, 0.64, 0.75]), np.array([0.05, 0.05, 0.08, 0.08])
    out: Runs = {"omega within units, robust": [], "omega between units, robust": []}
    truth = [float(omega_of(a, p)) for a, p in zip((within, between), noise, strict=True)]
    unit = pd.Series(np.repeat(np.arange(n_units), 10))
    for child in np.random.SeedSequence(n_units).spawn(RUNS):
        rng = np.random.default_rng(child)
        y = rng.standard_normal((len(unit), 1)) * within + rng.standard_normal((len(unit), 4)) * np.sqrt(noise[0])
        u = rng.standard_normal((n_units, 1)) * between + rng.standard_normal((n_units, 4)) * np.sqrt(noise[1])
        found = omega_levels(pd.DataFrame(y + u[unit]), unit)
        for name, value, one in zip(out, truth, (found.within, found.between), strict=True):
            if isinstance(one, LevelOmega):
                out[name].append((value, (one.estimate, one.interval.low, one.interval.high)))
            else:
                out[name].append(None)
    return out


def kappa_runs(n: int) -> Runs:
    """Quadratically weighted and plain kappa of two ratings in four levels; the truth from two million pairs."""

    def pairs(rng: np.random.Generator, size: int) -> list[pd.Series]:
        z = rng.standard_normal(size) + 0.7 * rng.standard_normal((2, size))
        return [pd.Series(np.digitize(one, [-1.0, 0.2, 1.3])) for one in z]

    kinds: tuple[Weights, ...] = ("unweighted", "quadratic")
    many = pairs(np.random.default_rng(1), 2_000_000)
    truth = {kind: weighted_kappa(*many, kind).estimate for kind in kinds}
    out: Runs = {f"kappa, {kind}": [] for kind in kinds}
    for child in np.random.SeedSequence(n).spawn(RUNS):
        both = pairs(np.random.default_rng(child), n)
        for kind in kinds:
            found = weighted_kappa(*both, kind)
            out[f"kappa, {kind}"].append((truth[kind], (found.estimate, found.interval.low, found.interval.high)))
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
    for n in (100, 300):
        fill(done, ["kappa, unweighted", "kappa, quadratic"], "4 levels", n, lambda n=n: kappa_runs(n))
    for coefficient, (key, run) in SCALES.items():
        for data, cuts in CUTS.items():
            for n in SIZES:
                truth = truths(cuts).get(key)
                if truth is not None and (coefficient, data, n) not in done:
                    write(coefficient, data, n, scale_runs(cuts, n, truth, run))

    for n in (40, 100):
        names = ["omega within units, robust", "omega between units, robust"]
        fill(done, names, "units of 10 raters", n, lambda n=n: levels_runs(n))
    for n in (200, 500):
        names = ["omega hierarchical, 3 factors, robust", "omega total, 3 factors, robust"]
        fill(done, names, "continuous, 9 items", n, lambda n=n: many_runs(n))


if __name__ == "__main__":
    main()

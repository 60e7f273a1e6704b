"""Do 95 % intervals of confirmatory factor models cover planted truths, and does chi-square reject true models 5 % of
the time? One row a cell, written as soon as it is done.

Run `python benchmarks/calibrate/cfa.py`; a run that was stopped goes on where it was. Delete the CSV to start anew.
"""

import csv
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.cfa import cfa

OUT = Path(__file__).with_suffix(".csv")
# cell: estimator, people, factors of four items (five with ten factors), runs
CELLS = {
    "ML, normal": ("ML", 500, 3, 500),
    "MLR, heavy tails": ("MLR", 500, 3, 500),
    "ML, heavy tails": ("ML", 500, 3, 500),
    "FIML, missing at random": ("ML", 500, 3, 500),
    "MLR by cluster, roles within units": ("MLR", 600, 3, 500),
    "ML, 50 items": ("ML", 500, 10, 200),
}
LOADING, CORRELATION = 0.7, 0.4
COLUMNS = ["cell", "n", "items", "runs", "coverage", "mc_se", "miss", "rejected", "rejected_scaled", "rejected_mc_se"]


def answers(cell: str, n: int, m: int, rng: np.random.Generator) -> tuple[pd.DataFrame, str]:
    """Answers with the planted loadings and correlations, and the model in syntax."""
    each = 5 if m == 10 else 4
    noise, factors = rng.normal(size=(n, m * each)), rng.normal(size=(n, m))
    common = rng.normal(size=(n, 1))
    unit = np.arange(n) // 10
    if "cluster" in cell:
        share = math.sqrt(0.3)
        factors = share * rng.normal(size=(n // 10, m))[unit] + math.sqrt(0.7) * factors
        common = share * rng.normal(size=(n // 10, 1))[unit] + math.sqrt(0.7) * common
    if "heavy" in cell:  # each variable's own tails: a scale drawn for every item and factor
        noise *= np.sqrt(4 / rng.chisquare(6, noise.shape))
        factors *= np.sqrt(4 / rng.chisquare(6, factors.shape))
    factors = math.sqrt(CORRELATION) * common + math.sqrt(1 - CORRELATION) * factors
    x = LOADING * np.repeat(factors, each, axis=1) + math.sqrt(1 - LOADING**2) * noise
    if "missing" in cell:
        later = x[:, [j for j in range(m * each) if j % each]]
        x[:, [j for j in range(m * each) if j % each]] = np.where(
            rng.uniform(size=later.shape) < 1 / (1 + np.exp(1.5 - 1.2 * x[:, [0]])), np.nan, later
        )
    frame = pd.DataFrame(x).add_prefix("y").assign(unit=unit, role=np.where(np.arange(n) % 2, "a", "b"))
    lines = [f"f{k} =~ {' + '.join(f'y{k * each + j}' for j in range(each))}" for k in range(m)]
    return frame, "\n".join(lines)


def run(cell: str) -> dict[str, object]:
    """Share of intervals that cover (loadings and factor correlations), and of tests that reject, over the runs."""
    estimator, n, m, runs = CELLS[cell]
    covered, rejected, scaled = [], [], []
    options = {"group": "role", "cluster": "unit", "equal": ["loadings", "intercepts"]} if "cluster" in cell else {}
    for child in np.random.SeedSequence(sorted(CELLS).index(cell)).spawn(runs):
        frame, model = answers(cell, n, m, np.random.default_rng(child))
        fit = cfa(model, frame, estimator, missing="fiml" if "missing" in cell else "listwise", std_lv=True, **options)
        p = fit.parameters[fit.parameters["se"] > 0]
        p = p[p["group"] == fit.labels[0]] if "group" in p else p
        truth = p["op"].map({"=~": LOADING, "~~": CORRELATION})
        asked = (p["op"] == "=~") | ((p["op"] == "~~") & p["lhs"].str.startswith("f") & (p["lhs"] != p["rhs"]))
        covered.append(((p["ci.lower"] <= truth) & (truth <= p["ci.upper"]))[asked].mean())
        rejected.append(fit.fit["pvalue"] < 0.05)
        scaled.append(fit.fit.get("pvalue.scaled", math.nan) < 0.05 if estimator == "MLR" else math.nan)
    share, mc_se = float(np.mean(covered)), float(np.std(covered, ddof=1) / math.sqrt(runs))
    wrong = float(np.mean(scaled if estimator == "MLR" else rejected))
    return {
        "cell": cell, "n": n, "items": m * (5 if m == 10 else 4), "runs": runs, "coverage": round(share, 4),
        "mc_se": round(mc_se, 4), "miss": share < 0.93 - 3 * mc_se or share > 0.97 + 3 * mc_se,
        "rejected": round(float(np.mean(rejected)), 4),
        "rejected_scaled": round(float(np.mean(scaled)), 4) if estimator == "MLR" else "",
        "rejected_mc_se": round(math.sqrt(wrong * (1 - wrong) / runs), 4),
    }  # fmt: skip


def main() -> None:
    """Fill the table, cell by cell."""
    done = set()
    if OUT.exists():
        with OUT.open(newline="", encoding="utf-8") as file:
            done = {row["cell"] for row in csv.DictReader(file)}
    for cell in (name for name in CELLS if name not in done):
        with threadpool_limits(1):
            row = run(cell)
        fresh = not OUT.exists()
        with OUT.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        sys.stdout.write(f"{cell}: {row['coverage']}, rejected {row['rejected']} {row['rejected_scaled']}\n")


if __name__ == "__main__":
    main()

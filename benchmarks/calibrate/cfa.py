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

from microresearch.psychometrics.cfa import Cfa, cfa

OUT = Path(__file__).with_suffix(".csv")
RUNS = 1000
# cell: estimator, people, factors of four items (five with ten factors), seed
CELLS = {
    "ML, normal": ("ML", 500, 3, 3),
    "ML, heavy tails": ("ML", 500, 3, 2),
    "MLR, heavy tails": ("MLR", 500, 3, 5),
    "MLR by cluster, roles within units": ("MLR", 600, 3, 4),
    "FIML, missing at random": ("ML", 500, 3, 0),
    "WLSMV, five levels": ("WLSMV", 500, 3, 0),
    "WLSMV, three levels": ("WLSMV", 500, 3, 7),
    "WLSMV, five levels, missing completely at random": ("WLSMV", 500, 3, 8),
    "WLSMV by cluster, five levels": ("WLSMV", 600, 3, 1),
    "ML, 50 items": ("ML", 500, 10, 1),
    "WLSMV, 50 items, five levels": ("WLSMV", 500, 10, 6),
}
LOADING, CORRELATION = 0.7, 0.4
CUTS = {"five": [-1.6, -0.8, 0.1, 1.1], "three": [-0.7, 0.6]}
COLUMNS = ["cell", "n", "items", "runs", "coverage", "mc_se", "miss", "rejected", "rejected_scaled", "rejected_swain",
           "rejected_yuan", "rejected_mc_se"]  # fmt: skip


def answers(cell: str, n: int, m: int, rng: np.random.Generator) -> tuple[pd.DataFrame, str]:
    """Answers with the planted loadings and correlations, and the model in syntax."""
    each = 5 if m == 10 else 4
    noise, factors = rng.normal(size=(n, m * each)), rng.normal(size=(n, m))
    common = rng.normal(size=(n, 1))
    unit = np.arange(n) // 10
    if "cluster" in cell:  # ten people a unit; three tenths of the factors' variance lie between units
        share = math.sqrt(0.3)
        factors = share * rng.normal(size=(n // 10, m))[unit] + math.sqrt(0.7) * factors
        common = share * rng.normal(size=(n // 10, 1))[unit] + math.sqrt(0.7) * common
    if "heavy" in cell:  # each variable's own tails: a scale drawn for every item and factor
        noise *= np.sqrt(4 / rng.chisquare(6, noise.shape))
        factors *= np.sqrt(4 / rng.chisquare(6, factors.shape))
    factors = math.sqrt(CORRELATION) * common + math.sqrt(1 - CORRELATION) * factors
    x = LOADING * np.repeat(factors, each, axis=1) + math.sqrt(1 - LOADING**2) * noise
    if "completely" in cell:
        x[rng.uniform(size=x.shape) < 0.08] = np.nan
    elif "missing" in cell:
        later = x[:, [j for j in range(m * each) if j % each]]
        x[:, [j for j in range(m * each) if j % each]] = np.where(
            rng.uniform(size=later.shape) < 1 / (1 + np.exp(1.5 - 1.2 * x[:, [0]])), np.nan, later
        )
    if cuts := cuts_of(cell):
        x = np.where(np.isnan(x), np.nan, np.digitize(x, cuts) + 1.0)
    frame = pd.DataFrame(x).add_prefix("y").assign(unit=unit, role=np.where(np.arange(n) % 2, "a", "b"))
    lines = [f"f{k} =~ {' + '.join(f'y{k * each + j}' for j in range(each))}" for k in range(m)]
    return frame, "\n".join(lines)


def cuts_of(cell: str) -> list[float]:
    """Thresholds between the levels of a cell's answers; none where they are numbers."""
    return next((cuts for levels, cuts in CUTS.items() if f"{levels} levels" in cell), [])


def settings(cell: str) -> dict[str, object]:
    """How the cell's model is fitted."""
    out: dict[str, object] = {"std_lv": True}
    if "clusters ignored" not in cell and "by cluster" in cell:
        out["cluster"] = "unit"
    if "roles" in cell:
        out |= {"group": "role", "equal": ["loadings", "intercepts"]}
    if cuts_of(cell):
        out["ordered"] = True
    if "missing" in cell:
        out["missing"] = "pairwise" if cuts_of(cell) else "fiml"
    return out


def covered(cell: str, fit: Cfa) -> float:
    """Share of the intervals of loadings, factor correlations and thresholds that cover the truth."""
    p = fit.parameters[fit.parameters["se"] > 0]
    p = p[p["group"] == fit.labels[0]] if "group" in p else p
    truth = p["op"].map({"=~": LOADING, "~~": CORRELATION})
    for k, cut in enumerate(cuts_of(cell)):
        truth = truth.mask((p["op"] == "|") & (p["rhs"] == f"t{k + 1}"), cut)
    asked = p["op"].isin(("=~", "|"))
    asked |= (p["op"] == "~~") & p["lhs"].str.startswith("f") & (p["lhs"] != p["rhs"])
    return float(((p["ci.lower"] <= truth) & (truth <= p["ci.upper"]))[asked].mean())


def run(cell: str) -> dict[str, object]:
    """Share of intervals that cover, and of tests that reject, over the runs."""
    estimator, n, m, seed = CELLS[cell]
    shares: list[float] = []
    tests: dict[str, list[float]] = {"": [], "_scaled": [], "_swain": [], "_yuan": []}
    for child in np.random.SeedSequence(seed).spawn(RUNS):
        frame, model = answers(cell, n, m, np.random.default_rng(child))
        fit = cfa(model, frame, estimator, **settings(cell))
        shares.append(covered(cell, fit))
        found = {"": fit.fit["pvalue"], "_scaled": fit.fit.get("pvalue.scaled", math.nan)}
        if estimator == "ML" and "missing" not in cell:
            p = fit.small_sample_tests().set_index("correction")["pvalue"]
            found |= {"_swain": p["swain"], "_yuan": p["yuan.2015"]}
        for name, value in found.items():
            tests[name].append(value < 0.05 if not math.isnan(value) else math.nan)
    share, mc_se = float(np.mean(shares)), float(np.std(shares, ddof=1) / math.sqrt(RUNS))
    rejected = {name: float(np.mean(values)) if values else math.nan for name, values in tests.items()}
    wrong = rejected[""] if math.isnan(rejected["_scaled"]) else rejected["_scaled"]
    return {
        "cell": cell, "n": n, "items": m * (5 if m == 10 else 4), "runs": RUNS, "coverage": round(share, 4),
        "mc_se": round(mc_se, 4), "miss": share < 0.93 - 3 * mc_se or share > 0.97 + 3 * mc_se,
        **{f"rejected{name}": "" if math.isnan(value) else round(value, 4) for name, value in rejected.items()},
        "rejected_mc_se": round(math.sqrt(wrong * (1 - wrong) / RUNS), 4),
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

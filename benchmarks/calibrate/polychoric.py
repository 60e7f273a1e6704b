"""Do 95 % intervals of polychoric correlations cover planted truths? One row a cell, written as soon as it is done.

Run `python benchmarks/calibrate/polychoric.py`; a run that was stopped goes on where it was. Delete the CSV to start
anew.
"""

import csv
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from microresearch.psychometrics.polychoric import polychoric

OUT = Path(__file__).with_suffix(".csv")
RUNS = 1000
CUTS = {
    "2 even": [0.0],
    "2 skewed": [1.0],
    "3 even": [-0.6, 0.6],
    "3 skewed": [0.5, 1.5],
    "5 even": [-1.2, -0.4, 0.4, 1.2],
    "5 skewed": [0.2, 0.8, 1.3, 1.9],
}
RHO = [0.0, 0.3, 0.6, 0.8]
SIZES = [200, 500, 2000]
COLUMNS = ["categories", "rho", "n", "runs", "coverage", "mc_se", "bias", "se_ratio", "miss"]


def cell(cuts: list[float], rho: float, n: int, seed: int) -> dict[str, float | int | bool]:
    """Coverage, bias and mean SE over SD of the estimates in one cell."""
    covered, estimates, errors = 0, [], []
    for child in np.random.SeedSequence(seed).spawn(RUNS):
        rng = np.random.default_rng(child)
        x = rng.standard_normal(n)
        y = rho * x + math.sqrt(1 - rho * rho) * rng.standard_normal(n)
        row = polychoric(pd.DataFrame({"x": np.digitize(x, cuts), "y": np.digitize(y, cuts)})).to_frame().iloc[0]
        covered += bool(row["ci_low"] <= rho <= row["ci_high"])
        estimates.append(row["estimate"])
        errors.append(row["se"])
    share = covered / RUNS
    mc_se = math.sqrt(share * (1 - share) / RUNS)
    return {
        "runs": RUNS,
        "coverage": share,
        "mc_se": round(mc_se, 4),
        "bias": round(float(np.mean(estimates)) - rho, 4),
        "se_ratio": round(float(np.mean(errors) / np.std(estimates, ddof=1)), 3),
        "miss": share < 0.93 - 3 * mc_se or share > 0.97 + 3 * mc_se,
    }


def main() -> None:
    """Fill the table, cell by cell."""
    done = set()
    if OUT.exists():
        with OUT.open(newline="", encoding="utf-8") as file:
            done = {(row["categories"], float(row["rho"]), int(row["n"])) for row in csv.DictReader(file)}
    cells = [(name, rho, n) for name in CUTS for rho in RHO for n in SIZES]
    for number, (name, rho, n) in enumerate(cells):
        if (name, rho, n) in done:
            continue
        row = {"categories": name, "rho": rho, "n": n} | cell(CUTS[name], rho, n, 1000 + number)
        fresh = not OUT.exists()
        with OUT.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if fresh:
                writer.writeheader()
            writer.writerow(row)
        sys.stdout.write(f"{name}, rho {rho}, n {n}: {row['coverage']:.3f}\n")


if __name__ == "__main__":
    main()

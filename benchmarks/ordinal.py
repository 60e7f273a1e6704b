"""Polychorics, parallel analysis and EFA against psych and lavaan: ratios of processor time, measured in one run.

Run `python benchmarks/ordinal.py` (some minutes; R with psych and lavaan must be there), or with `--quick` (under a
minute). Prints a table; the whole run writes it to ordinal.csv and draws the growth to ordinal.png.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.efa import efa
from microresearch.psychometrics.polychoric import polychoric
from microresearch.psychometrics.retention import n_factors

OUT = Path(__file__).with_suffix(".csv")
SHAPES = [(1000, 50), (2000, 50), (4000, 50), (8000, 50), (2000, 25), (2000, 100), (2000, 200)]
GROWTH = "growth of the polychoric matrix"
COLUMNS = ["task", "items", "people", "microresearch_s", "r_s", "ratio", "largest_difference", "note"]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
HEAD = """options(mc.cores = 1)
cpu <- function(x) sum(system.time(x)[-3], na.rm = TRUE)
suppressMessages({library(psych); library(lavaan); library(jsonlite)})
"""


def items(n: int, p: int, seed: int = 1) -> pd.DataFrame:
    """Five-level answers to p items of ten correlated factors."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n, 10)) * 0.75 + 0.66 * rng.standard_normal((n, 1))
    z = 0.7 * factors[:, np.arange(p) % 10] + 0.71 * rng.standard_normal((n, p))
    return pd.DataFrame(np.digitize(z, [-1.5, -0.7, 0.2, 1.1]) + 1).add_prefix("v")


def fastest(task: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of the fastest of some calls: a busy machine does not change them much."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        task()
        seconds.append(time.process_time() - start)
    return min(seconds)


def in_r(frame: pd.DataFrame, code: str) -> dict[str, list[float]]:
    """Run R code on `x`; it leaves `seconds` and, to compare, `values`."""
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder, "x.csv"), index=False)
        tail = '\nwrite_json(list(seconds = seconds, values = values), "out.json", digits = 12)\n'
        Path(folder, "run.R").write_text(HEAD + 'x <- read.csv("x.csv")\n' + code + tail, encoding="utf-8")
        subprocess.run(["Rscript", "run.R"], cwd=folder, check=True, capture_output=True, env=os.environ | ONE_THREAD)
        return json.loads(Path(folder, "out.json").read_text(encoding="utf-8"))


def compare(
    task: str, frame: pd.DataFrame, ours: float, code: str, values: Callable[[], np.ndarray], note: str = ""
) -> dict[str, object]:
    """One row: our seconds, R's, the ratio, and how far the numbers are apart."""
    theirs = in_r(frame, code)
    gap = np.abs(np.asarray(values()) - np.asarray(theirs["values"])).max() if theirs["values"] else float("nan")
    seconds = float(theirs["seconds"][0])
    return {
        "task": task,
        "items": frame.shape[1],
        "people": len(frame),
        "microresearch_s": round(ours, 4),
        "r_s": round(seconds, 3),
        "ratio": round(seconds / ours, 1),
        "largest_difference": f"{gap:.1e}" if theirs["values"] else "",
        "note": note,
    }


def matrix_against_psych(n: int, p: int) -> dict[str, object]:
    x = items(n, p)
    code = """seconds <- cpu(r <- polychoric(x, smooth = FALSE)$rho)
values <- r[upper.tri(r)]"""

    def by_column() -> np.ndarray:
        rho = polychoric(x, smooth=False).rho.to_numpy()
        return np.concatenate([rho[:j, j] for j in range(p)])

    return compare("polychoric matrix with errors, psych without", x, fastest(lambda: polychoric(x)), code, by_column)


def covariance_against_lavaan(n: int, p: int) -> dict[str, object]:
    x = items(n, p)
    code = """seconds <- cpu(f <- lavCor(x, ordered = names(x), output = "fit", se = "robust.sem"))
g <- diag(unclass(lavInspect(f, "gamma"))); values <- g[seq_len(4 * ncol(x))] / nrow(x)"""
    return compare(
        "polychorics with full asymptotic covariance, lavaan",
        x,
        fastest(lambda: polychoric(x, acov=True)),
        code,
        lambda: np.diag(polychoric(x, acov=True).acov)[: 4 * p],
        "difference: of the thresholds' variances",
    )


def parallel_against_psych(n: int, p: int, sets: int) -> dict[str, object]:
    x = items(n, p)
    code = f"""run <- function(sets) fa.parallel(x, cor = "poly", fa = "both", n.iter = sets, plot = FALSE)
one <- cpu(run(1)); three <- cpu(run(3))
seconds <- one + (three - one) / 2 * {sets - 1}; values <- numeric(0)"""
    ours = fastest(lambda: n_factors(x, "polychoric", n_sets=sets), times=1)
    note = f"{sets} normal and {sets} permuted sets; R from its time for 1 and for 3 of each"
    return compare("polychoric parallel analysis, psych", x, ours, code, lambda: np.zeros(0), note)


def efa_against_psych(n: int, p: int, m: int) -> dict[str, object]:
    x = items(n, p)
    code = f"""seconds <- cpu(f <- fa(x, {m})); values <- sort(f$communality)"""
    return compare(
        f"efa, minres, oblimin, {m} factors, psych",
        x,
        fastest(lambda: efa(x, m)),
        code,
        lambda: np.sort(efa(x, m).communalities.to_numpy()),
        "ours from 30 starts, R from one; difference: of the communalities",
    )


def growth(n: int, p: int) -> dict[str, object]:
    """Our own cost by people and by items."""
    seconds = fastest(partial(polychoric, items(n, p)))
    return {"task": GROWTH, "items": p, "people": n, "microresearch_s": round(seconds, 4)}


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Seconds of the polychoric matrix over people and over items, with the line and the parabola that fit them."""
    found = rows[rows["task"] == GROWTH].sort_values(["people", "items"])
    figure = Figure((7.1, 3.0), layout="constrained")
    panels = (("people", found[found["items"] == 50], 1), ("items", found[found["people"] == 2000], 2))
    for axes, (name, part, power) in zip(figure.subplots(1, 2), panels, strict=True):
        x, y = part[name].to_numpy(float), part["microresearch_s"].to_numpy(float)
        rise, fixed = np.polyfit(x**power, y, 1)
        at = np.linspace(0, x.max(), 100)
        axes.plot(
            at, fixed + rise * at**power, "--", color="#888888", label="a + b " + ("people" if power == 1 else "items²")
        )
        axes.plot(x, y, "o", color="#2a6f97", label="measured")
        rest = "50 items" if name == "people" else "2,000 people"
        axes.set(xlabel=f"{name} ({rest})", ylabel="processor seconds", xlim=(0, None), ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    tasks = [partial(growth, n, p) for n, p in SHAPES]
    has_r = shutil.which("Rscript") is not None
    if has_r:
        tasks += [partial(matrix_against_psych, 2160, 50), partial(efa_against_psych, 2160, 50, 10)]
    else:
        sys.stdout.write("no Rscript here: growth alone, no ratios; ordinal.csv is left as it is\n")
    if has_r and not quick:
        tasks += [partial(parallel_against_psych, 2160, 50, 100), partial(covariance_against_lavaan, 2160, 50)]
        tasks += [partial(matrix_against_psych, 3400, 135)]
    rows = []
    out = OUT if has_r and not quick else Path(os.devnull)
    with out.open("w", newline="", encoding="utf-8") as file, threadpool_limits(1):
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for task in tasks:
            rows.append(task())
            writer.writerow(rows[-1])
            file.flush()
    table = pd.DataFrame(rows, columns=COLUMNS)
    if out == OUT:
        draw(table, OUT.with_suffix(".png"))
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()

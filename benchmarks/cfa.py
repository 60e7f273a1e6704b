"""Confirmatory factor models against lavaan: ratios of processor time, measured in one run.

Run `python benchmarks/cfa.py` (some minutes; R with lavaan must be there), or with `--quick` (ML and MLR alone, under a
minute). Prints a table and writes it to cfa.csv.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.cfa import Cfa, cfa
from microresearch.psychometrics.invariance import invariance

OUT = Path(__file__).with_suffix(".csv")
FACTORS, EACH, PEOPLE, UNITS = 10, 5, 2160, 96
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ITEMS = [f"y{j + 1}" for j in range(FACTORS * EACH)]
MODEL = "\n".join(f"f{k + 1} =~ {' + '.join(ITEMS[k * EACH : (k + 1) * EACH])}" for k in range(FACTORS))
LADDER = ("''", "'loadings'", "'loadings', 'intercepts'", "'loadings', 'intercepts', 'residuals'")


def answers(seed: int = 20240611) -> pd.DataFrame:
    """Answers 1-5 of 2,160 people to 50 items of 10 correlated factors; loadings .5 to .8; 3 roles, 96 units."""
    rng = np.random.default_rng(seed)
    unit = rng.integers(0, UNITS, PEOPLE)
    general = 0.5 * rng.normal(size=(UNITS, 1))[unit] + np.sqrt(0.75) * rng.normal(size=(PEOPLE, 1))
    factors = 0.67 * general + np.sqrt(1 - 0.67**2) * rng.normal(size=(PEOPLE, FACTORS))
    loadings = rng.uniform(0.5, 0.8, FACTORS * EACH)
    latent = loadings * np.repeat(factors, EACH, axis=1)
    latent = latent + np.sqrt(1 - loadings**2) * rng.normal(size=latent.shape)
    frame = pd.DataFrame(np.digitize(latent, [-1.6, -0.8, 0.1, 1.1]) + 1, columns=ITEMS)
    role = rng.choice(["nurse", "physician", "support"], PEOPLE, p=[0.5, 0.3, 0.2])
    return frame.assign(role=role, unit=[f"u{u:03d}" for u in unit])


def fastest(task: Callable[[], object], times: int) -> float:
    """Processor seconds of the fastest of some calls: a busy machine does not change them much."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        task()
        seconds.append(time.process_time() - start)
    return min(seconds)


def in_r(frame: pd.DataFrame, code: str) -> dict[str, list[float]]:
    """Run R code on `x` and `model`; it leaves `seconds` and, to compare, `values`."""
    head = 'suppressMessages({library(lavaan); library(jsonlite)})\nx <- read.csv("x.csv")\n'
    head += f'cpu <- function(x) sum(system.time(x)[-3], na.rm = TRUE)\nmodel <- "{MODEL}"\n'
    tail = '\nwrite_json(list(seconds = seconds, values = as.numeric(values)), "out.json", digits = 12)\n'
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder, "x.csv"), index=False)
        Path(folder, "run.R").write_text(head + code + tail, encoding="utf-8")
        subprocess.run(["Rscript", "run.R"], cwd=folder, check=True, capture_output=True, env=os.environ | ONE_THREAD)
        return json.loads(Path(folder, "out.json").read_text(encoding="utf-8"))


def row(task: str, frame: pd.DataFrame, ours: float, found: list[float], code: str, note: str) -> dict[str, object]:
    """One row: our seconds, R's, the ratio, and the largest relative difference of the numbers compared."""
    theirs = in_r(frame, code)
    gap = np.max(np.abs(np.array(found) / np.array(theirs["values"]) - 1))
    seconds = float(theirs["seconds"][0])
    return {
        "task": task, "items": len(ITEMS), "people": len(frame), "microresearch_s": round(ours, 3),
        "r_s": round(seconds, 2), "ratio": round(seconds / ours, 1), "largest_difference": f"{gap:.1e}", "note": note,
    }  # fmt: skip


def one_model(
    task: str, frame: pd.DataFrame, measures: list[str], in_lavaan: str, **arguments: str
) -> dict[str, object]:
    """One fit with its errors and fit measures."""

    def fit() -> Cfa:
        return cfa(MODEL, frame, **arguments)

    names = ", ".join(f"'{name}'" for name in measures)
    code = f"seconds <- cpu({{f <- cfa(model, x, {in_lavaan}); m <- fitMeasures(f)}})\nvalues <- m[c({names})]"
    ours = fastest(fit, 3)
    return row(task, frame, ours, [fit().fit[name] for name in measures], code, "compared: " + ", ".join(measures))


def ladder(frame: pd.DataFrame, estimator: str) -> dict[str, object]:
    """Configural, metric, scalar and strict models in three groups, with their fit measures."""
    fits = "\n".join(
        f"f <- cfa(model, x, estimator = '{estimator}', group = 'role', group.equal = c({equal})); "
        "v <- c(v, fitMeasures(f)['chisq'])"
        for equal in LADDER
    )
    ours = fastest(lambda: invariance(MODEL, frame, "role", estimator=estimator), 2)
    found = invariance(MODEL, frame, "role", estimator=estimator).fits.values()
    code = f"v <- c()\nseconds <- cpu({{{fits}}})\nvalues <- v"
    task = f"invariance ladder, 3 groups, {estimator}"
    return row(
        task, frame, ours, [fit.fit["chisq"] for fit in found], code, "ours with difference tests; compared: chisq"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ML and MLR alone")
    quick = parser.parse_args().quick
    frame = answers()
    scaled = ["chisq", "chisq.scaled", "cfi.robust"]
    with threadpool_limits(1):
        rows = [
            one_model("ML", frame, ["chisq", "cfi"], "estimator = 'ML'"),
            one_model("MLR", frame, scaled, "estimator = 'MLR'", estimator="MLR"),
        ]
        if not quick:
            cluster = {"estimator": "MLR", "cluster": "unit"}
            rows.append(one_model("MLR by cluster", frame, scaled, "estimator = 'MLR', cluster = 'unit'", **cluster))
            rows.append(ladder(frame, "ML"))
    table = pd.DataFrame(rows)
    sys.stdout.write(table.to_string(index=False) + "\n")
    if not quick:
        table.to_csv(OUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

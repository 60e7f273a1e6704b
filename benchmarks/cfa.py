"""Confirmatory factor models against lavaan: ratios of processor time, measured in one run.

Run `python benchmarks/cfa.py` (most of an hour, nearly all R; R with lavaan and semTools must be there), or with
`--quick` (ML and MLR alone, under a minute). Prints a table and writes it to cfa.csv, with the most memory that a
process of ours used for the task, everything loaded included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.cfa import cfa
from microresearch.psychometrics.invariance import invariance

OUT = Path(__file__).with_suffix(".csv")
FACTORS, EACH, PEOPLE, UNITS = 10, 5, 2160, 96
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ITEMS = [f"y{j + 1}" for j in range(FACTORS * EACH)]
MODEL = "\n".join(f"f{k + 1} =~ {' + '.join(ITEMS[k * EACH : (k + 1) * EACH])}" for k in range(FACTORS))
LIMIT = 20  # minutes of processor time after which lavaan is asked for no further step of the ordinal ladder
ORDINAL_LADDER = ("''", "'thresholds'", "'thresholds', 'loadings'", "'thresholds', 'loadings', 'intercepts'",
                  "'thresholds', 'loadings', 'intercepts', 'residuals'")  # fmt: skip
LADDER = ("''", "'loadings'", "'loadings', 'intercepts'", "'loadings', 'intercepts', 'residuals'")


@cache
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
    head = 'suppressMessages({library(lavaan); library(semTools); library(jsonlite)})\nx <- read.csv("x.csv")\n'
    head += f'cpu <- function(x) sum(system.time(x)[-3], na.rm = TRUE)\nmodel <- "{MODEL}"\n'
    tail = '\nwrite_json(list(seconds = seconds, values = as.numeric(values)), "out.json", digits = 12)\n'
    with tempfile.TemporaryDirectory() as folder:
        frame.to_csv(Path(folder, "x.csv"), index=False)
        Path(folder, "run.R").write_text(head + code + tail, encoding="utf-8")
        subprocess.run(["Rscript", "run.R"], cwd=folder, check=True, capture_output=True, env=os.environ | ONE_THREAD)
        return json.loads(Path(folder, "out.json").read_text(encoding="utf-8"))


def row(
    task: str, frame: pd.DataFrame, ours: Callable[[], list[float]], code: str, note: str, times: int = 3
) -> dict[str, object]:
    """One row: our seconds, R's, the ratio, and the largest relative difference of the numbers compared."""
    seconds_here = fastest(ours, times)
    found, theirs = ours(), in_r(frame, code)
    done = len(theirs["values"])
    gap = np.max(np.abs(np.array(found)[:done] / np.array(theirs["values"]) - 1))
    if done < len(found):
        note += f"; lavaan did {done} of {len(found)} steps, so the ratio is at least this"
    seconds = float(theirs["seconds"][0])
    return {
        "task": task, "items": len(ITEMS), "people": len(frame), "microresearch_s": round(seconds_here, 3),
        "r_s": round(seconds, 2), "ratio": round(seconds / seconds_here, 1), "largest_difference": f"{gap:.1e}",
        "peak_mb": peak(task), "note": note,
    }  # fmt: skip


def peak(task: str) -> int:
    """Most memory, in MB, that a fresh process needs for a task."""
    command = [sys.executable, __file__, "--peak", task]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    return int(out.stdout.split()[-1])


def one_model(measures: list[str], **arguments: Any) -> Callable[[], list[float]]:
    """One fit with its errors and fit measures."""

    def fit() -> list[float]:
        result = cfa(MODEL, answers(), **arguments)
        return [result.fit[name] for name in measures]

    return fit


def in_lavaan(measures: list[str], arguments: str) -> str:
    """The same in R."""
    names = ", ".join(f"'{name}'" for name in measures)
    return f"seconds <- cpu({{f <- cfa(model, x, {arguments}); m <- fitMeasures(f)}})\nvalues <- m[c({names})]"


def climbed(**arguments: Any) -> Callable[[], list[float]]:
    """A ladder of invariance over three roles."""
    return lambda: [fit.fit["chisq"] for fit in invariance(MODEL, answers(), "role", **arguments).fits.values()]


LADDER_R = "\n".join(
    f"f <- cfa(model, x, estimator = 'ML', group = 'role', group.equal = c({equal}))"
    "\nv <- c(v, fitMeasures(f)['chisq'])"
    for equal in LADDER
)
ORDINAL_R = f"""
LIMIT <- {LIMIT}
items <- grep("^y", names(x), value = TRUE)
written <- lapply(list({", ".join(f"c({step})" for step in ORDINAL_LADDER)}), function(equal)
  as.character(measEq.syntax(configural.model = model, data = x, ordered = items, parameterization = "theta",
    ID.fac = "std.lv", ID.cat = "Wu.Estabrook.2016", group = "role", group.equal = equal)))
values <- c(); seconds <- 0
for (one in written) if (seconds < 60 * LIMIT) {{
  seconds <- seconds + cpu(f <- cfa(one, x, ordered = items, estimator = "WLSMV", parameterization = "theta",
    group = "role"))
  values <- c(values, fitMeasures(f, "chisq")) }}
"""
SCALED = ["chisq", "chisq.scaled", "cfi.robust"]
WITH_TESTS = "ours with difference tests; compared: chisq"
ORDINAL_NOTE = "ours with fit measures and difference tests, lavaan without them; compared: chisq"
TASKS: dict[str, tuple[Callable[[], list[float]], str, str]] = {
    "ML": (one_model(["chisq", "cfi"]), in_lavaan(["chisq", "cfi"], "estimator = 'ML'"), "compared: chisq, cfi"),
    "MLR": (
        one_model(SCALED, estimator="MLR"), in_lavaan(SCALED, "estimator = 'MLR'"), f"compared: {', '.join(SCALED)}",
    ),
    "MLR by cluster": (
        one_model(SCALED, estimator="MLR", cluster="unit"), in_lavaan(SCALED, "estimator = 'MLR', cluster = 'unit'"),
        f"compared: {', '.join(SCALED)}",
    ),
    "WLSMV": (
        one_model([*SCALED, "srmr"], ordered=True),
        in_lavaan([*SCALED, "srmr"], "ordered = TRUE, estimator = 'WLSMV'"), f"compared: {', '.join(SCALED)}, srmr",
    ),
    "invariance ladder, 3 groups, ML": (
        climbed(estimator="ML"), f"v <- c()\nseconds <- cpu({{{LADDER_R}}})\nvalues <- v", WITH_TESTS,
    ),
    "invariance ladder of ordered items, 3 groups, WLSMV": (climbed(ordered=True), ORDINAL_R, ORDINAL_NOTE),
}  # fmt: skip
QUICK = ("ML", "MLR")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ML and MLR alone")
    parser.add_argument("--peak", choices=list(TASKS), help="do one task and print the memory it took")
    asked = parser.parse_args()
    if asked.peak:
        TASKS[asked.peak][0]()
        sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\n")
        return
    frame = answers()
    with threadpool_limits(1):
        rows = [row(name, frame, *TASKS[name]) for name in (QUICK if asked.quick else TASKS)]
    table = pd.DataFrame(rows)
    sys.stdout.write(table.to_string(index=False) + "\n")
    if not asked.quick:
        table.to_csv(OUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

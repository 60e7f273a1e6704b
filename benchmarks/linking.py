"""How long do a million encounters take, beside lme4 in the same run on the same machine?

Run `python benchmarks/linking.py` (ten minutes with R and lme4; `--rows 100000` to try, which writes no table).
Encounters of 100 units lie in a Parquet file; ours goes from that file to the table of the estimate. R, and the fastest
Python package that fits these models to the same answer (glmm, compiled from Rust; `--python` names an interpreter that
has it), fit the same model on the rows, read before the clock starts. All by processor time, one thread each, but for
the whole plan, which is timed by the clock on two cores; a peer that is not installed has no ratio. Our logistic model
is by adaptive quadrature, theirs by Laplace's approximation.
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
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import duckdb
import numpy as np
import pandas as pd

from microresearch.linking.bootstrap import bootstrap_effects
from microresearch.linking.cells import Cells
from microresearch.linking.encounters import read_encounters
from microresearch.linking.estimates import LinkedEstimates, adjust_family
from microresearch.linking.influence import leave_one_out, with_influence
from microresearch.linking.outcomes import link_outcome
from microresearch.linking.specifications import specifications
from microresearch.parallel import map_seeded
from microresearch.units.aggregation import unit_scores
from microresearch.units.given import given_scores
from microresearch.units.score_table import UnitScores

OUT = Path(__file__).with_suffix(".csv")
UNITS, HOSPITALS = 100, 10
MIX = [
    {"column": "age", "bands": list(range(20, 95, 5))}, "sex", {"column": "comorbidity", "levels": list("012345")},
]  # fmt: skip
TIMED = """
suppressPackageStartupMessages({library(lme4); library(jsonlite)})
d <- read.csv(commandArgs(TRUE)[1], stringsAsFactors = TRUE); kind <- commandArgs(TRUE)[2]
d$comorbidity <- factor(d$comorbidity)
begin <- sum(proc.time()[1:2])
if (kind == "mixed") {
  m <- lmer(experience ~ hospital + band + sex + comorbidity + score + (1 | unit), d)
} else {
  m <- glmer(died ~ hospital + band + sex + comorbidity + score + (1 | unit), d, family = binomial(), nAGQ = 1)
}
s <- summary(m)$coefficients
found <- list(seconds = sum(proc.time()[1:2]) - begin, estimate = s["score", 1], se = s["score", 2])
cat(toJSON(found, digits = NA, auto_unbox = TRUE))
"""


TIMED_PYTHON = """
import json, sys, time
import pandas as pd
import glmm
data = pd.read_csv(sys.argv[1])
kind = sys.argv[2]
text = ("hospital", "band", "sex", "comorbidity", "unit")
columns = {c: list(map(str, data[c])) if c in text else data[c].to_numpy(float) for c in data}
y, family = ("experience", "gaussian") if kind == "mixed" else ("died", "binomial")
begin = time.process_time()
fit = glmm.fit(columns, y + " ~ hospital + band + sex + comorbidity + score + (1 | unit)", family)
seconds = time.process_time() - begin
at = list(fit.names).index("score")
print(json.dumps({"seconds": seconds, "estimate": float(fit.beta[at]), "se": float(fit.se[at])}))
"""


def make(rows: int, folder: Path) -> tuple[Path, pd.DataFrame, pd.DataFrame]:
    """Encounters as Parquet, units with their given score, and the rows for R."""
    rng = np.random.default_rng(1)
    names = np.array([f"U{i:03d}" for i in range(UNITS)])
    score = rng.normal(size=UNITS)
    unit = rng.integers(0, UNITS, rows)
    age, sex, sick = rng.integers(20, 95, rows), rng.integers(0, 2, rows), rng.integers(0, 6, rows)
    eta = 0.1 * score[unit] + rng.normal(0, 0.2, UNITS)[unit] + 0.01 * (age - 60) + 0.1 * sick
    stays = pd.DataFrame(
        {
            "stay_id": np.arange(rows),
            "unit": names[unit],
            "age": age,
            "sex": np.where(sex == 1, "M", "F"),
            "comorbidity": sick,
        }
    )
    stays["experience"] = np.round(70 + 3 * eta + rng.normal(0, 15, rows), 2)
    stays["died"] = rng.binomial(1, 1 / (1 + np.exp(2.5 - eta)))
    stays["days"] = rng.poisson(np.exp(1.3 + 0.3 * eta))
    path = folder / "stays.parquet"
    duckdb.from_df(stays).write_parquet(str(path))
    units = pd.DataFrame({"unit": names, "hospital": [f"H{i % HOSPITALS}" for i in range(UNITS)], "score": score})
    rows_for_r = stays.merge(units, on="unit").assign(band=(age // 5) * 5)
    rows_for_r["band"] = "b" + rows_for_r["band"].astype(str)
    rows_for_r.drop(columns=["stay_id", "age", "days"]).to_csv(folder / "rows.csv", index=False)
    return path, units, stays


def ours(path: Path, units: pd.DataFrame, outcome: str, kind: str, model: str) -> dict[str, float]:
    """Seconds from the file to the table, estimate and standard error per score point."""
    scores = given_scores(units.set_index("unit")[["score"]], units, "hospital")
    begin = time.process_time()
    cells = read_encounters(path, case_mix=MIX, outcomes={outcome: kind})
    frame = link_outcome(scores, cells, outcome, model).to_frame()  # type: ignore[arg-type]
    seconds = time.process_time() - begin
    tau = float(scores.components["tau"][0])
    return {
        "seconds": seconds,
        "estimate": frame["estimate"][0] / tau,
        "se": frame["se"][0] / tau,
        "cells": len(cells.table),
    }


def theirs(folder: Path, model: str) -> dict[str, float] | None:
    """The same from lme4, or None without R."""
    return None if shutil.which("Rscript") is None else _timed(["Rscript"], TIMED, folder, model)


def in_python(python: str, folder: Path, model: str) -> dict[str, float] | None:
    """The same from glmm, or None where that interpreter does not have it."""
    return _timed([python], TIMED_PYTHON, folder, model)


def _timed(command: list[str], text: str, folder: Path, model: str) -> dict[str, float] | None:
    script = folder / "timed"
    script.write_text(text, encoding="utf-8")
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(script), str(folder / "rows.csv"), model], capture_output=True, text=True, check=False,
        env=os.environ | threads,
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else None


def plan(path: Path, units: pd.DataFrame) -> float:
    """Seconds by the clock of ten characteristics x five outcomes, two processes on two cores, from the file.

    Bootstraps, max-T, both leave-one-outs, specification curves.
    """
    rng = np.random.default_rng(2)
    who = np.repeat(np.arange(UNITS), rng.integers(8, 40, UNITS))
    true = rng.normal(0, 0.4, (UNITS, 10)) + 3.5
    names = [f"c{j}" for j in range(10)]
    people = pd.DataFrame(true[who] + rng.normal(0, 0.8, (len(who), 10)), columns=names)
    people["unit"] = units["unit"].to_numpy()[who]
    kinds = {"experience": "continuous", "died": "binary", "days": "count"}
    extra = [
        {"name": "died_again", "column": "died", "kind": "binary"},
        {"name": "days_again", "column": "days", "kind": "count"},
    ]
    begin = time.perf_counter()
    scores = unit_scores(people, units, hospital="hospital")
    cells = read_encounters(
        path, case_mix=MIX, outcomes=[*({"name": n, "column": n, "kind": k} for n, k in kinds.items()), *extra]
    )
    names = [o.name for o in cells.outcomes]
    bootstrap_effects(people, scores, cells, names, 1000, seed=1, workers=2).to_frame()
    adjust_family(map_seeded(_Linked(scores, cells), names, seed=1, workers=2))
    return time.perf_counter() - begin


@dataclass(frozen=True)
class _Linked:
    """All that is told of one outcome's effects."""

    scores: UnitScores
    cells: Cells

    def __call__(self, name: str, rng: np.random.Generator) -> LinkedEstimates:
        linked = link_outcome(self.scores, self.cells, name)
        for by in ("unit", "hospital"):
            with_influence(linked, leave_one_out(linked, self.scores, self.cells, by)).to_frame()
        for characteristic in self.scores.characteristics:
            specifications(self.scores, self.cells, name, characteristic).to_frame()
        return linked


def row_of(
    what: str, rows: int, mine: dict[str, float], peers: dict[str, dict[str, float] | None]
) -> dict[str, object]:
    """One line: our seconds; each peer's seconds, how many times ours, and how far apart the estimates are."""
    row: dict[str, object] = {
        "what": what, "rows": rows, "cells": int(mine["cells"]), "microresearch_s": round(mine["seconds"], 3),
    }  # fmt: skip
    for name, peer in peers.items():
        row |= {f"{name}_s": "", f"{name}_ratio": "", f"{name}_difference_in_se": ""}
        if peer is not None:
            row |= {
                f"{name}_s": round(peer["seconds"], 2), f"{name}_ratio": round(peer["seconds"] / mine["seconds"], 1),
                f"{name}_difference_in_se": f"{abs(peer['estimate'] - mine['estimate']) / peer['se']:.1e}",
            }  # fmt: skip
    return row


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the package glmm")
    chosen = parser.parse_args()
    rows, table = chosen.rows, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path, units, _ = make(rows, folder)
        for what, outcome, kind, model in (
            ("linear mixed model", "experience", "continuous", "mixed"),
            ("logistic mixed model", "died", "binary", "quadrature"),
            ("logistic in two stages", "died", "binary", "two-stage"),
            ("logistic by CR2", "died", "binary", "binomial"),
        ):
            mine = ours(path, units, outcome, kind, model)
            peers: dict[str, dict[str, float] | None] = {"lme4": None, "glmm": None}
            if model in ("mixed", "quadrature"):
                peers = {"glmm": in_python(chosen.python, folder, model), "lme4": theirs(folder, model)}
            table.append(row_of(what, rows, mine, dict(sorted(peers.items(), reverse=True))))
            print(*table[-1].values(), sep="  ", flush=True)
        seconds = plan(path, units)
        whole = {"seconds": seconds, "cells": table[0]["cells"]}
        what = "10 characteristics x 5 outcomes: 1,000 bootstraps, max-T, leave-one-out, specifications; clock, 2 cores"
        table.append(row_of(what, rows, whole, {"lme4": None, "glmm": None}))
        print(*table[-1].values(), sep="  ")
    if rows < 1_000_000:
        return
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main()

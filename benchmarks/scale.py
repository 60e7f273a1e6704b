"""How do time and memory grow from a hundred thousand encounters to a hundred million?

Run `python benchmarks/scale.py` (a quarter of an hour and 3 GB of disk; `--rows 100000 1000000` for a part, which
writes no table). Encounters of 100 units are generated in chunks of five million to Parquet files in a scratch folder,
which is deleted. A process of its own then goes from the files to cells and fits a linear mixed model and a logistic
one by CR2; its processor time and its peak memory are written down, and drawn as `scale.png`.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import duckdb
from matplotlib.figure import Figure

OUT = Path(__file__).with_suffix(".csv")
ROWS = (10**5, 10**6, 10**7, 10**8)
CHUNK = 5 * 10**6
MOST_BYTES = 2 * 10**9
MADE = """
COPY (
  WITH draws AS (
    SELECT i AS stay_id, (hash(i, 1) % 100)::INT AS u, (18 + hash(i, 2) % 77)::INT AS age, hash(i, 3) % 2 AS s,
           (hash(i, 4) % 6)::INT AS c,
           (hash(i, 5) % 1000003) / 1000003 AS p, (hash(i, 6) % 1000003 + hash(i, 7) % 1000003
           + hash(i, 8) % 1000003) / 1000003 - 1.5 AS e
    FROM range({start}, {stop}) AS t(i)),
  means AS (SELECT *, 0.1 * sin(u * 7.0) + 0.01 * (age - 60) + 0.1 * c AS eta FROM draws)
  SELECT stay_id, 'U' || lpad(u::VARCHAR, 3, '0') AS unit, age::UTINYINT AS age,
         CASE s WHEN 1 THEN 'M' ELSE 'F' END AS sex,
         c::UTINYINT AS comorbidity, round(70 + 3 * eta + 30 * e, 2) AS experience,
         (p < 1 / (1 + exp(2.5 - eta)))::UTINYINT AS died
  FROM means) TO '{path}' (FORMAT parquet)
"""
MEASURED = """
import json, resource, sys, time
import numpy as np, pandas as pd
from microresearch.linking.encounters import read_encounters
from microresearch.linking.outcomes import link_outcome
from microresearch.units.given import given_scores
names = [f"U{i:03d}" for i in range(100)]
units = pd.DataFrame({"unit": names, "hospital": [f"H{i % 10}" for i in range(100)]})
units["score"] = np.sin(np.arange(100) * 7.0)
scores = given_scores(units.set_index("unit")[["score"]], units, "hospital")
mix = [{"column": "age", "bands": list(range(20, 95, 5))}, "sex", {"column": "comorbidity", "levels": list("012345")}]
wall, begin = time.perf_counter(), time.process_time()
cells = read_encounters(sys.argv[1], case_mix=mix, outcomes={"experience": "continuous", "died": "binary"})
read = time.process_time() - begin
frames = [link_outcome(scores, cells, name).to_frame() for name in ("experience", "died")]
tau = float(scores.components["tau"].iloc[0])
print(json.dumps({
    "cells": len(cells.table), "stays": int(cells.table["n"].sum()), "reduce_s": read,
    "fit_s": time.process_time() - begin - read, "wall_s": time.perf_counter() - wall,
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "experience": frames[0]["estimate"].iloc[0] / tau, "died": frames[1]["estimate"].iloc[0] / tau,
}))
"""


def measure(rows: int) -> dict[str, object]:
    """Generate, reduce and fit; the files go with the folder."""
    with tempfile.TemporaryDirectory() as name:
        begin = time.process_time()
        with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as connection:
            for part, start in enumerate(range(0, rows, CHUNK)):
                stop, path = min(start + CHUNK, rows), Path(name) / f"stays-{part:03d}.parquet"
                connection.execute(MADE.format(start=start, stop=stop, path=path))
        made = time.process_time() - begin
        size = sum(path.stat().st_size for path in Path(name).iterdir())
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, f"{name}/stays-*.parquet"], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    if found["stays"] != rows:
        raise SystemExit(f"{found['stays']} stays came back of {rows}")
    return {
        "rows": rows, "parquet_mb": round(size / 1e6, 1), "cells": found["cells"], "generate_s": round(made, 2),
        "reduce_s": round(found["reduce_s"], 2), "fit_s": round(found["fit_s"], 2), "wall_s": round(found["wall_s"], 1),
        "peak_mb": round(found["peak_bytes"] / 1e6), "under_2_gb": found["peak_bytes"] < MOST_BYTES,
        "experience_per_point": round(found["experience"], 4), "died_per_point": round(found["died"], 4),
    }  # fmt: skip


def draw(table: list[dict[str, object]], path: Path) -> None:
    """Seconds and peak memory over encounters."""
    rows = [float(str(line["rows"])) for line in table]
    figure = Figure((7.1, 3.0), layout="constrained")
    seconds, memory = figure.subplots(1, 2)
    for name, label, mark in (("reduce_s", "files to cells", "o-"), ("fit_s", "two models on the cells", "s--")):
        seconds.plot(rows, [float(str(line[name])) for line in table], mark, label=label, color="#2a6f97")
    seconds.set(xscale="log", yscale="log", xlabel="encounters", ylabel="processor seconds")
    seconds.legend(frameon=False)
    memory.plot(rows, [float(str(line["peak_mb"])) / 1000 for line in table], "o-", color="#2a6f97")
    memory.axhline(MOST_BYTES / 1e9, color="#888888", linestyle=":")
    memory.set(xscale="log", xlabel="encounters", ylabel="peak memory, GB", ylim=(0, 1.1 * MOST_BYTES / 1e9))
    memory.annotate("held to", (rows[0], MOST_BYTES / 1e9), xytext=(0, 3), textcoords="offset points")
    for axes in (seconds, memory):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    """Print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    wanted = parser.parse_args().rows
    table = []
    for rows in wanted:
        table.append(measure(rows))
        print(*table[-1].values(), sep="  ", flush=True)
    if wanted != list(ROWS):
        return
    with OUT.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    draw(table, OUT.with_suffix(".png"))


if __name__ == "__main__":
    main()

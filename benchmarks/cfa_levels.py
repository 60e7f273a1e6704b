"""Incomplete answers (FIML) and two levels against lavaan: ratios of processor time, measured in one run.

Run `python benchmarks/cfa_levels.py` (some minutes; R with lavaan must be there). Prints a table and writes it to
cfa_levels.csv. The workload is that of cfa.py, smaller, as lavaan takes long.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from cfa import EACH, ITEMS, answers, fastest, in_r
from threadpoolctl import threadpool_limits

from microresearch.psychometrics.cfa import cfa

OUT = Path(__file__).with_suffix(".csv")


def model(factors: int) -> str:
    """The first factors with their items."""
    return "\n".join(f"f{k + 1} =~ {' + '.join(ITEMS[k * EACH : (k + 1) * EACH])}" for k in range(factors))


def punched(people: int, factors: int, share: float = 0.06, seed: int = 7) -> pd.DataFrame:
    """Answers with holes at random, nearly everybody with a pattern of their own."""
    frame = answers().iloc[:people]
    names = ITEMS[: factors * EACH]
    holes = np.random.default_rng(seed).uniform(size=(people, len(names))) < share
    return frame.assign(**frame[names].astype(float).mask(holes))


LEVELS = f"level: 1\n{model(2)}\nlevel: 2\nb =~ {' + '.join(ITEMS[: 2 * EACH])}"
TASKS = {
    "FIML": (punched(1000, 5), model(5), {"missing": "fiml"}, "missing = 'ml'", 25),
    "two-level ML": (answers(), LEVELS, {"cluster": "unit"}, "cluster = 'unit'", 10),
    "FIML, the whole form": (punched(1500, 10, 0.04), model(10), {"missing": "fiml"}, "", 50),
}


def row(task: str) -> dict[str, object]:
    """Ours against lavaan; the whole form is ours alone."""
    frame, written, arguments, in_lavaan, items = TASKS[task]
    ours = fastest(lambda: cfa(written, frame, **arguments), 2)
    result = cfa(written, frame, **arguments)
    out: dict[str, object] = {
        "task": task, "items": items, "people": len(frame), "patterns": max(map(len, result.estimate.patterns)),
        "microresearch_s": round(ours, 2), "peak_mb": peak(task),
    }  # fmt: skip
    if in_lavaan:
        code = f'm <- "{written}"\nseconds <- cpu(f <- cfa(m, x, {in_lavaan}))\nvalues <- logLik(f)'
        theirs = in_r(frame, code)
        seconds, value = float(theirs["seconds"][0]), float(theirs["values"][0])
        out |= {"r_s": round(seconds, 1), "ratio": round(seconds / ours, 1)}
        out |= {"largest_difference": f"{abs(result.fit['logl'] / value - 1):.1e}", "note": "compared: log likelihood"}
    return out


def peak(task: str) -> int:
    """Most memory, in MB, that a fresh process needs for a task."""
    command = [sys.executable, __file__, "--peak", task]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", choices=list(TASKS), help="do one task and print the memory it took")
    asked = parser.parse_args()
    with threadpool_limits(1):
        if asked.peak:
            frame, written, arguments, _, _ = TASKS[asked.peak]
            cfa(written, frame, **arguments)
            sys.stdout.write(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}\n")
            return
        rows = [row(task) for task in TASKS]
    table = pd.DataFrame(rows)
    sys.stdout.write(table.to_string(index=False) + "\n")
    table.to_csv(OUT, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

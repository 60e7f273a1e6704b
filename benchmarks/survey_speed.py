"""How long from a large CSV to Responses, beside pandas' bare read_csv in the same run?

Run `python benchmarks/survey_speed.py` (under a minute): 200,000 respondents x 60 items, once as codes and once
as words, each reading in a fresh process. Prints a table and writes it to survey_speed.csv.
"""

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

PEOPLE, ITEMS = 200_000, 60
OUT = Path(__file__).with_suffix(".csv")
LABELS = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
TIMED = """
import resource, sys, time
import pandas as pd
from microresearch.instrument import Characteristic, Group, Instrument, Item, Option
from microresearch.survey import read_responses
path, how = sys.argv[1:]
labels = ("Strongly disagree", "Disagree", "Neither agree nor disagree", "Agree", "Strongly agree")
form = Instrument("f", "", "1", "en", "", "", True, tuple(Option(i, w) for i, w in enumerate(labels, 1)),
                  ("Can't rate",), tuple(Item(f"q{i}", "c", "", 1, 5) for i in range(60)),
                  (Characteristic("c", "c", "g"),), (Group("g", "g"),))
start, busy = time.perf_counter(), time.process_time()
read = pd.read_csv(path) if how == "read_csv" else read_responses(path, form, {"response": "id"})
seconds, busy = time.perf_counter() - start, time.process_time() - busy
print(len(read), seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""


WRITE = f"""
import sys
import numpy as np
import pandas as pd
answers = np.random.default_rng(1).integers(0, 7, ({PEOPLE}, {ITEMS}))
words = {LABELS} if sys.argv[2] == "words" else ("1", "2", "3", "4", "5")
frame = pd.DataFrame(np.array([*words, "Can't rate", ""])[answers], columns=[f"q{{i}}" for i in range({ITEMS})])
frame.insert(0, "id", [f"R_{{i}}" for i in range({PEOPLE})])
frame.to_csv(sys.argv[1], index=False)
"""


def run(script: str, *arguments: str | Path) -> list[str]:
    """What a script prints; in its own process, and this one stays small, for a peak counts the parent's too."""
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("codes", "words"):
            path = Path(folder) / f"{kind}.csv"
            run(WRITE, path, kind)
            found = {}
            for how in ("read_csv", "read_responses"):
                n, seconds, busy, memory = run(TIMED, path, how)
                found[how] = (float(seconds), float(busy), float(memory))
                if int(n) != PEOPLE:
                    raise ValueError(f"{how} read {n} rows")
            bare, ours = found["read_csv"], found["read_responses"]
            rows.append({"cells": kind, "people": PEOPLE, "items": ITEMS, "read_csv_s": f"{bare[0]:.2f}",
                         "read_responses_s": f"{ours[0]:.2f}", "read_csv_cpu_s": f"{bare[1]:.2f}",
                         "read_responses_cpu_s": f"{ours[1]:.2f}", "cpu_ratio": f"{ours[1] / bare[1]:.2f}",
                         "read_csv_peak_gb": f"{bare[2]:.2f}", "read_responses_peak_gb": f"{ours[2]:.2f}"})  # fmt: skip
    with OUT.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(OUT.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()

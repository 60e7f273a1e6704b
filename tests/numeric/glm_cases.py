"""The golden rows of tests/golden/glm as designs: shared by the tests of glm, clusters and mixed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

GOLDEN = Path(__file__).parents[1] / "golden"


def rows():
    return pd.read_csv(GOLDEN / "glm" / "data.csv")


def golden(topic):
    return json.loads((GOLDEN / topic / "golden.json").read_text())


def column(frame, term):
    """A design column by R's name: a number, or a level of a factor."""
    if term == "(Intercept)":
        return np.ones(len(frame))
    if term in frame:
        return frame[term].to_numpy(float)
    name = next(c for c in ("hospital", "age", "sex") if term.startswith(c))
    return (frame[name] == term.removeprefix(name)).to_numpy(float)


def design(frame, terms):
    return np.column_stack([column(frame, term) for term in terms])


def codes(values):
    return pd.factorize(values, sort=True)[0]


def cells(frame, outcome, by=("hospital", "unit", "beds", "age", "sex", "score")):
    """Rows reduced to cells: one line a pattern, with n, sum and sumsq of the outcome."""
    made = frame.assign(_y=frame[outcome], _y2=frame[outcome] ** 2).groupby(list(by), as_index=False)
    return made.agg(n=("_y", "size"), sum=("_y", "sum"), sumsq=("_y2", "sum"))

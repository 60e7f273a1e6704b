"""Scores and alpha with the flagged and without them stand side by side."""

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.psychometrics.alpha import alpha
from microresearch.survey import with_and_without

from .builders import responses


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    trait = rng.normal(size=300)
    x = np.clip(np.round(3 + trait[:, None] + rng.normal(0, 0.6, (300, 6))), 1, 5)
    x[:60] = rng.integers(1, 6, (60, 6))
    return responses(np.column_stack([x, x[:, 0]]), ["x1", "x2", "x3", "y1", "y2", "y3", "z1"], 5)


def test_both_sides_are_what_each_sample_gives(data):
    flagged = pd.Series(np.arange(300) < 60, index=data.values.index)
    table = with_and_without(data, flagged).set_index("term")
    rest = data.keep(data.values.index[60:])
    assert table.loc["x", ["n", "n_without"]].tolist() == [300, 240]
    assert table.loc["x", "alpha"] == alpha(data, "x").estimate
    assert table.loc["x", "alpha_without"] == alpha(rest, "x").estimate > table.loc["x", "alpha"] + 0.05
    assert table.loc["y", "mean_without"] == pytest.approx(rest.values[["y1", "y2", "y3"]].to_numpy().mean())
    assert table.loc["z", ["alpha", "alpha_without"]].isna().all()


def test_flags_must_be_of_these_responses(data):
    with pytest.raises(DataError, match="same response ids"):
        with_and_without(data, pd.Series([True]))
    with pytest.raises(DataError, match="everybody is flagged"):
        with_and_without(data, pd.Series(True, index=data.values.index))

"""What a corrected effect would be under other variance ratios, against slopes on those scores themselves."""

import numpy as np
import pandas as pd
import pytest

from microresearch.numeric.moments import GroupMoments
from microresearch.numeric.variance import random_intercept, ratio_pivots
from microresearch.units.aggregation import unit_scores
from microresearch.units.scale import POINTS, scale_factors


@pytest.mark.parametrize("roster", [False, True])
def test_factors_are_ratios_of_slopes(roster):
    rng = np.random.default_rng(8)
    sizes = rng.integers(3, 30, 36)
    hospitals = np.repeat(np.eye(4), 9, axis=0)
    design = np.column_stack([hospitals, rng.normal(size=36)])
    groups = GroupMoments(sizes, rng.normal(0, 0.5, 36), rng.chisquare(sizes - 1))
    share = 1 / (sizes + 5.0) if roster else np.zeros(36)
    within, given = random_intercept(groups, hospitals), random_intercept(groups, design)
    found = scale_factors(groups, hospitals, design, within, given, share)

    def effect(theta, theta_tau):
        w = 1 / (theta + 1 / sizes)
        b = np.linalg.solve((design * w[:, None]).T @ design, (design * w[:, None]).T @ groups.mean)
        eb = design @ b + (theta + share) * w * (groups.mean - design @ b)
        return np.sqrt(theta_tau + share.mean()), eb

    def slope(x, y):
        return np.linalg.lstsq(np.column_stack([x, design]), y, rcond=None)[0][0]

    at = (np.arange(POINTS) + 0.5) / POINTS
    inner, outer = ratio_pivots(groups, design, at), ratio_pivots(groups, hospitals, at)
    tau0, eb0 = effect(given.tau2 / given.sigma2, within.tau2 / within.sigma2)
    for i in (5, 40, 99):
        tau, eb = effect(inner[i], outer[i])
        on_reported = slope(eb0, eb)  # what a point of the reported score is worth in the other
        assert found[i] == pytest.approx(tau / tau0 / on_reported, rel=1e-9)


def test_a_variance_ratio_that_reaches_zero_refuses_the_correction():
    rng = np.random.default_rng(4)
    seen = set()
    for _ in range(12):
        names = np.repeat([f"U{i:02d}" for i in range(60)], 8)
        level = np.repeat(rng.normal(0, 0.28, 60), 8)
        people = pd.DataFrame({"unit": names, "trust": level + rng.normal(size=480)})
        found = unit_scores(people)
        part = found.components.iloc[0]
        reaches = part["icc1_low"] == 0
        seen.add(bool(reaches))
        assert part["correctable"] != reaches or part["tau"] == 0
        assert (len(found.factors) == 1) == part["correctable"]
        if reaches and part["tau"] > 0:
            assert "nothing bounds a corrected slope" in part["note"]
    assert seen == {True, False}

"""One-way variance components: closed forms when balanced, lme4 when not, exact intervals, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from microresearch.errors import DataError
from microresearch.numeric.moments import GroupMoments, group_moments
from microresearch.numeric.variance import one_way, random_intercept, ratio_interval

GOLDEN = Path(__file__).parents[1] / "golden"


def balanced(rng: np.random.Generator, tau: float = 0.5) -> tuple[GroupMoments, int]:
    codes = np.repeat(np.arange(20), 6)
    return group_moments(rng.normal(0, tau, 20)[codes] + rng.normal(size=120), codes, 20), 6


def test_balanced_reml_is_anova() -> None:
    groups, size = balanced(np.random.default_rng(1))
    fit, table = random_intercept(groups), one_way(groups)
    assert fit.sigma2 == pytest.approx(table.ms_within, rel=1e-10)
    assert fit.tau2 == pytest.approx((table.ms_between - table.ms_within) / size, rel=1e-9)
    assert (fit.f, fit.p) == (pytest.approx(table.f), pytest.approx(table.p))
    assert table.size_effective == pytest.approx(size)


def test_balanced_interval_is_that_of_f() -> None:
    groups, size = balanced(np.random.default_rng(1), tau=1.0)
    table = one_way(groups)
    low, high = ratio_interval(groups, confidence=0.9)
    assert low == pytest.approx((table.f / stats.f.isf(0.05, 19, 100) - 1) / size, rel=1e-9)
    assert high == pytest.approx((table.f / stats.f.ppf(0.05, 19, 100) - 1) / size, rel=1e-9)


def test_anova_is_scipys() -> None:
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(5), [3, 9, 4, 1, 7])
    y = rng.normal(size=24)
    found = one_way(group_moments(y, codes, 5))
    theirs = stats.f_oneway(*(y[codes == g] for g in range(5)))
    assert (found.f, found.p) == (pytest.approx(theirs.statistic, rel=1e-12), pytest.approx(theirs.pvalue, rel=1e-10))


def test_unbalanced_with_rater_effects_agrees_with_lme4() -> None:
    """Group-level design of the golden `eb.json`, solved from moments alone."""
    people = pd.read_csv(GOLDEN / "agreement" / "eb_people.csv")
    units = pd.read_csv(GOLDEN / "agreement" / "eb_units.csv")
    theirs = json.loads((GOLDEN / "agreement" / "eb.json").read_text())["covariates"]
    codes = pd.Index(units["unit"]).get_indexer(people["unit"])
    groups = group_moments(people["score"].to_numpy(), codes, len(units))
    design = pd.get_dummies(units[["hospital", "type"]]).drop(columns="type_medical").assign(beds=units["beds"])
    fit = random_intercept(groups, design.to_numpy(float))
    assert (fit.tau2, fit.sigma2) == (
        pytest.approx(theirs["tau2"], abs=1e-7),
        pytest.approx(theirs["sigma2"], abs=1e-7),
    )
    assert fit.criterion == pytest.approx(theirs["criterion"], abs=1e-7)
    place = [units["unit"].tolist().index(u) for u in theirs["unit"]]
    np.testing.assert_allclose(fit.predicted[place], theirs["eb"], atol=1e-6)
    np.testing.assert_allclose(fit.predicted_se[place], theirs["eb_se"], atol=1e-6)
    assert abs(fit.score) < 1e-9


def test_planted_variances_are_unbiased_and_the_ratio_covered_exactly() -> None:
    """400 unbalanced sets of 30 groups with two covariates: Wald's interval covers at its level."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 15, 30)
    codes = np.repeat(np.arange(30), sizes)
    design = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    tau2, hits = [], 0
    for _ in range(400):
        between = design @ [1.0, 0.5, -0.5] + rng.normal(0, 0.6, 30)
        groups = group_moments(between[codes] + rng.normal(size=len(codes)), codes, 30)
        tau2.append(random_intercept(groups, design).tau2)
        low, high = ratio_interval(groups, design)
        hits += low <= 0.36 <= high
    assert abs(np.mean(tau2) - 0.36) < 3 * np.std(tau2) / 20
    assert abs(hits / 400 - 0.95) < 3 * (0.95 * 0.05 / 400) ** 0.5


def test_the_optimum_beats_every_other_ratio() -> None:
    rng = np.random.default_rng(4)
    sizes = rng.integers(1, 9, 25)
    codes = np.repeat(np.arange(25), sizes)
    groups = group_moments(rng.normal(0, 0.4, 25)[codes] + rng.normal(size=len(codes)), codes, 25)
    fit = random_intercept(groups)

    def criterion(theta: float) -> float:
        v = [np.eye(n) + theta for n in groups.n]  # theta J + I of each group, whole data, textbook formula
        y = [m + np.sqrt(ss / 2) * np.array([1, -1] + [0] * (n - 2))[:n] if n > 1 else np.array([m])
             for n, m, ss in zip(groups.n, groups.mean, groups.ss, strict=True)]  # fmt: skip
        info = sum(np.linalg.inv(a).sum() for a in v)
        beta = sum(np.linalg.inv(a).sum(axis=0) @ b for a, b in zip(v, y, strict=True)) / info
        rss = sum((b - beta) @ np.linalg.inv(a) @ (b - beta) for a, b in zip(v, y, strict=True))
        df = groups.total - 1
        return df * (1 + np.log(2 * np.pi * rss / df)) + sum(np.linalg.slogdet(a)[1] for a in v) + np.log(info)

    best = fit.tau2 / fit.sigma2
    assert fit.criterion == pytest.approx(criterion(best), abs=1e-9)
    assert all(
        criterion(t) >= fit.criterion - 1e-9 for t in [0, *np.geomspace(1e-4, 50, 80), best * 1.001, best * 0.999]
    )


def test_groups_alike_end_at_the_boundary() -> None:
    groups = GroupMoments(np.full(6, 4), np.zeros(6), np.full(6, 3.0))
    fit = random_intercept(groups)
    assert fit.boundary
    assert fit.tau2 == 0
    assert fit.weight.tolist() == [0.0] * 6
    assert ratio_interval(groups) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("groups", "design", "says"),
    [
        (GroupMoments(np.array([1, 1, 1]), np.arange(3.0), np.zeros(3)), None, "no group has 2"),
        (GroupMoments(np.array([2, 2]), np.arange(2.0), np.ones(2)), np.eye(2), "cannot carry 2"),
        (GroupMoments(np.array([2, 2, 2]), np.arange(3.0), np.ones(3)), np.ones((3, 2)), "collinear"),
        (GroupMoments(np.array([2, 2, 2]), np.arange(3.0), np.zeros(3)), None, "do not vary within"),
        (GroupMoments(np.array([2, 0, 2]), np.arange(3.0), np.ones(3)), None, "every group needs"),
    ],
)
def test_refusals(groups: GroupMoments, design: np.ndarray | None, says: str) -> None:
    with pytest.raises(DataError, match=says):
        random_intercept(groups, design)

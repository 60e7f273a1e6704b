"""Is the derived truth the truth? Closed forms against other closed forms, quadrature, and brute force."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy.stats import multivariate_normal

from microresearch.simulate.answers import draw_answers, unasked
from microresearch.simulate.case_mix import TILT_SHARE, case_mix_effects, case_mix_shares
from microresearch.simulate.hospitals import draw_setting
from microresearch.simulate.plant import CODES, Plant
from microresearch.simulate.population import true_scores
from microresearch.simulate.series import coefficients, second_moment
from microresearch.simulate.stays import draw_stays
from microresearch.simulate.submissions import draw_submissions, scaled
from microresearch.simulate.truth import (
    characteristic_truth,
    hospital_direction,
    kind_effect,
    mean_cost,
    population_of,
    slope_truth,
    unit_variances,
)
from microresearch.simulate.weights import weighting

PLANT = Plant()
POPULATION = population_of(PLANT)
BETWEEN = POPULATION.between[0]


def test_products_of_answers_agree_with_the_bivariate_normal():
    first, second, r = np.array([-1.2, 0.1, 0.9]), np.array([-0.4, 1.5]), 0.63
    normal = multivariate_normal([0, 0], [[1, r], [r, 1]])
    tails = sum(normal.cdf([-s, -t]) for s in first for t in second)
    a, b = coefficients(first, 200), coefficients(second, 200)
    expected = a[0] * b[0] + (tails - (a[0] - 1) * (b[0] - 1))
    assert (a * b * r ** np.arange(200)).sum() == pytest.approx(expected, abs=1e-9)
    assert (a**2 * 0.9999999 ** np.arange(200)).sum() == pytest.approx(second_moment(first), abs=0.03)


def test_weights_of_items_by_hand():
    half = weighting(np.array([0.8, 0.5, 0.4]))
    patterns = {(1, 1, 0): 0.24, (1, 0, 1): 0.16, (0, 1, 1): 0.04, (1, 1, 1): 0.16}
    available = sum(patterns.values())
    assert half.available == pytest.approx(available)
    first = sum(chance * keep[0] / sum(keep) for keep, chance in patterns.items()) / available
    both = sum(chance * keep[0] * keep[1] / sum(keep) ** 2 for keep, chance in patterns.items()) / available
    assert half.items[0] == pytest.approx(first)
    assert half.pairs[0, 1] == pytest.approx(both)
    assert half.items.sum() == pytest.approx(half.pairs.sum()) == pytest.approx(1)


@pytest.mark.parametrize("kind", [0, 1, 17, 39])
def test_variance_of_true_scores_agrees_with_quadrature(kind):
    nodes, weights = hermegauss(60)
    weights = weights / weights.sum()
    variance = np.diag(PLANT.hospital.covariance() + PLANT.unit.covariance())
    kinds, series = POPULATION.kinds, POPULATION.moments[0].series[kind]
    means = kinds.latent[kind] + np.outer(nodes, np.sqrt(variance))
    true = true_scores(POPULATION.forms[0], PLANT, means, np.repeat(kinds.academic[kind], 60))
    mean = weights @ true
    powers = variance[:, None] ** np.arange(1, series.shape[1])
    np.testing.assert_allclose(series[:, 0], mean, atol=1e-12)
    np.testing.assert_allclose((series[:, 1:] ** 2 * powers).sum(axis=1), weights @ true**2 - mean**2, atol=1e-12)


def test_true_scores_are_the_mean_scores_of_a_units_staff():
    rng = np.random.default_rng(1)
    plant = replace(PLANT, straight_lining=0.0)
    population, form = population_of(plant), population_of(plant).forms[0]
    n, means = 30_000, POPULATION.kinds.latent[7] + 0.3
    share = np.array(plant.role_share) * np.array(plant.role_response)
    role = rng.choice(4, n, p=share / share.sum())
    for academic in (False, True):
        inside = np.repeat(academic, n)
        answers = draw_answers(population.forms, plant, np.tile(means, (n, 1)), role, inside, ~inside & False, rng)[0]
        score = half_rule(form, answers[0], inside)
        true = true_scores(form, plant, means[None, :], inside[:1])[0]
        error = np.nanstd(score, axis=0) / np.sqrt(np.isfinite(score).sum(axis=0))
        assert np.abs((np.nanmean(score, axis=0) - true) / error).max() < 4


def half_rule(form, raw, inside):
    """Scores by the half rule, written apart from the library's own."""
    keyed = np.where(raw > 0, np.where(form.reversed, 6 - raw, raw), np.nan).astype(float)
    columns = []
    for c in range(len(CODES)):
        mine = keyed[:, form.characteristic == c]
        asked = mine.shape[1] - np.where(inside, 0, form.academic_only[form.characteristic == c].sum())
        said = np.isfinite(mine).sum(axis=1)
        columns.append(np.where(2 * said >= asked, np.nansum(mine, axis=1) / np.maximum(said, 1), np.nan))
    return np.stack(columns, axis=1)


@pytest.fixture(scope="module")
def staff():
    """Scores of the staff of 9,600 units, and what became of a truth about them, in six batches."""
    batches = []
    plant = PLANT.with_mess(0)
    plant = replace(plant, mess=replace(plant.mess, retest=900), straight_lining=PLANT.straight_lining)
    population = population_of(plant)
    form = population.forms[0]
    for stream in np.random.SeedSequence(5).spawn(6):
        rng = np.random.default_rng(stream)
        setting = draw_setting(population, 200, 8, 12, rng)
        sent = draw_submissions(population, setting, scaled(plant.mess, 19_200), rng)
        rows = sent.rows
        raw = sent.answers[:, :52]
        score = half_rule(form, raw, setting.kind.academic[rows["unit"]])
        keyed = np.where(raw > 0, np.where(form.reversed, 6 - raw, raw), np.nan).astype(float)
        batches.append((setting, rows, score, keyed))
    return batches


def statistics_of(setting, rows, score, keyed, c):
    """Variance within units, alpha, retest correlation, and variance of unit means about their true scores."""
    first = (rows["wave"] == 1).to_numpy()
    here, unit = score[first, c], rows["unit"].to_numpy()[first]
    fine = np.isfinite(here)
    here, unit = here[fine], unit[fine]
    n = np.bincount(unit, minlength=len(setting.true))
    mean = np.bincount(unit, here, len(n)) / np.maximum(n, 1)
    within = ((here - mean[unit]) ** 2).sum() / (len(here) - (n > 0).sum())
    about = (n * (mean - setting.true[:, c]) ** 2)[n > 0].mean()
    items = keyed[first][:, POPULATION.forms[0].characteristic == c]
    cov = np.cov(items[np.isfinite(items).all(axis=1)].T)
    alpha = len(cov) / (len(cov) - 1) * (1 - np.trace(cov) / cov.sum())
    order = rows[first].reset_index().set_index("staff")["index"]
    pair = np.stack([score[order.loc[rows.loc[~first, "staff"]], c], score[~first, c]])
    pair = pair[:, np.isfinite(pair).all(axis=0)]
    dev = pair - pair.mean()
    return within, alpha, (dev[0] * dev[1]).mean() / (dev**2).mean(), about


@pytest.mark.parametrize("c", range(10), ids=CODES)
def test_variance_alpha_and_retest_agree_with_brute_force(staff, c):
    truth = characteristic_truth(POPULATION, 0)[CODES[c]]
    found = np.array([statistics_of(*batch, c) for batch in staff])
    expected = np.array([truth["sigma2"], truth["alpha"], truth["retest_icc"], truth["sigma2"]])
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - expected) < 8 * error).all()  # a t of 5 df, forty times
    assert (np.abs(found.mean(axis=0) / expected - 1) < [0.025, 0.010, 0.02, 0.06]).all()


def test_total_variance_of_scores_agrees_with_staff_who_share_nothing():
    rng, n, form = np.random.default_rng(77), 100_000, POPULATION.forms[0]
    kind = rng.choice(len(POPULATION.kinds.share), n, p=POPULATION.kinds.share)
    spread = np.linalg.cholesky(PLANT.hospital.covariance() + PLANT.unit.covariance())
    means = POPULATION.kinds.latent[kind] + rng.standard_normal((n, 10)) @ spread.T
    share = np.array(PLANT.role_share) * np.array(PLANT.role_response)
    role, inside = rng.choice(4, n, p=share / share.sum()), POPULATION.kinds.academic[kind]
    raw = draw_answers(POPULATION.forms, PLANT, means, role, inside, np.zeros(n, bool), rng)[0][0]
    flat = rng.random(n) < PLANT.straight_lining
    raw[flat] = (1 + rng.choice(5, n, p=PLANT.straight_answers))[flat, None]
    score = half_rule(form, unasked(form, raw, inside), inside)
    count = np.isfinite(score).sum(axis=0)
    for power, expected in ((1, BETWEEN.mean), (2, POPULATION.moments[0].second)):
        found = score**power
        error = np.nanstd(found, axis=0) / np.sqrt(count)
        assert np.abs((np.nanmean(found, axis=0) - expected) / error).max() < 4


@pytest.fixture(scope="module")
def units():
    """120,000 units in 15,000 hospitals: true scores, hospitals' latent means, kinds."""
    rng, hospitals, each = np.random.default_rng(11), 15_000, 8
    kind = rng.choice(len(POPULATION.kinds.share), hospitals * each, p=POPULATION.kinds.share)
    above = rng.standard_normal((hospitals, 10)) @ PLANT.hospital.root().T
    own = rng.standard_normal((hospitals * each, 10)) @ PLANT.unit.root().T
    means = POPULATION.kinds.latent[kind] + np.repeat(above, each, axis=0) + own
    true = true_scores(POPULATION.forms[0], PLANT, means, POPULATION.kinds.academic[kind])
    return true, above, kind, each, rng


def within(values, each):
    grouped = values.reshape(-1, each, *values.shape[1:])
    return (grouped - grouped.mean(axis=1, keepdims=True)).reshape(values.shape)


def test_between_unit_variances_agree_with_brute_force(units):
    true, _, kind, each, _ = units
    free = len(true) * (each - 1) / each
    inside, features = within(true, each), within(POPULATION.kinds.features[kind], each)
    left = inside - features @ np.linalg.lstsq(features, inside, rcond=None)[0]
    np.testing.assert_allclose(true.mean(axis=0), BETWEEN.mean, atol=0.007)
    np.testing.assert_allclose(inside.T @ inside / free, BETWEEN.within, atol=0.0012)
    np.testing.assert_allclose(left.T @ left / free, BETWEEN.adjusted, atol=0.0010)
    hospital = np.cov(true.reshape(-1, each, 10).mean(axis=1).T) - BETWEEN.within / each
    np.testing.assert_allclose(hospital, BETWEEN.hospital, atol=0.0015)


@pytest.mark.parametrize("name", ["experience", "cost"])
def test_marginal_slopes_agree_with_regressions_over_units(units, name):
    true, above, kind, each, rng = units
    outcome = PLANT.outcome(name)
    tau = np.sqrt(np.diag(BETWEEN.within))
    own = outcome.hospital_with_scores * above @ hospital_direction(PLANT)
    hospital = outcome.hospital_sd * (
        own + np.sqrt(1 - outcome.hospital_with_scores**2) * rng.standard_normal(len(own))
    )
    level = true @ POPULATION.joint(outcome) + kind_effect(outcome, POPULATION.kinds)[kind] + np.repeat(hospital, each)
    y, x, z = within(level, each), within(true, each), within(POPULATION.kinds.features[kind], each)
    crude = (x * y[:, None]).sum(axis=0) / (x**2).sum(axis=0) * tau
    truth = slope_truth(POPULATION, outcome)
    spread = y.std() / np.sqrt(len(y))
    np.testing.assert_allclose([truth[c]["per_sd_without_covariates"] for c in CODES], crude, atol=5 * spread)
    y, x = (part - z @ np.linalg.lstsq(z, part, rcond=None)[0] for part in (y, x))
    slope = (x * y[:, None]).sum(axis=0) / (x**2).sum(axis=0) * tau
    np.testing.assert_allclose([truth[c]["per_sd"] for c in CODES], slope, atol=6 * y.std() / np.sqrt(len(y)))
    np.testing.assert_allclose([truth[c]["per_sd"] for c in CODES], outcome.per_sd, atol=1e-12)
    shares = unit_variances(POPULATION, outcome)
    inside = (within(level, each) ** 2).sum() / (len(level) * (each - 1) / each) + outcome.unit_sd**2
    between = level.reshape(-1, each).mean(axis=1).var() - (inside - outcome.unit_sd**2) / each
    assert shares["within_hospital"] == pytest.approx(inside, rel=0.02)
    assert shares["between_hospitals"] == pytest.approx(between, abs=0.004 * inside)


def test_mean_cost_agrees_with_brute_force(units):
    true, above, kind, each, rng = units
    outcome = PLANT.outcome("cost")
    own = outcome.hospital_with_scores * above @ hospital_direction(PLANT)
    hospital = outcome.hospital_sd * (
        own + np.sqrt(1 - outcome.hospital_with_scores**2) * rng.standard_normal(len(own))
    )
    level = outcome.base + kind_effect(outcome, POPULATION.kinds)[kind] + np.repeat(hospital, each)
    level += (true - BETWEEN.mean) @ POPULATION.joint(outcome) + outcome.unit_sd * rng.standard_normal(len(true))
    mix = np.einsum("tiasc,asc,i->t", case_mix_shares(), np.exp(case_mix_effects(outcome)), np.array(TILT_SHARE))
    stays = np.array(PLANT.type_stays)[POPULATION.kinds.type[kind]]
    cost = np.exp(level) * mix[POPULATION.kinds.type[kind]]
    error = (stays * cost).reshape(-1, each).sum(axis=1).std() / np.sqrt(len(own)) / (stays.mean() * each)
    assert mean_cost(POPULATION) == pytest.approx((stays @ cost) / stays.sum(), abs=4 * error)
    assert error / mean_cost(POPULATION) < 0.003


def test_outcomes_of_stays_carry_the_planted_slopes():
    found = {name: [] for name in ("experience", "cost")}
    for stream in np.random.SeedSequence(3).spawn(8):
        rng = np.random.default_rng(stream)
        setting = draw_setting(POPULATION, 60, 8, 4, rng)
        stays = draw_stays(POPULATION, setting, 120, rng, rng)
        found["experience"].append(slopes_of(setting, stays.table, stays.table["experience"].to_numpy()))
        effect = pattern_effect(stays.table, PLANT.outcome("cost"))
        found["cost"].append(slopes_of(setting, stays.table, stays.cost / np.exp(effect), log=True))
    for name, values in found.items():
        error = np.std(values, axis=0, ddof=1) / np.sqrt(len(values))
        planted = np.array(PLANT.outcome(name).per_sd)
        assert np.abs((np.mean(values, axis=0) - planted) / error).max() < 6  # t, 7 df, ten of them
        share = np.array(values) @ planted / (planted @ planted)
        assert share.mean() == pytest.approx(1, abs=0.1)
        assert abs(share.mean() - 1) < 4 * share.std(ddof=1) / np.sqrt(len(share))


def pattern_effect(table, outcome):
    age, sick = np.digitize(table["age"], [45, 65, 75]), np.digitize(table["comorbidity"], [1, 3, 5])
    return case_mix_effects(outcome)[age, (table["sex"] == "M").to_numpy().astype(int), sick]


def slopes_of(setting, table, y, log=False):
    """Slopes per SD of unit means on true scores, within hospitals, given covariates; case mix taken out as planted."""
    unit = table["unit"].str[1:].astype(int).to_numpy() - 1
    if not log:
        y = y - pattern_effect(table, PLANT.outcome("experience"))
    fine = np.isfinite(y)
    n = np.bincount(unit[fine], minlength=len(setting.true))
    mean = np.bincount(unit[fine], y[fine], len(n)) / np.maximum(n, 1)
    design = np.column_stack([setting.kind.features, np.eye(60)[setting.hospital]])[n > 0]
    q = np.linalg.qr(design)[0]
    y, x = (np.log(mean) if log else mean)[n > 0], setting.true[n > 0]
    y, x = y - q @ (q.T @ y), x - q @ (q.T @ x)
    return x.T @ y / (x**2).sum(axis=0) * np.sqrt(np.diag(BETWEEN.within))


def test_effects_scale_and_vanish():
    for factor in (0.0, 2.0):
        population = population_of(PLANT.with_effects(factor, {}))
        slopes = slope_truth(population, population.plant.outcome("experience"))
        expected = factor * np.array(PLANT.outcome("experience").per_sd)
        np.testing.assert_allclose([slopes[c]["per_sd"] for c in CODES], expected, atol=1e-12)
    assert characteristic_truth(population, 0) == characteristic_truth(POPULATION, 0)


def test_covariates_are_real_confounders():
    slopes = slope_truth(POPULATION, PLANT.outcome("cost"))
    off = [abs(entry["per_sd_without_covariates"] - entry["per_sd"]) for entry in slopes.values()]
    assert sum(gap > 0.02 for gap in off) >= 8


def test_sizes_are_those_of_the_field():
    truth = characteristic_truth(POPULATION, 0)
    assert all(0.09 < entry["icc1"] < 0.20 for entry in truth.values())
    for entry in truth.values():
        between = entry["variance_between_hospitals"]
        assert 0.18 < between / (between + entry["variance_within_hospital"]) < 0.27
    for outcome in PLANT.outcomes:
        assert 0.2 < unit_variances(POPULATION, outcome)["hospital_share_given_covariates"] < 0.26

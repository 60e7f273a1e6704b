"""Which value would an estimator find in an endless study? The population value of every estimand, in closed form.

"Within hospitals" is the expectation of a covariance between units of one hospital; "adjusted" is what is left of it
after linear projection on the units' type, beds and academic status. The adjusted slope of an outcome on
characteristic c alone is (S gamma)_c / S_cc with S the adjusted covariance of the true scores and gamma the joint
coefficients, times tau_c for one standard deviation (tau_c: within hospitals, not adjusted).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from microresearch.instrument import load_instrument
from microresearch.simulate.case_mix import TILT_SHARE, case_mix_effects, case_mix_shares
from microresearch.simulate.forms import Form, assessment_form, long_form
from microresearch.simulate.moments import UNIT_TERMS, ScoreMoments, score_moments
from microresearch.simulate.plant import CODES, Floats, Outcome, Plant
from microresearch.simulate.population import Kinds, kinds_of


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """Covariances of the true scores of one form, C = 10 characteristics and P = 5 covariates.

    Attributes
    ----------
    mean : array, shape (C,)
    within : array, shape (C, C)
        Between units of one hospital.
    adjusted : array, shape (C, C)
        The same, given the covariates.
    hospital : array, shape (C, C)
        Between hospitals.
    with_features, features : arrays, shapes (C, P) and (P, P)
        Within hospitals, of scores with covariates and of covariates.
    steepness : array, shape (X, C)
        E[dT_c / d latent] in each kind of unit.
    """

    mean: Floats
    within: Floats
    adjusted: Floats
    hospital: Floats
    with_features: Floats
    features: Floats
    steepness: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A plant with everything that follows from it."""

    plant: Plant
    kinds: Kinds
    forms: tuple[Form, Form]
    moments: tuple[ScoreMoments, ScoreMoments]
    between: tuple[Between, Between]

    def joint(self, outcome: Outcome) -> Floats:
        """gamma: what a point of each true score adds to the linear predictor, the other nine held still; (10,)."""
        covariance, tau = self.between[0].adjusted, np.sqrt(np.diag(self.between[0].within))
        wanted = np.diag(covariance) * np.array(outcome.per_sd) / tau
        return np.asarray(np.linalg.solve(covariance, wanted), dtype=np.float64)


@lru_cache(maxsize=8)
def population_of(plant: Plant) -> Population:
    """The population of a plant; derived once."""
    kinds = kinds_of(plant)
    forms = (long_form(load_instrument("long-form"), plant), assessment_form(load_instrument("assessment-form"), plant))
    moments = (score_moments(forms[0], plant, kinds), score_moments(forms[1], plant, kinds))
    return Population(
        plant, kinds, forms, moments, (_between(moments[0], plant, kinds), _between(moments[1], plant, kinds))
    )


def kind_effect(outcome: Outcome, kinds: Kinds) -> Floats:
    """What type, beds and academic status add to the linear predictor of an outcome, a value per row of `kinds`."""
    return (
        np.array(outcome.types)[kinds.type] + outcome.beds * (kinds.beds - 20) / 10 + outcome.academic * kinds.academic
    )


def hospital_direction(plant: Plant) -> Floats:
    """Weights k of the hospitals' latent means that outcomes go with: k'a has variance 1; shape (10,)."""
    ones = np.ones(len(CODES))
    return ones / np.sqrt(ones @ plant.hospital.covariance() @ ones)


def _between(moments: ScoreMoments, plant: Plant, kinds: Kinds) -> Between:
    share, series = kinds.share, moments.series
    hospital, unit = plant.hospital.covariance(), plant.unit.covariance()
    order = np.arange(UNIT_TERMS)
    overall = share @ series.reshape(len(share), -1)
    overall = overall.reshape(series.shape[1:])
    same_unit = np.einsum(
        "x,xcn,xdn,cdn->cd", share, series, series, (hospital + unit)[..., None] ** order, optimize=True
    )
    same_hospital = np.einsum("cn,dn,cdn->cd", overall, overall, hospital[..., None] ** order)
    mean = overall[:, 0]
    within = same_unit - same_hospital
    centred = kinds.features - share @ kinds.features
    features = (centred * share[:, None]).T @ centred
    with_features = (series[:, :, 0] * share[:, None]).T @ centred
    adjusted = within - with_features @ np.linalg.solve(features, with_features.T)
    return Between(
        mean, within, adjusted, same_hospital - np.outer(mean, mean), with_features, features, series[:, :, 1]
    )


def characteristic_truth(population: Population, which: int) -> dict[str, dict[str, float]]:
    """Population values of one form's scores by characteristic: tau, variances, ICC(1), retest ICC, alpha."""
    between, moments = population.between[which], population.moments[which]
    out: dict[str, dict[str, float]] = {}
    for c, code in enumerate(CODES):
        within, hospital = between.within[c, c], between.hospital[c, c]
        staff = moments.second[c] - between.mean[c] ** 2 - within - hospital
        entry = {
            "mean": between.mean[c],
            "tau": np.sqrt(within),
            "tau_given_covariates": np.sqrt(between.adjusted[c, c]),
            "variance_within_hospital": within,
            "variance_given_covariates": between.adjusted[c, c],
            "variance_between_hospitals": hospital,
            "sigma2": staff,
            "icc1": (within + hospital) / (within + hospital + staff),
            "icc1_within_hospital": within / (within + staff),
            "retest_icc": moments.retest[c],
        }
        if not np.isnan(moments.alpha[c]):
            entry |= {"alpha": moments.alpha[c], "alpha_items_asked_everywhere": moments.alpha_everywhere[c]}
        out[code] = {name: float(value) for name, value in entry.items()}
    return out


def slope_truth(population: Population, outcome: Outcome) -> dict[str, dict[str, float]]:
    """Population slopes of one outcome by characteristic: joint and marginal, per point and per SD.

    `per_sd_without_covariates` is what a model without the unit covariates would find.
    """
    between, gamma = population.between[0], population.joint(outcome)
    tau = np.sqrt(np.diag(between.within))
    slope = between.adjusted @ gamma / np.diag(between.adjusted)
    kinds = population.kinds
    effect = kind_effect(outcome, population.kinds)
    with_effect = (population.moments[0].series[:, :, 0] * kinds.share[:, None]).T @ (effect - kinds.share @ effect)
    crude = (between.within @ gamma + with_effect) / np.diag(between.within)
    return {
        code: {
            "joint_per_point": float(gamma[c]),
            "per_point": float(slope[c]),
            "per_sd": float(slope[c] * tau[c]),
            "per_sd_without_covariates": float(crude[c] * tau[c]),
        }
        for c, code in enumerate(CODES)
    }


def unit_variances(population: Population, outcome: Outcome) -> dict[str, float]:
    """Variance of the units' linear predictors within and between hospitals (case mix left out), and its shares."""
    between, gamma, kinds = population.between[0], population.joint(outcome), population.kinds
    effect = kind_effect(outcome, population.kinds) - kinds.share @ kind_effect(outcome, population.kinds)
    with_effect = (population.moments[0].series[:, :, 0] * kinds.share[:, None]).T @ effect
    scores = gamma @ between.within @ gamma
    within = scores + kinds.share @ effect**2 + 2 * gamma @ with_effect + outcome.unit_sd**2
    latent = kinds.share @ between.steepness * hospital_score_covariance(population, outcome)
    hospital = gamma @ between.hospital @ gamma + outcome.hospital_sd**2 + 2 * gamma @ latent
    explained = gamma @ between.adjusted @ gamma
    return {
        "within_hospital": float(within),
        "between_hospitals": float(hospital),
        "hospital_share": float(hospital / (hospital + within)),
        "hospital_share_given_covariates": float(hospital / (hospital + explained + outcome.unit_sd**2)),
        "explained_by_scores_given_covariates": float(explained / (explained + outcome.unit_sd**2)),
    }


def hospital_score_covariance(population: Population, outcome: Outcome) -> Floats:
    """Covariance of an outcome's own hospital effect with the hospitals' latent means, shape (10,)."""
    direction = population.plant.hospital.covariance() @ hospital_direction(population.plant)
    return outcome.hospital_sd * outcome.hospital_with_scores * direction


def mean_cost(population: Population) -> float:
    """Population mean cost of a stay: exact over kinds of unit and case mix, to the second cumulant in the scores.

    The third cumulant of gamma'T, left out, moves the mean by less than one part in 10,000 at the planted effects.
    """
    plant, kinds = population.plant, population.kinds
    outcome, gamma, between = plant.outcome("cost"), population.joint(plant.outcome("cost")), population.between[0]
    series = population.moments[0].series
    shared = (plant.hospital.covariance() + plant.unit.covariance())[..., None] ** np.arange(1, UNIT_TERMS)
    scores = np.einsum("xcn,xdn,cdn,c,d->x", series[..., 1:], series[..., 1:], shared, gamma, gamma, optimize=True)
    with_hospital = between.steepness @ (gamma * hospital_score_covariance(population, outcome))
    variance = scores + outcome.hospital_sd**2 + outcome.unit_sd**2 + 2 * with_hospital
    centre = outcome.base + kind_effect(outcome, population.kinds) + (series[:, :, 0] - between.mean) @ gamma
    mix = np.einsum("tiasc,asc,i->t", case_mix_shares(), np.exp(case_mix_effects(outcome)), np.array(TILT_SHARE))
    stays = kinds.share * np.array(plant.type_stays)[kinds.type]
    return float(stays @ (np.exp(centre + variance / 2) * mix[kinds.type]) / stays.sum())

"""What does the planted model imply for scores? Their variance between and within units, retest, alpha: derived."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microresearch.simulate.forms import Form
from microresearch.simulate.plant import CODES, Floats, Plant, grid
from microresearch.simulate.population import Kinds, person_variance, unique_variance
from microresearch.simulate.series import coefficients, second_moment
from microresearch.simulate.weights import answered, mix_of, respondents, straight_answers

PERSON_TERMS = 80
UNIT_TERMS = 24


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMoments:
    """Population moments of the scores of one form; X kinds of unit, C = 10 characteristics.

    Attributes
    ----------
    series : array, shape (X, C, UNIT_TERMS)
        Coefficients D of T_uc: E[T_c T_d] = sum_n D_cn D_dn R_cd^n, R the latent covariance that the two share.
    second : array, shape (C,)
        E[score^2] over staff.
    retest : array, shape (C,)
        Intraclass correlation of one person's scores on two occasions, over all staff but the straight-liners.
    alpha, alpha_everywhere : arrays, shape (C,)
        Coefficient alpha among those who answered all items; of the items that apply in every unit. NaN for one item.
    """

    series: Floats
    second: Floats
    retest: Floats
    alpha: Floats
    alpha_everywhere: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The k items of one characteristic in all X kinds of unit and R roles.

    Attributes
    ----------
    items : array of int, shape (k,)
        Places in the form.
    mean : array, shape (X, R, k, PERSON_TERMS)
        Hermite coefficients; the first is the mean.
    per_sd : array, shape (k,)
        Loading over the propensity's standard deviation.
    now, later : arrays, shape (X, R, k, k)
        E[y_j y_k] on one occasion and on two.
    """

    items: NDArray[np.int64]
    mean: Floats
    per_sd: Floats
    now: Floats
    later: Floats


def score_moments(form: Form, plant: Plant, kinds: Kinds) -> ScoreMoments:
    """All population moments of the scores of a form."""
    series: list[Floats] = []
    rest: list[list[float]] = []
    for c in range(len(CODES)):
        answers = _answers(form, plant, kinds, c)
        by_kind, second, retest = _score(form, plant, kinds, answers)
        everywhere = np.flatnonzero(~form.academic_only[answers.items])
        alphas = [_alpha(form, plant, kinds, answers, pick) for pick in (np.arange(len(answers.items)), everywhere)]
        series.append(by_kind)
        rest.append([second, retest, *alphas])
    return ScoreMoments(np.stack(series, axis=1), *np.array(rest).T)


def _answers(form: Form, plant: Plant, kinds: Kinds, c: int) -> Answers:
    """Means and cross moments of the answers to one characteristic's items."""
    mine = np.flatnonzero(form.characteristic == c)
    between = plant.hospital.covariance()[c, c] + plant.unit.covariance()[c, c]
    person, lasting = (part[c] for part in person_variance(plant))
    unique, unique_lasting = (part[mine] for part in unique_variance(form, plant))
    lam = form.loading[mine]
    sd = np.sqrt(lam**2 * (between + person) + unique)
    per_sd = lam / sd
    centre = kinds.latent[:, c, None] + grid(np.array(plant.roles))[c]  # kinds, roles
    t = (form.thresholds[mine] - lam[:, None] * centre[..., None, None]) / sd[:, None]
    mean = coefficients(t, PERSON_TERMS)
    square = np.outer(per_sd, per_sd)
    now = _cross(mean, square * (between + person))
    diagonal = np.arange(len(mine))
    now[..., diagonal, diagonal] = second_moment(t)
    later = _cross(mean, square * (between + lasting) + np.diag(unique_lasting / sd**2))
    return Answers(mine, mean, per_sd, now, later)


def _cross(mean: Floats, correlation: Floats) -> Floats:
    """E[y_j y_k] from Hermite coefficients and the correlations of the propensities."""
    powers = correlation[..., None] ** np.arange(PERSON_TERMS)
    return np.einsum("xrjn,xrkn,jkn->xrjk", mean, mean, powers, optimize=True)


def _score(form: Form, plant: Plant, kinds: Kinds, answers: Answers) -> tuple[Floats, float, float]:
    """Series of T by kind, E[score^2], and the retest ICC of one characteristic."""
    series = np.empty((len(kinds.share), UNIT_TERMS))
    second, once, square, product = 0.0, 0.0, 0.0, 0.0
    for inside in (False, True):
        pick = np.flatnonzero(~form.academic_only[answers.items] | inside)
        mix = mix_of(form, plant, answers.items[pick])
        here = kinds.academic == inside
        share = kinds.share[here]
        mean, now, later = (part[here][:, :, pick] for part in (answers.mean, answers.now, answers.later))
        rising = answers.per_sd[pick, None] ** np.arange(UNIT_TERMS)
        by_kind = np.einsum("xrkn,r,rk,kn->xn", mean[..., :UNIT_TERMS], mix.roles, mix.items, rising)
        series[here] = (1 - mix.flat) * by_kind
        series[here, 0] += mix.flat * mix.flat_first
        pairs = np.einsum("x,xrjk,rjk->r", share, now[..., pick], mix.pairs)
        second += (1 - mix.flat) * float(pairs @ mix.roles) + mix.flat * mix.flat_second * float(share.sum())
        square += float(pairs @ mix.twice)
        once += float(np.einsum("x,xrk,rk,r->", share, mean[..., 0], mix.items, mix.twice))
        product += float(np.einsum("x,xrjk,rj,rk,r->", share, later[..., pick], mix.items, mix.items, mix.twice))
    return series, second, (product - once**2) / (square - once**2)


def _alpha(form: Form, plant: Plant, kinds: Kinds, answers: Answers, pick: NDArray[np.int64]) -> float:
    """Coefficient alpha over all staff who answered every one of these items."""
    items, k = answers.items[pick], len(pick)
    if k < 2:
        return float("nan")
    asked = kinds.share * (kinds.academic | ~form.academic_only[items].any())
    complete = np.prod(answered(form, plant)[items], axis=0) * respondents(plant) * (1 - plant.straight_lining)
    flat = plant.straight_lining / (complete.sum() + plant.straight_lining)
    weight = np.outer(asked / asked.sum(), complete / complete.sum()) * (1 - flat)
    share, keyed = straight_answers(form, items, plant)
    mean = np.einsum("xr,xrj->j", weight, answers.mean[:, :, pick, 0]) + flat * share @ keyed
    cross = np.einsum("xr,xrjk->jk", weight, answers.now[:, :, pick][..., pick])
    covariance = cross + flat * np.einsum("s,sj,sk->jk", share, keyed, keyed) - np.outer(mean, mean)
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))

import dataclasses

import numpy as np
import pytest
from studies import CASE_MIX, KINDS, linked, plant

from microresearch.linking.crude import crude_effects
from microresearch.linking.encounters import read_encounters
from microresearch.linking.outcomes import link_outcome
from microresearch.results import NotAvailable
from microresearch.units.aggregation import unit_scores


@pytest.fixture(scope="module")
def study():
    planted = plant(7)
    scores = unit_scores(planted.people, planted.units, hospital="hospital", covariates=("beds",))
    return planted, scores, read_encounters(planted.stays, case_mix=CASE_MIX, outcomes=KINDS)


def test_a_crude_effect_is_the_regression_of_stays_on_raw_means_and_nothing_else(study):
    planted, scores, cells = study
    adjusted = link_outcome(scores, cells, "experience", model="ols")
    row = crude_effects(scores, cells, adjusted).rows[0]
    stays = planted.stays.dropna(subset=["experience"])
    means = planted.people.groupby("unit")["leadership"].mean()
    by_hand = np.polyfit(means[stays["unit"]].to_numpy(), stays["experience"].to_numpy(), 1)[0]
    assert row.naive.estimate == pytest.approx(row.tau * by_hand, rel=1e-9)
    assert row.tau == adjusted.rows[0].tau and row.n_patients == adjusted.rows[0].n_patients == len(stays)
    assert row.naive.estimate != pytest.approx(adjusted.rows[0].naive.estimate, rel=0.02)
    assert isinstance(row.corrected, NotAvailable) and row.p_holm is None and row.naive.interval is not None


@pytest.mark.parametrize("outcome", ["died", "days"])
def test_it_equals_a_study_without_hospitals_covariates_and_case_mix(study, outcome):
    """Such a study has another true SD to scale by, and else the same numbers."""
    planted, scores, cells = study
    found = crude_effects(scores, cells, link_outcome(scores, cells, outcome))
    bare = read_encounters(planted.stays, case_mix=[], outcomes={outcome: KINDS[outcome]})
    other = link_outcome(unit_scores(planted.people, planted.units), bare, outcome, hospital=None)
    for one, two in zip(found.rows, other.rows, strict=True):
        assert one.naive.estimate / one.tau == pytest.approx(two.naive.estimate / two.tau, rel=1e-7)
        assert one.naive.se / one.tau == pytest.approx(two.naive.se / two.tau, rel=1e-6)
        assert one.naive.df == pytest.approx(two.naive.df, rel=1e-6)


def test_what_confounds_shows_in_crude_effects_alone():
    """Bed numbers raise scores and lower outcomes: left out, they turn the planted slope around."""
    crude, adjusted = [], []
    for seed in range(4):
        planted = plant(seed, n_units=60, raters=(20, 25))
        beds = planted.units.set_index("unit")["beds"][planted.stays["unit"]].to_numpy()
        stays = planted.stays.assign(experience=planted.stays["experience"] - 1.0 * (beds - 23.5))
        scores, cells = linked(dataclasses.replace(planted, stays=stays), only="experience")
        found = link_outcome(scores, cells, "experience", characteristics=["leadership"])
        crude.append(crude_effects(scores, cells, found).rows[0].naive.estimate)
        adjusted.append(found.rows[0].naive.estimate)
    assert np.mean(crude) < 0 and np.mean(adjusted) > 0.8

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from studies import linked, plant

from microresearch.errors import DataError, SpecError
from microresearch.linking.cells import Outcome
from microresearch.linking.permutation import _test, permutation_test


def test_equals_every_arrangement_by_hand():
    rng = np.random.default_rng(1)
    effect, score, hospital = rng.normal(size=7), rng.normal(size=7), np.array(list("aaabbbb"))
    slope, p, count, exact = _test(effect, score, hospital, 2.0, rng)
    seen = []
    for first in permutations(range(3)):
        for second in permutations(range(3, 7)):
            x = np.column_stack([hospital == "a", hospital == "b", score[[*first, *second]]]).astype(float)
            seen.append(np.linalg.lstsq(x, effect, rcond=None)[0][2])
    assert exact and count == len(seen) == 144
    assert slope == pytest.approx(2 * seen[0])
    assert p == pytest.approx(np.mean(np.abs(seen) >= abs(seen[0]) - 1e-12))


def test_random_arrangements_agree_with_all_of_them(monkeypatch):
    rng = np.random.default_rng(2)
    effect, score, hospital = rng.normal(size=8), rng.normal(size=8), np.array(list("aaaabbbb"))
    _, exact, _, _ = _test(effect, score, hospital, 1.0, rng)
    monkeypatch.setattr("microresearch.linking.permutation._all_sums", None)
    monkeypatch.setattr("microresearch.linking.permutation.factorial", lambda n: 10**6)
    _, drawn, count, all_of_them = _test(effect, score, hospital, 1.0, rng)
    assert not all_of_them and count == 20_000 and drawn == pytest.approx(exact, abs=0.015)


def test_holds_its_level_and_finds_an_effect():
    found = {0.0: [], 1.5: []}
    for slope, seen in found.items():
        for seed in range(20):
            planted = plant(seed + 50, n_units=15, n_hospitals=3, stays=60, raters=(20, 40), slope=slope)
            people = planted.people[["unit", "leadership"]]
            if not slope:  # a true null: staff are given to another unit of their hospital
                rng = np.random.default_rng(seed)
                swap = planted.units.groupby("hospital")["unit"].transform(lambda u, r=rng: r.permutation(u.to_numpy()))
                people = people.assign(unit=people["unit"].map(dict(zip(planted.units["unit"], swap, strict=True))))
            planted = replace(planted, people=people)
            scores, cells = linked(planted, covariates=(), only="days")
            seen.append(permutation_test(scores, cells, "days").to_frame()["p"][0])
    assert np.mean(np.array(found[0.0]) < 0.1) < 0.3
    assert np.mean(np.array(found[1.5]) < 0.05) > 0.9


def test_frame_and_refusals():
    scores, cells = linked(plant(3, n_units=12, n_hospitals=3, raters=(30, 40)))
    frame = permutation_test(scores, cells, "experience").to_frame()
    assert list(frame.columns) == ["term", "group", "estimate", "p", "n", "note"]
    assert (frame["n"] == 12).all() and frame["note"].str.contains("all 13824 arrangements").all()
    bare = replace(cells, outcomes=tuple(Outcome(o.name, o.column) for o in cells.outcomes))
    with pytest.raises(SpecError, match="no declared kind"):
        permutation_test(scores, bare, "days")
    with pytest.raises(DataError, match="nothing to rearrange"):
        _test(np.ones(2), np.arange(2.0), np.array(["a", "b"]), 1.0, np.random.default_rng(1))

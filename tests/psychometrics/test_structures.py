"""The models of a form side by side, and the ladder of each scale."""

import numpy as np
import pandas as pd

from microresearch import load_instrument
from microresearch.psychometrics.structures import distinctness, scale_invariance, structures

FORM = load_instrument("long-form")
ITEMS = [item.code for item in FORM.items]


def answers(n=700, seed=1, steps=5, moved=()):
    """Characteristics that correlate .5 through their groups and a common part, loadings .75."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    factor = {c.code: np.sqrt(0.5) * common[:, 0] + np.sqrt(0.5) * rng.normal(size=n) for c in FORM.characteristics}
    latent = [0.75 * factor[item.characteristic] + np.sqrt(1 - 0.75**2) * rng.normal(size=n) for item in FORM.items]
    for j in moved:  # every second person answers these items higher, whatever the factor
        latent[j] = latent[j] + np.where(np.arange(n) % 2, 0.7, 0.0)
    cuts = np.linspace(-1.3, 1.3, steps - 1)
    return pd.DataFrame(np.digitize(np.transpose(latent), cuts) + 1.0, columns=ITEMS)


def test_models_of_the_form_side_by_side():
    frame = answers()
    found = structures(frame, FORM, "MLR")
    assert list(found.table["model"]) == ["characteristics", "second-order", "bifactor"]
    assert not found.refused
    table = found.table.set_index("model")
    # 52 items: 1,326 correlations less 52 loadings and 45 correlations of factors
    assert table["df"]["characteristics"] == 1326 - 52 - 45
    assert table["df"]["bifactor"] == 1326 - 104
    assert table["cfi"]["characteristics"] > 0.98
    assert table["rmsea_low"]["characteristics"] <= table["rmsea"]["characteristics"]
    assert "robust CFI, TLI and RMSEA" in found.notes[0]
    table = distinctness(found.fits["characteristics"])
    assert table["n_items"].sum() == 52
    np.testing.assert_allclose(table["ave"], 0.88 * 0.75**2, atol=0.08)  # five steps carry less than what is behind
    np.testing.assert_allclose(table["largest_correlation"], 0.55, atol=0.12)
    np.testing.assert_allclose(table["htmt"], table["largest_correlation"], atol=0.1)


def test_a_form_without_factors_says_why():
    form = load_instrument("assessment-form")
    frame = pd.DataFrame(np.random.default_rng(1).integers(1, 4, (50, len(form.items))).astype(float))
    frame.columns = [item.code for item in form.items]
    found = structures(frame, form, "MLR")
    assert set(found.refused) == {"characteristics", "second-order", "bifactor"}
    assert "two items" in found.refused["characteristics"]
    assert found.table.empty
    ladders = scale_invariance(frame, form, pd.Series(np.arange(50) % 2), "MLR")
    assert not ladders.ladders
    assert set(ladders.refused) == {c.code for c in form.characteristics}


def test_ladders_of_scales_find_the_scale_that_differs():
    codes = [item.code for name in ("organizational_support", "leadership") for item in FORM.items_of(name)]
    group = pd.Series(np.where(np.arange(700) % 2, "nurse", "physician"))
    frame = answers(seed=3, moved=(0, 1))[codes].reindex(columns=ITEMS)
    for estimator, step in (("MLR", "scalar"), ("WLSMV", "intercepts")):
        found = scale_invariance(frame, FORM, group, estimator)
        assert found.ladders["organizational_support"].verdicts[step].held
        assert not all(verdict.held for verdict in found.ladders["leadership"].verdicts.values())
        assert len(found.refused) == 8
        assert set(found.table["scale"]) == {"leadership", "organizational_support"}


def test_cheung_and_rensvold_stand_in_the_notes():
    frame = answers(seed=4, n=300).iloc[:, :7]
    ladders = scale_invariance(frame.reindex(columns=ITEMS), FORM, pd.Series(np.arange(300) % 2), "MLR")
    assert "Cheung & Rensvold (2002)" in ladders.notes[0]
    assert ladders.table.columns[0] == "scale"

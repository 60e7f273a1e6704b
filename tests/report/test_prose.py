import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError, SpecError
from microresearch.psychometrics.alpha import alpha
from microresearch.psychometrics.icc import icc
from microresearch.report.citations import CITATIONS, bibtex
from microresearch.report.disclosure import public_flow
from microresearch.report.interpret import interpret_interval
from microresearch.report.macros import macro_name, numbers_tex
from microresearch.report.numbers import Number
from microresearch.report.prose import (
    aggregation_sentence,
    alpha_sentence,
    flow_sentence,
    model_sentence,
    retest_sentence,
)
from microresearch.report.rounding import apa
from microresearch.results import NotAvailable
from microresearch.study.linking_sections import MODELS


def scale(rng: np.random.Generator, noise: float) -> pd.DataFrame:
    true = rng.normal(size=(80, 1))
    return pd.DataFrame(true + noise * rng.normal(size=(80, 4)), columns=list("abcd"))


def test_alpha_in_words_holds_the_results_own_digits_and_what_is_missing() -> None:
    rng = np.random.default_rng(8)
    low, high = alpha(scale(rng, 1.5)), alpha(scale(rng, 0.4))
    given = {"trust": high, "help": low, "level": NotAvailable("one item has no alpha.")}
    said = alpha_sentence(given, {"trust": "Trust", "help": "Help", "level": "Level"})
    assert said.text.index(apa(low.estimate, 2, True)) < said.text.index(apa(high.estimate, 2, True))
    assert f"{apa(high.ci_low, 2, True)} to {apa(high.ci_high, 2, True)}" in said.text
    assert said.text.endswith("Alpha is not available for Level: one item has no alpha.")
    assert said.cites == ("cronbach1951", "pandey1975") and "Pandey & Hubert, 1975" in said.text
    by_name = alpha_sentence({"trust": alpha(scale(rng, 1.0), interval="feldt")}, {"trust": "Trust"})
    assert by_name.cites == ("cronbach1951", "feldt1965") and "Pandey" not in by_name.text
    only = alpha_sentence({"trust": high}, {"trust": "Trust"}).text
    assert " was " in only and "ranged" not in only
    with pytest.raises(DataError):
        alpha_sentence({}, {"trust": "Trust"})


def test_retest_is_judged_by_its_interval() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(size=(40, 1))
    forms = {
        code: icc(pd.DataFrame(true + noise * rng.normal(size=(40, 2)))).form("ICC(2,1)")
        for code, noise in (("trust", 0.6), ("help", 0.2))
    }
    again = pd.DataFrame(
        [("ICC(2,1)", code, one.estimate, one.ci_low, one.ci_high, "") for code, one in forms.items()]
        + [("ICC(2,1)", "care", np.nan, np.nan, np.nan, "nobody answered twice")],
        columns=["term", "group", "estimate", "ci_low", "ci_high", "note"],
    )
    names = {"trust": "Trust", "help": "Help", "care": "Care"}
    said = retest_sentence(again, names)
    assert re.search(r"ranged from \.\d\d \(Trust, 95% CI \.\d\d to \.\d\d, [a-z ]+\) to \.\d\d \(Help, ", said.text)
    for one in forms.values():
        assert f"{apa(one.ci_high, 2, True)}, {interpret_interval(one.ci_low, one.ci_high, 'koo2016')})" in said.text
    assert said.cites == ("shrout1979", "koo2016") and "Koo & Li, 2016" in said.text
    none = retest_sentence(again.iloc[2:], names)
    assert none.text == "Retest reliability is not available: nobody answered twice." and not none.cites


def test_differences_between_units_are_judged_by_a_named_rule() -> None:
    table = pd.DataFrame({"characteristic": ["trust", "help"], "icc1": [0.05, 0.3], "reliability": [0.6, 0.9],
                          "n_units": 40})  # fmt: skip
    said = aggregation_sentence(SimpleNamespace(components=table), {"trust": "Trust", "help": "Help"})  # type: ignore[arg-type]
    assert ".05 (Trust, small group effect) to .30 (Help, large group effect) (words for ICC(1): LeBreton" in said.text
    assert "means ranged from .60 (Trust) to .90 (Help)." in said.text and said.cites == ("lebreton2008",)


def test_a_flow_in_words_names_no_small_count() -> None:
    frame = pd.DataFrame({"reason": ["Previews", "No consent"], "excluded": [4, 3], "remaining": [103, 100]})
    said = flow_sentence(public_flow(frame)).text
    assert said == "In all, 100 responses were analysed; left out were other exclusions (previews; no consent) (few)."
    assert "107" not in said


def test_the_model_is_worded_by_its_own_estimator() -> None:
    mixed = model_sentence("mixed", "Experience", within_hospitals=False)
    assert "restricted maximum likelihood" in mixed.text and "CR2" not in mixed.text and "hospitals" not in mixed.text
    assert "holm1979" not in mixed.cites
    for kind, models in MODELS.items():
        for model in models:
            assert model_sentence(model, "Outcome").text.startswith("Outcome was regressed"), (kind, model)
    with pytest.raises(DataError, match="mixed"):
        model_sentence("probit", "Experience")


def test_bibtex_is_whole_and_sorted() -> None:
    text = bibtex(CITATIONS, software="0.1.0")
    assert text.count("@") == len(CITATIONS) + 1
    assert text.count("{") == text.count("}")
    keys = re.findall(r"@\w+\{(\w+),", text)
    assert keys[:-1] == sorted(CITATIONS) and keys[-1] == "microresearch"
    assert all(re.fullmatch(r"10\.\d{4,9}/\S+", c.doi) for c in CITATIONS.values() if c.doi)
    with pytest.raises(SpecError, match="nobody2000"):
        bibtex(["nobody2000"])


def test_macros_are_commands_of_letters_and_never_two_of_one_name() -> None:
    text = numbers_tex({"a.b_1": Number(0.5, "points", -1.0, 2.0), "word": "50% & more"})
    assert text == (
        "\\newcommand{\\aBOne}{0.50 points (95\\% CI $-$1.00 to 2.00)}\n\\newcommand{\\word}{50\\% \\& more}\n"
    )
    assert re.fullmatch("[A-Za-z]+", macro_name("n_2.wave-10 x"))
    with pytest.raises(DataError, match="rename"):
        numbers_tex({"a.b": "1", "a_b": "2"})

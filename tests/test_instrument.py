"""Are the built-in forms what the table of characteristics says, and is a wrong instrument file told in full?"""

import re
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microresearch.errors import DataError, SpecError
from microresearch.instrument import BUILT_IN, Instrument, built_in_instruments, load_instrument

FACETS = {
    "leadership": 7,
    "organizational_support": 3,
    "staff_focus": 6,
    "education_training": 3,
    "interdependence": 6,
    "patient_focus": 6,
    "community_market_focus": 3,
    "performance_results": 6,
    "process_improvement": 5,
    "information_technology": 7,
}
GROUPS = {
    "leadership": ["leadership", "organizational_support"],
    "staff": ["staff_focus", "education_training", "interdependence"],
    "patients": ["patient_focus", "community_market_focus"],
    "performance": ["performance_results", "process_improvement"],
    "information": ["information_technology"],
}
LONG = load_instrument("long-form")

SMALL = """
[instrument]
code = "small"
name = "A small form"
version = "1"
language = "en"
reflective = true
source = "made up"

[response]
options = [{ code = 2, label = "Yes" }, { code = 0, label = "No" }, { code = 1, label = "Partly" }]
cant_rate = ["9"]

[[groups]]
code = "all_of_it"
name = "All of it"

[[characteristics]]
code = "calm"
name = "Calm"
group = "all_of_it"
items = [
  { code = "calm_1", text = "It is calm here." },
  { code = "calm_2", text = "It is loud here.", reversed = true, high = 1, applies = "open_plan" },
]
"""


def load(tmp_path: Path, text: str) -> Instrument:
    path = tmp_path / "form.toml"
    path.write_text(text, encoding="utf-8")
    return load_instrument(path)


def test_the_long_form_has_one_item_a_facet_in_the_tables_order() -> None:
    assert sum(FACETS.values()) == 52
    assert [c.code for c in LONG.characteristics] == list(FACETS)
    assert [i.code for i in LONG.items] == [f"{c}_{k}" for c, n in FACETS.items() for k in range(1, n + 1)]
    assert len({item.text for item in LONG.items}) == 52
    assert {c: [i.characteristic for i in LONG.items_of(c)] for c in FACETS} == {c: [c] * n for c, n in FACETS.items()}


@pytest.mark.parametrize("name", ["long-form", "assessment-form", "assessment-form-12"])
def test_every_form_says_its_groups_and_that_its_content_validity_is_not_established(name: str) -> None:
    form = load_instrument(name)
    drawn = {g.code: [c.code for c in form.characteristics if c.group == g.code] for g in form.groups}
    assert drawn == GROUPS
    assert form.content_validity == "not established"
    assert form.code == name
    assert form.cant_rate == ("Can't rate",)


def test_the_long_form_has_five_points_two_reversed_items_and_one_for_academic_units() -> None:
    assert [(o.code, o.label) for o in LONG.options] == [
        (1, "Strongly disagree"),
        (2, "Disagree"),
        (3, "Neither agree nor disagree"),
        (4, "Agree"),
        (5, "Strongly agree"),
    ]
    assert {(item.low, item.high) for item in LONG.items} == {(1.0, 5.0)}
    reversed_items = [item.characteristic for item in LONG.items if item.reversed]
    assert reversed_items == ["interdependence", "information_technology"]
    assert {item.code: item.applies for item in LONG.items if item.applies != "all"} == {
        "education_training_3": "academic"
    }
    assert "students" in LONG.item("education_training_3").text


def test_wordings_are_short_plain_and_of_one_sentence() -> None:
    """Flesch and Kincaid's grade (Kincaid and others 1975), a vowel group a syllable: age 14 is about grade 9."""
    grades = []
    for item in LONG.items:
        words = re.findall(r"[A-Za-z']+", item.text)
        syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e\b", "", word.lower())))) for word in words)
        grades.append(0.39 * len(words) + 11.8 * syllables / len(words) - 15.59)
        assert len(words) <= 16, item.code
        assert item.text.endswith(".")
        assert item.text.count(".") == 1
    assert max(grades) < 9
    assert np.mean(grades) < 5


def test_the_assessment_form_has_a_row_a_characteristic_or_twelve_rows() -> None:
    ten, twelve = load_instrument("assessment-form"), load_instrument("assessment-form-12")
    assert [item.code for item in ten.items] == [f"level_{c}" for c in FACETS]
    assert [(o.code, o.label) for o in ten.options] == [(1, "Level 1"), (2, "Level 2"), (3, "Level 3")]
    assert ten.options == twelve.options
    assert [item.code for item in twelve.items[:9]] == [item.code for item in ten.items[:9]]
    assert [item.code for item in twelve.items_of("information_technology")] == [
        "level_information_patients",
        "level_information_providers",
        "level_information_technology",
    ]
    assert len(twelve.items) == 12


def test_a_built_in_form_can_be_copied_and_read_again(tmp_path: Path) -> None:
    for name in built_in_instruments():
        assert load(tmp_path, (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8")) == load_instrument(name)


def test_a_form_is_a_value() -> None:
    assert load_instrument("long-form") == LONG
    assert hash(LONG) == hash(load_instrument("long-form"))
    with pytest.raises(FrozenInstanceError):
        LONG.items[0].low = 0.0  # pyrefly: ignore


def test_options_are_put_in_order_and_bounds_default_to_the_outermost(tmp_path: Path) -> None:
    form = load(tmp_path, SMALL)
    assert [option.label for option in form.options] == ["No", "Partly", "Yes"]
    assert [(item.low, item.high) for item in form.items] == [(0.0, 2.0), (0.0, 1.0)]


def test_unknown_codes_are_refused_with_what_there_is() -> None:
    with pytest.raises(SpecError, match=r"there is no characteristic 'leadershp'.*leadership, organizational_support"):
        LONG.items_of("leadershp")
    with pytest.raises(SpecError, match="there is no item 'leadership_8'"):
        LONG.item("leadership_8")
    with pytest.raises(SpecError, match=r"no such built-in form.*'longform'.*assessment-form, .*long-form"):
        load_instrument("longform")


def test_reversing_uses_the_forms_bounds_not_the_observed_ones() -> None:
    observed = pd.DataFrame({"interdependence_3": [2.0, 3.0, np.nan], "leadership_1": [1.0, 2.0, 3.0]})
    turned = LONG.reverse(observed)
    assert turned["interdependence_3"].tolist()[:2] == [4.0, 3.0]
    assert np.isnan(turned["interdependence_3"].iloc[2])
    assert turned["leadership_1"].tolist() == [1.0, 2.0, 3.0]
    assert observed["interdependence_3"].tolist()[:2] == [2.0, 3.0]


@given(st.lists(st.integers(1, 5), min_size=52, max_size=52))
def test_reversing_twice_changes_nothing(answers: list[int]) -> None:
    frame = pd.DataFrame([answers], columns=[item.code for item in LONG.items]).astype("float64")
    once = LONG.reverse(frame)
    assert (once != frame).to_numpy().sum() == sum(frame[i.code].iloc[0] != 3 for i in LONG.items if i.reversed)
    pd.testing.assert_frame_equal(LONG.reverse(once), frame)


def test_reversing_refuses_what_cannot_be_an_answer_without_showing_who() -> None:
    frame = pd.DataFrame(
        {"leadership_1": [6.0, 0.0, 3.0], "leadership_2": [1.0, 7.0, np.nan]}, index=["anna", "ben", "c"]
    )
    with pytest.raises(DataError) as told:
        LONG.reverse(frame)
    assert [problem.column for problem in told.value.problems] == ["leadership_1", "leadership_2"]
    assert "2 of 3 answers are out of range. Allowed: 1 to 5" in str(told.value)
    assert "1 of 2 answers" in str(told.value)
    assert "anna" not in str(told.value)
    with pytest.raises(DataError, match="column age: this is no item of long-form"):
        LONG.reverse(pd.DataFrame({"age": [40.0]}))


def test_where_items_apply() -> None:
    units = pd.DataFrame({"academic": ["Yes", "no", True]}, index=["U1", "U2", "U3"])
    asked = LONG.applies(units)
    assert asked.shape == (3, 52)
    assert asked["education_training_3"].tolist() == [True, False, True]
    assert asked.drop(columns="education_training_3").to_numpy().all()
    with pytest.raises(DataError, match=r"column academic: 1 of 2 cells say neither. Allowed: yes, no"):
        LONG.applies(pd.DataFrame({"academic": ["yes", None]}))
    with pytest.raises(DataError, match=r"column academic.*missing"):
        LONG.applies(pd.DataFrame({"beds": [3]}))
    assert load_instrument("assessment-form").applies(pd.DataFrame(index=["U1"])).to_numpy().all()


def test_it_shows_itself_escaped(tmp_path: Path) -> None:
    html = load(tmp_path, SMALL.replace("It is calm here.", "<script>alert('x')</script> & calm"))._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; calm" in html
    assert "reversed, open_plan units only, 0 to 1" in html
    assert "content validity: not established" in html
    opened = re.findall(r"<(\w+)[^>]*>", html)
    assert all(html.count(f"</{tag}>") == opened.count(tag) for tag in set(opened) - {"br"})


def test_the_long_form_shows_every_item_and_no_fixed_colour() -> None:
    html = LONG._repr_html_()
    assert all(item.code in html for item in LONG.items)
    assert html.count("(reversed)") == 2
    assert "7 items" in html
    assert not re.search(r"(?<![-\w])color:\s*(?!inherit)", html)
    assert repr(LONG) == "Instrument('long-form': 52 items, 10 characteristics)"


def problems(tmp_path: Path, text: str) -> dict[str, str]:
    """What is said of each key."""
    with pytest.raises(SpecError) as told:
        load(tmp_path, text)
    assert all(problem.file == "form.toml" for problem in told.value.problems)
    return {problem.column: str(problem) for problem in told.value.problems}


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ('version = "1"', "", "instrument.version", "missing"),
        ('version = "1"', "version = 1", "instrument.version", "valid string (got '1')"),
        ('version = "1"', 'versoin = "1"', "instrument.versoin", "no such key. Allowed: code, name, version"),
        ("reflective = true", 'reflective = "yes"', "instrument.reflective", "valid boolean (got 'yes')"),
        ("reversed = true", "reversed = 1", "characteristics.calm.items.calm_2.reversed", "valid boolean"),
        ("high = 1", "high = 0", "characteristics.calm.items.calm_2.low", "low is 0 and high is 0"),
        ("high = 1", "high = 3", "characteristics.calm.items.calm_2.high", "no option of this form. Allowed: 0, 1, 2"),
        ("high = 1", "hihg = 1", "characteristics.calm.items.calm_2.hihg", "Allowed: code, text, low, high"),
        ("high = 1", "high = nan", "characteristics.calm.items.calm_2.high", "finite"),
        ('"calm_2"', '"calm_1"', "characteristics.*.items", "calm_1 stands 2 times"),
        ('"calm_2"', '"calm 2"', "characteristics.calm.items.calm 2.code", "match pattern"),
        ('text = "It is loud here.",', "", "characteristics.calm.items.calm_2.text", "missing"),
        ('group = "all_of_it"', 'group = "none"', "characteristics.calm.group", "no group 'none'. Allowed: all_of_it"),
        ('label = "No"', 'label = "yes"', "response.options", "yes stands 2 times"),
        ("code = 1,", "code = 2,", "response.options", "2 stands 2 times"),
        ('["9"]', '["2"]', "response.cant_rate", "'2' is an option too"),
        ('["9"]', "[9]", "response.cant_rate.1", "valid string (got '9')"),
        ("[response]", "[respons]", "respons", "Allowed: instrument, response, groups, characteristics"),
    ],
)
def test_each_fault_is_told_with_its_key(tmp_path: Path, old: str, new: str, key: str, said: str) -> None:
    assert SMALL.count(old) == 1
    told = problems(tmp_path, SMALL.replace(old, new))
    assert key in told
    assert said in told[key]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = (
        SMALL.replace('version = "1"', "").replace("high = 1", "high = 0").replace('group = "all_of_it"', 'group = "x"')
    )
    assert set(problems(tmp_path, text)) == {
        "instrument.version",
        "characteristics.calm.items.calm_2.low",
        "characteristics.calm.group",
        "groups.all_of_it",
    }


def test_a_file_that_is_missing_or_no_toml_is_told_without_the_machines_path(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^gone\.toml: there is no such file"):
        load_instrument(tmp_path / "gone.toml")
    with pytest.raises(SpecError, match=r"^form\.toml, row 2: this is not TOML"):
        load(tmp_path, 'a = "b"\nc = [1,\n')
    with pytest.raises(SpecError, match=r"^form\.toml, row 3: this is not TOML"):
        load(tmp_path, 'a = "b"\n\nb == 3\n')


@pytest.mark.parametrize("kind", ["characteristics", "second-order", "bifactor"])
def test_the_models_of_a_form_measure_every_item(kind: str) -> None:
    form = load_instrument("long-form")
    lines = form.model(kind).splitlines()  # type: ignore[arg-type]
    measured = [line.split(" =~ ")[1].split(" + ") for line in lines if " =~ " in line]
    items = [item.code for item in form.items]
    assert [code for line in measured for code in line if code in items] == items * (2 if kind == "bifactor" else 1)
    groups = [line for line in lines if line.startswith("group_")]
    assert bool(groups) == (kind == "second-order")
    assert sum("~~ 0*" in line for line in lines) == (55 if kind == "bifactor" else 0)


def test_a_model_leaves_out_what_it_is_told_to_and_refuses_what_has_no_factor() -> None:
    form = load_instrument("long-form")
    assert "education_training_3" not in form.model(without=["education_training_3"])
    with pytest.raises(SpecError, match="two items or more"):
        load_instrument("assessment-form").model()
    with pytest.raises(SpecError, match="there is no item"):
        form.model(without=["leadership_99"])
    with pytest.raises(SpecError, match="second-order"):
        form.model("third-order")  # type: ignore[arg-type]

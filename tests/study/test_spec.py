import tomllib
from pathlib import Path

import pytest

from microresearch.errors import SpecError
from microresearch.study.place import Place
from microresearch.study.spec import StudySpec
from microresearch.study.spec_file import parse_spec
from microresearch.study.state import input_hashes

GOOD = """
[study]
title = "Wards"
seed = 1
instruments = ["long-form"]
[survey]
file = "survey.csv"
[survey.columns]
unit = "unit"
[[cleaning]]
rule = "consent"
[units]
file = "units.csv"
[encounters]
admissions = "admissions.parquet"
case_mix = [{ name = "age", column = "age", bands = [18, 65] }]
[[outcomes]]
name = "experience"
label = "Experience"
column = "experience"
kind = "continuous"
[plan]
confirmatory = ["experience"]
"""


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse_spec(tomllib.loads(text))
    return [str(problem) for problem in caught.value.problems]


def test_a_good_file_is_read_with_its_defaults() -> None:
    spec = parse_spec(tomllib.loads(GOOD))
    assert spec.disclosure.threshold == 10
    assert spec.scores.missing == "half"
    assert spec.run.workers == 2
    assert spec.encounters is not None and spec.encounters.case_mix[0].bands == (18, 65)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 1", "sed = 1", ["column study.seed: this key is missing", "write 'seed' instead of 'sed'"]),
        ('unit = "unit"', 'untit = "unit"', ["survey.columns.untit", "write 'unit' instead of 'untit'"]),
        (
            'kind = "continuous"',
            'kind = "continuous"\nmodel = "gamma"',
            ["outcomes[1]", 'model "gamma" is none for the kind "continuous"', '"mixed", "ols"'],
        ),
        ('kind = "continuous"', 'kind = "continous"', ["outcomes[1].kind", "write 'continuous'"]),
        ('rule = "consent"', 'rule = "consnt"', ["cleaning[1]", "consent"]),
        ('rule = "consent"', 'rule = "time"\nminimm = 3', ["cleaning[1]", "minimum"]),
        ("bands = [18, 65]", "bands = [65, 18]", ["encounters.case_mix[1]", "bands must rise"]),
        ("bands = [18, 65]", "band = [18, 65]", ["encounters.case_mix[1].band", "'bands'"]),
        ('confirmatory = ["experience"]', 'confirmatory = ["cost"]', ["not declared: cost"]),
        (
            'admissions = "admissions.parquet"',
            'admissions = "a.parquet"\ncosts = "f.parquet"',
            ["cost_basis, currency"],
        ),
        ('kind = "continuous"', 'kind = "continuous"\nwinsor = [0.95]', ["outcomes[1]", 'kind "cost"']),
        ('kind = "continuous"', 'kind = "cost"\nwinsor = [95]', ["outcomes[1].winsor[1]", "less than 1"]),
        ('kind = "continuous"', 'kind = "cost"\nwinsor = [0.9, 0.9]', ["outcomes[1]", "quantile twice"]),
        ("[plan]", "[encounters.imputation]\nn = 20\n[plan]", ["encounters.imputation.n", "iterations"]),
        ("[plan]", "[encounters.imputation]\nm = 5\n[plan]", ["encounters.imputation.m", "equal to 20"]),
        ("[plan]", "[careless]\neven_od = 0.3\n[plan]", ["careless.even_od", "write 'even_odd'"]),
        ("[plan]", "[careless]\nmahalanobis_p = 1.5\n[plan]", ["careless.mahalanobis_p", "less than 1"]),
        ("[plan]", "[imputation]\nm = 5\n[plan]", ["imputation.m", "greater than or equal to 20"]),
        ("[plan]", '[imputation]\nstates = ["absent"]\n[plan]', ["imputation.states[1]", "cant_rate"]),
        ("[plan]", '[content_validity]\nfile = "e.csv"\nrelevant = [5]\n[plan]', ["relevant must be some of scale"]),
        ("seed = 1", "seed = -1", ["study.seed", "greater than or equal to 0"]),
        ("[plan]", "[plann]", ["plann", "write 'plan' instead of 'plann'"]),
    ],
)
def test_a_slip_is_named_with_its_place_and_mend(old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    found = "\n".join(problems(GOOD.replace(old, new)))
    assert found.startswith("study.toml")
    for words in said:
        assert words in found


def test_declared_cuts_take_the_place_of_the_usual_ones() -> None:
    assert parse_spec(tomllib.loads(GOOD)).careless.cuts is None
    declared = parse_spec(tomllib.loads(GOOD + "[careless]\nlongest_run = 12\nminimum_flags = 1\n")).careless
    assert declared.cuts == {"longest_run": 12} and declared.minimum_flags == 1


def test_all_slips_are_told_at_once() -> None:
    text = GOOD.replace("seed = 1", "sed = 1").replace('kind = "continuous"', 'kind = "x"').replace('"consent"', '"x"')
    assert len(problems(text)) == 4


def test_every_section_is_documented() -> None:
    for name, field in StudySpec.model_fields.items():
        model = next(
            (a for a in (field.annotation, *getattr(field.annotation, "__args__", ())) if hasattr(a, "model_fields")),
            None,
        )
        assert model is None or model.__doc__, name


def test_stays_and_prices_are_part_of_the_plan_only_where_they_are_declared() -> None:
    from microresearch.study.plan import plan_of

    before = plan_of(parse_spec(tomllib.loads(GOOD)))
    assert not {"stays", "price_index", "perspective", "horizon", "imputation"} & set(before["encounters"])
    extra = "[encounters]\nperspective = 'hospital'\nprice_index = { 2023 = 1.0, 2024 = 1.1 }"
    more = GOOD.replace("[encounters]", extra)
    more += "\n[encounters.stays]\nattribution = 'longest stay'\npatient = 'patient_id'\n"
    after = plan_of(parse_spec(tomllib.loads(more)))["encounters"]
    assert after["stays"]["attribution"] == "longest stay" and after["price_index"] == {"2023": 1.0, "2024": 1.1}
    assert {key: value for key, value in after.items() if key in before["encounters"]} == before["encounters"]
    cost = GOOD.replace('kind = "continuous"', 'kind = "cost"')
    plain, winsorised = (plan_of(parse_spec(tomllib.loads(t)))["outcomes"][0] for t in (
        cost, cost.replace('kind = "cost"', 'kind = "cost"\nwinsor = [0.95]')))  # fmt: skip
    assert "winsor" not in plain and winsorised == plain | {"winsor": [0.95]}
    imputed = plan_of(parse_spec(tomllib.loads(GOOD + "[encounters.imputation]\nm = 30\n")))["encounters"]
    assert imputed == before["encounters"] | {"imputation": {"m": 30, "iterations": 20}}


def test_the_methods_say_what_is_imputed_where_it_is_declared() -> None:
    from microresearch.study.methods import decided

    assert "imputed" not in " ".join(decided(parse_spec(tomllib.loads(GOOD)))).replace("nothing is imputed", "")
    declared = parse_spec(tomllib.loads(GOOD + "[encounters.imputation]\nm = 30\n"))
    assert "missing case mix imputed 30 times (20 rounds of data augmentation)" in " ".join(decided(declared))


def test_a_name_may_stand_for_many_files_or_a_table(tmp_path: Path) -> None:
    for name in ("stays-1.csv", "stays-2.csv", "hospital.duckdb"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    place = Place(tmp_path / "study.toml")
    assert [path.name for path in place.files("stays-*.csv")] == ["stays-1.csv", "stays-2.csv"]
    assert [path.name for path in place.files("hospital.duckdb#adt.stays")] == ["hospital.duckdb"]
    assert place.files("nothing-*.csv") == place.files("no/stays.csv") == []
    hashes = input_hashes(place, {"encounters": {"admissions": "stays-*.csv", "costs": "hospital.duckdb#lines"}})
    assert set(hashes) == {"stays-1.csv", "stays-2.csv", "hospital.duckdb"}

import csv
import io as streams
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tiny import notebook

from microresearch.cli import main
from microresearch.errors import SpecError
from microresearch.simulate import simulate_study
from microresearch.study.study import open_study

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled study file with the data of a smaller simulated study."""
    root = tmp_path_factory.mktemp("simulated") / "study"
    simulate_study(root / "data", seed=5, hospitals=3, units_per_hospital=4, stays_per_unit=60)
    shutil.copy(REPOSITORY / "study.toml", root)
    notebook(root / "notebooks", "01-nothing", "1")
    (root / "results").mkdir()
    (root / "results/report.html").write_text("the old report")
    return root


@pytest.fixture
def study(simulated: Path, tmp_path: Path) -> Path:
    shutil.copytree(simulated, tmp_path / "study")
    return tmp_path / "study"


def edit(change: Callable[[list[list[str]]], None], name: str = "survey.csv") -> Callable[[Path], None]:
    """A change to the rows of a raw CSV file."""

    def spoil(root: Path) -> None:
        path = root / "data/raw" / name
        rows = list(csv.reader(streams.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))
        change(rows)
        out = streams.StringIO()
        csv.writer(out, lineterminator="\n").writerows(rows)
        path.write_text(out.getvalue(), encoding="utf-8")

    return spoil


def put(row: int, column: str, value: str) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        rows[row][rows[0].index(column)] = value

    return change


def drop(column: str) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        place = rows[0].index(column)
        for row in rows:
            del row[place]

    return change


def same_id(rows: list[list[str]]) -> None:
    rows[20][rows[0].index("ResponseId")] = rows[12][rows[0].index("ResponseId")]


def toml(old: str, new: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        text = (root / "study.toml").read_text()
        assert old in text
        (root / "study.toml").write_text(text.replace(old, new, 1))

    return spoil


def stays(sql: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        path = root / "data/raw/admissions.parquet"
        frame = duckdb.sql(f"SELECT {sql} FROM '{path}'").df()
        duckdb.sql("SELECT * FROM frame").write_parquet(str(path))
        assert len(frame)

    return spoil


def raw(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda root: (root / "data/raw" / name).write_bytes(data) and None


SPOILED = [
    ("a missing column", edit(drop("leadership_2")), ["survey.csv", "leadership_2"]),
    ("an unknown unit", edit(put(30, "unit", "Ward of nobody")), ["survey.csv", "row 31", "unit", "variant"]),
    ("an answer out of range", edit(put(9, "leadership_2", "6")), ["survey.csv", "row 10", "leadership_2", "agree"]),
    ("a respondent twice", edit(same_id), ["survey.csv", "ResponseId"]),
    ("wrong header rows", edit(lambda rows: rows.pop(2)), ["survey.csv", "ImportId"]),
    ("an empty survey", raw("survey.csv", b""), ["survey.csv", "empty"]),
    ("a survey in another encoding", raw("survey.csv", "unit\nKüche\n".encode("latin-1")), ["survey.csv", "encoding"]),
    ("an empty roster", raw("roster.csv", b""), ["roster.csv", "empty"]),
    ("a roster with a unit of its own", edit(put(4, "unit", "U999"), "roster.csv"), ["roster.csv", "row 5", "U999"]),
    ("a unit twice", edit(put(2, "unit", "U001"), "units.csv"), ["units.csv", "unit"]),
    ("no ratio for a year", edit(lambda rows: rows.pop(), "ccr.csv"), ["ratio"]),
    ("stays without a column", stays("* EXCLUDE (sex)"), ["admissions.parquet", "sex"]),
    ("stays of an unknown unit", stays("* REPLACE (replace(unit, 'U003', 'X') AS unit)"), ["admissions.parquet"]),
    ("an outcome out of range", stays("* REPLACE ('x' AS experience)"), ["admissions.parquet", "experience"]),
    ("unit-months without a column", edit(drop("falls"), "unit_months.csv"), ["unit_months.csv", "falls"]),
    ("half a fall", edit(put(3, "falls", "1.5"), "unit_months.csv"), ["unit_months.csv", "falls", "whole numbers"]),
    ("no patient-days", edit(put(3, "patient_days", "0.5"), "unit_months.csv"), ["unit_months.csv", "patient_days"]),
    ("a fall in words", edit(put(3, "falls", "two"), "unit_months.csv"), ["unit_months.csv", "row 4", "falls"]),
    ("a month twice", edit(put(2, "month", "2024-03"), "unit_months.csv"), ["unit_months.csv", "month", "twice"]),
    ("a typo in study.toml", toml('unit = "unit"', 'unti = "unit"'), ["study.toml", "survey.columns.unti", "'unit'"]),
    ("a file that is not there", toml("data/raw/roster.csv", "data/raw/rooster.csv"), ["rooster.csv", "roster.file"]),
    ("a covariate that is not there", toml('["type", "beds"', '["tpye", "beds"'), ["units.covariates", "tpye"]),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), [case[1:] for case in SPOILED], ids=[case[0] for case in SPOILED])
def test_bad_input_is_named_with_exit_code_2_and_nothing_is_changed(
    study: Path, spoil: Callable[[Path], None], said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(study)
    for command in ("check", "run"):
        assert main([command, "--study", str(study)]) == 2
        message = capsys.readouterr().err
        for words in said:
            assert words in message
        assert "Traceback" not in message and str(study) not in message
    assert (study / "results/report.html").read_text() == "the old report"
    assert not (study / "data/processed").exists()


def test_all_that_is_wrong_is_told_at_once(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a missing column", "an empty roster", "stays without a column"):
        next(spoil for case, spoil, _ in SPOILED if case == name)(study)
    assert main(["check", "--study", str(study)]) == 2
    message = capsys.readouterr().err
    assert all(words in message for words in ("leadership_2", "roster.csv", "sex"))


def test_a_good_study_is_described(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--study", str(study)]) == 0
    out = capsys.readouterr()
    assert "12 units in 3 hospitals" in out.out and "Nothing is wrong" in out.out and out.err == ""
    assert "Warning" not in out.out
    assert not (study / "data/processed").exists()


def test_unit_months_are_read_under_the_names_of_the_study(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(put(1, "unit", "U999"), "unit_months.csv")(study)
    toml('name = "falls"', 'name = "tumbles"')(study)
    opened = open_study(study)
    cells = opened.unit_months()
    assert [outcome.name for outcome in cells.outcomes] == ["tumbles"] and len(cells.table) == 12 * 24
    raw_rows = list(csv.DictReader((study / "data/raw/unit_months.csv").read_text().splitlines()))
    assert cells.table["tumbles_sum"].sum() == sum(int(row["falls"]) for row in raw_rows)
    assert cells.table["tumbles_n"].sum() == sum(int(row["patient_days"]) for row in raw_rows)
    assert study / "data/raw/unit_months.csv" in opened.trace.files
    assert main(["check", "--study", str(study)]) == 0
    out = capsys.readouterr().out
    assert "falls in" in out and "Warning: data/raw/unit_months.csv: 1 units are not in the units file" in out


def test_unit_months_are_part_of_the_plan_where_they_are(study: Path) -> None:
    whole = open_study(study).plan_hash
    toml('label = "Falls per patient-day"', 'label = "Tumbles"')(study)
    assert open_study(study).plan_hash != whole
    toml('name = "falls"', 'name = "cost"')(study)
    with pytest.raises(SpecError, match="named more than once"):
        open_study(study)


def test_a_survey_after_the_outcomes_is_warned_of(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stays("* REPLACE (discharged - INTERVAL 1 YEAR AS discharged)")(study)
    assert main(["check", "--study", str(study)]) == 0
    assert "Warning: survey not before outcomes" in capsys.readouterr().out
    assert open_study(study).order_note().startswith("survey not before outcomes")


def test_the_bundled_rules_leave_out_exactly_what_was_planted(simulated: Path) -> None:
    ledger = open_study(simulated).cleaned()["long-form"].ledger
    planted = json.loads((simulated / "data/truth.json").read_text())["exclusions"]
    assert {step.rule: step.n for step in ledger.steps} == planted


def test_seeds_differ_by_task_and_stay_the_same(simulated: Path) -> None:
    one, two = open_study(simulated), open_study(simulated)
    assert one.seed("bootstrap") == two.seed("bootstrap") != one.seed("bootstrap 2")
    assert 0 <= one.seed("x") < 2**63


def test_the_plan_hash_is_of_decisions_not_of_files(study: Path) -> None:
    before = open_study(study).plan_hash
    toml("# registration =", "registration = 'https://doi.org/10.1/x' #")(study)
    toml('file = "data/raw/survey.csv"', 'file = "data/raw/other.csv"')(study)
    assert open_study(study).plan_hash == before
    toml("minimum = 120", "minimum = 100")(study)
    assert open_study(study).plan_hash != before

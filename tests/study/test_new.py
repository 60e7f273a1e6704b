import tomllib
from io import StringIO
from pathlib import Path

import pytest

from microresearch.cli import main
from microresearch.errors import DataError, SpecError
from microresearch.study.commented import commented
from microresearch.study.new import Wish, bundled_notebooks, new_study
from microresearch.study.study import open_study

FIXTURES = Path(__file__).parents[1] / "survey" / "fixtures"

FORM = """
[instrument]
code = "short"
name = "A short form"
version = "1"
language = "en"
reflective = true
source = "made for this test"
[response]
options = [
  { code = 1, label = "Strongly disagree" }, { code = 2, label = "Disagree" }, { code = 3, label = "Neither" },
  { code = 4, label = "Agree" }, { code = 5, label = "Strongly agree" },
]
cant_rate = ["Can't rate", "9"]
[[groups]]
code = "all"
name = "All"
[[characteristics]]
code = "trust"
name = "Trust"
group = "all"
items = [
  { code = "trust_1", text = "We trust each other." },
  { code = "trust_2", text = "We help each other, always." },
  { code = "trust_3", text = "We talk behind each other's back.", reversed = true },
]
[[characteristics]]
code = "teach"
name = "Teaching"
group = "all"
items = [{ code = "teach_1", text = "Students learn well here." }]
"""

EXPORTS = [
    "qualtrics.csv", "qualtrics.xlsx", "qualtrics_legacy.csv", "surveymonkey.csv", "redcap_raw.csv",
    "redcap_labels.csv", "spss.sav", "stata.dta", "excel.xlsx", "plain.csv", "plain_utf16.txt",
]  # fmt: skip


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(FORM)
    return path


@pytest.mark.parametrize("export", EXPORTS)
def test_every_format_is_recognised_and_its_twin_and_itself_pass_the_check(
    export: str, form: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["new", str(tmp_path / "my"), "--survey", str(FIXTURES / export), "--instrument", str(form)]
    if export.startswith("redcap"):
        words += ["--dictionary", str(FIXTURES / "redcap_dictionary.csv")]
    assert main(words) == 0
    assert "To do" not in capsys.readouterr().out
    for study in (tmp_path / "my" / "twin", tmp_path / "my"):
        assert main(["check", "--study", str(study)]) == 0, capsys.readouterr().err
    spec = open_study(tmp_path / "my").spec
    columns = spec.survey.columns
    assert all((columns.person, columns.unit, columns.role, columns.wave, columns.consent))
    assert spec.run.notebooks and "06-outcomes" not in spec.run.notebooks and "05-unit-scores" in spec.run.notebooks


def test_real_data_are_kept_out_of_git_and_nothing_is_overwritten(form: Path, tmp_path: Path) -> None:
    wish = Wish("Wards", FIXTURES / "plain.csv", (str(form),))
    new_study(tmp_path / "my", wish)
    names = {path.relative_to(tmp_path / "my").as_posix() for path in (tmp_path / "my").rglob("*") if path.is_file()}
    expected = {"study.toml", "README.md", ".gitignore", "environment.yml", "CITATION.cff", "data/raw/plain.csv"}
    assert expected | {f"notebooks/{path.name}" for path in bundled_notebooks()} <= names
    assert "data/raw/*" in (tmp_path / "my/.gitignore").read_text().splitlines()
    with pytest.raises(DataError, match="something in this folder"):
        new_study(tmp_path / "my", wish)


def test_what_is_wrong_leaves_no_folder(form: Path, tmp_path: Path) -> None:
    for wish in (
        Wish("Wards", tmp_path / "none.csv", (str(form),)),
        Wish("Wards", FIXTURES / "plain.csv", (str(form),), admissions=FIXTURES / "plain.csv"),
        Wish("Wards", FIXTURES / "plain.csv", ("no-form",)),
    ):
        with pytest.raises((DataError, SpecError)):
            new_study(tmp_path / "my", wish)
        assert not (tmp_path / "my").exists()


def test_without_a_survey_the_command_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert main(["new", str(tmp_path / "my")]) == 2
    assert "--survey" in capsys.readouterr().err


def test_comments_do_not_change_what_a_file_says() -> None:
    content = {
        "study": {"title": 'A "title" = x', "seed": 1},
        "cleaning": [{"rule": "duplicate", "keep": "first"}, {"rule": "answered"}],
        "outcomes": [{"name": "died", "kind": "binary"}],
    }
    assert tomllib.loads(commented(content)) == content

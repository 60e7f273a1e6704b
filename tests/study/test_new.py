import os
import subprocess
import sys
import tomllib
import zipfile
from argparse import Namespace
from io import StringIO
from pathlib import Path

import pytest
from formats import EXPORTS, FIXTURES, FORM, run_in_process, write_exports

from microresearch.cli import main
from microresearch.errors import DataError, SpecError
from microresearch.simulate import simulate_study
from microresearch.study.ask import ask
from microresearch.study.commented import commented
from microresearch.study.new import bundled_notebooks, new_study
from microresearch.study.study import open_study
from microresearch.study.wish import Wish

ROOT = Path(__file__).parents[2]


@pytest.fixture
def form(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(FORM)
    return path


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_exports(folder)
    return folder


@pytest.mark.parametrize("export", EXPORTS)
def test_every_format_is_recognised_and_its_twin_and_itself_pass_the_check(
    export: str, form: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(new_words(tmp_path / "my", FIXTURES, export, form)) == 0
    assert "To do" not in capsys.readouterr().out
    for study in (tmp_path / "my" / "twin", tmp_path / "my"):
        assert main(["check", "--study", str(study)]) == 0, capsys.readouterr().err
    spec = open_study(tmp_path / "my").spec
    columns = spec.survey.columns
    assert all((columns.person, columns.unit, columns.role, columns.wave, columns.consent))
    assert spec.run.notebooks and "06-outcomes" not in spec.run.notebooks and "05-unit-scores" in spec.run.notebooks
    assert "04-factor-structure" not in spec.run.notebooks  # four items have too few correlations for two factors


@pytest.mark.parametrize("export", ["qualtrics.csv", "redcap_raw.csv", "stata_pandas.dta"])
def test_a_study_s_worth_of_answers_goes_through_the_notebooks_without_an_edit(
    export: str, form: Path, exports: Path, tmp_path: Path
) -> None:
    """As in JupyterLab; `benchmarks/study_formats.py` runs every format to its report, twin and real."""
    assert main(new_words(tmp_path / "my", exports, export, form)) == 0
    chosen = open_study(tmp_path / "my").spec.run.notebooks
    published = run_in_process(tmp_path / "my", tuple(book for book in chosen if book[:2] in ("01", "05")))
    assert {"flow", "sample", "agreement-short", "unit-scores", "heat-map", "caterpillar"} <= set(published)


def new_words(folder: Path, exports: Path, export: str, form: Path) -> list[str]:
    more = [str(exports / word) if word.endswith(".csv") else word for word in EXPORTS[export]]
    return ["new", str(folder), "--survey", str(exports / export), "--instrument", str(form), *more]


def test_an_installed_library_brings_its_notebooks(form: Path, tmp_path: Path) -> None:
    """Built as a wheel and unpacked elsewhere, away from its source."""
    build = (
        "import sys; from hatchling.builders.wheel import WheelBuilder;"
        "print(*WheelBuilder(sys.argv[1]).build(directory=sys.argv[2], versions=['standard']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", build, str(ROOT), str(tmp_path)], capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(done.stdout.split()[-1]) as wheel:
        wheel.extractall(tmp_path / "installed")
    words = new_words(tmp_path / "my", FIXTURES, "plain.csv", form)
    say = (
        "import sys, microresearch; from microresearch.cli import main; print(microresearch.__file__); sys.exit(main())"
    )
    made = subprocess.run(
        [sys.executable, "-c", say, *words],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert str(tmp_path / "installed") in made.stdout.splitlines()[0]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (tmp_path / "my" / "notebooks" / path.name).read_bytes() == path.read_bytes()


def test_a_study_with_outcomes_and_costs_is_proposed_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate_study(tmp_path / "data", seed=5, hospitals=2, units_per_hospital=4, stays_per_unit=40)
    raw = tmp_path / "data" / "raw"
    words = ["new", str(tmp_path / "my"), "--survey", str(raw / "survey.csv"), "--roster", str(raw / "roster.csv"),
             "--units", str(raw / "units.csv"), "--admissions", str(raw / "admissions.parquet"),
             "--outcome", "experience:continuous", "--outcome", "died:binary", "--costs", str(raw / "finance.parquet"),
             "--ccr", str(raw / "ccr.csv"), "--cost-basis", "charges x ccr", "--currency", "USD"]  # fmt: skip
    assert main(words) == 2
    assert "--price-year" in capsys.readouterr().err and not (tmp_path / "my").exists()
    assert main([*words, "--price-year", "2024"]) == 0
    assert "To do" not in capsys.readouterr().out
    for study in (tmp_path / "my" / "twin", tmp_path / "my"):
        assert main(["check", "--study", str(study)]) == 0, capsys.readouterr().err
    spec = open_study(tmp_path / "my").spec
    assert spec.run.notebooks is None and spec.units.hospital == "hospital"
    assert [outcome.name for outcome in spec.outcomes] == ["experience", "died", "cost"]
    assert spec.encounters.amount == "amount" and spec.encounters.ccr_by == ("hospital", "year")


def test_what_the_command_was_not_told_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = ("title", "survey", "instrument", "dictionary", "units", "roster", "admissions", "outcome", "costs",
             "cost_basis", "ccr", "currency", "price_year")  # fmt: skip
    chosen = Namespace(**{**dict.fromkeys(flags), "title": "Wards"})
    answers = iter(["s.csv", "", "", "u.csv", "", "a.csv", "died:binary", "c.csv", "direct", "EUR", "soon", "2024"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    ask(chosen)
    assert (chosen.title, chosen.survey, chosen.instrument) == ("Wards", Path("s.csv"), ["long-form"])
    assert (chosen.dictionary, chosen.units, chosen.roster, chosen.ccr) == (None, Path("u.csv"), None, None)
    assert (chosen.outcome, chosen.cost_basis, chosen.price_year) == (["died:binary"], "direct", 2024)
    assert next(answers, None) is None


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

"""The survey's accounts under the settings of a study: what was recognised, dropped, reconciled, rated by experts."""

from pathlib import Path

import openpyxl
import pytest
from tiny import notebook, tiny_study

from microresearch.cli import main
from microresearch.errors import SpecError
from microresearch.study import accounts
from microresearch.study.study import open_study
from microresearch.survey import read_export

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
  { code = "trust_1", text = "We trust each other." }, { code = "trust_2", text = "We help each other, always." },
  { code = "trust_3", text = "We talk behind each other's back.", reversed = true },
  { code = "teach_1", text = "Students learn well here." },
]
"""
STUDY = """
[study]
title = "Wards"
seed = 1
instruments = ["short.toml"]
[survey]
file = "{file}"
{settings}
[survey.columns]
{columns}
[[cleaning]]
rule = "duplicate"
[[cleaning]]
rule = "answered"
share = 0.5
{more}
"""


def study(root: Path, file: str, settings: str = "", columns: str = 'role = "role"', more: str = "") -> Path:
    (root / "short.toml").write_text(FORM)
    (root / "study.toml").write_text(STUDY.format(file=file, settings=settings, columns=columns, more=more))
    notebook(root / "notebooks", "01-nothing", "1")
    return root


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    (tmp_path / "survey.csv").write_bytes((FIXTURES / "plain.csv").read_bytes())
    return study(tmp_path, "survey.csv")


def test_a_sheet_of_several_is_chosen_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = openpyxl.load_workbook(FIXTURES / "excel.xlsx")
    title = book.active.title
    book.create_sheet("Notes").append(["not for reading"])
    book.save(tmp_path / "survey.xlsx")
    study(tmp_path, "survey.xlsx")
    assert main(["check", "--study", str(tmp_path)]) == 2
    assert f"2 sheets hold something. Allowed: {title}, Notes" in capsys.readouterr().err
    study(tmp_path, "survey.xlsx", f'format = "excel"\nsheet = "{title}"')
    assert main(["check", "--study", str(tmp_path)]) == 0
    assert f"survey.xlsx: plain text with one header row, Excel sheet {title!r}" in capsys.readouterr().out


def test_a_redcap_dictionary_is_read_and_its_absence_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("redcap_labels.csv", "redcap_dictionary.csv"):
        (tmp_path / name).write_bytes((FIXTURES / name).read_bytes())
    study(tmp_path, "redcap_labels.csv", 'dictionary = "redcap_dictionary.csv"')
    assert main(["check", "--study", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "REDCap export with labels in the header, data dictionary of" in out and "(direct identifier)" in out
    (tmp_path / "redcap_dictionary.csv").unlink()
    assert main(["check", "--study", str(tmp_path)]) == 2
    assert "survey.dictionary: there is no such file" in capsys.readouterr().err


def test_cells_columns_and_rules_are_accounted_for(plain: Path) -> None:
    opened = open_study(plain)
    export = accounts.export_of(opened)
    raw = opened.survey()
    cells = accounts.cell_account(opened, export, raw["short"])
    assert (cells["unexplained"] == 0).all() and cells["raw_rows"].sum() == 4 * len(export)
    assert accounts.unmapped_account(opened, export).empty
    uses = accounts.column_account(opened, export).set_index("column")["use"]
    assert uses["trust_1"] == "answers" and uses["role"] == "role" and uses["person"] == "dropped"
    assert accounts.rule_account(opened, raw)["commute"].all()


def test_declared_blanks_and_labels_reach_the_account(tmp_path: Path) -> None:
    rows = [
        "role,trust_1,trust_2,trust_3,teach_1",
        "nurse,1,Disagree,refused,9",
        "nurse,,7,3,4",
        "clerk,5,Agree,refused,2",
    ]
    (tmp_path / "survey.csv").write_text("\n".join(rows) + "\n")
    study(tmp_path, "survey.csv", 'blank = ["", "refused"]', 'role = "role"', '[survey.labels.trust_2]\n7 = "Agree"')
    opened = open_study(tmp_path)
    cells = accounts.cell_account(opened, accounts.export_of(opened), opened.survey()["short"])
    assert (cells["unexplained"] == 0).all() and cells["blank"].sum() == 3 and cells["cant_rate"].sum() == 1


def test_content_validity_is_open_until_experts_rate(plain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = accounts.content_validity_account(open_study(plain))
    assert not found and "not established" in found.reason
    (plain / "experts.csv").write_text("item,a,b,c\ntrust_1,4,4,3\ntrust_2,4,2,3\n")
    study(plain, "survey.csv", more='[content_validity]\nfile = "experts.csv"')
    rated = accounts.content_validity_account(open_study(plain))
    assert rated and rated.s_cvi_ave == pytest.approx((1 + 2 / 3) / 2)
    assert main(["check", "--study", str(plain)]) == 0
    assert "experts.csv: 2 items rated by 3 experts" in capsys.readouterr().out
    (plain / "experts.csv").write_text("item,a,b,c\ntrust_1,4,4,7\n")
    assert main(["check", "--study", str(plain)]) == 2
    assert "not on the scale" in capsys.readouterr().err


def test_a_study_without_a_survey_is_told_so(tmp_path: Path) -> None:
    export = read_export(FIXTURES / "plain.csv")
    opened = open_study(tiny_study(tmp_path / "study"))
    for account in (accounts.column_account, accounts.unmapped_account):
        with pytest.raises(SpecError, match=r"this study has no survey.*add \[survey\]"):
            account(opened, export)

from pathlib import Path

import pytest

from microresearch.cli import main
from microresearch.errors import DataError, SpecError
from microresearch.instrument import load_instrument
from microresearch.study.instrument_maker import make_instrument

FIXTURES = Path(__file__).parents[1] / "survey" / "fixtures"


@pytest.mark.parametrize("source", ["redcap_dictionary.csv", "spss.sav", "stata.dta"])
def test_a_dictionary_or_labelled_file_becomes_an_instrument(source: str, tmp_path: Path) -> None:
    target = tmp_path / "my-form.toml"
    assert main(["instrument", str(FIXTURES / source), str(target), "--name", "My form"]) == 0
    form = load_instrument(target)
    assert [item.code for item in form.items] == ["trust_1", "trust_2", "trust_3", "teach_1"]
    assert [c.code for c in form.characteristics] == ["trust", "teach"]
    assert form.items[0].text == "We trust each other."
    assert next((option.code, option.label) for option in form.options) == (1, "Strongly disagree")
    assert len(form.options) == 5 and form.cant_rate == ("Can't rate",)
    assert main(["instrument", str(FIXTURES / source), str(target)]) == 2


def test_a_list_becomes_an_instrument(tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text('code,text,characteristic,reversed\na1,"He said ""no""",Team work,\nb1,Second,Other,yes\n')
    target = tmp_path / "list.toml"
    words = [word for text in ("1=No", "2=Partly", "3=Yes", "9=Don't know") for word in ("--option", text)]
    assert main(["instrument", str(source), str(target), *words]) == 0
    form = load_instrument(target)
    assert form.item("b1").reversed and not form.item("a1").reversed
    assert form.item("a1").text == 'He said "no"' and form.item("a1").characteristic == "team_work"
    assert (form.item("a1").low, form.item("a1").high) == (1, 3) and form.cant_rate == ("Don't know",)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("code,wording\na,b\n", ["1=a", "2=b"], "text: this column is missing"),
        ("code,text,revrsed\na,b,\n", ["1=a", "2=b"], "no such column"),
        ("code,text,reversed\na,b,maybe\n", ["1=a", "2=b"], "yes or no"),
        ("code,text,low\na,b,x\n", ["1=a", "2=b"], "row 2, column low"),
        ("code,text\na,b\n", [], "two answers"),
        ("code,text\na,b\n", ["one=a", "2=b"], "must be a number"),
        ("code,text\na,b\n", ["1", "2=b"], "option cannot be meant"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(text: str, options: list[str], said: str, tmp_path: Path) -> None:
    source = tmp_path / "items.csv"
    source.write_text(text)
    with pytest.raises((DataError, SpecError), match=said):
        make_instrument(source, "x", options=options)

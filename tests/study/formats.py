"""Exports of every format of the readers' fixtures, made by the same script, of as many people as a study has."""

import csv
import importlib.util
import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

FIXTURES = Path(__file__).parents[1] / "survey" / "fixtures"
DICTIONARY = ["--dictionary", "redcap_dictionary.csv"]
EXPORTS: dict[str, list[str]] = {
    "qualtrics.csv": [], "qualtrics.xlsx": [], "qualtrics_legacy.csv": [], "surveymonkey.csv": [],
    "redcap_raw.csv": DICTIONARY, "redcap_labels.csv": DICTIONARY, "spss.sav": [], "stata.dta": [],
    "stata_pandas.dta": [], "excel.xlsx": [], "plain.csv": [], "plain_utf16.txt": [],
    "plain_latin1.csv": ["--encoding", "latin-1"], "plain_decimal_comma.csv": [],
}  # fmt: skip
"""Export -> what `microresearch new` must be told besides its name."""

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


def write_exports(folder: Path, units: int = 14, staff: int = 8) -> None:
    """One export a format, of the same simulated staff; a quarter of them answer twice."""
    spec = importlib.util.spec_from_file_location("fixtures_make", FIXTURES / "make.py")
    assert spec and spec.loader
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    with (folder / "source.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(_source(units, staff))
    with patch.object(make, "HERE", folder):
        make.main()


def _source(units: int, staff: int) -> list[list[str]]:
    rng = np.random.default_rng(20240108)
    rows = [(FIXTURES / "source.csv").read_text(encoding="utf-8").splitlines()[0].split(",")]
    roles = ("nurse", "physician", "allied health", "support")
    for unit in range(units):
        level = rng.normal(0, 0.6)
        for person in range(staff):
            opinion = level + rng.normal(0, 0.7)
            for wave in (1, 2) if person < staff // 4 else (1,):
                told = np.clip(np.round(3 + opinion * np.array([1, 1, -1, 1]) + rng.normal(0, 0.6, 4)), 1, 5)
                answers = [str(int(one)) for one in told]
                if rng.random() < 0.1:
                    answers[3] = "cant"
                about = [f"R_{len(rows):03d}", f"S{unit * staff + person:03d}", f"Ward {unit + 1}", roles[person % 4]]
                asked = [str(wave), f"2026-03-{1 + unit:02d} 08:{len(rows) % 60:02d}:00", "300"]
                agreed = "No" if person == 7 and unit % 5 == 0 else "Yes"
                rows.append([*about, *asked, agreed, *answers, ""])
    return rows


def run_in_process(study: Path, chosen: tuple[str, ...] | None) -> list[str]:
    """Run a study's notebooks cell by cell here, as JupyterLab would; the names that were published."""
    names: list[str] = []
    from microresearch.study.study import Study

    publish = Study.publish

    def noted(self: Study, name: str, thing: object, **settings: Any) -> Any:
        names.append(name)
        return publish(self, name, thing, **settings)

    books = sorted((study / "notebooks").glob("[0-9][0-9]-*.ipynb"))
    with patch.dict(os.environ, {"MICRORESEARCH_STUDY": str(study)}), patch.object(Study, "publish", noted):
        for book in books:
            if chosen is None or book.stem in chosen:
                space: dict[str, Any] = {"__name__": "__main__", "display": lambda *shown: None}
                for cell in json.loads(book.read_text(encoding="utf-8"))["cells"]:
                    if cell["cell_type"] == "code":
                        exec(compile("".join(cell["source"]), book.name, "exec"), space)
    return names

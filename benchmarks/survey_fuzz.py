"""Five thousand bent exports: how many end in a correct result, how many in an error that names its place?

Run `python benchmarks/survey_fuzz.py [how many]` (some minutes). Prints a table and writes it to
survey_fuzz.csv; ends with exit code 1 when a file ends in anything else.
"""

import csv
import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import ModuleType

from microresearch.instrument import Characteristic, Group, Instrument, Item, Option

TESTS = Path(__file__).parents[1] / "tests" / "survey"
OUT = Path(__file__).with_suffix(".csv")
SELF = {name: name for name in ("response", "person", "unit", "role", "wave", "started", "duration", "consent")}
QUALTRICS = {"person": "ExternalReference", "unit": "unit", "role": "role", "wave": "wave", "consent": "consent"}
MONKEY = {"person": "What is your staff number?", "unit": "Where do you work?", "role": "What is your role?",
          "wave": "Which round is this?", "consent": "Do you agree to take part?"}  # fmt: skip
REDCAP = {"person": "staff_id", "unit": "unit", "role": "role", "wave": "round", "started": "started_at",
          "duration": "seconds", "consent": "consent___1"}  # fmt: skip


def load(name: str) -> ModuleType:
    """A module of the tests."""
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def form(wordings: dict[str, str]) -> Instrument:
    """The instrument of the fixtures."""
    labels = ("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree")
    items = tuple(Item(code, code.split("_")[0], text, 1, 5) for code, text in wordings.items())
    return Instrument(
        code="small", name="", version="1", language="en", note="", source="", reflective=True,
        options=tuple(Option(i, label) for i, label in enumerate(labels, 1)), cant_rate=("Can't rate",), items=items,
        characteristics=(Characteristic("trust", "", "g"), Characteristic("teach", "", "g")), groups=(Group("g", "g"),),
    )  # fmt: skip


def settings(name: str) -> tuple[dict[str, str], dict[str, object]]:
    """Columns and further settings with which a fixture is read."""
    if name.startswith("redcap"):
        return REDCAP, {"dictionary": TESTS / "fixtures" / "redcap_dictionary.csv"}
    if name.startswith("qualtrics_legacy"):
        return {**QUALTRICS, "person": "ExternalDataReference"}, {}
    if name.startswith("qualtrics"):
        return QUALTRICS, {}
    nine = {"9": "Can't rate"}
    more = {"labels": dict.fromkeys(("trust_1", "trust_2", "teach_1"), nine)} if "decimal" in name else {}
    return (MONKEY if name.startswith("surveymonkey") else SELF), more


def main(how_many: int) -> int:
    mutations = load("mutations")
    instrument = form(load("fixtures/make").ITEMS)
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(how_many):
            one = mutations.case(1, number)
            columns, more = settings(one.name)
            outcome, said = mutations.outcome(one, Path(folder) / one.name, instrument, columns, more)
            counts[one.name, outcome] += 1
            if outcome == "wrong":
                wrong.append(f"{number} {one.name} {one.mutation}: {said[:200]}")
    rows = [{"file": name, **{kind: counts[name, kind] for kind in ("result", "error", "wrong")}}
            for name in sorted({name for name, _ in counts})]  # fmt: skip
    with OUT.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, ["file", "result", "error", "wrong"], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(OUT.read_text(encoding="utf-8"), *wrong, sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))

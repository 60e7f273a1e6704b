"""Writes docs/reference/ from docstrings and the commands' help: python docs/make_reference.py [--check]."""

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import microresearch
from microresearch.cli import build_parser

HERE = Path(__file__).parent / "reference"
PAGES: Mapping[str, str] = {
    "survey": "From export to answers", "psychometrics": "Items, reliability, factors", "units": "From staff to units",
    "linking": "From units to patients and costs", "report": "Figures and words", "study": "A study at work",
}  # fmt: skip
"""Page, which is a room of the library, -> its title. A public name stands on the page of the room it lives in."""
ELSEWHERE: Mapping[str, str] = {"instrument": "survey", "simulate": "study"}
MORE: Mapping[str, tuple[str, ...]] = {
    "psychometrics": (
        "alpha.alpha_table", "reliability.reliability", "omega_levels.omega_levels", "omega_bifactor.omega_bifactor",
        "icc.retest", "kappa.weighted_kappa", "scores.keyed_items", "scores.characteristic_scores",
        "schmid_leiman.schmid_leiman", "syntax.parse_model",
    ),
    "units": ("response_rates.response_rates",),
    "linking": (
        "zero_costs.link_two_part", "zero_cost_bootstrap.bootstrap_two_part", "cost_checks.cost_checks",
        "unit_months.read_unit_months", "specifications.specifications", "bootstrap.bootstrap_effects",
        "permutation.permutation_test", "influence.leave_one_out", "partition.variance_partition",
        "standing.unit_standing", "calibration.calibration", "crude.crude_effects", "multiplicity.holm",
        "multiplicity.bh",
    ),
    "report": ("tables.Table", "numbers.Number", "style.StudyFigure"),
    "study": ("study.Study",),
}  # fmt: skip
"""Page -> further things that studies use, by module of that room."""


LISTED = ("Parameters", "Attributes", "Raises", "Returns")
"""Sections of a docstring whose entries become a list."""


def entries(page: str) -> Iterator[tuple[str, str, Any]]:
    """Name, where it is imported from, and the thing itself, for everything on a page."""
    for name, home in microresearch._HOMES.items():
        room = home.partition(".")[0]
        if ELSEWHERE.get(room, room) == page:
            yield name, "microresearch", getattr(microresearch, name)
    for place in MORE.get(page, ()):
        module, name = f"microresearch.{page}.{place.partition('.')[0]}", place.partition(".")[2]
        yield name, module, getattr(importlib.import_module(module), name)
    for page_of, module in (("survey", "microresearch.survey"), ("report", "microresearch.report.figures")):
        if page == page_of:
            room = importlib.import_module(module)
            for name in sorted(set(room.__all__) - set(microresearch.__all__)):
                if callable(thing := getattr(room, name)):
                    yield name, module, thing


def text_of(name: str, module: str, thing: Any) -> str:
    """One entry: how it is called, then its docstring with the sections as small headings."""
    kind = "class" if inspect.isclass(thing) else "function"
    call = name if inspect.isclass(thing) else f"{name}{_signature(thing)}"
    parts = [f"## {name}", f"*{kind}*, `from {module} import {name}`", f"`{call}`"]
    return "\n\n".join([*parts, _markdown(inspect.getdoc(thing) or "")])


def _signature(thing: Any) -> str:
    """Names and defaults; kinds stand in the docstring."""
    said = []
    star = False
    for one in inspect.signature(thing).parameters.values():
        if one.kind is one.KEYWORD_ONLY and not star:
            said.append("*")
            star = True
        default = "" if one.default is one.empty else f"={one.default!r}"
        said.append(f"{'**' if one.kind is one.VAR_KEYWORD else ''}{one.name}{default}")
    return f"({', '.join(said)})"


def _markdown(doc: str) -> str:
    """NumPy's sections as bold headings; entries as a list; examples as an indented block, which stays a doctest."""
    lines, out, section = doc.splitlines(), [], ""
    for i, line in enumerate(lines):
        under = i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1]) is not None
        if under:
            section = line
            out += ["", f"**{line}**", ""]
        elif re.fullmatch(r"-{3,}", line):
            continue
        elif section == "Examples":
            out.append(f"    {line}" if line else "")
        elif section == "References" and re.search(r"\(\d{4}", line) and not line.startswith(" "):
            out.append(f"- {_plain(line)}")
        elif section == "References" and line:
            out.append(f"  {_plain(line.strip())}")
        elif section in LISTED and line and not line.startswith(" "):
            head, colon, kind = line.partition(" : ")
            out.append(f"- `{head}`{f': {_plain(kind)}' if colon else ''}")
        elif section and line.startswith("    "):
            out.append(f"  {_plain(line.strip())}")
        else:
            out.append(_plain(line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("*,", "\\*,").replace("<", "&lt;")


def commands() -> str:
    """The commands with their help."""
    found = ["# Commands", "Exit codes: 0 done; 1 it failed; 2 the data, the settings or the command must be mended."]
    chosen = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    for name, command in chosen.choices.items():
        flags = [f"- `{_flag(one)}`: {one.help or ''}" for one in command._actions if one.dest != "help"]
        example = [f"    {line.strip()}" for line in (command.epilog or "").splitlines()[1:]]
        found += [f"## microresearch {name}", str(command.description), "\n".join(flags), "\n".join(example)]
    return "\n\n".join(found) + "\n"


def _flag(action: argparse.Action) -> str:
    """How an argument is written on the command line."""
    value = action.metavar or (action.dest.upper() if action.nargs is None else "")
    return " ".join(word for word in (*action.option_strings[:1], str(value)) if word)


def pages() -> dict[str, str]:
    """File -> text, of the whole reference."""
    made = {"commands.md": commands()}
    for page, title in PAGES.items():
        first = (importlib.import_module(f"microresearch.{page}").__doc__ or "").strip()
        body = "\n\n".join(text_of(*entry) for entry in entries(page))
        made[f"{page}.md"] = f"# {title}\n\n{first}\n\n{body}\n"
    links = "\n".join(f"- [{title}]({page}.md)" for page, title in PAGES.items())
    made["README.md"] = (
        f"# Reference\n\nMade from the docstrings by `make docs`.\n\n- [Commands](commands.md)\n{links}\n"
    )
    return made


def main(check: bool) -> int:
    """Write the pages, or say which are not what the docstrings say."""
    made = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*.md")}
    if not check:
        HERE.mkdir(exist_ok=True)
        for name in there.keys() - made.keys():
            (HERE / name).unlink()
        for name, text in made.items():
            (HERE / name).write_text(text, encoding="utf-8")
        return 0
    old = sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
    print("\n".join(f"docs/reference/{name} is not what the docstrings say" for name in old))
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))

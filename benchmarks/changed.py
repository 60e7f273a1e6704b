"""What can change under a study, and what moves then? A small study, single changes of it, and a plain comparison."""

import ast
import csv
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tiny import notebook

STUDY = """
[study]
title = "Small"
seed = 7
synthetic = true

[exposure]
file = "data/raw/units.csv"
unit = "unit"
columns = ["share"]

[scores]
minimum_raters = 3
confidence = 0.95

[disclosure]
threshold = 10

[reproduce]
tolerance = 1e-8
"""
BOOKS = {
    "01-read": ("", """
import pandas as pd
study.keep("shares", pd.read_csv(study.root / "data/raw/units.csv"))
study.keep("items", pd.read_csv(study.root / "data/raw/items.csv"))
"""),
    "02-shares": ("01-read", """
shares = study.recall("shares")
study.publish("shares", shares, title="Shares by unit", decimals={"share": 2})
study.publish("size", {"units": len(shares), "mean": float(shares["share"].mean())})
"""),
    "03-precision": ("01-read", """
from microresearch import alpha, item_analysis
from microresearch.report import figures
from microresearch.report.numbers import Number
items = study.recall("items")
found = alpha(items, confidence=study.spec.scores.confidence)
low, high = found.interval.low, found.interval.high
study.publish("alpha", Number(found.estimate, "", low, high, n=found.n_used, bounded=True))
study.publish("items", item_analysis(items).to_frame(), title="Items")
study.publish("correlations", figures.correlation_heat_map(items.corr(), {name: name for name in items}))
"""),
    "04-apart": ("", """
import numpy as np
import pandas as pd
import tinystat
apart = pd.read_csv(study.root / "data/raw/apart.csv")["value"].to_numpy()
drawn = np.random.default_rng(study.seed("draws")).choice(apart, (200, len(apart))).mean(1)
study.publish("apart", {"weighted": tinystat.WEIGHT * float(np.median(apart)), "spread": float(drawn.std())})
"""),
    "05-paper": ("all", """
study.show("shares")
study.published()
"""),
}  # fmt: skip
"""Notebook -> what it needs, and its code after the study was opened."""

ROOMS = ("numeric/", "psychometrics/", "report/", "results.py", "parallel.py")
"""Where a constant of the code is changed: not in the study's own machinery, which does the comparing."""


@dataclass(frozen=True)
class Change:
    """One change: in words, how a report must name it, and what moves (None: to be found out by a run)."""

    what: str
    named: str
    moved: frozenset[str] | None = None


def small_study(folder: Path) -> None:
    """The study, not yet run, in `base`; a package that it uses in `base-packages`."""
    rng = random.Random(20240108)
    base = folder / "base"
    raw = base / "data/raw"
    raw.mkdir(parents=True)
    (base / "study.toml").write_text(STUDY)
    _write(raw / "units.csv", [["unit", "share"], *([f"U{i:02d}", f"{rng.uniform(0.1, 0.9):.3f}"] for i in range(12))])
    people = [rng.gauss(3, 0.8) for _ in range(40)]
    answers = [[str(min(5, max(1, round(one + rng.gauss(0, 0.9))))) for _ in range(5)] for one in people]
    _write(raw / "items.csv", [["trust", "help", "learn", "teach", "listen"], *answers])
    _write(raw / "apart.csv", [["value"], *([f"{rng.gauss(10, 2):.2f}"] for _ in range(25))])
    for stem, (needs, code) in BOOKS.items():
        opened = "from microresearch.study.study import open_study\nstudy = open_study()"
        notebook(base / "notebooks", stem, opened + code, tuple(needs.split()))
    _package(folder / "base-packages", "1.0", 0.5)


def _package(folder: Path, version: str, weight: float) -> None:
    """A package with one constant, as an installer would leave it."""
    (folder / "tinystat").mkdir(parents=True, exist_ok=True)
    (folder / "tinystat/__init__.py").write_text(f"WEIGHT = {weight}\n")
    about = folder / f"tinystat-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tinystat\nVersion: {version}\n")
    (about / "top_level.txt").write_text("tinystat\n")


def _write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


def raw_cell(rng: random.Random, folder: Path) -> Change:
    """A cell of a raw file that a notebook uses."""
    name = rng.choice(["units.csv", "items.csv", "apart.csv"])
    path = folder / "study/data/raw" / name
    rows = _read(path.read_text())
    i, j = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
    old = rows[i][j]
    if name == "items.csv":
        rows[i][j] = rng.choice([level for level in "12345" if level != old])
    else:
        rows[i][j] = f"{old}x" if old.startswith("U") else f"{float(old) + rng.choice([0.01, 0.004, -0.05]):.4f}"
    _write(path, rows)
    return Change(f"{name} row {i} column {rows[0][j]}: {old} -> {rows[i][j]}", f"data/raw/{name} changed")


def setting(rng: random.Random, folder: Path) -> Change:
    """One value of study.toml."""
    key, old, new = rng.choice([
        ("study.seed", "seed = 7", f"seed = {rng.randrange(8, 99)}"),
        ("study.title", 'title = "Small"', 'title = "Smaller"'),
        ("scores.minimum_raters", "minimum_raters = 3", f"minimum_raters = {rng.randrange(4, 9)}"),
        ("scores.confidence", "confidence = 0.95", f"confidence = {rng.choice([0.9, 0.8, 0.99])}"),
        ("disclosure.threshold", "threshold = 10", f"threshold = {rng.choice([5, 9, 11, 12, 20, 45])}"),
    ])  # fmt: skip
    path = folder / "study/study.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return Change(f"{key}: {new}", f"{key} in study.toml changed")


def code(rng: random.Random, folder: Path) -> Change:
    """A number in a file of the library that the study's notebooks load."""
    package = folder / "library/microresearch"
    used = json.loads((folder / "base/results/provenance.json").read_text())["library"]
    places = [
        (name, at)
        for name in used
        if name.startswith(ROOMS) and name.endswith(".py")
        for at in _numbers(package / name)
    ]
    name, (line, start, end, value) = rng.choice(places)
    new = value + 1 if isinstance(value, int) else value * 1.25 or 0.1
    lines = (package / name).read_text().splitlines(keepends=True)
    text = lines[line - 1].encode()
    lines[line - 1] = (text[:start] + str(new).encode() + text[end:]).decode()
    (package / name).write_text("".join(lines))
    return Change(f"{name} line {line}: {value} -> {new}", f"the library's {name} changed")


def _numbers(path: Path) -> list[tuple[int, int, int, float]]:
    """Line, columns and value of every number that stands in a file of code."""
    return [
        (node.lineno, node.col_offset, node.end_col_offset or 0, node.value)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.lineno == node.end_lineno
    ]


def published(rng: random.Random, folder: Path) -> Change:
    """A number of a published table, of a figure's data, or of numbers.json, altered in the archive."""
    file = rng.choice(["tables/shares.csv", "tables/items.csv", "figures/correlations.csv", "numbers.json"])
    with zipfile.ZipFile(folder / "base.zip") as old, zipfile.ZipFile(folder / "against.zip", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == f"results/{file}":
                text, moved, what = (_spoil_numbers if file == "numbers.json" else _spoil_cell)(
                    rng, file, text.decode()
                )
            new.writestr(name, text)
    return Change(
        f"published {file} {what}", f"the published {file} is not the file that the run wrote", frozenset([moved])
    )


def _spoil_numbers(rng: random.Random, file: str, text: str) -> tuple[str, str, str]:
    numbers = json.loads(text)
    name = rng.choice([name for name, one in sorted(numbers.items()) if isinstance(one["value"], (int, float))])
    numbers[name]["value"] += rng.choice([1, 0.01, -1e-6])
    return json.dumps(numbers), name, name


def _spoil_cell(rng: random.Random, file: str, text: str) -> tuple[str, str, str]:
    rows = _read(text)
    cells = [(i, j) for i in range(1, len(rows)) for j in range(len(rows[i])) if _is_number(rows[i][j])]
    i, j = rng.choice(cells)
    rows[i][j] = repr(float(rows[i][j]) + rng.choice([1, 0.01, -1e-6]))
    return "".join(",".join(row) + "\n" for row in rows), Path(file).stem, f"row {i} column {rows[0][j]}"


def version(rng: random.Random, folder: Path) -> Change:
    """A package that a notebook imports, in another version; in half of the cases it computes another thing."""
    old = folder / "site-packages/tinystat-1.0.dist-info"
    for path in old.iterdir():
        path.unlink()
    old.rmdir()
    new, weight = f"1.{rng.randrange(1, 9)}", rng.choice([0.5, 0.5001])
    _package(folder / "site-packages", new, weight)
    return Change(f"tinystat {new}, weight {weight}", f"tinystat 1.0 became {new}")


def nothing(rng: random.Random, folder: Path) -> Change:
    """No change: a false alarm if anything is found."""
    return Change("", "", frozenset())


KINDS: Mapping[str, Callable[[random.Random, Path], Change]] = MappingProxyType(
    {one.__name__: one for one in (raw_cell, setting, code, published, version, nothing)}
)


def truly_moved(old: Path, new: Path) -> set[str]:
    """Names of the numbers, tables and figures that differ between two results/, found without the library."""
    moved = set()
    before, after = (json.loads((one / "numbers.json").read_text()) for one in (old, new))
    for name in {*before, *after}:
        pair = [
            {k: v for k, v in one.get(name, {}).items() if k not in ("plan_hash", "notebook")}
            for one in (before, after)
        ]
        if set(pair[0]) != set(pair[1]) or not all(_near(pair[0][key], pair[1][key]) for key in pair[0]):
            moved.add(name)
    for path in [*old.glob("*/*.csv"), *new.glob("*/*.csv")]:
        files = [one / path.parent.name / path.name for one in (old, new)]
        if not all(file.exists() for file in files) or not _same_table(*files):
            moved.add(path.stem)
    return moved


def _same_table(one: Path, two: Path) -> bool:
    a, b = _read(one.read_text()), _read(two.read_text())
    same = [len(row) for row in a] == [len(row) for row in b]
    same = same and all(_near(x, y) for row, other in zip(a, b, strict=True) for x, y in zip(row, other, strict=True))
    shown = [path.with_suffix(".json") for path in (one, two)]
    if not shown[0].exists():
        return same
    words = [{k: json.loads(path.read_text())[k] for k in ("title", "headers", "cells", "notes")} for path in shown]
    return same and words[0] == words[1]


def _near(a: object, b: object) -> bool:
    if a == b:
        return True
    whole = all(isinstance(x, int) or (isinstance(x, str) and x.lstrip("-").isdigit()) for x in (a, b))
    if whole or not (_is_number(a) and _is_number(b)) or a is None or b is None:
        return False
    x, y = float(str(a)), float(str(b))
    return abs(x - y) <= 1e-8 * max(1, abs(x), abs(y))


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True

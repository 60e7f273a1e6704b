"""Are two sets of results the same? Every number, table cell and figure's data, old beside new."""

import csv
import io as streams
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

Verdict = Literal["reproduced", "differs", "missing", "new"]
Files = Mapping[str, bytes]
"""The files of a results/ folder by name."""

NUMBER = ("value", "low", "high", "n", "confidence", "unit", "text")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How near two numbers must be: |a - b| <= tolerance x max(1, |a|, |b|); `wider`: name patterns -> tolerance."""

    default: float = 1e-8
    wider: tuple[tuple[str, float], ...] = ()

    def of(self, name: str) -> float:
        """The tolerance for a thing of this name: of the first pattern that fits."""
        return next((value for pattern, value in self.wider if fnmatchcase(name, pattern)), self.default)


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where old and new differ: where in the thing, what was there, what is there."""

    where: str
    old: str
    new: str

    @property
    def size(self) -> float | None:
        """New minus old, where both are numbers."""
        old, new = _number(self.old), _number(self.new)
        return None if old is None or new is None else new - old


@dataclass(frozen=True, slots=True)
class Finding:
    """One number, table or figure, and whether it came again.

    Attributes
    ----------
    kind, name : str
        "number", "table" or "figure", and its name.
    verdict : str
        reproduced, differs, missing (published, not made again) or new (made, not published).
    notebook : str
        Where it comes from.
    differences : tuple of Difference
        Every place that differs.
    same_bytes : bool
        Whether its files are the same to the byte: told, but not the verdict.
    cause : str
        What it can be traced to; and `inputs`, the raw files it was made from. By `microresearch.study.causes`.
    """

    kind: str
    name: str
    verdict: Verdict
    notebook: str
    differences: tuple[Difference, ...] = ()
    same_bytes: bool = True
    cause: str = ""
    inputs: tuple[str, ...] = ()


def compare(old: Files, new: Files, tolerance: Tolerance | None = None) -> list[Finding]:
    """Every number, table and figure of either set, in the order numbers, tables, figures, each by name.

    Parameters
    ----------
    old, new : mapping
        File name within results/ -> bytes.
    tolerance : Tolerance, optional
        Default 1e-8. Whole numbers and text must be the same.

    Examples
    --------
    >>> one = {"numbers.json": b'{"alpha": {"value": 0.81, "notebook": "03", "text": ".81"}}'}
    >>> two = {"numbers.json": b'{"alpha": {"value": 0.82, "notebook": "03", "text": ".82"}}'}
    >>> [(f.name, f.verdict, len(f.differences)) for f in compare(one, two)]
    [('alpha', 'differs', 2)]
    """
    allowed = tolerance or Tolerance()
    found = [*_numbers(old, new, allowed)]
    for kind, folder in (("table", "tables"), ("figure", "figures")):
        for name in sorted(_names(old, folder) | _names(new, folder)):
            found.append(_thing(kind, folder, name, old, new, allowed))
    return found


def _numbers(old: Files, new: Files, tolerance: Tolerance) -> Iterator[Finding]:
    before, after = (json.loads(files.get("numbers.json", b"{}")) for files in (old, new))
    for name in sorted({*before, *after}):
        one, two = before.get(name), after.get(name)
        notebook = (two or one)["notebook"]
        if one is None or two is None:
            yield Finding("number", name, "new" if one is None else "missing", notebook, same_bytes=False)
            continue
        parts = [(part, one.get(part), two.get(part)) for part in NUMBER]
        parts = [part for part in parts if not _same(part[1], part[2], tolerance.of(name))]
        differences = tuple(Difference(part, _said(a), _said(b)) for part, a, b in parts)
        yield Finding("number", name, "differs" if differences else "reproduced", notebook, differences, one == two)


def _names(files: Files, folder: str) -> set[str]:
    return {name.split("/")[1].partition(".")[0] for name in files if name.startswith(f"{folder}/")}


def _thing(kind: str, folder: str, name: str, old: Files, new: Files, tolerance: Tolerance) -> Finding:
    before, after = (_parts(files, folder, name) for files in (old, new))
    origin = _origin(new, kind, name) or _origin(old, kind, name)
    if not before or not after:
        return Finding(kind, name, "missing" if before else "new", origin, same_bytes=False)
    differences: list[Difference] = []
    if "csv" in before or "csv" in after:
        differences += _cells(before.get("csv", b""), after.get("csv", b""), tolerance.of(name))
    if "json" in before or "json" in after:
        differences += _words(before.get("json", b"{}"), after.get("json", b"{}"))
    both = set(before) & set(after)
    same = all(before[part] == after[part] for part in both)
    return Finding(kind, name, "differs" if differences else "reproduced", origin, tuple(differences), same)


def _parts(files: Files, folder: str, name: str) -> dict[str, bytes]:
    """Ending -> bytes of the files of one table or figure; the large PNG is not published everywhere."""
    start = f"{folder}/{name}."
    return {file[len(start) :]: data for file, data in files.items() if file.startswith(start)}


def _origin(files: Files, kind: str, name: str) -> str:
    """The notebook that published it, by provenance.json."""
    notebooks = json.loads(files.get("provenance.json", b"{}")).get("notebooks", {})
    return next((stem for stem, one in notebooks.items() if name in one["published"]), "")


def _cells(old: bytes, new: bytes, tolerance: float) -> Iterator[Difference]:
    """Every cell of two CSV files that differs; rows and columns that only one has."""
    before, after = (list(csv.reader(streams.StringIO(data.decode()))) for data in (old, new))
    heads = (before[0] if before else [], after[0] if after else [])
    if heads[0] != heads[1]:
        yield Difference("columns", ", ".join(heads[0]), ", ".join(heads[1]))
        return
    if len(before) != len(after):
        yield Difference("rows", str(len(before) - 1), str(len(after) - 1))
        return
    for number, (one, two) in enumerate(zip(before[1:], after[1:], strict=True), 1):
        for column, a, b in zip(heads[0], one, two, strict=False):
            if not _same(_number_or_text(a), _number_or_text(b), tolerance):
                yield Difference(f"row {number}, {column}", a, b)


def _words(old: bytes, new: bytes) -> Iterator[Difference]:
    """What a person reads of a table: title, headers, rounded cells, notes; must be the same."""
    before, after = json.loads(old), json.loads(new)
    for part in ("title", "headers", "notes"):
        if before.get(part) != after.get(part):
            yield Difference(part, _said(before.get(part)), _said(after.get(part)))
    rows = list(zip(before.get("cells", []), after.get("cells", []), strict=False))
    for number, (one, two) in enumerate(rows, 1):
        for column, a, b in zip(before.get("headers", []), one, two, strict=False):
            if a != b:
                yield Difference(f"row {number}, {column} as shown", a, b)


def _same(a: Any, b: Any, tolerance: float) -> bool:
    if (isinstance(a, float) and isinstance(b, (int, float))) or (isinstance(b, float) and isinstance(a, (int, float))):
        return a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b)) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


def _number_or_text(cell: str) -> int | float | str:
    """A cell as a number where it is one; whole numbers stay whole, so that they must be the same."""
    for read in (int, float):
        try:
            return read(cell)
        except ValueError:
            continue
    return cell


def _number(text: str) -> float | None:
    value = _number_or_text(text)
    return None if isinstance(value, str) else float(value)


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return repr(value) if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def summary(findings: Sequence[Finding]) -> dict[Verdict, int]:
    """How many things have each verdict."""
    kinds: tuple[Verdict, ...] = ("reproduced", "differs", "missing", "new")
    return {verdict: sum(one.verdict == verdict for one in findings) for verdict in kinds}

"""What may leave the study? The one door into results/: guarded, named once, with its origin and plan hash."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microresearch import io
from microresearch.errors import DataError, Problem
from microresearch.study.plan import SECTIONS
from microresearch.study.together import guard_beside, remember
from microresearch.study.unit_key import unit_key

if TYPE_CHECKING:
    import pandas as pd

    from microresearch.report.dominance import Amounts
    from microresearch.report.numbers import Number
    from microresearch.report.style import StudyFigure
    from microresearch.report.tables import Table
    from microresearch.study.study import Study


LIST = "what is published"
"""Under this name a notebook rests on the list of published things as such."""
_KEY = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")


class Door:
    """Publishes for one notebook; see `Study.publish`."""

    def __init__(self, study: "Study") -> None:
        self._study = study
        self._entries: list[dict[str, Any]] = []
        self._key: dict[str, str] | None = None

    def publish(
        self,
        name: str,
        given: Any,
        *,
        title: str = "",
        known: tuple[float, ...] = (),
        amounts: "Amounts | None" = None,
        **settings: Any,
    ) -> Any:
        """Guard a thing, write it where the run gathers it, and give back what may be shown."""
        import pandas as pd

        from microresearch.report.prose import Sentence
        from microresearch.report.style import StudyFigure
        from microresearch.report.tables import Table
        from microresearch.results import NotAvailable

        if isinstance(given, Mapping):
            return self._numbers({f"{name}.{_key(key)}": _as_number(value) for key, value in given.items()})
        if isinstance(given, pd.DataFrame):
            if not title:
                raise DataError(Problem("a table needs a title", value=name, mend='give title="..."'))
            given = Table(given, title, **settings)
        elif isinstance(given, (int, float, str, NotAvailable)) and not isinstance(given, bool):
            given = _as_number(given)
        if isinstance(given, Sentence):
            entry = {"kind": "sentence", "name": name, "title": given.text, "cites": list(given.cites)}
            self._enter({**entry, "part": given.part}, {})
            return given
        if isinstance(given, Table):
            return self._table(name, given, known, amounts)
        if isinstance(given, StudyFigure):
            return self._figure(name, given)
        from microresearch.report.disclosure import guard

        one: Any = given
        shown = guard(one, self._study.spec.disclosure.threshold, name=name)
        self._enter(_number_entry(name, shown), {})
        return shown

    def _numbers(self, numbers: "dict[str, Number]") -> "NumbersShown":
        from microresearch.report.disclosure import guard_numbers

        before = [
            one for entries in self._earlier_tables().values() for entry in entries for one in entry.get("totals", [])
        ]
        guarded = guard_numbers(numbers, self._study.spec.disclosure.threshold, [(of, value) for of, value in before])
        for key, number in guarded.items():
            self._enter(_number_entry(key, number), {})
        return NumbersShown(guarded)

    def _table(self, name: str, given: "Table", known: tuple[float, ...], amounts: "Amounts | None") -> "Table":
        """A table past every guard: names of units, totals of money, counts alone, counts beside earlier tables."""
        from microresearch.report.disclosure import guard
        from microresearch.report.dominance import guard_amounts

        said, least = self._study.spec.disclosure, self._study.spec.minimum_staff
        if amounts is not None:
            given = guard_amounts(given, amounts, said.dominance)
        exact = self._renamed(given)
        place = self._study.place
        beside = guard_beside(name, exact, self._earlier_tables(), said.threshold)
        shown = guard(beside, said.threshold, minimum=least, known=known, name=name)
        self._enter({"kind": "table", "name": name, "title": shown.title}, self._table_files(name, shown))
        if place.stage is not None:
            remember(place.stage / "processed", name, exact, shown)
        return shown

    def _figure(self, name: str, given: "StudyFigure") -> "StudyFigure":
        from microresearch.report.disclosure import guard

        shown = guard(self._renamed(given), self._study.spec.disclosure.threshold, name=name)
        totals = [[shown.of, float(value)] for value in shown.totals()]
        entry = {"kind": "figure", "name": name, "title": shown.title, "alt": shown.alt, "note": shown.note}
        self._enter({**entry, **({"totals": totals} if totals else {})}, self._figure_files(name, shown))
        return shown

    def _earlier_tables(self) -> dict[Path, list[dict[str, Any]]]:
        """Folders of kept tables -> what this notebook and the ones that it needs have published."""
        place = self._study.place
        if place.stage is None:
            return {}
        before = io.read_json(place.stage / "published-before.json")
        found = {place.stage / "processed": self._entries}
        for stem, one in before.items():
            found[place.needs[stem]] = [*found.get(place.needs[stem], []), *one["entries"]]
        return found

    def _renamed(self, thing: Any) -> Any:
        """Units under their pseudonyms."""
        from microresearch.report.pseudonyms import renamed

        if self._key is None:
            self._key = unit_key(self._study)
        return renamed(thing, self._key)

    def _enter(self, entry: dict[str, Any], files: dict[str, bytes]) -> None:
        """Write the files and the list of what was published, when a run is on."""
        self._study.trace.sections.update(SECTIONS)
        place = self._study.place
        if place.stage is None:
            return
        if any(entry["name"] == other["name"] for other in self._entries):
            raise DataError(Problem("this name was published before", value=entry["name"], mend="give each its own"))
        origin = {"notebook": place.notebook, "plan_hash": self._study.plan_hash, "files": sorted(files)}
        for file, data in files.items():
            io.write_bytes(place.stage / "results" / file, data)
        self._entries.append({**entry, **origin})
        io.write_json(place.stage / "entries.json", self._entries)

    def _figure_files(self, name: str, figure: "StudyFigure") -> dict[str, bytes]:
        from microresearch.report.tables import Table

        if self._study.place.stage is None:
            return {}
        drawn = {kind: figure.to_bytes(kind) for kind in ("svg", "pdf")}
        files = {f"figures/{name}.{kind}": data for kind, data in drawn.items()}
        files[f"figures/{name}.600dpi.png"] = figure.to_bytes("png", dpi=600)
        files[f"figures/{name}.csv"] = Table(figure.data, figure.title).to_csv().encode()
        return files

    def _table_files(self, name: str, table: "Table") -> dict[str, bytes]:
        content = {
            "title": table.title,
            "columns": [str(column) for column in table.frame.columns],
            "headers": table.headers,
            "cells": table.cells(),
            "notes": table.footnotes(),
            "of": table.of,
            "counts": {
                column: [
                    None if who is None else [who, number]
                    for who, number in zip(people, table.number_of(column), strict=True)
                ]
                for column, people in table.people().items()
            },
            "notebook": self._study.place.notebook,
            "plan_hash": self._study.plan_hash,
        }
        return {
            f"tables/{name}.docx": table.to_docx(),
            f"tables/{name}.xlsx": table.to_xlsx(),
            f"tables/{name}.tex": table.to_tex(f"tab:{name}").encode(),
            f"tables/{name}.csv": table.to_csv().encode(),
            f"tables/{name}.html": table.to_html().encode(),
            f"tables/{name}.json": io.to_json(content).encode(),
        }

    def published(self) -> "pd.DataFrame":
        """Everything that earlier notebooks published, a row a thing."""
        import pandas as pd

        self._study.trace.recalled.add(LIST)
        rows = [
            (e["kind"], e["name"], e.get("title") or e["number"]["text"], e["notebook"])
            for _, e in self._published_before()
        ]
        return pd.DataFrame(rows, columns=["kind", "name", "title", "notebook"], dtype="str")

    def show(self, name: str) -> "Shown":
        """What an earlier notebook published under this name."""
        entries = {entry["name"]: (entry, folder) for folder, entry in self._published_before()}
        if name not in entries:
            mend = "name a figure or table of a notebook that this one needs"
            raise DataError(Problem(f"nothing is published as {name!r}", allowed=", ".join(sorted(entries)), mend=mend))
        self._study.trace.shown.add(name)
        return Shown(*entries[name])

    def _published_before(self) -> list[tuple[Path, dict[str, Any]]]:
        place = self._study.place
        if place.stage is not None:
            before = io.read_json(place.stage / "published-before.json")
            return [(Path(one["results"]), entry) for one in before.values() for entry in one["entries"]]
        records = [io.read_json(path) for path in io.list_files(place.processed / "records", "*.json")]
        return [(place.results, entry) for record in records for entry in record["entries"]]


class Shown:
    """A published thing as a notebook shows it again."""

    def __init__(self, entry: Mapping[str, Any], folder: Path) -> None:
        self.entry, self._folder = entry, folder

    def __repr__(self) -> str:
        return f"{self.entry['kind']} {self.entry['name']!r}: {self.entry.get('title') or self.entry['number']['text']}"

    def _repr_html_(self) -> str:
        from html import escape

        from microresearch.report.svg import data_address

        kind, name = self.entry["kind"], self.entry["name"]
        if kind == "number":
            return escape(str(self.entry["number"]["text"]))
        if kind == "sentence":
            return f"<p>{escape(self.entry['title'])}</p>"
        if kind == "table":
            return io.read_bytes(self._folder / f"tables/{name}.html").decode()
        source = data_address(io.read_bytes(self._folder / f"figures/{name}.svg"))
        alt, title = escape(self.entry["alt"]), escape(self.entry["title"])
        return f'<figure><img src="{source}" alt="{alt}"><figcaption>{title}</figcaption></figure>'


class NumbersShown(dict[str, "Number"]):
    """Published numbers, by name, which show themselves as words."""

    def _repr_html_(self) -> str:
        from html import escape

        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(n.phrase)}</td></tr>" for name, n in self.items())
        return f"<table>{rows}</table>"


def _number_entry(name: str, number: "Number") -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": "number", "name": name, "number": number.to_json()}
    if number.of and number.count and isinstance(number.value, (int, float)):
        if number.where:
            entry["count"] = {"of": number.of, "value": float(number.value), "where": dict(number.where)}
        else:
            entry["totals"] = [[number.of, float(number.value)]]
    return entry


def _as_number(value: Any) -> "Number":
    """A number ready to be guarded; a bare whole number is taken for a count of people until a `Number` says else."""
    from microresearch.report.numbers import Number as Number_
    from microresearch.results import NotAvailable

    if isinstance(value, Number_):
        return value
    if isinstance(value, NotAvailable):
        return Number_(None, text=f"not available: {value.reason}")
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise DataError(f"a {type(value).__name__} cannot be published as a number.")
    return Number_(value, count=isinstance(value, int))


def _key(key: object) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise DataError(
            Problem("a number cannot have this name", value=str(key)[:60], allowed="letters, digits, . - _")
        )
    return key

"""Does anything that is published name a person, a stay or a unit? The last look before results/ are swapped in."""

import re
from collections.abc import Iterable
from pathlib import Path

from microresearch import io
from microresearch.errors import DisclosureError

PRIVATE = ("person", "response", "staff_id", "stay_id")
"""Columns of kept tables whose values may not be published."""

READ = (".csv", ".json", ".html", ".tex", ".bib", ".md")
_WORD = re.compile(r"[^\W_]+(?:[-_][^\W_]+)*")


def refuse_names(processed: Path, results: Path, units: Iterable[str]) -> None:
    """Refuse results in which an identifier of a kept table, or a unit's own name, stands as a word.

    Parameters
    ----------
    processed, results : Path
        Kept tables, and what is about to be published.
    units : iterable of str
        Every name of every unit.

    Raises
    ------
    DisclosureError
        The message names the file and the kind of identifier, never the identifier.
    """
    kinds = {name: "a unit's own name" for name in units if _telling(name)}
    for path in io.list_files(processed, "*.parquet"):
        frame = io.read_parquet(path)
        for name in PRIVATE:
            if name in frame:
                kinds |= {str(v): f"a value of {name!r}" for v in frame[name].dropna().unique() if _telling(str(v))}
    several = [name for name in kinds if not _WORD.fullmatch(name)]
    for path in sorted(io.list_files(results), key=lambda path: path.suffix == ".html"):  # the page repeats the rest
        if path.suffix not in READ:
            continue
        text = io.read_bytes(path).decode("utf-8", "replace")
        hits = [word for word in set(_WORD.findall(text)) if word in kinds] or [
            name for name in several if name in text
        ]
        if hits:
            raise DisclosureError(
                f"results/{path.relative_to(results).as_posix()} would show {kinds[hits[0]]}. Publish units through "
                "study.publish (column 'unit'), and no column that names people."
            )


def _telling(name: str) -> bool:
    """Whether a word can only be an identifier: short numbers and plain words stand in any text."""
    letters, digits = re.search(r"[^\W\d_]", name), re.search(r"\d", name)
    return len(name) >= 3 and bool((letters and digits) or (digits and len(name) >= 7) or " " in name)

"""What is a new study to hold, and what came of it?"""

from dataclasses import dataclass, field
from pathlib import Path

from microresearch import io
from microresearch.study.place import Place


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new study is to hold; every file is the researcher's own, and is copied into data/raw.

    Attributes
    ----------
    title : str
    instruments : tuple of str
        Built-in forms by name, or TOML files.
    survey, dictionary, roster, units, admissions, costs, ccr : Path or None
    outcomes : tuple of str
        "name:kind" or "name:column:kind".
    cost_basis, currency, price_year
        As in [encounters]; needed with costs.
    format : str
        Of the survey; "auto" looks. `encoding`, `separator`, `sheet`: where they cannot be found, as in [survey].
    """

    title: str
    survey: Path
    instruments: tuple[str, ...] = ("long-form",)
    format: str = "auto"
    encoding: str | None = None
    separator: str | None = None
    sheet: str | None = None
    dictionary: Path | None = None
    roster: Path | None = None
    units: Path | None = None
    admissions: Path | None = None
    costs: Path | None = None
    ccr: Path | None = None
    outcomes: tuple[str, ...] = ()
    cost_basis: str | None = None
    currency: str | None = None
    price_year: int | None = None
    seed: int = 1


@dataclass(slots=True)
class Made:
    """A new study: its folder, what was recognised and proposed, and what its owner has to look at."""

    folder: Path
    proposed: list[str] = field(default_factory=list)
    look_at: list[str] = field(default_factory=list)


def take(place: Place, path: Path | None, name: str = "") -> str | None:
    """Copy a file into data/raw; its name as study.toml writes it."""
    if path is None:
        return None
    target = f"data/raw/{name or path.name}"
    io.write_bytes(place.root / target, io.read_bytes(path))
    return target

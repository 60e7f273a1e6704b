"""What was asked: the items of a form, the characteristics they belong to, and how an answer may look."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from microresearch.errors import DataError, Problem, SpecError
from microresearch.instrument_model import ModelKind, factor_model

if TYPE_CHECKING:
    from microresearch.instrument_file import InstrumentFile

BUILT_IN = Path(__file__).parent / "instruments"
EVERYWHERE = "all"
YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be given, with the number it counts as."""

    code: float
    label: str


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    `low` and `high` are the bounds that the form allows, in its own numbers, whatever was observed. `applies` is
    `"all"`, or the name of a yes/no column of the unit table that says where the item is asked.
    """

    code: str
    characteristic: str
    text: str
    low: float
    high: float
    reversed: bool = False
    applies: str = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic of a clinical microsystem; its items are in the instrument."""

    code: str
    name: str
    group: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A higher-order group of characteristics."""

    code: str
    name: str


Coded = TypeVar("Coded", Item, Characteristic, Group)


@dataclass(frozen=True, slots=True, repr=False)
class Instrument:
    """A form as it was put to the staff; made by `load_instrument`.

    Attributes
    ----------
    code, name, version, language, note, source : str
        What the form is called and where it comes from.
    content_validity : str
        What is known of it; `"not established"` until a study supplies expert ratings.
    reflective : bool
        True when the items are effects of their characteristic, false when they make it up (formative).
    options : tuple of Option
        The closed answers, lowest code first.
    cant_rate : tuple of str
        Labels or codes, as text, with which a respondent says that they can't rate.
    items, characteristics, groups : tuple
        In the order of the form.
    """

    code: str
    name: str
    version: str
    language: str
    note: str
    source: str
    reflective: bool
    options: tuple[Option, ...]
    cant_rate: tuple[str, ...]
    items: tuple[Item, ...]
    characteristics: tuple[Characteristic, ...]
    groups: tuple[Group, ...]
    content_validity: str = "not established"

    def __repr__(self) -> str:
        return f"Instrument({self.code!r}: {len(self.items)} items, {len(self.characteristics)} characteristics)"

    def _repr_html_(self) -> str:
        from microresearch.instrument_html import instrument_html

        return instrument_html(self)

    @property
    def names(self) -> dict[str, str]:
        """Characteristic code to name, in the instrument's order."""
        return {characteristic.code: characteristic.name for characteristic in self.characteristics}

    def item(self, code: str) -> Item:
        """The item with this code; SpecError when there is none."""
        return _by_code(self.items, code, "item")

    def characteristic(self, code: str) -> Characteristic:
        """The characteristic with this code; SpecError when there is none."""
        return _by_code(self.characteristics, code, "characteristic")

    def items_of(self, characteristic: str) -> tuple[Item, ...]:
        """The items of one characteristic in the form's order; SpecError when there is no such characteristic.

        Examples
        --------
        >>> [item.code for item in load_instrument("long-form").items_of("organizational_support")]
        ['organizational_support_1', 'organizational_support_2', 'organizational_support_3']
        """
        self.characteristic(characteristic)
        return tuple(item for item in self.items if item.characteristic == characteristic)

    def reverse(self, values: pd.DataFrame) -> pd.DataFrame:
        """Answers with the reverse-keyed items turned round: low + high - answer, by the form's bounds.

        Parameters
        ----------
        values : DataFrame, persons x items
            Codes as answered, NaN where there is none; the columns are items of this instrument, or some of them.

        Returns
        -------
        DataFrame, persons x items
            A new frame, index and columns as `values`; a higher score is always more of the characteristic.

        Raises
        ------
        DataError
            A column that is no item, or answers outside an item's bounds.

        Examples
        --------
        >>> answers = pd.DataFrame({"interdependence_2": [4.0], "interdependence_3": [5.0]})
        >>> load_instrument("long-form").reverse(answers)
           interdependence_2  interdependence_3
        0                4.0                1.0
        """
        items = {item.code: item for item in self.items}
        if strange := [str(name) for name in values.columns if name not in items]:
            raise DataError([Problem(f"this is no item of {self.code}", column=name) for name in strange])
        wanted = [items[name] for name in values.columns]
        low, high = np.array([item.low for item in wanted]), np.array([item.high for item in wanted])
        turned = values.astype("float64").to_numpy(copy=True)
        outside = ((turned < low) | (turned > high)).sum(axis=0)
        if outside.any():
            given = (~np.isnan(turned)).sum(axis=0)
            raise DataError(
                [
                    Problem(f"{out} of {n} answers are out of range", column=item.code,
                            allowed=f"{item.low:g} to {item.high:g}")
                    for item, out, n in zip(wanted, outside, given, strict=True) if out
                ]
            )  # fmt: skip
        back = np.array([item.reversed for item in wanted], dtype=bool)
        turned[:, back] = (low + high)[back] - turned[:, back]
        return pd.DataFrame(turned, index=values.index, columns=values.columns)

    def model(self, kind: "ModelKind" = "characteristics", without: Collection[str] = ()) -> str:
        """The factor model of the characteristics, in the syntax that `cfa` reads.

        Parameters
        ----------
        kind : {"characteristics", "second-order", "bifactor"}
            A factor a characteristic, all correlated; a factor of higher order (`group_...`) over the characteristics
            of each group that has two or more; or a `general` factor beside a factor a characteristic, uncorrelated.
        without : collection of str
            Items to leave out, such as those that not everyone was asked.

        Raises
        ------
        SpecError
            A characteristic with fewer than two items (it has no factor), or an item that is not there.

        Examples
        --------
        >>> print(load_instrument("long-form").model("second-order").splitlines()[1])
        organizational_support =~ organizational_support_1 + organizational_support_2 + organizational_support_3
        """
        for code in without:
            self.item(code)
        items = {
            c.code: [item.code for item in self.items_of(c.code) if item.code not in without]
            for c in self.characteristics
        }
        groups = {g.code: [c.code for c in self.characteristics if c.group == g.code] for g in self.groups}
        return factor_model(items, groups, kind)

    def applies(self, units: pd.DataFrame) -> pd.DataFrame:
        """Where each item is asked.

        Parameters
        ----------
        units : DataFrame
            A row per unit (or per person) with the yes/no columns that the items' `applies` name: text `yes` or
            `no`, or booleans, none missing.

        Returns
        -------
        DataFrame of bool, rows of `units` x items

        Raises
        ------
        DataError
            A yes/no column is missing, or holds something else.

        Examples
        --------
        >>> units = pd.DataFrame({"academic": ["yes", "no"]}, index=["U001", "U002"])
        >>> load_instrument("long-form").applies(units)["education_training_3"].tolist()
        [True, False]
        """
        where = {name: _yes(units, name) for name in dict.fromkeys(item.applies for item in self.items)}
        return pd.DataFrame({item.code: where[item.applies] for item in self.items}, index=units.index)


def load_instrument(name_or_path: str | Path) -> Instrument:
    """A built-in form by name (`"long-form"`, `"assessment-form"`, `"assessment-form-12"`), or one's own TOML file.

    Parameters
    ----------
    name_or_path : str or Path
        A name without folder and ending is looked for among the built-in forms; anything else is a file.

    Raises
    ------
    SpecError
        All that is wrong with the file at once; each problem names the file, the item and the key.

    Examples
    --------
    >>> load_instrument("long-form")
    Instrument('long-form': 52 items, 10 characteristics)
    """
    from microresearch.instrument_file import read_instrument_file

    path = Path(name_or_path)
    if path.suffix == "" and path.name == str(name_or_path) and not path.is_file():
        names = built_in_instruments()
        if path.name not in names:
            mend = "take one of these, or give the path of a TOML file"
            what = Problem("there is no such built-in form", value=path.name, allowed=", ".join(names), mend=mend)
            raise SpecError(what)
        path = BUILT_IN / f"{path.name}.toml"
    return _from_file(read_instrument_file(path))


def built_in_instruments() -> tuple[str, ...]:
    """The names of the forms that come with the library."""
    from microresearch.io import list_files

    return tuple(path.stem for path in list_files(BUILT_IN, "*.toml"))


def _from_file(file: "InstrumentFile") -> Instrument:
    """The checked file as the value that the library passes on; an item's bounds default to the outermost options."""
    options = tuple(sorted((Option(o.code, o.label) for o in file.response.options), key=lambda option: option.code))
    low, high = options[0].code, options[-1].code
    return Instrument(
        **file.instrument.model_dump(),
        options=options,
        cant_rate=tuple(file.response.cant_rate),
        groups=tuple(Group(group.code, group.name) for group in file.groups),
        characteristics=tuple(Characteristic(c.code, c.name, c.group, c.description) for c in file.characteristics),
        items=tuple(
            Item(
                code=item.code,
                characteristic=characteristic.code,
                text=item.text,
                low=low if item.low is None else item.low,
                high=high if item.high is None else item.high,
                reversed=item.reversed,
                applies=item.applies,
            )
            for characteristic in file.characteristics
            for item in characteristic.items
        ),
    )


def _by_code(entries: Sequence[Coded], code: str, kind: str) -> Coded:
    for entry in entries:
        if entry.code == code:
            return entry
    raise SpecError(Problem(f"there is no {kind} {code!r}", allowed=_codes(entries)))


def _codes(entries: Iterable[Coded]) -> str:
    return ", ".join(entry.code for entry in entries)


def _yes(units: pd.DataFrame, column: str) -> "pd.Series[bool]":
    if column == EVERYWHERE:
        return pd.Series(True, index=units.index)
    if column not in units:
        mend = "add it to the unit table: yes where the item is asked, no elsewhere"
        raise DataError(Problem("this column says where an item is asked, and is missing", column=column, mend=mend))
    said = units[column].map(str).str.strip().str.lower().map(YES_OR_NO)
    if wrong := int(said.isna().sum()):
        raise DataError(Problem(f"{wrong} of {len(said)} cells say neither", column=column, allowed="yes, no"))
    return said.astype(bool)

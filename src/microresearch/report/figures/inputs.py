"""What may a figure be given? A result or its frame, checked for the columns that the figure reads."""

from collections.abc import Iterable
from textwrap import fill

import pandas as pd

from microresearch.errors import DataError, Problem


def frame_of(thing: object, columns: Iterable[str], what: str) -> pd.DataFrame:
    """The frame behind a result (`.table`, `.to_frame()`, or itself), with the columns that a figure needs.

    Raises
    ------
    DataError
        Not a result or a frame, or a column is missing.
    """
    frame = thing if isinstance(thing, pd.DataFrame) else getattr(thing, "table", None)
    if not isinstance(frame, pd.DataFrame):
        maker = getattr(thing, "to_frame", None)
        frame = maker() if callable(maker) else None
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{what} needs a result or a DataFrame, not {type(thing).__name__}.")
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        allowed = ", ".join(map(str, frame.columns))
        raise DataError([Problem(f"{what} needs this column", column=column, allowed=allowed) for column in lacking])
    return frame


def known(codes: Iterable[object], names: Iterable[str], what: str) -> None:
    """Refuse characteristics that the instrument does not have.

    Raises
    ------
    DataError
        A code that is not among the names.
    """
    allowed = list(names)
    strange = sorted({str(code) for code in codes} - set(allowed))
    if strange:
        raise DataError(
            [
                Problem(f"{what}: not a characteristic of the instrument", value=code, allowed=", ".join(allowed))
                for code in strange
            ]
        )


def wrap(text: str, width: int) -> str:
    """Text broken into lines of at most `width` letters; a longer word stays whole."""
    return fill(text, width, break_long_words=False)


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them.

    Examples
    --------
    >>> listed(["trust", "respect", "help"]), listed([])
    ('trust, respect and help', 'none')
    """
    parts = list(words)
    if not parts:
        return "none"
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"

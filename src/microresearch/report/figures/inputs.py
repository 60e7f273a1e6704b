"""What may a figure be given? A result or its frame, checked for the columns that the figure reads."""

from collections.abc import Iterable
from textwrap import fill
from typing import Any

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


def enough(frame: pd.DataFrame, minimum: int) -> tuple[pd.DataFrame, str]:
    """The rows of units with enough raters, and a sentence on those left out ("" for none).

    Examples
    --------
    >>> frame = pd.DataFrame({"unit": ["a", "b"], "n_raters": [3, 12]})
    >>> enough(frame, 5)[0]["unit"].tolist(), enough(frame, 5)[1]
    (['b'], ' Scores that rest on fewer than 5 raters are not shown (1 unit).')
    """
    if "n_raters" not in frame.columns or minimum <= 1:
        return frame, ""
    few = (frame["n_raters"] < minimum).fillna(False).to_numpy(bool)
    units = frame.loc[few, "unit"].nunique()
    said = f" Scores that rest on fewer than {minimum} raters are not shown ({units} unit{'s' * (units != 1)})."
    return frame[~few], said if units else ""


def wrap(text: str, width: int) -> str:
    """Text broken into lines of at most `width` letters; a longer word stays whole."""
    return fill(text, width, break_long_words=False)


SMALLEST = 5.0
"""Points of the smallest letters in a figure."""

_LETTER = 0.2  # mm a point: how wide the letters of DejaVu Sans are in a sentence


def fitted(text: str, width: float, size: float, lines: int = 1) -> tuple[str, float]:
    """Text broken into at most so many lines of a width in mm, and the letter size (pt) at which it fits.

    Below 5 points, which journals still take, the text is cut, with "…".

    Examples
    --------
    >>> fitted("Leadership", 30, 6.5)
    ('Leadership', 6.5)
    """
    per_line = max(len(text) / lines, max((len(word) for word in text.split()), default=1))
    if lines > 1 and len(text) * _LETTER * size > width:
        broken = wrap(text, max(int(width / (_LETTER * size)), int(per_line * 1.15)))
        if broken.count("\n") < lines:
            text = broken
    longest = max((len(line) for line in text.split("\n")), default=1)
    size = min(size, width / (_LETTER * max(longest, 1)))
    if size < SMALLEST:
        keep = int(width / (_LETTER * SMALLEST)) - 1
        cut = [line if len(line) <= keep else f"{line[:keep].rstrip()}…" for line in text.split("\n")]
        text, size = "\n".join(cut), SMALLEST
    return text, size


def row_labels(texts: Iterable[str], tall: float, width: float = 78.0, size: float = 6.5) -> tuple[list[str], float]:
    """Labels of rows that are so many mm tall, and one letter size (pt) at which they fit."""
    lines, size = (2, size) if tall >= 5.2 else (1, min(6.0, 1.6 * tall))
    pairs = [fitted(text, width, size, lines) for text in texts]
    least = min((points for _, points in pairs), default=size)
    return [text for text, _ in pairs], least


def column_labels(texts: Iterable[str], wide: float) -> tuple[list[str], dict[str, Any], float]:
    """Labels under columns that are so many mm wide: upright where each word fits, else slanted in two lines at most.

    Returns
    -------
    labels : list of str
    how : dict
        What `set_xticks` needs to draw them.
    tall : float
        Height in mm that they take.

    Examples
    --------
    >>> column_labels(["Staff focus", "Patient focus"], 17)[0], column_labels(["Interdependence"], 9)[1]["rotation"]
    (['Staff focus', 'Patient\\nfocus'], 45)
    """
    names = list(texts)
    letters = int(0.95 * wide / (_LETTER * 6.5))
    upright = [wrap(name, letters) for name in names if letters]
    if upright and all(len(line) <= letters for name in upright for line in name.split("\n")):
        lines = max(name.count("\n") + 1 for name in upright)
        if lines <= 3:
            return upright, {"fontsize": 6.5, "linespacing": 1.0}, 2.8 * lines
    pairs = [fitted(name, 36, 6.0, 2 if wide >= 7.5 else 1) for name in names]
    size = min(points for _, points in pairs)
    longest = max(len(line) for text, _ in pairs for line in text.split("\n"))
    how = {"rotation": 45, "ha": "right", "va": "top", "rotation_mode": "anchor", "fontsize": size, "linespacing": 0.9}
    return [text for text, _ in pairs], how, 0.71 * (longest * _LETTER * size + 4.5)


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

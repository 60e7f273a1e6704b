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


_LETTER = 0.2  # mm a point: how wide the letters of DejaVu Sans are in a sentence


def fitted(text: str, width: float, size: float, lines: int = 1) -> tuple[str, float]:
    """Text broken into at most so many lines of a width in mm, and the letter size (pt) at which it fits.

    Below 4.5 points the text is cut, with "…".

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
    if size < 4.5:
        keep = int(width / (_LETTER * 4.5)) - 1
        text, size = "\n".join(line if len(line) <= keep else f"{line[:keep]}…" for line in text.split("\n")), 4.5
    return text, size


def row_labels(texts: Iterable[str], tall: float, width: float = 72.0) -> tuple[list[str], float]:
    """Labels of rows that are so many mm tall, and one letter size (pt) at which they fit."""
    lines, size = (2, 6.5) if tall >= 5.2 else (1, min(6.0, 1.6 * tall))
    pairs = [fitted(text, width, size, lines) for text in texts]
    least = min((points for _, points in pairs), default=size)
    return [text for text, _ in pairs], least


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

"""Is it the same unit? Identifiers that differ only in case, spaces or padding are a mistake, never two units."""

from collections.abc import Iterable

from microresearch.errors import DataError, Problem


def plain(identifier: str) -> str:
    """The identifier without what people and programs change: case, spaces, punctuation, zero padding.

    Examples
    --------
    >>> plain("u-007"), plain("U7")
    ('u7', 'u7')
    """
    out, digits = "", ""
    for sign in [*identifier.strip().casefold(), ""]:
        if sign.isdigit():
            digits += sign
            continue
        if digits:
            out += digits.lstrip("0") or "0"
            digits = ""
        out += sign if sign.isalnum() else ""
    return out


def check_units(found: Iterable[str], known: Iterable[str], file: str, column: str, closed: bool = True) -> None:
    """Refuse unit ids that only look different from known ones; and, when the list is closed, any unknown one.

    Raises
    ------
    DataError
        Every such id at once, with the one it probably means.
    """
    listed = set(known)
    alike = {plain(name): name for name in sorted(listed)}
    problems = []
    for name in sorted(set(found) - listed):
        if (meant := alike.get(plain(name))) is not None:
            what = "this unit differs from a known one only in case, spaces or padding"
            problems.append(Problem(what, file, column=column, value=name, mend=f"write {meant!r} in both files"))
        elif closed:
            what = "this unit is not among the study's units"
            problems.append(Problem(what, file, column=column, value=name, mend="add it to the units, or correct it"))
    if problems:
        raise DataError(problems)

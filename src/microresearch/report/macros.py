"""How do the numbers of the paper reach LaTeX? One macro a number, so that none is ever typed."""

import re
from collections.abc import Mapping

from microresearch.errors import DataError
from microresearch.report.latex import tex
from microresearch.report.numbers import Number

_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def macro_name(name: str) -> str:
    """A number's name as a LaTeX command: letters only, parts capitalised, digits spelt.

    Examples
    --------
    >>> macro_name("effects.experience.leadership"), macro_name("n_wave2")
    ('effectsExperienceLeadership', 'nWaveTwo')
    """
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", name) if part]
    joined = "".join(part[:1].upper() + part[1:] for part in parts)
    said = re.sub(r"\d", lambda found: _DIGITS[int(found.group())], joined)
    return said[:1].lower() + said[1:]


def numbers_tex(numbers: Mapping[str, Number | str]) -> str:
    r"""One `\newcommand` a number, in the order of the names.

    Parameters
    ----------
    numbers : mapping of name to Number, or to ready words

    Raises
    ------
    DataError
        Two names give the same macro, or a name has no letter.

    Examples
    --------
    >>> print(numbers_tex({"staff": Number(1874, "staff", count=True), "alpha.min": Number(0.81, bounded=True)}))
    \newcommand{\alphaMin}{.81}
    \newcommand{\staff}{1,874 staff}
    <BLANKLINE>
    """
    lines: dict[str, str] = {}
    for name in sorted(numbers):
        macro, number = macro_name(name), numbers[name]
        if not macro or macro in lines:
            raise DataError(f"number {name!r} cannot have a macro of its own ({macro or 'no letters'}); rename it.")
        lines[macro] = rf"\newcommand{{\{macro}}}{{{tex(number.phrase if isinstance(number, Number) else number)}}}"
    return "\n".join([*lines.values(), ""])

"""How does a table or a text reach LaTeX? Escaped, with booktabs rules and superscript letters for notes."""

from textwrap import wrap
from typing import TYPE_CHECKING

from microresearch.report.split import fitting, letters, parts

if TYPE_CHECKING:
    from microresearch.report.tables import Table

_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "\N{MINUS SIGN}": "$-$", "≤": r"$\leq$", "≥": r"$\geq$", "±": r"$\pm$", "×": r"$\times$", "–": "--", "—": "---",
    "α": r"$\alpha$", "β": r"$\beta$", "χ": r"$\chi$", "ω": r"$\omega$", "τ": r"$\tau$", "λ": r"$\lambda$",
    "σ": r"$\sigma$", "ρ": r"$\rho$", "η": r"$\eta$", "κ": r"$\kappa$", "Δ": r"$\Delta$", "∞": r"$\infty$",
    "²": r"\textsuperscript{2}", "\N{NO-BREAK SPACE}": "~", "’": "'", "“": "``", "”": "''", "→": r"$\rightarrow$",
}  # fmt: skip
LONG, WIDE = 38, 92
"""Rows from which a table runs over pages, and letters that a line of it holds: wider ones are split."""

BROKEN = 48
"""Letters from which a column of text may be broken into lines, for LaTeX's letters are not all of one width."""

_LETTERS = dict(zip("ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", "abcdefghijklmnoprstuvwxyz", strict=True))


def tex(text: str) -> str:
    """Text that LaTeX prints as it stands.

    Examples
    --------
    >>> print(tex("50% & more_of α ≤ −1ᵃ"))
    50\\% \\& more\\_of $\\alpha$ $\\leq$ $-$1\\textsuperscript{a}
    """
    return "".join(
        _SIGNS.get(sign) or (rf"\textsuperscript{{{_LETTERS[sign]}}}" if sign in _LETTERS else sign) for sign in text
    )


def to_tex(table: "Table", label: str = "") -> str:
    r"""A table for LaTeX (packages booktabs, longtable, array); numbers are set flush right with equal decimals.

    Parameters
    ----------
    table : Table
    label : str
        For ``\ref``; "" for none.

    Examples
    --------
    >>> import pandas as pd
    >>> from microresearch.report.tables import Table
    >>> print(to_tex(Table(pd.DataFrame({"scale": ["Leadership"], "alpha": [0.9]}), "Reliability"), "tab:alpha"))
    \begin{table}
    \caption{Reliability}
    \label{tab:alpha}
    \centering
    \begin{tabular}{lr}
    \toprule
    scale & alpha \\
    \midrule
    Leadership & 0.90 \\
    \bottomrule
    \end{tabular}
    \end{table}
    <BLANKLINE>
    """
    return "\n".join(_one(part, "" if place else label) for place, part in enumerate(parts(table, WIDE)))


def _one(table: "Table", label: str) -> str:
    """One part; more rows than a page holds become a longtable."""
    numeric = [table.numeric(column) for column in table.frame.columns]
    wide, needed = fitting(table, WIDE), letters(table)
    shape = "".join(map(_column, numeric, wide, needed))
    name = rf"\label{{{label}}}" if label else ""
    head = _line(table.headers, [_stacked(*column) for column in zip(table.headers, numeric, wide, strict=True)])
    body = [_line(row, list(map(tex, row))) for row in table.cells()]
    if len(body) > LONG:
        lines = [r"\begingroup\footnotesize\setlength{\tabcolsep}{4pt}", rf"\begin{{longtable}}{{{shape}}}"]
        lines += [rf"\caption{{{tex(table.title)}}}{name}\\", r"\toprule", head, r"\midrule", r"\endfirsthead"]
        lines += [r"\toprule", head, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *body, r"\end{longtable}"]
        return "\n".join([*lines, *_notes(table.footnotes()), r"\endgroup", ""])
    lines = [r"\begin{table}", rf"\caption{{{tex(table.title)}}}", *([name] if name else []), r"\centering"]
    lines += [r"\footnotesize\setlength{\tabcolsep}{4pt}"] if sum(needed) > 70 else []
    lines += [rf"\begin{{tabular}}{{{shape}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*lines, *_notes(table.footnotes()), r"\end{table}", ""])


def _column(number: bool, wide: int, needed: int) -> str:
    """How a column is set: numbers to the right, words to the left, long text in lines."""
    if number or needed <= wide < BROKEN:
        return "r" if number else "l"
    return rf">{{\raggedright\arraybackslash}}p{{{0.0095 * wide:.2f}\linewidth}}"


def _notes(notes: list[str]) -> list[str]:
    if not notes:
        return []
    opening = [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize"]
    return [*opening, *(tex(note) + r"\par" for note in notes), r"\end{minipage}"]


def _stacked(header: str, number: bool, wide: int) -> str:
    """A header in as many lines as its column needs, for LaTeX breaks none by itself."""
    lines = wrap(header, max(wide - 1, 1), break_long_words=False)
    if len(lines) < 2:
        return tex(header)
    body, side = r"\\ ".join(map(tex, lines)), "r" if number else "l"
    return rf"\begin{{tabular}}[b]{{@{{}}{side}@{{}}}}{body}\end{{tabular}}"


def _line(cells: list[str], said: list[str]) -> str:
    """A row; where it would begin as an option of the line before, an empty group stands first."""
    guard = "{}" if cells and cells[0].startswith(("[", "*")) else ""
    return guard + " & ".join(said) + r" \\"

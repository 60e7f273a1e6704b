"""How does a table or a text reach LaTeX? Escaped, with booktabs rules and superscript letters for notes."""

from typing import TYPE_CHECKING

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
    r"""A table for LaTeX with the booktabs package; numbers are set flush right with equal decimals.

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
    numeric = [table.numeric(column) for column in table.frame.columns]
    lines = [r"\begin{table}", rf"\caption{{{tex(table.title)}}}"]
    lines += [rf"\label{{{label}}}"] if label else []
    lines += [r"\centering", rf"\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}", r"\toprule"]
    lines += [_line(table.headers), r"\midrule", *map(_line, table.cells()), r"\bottomrule", r"\end{tabular}"]
    if notes := table.footnotes():
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize"]
        lines += [tex(note) + r"\par" for note in notes]
        lines += [r"\end{minipage}"]
    return "\n".join([*lines, r"\end{table}", ""])


def _line(cells: list[str]) -> str:
    first = f"{{}}{tex(cells[0])}" if cells and cells[0].startswith(("[", "*")) else tex(cells[0]) if cells else ""
    return " & ".join([first, *map(tex, cells[1:])]) + r" \\"

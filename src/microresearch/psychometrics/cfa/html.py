"""How does a fitted model look in a notebook? Fit, warnings and standardised loadings, rounded for the reader."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.psychometrics.cfa.result import Cfa


def cfa_html(result: "Cfa") -> str:
    """A short page: what was fitted, how well, what to beware of, and the loadings."""
    head = f"<p><strong>{escape(result.method)}</strong>, n = {result.n_used}"
    head += f" ({result.n_dropped} left out)</p>" if result.n_dropped else "</p>"
    warnings = "".join(f"<li>{escape(said)}</li>" for said in result.warnings)
    loadings = result.parameters[result.parameters["op"].isin(("=~", "~"))]
    shown = loadings[[c for c in ("lhs", "op", "rhs", "group", "est", "se", "pvalue", "std.all") if c in loadings]]
    table = shown.to_html(index=False, border=0, float_format=lambda x: f"{x:.3f}", na_rep="")
    return head + f"<p>{_fit_line(result.fit)}</p>" + (f"<ul>{warnings}</ul>" if warnings else "") + table


def _fit_line(fit: dict[str, float]) -> str:
    """Scaled test and robust indices where there are any, else the plain ones; named as what they are."""
    scaled = "chisq.scaled" in fit
    kind = "robust" if "cfi.robust" in fit else "scaled"
    test, index = (".scaled", f".{kind}") if scaled else ("", "")
    p = fit[f"pvalue{test}"]
    said = f"chi-square{' (scaled)' if scaled else ''} = {fit[f'chisq{test}']:.2f}, df = {fit['df']:.0f}, "
    said += "p &lt; .001" if p < 0.001 else f"p = {p:.3f}"
    said += f"; {kind}" if scaled else ";"
    said += f" CFI = {fit[f'cfi{index}']:.3f}, TLI = {fit[f'tli{index}']:.3f}, RMSEA = {fit[f'rmsea{index}']:.3f} "
    said += f"[{fit[f'rmsea.ci.lower{index}']:.3f}, {fit[f'rmsea.ci.upper{index}']:.3f}]"
    return said + f", SRMR = {fit['srmr']:.3f}"

"""How is a number written where a person reads it? The rules of the APA manual, minus signs and all."""

import math
from typing import SupportsFloat

MINUS = "\N{MINUS SIGN}"


def missing(value: object) -> bool:
    """Whether a value is absent: None, NaN or pandas' NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    if isinstance(value, (str, int)):
        return False
    if isinstance(value, float):  # most values: the question below takes ten times as long
        return math.isnan(value)
    return isinstance(value, SupportsFloat) and math.isnan(float(value))


def apa(value: float, decimals: int = 2, bounded: bool = False) -> str:
    """A number with a fixed number of decimals and a true minus sign.

    Parameters
    ----------
    value : float
    decimals : int
        Digits after the point.
    bounded : bool
        The quantity cannot pass 1 in size (a correlation, alpha, a proportion): no zero before the point.

    References
    ----------
    American Psychological Association (2020), Publication Manual, 7th ed., section 6.36.

    Examples
    --------
    >>> apa(-0.4567), apa(0.4567, bounded=True), apa(-0.001), apa(12345.6, 0)
    ('−0.46', '.46', '0.00', '12,346')
    """
    if not math.isfinite(value):
        return "∞" if value == math.inf else (f"{MINUS}∞" if value == -math.inf else "")
    text = f"{abs(value):,.{decimals}f}"
    zero = float(text.replace(",", "")) == 0
    if bounded and text.startswith("0."):
        text = text[1:]
    return f"{MINUS}{text}" if value < 0 and not zero else text


def p_value(p: float) -> str:
    """A p-value with three decimals and no zero before the point; below .001 it says so.

    Examples
    --------
    >>> p_value(0.0312), p_value(0.00004), p_value(1.0)
    ('.031', '<.001', '1.000')
    """
    return "<.001" if p < 0.001 else apa(p, 3, bounded=p < 0.9995)


def p_phrase(p: float, symbol: str = "p") -> str:
    """A p-value as prose has it.

    Examples
    --------
    >>> p_phrase(0.0312), p_phrase(0.00004, "Holm p")
    ('p = .031', 'Holm p < .001')
    """
    text = p_value(p)
    return f"{symbol} < {text[1:]}" if text.startswith("<") else f"{symbol} = {text}"


def interval(low: float, high: float, decimals: int = 2, bounded: bool = False) -> str:
    """Two bounds, with "to" where a minus sign would be read as a dash.

    Examples
    --------
    >>> interval(0.1, 0.3), interval(-0.1, 0.3)
    ('0.10 to 0.30', '−0.10 to 0.30')
    """
    return f"{apa(low, decimals, bounded)} to {apa(high, decimals, bounded)}"

"""How does one number reach the prose? With its unit, its interval, how many it rests on, and words for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from microresearch.errors import DataError
from microresearch.report.rounding import apa, interval


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the paper.

    Attributes
    ----------
    value : float, int, str or None
        Full precision; None where it cannot be had or may not be shown (`text` then says so).
    unit : str
        "points", "EUR", "staff", ...; "" for a pure number.
    low, high : float or None
        Bounds of its interval, both or neither.
    n : int or None
        How many people (or units, as `unit` says) it rests on.
    count : bool
        The value itself counts people: the disclosure guard looks at it.
    text : str
        Ready words; made from the rest when empty.
    decimals : int
        Of the words, never of the value.
    bounded : bool
        Cannot pass 1 in size (a correlation, alpha): written without the zero before the point.
    of : str
        Of a count: whom it counts in all ("responses"). The difference of two such counts may not be small either.
    where : mapping of dimension to level
        Of a count of part of them: which part, as in `Table.where`; it is guarded together with the tables then.

    Examples
    --------
    >>> Number(1.912, "points", 0.41, 3.42).phrase
    '1.91 points (95% CI 0.41 to 3.42)'
    >>> Number(1874, "staff", count=True).phrase
    '1,874 staff'
    """

    value: float | int | str | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    count: bool = False
    text: str = ""
    decimals: int = 2
    bounded: bool = False
    confidence: float = 0.95
    of: str = ""
    where: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise DataError("a number needs both bounds of its interval, or neither.")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise DataError("a number that cannot be had is None with a text that says why, never NaN or infinite.")
        if self.value is None and not self.text:
            raise DataError("a number without a value needs a text that says why.")

    @property
    def phrase(self) -> str:
        """The number in words, rounded as the APA manual does."""
        if self.text or self.value is None or isinstance(self.value, str):
            return self.text or str(self.value)
        whole = self.count or isinstance(self.value, int)
        said = apa(float(self.value), 0 if whole else self.decimals, self.bounded)
        said = f"{said} {self.unit}" if self.unit else said
        if self.low is None or self.high is None:
            return said
        return f"{said} ({100 * self.confidence:g}% CI {interval(self.low, self.high, self.decimals, self.bounded)})"

    def to_json(self) -> dict[str, object]:
        """The number as `numbers.json` holds it; absent fields are left out."""
        fields = {"value": self.value, "unit": self.unit, "low": self.low, "high": self.high, "n": self.n}
        kept: dict[str, object] = {name: field for name, field in fields.items() if field not in (None, "")}
        if self.low is not None:
            kept["confidence"] = self.confidence
        return {**kept, "text": self.phrase}

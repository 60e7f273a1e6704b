"""What if some stays cost nothing? Any use, cost if used, and both together: two models, one answer in money."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from microresearch.errors import DataError, Problem, SpecError
from microresearch.linking.cells import Cells
from microresearch.linking.estimates import LinkedEstimates
from microresearch.linking.ledger import COST
from microresearch.linking.outcomes import link_outcome
from microresearch.units.score_table import UnitScores


@dataclass(frozen=True, slots=True)
class TwoPart:
    """Effects of every characteristic on a cost that is zero for some stays.

    Attributes
    ----------
    any_use : LinkedEstimates
        Logistic model of costing anything: log odds ratio, and the difference in the share per 1,000 stays.
    if_used : LinkedEstimates
        Gamma model of the cost of stays that cost something: log ratio, and money per such stay.
    total : LinkedEstimates
        Expected cost of a stay: log ratio, and money per stay. The primary answer; Holm's family is its rows.
    """

    any_use: LinkedEstimates
    if_used: LinkedEstimates
    total: LinkedEstimates


def link_two_part(
    scores: UnitScores,
    cells: Cells,
    outcome: str = COST,
    hospital: Literal["within"] | None = "within",
    characteristics: Sequence[str] | None = None,
    confidence: float = 0.95,
    plan_hash: str = "",
    role: str = "",
) -> TwoPart:
    """The slope of a cost with zeros on each characteristic, in two parts and in total.

    Logistic regression of any cost and gamma regression (log link) of cost where there is any, on the same design. The
    total's uncertainty joins both models through their clusters: CR2 influences of the same unit add up. Its df is
    the smaller of the two parts' Satterthwaite df.

    Parameters
    ----------
    scores, cells, hospital, characteristics, confidence, plan_hash, role
        As in `link_outcome`.
    outcome : str
        An outcome of kind cost.

    Raises
    ------
    SpecError
        The outcome is no cost.
    DataError
        No stay costs nothing: then `link_cost` is the model.
    ConvergenceError
        Separation in the first part.

    References
    ----------
    Belotti, Deb, Manning & Norton (2015), Stata Journal 15, 3-20; Deb & Norton (2018), Annu Rev Public Health 39,
    489-505.
    """
    if cells.outcome(outcome).kind != "cost":
        raise SpecError(Problem("this outcome is no cost", column=outcome, mend='declare its kind as "cost"'))
    if not cells.table[f"{outcome}_zeros"].sum():
        raise DataError(Problem("every stay costs something", column=outcome, mend="use link_cost"))

    def part(model: Literal["any use", "cost if used", "two-part"]) -> LinkedEstimates:
        return link_outcome(scores, cells, outcome, model, hospital, None, characteristics, confidence, plan_hash, role)

    return TwoPart(part("any use"), part("cost if used"), part("two-part"))

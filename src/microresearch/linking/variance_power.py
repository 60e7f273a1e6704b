"""Which variance power does a Tweedie model of this outcome have, and how was it had? Declared, or from the cells."""

from microresearch.errors import ConvergenceError, DataError, Problem, SpecError
from microresearch.linking.design import Design
from microresearch.numeric.tweedie import BOUNDS, tweedie_power
from microresearch.results import NotAvailable


def check_power(model: str, power: float | None) -> None:
    """Raise SpecError for a declared power that no Tweedie model has, or that another model would not use."""
    if power is None:
        return
    if model != "tweedie":
        mend = 'say model="tweedie", or leave the power out'
        raise SpecError(Problem(f"a {model} model has no variance power to declare", column="power", mend=mend))
    if not 1 < power < 2:
        what, allowed = "no Tweedie model has this variance power", "above 1 and below 2"
        raise SpecError(Problem(what, column="power", value=f"{power:g}", allowed=allowed))


def power_of(design: Design, declared: float | None) -> tuple[float, str] | NotAvailable:
    """The power with a word on where it is from, or why there is none.

    Estimated without a score, so that one power serves every characteristic and none is chosen by its effect.
    """
    if declared is not None:
        return declared, f"variance power {declared:g}, declared"
    try:
        found = tweedie_power(design.x, design.n, design.total, design.squares, design.unit)
    except (DataError, ConvergenceError) as error:
        return NotAvailable(f"the variance power could not be estimated: {error}")
    said = f"{found.power:.2f} (SE {found.se:.2f})"
    if not found.inside:
        other = "a gamma model" if found.power >= BOUNDS[1] else "Poisson quasi-likelihood"
        return NotAvailable(
            f"the variance power was estimated as {said}, at or beyond the bounds of a Tweedie model "
            f"({BOUNDS[0]:g} to {BOUNDS[1]:g}), where it becomes {other}; declare a power to have one"
        )
    return found.power, f"variance power {said}, estimated by pseudo-likelihood"

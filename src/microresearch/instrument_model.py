"""Which factor models can be asked of a form? The model of its characteristics, with higher order, and bifactor."""

from collections.abc import Collection
from itertools import combinations
from typing import get_args

from microresearch.errors import Problem, SpecError
from microresearch.instrument import Instrument, ModelKind

GENERAL = "general"


def factor_model(instrument: Instrument, kind: ModelKind, without: Collection[str]) -> str:
    """The model in lavaan's syntax; see `Instrument.model`."""
    if kind not in get_args(ModelKind):
        raise SpecError(Problem("unknown kind of model", value=str(kind), allowed=", ".join(get_args(ModelKind))))
    for code in without:
        instrument.item(code)
    items = {
        c.code: [item.code for item in instrument.items_of(c.code) if item.code not in without]
        for c in instrument.characteristics
    }
    if alone := [code for code, codes in items.items() if len(codes) < 2]:
        what = f"a factor needs two items or more, and these have fewer: {', '.join(alone)}"
        raise SpecError(Problem(what, mend="take a form with several items for each characteristic"))
    lines = [f"{factor} =~ {' + '.join(codes)}" for factor, codes in items.items()]
    if kind == "second-order":
        lines += _higher(instrument)
    if kind == "bifactor":
        everything = [code for codes in items.values() for code in codes]
        lines.insert(0, f"{GENERAL} =~ {' + '.join(everything)}")
        lines += [f"{one} ~~ 0*{other}" for one, other in combinations([GENERAL, *items], 2)]
    return "\n".join(lines)


def _higher(instrument: Instrument) -> list[str]:
    """Lines of the factors of higher order; a characteristic alone in its group stands for itself."""
    lines = []
    for group in instrument.groups:
        members = [c.code for c in instrument.characteristics if c.group == group.code]
        if len(members) > 1:
            lines.append(f"group_{group.code} =~ {' + '.join(members)}")
    return lines

"""Which factor models can be asked of a form? The model of its characteristics, with higher order, and bifactor."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, get_args

from microresearch.errors import Problem, SpecError

ModelKind = Literal["characteristics", "second-order", "bifactor"]
GENERAL = "general"


def factor_model(items: Mapping[str, Sequence[str]], groups: Mapping[str, Sequence[str]], kind: ModelKind) -> str:
    """The model in lavaan's syntax, from the items of each factor and the factors of each group.

    A characteristic alone in its group stands for itself. See `Instrument.model`.
    """
    if kind not in get_args(ModelKind):
        raise SpecError(Problem("unknown kind of model", value=str(kind), allowed=", ".join(get_args(ModelKind))))
    if alone := [code for code, codes in items.items() if len(codes) < 2]:
        what = f"a factor needs two items or more, and these have fewer: {', '.join(alone)}"
        raise SpecError(Problem(what, mend="take a form with several items for each characteristic"))
    lines = [f"{factor} =~ {' + '.join(codes)}" for factor, codes in items.items()]
    if kind == "second-order":
        lines += [f"group_{group} =~ {' + '.join(some)}" for group, some in groups.items() if len(some) > 1]
    if kind == "bifactor":
        everything = [code for codes in items.values() for code in codes]
        lines.insert(0, f"{GENERAL} =~ {' + '.join(everything)}")
        lines += [f"{one} ~~ 0*{other}" for one, other in combinations([GENERAL, *items], 2)]
    return "\n".join(lines)

"""Which parameters does the model have? The parameter table: the language between model, estimation and reader."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

import pandas as pd

from microresearch.errors import Problem, SpecError
from microresearch.numeric.sem_structure import Parameterization
from microresearch.psychometrics.syntax import Model, parse_model

COLUMNS = ("lhs", "op", "rhs", "group", "level", "free", "label", "fixed", "start", "exo")
"""`free` numbers the free parameters from 1 (0: fixed at `fixed`); equal parameters bear the same number. `exo` marks
moments of observed predictors, fixed at the sample's (NaN in `fixed` until a sample is known)."""

EQUAL = ("loadings", "intercepts", "thresholds", "residuals", "residual.covariances", "lv.variances",
         "lv.covariances", "means", "regressions")  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How defaults are filled in; names and defaults are those of lavaan's `cfa()`."""

    n_groups: int = 1
    std_lv: bool = False
    orthogonal: bool = False
    meanstructure: bool = False
    thresholds: Mapping[str, int] = field(default_factory=dict)  # ordered item -> number of thresholds
    parameterization: Parameterization = "delta"
    equal: Collection[str] = ()
    free: Collection[str] = ()
    fixed_x: bool = True  # moments of observed predictors are the sample's, else they are parameters


@dataclass(slots=True)
class _Row:
    lhs: str
    op: str
    rhs: str
    group: int
    level: int
    value: float | None = None  # a number fixes, NaN frees, None was not said
    label: str = ""
    start: float = nan
    exo: bool = False


def parameter_table(model: str | Model, options: TableOptions = TableOptions()) -> pd.DataFrame:
    """The parameter table of a model, defaults filled in as lavaan's `cfa()` does.

    Parameters
    ----------
    model : str or Model
        lavaan's syntax, or what `parse_model` made of it.
    options : TableOptions
        Groups, scaling, means, ordered items, equality over groups (`equal`), exceptions from it (`free`, such as
        `"visual=~x2"` or `"x3~1"`).

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, a row a parameter, in the order: what the model names, then what defaults add.

    Raises
    ------
    SpecError
        An unknown name in `equal` or `free`, or a modifier with the wrong number of groups.

    References
    ----------
    Rosseel (2012), Journal of Statistical Software 48(2), table 1. doi:10.18637/jss.v048.i02

    Examples
    --------
    >>> table = parameter_table("f =~ x1 + x2 + x3")
    >>> table[["lhs", "op", "rhs", "free", "fixed"]].head(3)
      lhs  op rhs  free  fixed
    0   f  =~  x1     0    1.0
    1   f  =~  x2     1    NaN
    2   f  =~  x3     2    NaN
    """
    model = parse_model(model) if isinstance(model, str) else model
    _check(model, options)
    rows: list[_Row] = []
    for group in range(options.n_groups):
        for level in range(1, model.n_levels + 1):
            rows += _level_rows(model, level, group, options)
    _equate(rows, options)
    return _number(rows)


def _check(model: Model, options: TableOptions) -> None:
    problems = [
        Problem(f"equal: {name!r} is unknown", allowed=", ".join(EQUAL)) for name in options.equal if name not in EQUAL
    ]
    for term in model.terms:
        for entries in (term.modifier.values, term.modifier.labels, term.modifier.starts):
            if len(entries) not in (0, 1, options.n_groups):
                problems.append(
                    Problem(
                        f"{term.lhs} {term.op} {term.rhs}: c() has {len(entries)} entries",
                        allowed=f"one for each of {options.n_groups} groups",
                    )
                )
    if problems:
        raise SpecError(problems)


@dataclass(slots=True)
class _Block:
    """One level of one group while its rows are collected."""

    model: Model
    level: int
    group: int
    options: TableOptions
    rows: list[_Row]
    have: set[tuple[str, str, str]]

    @property
    def latent(self) -> tuple[str, ...]:
        return self.model.latent(self.level)

    @property
    def observed(self) -> tuple[str, ...]:
        return self.model.observed(self.level)

    def add(self, lhs: str, op: str, rhs: str, value: float | None, exo: bool = False) -> None:
        """A default, unless the model says something of this parameter."""
        if (lhs, op, rhs) not in self.have:
            self.rows.append(_Row(lhs, op, rhs, self.group + 1, self.level, value, exo=exo))
            self.have |= {(lhs, op, rhs)} | ({(rhs, op, lhs)} if op == "~~" else set())


def _level_rows(model: Model, level: int, group: int, options: TableOptions) -> list[_Row]:
    """What the model says in one block, then the defaults that lavaan adds."""
    rows = []
    for term in (t for t in model.terms if t.level == level):
        said, start = term.modifier, term.modifier.start(group)
        value, label = said.value(group), said.label(group)
        rows.append(_Row(term.lhs, term.op, term.rhs, group + 1, level, value, label, nan if start is None else start))
    have = {(r.lhs, r.op, r.rhs) for r in rows} | {(r.rhs, r.op, r.lhs) for r in rows if r.op == "~~"}
    block = _Block(model, level, group, options, rows, have)
    if not options.std_lv:
        for name in block.latent:
            first = next(r for r in rows if r.op == "=~" and r.lhs == name)
            first.value = 1.0 if first.value is None else first.value
    _variances(block)
    _covariances(block)
    for item in block.observed:
        for k in range(options.thresholds.get(item, 0)):
            block.add(item, "|", f"t{k + 1}", None)
        if item in options.thresholds:
            released = group > 0 and "thresholds" in options.equal and options.parameterization == "delta"
            block.add(item, "~*~", item, nan if released else 1.0)
    if options.meanstructure:
        _means(block)
    return rows


def _variances(block: _Block) -> None:
    indicators = {name: [r.rhs for r in block.rows if r.op == "=~" and r.lhs == name] for name in block.latent}
    single = {items[0] for items in indicators.values() if len(items) == 1}
    exogenous = _exogenous(block)
    options = block.options
    unit = nan if block.group and "thresholds" in options.equal and options.parameterization == "theta" else 1.0
    for item in block.observed:
        if item not in exogenous:
            ordered = item in options.thresholds
            block.add(item, "~~", item, unit if ordered else (0.0 if item in single else None))
    released = block.group > 0 and "loadings" in block.options.equal
    for name in block.latent:
        block.add(name, "~~", name, 1.0 if block.options.std_lv and not released else None)
    for i, one in enumerate(exogenous):
        for other in exogenous[i:]:
            block.add(one, "~~", other, nan, exo=options.fixed_x)


def _exogenous(block: _Block) -> list[str]:
    """Observed predictors of which the model says nothing else: their moments are fixed at the sample's."""
    rows = block.rows
    busy = {r.rhs for r in rows if r.op == "=~"} | {r.lhs for r in rows if r.op in ("~", "~~", "~1")}
    busy |= {r.rhs for r in rows if r.op == "~~"}
    predictors = {r.rhs for r in rows if r.op == "~"}
    return [name for name in block.observed if name in predictors and name not in busy]


def _covariances(block: _Block) -> None:
    rows = block.rows
    dependent = {r.rhs for r in rows if r.op == "=~"} | {r.lhs for r in rows if r.op == "~"}
    predictors = {r.rhs for r in rows if r.op == "~"}
    measured = {r.rhs for r in rows if r.op == "=~"}
    factors = [name for name in block.latent if name not in dependent]
    outcomes = dict.fromkeys(r.lhs for r in rows if r.op == "~" and r.lhs not in predictors | measured)
    for names, value in ((factors, 0.0 if block.options.orthogonal else None), (list(outcomes), None)):
        for i, first in enumerate(names):
            for second in names[i + 1 :]:
                block.add(first, "~~", second, value)


def _means(block: _Block) -> None:
    """Intercepts of items are free (0 when ordered, and within when the item has a between part); means of factors
    are 0, but free in later groups once intercepts or thresholds are equal."""
    options, exogenous = block.options, _exogenous(block)
    between = set(block.model.observed(2)) if block.model.n_levels > 1 and block.level == 1 else set()
    for item in block.observed:
        if item in exogenous:
            block.add(item, "~1", "", nan, exo=options.fixed_x)
        else:
            block.add(item, "~1", "", 0.0 if item in options.thresholds or item in between else None)
    freed = block.group > 0 and bool({"intercepts", "thresholds"} & set(options.equal)) and "means" not in options.equal
    for name in block.latent:
        block.add(name, "~1", "", nan if freed else 0.0)


_KIND = {"=~": "loadings", "~1": "intercepts", "|": "thresholds", "~": "regressions"}


def _kind(row: _Row, latent: Collection[str]) -> str:
    if row.op == "~~":
        if row.lhs in latent or row.rhs in latent:
            return "lv.variances" if row.lhs == row.rhs else "lv.covariances"
        return "residuals" if row.lhs == row.rhs else "residual.covariances"
    if row.op == "~1" and row.lhs in latent:
        return "means"
    return _KIND.get(row.op, "")


def _equate(rows: list[_Row], options: TableOptions) -> None:
    """Give what `equal` names one label over the groups, except what `free` names."""
    latent = {r.lhs for r in rows if r.op == "=~"}
    exempt = {name.replace(" ", "") for name in options.free}
    known = {f"{r.lhs}{r.op}{r.rhs}" for r in rows} | {f"{r.rhs}{r.op}{r.lhs}" for r in rows if r.op == "~~"}
    if strange := sorted(exempt - known):
        what = f"free: the model has no parameter {', '.join(strange)}"
        raise SpecError(Problem(what, mend="write it as f=~x1, x1~1, x1~~x2 or x1|t1"))
    if options.n_groups == 1:
        return
    for row in rows:
        names = {f"{row.lhs}{row.op}{row.rhs}", f"{row.rhs}{row.op}{row.lhs}"}
        is_free = row.value is None or (isnan(row.value) and not row.exo)
        if _kind(row, latent) in options.equal and is_free and not row.label and not names & exempt:
            name = f"{row.lhs}{row.op}{row.rhs}"
            row.label = f".{name}." if row.level == 1 else f".{name}.l{row.level}."


def _number(rows: list[_Row]) -> pd.DataFrame:
    """Number the free parameters; what bears a label that is fixed anywhere is fixed there too."""
    numbers: dict[str, int] = {}
    fixed = {r.label: r.value for r in rows if r.label and r.value is not None and not isnan(r.value)}
    out: list[tuple[object, ...]] = []
    count = 0
    for r in rows:
        value = fixed.get(r.label, r.value) if r.value is None else r.value
        number = 0
        if value is None or (isnan(value) and not r.exo):
            number = numbers.get(r.label, 0) if r.label else 0
            if not number:
                count += 1
                number = count
                if r.label:
                    numbers[r.label] = number
        out.append((r.lhs, r.op, r.rhs, r.group, r.level, number, r.label, nan if number else value, r.start, r.exo))
    return pd.DataFrame(out, columns=list(COLUMNS))

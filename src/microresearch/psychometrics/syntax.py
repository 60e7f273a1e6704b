"""What does the model say? lavaan's model syntax, read into terms; nothing is evaluated."""

import re
from dataclasses import dataclass
from math import isnan
from typing import TypeVar

from microresearch.errors import Problem, SpecError

OPERATORS = ("=~", "~*~", "~~", "~", "|")
_OPERATOR = re.compile(r"=~|~\*~|~~|~|\|")
_NAME = re.compile(r"[A-Za-z_.][A-Za-z0-9_.]*$")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_LEVEL = re.compile(r"level\s*:\s*(\w+)$")


@dataclass(frozen=True, slots=True)
class Modifier:
    """What stands before `*`: one entry a group, or one for all groups.

    `values` holds a number (fixed), NaN (`NA`, freed) or None (left as the default is); `labels` holds names.
    """

    values: tuple[float | None, ...] = ()
    labels: tuple[str, ...] = ()
    starts: tuple[float, ...] = ()

    def merged(self, other: "Modifier") -> "Modifier":
        """Both modifiers of a term that is written twice (`f =~ NA*x + a*x`)."""
        return Modifier(other.values or self.values, other.labels or self.labels, other.starts or self.starts)

    def value(self, group: int) -> float | None:
        """The number said for a group (0-based): fixed, NaN (freed), or None (not said)."""
        return _of_group(self.values, group)

    def label(self, group: int) -> str:
        """The label of a group (0-based), "" without one."""
        return _of_group(self.labels, group) or ""

    def start(self, group: int) -> float | None:
        """The start value said for a group (0-based)."""
        return _of_group(self.starts, group)


@dataclass(frozen=True, slots=True)
class Term:
    """One parameter that the model names: `lhs op rhs`, the level it stands in (1 within, 2 between), its modifier.

    Intercepts have op `~1` and an empty rhs, as in lavaan's parameter table.
    """

    lhs: str
    op: str
    rhs: str
    level: int
    modifier: Modifier


@dataclass(frozen=True, slots=True)
class Model:
    """The terms in the order written, each parameter once, and how many levels the model has."""

    terms: tuple[Term, ...]
    n_levels: int

    def latent(self, level: int = 1) -> tuple[str, ...]:
        """Latent variables of a level in order of definition."""
        return tuple(dict.fromkeys(t.lhs for t in self.terms if t.op == "=~" and t.level == level))

    def observed(self, level: int = 1) -> tuple[str, ...]:
        """Observed variables of a level: indicators in order, then what only other operators name."""
        latent = set(self.latent(level))
        here = [t for t in self.terms if t.level == level]
        named = [t.rhs for t in here if t.op == "=~"]
        named += [name for t in here if t.op != "=~" for name in ((t.lhs,) if t.op in ("~1", "|") else (t.lhs, t.rhs))]
        return tuple(dict.fromkeys(name for name in named if name not in latent))


_Entry = TypeVar("_Entry")


def _of_group(entries: tuple[_Entry, ...], group: int) -> _Entry | None:
    if not entries:
        return None
    return entries[group] if len(entries) > 1 else entries[0]


def parse_model(text: str) -> Model:
    """Read a model in lavaan's syntax.

    Understood: `=~` (measured by), `~~` (variance, covariance), `~` (regression), `~ 1` (intercept), `|` (thresholds
    `t1 + t2`), `~*~` (scaling factor), numbers (`0.5*x` fixes), `NA*x` frees, `a*x` labels (equal labels are equal
    parameters), `c(a, b)*x` and `c(1, NA)*x` by group, `start(0.8)*x`, comments after `#` or `!`, several statements a
    line separated by `;`, blocks `level: 1` and `level: 2`.

    Parameters
    ----------
    text : str
        The model.

    Returns
    -------
    Model
        Terms in the order written.

    Raises
    ------
    SpecError
        A line that cannot be read: all such lines at once, each with its number.

    References
    ----------
    Rosseel (2012), Journal of Statistical Software 48(2), section 3. doi:10.18637/jss.v048.i02

    Examples
    --------
    >>> model = parse_model("visual =~ x1 + 0.5*x2 + a*x3; x1 ~~ x2")
    >>> model.latent(), model.observed()
    (('visual',), ('x1', 'x2', 'x3'))
    >>> model.terms[1].modifier.values
    (0.5,)
    """
    problems: list[Problem] = []
    found: dict[tuple[str, str, str, int], Term] = {}
    level, deepest = 1, 1
    for line, statement in _statements(text):
        if match := _LEVEL.match(statement):
            level = {"1": 1, "within": 1, "2": 2, "between": 2}.get(match[1], 0)
            deepest = max(deepest, level)
            if level == 0:
                problems.append(Problem(f"line {line}: level {match[1]!r} is unknown", allowed="1, within, 2, between"))
            continue
        try:
            terms = _read_statement(statement, level)
        except ValueError as error:
            problems.append(Problem(f"line {line} of the model, {statement!r}: {error}"))
            continue
        for term in terms:
            key = (term.lhs, term.op, term.rhs, term.level)
            twin = (term.rhs, term.op, term.lhs, term.level)
            if term.op == "~~" and twin in found:
                key = twin
            old = found.get(key)
            found[key] = term if old is None else Term(*key, old.modifier.merged(term.modifier))
    if not found and not problems:
        problems.append(Problem("the model is empty", mend="write at least one line such as: f =~ x1 + x2 + x3"))
    if problems:
        raise SpecError(problems)
    return Model(tuple(found.values()), deepest)


def _statements(text: str) -> list[tuple[int, str]]:
    """Statements with the number of their first line; a line that ends in an operator or `+` goes on below."""
    out: list[tuple[int, str]] = []
    held, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        for part in re.split(r"[#!]", raw)[0].split(";"):
            piece = part.strip()
            if not piece:
                continue
            joined = f"{held} {piece}".strip()
            first = first or number
            if piece.endswith(("+", "*", "~", "|")):
                held = joined
                continue
            if piece.startswith("+") and out and not held:
                out[-1] = (out[-1][0], f"{out[-1][1]} {piece}")
            else:
                out.append((first, joined))
            held, first = "", 0
    if held:
        out.append((first, held))
    return out


def _read_statement(statement: str, level: int) -> list[Term]:
    match = _OPERATOR.search(statement)
    if match is None:
        raise ValueError(f"no operator; use one of {', '.join(OPERATORS)}")
    op = match[0]
    left, right = statement[: match.start()], statement[match.end() :]
    lefts = [_name(part) for part in left.split("+")]
    terms = []
    for part in _split(right, "+"):
        *before, last = _split(part, "*")
        modifier = Modifier()
        for text in before:
            modifier = modifier.merged(_modifier(text.strip()))
        last = last.strip()
        for lhs in lefts:
            if op == "~" and last in ("1", "0"):
                fixed = Modifier(values=(0.0,)) if last == "0" else modifier
                terms.append(Term(lhs, "~1", "", level, fixed))
            else:
                terms.append(Term(lhs, op, _name(last), level, modifier))
    return terms


def _split(text: str, mark: str) -> list[str]:
    """Split at `mark` outside brackets, and not at the sign of an exponent or of a number."""
    parts: list[str] = []
    depth, begin = 0, 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        signed = mark == "+" and text[:i].rstrip()[-1:] in ("", "*", ",", "(")
        exponent = mark == "+" and re.search(r"\d[eE]$", text[:i]) is not None
        if char == mark and depth == 0 and not signed and not exponent:
            parts.append(text[begin:i])
            begin = i + 1
    return [*parts, text[begin:]]


def _name(text: str) -> str:
    text = text.strip()
    if not _NAME.match(text):
        raise ValueError(f"{text!r} is no variable name (letters, digits, dot and underscore, no digit first)")
    return text


def _modifier(text: str) -> Modifier:
    if inner := re.match(r"start\s*\((.*)\)$", text):
        starts = [_entry(part) for part in _arguments(inner[1])]
        if not all(isinstance(entry, float) and not isnan(entry) for entry in starts):
            raise ValueError("start() takes numbers")
        return Modifier(starts=tuple(entry for entry in starts if isinstance(entry, float)))
    inner = re.match(r"c\s*\((.*)\)$", text)
    entries = [_entry(part) for part in (_arguments(inner[1]) if inner else [text])]
    names = [entry for entry in entries if isinstance(entry, str)]
    if names and len(names) < len(entries):
        raise ValueError(f"{text!r} mixes labels and numbers")
    if names:
        return Modifier(labels=tuple(names))
    return Modifier(values=tuple(entry for entry in entries if not isinstance(entry, str)))


def _arguments(text: str) -> list[str]:
    inside = re.match(r"\s*c\s*\((.*)\)\s*$", text)
    return (inside[1] if inside else text).split(",")


def _entry(text: str) -> float | str | None:
    text = text.strip().strip("\"'")
    if text == "NA":
        return float("nan")
    if _NUMBER.match(text):
        return float(text)
    return _name(text)

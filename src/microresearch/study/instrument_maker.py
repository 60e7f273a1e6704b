"""How does a form that exists elsewhere become an instrument file? From a REDCap dictionary, an SPSS file or a list."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microresearch import io
from microresearch.errors import DataError, Problem, SpecError
from microresearch.instrument import Instrument, load_instrument
from microresearch.study.toml import to_toml

LIST_COLUMNS = ("code", "text", "characteristic", "low", "high", "reversed", "applies")
CANT = re.compile(r"can.?t rate|cannot rate|don.?t know|not sure|not applicable|no answer|prefer not", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form: its code, wording, characteristic, and what else its list says."""

    code: str
    text: str
    characteristic: str
    more: tuple[tuple[str, Any], ...] = ()


def write_instrument(source: Path, target: Path, name: str = "", options: Sequence[str] = ()) -> Instrument:
    """Write the instrument file `target`, called after it; see `make_instrument`. It must not be there yet."""
    if target.exists():
        raise SpecError(Problem("this file is there already", io.shown(target), mend="name a new one"))
    text = make_instrument(source, target.stem, name, options)
    with io.scratch() as folder:
        form = load_instrument(io.write_text(folder / target.name, text))
    io.write_text(target, text)
    return form


def make_instrument(source: Path, code: str, name: str = "", options: Sequence[str] = ()) -> str:
    """The text of an instrument file.

    Parameters
    ----------
    source : Path
        REDCap's data dictionary, an SPSS or Stata file with value labels, or a CSV list with the columns `code`, `text`
        and, as needed, `characteristic`, `low`, `high`, `reversed`, `applies`.
    code, name : str
        Of the instrument.
    options : sequence of str
        "1=Strongly disagree", for a list; a dictionary and a labelled file bring their own.

    Returns
    -------
    str
        TOML. Of a dictionary or labelled file, the questions that share the commonest set of answers are taken. A
        question's characteristic, where nothing says it, is its code without the last number: to be looked at.

    Raises
    ------
    DataError
        No questions with common answers, or the file cannot be read.
    SpecError
        An option that cannot be meant.
    """
    data = io.read_bytes(source)
    if source.suffix.lower() in (".sav", ".zsav", ".dta"):
        questions, labels = _labelled(source)
    elif b"Variable / Field Name" in data[:200]:
        questions, labels = _dictionary(source)
    else:
        questions, labels = _list(source), _options(options)
    if len(labels) < 2:
        mend = 'give --option "1=Strongly disagree" --option "2=..." for each answer'
        raise SpecError(Problem("an instrument needs two answers or more", io.shown(source), mend=mend))
    return _written(code, name or code, questions, labels, io.shown(source))


def _labelled(source: Path) -> tuple[list[Question], dict[str, str]]:
    from microresearch.survey import read_export

    export = read_export(source)
    sets = {column: dict(labels) for column, labels in export.labels.items() if len(labels) > 2}
    return _commonest(sets, dict(export.texts), source)


def _dictionary(source: Path) -> tuple[list[Question], dict[str, str]]:
    from microresearch.survey.redcap import read_dictionary
    from microresearch.survey.text import open_text

    fields = read_dictionary(open_text(io.read_csv_text(source), io.shown(source)))
    sets = {field.name: dict(field.choices) for field in fields if field.kind == "radio" and len(field.choices) > 2}
    return _commonest(sets, {field.name: field.label for field in fields}, source)


def _commonest(
    sets: Mapping[str, dict[str, str]], texts: Mapping[str, str], source: Path
) -> tuple[list[Question], dict[str, str]]:
    """The questions whose answers are those of most questions."""
    if not sets:
        mend = "make a list instead: a CSV with the columns code and text"
        raise DataError(Problem("no question has three labelled answers or more", io.shown(source), mend=mend))
    shared = Counter(tuple(sorted(labels.items())) for labels in sets.values()).most_common(1)[0][0]
    columns = [column for column, labels in sets.items() if tuple(sorted(labels.items())) == shared]
    return [Question(c, texts.get(c) or c, characteristic_of(c)) for c in columns], dict(shared)


def _list(source: Path) -> list[Question]:
    table = io.read_csv(source)
    allowed = ", ".join(LIST_COLUMNS)
    problems = [Problem("this column is missing", io.shown(source), 1, c) for c in ("code", "text") if c not in table]
    problems += [
        Problem("there is no such column in a list of items", io.shown(source), 1, str(c), allowed=allowed)
        for c in table.columns
        if c not in LIST_COLUMNS
    ]
    if problems:
        raise DataError(problems)
    return [
        _question(io.shown(source), int(str(row)), entry)
        for row, entry in zip(table.index, table.to_dict("records"), strict=True)
    ]


def _question(file: str, row: int, entry: Mapping[Any, Any]) -> Question:
    said = {str(key): str(value).strip() for key, value in entry.items()}
    more: list[tuple[str, Any]] = []
    for bound in ("low", "high"):
        if said.get(bound):
            try:
                more.append((bound, float(said[bound])))
            except ValueError:
                raise DataError(Problem("this is not a number", file, row, bound)) from None
    turned = said.get("reversed", "").casefold()
    if turned not in ("", "yes", "no", "true", "false", "1", "0"):
        raise DataError(Problem("this must be yes or no", file, row, "reversed", turned[:20], "yes, no"))
    if turned in ("yes", "true", "1"):
        more.append(("reversed", True))
    if said.get("applies"):
        more.append(("applies", said["applies"]))
    return Question(
        said["code"], said["text"], said.get("characteristic") or characteristic_of(said["code"]), tuple(more)
    )


def characteristic_of(code: str) -> str:
    """A question's characteristic by its code: what stands before the last number.

    Examples
    --------
    >>> characteristic_of("trust_12"), characteristic_of("q7b"), characteristic_of("leadership")
    ('trust', 'q', 'leadership')
    """
    stem = re.sub(r"[_.-]?\d+[a-z]?$", "", code)
    return stem or "all"


def _options(options: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in options:
        code, equals, label = text.partition("=")
        if not equals or not code.strip() or not label.strip():
            raise SpecError(Problem("an option cannot be meant", column="option", value=text, allowed="CODE=LABEL"))
        found[code.strip()] = label.strip()
    return found


def _written(code: str, name: str, questions: Sequence[Question], labels: Mapping[str, str], source: str) -> str:
    unable = {key: label for key, label in labels.items() if CANT.search(label)}
    answers = sorted((_code(key), label) for key, label in labels.items() if key not in unable)
    groups = dict.fromkeys(question.characteristic for question in questions)
    facts = {"code": code, "name": name, "version": "1.0", "language": "en", "reflective": True}
    options = [{"code": value, "label": label} for value, label in answers]
    items = {
        group: [{"code": q.code, "text": q.text, **dict(q.more)} for q in questions if q.characteristic == group]
        for group in groups
    }
    content = {
        "instrument": {**facts, "source": f"made from {source}"},
        "response": {"options": options, "cant_rate": [*unable.values()]},
        "groups": [{"code": "all", "name": "All characteristics"}],
        "characteristics": [
            {
                "code": _plain(group), "name": group.replace("_", " ").capitalize(), "group": "all",
                "items": items[group],
            }
            for group in groups
        ],
    }  # fmt: skip
    head = (
        f"# {name}: {len(questions)} items, made from {source}. Look at each: which characteristic an item belongs\n"
        "# to, which items are reversed (reversed = true), what counts as can't rate, and the language.\n\n"
    )
    return head + to_toml(content)


def _code(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise SpecError(Problem("an answer's code must be a number", column="option", value=text[:20])) from None
    return int(value) if value.is_integer() else value


def _plain(text: str) -> str:
    made = re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")
    return made if made[:1].isalpha() else f"c_{made}"

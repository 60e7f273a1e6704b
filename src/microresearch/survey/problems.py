"""How are many faults of one file told in few lines? Rows listed, long lists capped, names proposed."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from microresearch.errors import DataError, Problem

MOST_ROWS = 10
MOST_PROBLEMS = 40


def listed(rows: Sequence[int] | Iterable[int], most: int = MOST_ROWS) -> str:
    """Row numbers as a person reads them.

    Examples
    --------
    >>> listed([4, 9, 12])
    'rows 4, 9, 12'
    >>> listed(range(2, 40), most=3)
    'rows 2, 3, 4 and 35 more'
    """
    numbers = [int(row) for row in rows]
    said = ", ".join(str(row) for row in numbers[:most])
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return f"{'row' if len(numbers) == 1 else 'rows'} {said}{more}"


def nearest(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The known names most like this one, best first, whatever their case; empty where none is near.

    Examples
    --------
    >>> nearest("ResponseID", ["ResponseId", "Status"])
    ('ResponseId',)
    """
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(candidate.casefold().strip(), candidate)
    found = get_close_matches(name.casefold().strip(), list(folded), n=most, cutoff=0.6)
    return tuple(folded[one] for one in found)


def short(text: str, most: int = 40) -> str:
    """Text on one line and cut, so that no message carries a page of someone's prose."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def shown(value: str, most: int = 40) -> str | None:
    """A closed-option value as a message may show it; None when it looks like prose or an address, which it may not."""
    line = " ".join(value.split())
    return None if len(line) > most or "@" in line else line


def refuse(problems: Sequence[Problem], most: int = MOST_PROBLEMS) -> None:
    """Raise DataError with all problems, the list capped and the rest counted; nothing when there are none."""
    if not problems:
        return
    told = list(problems[:most])
    if len(problems) > most:
        told.append(Problem(f"{len(problems) - most} problems more of the same kind ({len(problems)} in all)"))
    raise DataError(told)

"""Exports bent in every way that files get bent, and what a simple second reader says of them."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microresearch.errors import DataError
from microresearch.instrument import Instrument, Item
from microresearch.responses import Responses, State
from microresearch.survey import read_responses

HERE = Path(__file__).parent / "fixtures"
TEXT = ("qualtrics.csv", "plain.csv", "redcap_raw.csv", "surveymonkey.csv", "qualtrics_legacy.csv", "redcap_labels.csv",
        "plain_decimal_comma.csv")  # fmt: skip
BINARY = ("excel.xlsx", "spss.sav", "stata.dta", "qualtrics.xlsx")
Mutate = Callable[[bytes, np.random.Generator], bytes]


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    out = bytearray(data)
    for place in rng.integers(len(out), size=int(rng.integers(1, 6))):
        out[place] ^= 1 << int(rng.integers(8))
    return bytes(out)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    a, b = sorted(int(x) for x in rng.integers(len(data), size=2))
    return data[:a] + data[min(b, a + 400) :] if rng.random() < 0.6 else data[:b]


def lines(data: bytes, rng: np.random.Generator) -> bytes:
    rows = data.split(b"\n")
    i, j = (int(x) for x in rng.integers(len(rows), size=2))
    what = rng.integers(4)
    if what == 0:
        del rows[i]
    elif what == 1:
        rows.insert(j, rows[i])
    elif what == 2:
        rows[i], rows[j] = rows[j], rows[i]
    else:
        rows[i] = rows[i][: len(rows[i]) // 2]
    return b"\n".join(rows)


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    bits = (b'"', b'""', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xc3", b"\t", b'",', b'\n"', b"'", b"\\",
            b"\xef\xbb\xbf")  # fmt: skip
    for place in sorted((int(x) for x in rng.integers(len(data), size=int(rng.integers(1, 4)))), reverse=True):
        data = data[:place] + bits[int(rng.integers(len(bits)))] + data[place:]
    return data


def cell(data: bytes, rng: np.random.Generator) -> bytes:
    """One cell replaced by something nasty."""
    nasty = (
        b"=cmd|'/c calc'!A0", b"=1+1", b"@SUM(A1)", b"<script>alert(1)</script>", b"<b>Agree</b>",
        b"&lt;Agree&gt;", b"x" * 200_000, b"1e9999", b"nan", b"inf", b"-1", b"9" * 40, b"None", b"true", b"4.5", b"4,0",
        b" Agree ", "\uff21\uff47\uff52\uff45\uff45".encode(), b"[red]x[/red]", b"{{ 7*7 }}", b"${x}", b"%s%n",
        b"Can\xe2\x80\x99t rate",
    )  # fmt: skip
    places = [i for i, byte in enumerate(data) if byte in b",;\n"]
    k = int(rng.integers(len(places) - 1))
    return data[: places[k] + 1] + nasty[int(rng.integers(len(nasty)))] + data[places[k + 1] :]


def header(data: bytes, rng: np.random.Generator) -> bytes:
    first, _, rest = data.partition(b"\n")
    names = first.split(b",")
    i, j = (int(x) for x in rng.integers(len(names), size=2))
    what = rng.integers(4)
    if what == 0:
        names[i] = names[j]
    elif what == 1:
        names[i], names[j] = names[j], names[i]
    elif what == 2:
        names[i] = b""
    else:
        names[i] = names[i].upper() + b" "
    return b",".join(names) + b"\n" + rest


def encoding(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8-sig", errors="replace")
    return text.encode(str(rng.choice(["utf-16", "utf-16-le", "latin-1", "utf-8-sig", "utf-32", "cp037"])), "replace")


def ends(data: bytes, rng: np.random.Generator) -> bytes:
    return data.replace(b"\r\n", (b"\n", b"\r", b"\n\n", b"\r\r\n", b"\n\r")[int(rng.integers(5))])


MUTATIONS: tuple[Mutate, ...] = (flip, cut, lines, insert, cell, header, encoding, ends)


@dataclass(frozen=True)
class Case:
    """One mutated file: where it came from and its bytes."""

    name: str
    mutation: str
    data: bytes


def case(seed: int, number: int) -> Case:
    """Mutant `number` of a seed; one in ten is of a binary format."""
    rng = np.random.default_rng([seed, number])
    if number % 10 == 9:
        name = BINARY[int(rng.integers(len(BINARY)))]
        chosen: tuple[Mutate, ...] = ((flip, cut, insert)[int(rng.integers(3))],)
    else:
        name = TEXT[int(rng.integers(len(TEXT)))]
        chosen = tuple(MUTATIONS[int(i)] for i in rng.integers(len(MUTATIONS), size=int(rng.integers(1, 3))))
    data = (HERE / name).read_bytes()
    for mutate in chosen:
        data = mutate(data, rng) if data.count(b"\n") > 1 or mutate in (flip, cut, insert) else data
    return Case(name, "+".join(mutate.__name__ for mutate in chosen), data)


def outcome(
    one: Case, path: Path, form: Instrument, columns: dict[str, str], more: dict[str, object]
) -> tuple[str, str]:
    """How reading a mutant ended: a correct "result", an "error" that names the file, or "wrong", and what was said."""
    path.write_bytes(one.data)
    try:
        read = read_responses(path, form, columns, **more)
    except DataError as error:
        return ("error" if error.problems[0].file.endswith(path.name) else "wrong"), str(error)
    except Exception as error:
        return "wrong", f"{type(error).__name__}: {error}"
    if len(read) != read.ledger.start:
        return "wrong", "rows do not add up"
    said = differs(read, path, form) if path.suffix in (".csv", ".txt") else ""
    return ("wrong" if said else "result"), said


def differs(read: Responses, path: Path, form: Instrument) -> str:
    """Where Python's csv module and a plain table of labels disagree with what was read."""
    raw = path.read_bytes()
    mark = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    name = next((code for start, code in mark.items() if raw.startswith(start)), "utf-8")
    name = "utf-32" if raw.startswith(b"\xff\xfe\0\0") else name
    text = raw.decode(name)
    above = text.partition("\n")[0].strip()
    separator = above[4] if above.startswith("sep=") and len(above) == 5 else max(",;\t|", key=above.count)
    limit = csv.field_size_limit(10_000_000)
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        return f"read, though csv says {error}"
    finally:
        csv.field_size_limit(limit)
    held = [i for i, record in enumerate(records, 1) if any(one.strip() for one in record)]
    rows = read.people["row"].tolist()
    if held[-len(rows) :] != rows:
        return f"rows {rows} read where the file holds {held}"
    words = {option.label.casefold(): option.code for option in form.options} | {"can't rate": "c", "": "b", "na": "b"}
    words |= {f"{option.code:g}": option.code for option in form.options} | {"9": "c"}
    places = [_place(records[: held[0] + 2], item) for item in form.items]
    for row, values, states in zip(rows, read.values.to_numpy(), read.state.to_numpy(), strict=True):
        cells = [words.get(_plain(one)) for one in records[row - 1]]
        for value, state, at in zip(values, states, places, strict=True):
            want = value if state == State.ANSWERED else {State.CANT_RATE: "c", State.BLANK: "b"}[State(state)]
            if at is None or cells[at] != want:
                return f"row {row}, cell {at}: read as {want}, but there stands {None if at is None else cells[at]}"
    return ""


def _place(head: list[list[str]], item: Item) -> int | None:
    """Where an item's column is: the only one headed by its code, else by its wording."""
    for words in ({item.code.casefold()}, {_plain(item.text)}):
        found = {i for record in head for i, one in enumerate(record) if _plain(one) in words}
        if len(found) == 1:
            return found.pop()
    return None


def _plain(text: str) -> str:
    import html
    import re
    import unicodedata

    bare = html.unescape(re.sub(r"<[^<>]*>", " ", text)) if "<" in text or "&" in text else text
    bare = " ".join(unicodedata.normalize("NFKC", bare).replace("’", "'").casefold().split())
    return re.sub(r"^([+-]?)0*(\d+)[.,]0+$", r"\1\2", bare).removeprefix("+")

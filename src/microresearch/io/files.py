"""How does one file come in or go out? Whole or not at all, named in messages without the machine's own path."""

import hashlib
import json
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from microresearch.errors import DataError, MicroresearchError, Problem

STUDY_FILE = "study.toml"


def shown(path: str | Path) -> str:
    """The name of a file as a message shows it: from the study's folder, else from here, else the bare name.

    Examples
    --------
    >>> shown("/somewhere/else/survey.csv")
    'survey.csv'
    """
    path = Path(path)
    home = find_upwards(STUDY_FILE, path.parent)
    for base in (home.parent if home else None, Path.cwd()):
        if base is not None and path.absolute().is_relative_to(base.absolute()):
            return path.absolute().relative_to(base.absolute()).as_posix()
    return path.name


def find_upwards(name: str, start: str | Path | None = None) -> Path | None:
    """The nearest file called `name` in `start` (default: here) or a folder above it; None where there is none."""
    start = Path.cwd() if start is None else Path(start).absolute()
    return next((folder / name for folder in (start, *start.parents) if (folder / name).is_file()), None)


def list_files(directory: str | Path, pattern: str = "**/*") -> tuple[Path, ...]:
    """Every file under `directory` that matches the glob `pattern`, in the order of their names; () where none is."""
    return tuple(sorted(path for path in Path(directory).glob(pattern) if path.is_file()))


def read_bytes(path: str | Path, error: type[MicroresearchError] = DataError) -> bytes:
    """The bytes of a file; `error` (DataError or SpecError) says so when it is missing or cannot be read."""
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        mend = "check the name and the folder"
        raise error(Problem("there is no such file", file=shown(path), mend=mend)) from None
    except IsADirectoryError:
        raise error(Problem("this is a folder, not a file", file=shown(path))) from None
    except OSError as cause:
        what = f"the file cannot be read ({cause.strerror})"
        raise error(Problem(what, file=shown(path), mend="check that you may open it")) from None


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write `data` so that the file is the old one or the new one, whenever the machine stops; makes the folder."""
    path = Path(path)
    with replacing(path) as part:
        part.write_bytes(data)
    return path


def write_text(path: str | Path, text: str) -> Path:
    """As `write_bytes`, in UTF-8; line ends stay as they stand in `text`."""
    return write_bytes(path, text.encode("utf-8"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to; it takes the place of `path` once it is whole and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield part
        flush(part)
        part.replace(path)
        flush(path.parent)
    finally:
        part.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """See that a file or folder is on the disk; a system that cannot flush a folder (Windows) is let off."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_bytes(data: bytes) -> str:
    """SHA-256 of bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; DataError when the file is missing."""
    return sha256_bytes(read_bytes(path))


def sha256_tree(directory: str | Path, ignore: Sequence[str] = ()) -> str:
    """One SHA-256 over the names and bytes of all files under `directory`, whatever order the disk lists them in.

    Names are relative and use `/`. `ignore` holds glob patterns on them (`"*.log"`, `"cache/*"`).
    """
    directory = Path(directory)
    digest = hashlib.sha256()
    for path in sorted(list_files(directory), key=lambda p: p.relative_to(directory).as_posix()):
        name = path.relative_to(directory)
        if not any(name.match(pattern) for pattern in ignore):
            digest.update(f"{sha256_file(path)}  {name.as_posix()}\n".encode())
    return digest.hexdigest()


def to_json(value: object) -> str:
    """JSON text with sorted keys, two spaces, full float precision and a last line end.

    Numpy scalars and arrays are taken as numbers and lists. A number that is not finite is refused with the path
    of its key: what is not available must say why in words.

    Examples
    --------
    >>> print(to_json({"b": 0.1, "a": [1, None]}).replace(chr(10), " "))
    { "a": [ 1, null ], "b": 0.1 }
    """
    plain = _plain(value, "")
    return json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: str | Path, value: object) -> Path:
    """Write `to_json(value)` whole or not at all."""
    return write_text(path, to_json(value))


def read_json(path: str | Path) -> Any:
    """The value in a JSON file; DataError names file and line, and NaN or Infinity are refused."""

    def refuse(text: str) -> NoReturn:
        raise DataError(Problem(f"{text} is not a JSON number", file=shown(path)))

    try:
        return json.loads(read_bytes(path), parse_constant=refuse)
    except json.JSONDecodeError as cause:
        raise DataError(Problem(f"this is not JSON: {cause.msg}", file=shown(path), row=cause.lineno)) from None
    except UnicodeDecodeError as cause:
        what = f"this is not JSON in UTF-8 (byte {cause.start})"
        raise DataError(Problem(what, file=shown(path))) from None


def _plain(value: Any, where: str) -> Any:
    """The value in JSON's own types; numpy's are unpacked by their `tolist`."""
    if isinstance(value, dict):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise DataError(Problem(f"keys must be text; {len(strange)} are not", column=where or "(top)"))
        return {key: _plain(part, f"{where}.{key}" if where else key) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part, f"{where}[{i}]") for i, part in enumerate(value)]
    if value is None or isinstance(value, (str, bool, int)):
        return value if value is None or isinstance(value, (str, bool)) else int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DataError(Problem("a number must be finite", column=where, mend="give the reason as text instead"))
        return float(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), where)
    raise DataError(Problem(f"{type(value).__name__} cannot be written as JSON", column=where))

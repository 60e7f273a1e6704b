"""How is a study file written? Values as TOML, in the order given."""

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(content: Mapping[str, Any], path: str = "") -> str:
    """A mapping as TOML text: first its values, then its tables, then its lists of tables; None is left out.

    Examples
    --------
    >>> print(to_toml({"study": {"title": "Wards", "seed": 1}, "outcomes": [{"name": "cost"}]}))
    [study]
    title = "Wards"
    seed = 1
    <BLANKLINE>
    [[outcomes]]
    name = "cost"
    <BLANKLINE>
    """
    content = {key: value for key, value in content.items() if value is not None}
    tables = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    lists = {key: value for key, value in content.items() if _tables(value)}
    lines = [f"{_key(key)} = {_value(v)}" for key, v in content.items() if key not in tables and key not in lists]
    text = "".join(f"{line}\n" for line in lines)
    for key, table in tables.items():
        inside = to_toml(table, f"{path}{_key(key)}.")
        text += ("\n" if text else "") + f"[{path}{_key(key)}]\n{inside}"
    for key, entries in lists.items():
        for entry in entries:
            text += ("\n" if text else "") + f"[[{path}{_key(key)}]]\n{to_toml(entry, f'{path}{_key(key)}.')}"
    return text


def _tables(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else text(key)


def text(value: str) -> str:
    """Text in TOML's double quotes."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    return "[" + ", ".join(_value(inner) for inner in value) + "]"

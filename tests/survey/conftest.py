"""What the survey tests share: a small instrument, and a file to put bytes in."""

from collections.abc import Callable
from pathlib import Path

import pytest

from microresearch.instrument import Characteristic, Group, Instrument, Item, Option


@pytest.fixture
def form() -> Instrument:
    items = [
        Item("trust_1", "trust", "We trust each other.", 1, 5),
        Item("trust_2", "trust", "We help each other, always.", 1, 5),
        Item("trust_3", "trust", "We talk behind each other's back.", 1, 5, reversed=True),
        Item("teach_1", "teach", "Students learn well here.", 1, 5, applies="academic"),
    ]
    return Instrument(
        code="small", name="Small", version="1", language="en", note="", source="", reflective=True,
        options=tuple(
            Option(i, label)
            for i, label in enumerate(("Strongly disagree", "Disagree", "Neither", "Agree", "Strongly agree"), 1)
        ),
        cant_rate=("Can't rate",),
        items=tuple(items),
        characteristics=(Characteristic("trust", "Trust", "g"), Characteristic("teach", "Teaching", "g")),
        groups=(Group("g", "Group"),),
    )  # fmt: skip


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def write(data: bytes | str, name: str = "survey.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write

"""A study small enough to run in a second or two: a file of numbers and two or three notebooks."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from microresearch.study.study import Study

STUDY = """
[study]
title = "Tiny"
seed = 7
synthetic = true

[exposure]
file = "data/raw/units.csv"
unit = "unit"
columns = ["share"]

[plan]
covariates = []
"""

RAW = "unit,share\n" + "".join(f"U{i:02d},{0.1 + i / 20:.2f}\n" for i in range(12))

FIRST = """
from microresearch.study.study import open_study
import pandas as pd
study = open_study()
frame = pd.read_csv(study.root / "data/raw/units.csv")
study.keep("shares", frame)
study.seed("draws")
"""

SECOND = """
from microresearch.study.study import open_study
study = open_study()
shares = study.recall("shares")
study.publish("shares", shares, title="Shares by unit", decimals={"share": 2})
study.publish("size", {"units": len(shares), "mean": float(shares["share"].mean())})
"""

THIRD = """
from microresearch.study.study import open_study
study = open_study()
study.show("shares")
"""


def stage(study: "Study") -> Path:
    """Where a study of one notebook puts what it publishes."""
    assert study.place.stage is not None
    return study.place.stage


def notebook(folder: Path, stem: str, code: str, needs: tuple[str, ...] = ()) -> Path:
    """Write a notebook whose cells are the code's blocks."""
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {stem[3:].capitalize()}"}]
    for i, block in enumerate(code.strip().split("\n\n")):
        cells.append(
            {
                "cell_type": "code",
                "id": f"c{i}",
                "metadata": {},
                "source": block,
                "outputs": [],
                "execution_count": None,
            }
        )
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "microresearch": {"needs": list(needs)},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.ipynb"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def tiny_study(root: Path) -> Path:
    """Three notebooks, one of which needs the one before and one both."""
    (root / "data" / "raw").mkdir(parents=True)
    (root / "study.toml").write_text(STUDY, encoding="utf-8")
    (root / "data" / "raw" / "units.csv").write_text(RAW, encoding="utf-8")
    notebook(root / "notebooks", "01-read", FIRST)
    notebook(root / "notebooks", "02-show", SECOND, ("01-read",))
    notebook(root / "notebooks", "03-paper", THIRD, ("all",))
    return root

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from microresearch.report.figures import flow_diagram
from microresearch.report.style import StudyFigure, context, settle
from microresearch.report.svg import compact


def drawings() -> list[StudyFigure]:
    flow = pd.DataFrame({"reason": ["start", "Previews & tests"], "excluded": [0, 20], "remaining": [120, 100]})
    with context():
        lines = StudyFigure(88, 60, data=pd.DataFrame(), title="Lines", alt="Lines")
        axes = lines.add_subplot()
        axes.plot([0, 1e-6, 3e-6], [1, 5, 2], "o-", label="A ≤ B")
        axes.fill_between([0, 3e-6], [0, 1], alpha=0.3, hatch="//")
        axes.imshow(np.arange(4).reshape(2, 2), extent=(1e-6, 2e-6, 3, 4), aspect="auto")
        axes.set(xlim=(0, 3e-6), xlabel="x, $10^{-6}$")
        axes.legend()
        return [flow_diagram(flow), settle(lines)]


def plain(figure: StudyFigure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=600, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue()


@pytest.mark.parametrize("which", [0, 1])
def test_a_smaller_drawing_looks_the_same(which: int, browser: Any, tmp_path: Path) -> None:
    figure = drawings()[which]
    before, after = plain(figure), figure.to_bytes("svg")
    assert after == compact(before)
    assert len(after) < 0.7 * len(before)
    seen = []
    for name, drawing in (("before", before), ("after", after)):
        (tmp_path / f"{name}.svg").write_bytes(drawing)
        browser.open(tmp_path / f"{name}.svg", width=700, height=500)
        browser.picture(tmp_path / f"{name}.png")
        seen.append(matplotlib.image.imread(tmp_path / f"{name}.png")[:, :, :3])
    assert np.ptp(seen[0]) > 0.8  # something is drawn
    assert np.abs(seen[0] - seen[1]).max() < 0.5
    assert np.mean(np.abs(seen[0] - seen[1]).max(axis=2) > 0.2) < 1e-4


def test_the_drawing_stays_whole() -> None:
    for figure in drawings():
        text = figure.to_bytes("svg").decode()
        ElementTree.fromstring(text)
        names = re.findall(r'\bid="([^"]+)"', text)
        wanted = re.findall(r'(?:url\(#|href="#)([^")]+)', text)
        assert len(names) == len(set(names)) and set(wanted) == set(names)
        assert figure.to_bytes("svg").decode() == text

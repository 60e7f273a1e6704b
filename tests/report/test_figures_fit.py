"""Does every figure fit? Few and many units, long names, a characteristic without data: no text is cut or overlaid."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from microresearch.instrument import Instrument, load_instrument
from microresearch.report import figures
from microresearch.report.style import MAX_HEIGHT, WIDTHS, StudyFigure

GALLERY = "docs/make_gallery.py"
WHERE_IT_MATTERS = {
    "one-without": ("heat-map", "peers", "correlations", "forest-cost"),
    "10-units": ("heat-map", "funnel", "calibration", "forest-cost"),
    "200-units": ("heat-map", "unit-shares", "funnel"),
}


def small_form() -> Instrument:
    """Two items a characteristic: what fifty items do is tested elsewhere, and takes seconds."""
    form = load_instrument("long-form")
    kept = [i for c in form.characteristics for i in [i for i in form.items if i.characteristic == c.code][:2]]
    return dataclasses.replace(form, items=tuple(kept))


def written(figure: StudyFigure) -> list[Text]:
    """The texts that are drawn: matplotlib keeps labels of ticks beyond the ends of an axis, which are not."""
    beyond: set[Text] = set()
    for axis in [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        out = [tick for tick in ticks if not low - 1e-9 <= tick.get_loc() <= high + 1e-9]
        beyond |= {label for tick in (out if axis.axes.axison else ticks) for label in (tick.label1, tick.label2)}
    texts: list[Any] = figure.findobj(lambda one: isinstance(one, Text))
    return [text for text in texts if text not in beyond and text.get_visible() and text.get_text().strip()
            and (text.axes is None or text.axes.get_visible())]  # fmt: skip


def faults(figure: StudyFigure) -> list[str]:
    """What is wrong with a figure, in words."""
    renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    texts = written(figure)
    boxes = np.array([text.get_window_extent(renderer).extents for text in texts])
    width, height = figure.bbox.size
    mm = figure.get_size_inches() * 25.4
    said = [] if mm[1] <= MAX_HEIGHT + 0.5 and min(abs(mm[0] - w) for w in WIDTHS.values()) < 0.1 else [f"size {mm}"]
    outside = (boxes[:, :2] < -0.5).any(axis=1) | (boxes[:, 2] > width + 0.5) | (boxes[:, 3] > height + 0.5)
    said += [f"outside: {texts[i].get_text()!r}" for i in np.flatnonzero(outside)]
    said += [f"{text.get_fontsize():.1f} pt: {text.get_text()!r}" for text in texts if text.get_fontsize() < 4.99]
    straight = np.array([text.get_rotation() % 90 == 0 for text in texts])
    inner = boxes + np.array([0.6, 0.6, -0.6, -0.6])
    over = (inner[:, None, :2] < inner[None, :, 2:]).all(-1) & (inner[None, :, :2] < inner[:, None, 2:]).all(-1)
    over &= np.outer(straight, straight) & np.tri(len(texts), k=-1, dtype=bool)
    said += [f"over each other: {texts[i].get_text()!r} and {texts[j].get_text()!r}" for i, j in np.argwhere(over)]
    return said + slanted(figure, renderer)


def slanted(figure: StudyFigure, renderer: Any) -> list[str]:
    """Slanted tick labels whose lines are thicker than the way to the next label."""
    said = []
    for axes in figure.axes:
        labels = [text for text in axes.get_xticklabels() if text.get_rotation() % 90 and text.get_text()]
        for one, two in itertools.pairwise(labels):
            apart = abs(two.get_transform().transform(two.get_position())[0]
                        - one.get_transform().transform(one.get_position())[0])  # fmt: skip
            turn = two.get_rotation()
            two.set_rotation(0)
            thick = two.get_window_extent(renderer).height
            two.set_rotation(turn)
            if thick > apart * np.sin(np.radians(turn)) + 0.5:
                said.append(f"slanted over each other: {one.get_text()!r} and {two.get_text()!r}")
    return said


@pytest.mark.parametrize("name", ["long-names", *WHERE_IT_MATTERS])
def test_every_figure_fits(name: str, script: Callable[[str], ModuleType]) -> None:
    made = script(GALLERY)
    assert set(made.SETTINGS) == {"long-names", *WHERE_IT_MATTERS}
    drawings = made.drawings(made.SETTINGS[name], small_form())
    wanted = WHERE_IT_MATTERS.get(name, [one for one in drawings if one != "careless"])  # which has no names
    wrong = {one: found for one in wanted if (found := faults(drawings[one]()))}
    assert not wrong


def test_every_figure_function_is_in_the_gallery() -> None:
    source = (Path(__file__).parents[2] / GALLERY).read_text(encoding="utf-8")
    functions = {name for name in figures.__all__ if name[0].islower()}
    assert {name for name in functions if f"figures.{name}(" in source} == functions

"""How is a matrix of values drawn? Cells, their numbers, and the bar that explains the colours."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from microresearch.report.style import QUIET, StudyFigure


def draw_cells(
    axes: Axes, values: NDArray[np.float64], texts: list[list[str]], colours: str, norm: Normalize, size: float = 6.0
) -> None:
    """Coloured cells with their texts; missing values are hatched, and `row 0` is at the top."""
    axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, norm=norm, edgecolors="white", linewidth=0.6)
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            if texts[row][column] != "":
                axes.add_patch(Rectangle((column, row), 1, 1, fc="white", ec="#b5b5b5", hatch="////", lw=0))
            continue
        if texts[row][column].strip() == "":
            continue
        red, green, blue, _ = axes.collections[0].get_cmap()(norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        axes.text(
            column + 0.5, row + 0.5, texts[row][column], ha="center", va="center", fontsize=size,
            color="white" if dark else "black", in_layout=False,
        )  # fmt: skip
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_bar(figure: StudyFigure, axes: Axes, label: str, shrink: float = 0.45) -> None:
    """The colour bar above the cells."""
    bar = figure.colorbar(axes.collections[0], ax=axes, location="top", aspect=50, shrink=shrink, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=QUIET)
    bar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    bar.set_label(label)

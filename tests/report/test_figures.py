from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from microresearch.errors import DataError
from microresearch.report.figures import (
    CURRENCY,
    RATIO,
    caterpillar_plot,
    flow_diagram,
    forest_plot,
    unit_heat_map,
)
from microresearch.report.style import StudyFigure

Scores = Callable[..., pd.DataFrame]


def inside(figure: StudyFigure) -> bool:
    """Everything drawn lies within the figure's edges (a hundredth of an inch of grace)."""
    renderer: Any = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    drawn, (width, height) = figure.get_tightbbox(renderer), figure.get_size_inches()
    return bool(drawn.x0 > -0.01 and drawn.y0 > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01)


@pytest.mark.parametrize(("n_units", "without"), [(10, ""), (200, "staff_focus")])
def test_unit_figures_hold_few_and_many_units_and_a_missing_characteristic(
    scores: Scores, names: dict[str, str], n_units: int, without: str
) -> None:
    frame = scores(n_units, without)
    for figure in (unit_heat_map(frame, names), caterpillar_plot(frame, names)):
        assert inside(figure)
        assert figure.data["unit"].nunique() == n_units
        assert set(figure.data["characteristic"]) == set(frame["characteristic"])
        assert "n_raters" not in figure.data
        assert figure.alt and figure.title


def test_heat_map_orders_units_and_survives_long_labels(scores: Scores, names: dict[str, str]) -> None:
    frame = scores(12)
    frame["unit"] = "Cardiothoracic intensive care " + frame["unit"]
    figure = unit_heat_map(frame, names)
    assert inside(figure)
    z = figure.data.assign(
        z=figure.data.groupby("characteristic")["score"].transform(lambda x: (x - x.mean()) / x.std())
    )
    means = z.groupby("unit", sort=False)["z"].mean()
    assert (np.diff(means) > -0.02).all()
    assert (figure.data["score"] == figure.data["score"].round(2)).all()


def test_unit_figures_refuse_what_they_cannot_draw(scores: Scores, names: dict[str, str]) -> None:
    frame = scores(3)
    with pytest.raises(DataError, match="eb_se"):
        caterpillar_plot(frame.drop(columns="eb_se"), names)
    with pytest.raises(DataError, match="not a characteristic"):
        unit_heat_map(frame.assign(characteristic="charisma"), names)
    with pytest.raises(DataError, match="two scores"):
        unit_heat_map(pd.concat([frame, frame]), names)
    with pytest.raises(DataError, match="no unit"):
        unit_heat_map(frame.assign(eb=np.nan), names)
    with pytest.raises(DataError, match="a result or a DataFrame"):
        unit_heat_map([1, 2], names)


def test_caterpillar_does_not_give_small_numbers_of_raters_away(names: dict[str, str]) -> None:
    frame = pd.DataFrame(
        {
            "unit": list("abcdef"),
            "characteristic": "leadership",
            "eb": [3.0, 3.1, 3.2, 3.3, 3.4, 3.5],
            "eb_se": [0.30, 0.25, 0.20, 0.10, 0.09, 0.08],
            "n_raters": [5, 7, 9, 25, 30, 40],
        }
    )
    data = caterpillar_plot(frame, names).data.set_index("unit")
    width = (data["ci_high"] - data["ci_low"]).round(2)
    assert width["a"] == width["b"] == width["c"] == pytest.approx(2 * 1.96 * 0.30, abs=0.02)
    assert width["f"] < width["d"] < width["c"]
    two = caterpillar_plot(frame.iloc[1:], names).data.set_index("unit")
    assert two.loc[["b", "c"], "ci_low"].isna().all()


def test_caterpillar_marks_only_units_apart_from_the_mean(names: dict[str, str]) -> None:
    frame = pd.DataFrame(
        {"unit": list("abc"), "characteristic": "leadership", "eb": [3.0, 3.5, 4.0], "eb_se": [0.1, 0.1, 0.4]}
    )
    assert "Leadership 1;" in caterpillar_plot(frame, names).alt


def test_forest_shows_corrected_and_naive_and_says_what_is_missing(linked: pd.DataFrame, names: dict[str, str]) -> None:
    linked.loc[3, ["ci_low", "ci_high", "p_holm"]] = np.nan
    linked.loc[3, "note"] = "18 units, fewer than 20: no interval"
    linked.loc[5, ["estimate", "ci_low", "ci_high", "p_holm"]] = np.nan
    linked.loc[5, "note"] = "reliability too low to correct"
    figure = forest_plot(linked.iloc[::-1], names)
    assert inside(figure)
    assert figure.data["characteristic"].tolist() == list(names)
    assert "Patient focus: not available." in figure.alt
    said = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert any("fewer than 20" in text and "too low" in text for text in said)
    assert "not available" in said
    assert {"estimate", "estimate_naive"} <= set(figure.data.columns)


def test_forest_marks_by_holm_and_not_by_the_interval(linked: pd.DataFrame, names: dict[str, str]) -> None:
    linked["p_holm"] = [0.01] + [0.2] * 9
    bold = {
        text.get_text().split(" (")[0]
        for text in forest_plot(linked, names).findobj(lambda a: hasattr(a, "get_fontweight"))
        if text.get_fontweight() == "bold" and text.get_text() in names.values()
    }
    assert bold == {"Leadership"}


def test_cost_forest_has_a_ratio_and_a_currency_panel(linked: pd.DataFrame, names: dict[str, str]) -> None:
    for column in ("estimate", "ci_low", "ci_high", "estimate_naive"):
        linked[column] = np.exp(0.02 * linked[column])
    linked["effect_currency"] = 9000 * (linked["estimate"] - 1)
    figure = forest_plot(linked, names, panels=(RATIO, CURRENCY))
    assert inside(figure)
    assert figure.axes[1].get_xscale() == "log" or figure.axes[0].get_xscale() == "log"
    assert "effect_currency" in figure.data


def test_forest_refuses_two_outcomes_at_once(linked: pd.DataFrame, names: dict[str, str]) -> None:
    with pytest.raises(DataError, match="stands twice"):
        forest_plot(pd.concat([linked, linked]), names)


def test_flow_diagram_counts_add_up_and_long_reasons_fit() -> None:
    frame = pd.DataFrame(
        {
            "reason": ["start", "Previews", "Fewer than half of the items that apply to the unit " * 3, "Other"],
            "excluded": [0, 20, 300, 15],
            "remaining": [1000, 980, 680, 665],
        }
    )
    figure = flow_diagram(frame)
    assert inside(figure)
    shown = [text.get_text().replace("\N{NO-BREAK SPACE}", " ") for text in figure.axes[0].texts]
    for words in ("(n = 1,000)", "(n = 20)", "(n = 300)", "(n = 15)", "(n = 665)"):
        assert any(words in text for text in shown), words
    assert "n = 980" in shown and "n = 680" in shown and "n = 665" not in shown
    with pytest.raises(DataError, match="no rows"):
        flow_diagram(frame.iloc[:0])


def test_flow_diagram_shows_no_number_that_is_not_there() -> None:
    frame = pd.DataFrame({"reason": ["start", "Previews"], "excluded": [0, None], "remaining": [None, 680]}).astype(
        {"excluded": "Int64", "remaining": "Int64"}
    )
    figure = flow_diagram(frame)
    assert figure.alt == (
        "Flow diagram. Responses received: not shown. Excluded: Previews not shown. Responses analysed: 680."
    )


def test_scores_of_too_few_raters_are_not_shown_and_counted(scores: Scores, names: dict[str, str]) -> None:
    frame = scores(12)
    frame["n_raters"] = np.where(frame["unit"].isin(["U001", "U002"]), 4, 20)
    for make in (unit_heat_map, caterpillar_plot):
        figure = make(frame, names, minimum=5)
        assert figure.data["unit"].nunique() == 10 and "(2 units)" in figure.note
        assert make(frame, names).data["unit"].nunique() == 12

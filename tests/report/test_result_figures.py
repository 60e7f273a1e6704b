import io
import itertools

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from microresearch.errors import DataError
from microresearch.instrument import load_instrument
from microresearch.psychometrics.cfa import cfa
from microresearch.report import figures
from microresearch.report.disclosure import guard
from microresearch.report.figures.items import pool
from microresearch.report.style import StudyFigure

FORM = load_instrument("long-form")
ITEMS = [item.code for item in FORM.items]
TEXTS = {item.code: item.text for item in FORM.items}
OPTIONS = [option.label for option in FORM.options]


def margins(figure: StudyFigure, dpi: int = 150) -> bool:
    """Nothing is cut at an edge: the outermost pixels of the picture are white."""
    grey = np.asarray(Image.open(io.BytesIO(figure.to_bytes("png", dpi))).convert("L"))
    edges = np.concatenate([grey[:1].ravel(), grey[-1:].ravel(), grey[:, :1].ravel(), grey[:, -1:].ravel()])
    return bool((edges > 250).all())


def answers(rng: np.random.Generator, n_items: int) -> pd.DataFrame:
    counts = [rng.multinomial(600, rng.dirichlet([2, 4, 5, 9, 6, 2, 0.5])) for _ in range(n_items)]
    return pd.DataFrame(counts, ITEMS[:n_items], [*OPTIONS, "Can't rate", "Blank"])


@pytest.mark.parametrize("n_items", [3, 52])
def test_items_with_their_full_wording_fit_and_give_no_small_count_away(n_items: int) -> None:
    counts = answers(np.random.default_rng(3), n_items)
    counts.iloc[0, 0], counts.iloc[1, 0], counts.iloc[2, 4] = 4, 0, 7
    figure = figures.item_distributions(counts, OPTIONS, labels=TEXTS, aside=["Can't rate", "Blank"])
    assert margins(guard(figure))
    data = figure.data.set_index(["item", "answer"])["percent"]
    assert data[ITEMS[0], OPTIONS[0]] is pd.NA or np.isnan(data[ITEMS[0], OPTIONS[0]])
    assert np.isnan(data[ITEMS[1], OPTIONS[0]])  # nobody looks like few
    assert np.isnan(data[ITEMS[2], OPTIONS[4]])
    total = figure.data[figure.data["answer"].isin(OPTIONS)].groupby("item")["percent"].sum()
    assert total.between(97, 103).all()


@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_pooling_loses_nobody_and_leaves_no_small_count(length: int) -> None:
    for row in itertools.product([0.0, 3.0, 40.0], repeat=length):
        pooled = pool(np.array(row), 10)
        assert np.nansum(pooled) == sum(row)
        if sum(row) > 10:
            assert (pooled[~np.isnan(pooled)] > 10).all()


def test_an_item_that_few_answered_is_refused() -> None:
    counts = pd.DataFrame([(3, 0, 3, 0), (40, 3, 0, 40)], ["few", "many"], list("abcd"))
    with pytest.raises(DataError, match="too few answers"):
        figures.item_distributions(counts, list("abcd"))
    assert figures.item_distributions(counts.iloc[1:], list("abcd")).data["percent"].sum() == pytest.approx(100, abs=2)


def test_item_correlations_stand_by_characteristic_and_keep_their_signs() -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(rng.normal(size=(60, 6)), columns=list("uvwxyz")).corr()
    groups = {"z": "Trust", "u": "Trust", "v": "Help", "w": "Help", "x": "Help", "y": "Trust"}
    figure = figures.item_correlation_heat_map(frame, groups)
    assert list(dict.fromkeys([*figure.data["column"], *figure.data["row"]]))[:3] == ["u", "y", "z"]
    assert figure.data["correlation"].sum() == pytest.approx((frame.to_numpy().sum() - 6) / 2)
    with pytest.raises(DataError, match="no characteristic is given for z"):
        figures.item_correlation_heat_map(frame, {k: v for k, v in groups.items() if k != "z"})
    with pytest.raises(DataError, match="same codes"):
        figures.item_correlation_heat_map(frame.iloc[::-1], groups)
    with pytest.raises(DataError, match="larger than 1"):
        figures.item_correlation_heat_map(2 * frame, groups)


def test_correlations_and_loadings_keep_their_signs(names: dict[str, str]) -> None:
    rng = np.random.default_rng(1)
    matrix = np.corrcoef(rng.normal(size=(10, 12)))
    frame = pd.DataFrame(matrix, list(names), list(names))
    figure = figures.correlation_heat_map(frame.iloc[::-1, ::-1], names)
    assert margins(figure) and len(figure.data) == 45
    assert np.ma.count(figure.axes[0].collections[0].get_array()) == 45
    row = figure.data.iloc[0]
    assert row["correlation"] == frame.loc[row["row"], row["column"]]
    assert (figure.data["correlation"] < 0).any()
    with pytest.raises(DataError, match="larger than 1"):
        figures.correlation_heat_map(2 * frame, names)

    loadings = pd.DataFrame(rng.normal(0, 0.4, (52, 10)), ITEMS, [f"F{i}" for i in range(10)])
    groups = {item.code: item.characteristic for item in FORM.items}
    figure = figures.loadings(loadings, labels=TEXTS, groups=groups)
    assert margins(figure) and len(figure.data) == 520
    assert figure.data["loading"].sum() == pytest.approx(loadings.to_numpy().sum())
    with pytest.raises(DataError, match="1 to 95"):
        figures.loadings(pd.concat([loadings, loadings]))


def test_scree_counts_only_the_leading_eigenvalues_above_chance() -> None:
    frame = pd.DataFrame(
        {"observed": [3.0, 1.0, 0.9, 0.85], "random_mean": 1.0, "random_percentile": [1.3, 1.1, 1.0, 0.8]}
    )
    figure = figures.scree(frame)
    assert "1 stands above" in figure.alt and margins(figure)
    with pytest.raises(DataError, match="must fall"):
        figures.scree(frame.iloc[::-1])


def test_missingness_hides_few_missing_and_few_present() -> None:
    frame = pd.DataFrame({"item": list("abcd"), "group": "nurse", "missing": [0, 5, 40, 96], "n": 100})
    figure = figures.missingness_map(frame)
    assert figure.data["percent"].fillna(-1).tolist() == [0, -1, 40, -1]
    rows = [(item, role, 30, 400) for item in ITEMS for role in ("nurse", "physician")]
    assert margins(figures.missingness_map(pd.DataFrame(rows, columns=list(frame)), labels=TEXTS))


def test_a_unit_among_its_peers_shows_no_peer_in_its_data(scores: object, names: dict[str, str]) -> None:
    frame = scores(30, "staff_focus")  # type: ignore[operator]
    figure = figures.unit_dot_plot(frame, names, "U003")
    assert margins(figure) and "unit" not in figure.data and len(figure.data) == 10
    own = frame[(frame["unit"] == "U003") & (frame["characteristic"] == "leadership")]["eb"].iloc[0]
    assert figure.data["score"].iloc[0] == round(own, 2)
    assert np.isnan(figure.data["score"].iloc[2])
    with pytest.raises(DataError, match="peers"):
        figures.unit_dot_plot(scores(3), names, "U003")  # type: ignore[operator]
    with pytest.raises(DataError, match="no score"):
        figures.unit_dot_plot(frame, names, "U999")


def test_funnel_leaves_small_units_out_and_finds_those_outside() -> None:
    size = np.array([5.0, 40.0, 90.0, 160.0])
    frame = pd.DataFrame({"unit": list("abcd"), "expected": size, "ratio": [3.0, 1.1, 0.5, 1.0]})
    for name, z in (("95", 1.96), ("998", 3.09)):
        frame[f"low_{name}"], frame[f"high_{name}"] = 1 - z / np.sqrt(size), 1 + z / np.sqrt(size)
    figure = figures.funnel_plot(frame)
    assert figure.data["unit"].tolist() == ["b", "c", "d"] and figure.data["outside"].tolist() == [False, True, False]
    assert "1 small units" in figure.note and margins(figure)
    with pytest.raises(DataError, match="no unit"):
        figures.funnel_plot(frame.iloc[:1])


def test_calibration_shows_groups_and_no_count() -> None:
    frame = pd.DataFrame({"n": [40, 30, 30], "n_events": [1, 6, 12], "expected": [0.0512, 0.2, 0.41]})
    frame = frame.assign(observed=[0.025, 0.2, 0.4], ci_low=[0.004, 0.1, 0.25], ci_high=[0.15, 0.3, 0.6])
    figure = guard(figures.calibration_plot(frame, times=100, said=("Slope 1.00",)))
    assert list(figure.data) == ["group", "expected", "observed", "ci_low", "ci_high"]
    assert figure.data["expected"].tolist() == [5.1, 20.0, 41.0] and margins(figure)
    assert "inside 3 of 3" in figure.alt and "Slope 1.00" in figure.alt
    with pytest.raises(DataError, match="two groups"):
        figures.calibration_plot(frame.iloc[:1])


def test_specification_curve_orders_estimates_and_keeps_their_choices() -> None:
    choices = list(itertools.product(["EB", "mean"], ["half", "all"], ["within hospitals", "pooled"]))
    frame = pd.DataFrame(choices, columns=["Score", "Missing rule", "Contrast"])
    frame["estimate"] = np.random.default_rng(2).normal(1, 1, 8)
    frame["ci_low"], frame["ci_high"] = frame["estimate"] - 1, frame["estimate"] + 1
    frame["primary"] = [True, *[False] * 7]
    figure = figures.specification_curve(frame, ["Score", "Missing rule", "Contrast"])
    assert margins(figure) and figure.data["estimate"].is_monotonic_increasing
    merged = figure.data.merge(frame, on=["Score", "Missing rule", "Contrast"])
    assert (merged["estimate_x"] == merged["estimate_y"]).all()
    apart = ((frame["ci_low"] > 0) | (frame["ci_high"] < 0)).sum()
    assert f"the interval of {apart} excludes 0" in figure.alt


def test_dose_and_plane() -> None:
    score = np.linspace(2, -2, 9)
    curve = pd.DataFrame({"score": score, "estimate": 9000 - 100 * score, "ci_low": 8000.0, "ci_high": 10000.0})
    figure = figures.dose_response(curve, labels=("Score", "EUR a stay"))
    assert figure.data["score"].is_monotonic_increasing and margins(figure)
    with pytest.raises(DataError, match="two or more"):
        figures.dose_response(curve.iloc[:1])
    draws = pd.DataFrame({"outcome": np.tile([1, 1, -1, 0], 50), "cost": np.tile([-1, 1, -1, -1], 50)})
    plane = figures.outcome_cost_plane(draws, estimate=(0.5, -0.5))
    assert margins(plane)
    assert "better and cheaper 38%, better and dearer 25%, worse and cheaper 38%, worse and dearer 0%" in plane.alt
    with pytest.raises(DataError, match="too few"):
        figures.outcome_cost_plane(draws.iloc[:50])


@pytest.mark.parametrize("n_factors", [1, 4, 10])
def test_path_diagram_of_few_and_of_all_factors(n_factors: int, names: dict[str, str]) -> None:
    factors = list(names)[:n_factors]
    rows = [(item.characteristic, "=~", item.code, 0.7) for item in FORM.items if item.characteristic in factors]
    rows += [(a, "~~", b, -0.3) for a, b in itertools.combinations(factors, 2)] + [(f, "~~", f, 1.0) for f in factors]
    table = pd.DataFrame(rows, columns=["lhs", "op", "rhs", "std.all"])
    figure = figures.path_diagram(table, labels={**TEXTS, **names})
    assert margins(figure)
    arcs = (figure.data["op"] == "~~").sum()
    assert arcs == (n_factors * (n_factors - 1) // 2 if n_factors <= 5 else 0)
    with pytest.raises(DataError, match="factors"):
        figures.path_diagram(table.iloc[:0])


def test_path_diagram_takes_a_fitted_model_and_refuses_several_groups() -> None:
    rng = np.random.default_rng(12)
    trait = rng.normal(size=(300, 1))
    data = pd.DataFrame(trait + rng.normal(size=(300, 4)), columns=list("abcd"))
    fitted = cfa("trust =~ a + b + c + d", data)
    figure = figures.path_diagram(fitted, labels={"trust": "Trust"})
    loads = fitted.parameters.query("op == '=~'")["std.all"].to_numpy()
    assert figure.data["value"].to_numpy() == pytest.approx(loads)
    two = pd.concat([fitted.parameters.assign(group=g) for g in ("nurse", "physician")])
    with pytest.raises(DataError, match="several groups"):
        figures.path_diagram(two)

"""What do the figures look like at final size? Draw each from synthetic results: `python docs/make_gallery.py`.

Every figure can be drawn of few or many units, with long names and without one characteristic, and the tests look for
faults that way. `python docs/make_gallery.py FOLDER` draws all of these into a folder, to be looked at.
"""

import io
import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

from microresearch.instrument import Instrument, load_instrument
from microresearch.report import figures
from microresearch.report.style import StudyFigure
from microresearch.results import NotAvailable

GALLERY = Path(__file__).parent / "gallery"
DPI = 150
Drawing = Callable[[], StudyFigure | NotAvailable]


@dataclass(frozen=True)
class Setting:
    """What a figure is drawn of: how many units, how long the names are at least, which characteristic has no data."""

    units: int = 48
    letters: int = 0
    without: str = ""


SETTINGS: Mapping[str, Setting] = {
    "10-units": Setting(units=10),
    "200-units": Setting(units=200),
    "long-names": Setting(letters=60),
    "one-without": Setting(without="staff_focus"),
}


def drawings(setting: Setting, form: Instrument | None = None) -> dict[str, Drawing]:
    """Every figure of the package by its file name, each drawn when it is called."""
    form = form or load_instrument("long-form")
    names = {one.code: _long(one.name, setting.letters) for one in form.characteristics}
    return _of_items(setting, form, names) | _of_units(setting, names) | _of_links(setting, names)


def _long(text: str, letters: int) -> str:
    more = " as it is seen by those who do the daily work of a unit together with patients"
    return text if len(text) >= letters else (text + more)[:letters].rstrip()


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


# ---------------------------------------------------------------- what was answered


def _of_items(setting: Setting, form: Instrument, names: dict[str, str]) -> dict[str, Drawing]:
    asked = [item for item in form.items if item.characteristic != setting.without]
    codes = [item.code for item in asked]
    texts = {item.code: _long(item.text, 2 * setting.letters) for item in asked}
    kinds = {item.code: names[item.characteristic] for item in asked}
    factors = [code for code in names if code != setting.without]
    options = [_long(option.label, setting.letters // 3) for option in form.options]
    return {
        "flow": lambda: figures.flow_diagram(_flow(setting)),
        "items": lambda: figures.item_distributions(
            _answers(codes, options), options, labels=texts, aside=["Can't rate", "Blank"]
        ),
        "missingness": lambda: figures.missingness_map(_missing(codes, setting), labels=texts),
        "missing-patterns": lambda: figures.missing_patterns_plot(_patterns(codes), labels=texts),
        "careless": lambda: figures.careless_indices(_careless()),
        "item-correlations": lambda: figures.item_correlation_heat_map(_correlations(codes, kinds), kinds),
        "loadings": lambda: figures.loadings(_loadings(kinds), labels=texts, groups=kinds),
        "scree": lambda: figures.scree(_eigenvalues(len(codes))),
        "paths-10-factors": lambda: figures.path_diagram(_model(asked, factors), labels=texts | names),
        "paths-4-factors": lambda: figures.path_diagram(_model(asked, factors[:4]), labels=texts | names),
    }


def _flow(setting: Setting) -> pd.DataFrame:
    reasons = ["start", "Test responses", "No consent", "Second response of a person", "Not on the roster",
               "Fewer than 50 % of the survey seen", "Faster than 120 seconds"]  # fmt: skip
    gone = np.array([0, 18, 24, 61, 33, 214, 47])
    return pd.DataFrame({"reason": [_long(reason, setting.letters) for reason in reasons], "excluded": gone,
                         "remaining": 40 * setting.units + 400 - gone.cumsum()})  # fmt: skip


def _answers(codes: list[str], options: list[str]) -> pd.DataFrame:
    rng = _rng(1)
    weights = [*np.linspace(2, 9, len(options) - 1), 6, 1.0, 0.6]
    rows = [rng.multinomial(1500, rng.dirichlet(weights)) for _ in codes]
    return pd.DataFrame(rows, codes, [*options, "Can't rate", "Blank"])


def _missing(codes: list[str], setting: Setting) -> pd.DataFrame:
    rng, roles = _rng(2), ["Nurse", "Physician", "Allied health professional", "Manager", "Clerical or support staff"]
    rows = [
        (code, _long(role, setting.letters // 2), int(rng.integers(0, 90)), 400) for code in codes for role in roles
    ]
    return pd.DataFrame(rows, columns=["item", "group", "missing", "n"])


def _patterns(codes: list[str]) -> pd.DataFrame:
    rng = _rng(3)
    missing = np.vstack([np.zeros(len(codes), bool), rng.random((23, len(codes))) < 0.06])
    n = np.sort(np.append(rng.integers(5, 140, 23), 700))[::-1]
    table = pd.DataFrame(missing, columns=codes)
    table.insert(0, "n_missing", missing.sum(axis=1))
    table.insert(0, "share", n / n.sum())
    table.insert(0, "n", n)
    table.insert(0, "pattern", np.arange(1, len(n) + 1))
    return table


def _careless() -> SimpleNamespace:
    rng, n = _rng(4), 1500
    indices = pd.DataFrame(
        {
            "longest_run": np.where(rng.random(n) < 0.05, rng.integers(26, 52, n), rng.geometric(0.22, n) + 1),
            "irv": rng.gamma(30, 0.03, n), "mahalanobis_p": rng.beta(0.5, 1.0, n) ** 1.6,
            "even_odd": np.tanh(rng.normal(0.9, 0.5, n)), "synonyms": np.tanh(rng.normal(0.6, 0.4, n)),
            "seconds_per_item": rng.lognormal(1.9, 0.5, n),
        }
    )  # fmt: skip
    cuts = {"longest_run": 26.0, "mahalanobis_p": 0.001, "even_odd": 0.3, "synonyms": 0.0, "seconds_per_item": 2.0}
    above = {"longest_run"}
    flags = pd.DataFrame({k: indices[k] >= c if k in above else indices[k] < c for k, c in cuts.items()})
    return SimpleNamespace(indices=indices, cuts=cuts, flags=flags)


def _correlations(codes: list[str], kinds: dict[str, str]) -> pd.DataFrame:
    rng = _rng(5)
    traits = {kind: 0.5 * rng.normal(size=400) for kind in kinds.values()}
    common = rng.normal(size=400)
    answers = {code: common + traits[kinds[code]] * 2 + rng.normal(size=400) for code in codes}
    return pd.DataFrame(answers).corr()


def _loadings(kinds: dict[str, str]) -> pd.DataFrame:
    factors = list(dict.fromkeys(kinds.values()))
    own = np.array([[kind == factor for factor in factors] for kind in kinds.values()])
    values = np.where(own, _rng(6).uniform(0.45, 0.85, own.shape), _rng(7).normal(0, 0.12, own.shape))
    return pd.DataFrame(values, list(kinds), factors)


def _eigenvalues(items: int) -> pd.DataFrame:
    chance = np.linspace(0.34, -0.30, items)
    observed = np.linspace(0.30, -0.32, items)
    observed[:7] = [15.2, 2.1, 1.6, 1.2, 0.9, 0.7, 0.5]
    return pd.DataFrame({"observed": observed, "random_mean": chance, "random_percentile": chance + 0.05})


def _model(asked: list, factors: list[str]) -> pd.DataFrame:
    rng = _rng(8)
    rows = [(i.characteristic, "=~", i.code, rng.uniform(0.5, 0.85)) for i in asked if i.characteristic in factors]
    rows += [(a, "~~", b, rng.uniform(-0.2, 0.8)) for a, b in itertools.combinations(factors, 2)]
    return pd.DataFrame(rows, columns=["lhs", "op", "rhs", "std.all"])


# ---------------------------------------------------------------- units


def _of_units(setting: Setting, names: dict[str, str]) -> dict[str, Drawing]:
    scores = _scores(setting, names)
    return {
        "heat-map": lambda: figures.unit_heat_map(scores, names),
        "caterpillar": lambda: figures.caterpillar_plot(scores, names),
        "peers": lambda: figures.unit_dot_plot(scores, names, scores["unit"].iloc[2]),
        "correlations": lambda: figures.correlation_heat_map(_between(setting, names), names),
        "unit-shares": lambda: figures.unit_shares(_shares(setting), n_raters=pd.Series(25, index=_units(setting))),
        "funnel": lambda: figures.funnel_plot(_funnel(setting)),
        "calibration": lambda: figures.calibration_plot(
            _calibration(setting), times=100, labels=(_long("Expected %", setting.letters), "Observed % (95% CI)"),
            said=("Calibration slope 0.97 (0.88 to 1.06)", "c-statistic 0.71 (0.69 to 0.73)"),
        ),
    }  # fmt: skip


def _units(setting: Setting) -> list[str]:
    return [_long(f"Unit {i:02d}", setting.letters) for i in range(1, setting.units + 1)]


def _scores(setting: Setting, names: dict[str, str]) -> pd.DataFrame:
    rng = _rng(9)
    units, level = _units(setting), rng.normal(0, 0.25, setting.units)
    parts = [
        pd.DataFrame({"unit": units, "characteristic": code, "eb": 3.6 + level + rng.normal(0, 0.2, setting.units),
                      "eb_se": rng.uniform(0.06, 0.2, setting.units)})
        for code in names if code != setting.without
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _between(setting: Setting, names: dict[str, str]) -> pd.DataFrame:
    draws = _rng(10).normal(size=(60, len(names)))
    matrix = pd.DataFrame(draws + draws[:, :1] * 0.9, columns=list(names)).corr()
    if setting.without:
        matrix.loc[setting.without, :] = matrix.loc[:, setting.without] = np.nan
    return matrix


def _shares(setting: Setting) -> pd.DataFrame:
    rng = _rng(11)
    share = rng.beta(2, 30, setting.units)
    half = np.minimum(rng.uniform(0.01, 0.05, setting.units), share)
    return pd.DataFrame({"item": "all items", "unit": _units(setting), "estimate": share, "ci_low": share - half,
                         "ci_high": share + half})  # fmt: skip


def _funnel(setting: Setting) -> pd.DataFrame:
    rng = _rng(12)
    size = rng.gamma(2.5, 22, setting.units) + 12
    frame = pd.DataFrame({"unit": _units(setting), "expected": size,
                          "ratio": rng.poisson(size * rng.gamma(60, 1 / 60, len(size))) / size})  # fmt: skip
    for name, z in (("95", 1.96), ("998", 3.09)):
        frame[f"low_{name}"], frame[f"high_{name}"] = np.maximum(1 - z / np.sqrt(size), 0), 1 + z / np.sqrt(size)
    return frame


def _calibration(setting: Setting) -> pd.DataFrame:
    groups = 10 if setting.units >= 20 else 3
    risk = np.linspace(0.02, 0.4, groups) ** 1.3
    observed = np.clip(risk + _rng(17).normal(0, 0.012, groups), 0.004, 1)
    half = 2 * np.sqrt(observed * (1 - observed) / (12 * setting.units))
    return pd.DataFrame({"expected": risk, "observed": observed, "ci_low": np.maximum(observed - half, 0.001),
                         "ci_high": observed + half})  # fmt: skip


# ---------------------------------------------------------------- outcomes and costs


def _of_links(setting: Setting, names: dict[str, str]) -> dict[str, Drawing]:
    linked, cost = _linked(setting, names, False), _linked(setting, names, True)
    choices = ["Score", "Missing rule", "Contrast", "Case mix"]
    return {
        "forest": lambda: figures.forest_plot(linked, names),
        "forest-crude": lambda: figures.forest_plot(
            _with_crude(cost), names, panels=(replace(figures.RATIO, crude="crude"), figures.CURRENCY)
        ),
        "forest-cost": lambda: figures.forest_plot(cost, names, panels=(figures.RATIO, figures.CURRENCY)),
        "influence": lambda: figures.influence_plot(_left_out(linked, setting), linked, names),
        "specifications": lambda: figures.specification_curve(_specifications(choices, setting), choices),
        "dose-response": lambda: figures.dose_response(
            _curve(), labels=("Unit score (SD from the mean)", _long("US dollars a stay", setting.letters))
        ),
        "outcome-cost-plane": lambda: figures.outcome_cost_plane(
            _draws(), estimate=(0.9, -70.0),
            labels=(_long("Experience, points per SD", setting.letters), _long("US dollars per SD", setting.letters)),
        ),
    }  # fmt: skip


def _linked(setting: Setting, names: dict[str, str], money: bool) -> pd.DataFrame:
    effect = _rng(13).normal(0.9, 0.9, len(names))
    frame = pd.DataFrame({"characteristic": list(names), "estimate": effect, "ci_low": effect - 1.3,
                          "ci_high": effect + 1.3, "estimate_naive": 0.7 * effect, "note": "",
                          "p_holm": np.round(np.exp(-1.6 * np.abs(effect)), 3)})  # fmt: skip
    if money:
        parts = ["estimate", "ci_low", "ci_high", "estimate_naive"]
        frame[["effect_currency", "currency_low", "currency_high"]] = 9500 * (np.exp(-0.02 * frame[parts[:3]]) - 1)
        frame[parts] = np.exp(-0.02 * frame[parts])
        frame["ci_low"], frame["ci_high"] = frame["ci_high"], frame["ci_low"].copy()
        frame["currency_low"], frame["currency_high"] = frame["currency_high"], frame["currency_low"].copy()
    gone = frame["characteristic"] == setting.without
    frame.loc[gone, frame.columns.difference(["characteristic", "note"])] = np.nan
    frame.loc[gone, "note"] = "no unit has a score of this characteristic"
    if setting.units < 20:
        frame.loc[:, [c for c in frame if c.endswith(("_low", "_high"))]] = np.nan
        frame["note"] = frame["note"].where(gone, "10 units, fewer than 20: no interval")
    return frame


def _with_crude(linked: pd.DataFrame) -> pd.DataFrame:
    shown, half = linked.copy(), linked["ci_high"] - linked["estimate"]
    shown["crude"] = shown["estimate_naive"] + half.fillna(0.01)
    for name, wide in (("estimate_naive", 0.7), ("crude", 0.9)):
        shown[f"{name}_low"], shown[f"{name}_high"] = shown[name] - wide * half, shown[name] + wide * half
    return shown


def _left_out(linked: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    rows = linked.dropna(subset=["estimate"]).loc[:, ["characteristic", "estimate"]]
    moved = rows.loc[rows.index.repeat(setting.units)].reset_index(drop=True)
    return moved.assign(estimate=moved["estimate"] + _rng(14).normal(0, 1.5 / np.sqrt(setting.units), len(moved)))


def _specifications(choices: list[str], setting: Setting) -> pd.DataFrame:
    options = [["empirical Bayes", "mean", "share of top answers"], ["half", "all", "any"],
               ["within hospitals", "all units"], ["full", "age and sex", "none"]]  # fmt: skip
    chosen = [[_long(o, setting.letters) for o in part] for part in options]
    frame = pd.DataFrame(list(itertools.product(*chosen)), columns=choices)
    frame["estimate"] = _rng(15).normal(0.8, 0.5, len(frame))
    frame["ci_low"], frame["ci_high"] = frame["estimate"] - 0.9, frame["estimate"] + 0.9
    return frame.assign(primary=np.arange(len(frame)) == 0)


def _curve() -> pd.DataFrame:
    score = np.linspace(-2, 2, 21)
    middle = 9500 * np.exp(-0.02 * score)
    half = 90 + 70 * np.abs(score)
    return pd.DataFrame({"score": score, "estimate": middle, "ci_low": middle - half, "ci_high": middle + half})


def _draws() -> pd.DataFrame:
    draws = _rng(16).multivariate_normal([0.9, -70], [[0.4, -12], [-12, 9000]], 1000)
    return pd.DataFrame(draws, columns=["outcome", "cost"])


# ---------------------------------------------------------------- pictures


def _picture(name: str, drawn: StudyFigure | NotAvailable, folder: Path) -> None:
    if isinstance(drawn, NotAvailable):
        raise SystemExit(f"{name}: {drawn.reason}")
    picture = Image.open(io.BytesIO(drawn.to_bytes("png", DPI))).convert("RGB")
    picture.quantize(192, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


def main() -> None:
    """The thumbnails of docs/gallery, or with a folder's name every figure in every setting."""
    if len(sys.argv) > 1:
        folder = Path(sys.argv[1])
        folder.mkdir(parents=True, exist_ok=True)
        for what, setting in SETTINGS.items():
            for name, draw in drawings(setting).items():
                _picture(f"{name}-{what}", draw(), folder)
        return
    few, many = Setting(10), Setting(200, without="staff_focus")
    usual, gone = drawings(Setting()), drawings(Setting(without="staff_focus"))
    chosen = usual | {"forest": gone["forest"], "correlations": gone["correlations"]}
    for name in ("heat-map", "caterpillar"):
        del chosen[name]
        chosen |= {f"{name}-10-units": drawings(few)[name], f"{name}-200-units": drawings(many)[name]}
    for name, draw in chosen.items():
        _picture(name, draw(), GALLERY)


if __name__ == "__main__":
    main()

"""How do the survey's accounts become tables? Columns, cells, rates, flags, missing answers, the data dictionary."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from microresearch.instrument import Instrument
from microresearch.report.labelled_table import labelled_table
from microresearch.report.tables import ALL, Table
from microresearch.results import NotAvailable

if TYPE_CHECKING:
    from microresearch.survey.careless_indices import Careless
    from microresearch.survey.expert_ratings import ContentValidity
    from microresearch.survey.missing import McarTest, MissingPatterns
    from microresearch.units.response_rates import ResponseRates

STATES = {"answered": "Answered", "cant_rate": "Can't rate", "blank": "Blank", "not_applicable": "Not applicable"}


def column_table(uses: pd.DataFrame) -> Table:
    """What became of the export's columns: those of answers counted, all others by name with the reason."""
    others = uses[uses["use"] != "answers"].assign(why=lambda frame: frame["why"].replace("", "used by the study"))
    order = others["use"].eq("dropped").sort_values(kind="stable").index
    answers = int((uses["use"] == "answers").sum())
    dropped = int((others["why"] == "direct identifier").sum())
    return labelled_table(
        others.loc[order], "What became of the columns of the survey export",
        {"column": "Column", "use": "Use", "why": "Why"},
        notes=(
            f"{answers} columns more hold answers to items. Direct identifiers dropped on reading: {dropped}. No cell "
            "of a dropped column is kept anywhere.",
        ),
    )  # fmt: skip


def cell_table(account: pd.DataFrame, form: str) -> Table:
    """The raw file's cells and the states that they became, by role: by item, few people would follow from others."""
    labels = {
        "role": "Role", "raw_rows": "Cells", "raw_filled": "Filled cells", **STATES, "unexplained": "Unexplained",
    }  # fmt: skip
    named = account.assign(role=account["role"].replace("", "not given"), unexplained=account["unexplained"].abs())
    summed = named.drop(columns="item").groupby("role", sort=False).sum().reset_index()
    states = {state: {"state": word} for state, word in STATES.items()}
    return labelled_table(
        summed, f"Answers in the raw file and what they became: {form}", labels,
        counts=("raw_rows", "raw_filled", *STATES), of=f"answers to {form}", by=("role",),
        where={"raw_rows": {}, "raw_filled": {"filled": "yes"}, **states},
        notes=(
            "A cell is an item of a row of the export, before any exclusion. Filled cells = answered + can't rate + "
            "cells set aside because the item does not apply to the unit; unexplained is what is left, added up over "
            "items.",
        ),
    )  # fmt: skip


def rate_table(rates: "ResponseRates", title: str, by: str = "role") -> Table:
    """RR1 and RR2 of all staff and of every role, or of every unit."""
    answered = {"answered": "yes"}
    groups = rates.roles if by == "role" else rates.units
    frame = pd.concat([rates.overall.set_axis([ALL]), groups]).rename_axis(by).reset_index()
    return Table(
        frame[[by, "n_roster"]].assign(rr1=100 * frame["rr1"], rr2=100 * frame["rr2"]), title,
        counts=("n_roster",), shares={"rr1": ("", "n_roster"), "rr2": ("", "n_roster")},
        of="staff", by=(by,), where={"n_roster": {}, "rr1": {**answered, "complete": "yes"}, "rr2": answered},
        labels={by: by.capitalize(), "n_roster": "On the roster", "rr1": "RR1 (%)", "rr2": "RR2 (%)"},
        decimals={"rr1": 1, "rr2": 1}, notes=((f"{rates.note}.",) if rates.note else ()),
    )  # fmt: skip


def careless_table(found: "Careless", minimum_flags: int, form: str) -> Table:
    """Each index with its cut and how many it flags, or why it cannot be had."""
    frame = found.to_frame()
    frame["side"] = frame["suspicious"].where(frame["cut"].notna())
    several = int((found.n_flags >= minimum_flags).sum())
    last = {"index": "flagged", "what": f"{minimum_flags} flags or more", "n": len(found.indices), "flagged": several}
    frame = pd.concat([frame, pd.DataFrame([last])], ignore_index=True)
    had = [{f"has {one}": "yes"} for one in frame["index"][:-1]]
    flagged = [{**one, f"flag {name}": "yes"} for one, name in zip(had, frame["index"], strict=False)]
    labels = {
        "what": "Index", "side": "Suspicious", "cut": "Cut", "n": "People with it", "flagged": "Flagged",
        "note": "Note",
    }  # fmt: skip
    return labelled_table(
        frame.astype({"n": "Int64", "flagged": "Int64"}), f"Indices of careless responding: {form}", labels,
        counts=("n", "flagged"), decimals={"cut": 3}, of="respondents",
        whom={"n": [*had, {}], "flagged": [*flagged, {"flags": "several"}]},
        notes=(f"{found.method[:1].upper()}{found.method[1:]}.",),
    )  # fmt: skip


def effect_table(beside: pd.DataFrame, names: Mapping[str, str], form: str) -> Table:
    """Scores and alpha of everybody beside those without the flagged."""
    said = {"mean": "Mean", "sd": "SD", "alpha": "Alpha"}
    labels = {"characteristic": "Characteristic", "n": "n, all", "n_without": "n, without"}
    for name, word in said.items():
        labels |= {name: f"{word}, all", f"{name}_without": f"{word}, without"}
    return labelled_table(
        _named(beside, names).dropna(axis=1, how="all"), f"Scores and reliability with and without the flagged: {form}",
        labels, counts=("n", "n_without"), bounded=("alpha", "alpha_without"), of="respondents",
        whom={"n": [scored(code, form) for code in beside["term"]],
              "n_without": [{**scored(code, form), "flags": "not several"} for code in beside["term"]]},
    )  # fmt: skip


def pattern_table(found: "MissingPatterns", instrument: Instrument, most: int = 15, threshold: int = 10) -> Table:
    """The commonest combinations of missing items, the rest together with those that few people show."""
    table, items = found.table, [item.code for item in instrument.items]
    head = table[table["n"] > threshold].head(most)
    rows: list[dict[str, object]] = [
        {"missing": _listed([code for code in items if row[code]]), "items": int(row["n_missing"]), "n": int(row["n"]),
         "percent": 100 * float(row["share"])}
        for row in head.to_dict("records")
    ]  # fmt: skip
    if len(table) > len(head):
        rest = table.iloc[len(head) :]
        what = f"{len(rest):,} other patterns"
        rows.append({"missing": what, "n": int(rest["n"].sum()), "percent": 100 * float(rest["share"].sum())})
    labels = {"missing": "Missing items", "items": "How many", "n": "Responses", "percent": "%"}
    return labelled_table(
        pd.DataFrame(rows).astype({"items": "Int64"} if "items" in rows[0] else {}),
        f"Patterns of missing answers: {instrument.name}", labels, counts=("n",), decimals={"percent": 1},
        shares={"percent": ("n", "")}, of="respondents", by=("missing",),
        notes=("Missing: blank or can't rate. Items that do not apply to a unit are not missing.",),
    )  # fmt: skip


def cant_rate_table(rates: pd.DataFrame, by: str, form: str, least: int = 0) -> Table:
    """The share of can't rate over all items, a row a group; `least` respondents have the groups that are given."""
    frame, asked = rates[rates["item"] == "all items"].copy(), {"analysed": "first wave", "asked": "yes"}
    for column in ("estimate", "ci_low", "ci_high"):
        frame[column] = (100 * frame[column].astype("float64")).round(1)  # more digits would tell how many answered
    if by == "unit":
        frame = frame.drop(columns=["n", "cant_rate"])  # answers asked for, by items: how few staff a unit has
    shares = dict.fromkeys(("estimate", "ci_low", "ci_high"), ("cant_rate", "n")) if by != "unit" else {}
    labels = {
        by: by.capitalize(), "n": "Answers asked for", "cant_rate": "Can't rate", "estimate": "%",
        "ci_low": "95% CI low", "ci_high": "high",
    }  # fmt: skip
    return labelled_table(
        frame.assign(**{by: frame[by].replace("", "not given")}), f"Can't rate by {by}: {form}", labels,
        counts=("n", "cant_rate"), shares=shares,
        decimals=dict.fromkeys(("estimate", "ci_low", "ci_high"), 1), of=f"answers to {form}", by=(by,),
        where={"n": asked, "cant_rate": {**asked, "state": STATES["cant_rate"]}},
        notes=(
            "Mean over respondents of their share of items marked can't rate, with its t interval."
            + (f" Only {by}s with {least} or more respondents." if least else ""),
        ),
    )  # fmt: skip


def mcar_table(tests: "Mapping[str, McarTest | NotAvailable]", form: str) -> Table:
    """Little's test of all items and of each characteristic."""
    rows: list[dict[str, object]] = []
    for name, test in tests.items():
        row: dict[str, object] = {"items": name}
        if isinstance(test, NotAvailable):
            row["statistic"] = test
        else:
            row |= {
                "statistic": test.statistic, "df": test.df, "p": test.p, "patterns": test.n_patterns,
                "n": test.n_used,
            }  # fmt: skip
        rows.append(row)
    frame = pd.DataFrame(rows)
    whole = {column: "Int64" for column in ("df", "patterns", "n") if column in frame}
    labels = {
        "items": "Items", "statistic": "Chi-square", "df": "df", "p": "p", "patterns": "Patterns", "n": "Responses",
    }  # fmt: skip
    return labelled_table(
        frame.astype(whole), f"Little's test of answers missing completely at random: {form}", labels, counts=("n",),
        of="respondents",
        whom={"n": [in_test(name, form) for name in tests]} if "n" in frame else {},
        notes=(
            "Little (1988). A small p says that answers are not missing completely at random; a large one does not "
            "prove that they are. With nearly a pattern a person the test of all items holds poorly: read those of the "
            "characteristics.",
        ),
    )  # fmt: skip


def missing_table(beside: pd.DataFrame, names: Mapping[str, str], form: str, method: str) -> Table:
    """Mean scores from complete cases, under the missing rule and over imputations."""
    labels = {
        "characteristic": "Characteristic", "method": "Missing answers", "n": "n", "estimate": "Mean", "se": "SE",
        "ci_low": "95% CI low", "ci_high": "high", "df": "df", "fmi": "Missing information", "note": "Note",
    }  # fmt: skip
    return labelled_table(
        _named(beside, names), f"Mean scores by complete cases, missing rule and imputation: {form}", labels,
        counts=("n",), decimals={"se": 3, "df": 1, "fmi": 3}, of="respondents",
        whom={"n": [_way(code, how, form) for code, how in zip(beside["term"], beside["method"], strict=True)]},
        notes=(
            f"Imputed by {method}; pooled by Rubin's rules with Barnard and Rubin's degrees of freedom. Standard "
            "errors allow for staff of one unit answering alike.",
        ),
    )  # fmt: skip


def unit_missing_table(beside: pd.DataFrame, names: Mapping[str, str], form: str, minimum: int) -> Table:
    """How the units' mean scores change with the way in which missing answers are dealt with."""
    labels = {
        "characteristic": "Characteristic", "method": "Missing answers", "n_units": "Units", "sd": "SD of unit means",
        "r": "r with the rule's", "largest": "Largest difference",
    }  # fmt: skip
    return labelled_table(
        _named(beside, names), f"Unit means by complete cases, missing rule and imputation: {form}", labels,
        bounded=("r",), decimals={"sd": 3, "r": 3},
        notes=(f"Units in which {minimum} or more respondents have a score under every way.",),
    )  # fmt: skip


def dictionary_table(dictionary: pd.DataFrame, instrument: Instrument) -> Table:
    """The data dictionary: what each variable is, what was allowed, how often it was answered, and in what range."""
    frame = dictionary.assign(characteristic=dictionary["characteristic"].map(instrument.names))
    labels = {
        "variable": "Variable", "wording": "Wording", "low": "Low", "high": "High", "reversed": "Reversed",
        "applies": "Asked in", "characteristic": "Characteristic", "n": "n", **STATES, "lowest": "Lowest",
        "highest": "Highest",
    }  # fmt: skip
    options = next((text for text in dictionary["options"] if isinstance(text, str)), "")
    title = f"Data dictionary: {instrument.name} {instrument.version}".rstrip()
    answers = {state: [{str(one): word} for one in frame["variable"]] for state, word in STATES.items()}
    return labelled_table(
        frame, title, labels, counts=("n", *STATES), of="respondents", whom={"n": [{}] * len(frame), **answers},
        decimals=dict.fromkeys(("low", "high", "lowest", "highest"), 0),
        notes=(
            f"Options: {options}. Lowest and highest: as observed, before reversed items are turned. Of what is known "
            "of people, answered counts those for whom it is known.",
            f"Content validity: {instrument.content_validity}.",
        ),
    )  # fmt: skip


def content_validity_table(found: "ContentValidity") -> Table:
    """I-CVI and modified kappa of each item, with those of the form in the note."""
    labels = {
        "item": "Item", "experts": "Experts", "agreeing": "Calling it relevant", "i_cvi": "I-CVI", "kappa": "Kappa*",
        "verdict": "Verdict",
    }  # fmt: skip
    return labelled_table(
        found.items, "Content validity by experts' ratings", labels,
        notes=(
            f"S-CVI/Ave {found.s_cvi_ave:.2f}, S-CVI/UA {found.s_cvi_ua:.2f}, {found.n_experts} experts; "
            f"{found.method}.",
        ),
    )  # fmt: skip


def _named(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    return frame.assign(characteristic=[names.get(str(code), str(code)) for code in frame["term"]])


def scored(code: object, form: str) -> dict[str, str]:
    """Those with a score of a characteristic under the study's rule for missing answers."""
    return {f"{form}, {code}: score": "yes"}


def complete(code: object, form: str) -> dict[str, str]:
    """Those who answered every item of a characteristic that applies to them."""
    return {**scored(code, form), f"{form}, {code}: every item that applies": "yes"}


def in_test(name: str, form: str) -> dict[str, str]:
    """Those whom Little's test holds."""
    return {f"{form}, {name}: tested": "yes"}


def _way(code: object, method: object, form: str) -> dict[str, str]:
    if method == "complete cases":
        return complete(code, form)
    return scored(code, form) if str(method).startswith("rule") else {}


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(codes) if codes else "none"

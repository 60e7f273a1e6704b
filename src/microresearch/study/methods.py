"""What does study.toml decide, in the words of a methods section? One paragraph a decision."""

from typing import TYPE_CHECKING

from microresearch.report.figures.inputs import listed

if TYPE_CHECKING:
    from microresearch.study.linking_sections import CaseMix, Outcome
    from microresearch.study.spec import StudySpec

BEFORE: dict[str, tuple[tuple[str, str], ...]] = {
    "Background and aims": (("summary", ""), ("background", ""), ("hypotheses", "")),
    "Methods: design and participants": (
        ("design", "Design. "), ("setting", "Setting. "), ("participants", "Participants. "), ("size", "Study size. "),
        ("bias", "Bias. "), ("linkage", "Linkage. "),
        ("validation", "Validation. "), ("comparison", "Comparison. "),
        ("perspective", "Perspective of costs. "), ("involvement", "Involvement. "), ("ethics", "Ethics. "),
    ),
}  # fmt: skip
AFTER: dict[str, tuple[tuple[str, str], ...]] = {
    "Discussion": (("interpretation", ""), ("limitations", "Limitations. "), ("generalisability", "Generality. ")),
    "Other information": (
        ("funding", "Funding. "), ("conflicts", "Conflicts of interest. "), ("availability", "Data and code. "),
    ),
}  # fmt: skip
ANALYSIS = "Methods: measures and analysis"
"""The heading under which study.toml and the notebooks say how things were measured and analysed."""

RULES = {"half": "half of the applicable items", "all": "all applicable items", "any": "any applicable item"}
KINDS = {
    "continuous": "a continuous outcome", "count": "a count", "binary": "an event that a stay has or has not",
    "cost": "a cost",
}  # fmt: skip
BASES = {
    "charges x ccr": "charges times the hospital's cost-to-charge ratio", "direct": "direct costs",
    "full": "full costs",
}  # fmt: skip
ESTIMANDS = {
    "mean": "the mean of the answers", "top": "the share of answers at the best level",
    "positive": "the share of answers above the cut", "at_or_above": "the share of answers at or above the cut",
}  # fmt: skip


def decided(spec: "StudySpec") -> tuple[str, ...]:
    """The paragraphs, in the order of the file; a decision that the study did not need is left out."""
    return tuple(
        text
        for text in (_survey(spec), _scores(spec), _outcomes(spec), _months(spec), _costs(spec), _plan(spec))
        if text
    )


def _survey(spec: "StudySpec") -> str:
    if spec.survey is None:
        return ""
    forms = listed(list(spec.study.instruments))
    said = f"Survey. Staff answered {forms}. The export was read as it was received; every answer is kept as answered, "
    said += "can't rate, blank or not applicable. "
    rules = [str(rule.get("reason") or _rule(rule)) for rule in spec.cleaning]
    if rules:
        said += f"Responses were left out, each at the first rule that applied: {'; '.join(rules)}."
    return said.strip()


def _rule(rule: dict[str, object]) -> str:
    """A cleaning rule with its settings, as study.toml gives them."""
    more = [f"{key} {value}" for key, value in rule.items() if key not in ("rule", "reason", "accepted")]
    return f"{str(rule['rule']).replace('_', ' ')}{f' ({listed(more)})' if more else ''}"


def _scores(spec: "StudySpec") -> str:
    if spec.survey is None:
        columns = listed([c.replace("_", " ") for c in spec.exposure.columns]) if spec.exposure else ""
        return f"Exposure. Units were described by {columns}, as given." if columns else ""
    needed = spec.scores.missing
    share = RULES[needed] if isinstance(needed, str) else f"{100 * needed:g} % of the applicable items"
    said = (
        f"Scores. A person's score on a characteristic is {ESTIMANDS[spec.scores.estimand]}, reversed items turned by "
        f"the ends of their scale, and needs {share} answered; nothing is imputed. A unit's score is that of its "
        "staff, raw and as an empirical-Bayes estimate. Units with fewer than "
        f"{spec.scores.minimum_raters} raters are not shown, and stay in every model."
    )
    if spec.units is not None and spec.units.covariates:
        said += f" Units are adjusted for {listed(list(spec.units.covariates))}"
        said += f", within {spec.units.hospital}s." if spec.units.hospital else "."
    return said


def _outcomes(spec: "StudySpec") -> str:
    if not spec.outcomes or spec.encounters is None:
        return ""
    said = f"Outcomes. {'; '.join(map(_outcome, spec.outcomes))}. Both come from routine data, alike for all units."
    if len(spec.outcomes) != 2:
        said = said.replace("Both come", "They come")
    mix = spec.encounters.case_mix
    if mix:
        said += f" Stays are adjusted for what is known at admission: {listed([_case_mix(one) for one in mix])}."
    if spec.encounters.mediators:
        said += f" Declared as mediators: {listed(list(spec.encounters.mediators))}."
    said += " Stays that lack an outcome or a covariate are counted under their reason and left out."
    if (drawn := spec.encounters.imputation) is not None:
        said += (
            f" Beside these complete cases stands every outcome with missing case mix imputed {drawn.m} times "
            f"({drawn.iterations} rounds of data augmentation), given a stay's unit, its other case mix and its "
            "outcome; effects are pooled by Rubin's rules, with at most units less unit-level coefficients as df."
        )
    return said


def _months(spec: "StudySpec") -> str:
    if spec.unit_months is None:
        return ""
    said = listed([f"{one.label} ({one.exposure.replace('_', ' ')})" for one in spec.unit_months.outcomes])
    return f"Indicators. Counted per unit and month, with what they could arise in as exposure: {said}."


def _outcome(one: "Outcome") -> str:
    scale = f", in {one.scale}" if one.scale else ""
    beside = listed([f"{100 * share:g} %" for share in one.winsor])
    said = f" (beside it winsorised at {beside} of all stays)" if beside else ""
    return f"{one.label}: {KINDS.get(one.kind, one.kind)}{scale}{said}"


def _case_mix(one: "CaseMix") -> str:
    name = one.name.replace("_", " ")
    if one.bands:
        return f"{name} (bands from {', '.join(f'{band:g}' for band in one.bands)})"
    return f"{name} ({', '.join(map(str, one.levels))})" if one.levels else name


def _costs(spec: "StudySpec") -> str:
    said = spec.encounters
    if said is None or said.costs is None:
        return ""
    return (
        f"Costs. The cost of a stay is the sum of its cost lines, reversals included: {BASES[str(said.cost_basis)]}, "
        f"in {said.currency} at the prices of {said.price_year}. The time horizon is the stay, so nothing is "
        "discounted. A stay without cost lines has a missing cost, not a cost of zero."
    )


def _plan(spec: "StudySpec") -> str:
    if not spec.outcomes and spec.unit_months is None:
        return ""
    names = {one.name: one.label for one in (*spec.outcomes, *(spec.unit_months.outcomes if spec.unit_months else ()))}
    planned = listed([names[name] for name in spec.plan.confirmatory])
    rest = listed([label for name, label in names.items() if name not in spec.plan.confirmatory])
    said = (
        f"Plan. Confirmatory: {planned or 'none'}; exploratory: {rest or 'none'}. The plan's hash stands on the first "
    )
    return said + "screen and with every estimate; what is not in the plan is exploratory."

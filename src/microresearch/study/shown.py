"""How does a study show itself in a notebook?"""

from html import escape

from microresearch.study.spec import StudySpec


def study_html(spec: StudySpec, plan_hash: str) -> str:
    """Title, what it holds, and its plan, as a small table."""
    said = {
        "Instruments": ", ".join(spec.study.instruments) or "none",
        "Survey": spec.survey.file if spec.survey else "none",
        "Cleaning": " → ".join(str(rule["rule"]) for rule in spec.cleaning) or "no rule",
        "Encounters": spec.encounters.admissions if spec.encounters else "none",
        "Outcomes": ", ".join(f"{o.label} ({o.kind})" for o in spec.outcomes) or "none",
        "Per unit and month": ", ".join(o.label for o in spec.unit_months.outcomes) if spec.unit_months else "none",
        "Confirmatory": ", ".join(spec.plan.confirmatory) or "none",
        "Registration": spec.plan.registration or "not registered: order unverifiable",
        "Plan": plan_hash,
        "Seed": str(spec.study.seed),
    }
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(text)}</td></tr>'
        for name, text in said.items()
    )
    made = "<p><strong>Synthetic data: nothing here is about real people.</strong></p>" if spec.study.synthetic else ""
    return f"<h3>{escape(spec.study.title)}</h3>{made}<table>{rows}</table>"

"""Synthetic results of the shape that the other rooms hand over."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

NAMES = {
    "leadership": "Leadership",
    "organizational_support": "Organizational support",
    "staff_focus": "Staff focus",
    "education_training": "Education and training",
    "interdependence": "Interdependence",
    "patient_focus": "Patient focus",
    "community_market_focus": "Community and market focus",
    "performance_results": "Performance results",
    "process_improvement": "Process improvement",
    "information_technology": "Information and information technology",
}


@pytest.fixture
def names() -> dict[str, str]:
    return dict(NAMES)


@pytest.fixture
def scores() -> Callable[..., pd.DataFrame]:
    def make(n_units: int, without: str = "") -> pd.DataFrame:
        rng = np.random.default_rng(11)
        rows = [
            {
                "unit": f"U{unit:03d}",
                "characteristic": code,
                "eb": 3.5 + rng.normal(0, 0.3),
                "eb_se": rng.uniform(0.05, 0.2),
                "n_raters": int(rng.integers(5, 40)),
            }
            for code in NAMES
            if code != without
            for unit in range(1, n_units + 1)
        ]
        return pd.DataFrame(rows)

    return make


@pytest.fixture
def linked() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    estimate = rng.normal(1, 1, 10)
    return pd.DataFrame(
        {
            "characteristic": list(NAMES),
            "estimate": estimate,
            "ci_low": estimate - 1.5,
            "ci_high": estimate + 1.5,
            "estimate_naive": 0.7 * estimate,
            "p_holm": np.linspace(0.001, 0.4, 10),
            "note": "",
        }
    )

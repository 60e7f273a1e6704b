"""Under which name does each unit appear in results/? The key is drawn at random, once, and stays private."""

import secrets
from typing import TYPE_CHECKING

from microresearch import io
from microresearch.study.place import Place

if TYPE_CHECKING:
    from microresearch.study.study import Study

SEED, KEY = "unit-seed.json", "unit-key.csv"
"""In data/processed: what the names were drawn with, and the key for the study's own people. Neither is published."""


def ensure_seed(place: Place) -> int:
    """The secret number from which real units' names are drawn; drawn once, kept with the private data."""
    here, kept = place.work / SEED, place.processed / SEED
    for path in (here, kept):
        if path.is_file():
            seed = int(str(io.read_json(path)["seed"]))
            break
    else:
        seed = secrets.randbits(128)
    if not here.is_file():
        io.write_json(here, {"seed": str(seed)})
    return seed


def unit_key(study: "Study", seed: int | None = None) -> dict[str, str]:
    """Every name and id of a unit -> the name under which it is published; empty where the study says so, or has none.

    Units that were simulated are drawn with the study's seed, so that everyone's run gives the same names. Real ones
    are drawn with a secret number, and their order in no way follows from anything that is published.
    """
    import numpy as np

    from microresearch.report.pseudonyms import pseudonyms

    if not study.spec.disclosure.pseudonyms:
        return {}
    names = _names(study)
    if not names:
        return {}
    if study.spec.study.synthetic:
        seed = study.seed("unit pseudonyms")
    elif study.place.stage is not None:
        seed = ensure_seed(study.place)
    elif seed is None:  # a notebook opened by hand: the names of the last run, or passing ones
        kept = study.place.processed / SEED
        seed = int(str(io.read_json(kept)["seed"])) if kept.is_file() else secrets.randbits(128)
    drawn = pseudonyms(sorted(names), np.random.default_rng(seed))
    return {**drawn, **{other: drawn[unit] for unit, others in names.items() for other in others if other not in drawn}}


def _names(study: "Study") -> dict[str, list[str]]:
    """Unit -> what else it is called."""
    if study.spec.units is not None:
        frame = study.units()
        called = frame["name"] if "name" in frame else frame["unit"]
        return {str(unit): [str(name)] for unit, name in zip(frame["unit"], called, strict=True)}
    if study.spec.exposure is not None:
        return {str(unit): [] for unit in study.exposure()["unit"]}
    if study.spec.survey is not None:
        people = next(iter(study.survey().values())).people
        return {str(unit): [] for unit in people["unit"].dropna().unique()} if "unit" in people else {}
    return {}

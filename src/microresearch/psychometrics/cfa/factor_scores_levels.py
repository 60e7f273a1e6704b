"""Where do units stand on a factor, and where people within their unit? Scores from a model of two levels."""

import numpy as np
import pandas as pd

from microresearch.errors import SpecError
from microresearch.numeric.sem_structure import implied
from microresearch.numeric.sem_two_level import level_weights
from microresearch.psychometrics.cfa.design import Design
from microresearch.psychometrics.cfa.estimate import Estimate
from microresearch.psychometrics.cfa.sample import draw_sample


def level_factor_scores(
    design: Design, estimate: Estimate, data: pd.DataFrame, cluster: "str | pd.Series | None", level: int
) -> pd.DataFrame:
    """Regression (empirical Bayes) scores of people beyond their cluster (level 1), or of clusters (level 2).

    People who miss an answer have no score and tell nothing of their cluster.

    Raises
    ------
    SpecError
        No clusters, or an unknown level.
    """
    assert estimate.levels is not None
    if cluster is None or level not in (1, 2):
        raise SpecError("scores of a model of two levels need the clusters (cluster=) and level=1 or level=2.")
    within, between = design.layouts
    observed = tuple(dict.fromkeys([*within.observed, *between.observed]))
    names = data[cluster] if isinstance(cluster, str) else cluster
    complete = (data[list(observed)].notna().all(axis=1) & names.notna()).to_numpy()
    sample = draw_sample(data, observed, None, cluster, "listwise")
    assert sample.clusters is not None
    values, numbers = sample.values[0], sample.clusters[0]
    inside = np.sort([observed.index(name) for name in within.observed])
    people = np.full((len(data), within.n_latent), np.nan)
    rows = np.flatnonzero(complete)
    units = []
    counts = np.bincount(numbers)
    levels = (within.structure, between.structure)
    means = [implied(structure, estimate.theta).parts["mean_eta"][:, 0] for structure in levels]
    weights = {n: level_weights(levels, estimate.levels, estimate.theta, n) for n in np.unique(counts).tolist()}
    for number, count in enumerate(counts.tolist()):
        of_unit, of_part, of_person, mu = weights[count]
        mine = numbers == number
        away = values[mine].mean(axis=0) - mu
        units.append(means[1] + of_unit @ away)
        beyond = values[mine][:, inside] - mu[inside] - of_part @ away
        people[rows[mine]] = (means[0] + beyond @ of_person.T)[:, : within.n_latent]
    if level == 1:
        return pd.DataFrame(people, index=data.index, columns=list(within.eta[: within.n_latent]))
    labels = pd.factorize(names[complete].astype(str), sort=True)[1]
    out = np.array(units)[:, : between.n_latent]
    return pd.DataFrame(out, index=pd.Index(labels, name="cluster"), columns=list(between.eta[: between.n_latent]))

"""What lies beside study.toml in a new study? What a reader, git, conda and a citation need."""

from importlib.metadata import version

from microresearch.study.toml import text as quoted

README = """# {title}

A study of clinical microsystems. `study.toml` says where the data lie and how they are analysed.

    microresearch run --study twin   # every step on invented data of the same shape
    microresearch check              # looks at the real files and says all that is wrong at once
    microresearch run                # writes results/report.html
    microresearch lab                # the notebooks in JupyterLab

Raw and person-level data stay on this machine: `.gitignore` keeps them out of git. What `results/` holds has passed the
disclosure guard and may be published.
"""

GITIGNORE = """# real data never go into git
data/raw/*
!data/raw/README.md
data/processed/
data/.run/

# the twin is made from names and types of columns alone; what it gives is rebuilt
twin/data/processed/
twin/data/.run/
twin/results/

# built, not committed
results/figures/*.600dpi.png
results/figures/*.svg
results/figures/*.pdf
results/*.docx
results/tables/*.docx
results/tables/*.xlsx
reproduction.html
.ipynb_checkpoints/
"""

DICTIONARY = """# Data dictionary

The files as received, never edited by hand. Say of each where it comes from, when, and what its columns mean.
"""

ENVIRONMENT = """# For conda, mamba and Binder. Where microresearch is in no package index that you can
# reach, put its wheel beside this file and write its name in place of the last line:
# - ./microresearch-{version}-py3-none-any.whl
name: microresearch-study
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.12
  - pip
  - pip:
      - microresearch=={version}
"""

CITATION = """cff-version: 1.2.0
message: "If you use these results, please cite this study."
type: dataset
title: {title}
authors:
  - name: "The authors of this study"
"""


def papers(title: str) -> dict[str, str]:
    """File -> text.

    Examples
    --------
    >>> sorted(papers("Ten wards"))
    ['.gitignore', 'CITATION.cff', 'README.md', 'data/raw/README.md', 'environment.yml']
    """
    return {
        "README.md": README.format(title=" ".join(title.split())),
        ".gitignore": GITIGNORE,
        "data/raw/README.md": DICTIONARY,
        "environment.yml": ENVIRONMENT.format(version=version("microresearch")),
        "CITATION.cff": CITATION.format(title=quoted(title)),
    }

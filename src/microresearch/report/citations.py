"""Whom must the paper cite for its methods and its software? BibTeX for each, ready to paste."""

from collections.abc import Iterable
from dataclasses import dataclass

from microresearch.errors import SpecError
from microresearch.report.latex import tex


@dataclass(frozen=True, slots=True)
class Citation:
    """One work: enough for BibTeX, and for a name and year in a sentence."""

    key: str
    authors: tuple[str, ...]  # "Family, G. M."
    year: int
    title: str
    where: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    kind: str = "article"

    @property
    def short(self) -> str:
        """Names and year as a sentence has them.

        Examples
        --------
        >>> CITATIONS["cronbach1951"].short, CITATIONS["koo2016"].short
        ('Cronbach, 1951', 'Koo & Li, 2016')
        """
        names = [author.split(",")[0] for author in self.authors]
        said = names[0] if len(names) == 1 else " & ".join(names) if len(names) == 2 else f"{names[0]} et al."
        return f"{said}, {self.year}"

    def to_bibtex(self) -> str:
        """The entry, with braces around the title so that its capitals stay."""
        place = {"article": "journal", "book": "publisher", "misc": "howpublished"}[self.kind]
        fields = {
            "author": " and ".join(tex(author) for author in self.authors), "title": f"{{{tex(self.title)}}}",
            "year": str(self.year), place: tex(self.where), "volume": self.volume,
            "pages": self.pages.replace("-", "--"), "doi": self.doi,
        }  # fmt: skip
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        return f"@{self.kind}{{{self.key},\n{body}\n}}\n"


def _all(*citations: Citation) -> dict[str, Citation]:
    return {citation.key: citation for citation in citations}


CITATIONS: dict[str, Citation] = _all(
    Citation("cronbach1951", ("Cronbach, L. J.",), 1951, "Coefficient alpha and the internal structure of tests",
             "Psychometrika", "16", "297-334", "10.1007/BF02310555"),
    Citation("feldt1965", ("Feldt, L. S.",), 1965, "The approximate sampling distribution of Kuder-Richardson "
             "reliability coefficient twenty", "Psychometrika", "30", "357-370", "10.1007/BF02289499"),
    Citation("pandey1975", ("Pandey, T. N.", "Hubert, L."), 1975, "An empirical comparison of several interval "
             "estimation procedures for coefficient alpha", "Psychometrika", "40", "169-181"),
    Citation("maydeu2007", ("Maydeu-Olivares, A.", "Coffman, D. L.", "Hartmann, W. M."), 2007, "Asymptotically "
             "distribution-free (ADF) interval estimation of coefficient alpha", "Psychological Methods", "12",
             "157-176", "10.1037/1082-989X.12.2.157"),
    Citation("shrout1979", ("Shrout, P. E.", "Fleiss, J. L."), 1979, "Intraclass correlations: Uses in assessing rater "
             "reliability", "Psychological Bulletin", "86", "420-428", "10.1037/0033-2909.86.2.420"),
    Citation("koo2016", ("Koo, T. K.", "Li, M. Y."), 2016, "A guideline of selecting and reporting intraclass "
             "correlation coefficients for reliability research", "Journal of Chiropractic Medicine", "15", "155-163",
             "10.1016/j.jcm.2016.02.012"),
    Citation("james1984", ("James, L. R.", "Demaree, R. G.", "Wolf, G."), 1984, "Estimating within-group interrater "
             "reliability with and without response bias", "Journal of Applied Psychology", "69", "85-98",
             "10.1037/0021-9010.69.1.85"),
    Citation("lebreton2008", ("LeBreton, J. M.", "Senter, J. L."), 2008, "Answers to 20 questions about interrater "
             "reliability and interrater agreement", "Organizational Research Methods", "11", "815-852",
             "10.1177/1094428106296642"),
    Citation("holm1979", ("Holm, S.",), 1979, "A simple sequentially rejective multiple test procedure",
             "Scandinavian Journal of Statistics", "6", "65-70"),
    Citation("satterthwaite1946", ("Satterthwaite, F. E.",), 1946, "An approximate distribution of estimates of "
             "variance components", "Biometrics Bulletin", "2", "110-114", "10.2307/3002019"),
    Citation("bell2002", ("Bell, R. M.", "McCaffrey, D. F."), 2002, "Bias reduction in standard errors for linear "
             "regression with multi-stage samples", "Survey Methodology", "28", "169-181"),
    Citation("pustejovsky2018", ("Pustejovsky, J. E.", "Tipton, E."), 2018, "Small-sample methods for cluster-robust "
             "variance estimation and hypothesis testing in fixed effects models",
             "Journal of Business & Economic Statistics", "36", "672-683", "10.1080/07350015.2016.1247004"),
    Citation("patterson1971", ("Patterson, H. D.", "Thompson, R."), 1971, "Recovery of inter-block information when "
             "block sizes are unequal", "Biometrika", "58", "545-554", "10.1093/biomet/58.3.545"),
    Citation("belotti2015", ("Belotti, F.", "Deb, P.", "Manning, W. G.", "Norton, E. C."), 2015, "twopm: Two-part "
             "models", "The Stata Journal", "15", "3-20", "10.1177/1536867X1501500102"),
    Citation("vonelm2007", ("von Elm, E.", "Altman, D. G.", "Egger, M.", "Pocock, S. J.", "Gøtzsche, P. C.",
             "Vandenbroucke, J. P."), 2007, "The Strengthening the Reporting of Observational Studies in Epidemiology "
             "(STROBE) statement: guidelines for reporting observational studies", "The Lancet", "370", "1453-1457",
             "10.1016/S0140-6736(07)61602-X"),
)  # fmt: skip
"""Works by their key."""


def bibtex(keys: Iterable[str] = (), software: str = "") -> str:
    """The works as one .bib file, each once, in the order of their keys.

    Parameters
    ----------
    keys : iterable of str
        Keys of `CITATIONS`.
    software : str
        Version of microresearch to cite as software, "" for none.

    Raises
    ------
    SpecError
        A key that is not known.

    Examples
    --------
    >>> print(bibtex(["holm1979"]))
    @article{holm1979,
      author = {Holm, S.},
      title = {{A simple sequentially rejective multiple test procedure}},
      year = {1979},
      journal = {Scandinavian Journal of Statistics},
      volume = {6},
      pages = {65--70}
    }
    <BLANKLINE>
    """
    wanted = sorted(set(keys))
    if strange := [key for key in wanted if key not in CITATIONS]:
        raise SpecError(f"no citation is called {', '.join(strange)}. Allowed: {', '.join(sorted(CITATIONS))}.")
    entries = [CITATIONS[key].to_bibtex() for key in wanted]
    if software:
        entries.append(
            f"@misc{{microresearch,\n  title = {{{{microresearch}}}},\n  note = {{Version {software}}}\n}}\n"
        )
    return "\n".join(entries)

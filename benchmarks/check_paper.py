"""Does LaTeX take what results/ holds? A minimal article with every table, number and reference, compiled.

    python benchmarks/check_paper.py results [folder for article.pdf]

Ends with 1 and LaTeX's own message where it does not compile; lines too wide for the page are told.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = r"""\documentclass[11pt,a4paper]{article}
\usepackage[T1]{fontenc}
\usepackage[margin=22mm]{geometry}
\usepackage{booktabs,longtable,array,graphicx}
\extrafloats{200}
\input{numbers.tex}
\begin{document}
\section{Tables}
"""


def article(results: Path) -> str:
    """The source: tables, figures, then every number by its macro, and all references."""
    lines = [HEAD]
    for place, table in enumerate(sorted((results / "tables").glob("*.tex")), 1):
        lines.append(rf"\input{{tables/{table.name}}}" + (r"\clearpage" if place % 3 == 0 else ""))
    lines.append(r"\clearpage\section{Figures}")
    for figure in sorted((results / "figures").glob("*.pdf")):
        size = r"width=\linewidth,height=.9\textheight,keepaspectratio"
        lines.append(rf"\noindent\includegraphics[{size}]{{figures/{figure.name}}}")
        lines.append(r"\clearpage")
    lines.append(r"\section{Numbers}")
    macros = re.findall(r"newcommand\{\\(\w+)\}", (results / "numbers.tex").read_text(encoding="utf-8"))
    lines += [rf"\noindent {name}: \{name}\par" for name in macros]
    lines += [r"\nocite{*}\bibliographystyle{plain}\bibliography{references}", r"\end{document}"]
    return "\n".join(lines)


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        print(said[-3000:], file=sys.stderr)
        sys.exit(1)
    return said


def main() -> None:
    results = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(results, folder, dirs_exist_ok=True)
        (folder / "article.tex").write_text(article(results), encoding="utf-8")
        latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "article.tex"]
        run(latex, folder)
        run(["bibtex", "article"], folder)
        run(latex, folder)
        said = run(latex, folder)
        wide = [float(points) for points in re.findall(r"Overfull .hbox .([\d.]+)pt too wide", said)]
        pages = re.search(r"\((\d+) pages", said)
        tables = len(list((results / "tables").glob("*.tex")))
        print(f"{tables} tables on {pages[1] if pages else '?'} pages; {sum(w > 10 for w in wide)} lines too wide.")
        if len(sys.argv) > 2:
            shutil.copy(folder / "article.pdf", Path(sys.argv[2]) / "article.pdf")


if __name__ == "__main__":
    main()

# Two commands matter: `make paper` and `make test`. Both build what they need; `make help` lists the rest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
# A Python of your own choice: make paper PYTHON=/path/to/python3
PYTHON :=

# The environment's own kernel, whatever kernels the user has; one BLAS thread, for more of them change last digits.
export JUPYTER_PREFER_ENV_PATH := 1
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# uv and make must speak of the same environment, whichever one is active in this terminal.
unexport VIRTUAL_ENV
unexport PYTHONPATH

.PHONY: help paper test test-cluster lab reproduce docs bench calibrate check-paper lint lock FORCE

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

paper: $(VENV)/.paper ## run the study: figures, tables, numbers and the report
	@$(BIN)/microresearch run

test: $(VENV)/.test ## run every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-cluster: ## test on Dask, PySpark and Polars too, in an environment of its own (PySpark needs Java)
	@$(MAKE) VENV=.venv-cluster .venv-cluster/.cluster
	@.venv-cluster/bin/python -c "from importlib.metadata import version as v; print(*(f'{n} {v(n)}' for n in ('dask', 'distributed', 'pyspark', 'polars', 'narwhals')), sep=', ')"
	@.venv-cluster/bin/python -m pytest -rs tests/linking/test_elsewhere.py tests/linking/test_cluster.py tests/test_parallel.py

lab: $(VENV)/.paper ## open the notebooks in JupyterLab
	@$(BIN)/microresearch lab

reproduce: $(VENV)/.paper ## run everything again from raw data and compare with the published results
	@$(BIN)/microresearch reproduce

bench: $(VENV)/.test ## measure speed beside the peers that are installed, bend files, kill runs (benchmarks/README.md)
	@set -e; for part in ordinal.py reliability.py "cfa.py --quick" cfa_levels.py \
	  "linking.py --rows 100000" cells_equal_rows.py "scale.py --rows 100000 1000000" survey_speed.py survey_fuzz.py study_kills.py \
	  study_mutations.py study_formats.py report_speed.py; do echo "benchmarks/$$part"; $(BIN)/python benchmarks/$$part; done

calibrate: $(VENV)/.test ## repeat the long simulations behind the committed tables (hours; goes on where it stopped)
	@set -e; for script in benchmarks/calibrate/*.py; do echo "$$script"; $(BIN)/python $$script; done

docs: $(VENV)/.paper ## write docs/reference anew from the docstrings
	@$(BIN)/python docs/make_reference.py

check-paper: $(VENV)/.paper ## compile every table, number and reference of results/ in a minimal article (needs pdflatex)
	@command -v pdflatex >/dev/null 2>&1 || { echo "make check-paper needs pdflatex and bibtex. On Debian or Ubuntu: \
	sudo apt install texlive-latex-recommended" >&2; exit 1; }
	@$(BIN)/python benchmarks/check_paper.py results

lint: $(VENV)/.test ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyrefly check

lock: ## write the two lock files anew from pyproject.toml, keeping versions that still fit (needs uv)
	@command -v uv >/dev/null 2>&1 || { echo "make lock needs uv: see its installation page, or pipx install uv" >&2; exit 1; }
	uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --extra build pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	  --extra build --extra test -c requirements.lock pyproject.toml -o requirements-test.lock

# The environment: made anew when the lock changes, so that nothing that left the lock lingers, or when the folder was
# moved. The test lock holds the same versions and some packages more (it is compiled against requirements.lock), and is
# added on top, so that `make test` leaves what `make paper` runs on as it is.
ifneq ($(shell cat $(VENV)/.locked 2>/dev/null),$(CURDIR))
$(VENV)/.locked: FORCE
endif

$(VENV)/.locked: requirements.lock
	@$(MAKE_VENV)
	@$(call PIP_INSTALL,--require-hashes -r requirements.lock)
	@echo "$(CURDIR)" > $@

$(VENV)/.paper: $(VENV)/.locked pyproject.toml
	@$(call PIP_INSTALL,--no-deps --no-build-isolation --editable .)
	@touch $@

$(VENV)/.test: requirements-test.lock $(VENV)/.paper
	@$(call PIP_INSTALL,--require-hashes -r requirements-test.lock)
	@touch $@

$(VENV)/.cluster: $(VENV)/.test
	@$(call PIP_INSTALL,setuptools wheel) # PySpark comes as source and does not say that it is built with them
	@$(call PIP_INSTALL,--no-build-isolation --editable ".[cluster]")
	@touch $@

define MAKE_VENV
set -eu; \
uv=''; if command -v uv >/dev/null 2>&1; then uv=uv; fi; \
python=''; bare=''; \
for name in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
  if ! "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then continue; fi; \
  if [ -n "$$uv" ] || "$$name" -c 'import ensurepip, venv' 2>/dev/null; then python=$$name; break; fi; \
  if [ -z "$$bare" ]; then bare=$$("$$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); fi; \
done; \
if [ -z "$$uv$$python" ] && [ -n "$$bare" ]; then \
  echo "Python $$bare is here without its venv part. On Debian or Ubuntu: sudo apt install python$$bare-venv" >&2; exit 1; \
elif [ -z "$$uv$$python" ]; then \
  echo "No Python 3.11, 3.12 or 3.13 was found. On Debian or Ubuntu: sudo apt install python3 python3-venv" >&2; \
  echo "If you have one elsewhere: make paper PYTHON=/path/to/python3" >&2; exit 1; \
fi; \
echo "Building $(VENV) with $${uv:-pip}; this happens once and may take some minutes."; \
rm -rf $(VENV); \
if [ -n "$$uv" ]; then uv venv --quiet --python "$${python:->=3.11,<3.14}" $(VENV); else "$$python" -m venv $(VENV); fi
endef

# pip may be missing where uv made the environment and has gone since.
define PIP_INSTALL
set -eu; \
if command -v uv >/dev/null 2>&1; then \
  uv pip install --quiet --python $(BIN)/python $(1); \
else \
  $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
  $(BIN)/python -m pip install --quiet $(1); \
fi
endef

# Each target sets up what it needs first: an environment in .venv, made again when pyproject.toml changes.
# `make` alone lists the targets. Another Python: make course PYTHON=python3.12
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help course lab lessons encoders front test docs bench clean
.DEFAULT_GOAL := help

help:
	@echo 'make course    pretrain, fine-tune, compare, report: the whole line (ARGS="--pretext rotation", ...)'
	@echo 'make test      all tests, and all notebooks at the budget smoke'
	@echo 'make lab       JupyterLab with your own copy of the lessons (ARGS=--source: the course itself)'
	@echo 'make lessons   run changed lessons at the budget cpu, store outputs and results (FORCE=1: all of them)'
	@echo 'make encoders  train the encoders of the package, which takes hours; it goes on where it stopped'
	@echo 'make front     bring the numbers of the front page and README.md up to date'
	@echo 'make docs      build the site into _docs'
	@echo 'make bench     how fast encoder, pretraining and views are here'
	@echo 'make clean     remove what was built; the environment and runs/ stay'

course: .venv/.stamp-base
	@$(BIN)/ssl-course run --resume $(ARGS)

bench: .venv/.stamp-base
	@$(BIN)/ssl-course bench

# pytest runs the notebooks too (tests/test_notebooks.py), so one summary counts everything
test: .venv/.stamp-dev
	@SSL_COURSE_BUDGET=smoke $(BIN)/python -m pytest --junitxml=.pytest_cache/report.xml $(ARGS)

docs: .venv/.stamp-docs
	@$(BIN)/python -m ssl_course.course.site docs

lab: .venv/.stamp-dev
	@case "$(ARGS)" in *--source*) \
	  ! git rev-parse --git-dir >/dev/null 2>&1 || $(BIN)/nbdev-install-hooks; \
	  find nbs -name .ipynb_checkpoints -prune -o -name '*.ipynb' -exec $(BIN)/jupyter trust {} + >/dev/null;; \
	esac
	@$(BIN)/ssl-course lab $(ARGS)

# first the experiments that need no folder of images: finished ones are only read, interrupted ones continue
lessons: .venv/.stamp-docs
	@SSL_COURSE_BUDGET=cpu TQDM_MININTERVAL=60 $(BIN)/python -m ssl_course.course.experiment
	@stale=$$($(BIN)/python -c "from ssl_course.course.lesson import stale_results as s; print(*(n for n,_ in s('nbs/lessons')))") || exit 1; \
	for nb in nbs/lessons/[0-9]*.ipynb; do \
	  name=$$(basename $$nb .ipynb); name=$${name#*_}; \
	  case "$(FORCE) $$stale " in 1*|*" $$name "*) \
	    echo "$$nb: running at the budget cpu ..."; \
	    SSL_COURSE_BUDGET=cpu PYTHONWARNINGS=ignore TQDM_MININTERVAL=60 $(BIN)/nbdev-test --save $$nb || exit 1; \
	    $(BIN)/nbdev-clean --fname $$nb || exit 1;; \
	  *) echo "$$nb: its results are up to date (FORCE=1 runs it all the same)";; esac; \
	done

encoders: .venv/.stamp-base
	@TQDM_MININTERVAL=30 $(BIN)/python -m ssl_course.pretrained $(ARGS)
	@TQDM_MININTERVAL=30 $(BIN)/python -m ssl_course.reference

# the numbers come from a finished `make course`, and from the last `make test` if that passed
front: .venv/.stamp-docs
	@$(BIN)/ssl-course run --resume --budget cpu
	@$(BIN)/python .ci/front.py
	@SSL_COURSE_BUDGET=cpu PYTHONWARNINGS=ignore $(BIN)/nbdev-test --save nbs/index.ipynb
	@$(BIN)/nbdev-clean --fname nbs/index.ipynb
	@$(BIN)/python -m ssl_course.course.site readme

clean:
	@rm -rf build dist _docs _proc .pytest_cache
	@find nbs ssl_course tests -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +

# --- the environment ---
# One stamp for each set of extras; a set touches the stamps of the sets it includes.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v < (3,10) and sys.exit("This needs Python 3.10 or newer, and $(PYTHON) is %d.%d: make PYTHON=python3.12 ..." % v)'
	@echo 'Making an environment in .venv ...'
	@$(PYTHON) -m venv .venv

define install
	@echo 'Installing into .venv (some minutes and 7 GB when it is new; mostly PyTorch) ...'
	@$(BIN)/pip install --quiet --editable '.$(1)'
	@touch $(2)
endef

.venv/.stamp-base: pyproject.toml | $(BIN)/pip
	$(call install,,$@)
.venv/.stamp-docs: pyproject.toml | $(BIN)/pip
	$(call install,[docs],$@ .venv/.stamp-base)
.venv/.stamp-dev: pyproject.toml | $(BIN)/pip
	$(call install,[dev],$@ .venv/.stamp-docs .venv/.stamp-base)

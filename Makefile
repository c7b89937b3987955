PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := .venv-bench
PACKAGES := .venv-packages

.PHONY: help setup demo test check format slow docs dist bench scale conformance published landscape calibrate packages mutants

help:  ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## a .venv with everything

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: setup  ## three buffer sizes x five seeds, to a finished report
	$(BIN)/python -m dqn_exp -m buffer=500,17k,100k

check: setup  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: check  ## everything that must hold before a change lands
	$(BIN)/python -m pytest -n 2 --dist loadscope

$(VENV)/.everything: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[slow]'
	touch $@

slow: $(VENV)/.everything  ## the tests that take long, and those of notebooks, trackers and the site
	$(BIN)/python -m pytest -n 2 --dist loadscope -m slow --timeout=3600

format: setup  ## let ruff mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.everything  ## the documentation as a site, in outputs/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

dist: $(VENV)/.everything  ## wheel and sdist, checked, in outputs/dist
	$(BIN)/python -m build --no-isolation --outdir outputs/dist
	$(BIN)/python -m twine check --strict outputs/dist/*

$(PEERS)/.installed:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --constraint constraints.txt torch numpy 'gymnasium[box2d]' minatar stable-baselines3==2.9.2
	touch $@

$(PACKAGES)/.installed:
	$(PYTHON) -m venv $(PACKAGES)
	$(PACKAGES)/bin/python -m pip install --quiet --constraint constraints.txt --editable . \
		minigrid minatar highway-env flappy-bird-gymnasium gym-anytrading gym-trading-env ale-py opencv-python-headless mo-gymnasium buffalo-gym
	touch $@

packages: $(PACKAGES)/.installed  ## environments that nobody here wrote: trained, killed and continued (about 10 minutes)
	$(PACKAGES)/bin/python tests/benchmarks/packages.py

bench: setup $(PEERS)/.installed  ## our speed beside stable-baselines3's and the notebook's manner (about 16 minutes)
	$(BIN)/python -m tests.benchmarks.steps
	$(BIN)/python -m tests.benchmarks.images
	$(BIN)/python -m tests.benchmarks.study
	$(BIN)/python -m tests.benchmarks.orchestration
	$(BIN)/python -m tests.benchmarks.scale

scale: setup  ## what sweeps of 100, 1 000 and 10 000 trials cost around their training (7 minutes to half an hour)
	$(BIN)/python -m tests.benchmarks.scale --trials 100,1000,10000

conformance: setup  ## do both learners learn the same? (20 seeds each)
	$(BIN)/python -m tests.benchmarks.same_learning

published: setup $(PEERS)/.installed  ## published settings: stable-baselines3's results and ours (hours; goes on where it was stopped)
	$(BIN)/python -m tests.benchmarks.published

landscape: setup  ## a published landscape against ours (hours; DQN_EXP_REFERENCE: the folder of its CSV files)
	$(BIN)/python -m tests.benchmarks.landscape

calibrate: setup  ## do tests and intervals keep their promises? (writes docs/calibration.md, about 10 minutes)
	$(BIN)/python -m tests.benchmarks.calibration --write

mutants: setup  ## do the tests notice where the program is wrong? (about 40 minutes)
	$(BIN)/python -m tests.mutants

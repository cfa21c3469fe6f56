# PhyAssist. `make help` lists the targets; README.md gives the plain commands beside each.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
# pip compiles what it installed on one core: this takes all, and a file that no Python can compile stops nothing.
# The libraries' own tests, a seventh of their text, are never imported.
COMPILE := $(BIN)/python -m compileall -q -j 0 -x '/site-packages/.*/tests?/' $(VENV)/lib src >/dev/null 2>&1 || true
# Models that tests ask for by name; they are fetched into the same folder that `make run` uses.
TEST_MODELS := smollm2-135m-instruct qwen2.5-coder-0.5b-instruct

.DEFAULT_GOAL := help
CLUSTER_DIR ?= /var/tmp/phyassist-cluster
# Tests wait as often as they compute: four at a time keep two cores busy.
PYTEST_WORKERS ?= 4
# What `make imhi-small` reads, how long it trains, and how many validation rows it scores.
IMHI_DATA ?= ../shared/data
IMHI_STEPS ?= 12
IMHI_ROWS ?= 60
# So many steps are a run of their own: more of them train anew, and one that broke off goes on.
IMHI_RUN = build/imhi-small/run-$(IMHI_STEPS)

.PHONY: help setup run demo test imhi-small cluster-test recovery-test kill-test check format lint types pages chromium models clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(VENV)/.installed ## install into .venv; does nothing the second time

run: $(VENV)/.installed ## fetch the model if it is not there, then open the workspace on http://127.0.0.1:8420
	@$(BIN)/phyassist serve --fetch

demo: $(VENV)/.installed ## the same with an invented practice of six patients in it
	@$(BIN)/phyassist serve --demo --fetch

test: $(VENV)/.installed-test chromium models ## run every test, with all that they need
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

cluster-test: $(VENV)/.installed-test ## kill the servers of a three-node cluster under four writers; needs apt once
	CLUSTER_DIR=$(CLUSTER_DIR) sh tests/cluster/needs.sh
	$(BIN)/python -m tests.cluster.run --place $(CLUSTER_DIR) $(CLUSTER_FLAGS)

recovery-test: $(VENV)/.installed-test ## bring a PostgreSQL store back to a moment before a patient was deleted
	CLUSTER_DIR=$(CLUSTER_DIR) sh tests/cluster/needs.sh
	$(BIN)/python -m tests.cluster.point_in_time $(CLUSTER_FLAGS)

kill-test: $(VENV)/.installed-test ## kill a process at 200 random moments and count what is lost
	$(BIN)/python -m tests.kills.run $(KILL_FLAGS)

imhi-small: $(VENV)/.installed-test ## the smallest IMHI table: SmolLM2-135M, one set, a few minutes
	$(BIN)/phyassist models fetch smollm2-135m-instruct
	test -d build/imhi-small/data || $(BIN)/phyassist data prepare --source imhi-dreaddit --data $(IMHI_DATA) --out build/imhi-small/data
	test -f $(IMHI_RUN)/done.json || $(BIN)/phyassist train --base smollm2-135m-instruct \
		--data build/imhi-small/data --out $(IMHI_RUN) --set steps_max=$(IMHI_STEPS) --set val_rows=20 --set layers=0.5 \
		$$(test -f $(IMHI_RUN)/config.json && echo --resume)
	$(BIN)/phyassist evaluate imhi --base smollm2-135m-instruct --adapter $(IMHI_RUN)/adapter \
		--sets dreaddit --data $(IMHI_DATA) --limit $(IMHI_ROWS) --out build/imhi-small/scores-$(IMHI_STEPS)-$(IMHI_ROWS)

check: $(VENV)/.installed-test lint types test ## format, lint, types and tests: what .ci/run calls

format: $(VENV)/.installed-test ## write the code in the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only .

lint: $(VENV)/.installed-test ## compare format and lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-test ## check types
	$(BIN)/mypy

models: $(VENV)/.installed ## fetch the model files that tests need
	@for name in $(TEST_MODELS); do $(BIN)/phyassist models fetch $$name || exit 1; done

pages: $(VENV)/.installed-test ## write docs/commands.md and docs/settings.md from the code
	$(BIN)/python -m tests.house.pages

chromium: ## install Debian's Chromium without windows for the browser tests, where apt is there
	@sh tests/browser_needs.sh

clean: ## remove what was built here; models and practices stay where they are
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last: a broken installation is taken up again.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "PhyAssist needs Python 3.11 or later; $(PYTHON) is older. Try: make PYTHON=python3.12 run"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
		|| { echo "The virtual environment could not be made. On Debian: apt-get install python3-venv"; exit 1; }
	$(PIP) install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[meaning]'
	@$(COMPILE)
	@touch $@

# torch comes first and by its very version: another package would bring a build of several gigabytes.
$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install --quiet --no-compile --disable-pip-version-check torch==2.13.0
	$(PIP) install --quiet --no-compile --disable-pip-version-check -c constraints.txt -e '.[test,train,evaluate,track,demo]'
	@$(COMPILE)
	@touch $@

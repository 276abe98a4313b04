# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help demo test drills chaos model check bench soak lock clean

help: ## Show what can be done here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## See an application follow its user, with real parts; ends in a verdict (FLAGS="--fault NAME")
	@$(BIN)/relocate demo $(FLAGS)

test: $(INSTALLED) ## Run the tests but for the drills (FLAGS="tests/unit -q" for some)
	@$(BIN)/python -m pytest $(or $(FLAGS),--numprocesses 2 --dist loadscope --ignore tests/drills)

drills: $(INSTALLED) ## Let parts fail, one after the other, under traffic (FLAGS="tests/drills/test_source.py" for some)
	@$(BIN)/python -m pytest --tb native $(or $(FLAGS),tests/drills)

chaos: $(INSTALLED) ## Kill and freeze anything, anywhere, under traffic (N=200 relocations, SEED=S to repeat a run)
	@$(BIN)/python -m tests.chaos --relocations $(or $(N),200) $(if $(SEED),--seed $(SEED)) $(FLAGS)

model: $(INSTALLED) ## Search further for states that must not be (FLAGS="search large", "schedules 1000000 --seed 1")
	@$(BIN)/python -m tests.modelcheck $(or $(FLAGS),search large)

check: $(INSTALLED) ## Format, lint, types, layers, dependencies
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

bench: $(INSTALLED) ## Measure, each figure beside a reference from the same run (build/bench.json)
	@$(BIN)/python -m tests.bench $(FLAGS)

soak: $(INSTALLED) ## 100 relocations under 10^6 requests in each protocol; 1.5 h (REQUESTS=N RELOCATIONS=N RATE=N)
	@$(BIN)/python -m tests.bench.soak $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RELOCATIONS),--relocations $(RELOCATIONS)) $(if $(RATE),--rate $(RATE))

lock: ## Pin every dependency anew, with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  pyproject.toml --extra demo --group pyproject.toml:dev --no-emit-package edge-relocation -o requirements/dev.txt

clean: ## Remove the environment and everything built
	rm -rf .venv build

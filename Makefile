# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
BASE ?= python:3.11-slim-bookworm
VERSION = $(shell $(BIN)/python -c 'from importlib.metadata import version; print(version("edge-relocation"))')

.PHONY: help demo demo-emco test drills e2e e2e-up e2e-down chaos model check bench bench-k8s soak wheels programs image image-dev release lock clean

help: ## Show what can be done here
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## See an application follow its user, with real parts; ends in a verdict (FLAGS="--fault NAME")
	@$(BIN)/relocate demo $(FLAGS)

demo-emco: $(INSTALLED) ## The same on clusters of a simulated EMCO: there and back through it, beside its own order
	@$(BIN)/relocate demo --emco --directory build/demo-emco $(FLAGS)

# Tests that have the whole service run as processes, for something else than to let it fail.
PROCESSES := tests/observability tests/release tests/temporal/test_secured.py

test: $(INSTALLED) ## Run the tests but for drills, e2e and image (FLAGS="tests/unit -q" for some)
	@$(BIN)/python -m pytest $(or $(FLAGS),--numprocesses 2 --dist loadscope $(addprefix --ignore ,tests/drills $(PROCESSES) tests/e2e tests/image tests/compose/test_stack.py))

drills: $(INSTALLED) ## Let parts fail, one after the other, under traffic; try the whole as processes (FLAGS="tests/drills/test_source.py" for some)
	@$(BIN)/python -m pytest --tb=short $(or $(FLAGS),tests/drills)
	@$(if $(FLAGS),,$(BIN)/python -m pytest --tb=short $(PROCESSES))

e2e: $(INSTALLED) ## Move applications between real Kubernetes clusters, and in Compose; try the image (root, Go; E2E_CLUSTERS=kind, E2E_KUBECONFIGS=a:b)
	@$(BIN)/python -m tests.programs
	@$(BIN)/python -m $(if $(FLAGS),pytest --tb=short $(FLAGS),tests.e2e)

e2e-up: $(INSTALLED) ## Start two edge clusters and a hub, and leave them up
	@$(BIN)/python -m tests.testbed up

e2e-down: $(INSTALLED) ## Take them away
	@$(BIN)/python -m tests.testbed down

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

bench-k8s: $(INSTALLED) ## The same on two real Kubernetes clusters, beside kubectl (root, Go; build/bench-k8s.json)
	@$(BIN)/python -m tests.bench.kubernetes $(FLAGS)

soak: $(INSTALLED) ## 100 relocations under 10^6 requests in each protocol; 1.5 h (REQUESTS=N RELOCATIONS=N RATE=N)
	@$(BIN)/python -m tests.bench.soak $(if $(REQUESTS),--requests $(REQUESTS)) $(if $(RELOCATIONS),--relocations $(RELOCATIONS)) $(if $(RATE),--rate $(RATE))

wheels: $(INSTALLED) ## Gather what the image installs, by the lock's hashes (build/wheels)
	@rm -rf build/wheels
	@$(BIN)/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/image.txt -d build/wheels
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w build/wheels .

programs: $(INSTALLED) ## Build what else the image has, helm and kustomize, from Go modules (build/programs; without Go it has neither)
	@$(BIN)/python -m tests.programs.image build/programs

image: wheels programs ## Build the image (BASE=NAME for another one with Python 3.11) and its list of parts (build/sbom.spdx.json)
	docker build --tag edge-relocation:$(VERSION) --build-arg BASE=$(BASE) --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(shell git rev-parse HEAD 2>/dev/null || echo unknown) .
	docker run --rm --entrypoint python3 edge-relocation:$(VERSION) -c 'print(open("/opt/relocate/sbom.spdx.json").read(), end="")' > build/sbom.spdx.json

image-dev: image ## Build the image of trials on it, with Temporal's development server (helm's dev.enabled)
	@mkdir -p build/dev && cp $(BIN)/temporal build/dev/
	docker build --tag edge-relocation:$(VERSION)-dev --build-arg BASE=edge-relocation:$(VERSION) --file image/dev.Dockerfile build/dev

release: $(INSTALLED) ## Make everything of a release into build/release; publishes nothing (FLAGS=--without-image, BASE=NAME)
	@$(BIN)/python -m release $(FLAGS)

lock: ## Pin every dependency anew, with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  pyproject.toml --extra demo --extra tracing --group pyproject.toml:dev --no-emit-package edge-relocation -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  pyproject.toml --extra service --extra tracing --group pyproject.toml:image --constraint requirements/dev.txt --no-emit-package edge-relocation \
	  -o requirements/image.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
	  pyproject.toml --extra demo --extra tracing --constraint requirements/dev.txt --no-emit-package edge-relocation \
	  -o requirements/bundle.txt

clean: ## Remove the environment and everything built
	rm -rf .venv build

# One vocabulary for a laptop, for hooks and for CI. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help setup demo fmt lint types imports test apiserver helm changelog release-manifests image test-apiserver test-recorded crash schedules soak golden-accept rule-mutants bench schemas source-given lock pip-tools-given check clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/.ready ## Make .venv with the locked dependencies and the trueup command.

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("trueup needs Python 3.11 or later, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Plan, apply, drift and repair an application against the built-in emulator; no network.
	@$(BIN)/trueup demo

fmt: setup ## Format and sort imports.
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

lint: setup ## ruff: style and likely mistakes.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy --strict.
	$(BIN)/mypy

imports: setup ## Import contracts: who may see whom.
	$(BIN)/lint-imports

test: setup ## All tests that need no cluster; those that need other things skip with the reason.
	$(BIN)/python -m pytest -n auto -m "not apiserver"

apiserver: setup ## Build kube-apiserver, kube-controller-manager, kubectl and etcd from Go modules into the user's cache (5 minutes, once).
	$(BIN)/python -m tests.apiserver.binaries

helm: setup ## Build Helm from its Go module into the user's cache (90 s, once); without it tests of the chart skip.
	$(BIN)/python -m tests.chart.helm

changelog: setup ## Move what users see from changelog.d to CHANGELOG.md: make changelog VERSION=1.2.3; without a version, print it.
	$(BIN)/towncrier build $(if $(VERSION),--yes --version $(VERSION),--draft --version unreleased)

release-manifests: helm ## Make deploy/kustomize from the chart, and in dist/ the release YAML and the file of definitions.
	$(BIN)/python -m tests.chart.release

test-apiserver: setup ## Only the tests on a real Kubernetes API server, a control plane for each file: make apiserver, or KUBEBUILDER_ASSETS.
	@set -e; for file in tests/apiserver/test_*.py; do echo "$$file"; \
	$(BIN)/python -m pytest -rs $$file || { echo "once more:"; $(BIN)/python -m pytest -rs $$file; }; done

image: setup ## Build the container image with buildah: into the local storage, and to build/image as an OCI layout with its bill of materials.
	PYTHON=$(BIN)/python bash deploy/image/build.sh

test-recorded: setup ## Only the tests on recorded Azure traffic.
	$(BIN)/python -m pytest tests/recorded

crash: setup ## Kill the command at each of its requests and state writes; a sample of the points is in `make test`.
	TRUEUP_EVERY_POINT=1 $(BIN)/python -m pytest -n auto tests/crash

schedules: setup ## 1,000 random schedules of edits and faults; `make test` plays 100.
	TRUEUP_SCHEDULES=1000 $(BIN)/python -m pytest tests/property/test_random_schedules.py

soak: setup ## 10,000 random schedules, other ones each time.
	TRUEUP_SCHEDULES=10000 $(BIN)/python -m pytest tests/property/test_random_schedules.py

golden-accept: setup ## Rewrite the golden files; read the diff afterwards.
	TRUEUP_GOLDEN_ACCEPT=1 $(BIN)/python -m pytest -q tests/golden

rule-mutants: setup ## Switch each comparison rule and fact off and print what fails then: make rule-mutants [RECORDED=folder]
	$(BIN)/python -m benchmarks.rule_mutants $(if $(RECORDED),--recorded $(RECORDED))

bench: setup ## The table of a full pass at 1k, 10k and 100k resources.
	$(BIN)/python -m benchmarks.full_pass --table

schemas: source-given setup ## Compile schemas/data again from public type definitions: make schemas SOURCE=folder
	$(BIN)/python -m schemas.build.all "$(SOURCE)"

source-given:
	@test -d "$(SOURCE)" || { echo "usage: make schemas SOURCE=folder (the folder of public type definitions, which holds arm/ and aso/)$(if $(SOURCE),: $(SOURCE) is no folder)" >&2; exit 2; }

lock: pip-tools-given ## Resolve requirements.lock again (needs pip-tools in .venv).
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra dev -o requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -c requirements.lock -o deploy/image/requirements.lock pyproject.toml

pip-tools-given:
	@test -x $(BIN)/pip-compile || { echo "make lock needs pip-tools, which requirements.lock does not hold: make setup && $(BIN)/pip install pip-tools" >&2; exit 2; }

check: lint types imports test ## What CI runs.

clean: ## Remove what was built.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

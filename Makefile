# `make up` and `make test` do everything; the rest are their parts and the owner's tools.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
FAST := not sandbox and not root and not engine and not checkov and not prowler and not slow

.PHONY: help up down test test-fast check format plan matrix schema lock-addresses lock apply recover drift adopt export campaign bench setup

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

up: setup ## set-up, then the main job: bring the sandbox up, `pulumi up` of dell and aws, prove every cell
	@$(BIN)/python -m sandbox up

down: ## take the sandbox away, with everything it brought
	@$(BIN)/python -m sandbox down

matrix: ## measure every cell again on the running sandbox
	@$(BIN)/python -m sandbox matrix

test: setup check ## set-up, then every check and every test
	@$(BIN)/python -m sandbox prepare
	@$(BIN)/pytest -n 2 --dist loadgroup

test-fast: $(BIN)/.installed ## tests that need neither root nor sandbox nor engine, with fewer examples, in a minute
	@TWIN_VPC_EFFORT=0.25 $(BIN)/pytest -q -n auto -m "$(FAST)"

check: $(BIN)/.installed ## ruff, pyright strict, import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/pyright --warnings
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

format: $(BIN)/.installed ## format and mend what ruff can
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

plan: $(BIN)/.runtime ## addresses, matrix, price and pictures (out/*.svg, out/*.mmd) of every stack, from the files alone
	@$(BIN)/python -m twinvpc.cli plan
	@$(BIN)/python -m twinvpc.cli picture

schema: $(BIN)/.runtime ## write schemas/*.json anew, after a change of the models
	@$(BIN)/python -m twinvpc.cli schema

lock-addresses: $(BIN)/.runtime ## record new addresses in addresses.lock.json
	@$(BIN)/python -m twinvpc.cli lock-addresses

drift: $(BIN)/.runtime ## name what somebody changed by hand on the host: make drift STACK=dell
	@$(BIN)/python -m operations drift --stack $(or $(STACK),dell)

apply: $(BIN)/.runtime ## `pulumi up` that names the way out after a killed run: make apply STACK=dell ARGS="--yes"
	@$(BIN)/python -m operations up --stack $(or $(STACK),dell) $(ARGS)

recover: $(BIN)/.runtime ## heal a stack after a killed run: make recover STACK=dell
	@$(BIN)/python -m operations recover --stack $(or $(STACK),dell)

adopt: $(BIN)/.runtime ## a host with networks made by hand: make adopt STACK=dell ARGS="--yes --move test-vm=public"
	@$(BIN)/python -m operations adopt --stack $(or $(STACK),dell) $(ARGS)

export: $(BIN)/.runtime ## a stack as Terraform JSON, from the files alone: make export STACK=aws OUT=DIR
	@$(BIN)/python -m graph export --stack $(or $(STACK),aws) --out $(or $(OUT),out/$(or $(STACK),aws))

bench: setup ## the benchmarks of docs/performance.md, as ratios in one run; fails if a demand is missed
	@$(BIN)/python -m benchmarks

campaign: setup ## what is too long for `make test`: 20 kills, 20 orders of events, every broken rule, long benchmarks
	@$(BIN)/python -m benchmarks.campaign
	@$(BIN)/python -m sandbox.mutation --out docs/mutations.md
	@$(BIN)/python -m benchmarks --campaign

lock: $(BIN)/.installed ## compile requirements*.in into pinned, hashed requirements*.txt
	@for part in requirements requirements-dev requirements-checkov requirements-prowler; do \
	  $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    -o $$part.txt $$part.in; done

setup: packages $(BIN)/.installed

.PHONY: packages
packages:
	@sandbox/setup

# The stamps remember which requirements the environment holds.
$(BIN)/.runtime: requirements.txt
	@echo "» Python environment: runtime"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(BIN)/.installed: $(BIN)/.runtime requirements-dev.txt
	@echo "» Python environment: tools and tests"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

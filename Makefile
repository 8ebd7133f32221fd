# Everything that people and CI run. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON := .venv/bin/python
STACK := $(PYTHON) -P -m local_stack
STAMP := .venv/.installed
PACKAGES := shared services/redirector services/shortener services/click-ingest deploy/local
LOCKED := $(wildcard requirements/dev.txt $(addsuffix /pyproject.toml,$(PACKAGES)))
CHECKED := $(wildcard $(addsuffix /src,$(PACKAGES)) tests)

# T=tests/unit/test_x.py::test_y narrows a test target, S=redirector-1 the logs.
T ?=
S ?=
PYTEST := $(PYTHON) -m pytest

# A virtual environment cannot be moved, so in a moved checkout it is made again.
ifneq ($(shell head -n 1 $(STAMP) 2>/dev/null) $(wildcard $(PYTHON)),$(CURDIR) $(PYTHON))
.PHONY: $(STAMP)
endif
$(STAMP): deploy/local/bootstrap $(LOCKED)
	@deploy/local/bootstrap

##@ Run

.PHONY: run start stop status logs env psql
run: $(STAMP) ## Run everything on this machine, in the foreground, until Ctrl-C
	@$(STACK) run

start: $(STAMP) ## Run everything in the background
	@$(STACK) start

stop: $(STAMP) ## Stop it
	@$(STACK) stop

status: $(STAMP) ## Show what runs where, and whether it is well
	@$(STACK) status

logs: $(STAMP) ## Follow the logs; S=redirector-1 narrows to a program
	@$(STACK) logs $(S)

env: $(STAMP) ## Make .env with fresh secrets, as the first start would; docker compose needs it
	@$(STACK) env

psql: $(STAMP) ## Open the running stack's database
	@$(STACK) psql

##@ Check

.PHONY: lint format lock
lint: $(STAMP) ## Check style, types and the rules between packages
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy $(CHECKED)
	@.venv/bin/lint-imports --no-logo

format: $(STAMP) ## Format the code and mend what can be mended
	@$(PYTHON) -m ruff check --fix-only .
	@$(PYTHON) -m ruff format .

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --exclude-newer '7 days' \
	$(if $(UPGRADE),--upgrade)
SERVICES := redirector shortener click-ingest

lock: $(STAMP) ## Compile requirements/*.txt from the pyproject.toml files; UPGRADE=1 renews pins
	@$(foreach service,$(SERVICES),$(COMPILE) --no-emit-package qck-shared \
		shared/pyproject.toml services/$(service)/pyproject.toml \
		--output-file requirements/$(service).txt &&) true
	@$(COMPILE) requirements/build.in --output-file requirements/build.txt
	@$(COMPILE) --no-emit-package qck-shared --extra migrations \
		$(addsuffix /pyproject.toml,$(PACKAGES)) requirements/dev.in \
		--output-file requirements/dev.txt

##@ Test

.PHONY: test test-unit test-contract test-integration test-e2e test-resilience
test: lint servers ## Lint, then every test but load and bench; T=path::name narrows
	@$(PYTEST) $(or $(T),tests --ignore=tests/load --ignore=tests/bench)

test-unit: $(STAMP) ## The decisions, without servers
	@$(PYTEST) $(or $(T),tests/unit)

test-contract: servers ## Fakes against the real thing, wire formats against their goldens
	@$(PYTEST) $(or $(T),tests/contract)

test-integration: servers ## Against real PostgreSQL, Redis and RabbitMQ
	@$(PYTEST) $(or $(T),tests/integration)

test-e2e: servers ## Through nginx and back
	@$(PYTEST) $(or $(T),tests/e2e)

test-resilience: servers ## Kill everything, count what is lost
	@$(PYTEST) $(or $(T),tests/resilience)

.PHONY: servers
servers: $(STAMP)
	@$(STACK) install

##@ Measure

# Drawn by the run itself, and printed, unless given.
SEED ?=
DURATION_S ?= 600
RATE ?= 300
REPORT ?= reports/chaos

.PHONY: chaos
chaos: servers ## Hurt everything under traffic, count lost and doubled: SEED= DURATION_S= RATE=
	@$(PYTHON) -m tests.resilience.chaos $(if $(SEED),--seed $(SEED)) \
		--duration $(DURATION_S) --rate $(RATE) --report $(REPORT)

# Shared by the next two, which mean different numbers of clicks unless told.
CLICKS ?=

.PHONY: backlog
backlog: servers ## Drain millions of clicks after an outage of RabbitMQ, under traffic: CLICKS=
	@$(PYTHON) -m tests.resilience.backlog --clicks $(or $(CLICKS),5000000)

LINKS ?= 1000000
DAYS ?= 90

.PHONY: seed
seed: $(STAMP) ## Fill the running stack's database, or DATABASE_URL's: LINKS= CLICKS= DAYS= SEED=
	@$(PYTHON) -m tests.seed --links $(LINKS) --clicks $(or $(CLICKS),10000000) --days $(DAYS) --seed $(or $(SEED),1)

BASELINE ?=
THRESHOLD ?= 1.25

.PHONY: bench-micro
bench-micro: $(STAMP) ## Time the hot functions against their baseline; BASELINE=1 stores it, T= narrows
	@$(PYTHON) -m tests.bench.micro --threshold $(THRESHOLD) $(if $(BASELINE),--baseline) \
		$(if $(T),--only '$(T)')

ONLY ?=
ROUNDS ?= 5
SUSTAINED_S ?= 600
PER_SECOND ?= 11600
SCALE ?= 1

.PHONY: bench
bench: servers ## Measure this machine beside references: ONLY= ROUNDS= SUSTAINED_S= PER_SECOND= SCALE= SEED=
	@$(PYTHON) -m tests.bench $(if $(ONLY),--only $(ONLY)) --rounds $(ROUNDS) \
		--sustained $(SUSTAINED_S) --per-second $(PER_SECOND) --scale $(SCALE) --seed $(or $(SEED),1)

PROFILE ?= peak
TARGET ?=
API ?=
PROCESSES ?=
LOAD := $(PYTHON) -m tests.load --target "$(TARGET)" --api "$(API)" --processes "$(PROCESSES)"
# Its length is the profile's own unless given on the command line.
LOAD_S = $(if $(filter command line environment,$(origin DURATION_S)),--duration $(DURATION_S))

.PHONY: load soak
load: $(STAMP) ## Load the running stack, verdict per target: PROFILE=average|peak|burst|day DURATION_S= TARGET=
	@$(LOAD) --profile $(PROFILE) $(LOAD_S)

soak: $(STAMP) ## 1,000 requests a second for 20 minutes: do connections and memory stay flat? DURATION_S=
	@$(LOAD) --profile soak $(LOAD_S)

##@ Operate

.PHONY: api-key migrate ledger dead-letters replay-dead-letters help
api-key: $(STAMP) ## Make an API key in the running stack: NAME=...
	@test -n "$(NAME)" || { echo 'say for whom: make api-key NAME=...' >&2; exit 2; }
	@$(STACK) exec shortener -- python -P -m shortener.api_keys "$(NAME)"

migrate: $(STAMP) ## Bring the running stack's database to the newest schema
	@$(STACK) migrate

ledger: $(STAMP) ## Show for each spool what arrived; fails when clicks are missing
	@$(STACK) exec click-ingest -- python -P -m click_ingest.ledger_report

dead-letters: $(STAMP) ## Show the clicks that could not be stored, with the reason
	@$(STACK) exec click-ingest -- python -P -m click_ingest.dead_letter_queue list

replay-dead-letters: $(STAMP) ## Send them to be stored again
	@$(STACK) exec click-ingest -- python -P -m click_ingest.dead_letter_queue replay

.PHONY: backup restore reconcile
backup: $(STAMP) ## Back the running stack up: TO=folder
	@$(STACK) backup --to "$(TO)"

restore: $(STAMP) ## Put a backup in place of the running stack's database: FROM=folder
	@test -n "$(FROM)" || { echo 'say which: make restore FROM=...' >&2; exit 2; }
	@$(STACK) restore "$(FROM)"

reconcile: $(STAMP) ## Count clicks anew, and compare rollups and ledger; fails when they differ
	@$(STACK) exec click-ingest -- python -P -m click_ingest.reconcile

.PHONY: block unblock blocked
BLOCK := $(STACK) exec shortener -- python -P -m shortener.block_command

block: $(STAMP) ## Take down all links to a domain and its subdomains: DOMAIN=... REASON=...
	@test -n "$(DOMAIN)" || { echo 'say which: make block DOMAIN=...' >&2; exit 2; }
	@$(BLOCK) block "$(DOMAIN)" "$(REASON)"

unblock: $(STAMP) ## Put them back up: DOMAIN=...
	@test -n "$(DOMAIN)" || { echo 'say which: make unblock DOMAIN=...' >&2; exit 2; }
	@$(BLOCK) unblock "$(DOMAIN)"

blocked: $(STAMP) ## Show the blocked domains
	@$(BLOCK) list

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

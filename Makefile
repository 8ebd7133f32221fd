# Everything that people and CI run. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Not PYTHON, which is for people to set: the interpreter of which bootstrap makes .venv.
VENV_PYTHON := .venv/bin/python
STACK := $(VENV_PYTHON) -P -m local_stack
STAMP := .venv/.installed
PACKAGES := shared services/redirector services/shortener services/click-ingest \
	deploy/local deploy/capacity deploy/release
LOCKED := $(wildcard requirements/pip.txt requirements/dev.txt $(addsuffix /pyproject.toml,$(PACKAGES)))
CHECKED := $(wildcard $(addsuffix /src,$(PACKAGES)) tests docs/examples)

# T=tests/unit/test_x.py::test_y narrows a test target, S=redirector-1 the logs.
T ?=
S ?=
# WITH=prometheus runs that too.
WITH ?=
PYTEST := $(VENV_PYTHON) -m pytest

# A virtual environment cannot be moved, so in a moved checkout it is made again.
ifneq ($(shell head -n 1 $(STAMP) 2>/dev/null) $(wildcard $(VENV_PYTHON)),$(CURDIR) $(VENV_PYTHON))
.PHONY: $(STAMP)
endif
$(STAMP): deploy/local/bootstrap $(LOCKED)
	@deploy/local/bootstrap

##@ Run

.PHONY: run start stop status logs env psql
run: $(STAMP) ## Run everything on this machine, in the foreground, until Ctrl-C; WITH=prometheus
	@$(STACK) run $(if $(WITH),--with $(WITH))

start: $(STAMP) ## Run everything in the background
	@$(STACK) start $(if $(WITH),--with $(WITH))

stop: $(STAMP) ## Stop it
	@$(STACK) stop

status: $(STAMP) ## Show what runs where, and whether it is well
	@$(STACK) status

logs: $(STAMP) ## Follow the logs; S=redirector-1 narrows to a program
	@$(STACK) logs $(S)

env: $(STAMP) ## Make .env with fresh secrets, as the first start would
	@$(STACK) env

psql: $(STAMP) ## Open the running stack's database
	@$(STACK) psql

##@ Check

.PHONY: lint format lock docs
lint: $(STAMP) ## Check style, types and the rules between packages
	@$(VENV_PYTHON) -m ruff check .
	@$(VENV_PYTHON) -m ruff format --check .
	@$(VENV_PYTHON) -m mypy $(CHECKED)
	@.venv/bin/lint-imports --no-logo
	@$(VENV_PYTHON) -m tests.kubernetes

format: $(STAMP) ## Format the code and mend what can be mended
	@$(VENV_PYTHON) -m ruff check --fix-only .
	@$(VENV_PYTHON) -m ruff format .

docs: $(STAMP) ## Make what is made from code: docs/metrics.md, openapi.json, asyncapi.json
	@$(VENV_PYTHON) -P -m shared.metrics.page docs/metrics.md
	@$(VENV_PYTHON) -P -m shortener.openapi docs/openapi.json
	@$(VENV_PYTHON) -P -m shared.click_asyncapi docs/asyncapi.json

COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --exclude-newer '7 days' \
	$(if $(UPGRADE),--upgrade)
SERVICES := redirector shortener click-ingest

# Not after the stamp, which would first install what has just been asked for and is not locked yet.
.venv/bin/uv:
	@deploy/local/bootstrap

lock: .venv/bin/uv ## Compile requirements/*.txt from the pyproject.toml files; UPGRADE=1 renews pins
	@$(foreach service,$(SERVICES),$(COMPILE) --no-emit-package qck-shared \
		shared/pyproject.toml services/$(service)/pyproject.toml \
		--output-file requirements/$(service).txt &&) true
	@$(COMPILE) requirements/pip.in --output-file requirements/pip.txt
	@$(COMPILE) requirements/build.in --output-file requirements/build.txt
	@$(COMPILE) --no-emit-package qck-shared --extra migrations \
		$(addsuffix /pyproject.toml,$(PACKAGES)) requirements/dev.in \
		--output-file requirements/dev.txt

##@ Test

.PHONY: test test-unit test-contract test-integration test-e2e test-clients test-resilience
APART := load bench deploy clients
# Two halves side by side, each with servers of its own: most tests wait more than they work.
# A half that dies ends the run: pytest-xdist would run its test again, and may wait for it for ever.
HALVES := --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
test: lint servers ## Lint, then every test but deploy and clients; load, bench and fuzz are apart; T=path::name narrows
	@$(PYTEST) $(or $(T),$(HALVES) tests $(addprefix --ignore=tests/,$(APART)))

test-unit: $(STAMP) ## The decisions, without servers
	@$(PYTEST) $(or $(T),tests/unit)

test-contract: $(STAMP) ## Bytes on the wire, in the cache and in spools against their goldens, without servers
	@$(PYTEST) $(or $(T),tests/contract)

test-integration: servers ## Against real PostgreSQL, Redis and RabbitMQ
	@$(PYTEST) $(or $(T),tests/integration)

test-e2e: servers ## Through nginx and back
	@$(PYTEST) $(or $(T),tests/e2e)

test-clients: servers ## Shlink's own clients, fetched from their registries; needs node and npm
	@$(PYTEST) --timeout 900 $(or $(T),tests/clients)

test-resilience: servers ## Kill everything, count what is lost
	@$(PYTEST) $(or $(T),tests/resilience)

EXAMPLES ?= 200

.PHONY: fuzz
fuzz: servers ## Hold the API to docs/openapi.json with drawn requests: EXAMPLES= of each, SEED=
	@$(VENV_PYTHON) -m tests.fuzz --examples $(EXAMPLES) $(if $(SEED),--seed $(SEED))

# In the order of the files: each test goes on from where the former one has left the containers.
.PHONY: test-deploy
test-deploy: $(STAMP) ## Deploy, break and roll back containers under traffic; needs Docker
	@$(PYTEST) -s -v -p no:randomly --timeout 1800 $(or $(T),tests/deploy)

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
	@$(VENV_PYTHON) -m tests.resilience.chaos $(if $(SEED),--seed $(SEED)) \
		--duration $(DURATION_S) --rate $(RATE) --report $(REPORT)

# Shared by the next two, which mean different numbers of clicks unless told.
CLICKS ?=

.PHONY: backlog
backlog: servers ## Drain millions of clicks after an outage of RabbitMQ, under traffic: CLICKS=
	@$(VENV_PYTHON) -m tests.resilience.backlog --clicks $(or $(CLICKS),5000000)

.PHONY: dashboards-check
dashboards-check: servers ## Ask every panel's query of a real Prometheus, draw them: reports/dashboards.html
	@$(VENV_PYTHON) -m tests.dashboards

LINKS ?= 1000000
DAYS ?= 90

.PHONY: seed
seed: $(STAMP) ## Fill the running stack's database, or DATABASE_URL's: LINKS= CLICKS= DAYS= SEED=
	@$(VENV_PYTHON) -m tests.seed --links $(LINKS) --clicks $(or $(CLICKS),10000000) --days $(DAYS) --seed $(or $(SEED),1)

BASELINE ?=
THRESHOLD ?= 1.25

.PHONY: bench-micro
bench-micro: $(STAMP) ## Time the hot functions against their baseline; BASELINE=1 stores it, T= narrows
	@$(VENV_PYTHON) -m tests.bench.micro --threshold $(THRESHOLD) $(if $(BASELINE),--baseline) \
		$(if $(T),--only '$(T)')

ONLY ?=
COMMA := ,
ROUNDS ?= 5
SUSTAINED_S ?= 600
PER_SECOND ?= 11600
SCALE ?= 1

.PHONY: bench
bench: servers ## Measure this machine beside references: ONLY= ROUNDS= SUSTAINED_S= PER_SECOND= SCALE= SEED=
	@$(VENV_PYTHON) -m tests.bench $(if $(ONLY),--only $(subst $(COMMA), ,$(ONLY))) --rounds $(ROUNDS) \
		--sustained $(SUSTAINED_S) --per-second $(PER_SECOND) --scale $(SCALE) --seed $(or $(SEED),1)

##@ Plan

PLANNED := CLICKS_PER_DAY PEAK_FACTOR BURST_FACTOR HIT_RATIO NEW_LINKS LINKS RETENTION_DAYS OUTAGE_HOURS \
	TARGET HOSTS
# Shared with `import`, which means another format unless told.
FORMAT ?=
CAPACITY := $(VENV_PYTHON) -P -m capacity

.PHONY: capacity profile profiles capacity-check
# What is given on the command line, and no more: LINKS and others have defaults of their own here.
capacity: $(STAMP) ## Say what CLICKS_PER_DAY= need: PEAK_FACTOR= HIT_RATIO= RETENTION_DAYS= ... FORMAT=
	@$(CAPACITY) plan --format $(or $(FORMAT),table) $(foreach name,$(PLANNED),$(if \
		$(filter command,$(firstword $(origin $(name)))),'$(name)=$($(name))'))

profile: $(STAMP) ## Put a profile into .env: NAME=development, 1m, 2m, 5m or 10m
	@test -n "$$NAME" || { echo 'say which: make profile NAME=1m' >&2; exit 2; }
	@$(CAPACITY) profile "$$NAME"

profiles: $(STAMP) ## Make the profiles in deploy/profiles anew from the planner
	@$(CAPACITY) profiles

capacity-check: servers ## Compare the planner's forecast with a minute at 1,000/s: PER_SECOND=
	@$(VENV_PYTHON) -m tests.capacity $(if $(filter command,$(firstword $(origin PER_SECOND))),--per-second $(PER_SECOND))

##@ Deploy

# RELEASE=name; FORCE=1 replaces what is the same, too; DOCKER_CONTEXT= is the context of another host.
RELEASE ?=
FORCE ?=
DEPLOY = PYTHONPATH=deploy/release/src $(or $(wildcard $(VENV_PYTHON)),$(PYTHON),python3) -m release

.PHONY: secrets deploy rollback releases deploy-store
secrets: ## Make the secrets of the containers, where they are missing, in secrets/
	@deploy/make-secrets

deploy: ## Bring this checkout onto the Docker host, unnoticed: RELEASE= FORCE=
	@$(DEPLOY) deploy $(if $(FORCE),--force) $(RELEASE)

rollback: ## Go back to the release before, settings included: RELEASE=
	@$(DEPLOY) rollback $(RELEASE)

releases: ## List what was deployed to the Docker host
	@$(DEPLOY) releases

deploy-store: ## Have a store run as the serving release describes it, restarting it if it does not: S=postgres
	@$(DEPLOY) store $(S)

.PHONY: sbom
sbom: ## Write what is in each image, as CycloneDX: sbom/redirector.cdx.json and so on
	@$(foreach service,$(SERVICES),PYTHONPATH=deploy/release/src $(or $(wildcard $(VENV_PYTHON)),$(PYTHON),python3) \
		-m release.sbom requirements/$(service).txt \
		"$$(sed -n 's/^version = "\(.*\)"/\1/p' services/$(service)/pyproject.toml)" \
		sbom/$(service).cdx.json &&) true

##@ Load

PROFILE ?= peak
TARGET ?=
API ?=
PROCESSES ?=
LOAD := $(VENV_PYTHON) -m tests.load --target "$(TARGET)" --api "$(API)" --processes "$(PROCESSES)"
# Its length is the profile's own unless given on the command line.
LOAD_S = $(if $(filter command line environment,$(origin DURATION_S)),--duration $(DURATION_S))

.PHONY: load soak
load: $(STAMP) ## Load the running stack, verdict per target: PROFILE=average|peak|burst|day DURATION_S= TARGET=
	@$(LOAD) --profile $(PROFILE) $(LOAD_S)

soak: $(STAMP) ## 1,000 requests a second for 20 minutes: do connections and memory stay flat? DURATION_S=
	@$(LOAD) --profile soak $(LOAD_S)

##@ Operate

# What people write goes to programs as it is, by the environment: it may have quotes in it.
.PHONY: api-key api-keys disable-api-key rotate-api-key migrate ledger dead-letters replay-dead-letters help
API_KEYS := $(STACK) exec shortener -- python -P -m shortener.api_key_command

api-key: $(STAMP) ## Make an API key in the running stack: NAME=... ROLE= DOMAIN= EXPIRES=
	@test -n "$$NAME" || { echo 'say for whom: make api-key NAME=...' >&2; exit 2; }
	@$(API_KEYS) create $(if $(ROLE),--role "$$ROLE") $(if $(DOMAIN),--domain "$$DOMAIN") \
		$(if $(EXPIRES),--expires "$$EXPIRES") -- "$$NAME"

api-keys: $(STAMP) ## List the API keys: names, states, limits
	@$(API_KEYS) list

disable-api-key: $(STAMP) ## Let an API key open nothing any more: NAME=...
	@$(API_KEYS) disable -- "$$NAME"

rotate-api-key: $(STAMP) ## Give an API key's name and rights to a new key: NAME=...
	@$(API_KEYS) rotate -- "$$NAME"

REPORT_FILE ?= reports/import.csv
DOMAIN ?=

.PHONY: import
import: $(STAMP) ## Take links over: FILE= FORMAT=csv|yourls|kutt|bitly|shlink, or of a Shlink server FILE=https://... APIKEY=
	@test -n "$$FILE" || { echo 'say from where: make import FILE=links.csv FORMAT=csv' >&2; exit 2; }
	@IMPORT_API_KEY="$$APIKEY" $(STACK) exec shortener -- python -P -m shortener.import_links \
		--report '$(REPORT_FILE)' --domain "$$DOMAIN" '$(or $(FORMAT),csv)' "$$FILE"

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
	@$(STACK) backup --to "$$TO"

restore: $(STAMP) ## Put a backup in place of the running stack's database: FROM=folder
	@test -n "$$FROM" || { echo 'say which: make restore FROM=...' >&2; exit 2; }
	@$(STACK) restore "$$FROM"

reconcile: $(STAMP) ## Count clicks anew, and compare rollups and ledger; fails when they differ
	@$(STACK) exec click-ingest -- python -P -m click_ingest.reconcile

.PHONY: block unblock blocked
BLOCK := $(STACK) exec shortener -- python -P -m shortener.block_command

block: $(STAMP) ## Take down all links to a domain and its subdomains: DOMAIN=... REASON=...
	@test -n "$$DOMAIN" || { echo 'say which: make block DOMAIN=...' >&2; exit 2; }
	@$(BLOCK) block "$$DOMAIN" "$$REASON"

unblock: $(STAMP) ## Put them back up: DOMAIN=...
	@test -n "$$DOMAIN" || { echo 'say which: make unblock DOMAIN=...' >&2; exit 2; }
	@$(BLOCK) unblock "$$DOMAIN"

blocked: $(STAMP) ## Show the blocked domains
	@$(BLOCK) list

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Heisenbug: `make up` runs the bot on this computer, `make test` tests everything.
.DEFAULT_GOAL := help
.PHONY: help up down clean test unit integration e2e check lint types bench soak watching bots cost crash fuzz parity pins openapi vendor screenshots

HOME_DIR := $(or $(HEISENBUG_HOME),.heisenbug)
export HEISENBUG_HOME := $(abspath $(HOME_DIR))
CLI := $(HOME_DIR)/venv
DEV := $(HOME_DIR)/dev
SAM := $(HOME_DIR)/sam
PYTEST = $(DEV)/bin/python -m pytest

help: ## say what there is
	@echo 'Heisenbug: a trading bot that can be believed. Paper money unless you say otherwise, three times.'
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'
	@echo 'up takes MARKET=file.csv.gz|demo|live SPEED=12 PORT=4566 LIVE=1 DETACH=1 PYTHON=/path/to/python3'

$(CLI)/requirements.txt: cli/requirements.txt local/bootstrap.sh
	@PYTHON='$(PYTHON)' sh local/bootstrap.sh

$(DEV)/requirements.txt: tests/requirements.txt local/bootstrap.sh $(CLI)/requirements.txt
	@PYTHON='$(PYTHON)' sh local/bootstrap.sh tests/requirements.txt dev

up: $(CLI)/requirements.txt ## run the bot here: no Docker, no account, no keys (DETACH=1 returns when it runs)
	@$(CLI)/bin/heisenbug up $(if $(MARKET),--market '$(MARKET)') $(if $(SPEED),--speed '$(SPEED)') \
	  $(if $(PORT),--port '$(PORT)') $(if $(LIVE),--live-trading) $(if $(DETACH),--detach)

down: ## stop the bot here; its state is kept
	@if [ -x $(CLI)/bin/heisenbug ]; then $(CLI)/bin/heisenbug down; else echo 'Nothing runs here.'; fi

clean: ## stop the bot here and forget everything it made
	@if [ -x $(CLI)/bin/heisenbug ]; then $(CLI)/bin/heisenbug down; fi
	@rm -rf '$(HOME_DIR)' .aws-sam

test: unit integration e2e ## test everything: unit, integration, end to end

unit: $(DEV)/requirements.txt ## the domain and all that needs no socket
	@$(PYTEST) -n 2 --dist worksteal tests/unit

integration: $(DEV)/requirements.txt ## tables, handlers and servers in one process
	@$(PYTEST) -n 2 --dist worksteal tests/integration

e2e: $(DEV)/requirements.txt ## the deployed stack on the embedded AWS, with its roles enforced
	@$(PYTEST) -n 3 tests/e2e

$(SAM)/requirements.txt: local/requirements-sam.txt local/bootstrap.sh $(CLI)/requirements.txt
	@PYTHON='$(PYTHON)' sh local/bootstrap.sh local/requirements-sam.txt sam

lint: $(DEV)/requirements.txt $(SAM)/requirements.txt ## style, complexity, the template
	@$(DEV)/bin/ruff check .
	@$(DEV)/bin/ruff format --check .
	@$(DEV)/bin/cfn-lint -a cfn_lint_serverless.rules -t template.yaml
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM)/bin/sam validate --lint

types: $(DEV)/requirements.txt ## mypy, strict
	@$(DEV)/bin/mypy layers/heisenbug/heisenbug cli local
	@for folder in functions/*/; do MYPYPATH=$$folder $(DEV)/bin/mypy $$folder || exit 1; done

check: lint types test ## exactly what the continuous integration runs

bench: $(DEV)/requirements.txt ## measure what the documents claim
	@$(DEV)/bin/python -m tests.benchmarks

crash: $(DEV)/requirements.txt ## prove that no death doubles or loses a conversion (two hours; EXAMPLES=200 shortens it)
	@$(DEV)/bin/python -m tests.crash $(if $(EXAMPLES),--examples $(EXAMPLES))

fuzz: $(DEV)/requirements.txt ## ask the deployed API what nobody would think of, for five minutes (SECONDS=60 shortens it)
	@$(DEV)/bin/python -m tests.benchmarks.fuzz $(if $(SECONDS),--seconds $(SECONDS))

parity: $(DEV)/requirements.txt ## prove that the deployed bot and the backtest do the same, for three days of minutes
	@$(DEV)/bin/python -m tests.benchmarks.parity $(if $(SAMPLES),--samples $(SAMPLES))

soak: $(DEV)/requirements.txt ## run it as a person would, for a quarter of an hour, and measure
	@$(DEV)/bin/python -m tests.benchmarks.soak

watching: $(DEV)/requirements.txt ## measure what one browser and 500 clients see of the bot, and when
	@$(DEV)/bin/python -m tests.benchmarks.watching

bots: $(DEV)/requirements.txt ## measure twenty bots side by side, and what one that hangs does to the others (MINUTES=2 shortens it)
	@$(DEV)/bin/python -m tests.benchmarks.several $(if $(MINUTES),--minutes $(MINUTES))

cost: $(DEV)/requirements.txt ## run a simulated day at 60 s and at 5 s and print the bill of a month (HOURS=2 shortens it)
	@$(DEV)/bin/python -m tests.benchmarks.costing $(if $(HOURS),--hours $(HOURS))

screenshots: $(DEV)/requirements.txt $(SAM)/requirements.txt ## take the README's pictures of the panel anew (ten minutes; needs Chromium)
	@$(DEV)/bin/python -m tests.pictures

openapi: $(DEV)/requirements.txt ## write the HTTP API's document anew
	@$(DEV)/bin/python -m cli.openapi > web/openapi.json

vendor: $(DEV)/requirements.txt ## fetch what others wrote for browsers, as the locks in web/vendor and tests/vendor say (needs npm)
	@$(DEV)/bin/python -m local.vendor

# What the Lambda runtime brings must not be in a layer a second time.
RUNTIME := $(foreach name,boto3 botocore s3transfer jmespath python-dateutil six,--no-emit-package $(name))
# What the dependencies layer has already, and what ccxt takes only to ask for more.
SHIPPED := $(foreach name,requests urllib3 certifi idna charset-normalizer typing-extensions attrs,--no-emit-package $(name))

pins: $(CLI)/requirements.txt ## pin every dependency anew, with hashes
	@uv=$$(cat $(HOME_DIR)/uv-path); pin() { (cd "$$1" && shift && "$$uv" pip compile -q --upgrade --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command 'make pins' "$$@"); }; \
	pin layers/dependencies requirements.in -o requirements.txt $(RUNTIME) && \
	pin layers/numpy requirements.in -o requirements.txt && pin layers/ccxt requirements.in -o requirements.txt --override overrides.txt $(SHIPPED) && \
	for name in functions ministack sam; do pin local requirements-$$name.in -o requirements-$$name.txt || exit 1; done && \
	pin cli requirements.in -o requirements.txt && pin tests requirements.in -o requirements.txt --override ../layers/ccxt/overrides.txt

# Everything a user types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help install repro show model publish mteb-task compare cost bases saturation forgetting export-examples import-reviews import-rows export-rows mine-rows score-rows page deploy query rollback prune index serve test types tests clean
SHELL := /bin/bash

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# one tokenizer thread beside torch's own is enough, and forks do not warn
export TOKENIZERS_PARALLELISM := false
# neither DVC nor a library tells anybody what is done here
export DVC_NO_ANALYTICS := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1
# a run starts some twenty processes, each of which would compile the same libraries again
unexport PYTHONDONTWRITEBYTECODE

# of pip's lines, how far it is: a line each twenty packages, and that it unpacks them at last
INSTALLING = n=0; while read -r word name _; do case $$word in \
  Collecting) (( ++n % 20 )) || echo "  $$n are found, now $$name";; \
  Installing) echo "  all are here, and are unpacked";; esac; done

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed ## Create .venv with the pinned packages

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11; call make PYTHON=python3.11" >&2; exit 1; }
	@echo "Creating $(VENV): $$(grep -c == requirements.lock) packages, 3 to 5 minutes"
	@$(PYTHON) -m venv $(VENV)
	@# Python compiles what is imported when it is imported; of these packages that is a part
	@set -o pipefail; PYTHONUNBUFFERED=1 $(VENV)/bin/python -m pip install --no-compile --disable-pip-version-check \
	  --progress-bar off -r requirements.lock | { $(INSTALLING); }
	@touch $@

repro: $(VENV)/installed ## Run what changed and compare the systems; PRESET=nfcorpus|fiqa|nq|tasks|language-model sets parameters
	@$(if $(PRESET),python -m stages.operate.preset --presets stages/presets $(PRESET))
	@python -m stages.operate.repro
	@python -m stages.share.model --unless-of dvc.lock --out models/embedder
	@python -m stages.study.show

show: $(VENV)/installed ## Show the systems' measures, and how sure their differences are
	@python -m stages.study.show

model: $(VENV)/installed ## Assemble models/embedder, the folder to take home: model, ONNX, vectors, card
	@python -m stages.share.model --out models/embedder

publish: $(VENV)/installed ## Say what REPO=you/name on a hub would get; UPLOAD=1 uploads it, UPDATE=1 over what is there
	@python -m stages.share.publish --out models/embedder "$(REPO)" $(if $(UPLOAD),--upload) $(if $(UPDATE),--update)

mteb-task: $(VENV)/installed ## Write data/mteb: the collection as a task of MTEB, for any model
	@python -m stages.share.mteb_task --collection data/collection --out data/mteb

compare: $(VENV)/installed ## Show the systems' measures beside those of a git revision; REV=HEAD~1
	@python -m stages.study.compare $(REV)

cost: $(VENV)/installed ## Count the LLM calls that a run would make, and what they cost; needs no key
	@dvc repro --quiet prepare
	@python -m stages.operate.cost --corpus data/collection/corpus.jsonl --train data/collection/train \
	  --dev data/collection/dev --test data/collection/test --answers data/collection/answers.jsonl --synthetic data/synthetic/train \
	  --judged data/judged --reviews data/reviews --prompts stages/prompts --stores data/llm

bases: $(VENV)/installed ## Compare the base with the untuned models of evaluate.others on dev; trains nothing
	@dvc repro others
	@python -m stages.study.bases --metrics data/metrics/others.json --corpus data/collection/corpus.jsonl \
	  --base models/base --documents models/documents --models models/others

saturation: $(VENV)/installed ## Train on a quarter, half and all of the queries: is it worth paying for more?
	@dvc repro mine judge_dev
	@python -m stages.study.saturation --corpus data/collection/corpus.jsonl --mined data/mined \
	  --dev data/collection/dev --synthetic-dev data/synthetic/dev --judged data/judged --test data/collection/test \
	  --model models/base --vectors data/vectors/base --distilled models/distilled \
	  --document-vectors data/vectors/documents --out data/saturation

forgetting: $(VENV)/installed ## Measure base and tuned model on another judged collection: make forgetting COLLECTION=nanobeir/scifact
	@python -m stages.study.forgetting --collection "$(COLLECTION)" --base models/base --tuned models/tuned

# where the examples lie in a live Argilla, whose key is in ARGILLA_API_KEY
LIVE = $(if $(SERVER),--server "$(SERVER)") $(if $(DATASET),--dataset "$(DATASET)") $(if $(WORKSPACE),--workspace "$(WORKSPACE)")

export-examples: $(VENV)/installed ## Write data/argilla: the examples as a dataset of Argilla; SERVER=https://... brings it to a live one
	@python -m stages.operate.export_examples --examples data/examples --reviews data/example_reviews --out data/argilla \
	  $(LIVE)

import-reviews: $(VENV)/installed ## Take what people decided in Argilla; RECORDS=records.json or SERVER=https://..., WHO=ann
	@python -m stages.operate.import_reviews --examples data/examples --reviews data/example_reviews \
	  $(if $(WHO),--who $(WHO)) $(LIVE) $(if $(RECORDS),"$(RECORDS)")

import-rows: $(VENV)/installed ## Bring rows of a task in; NAME=nq ROWS=file KIND=qa CORPUS=file EVALUATION=file TURNS=field
	@python -m stages.rows.import_rows --kinds stages/presets/tasks --out data/tasks --rows "$(ROWS)" \
	  $(if $(CORPUS),--corpus "$(CORPUS)") $(if $(EVALUATION),--evaluation "$(EVALUATION)") $(if $(KIND),--kind $(KIND)) \
	  $(if $(KEY),--key-template "$(KEY)") $(if $(TURNS),--turns $(TURNS)) "$(NAME)"

export-rows: $(VENV)/installed ## Write data/rows: the collection and what was mined of it, for LLM-Embedder; RUN=file
	@python -m stages.rows.export_rows --collection data/collection --mined data/mined --answers data/generated/answers.jsonl \
	  --out data/rows $(if $(RUN),--run "$(RUN)")

mine-rows: $(VENV)/installed ## Find negatives for a task's rows; NAME=nq BY=bm25|dense|run file MOST=50, KEYS=1 as keys
	@python -m stages.rows.mine_rows --rows data/tasks --kinds stages/presets/tasks --model models/base \
	  $(if $(BY),--by "$(BY)") $(if $(MOST),--most $(MOST)) $(if $(KEYS),--keys) "$(NAME)"

score-rows: $(VENV)/installed ## Score a task's documents by the language model of scoring.model; NAME=nq
	@python -m stages.rows.score_rows --rows data/tasks --kinds stages/presets/tasks --model models/scorer \
	  --store data/llm/score_rows.jsonl "$(NAME)"

page: $(VENV)/installed ## Serve a local page to search, judge, review and ask; PORT=8000 WHO=your name
	@python -m stages.operate.page --collection data/collection --base models/base --base-vectors data/vectors/base \
	  --tuned models/tuned --tuned-vectors data/vectors/tuned --fusion data/fusion.json --generated data/generated/queries.jsonl \
	  --judged data/judged --judgements data/judgements --reviews data/reviews --examples data/examples \
	  --example-reviews data/example_reviews --prompts stages/prompts --store data/llm/ask.jsonl \
	  $(if $(PORT),--port $(PORT)) $(if $(HOST),--host $(HOST)) $(if $(WHO),--who $(WHO))

deploy: $(VENV)/installed ## Bring the packaged model into Vespa; FORCE=1 whatever the gates say
	@dvc repro application-package/dvc.yaml:deploy

query: $(VENV)/installed ## Search Vespa through the live model; Q="what to look for"
	@python -m stages.operate.query

rollback: $(VENV)/installed ## Flip Vespa back to the model that served before
	@python -m stages.operate.rollback --templates application-package

prune: $(VENV)/installed ## Remove from Vespa what no longer serves
	@python -m stages.operate.prune --templates application-package

index: $(VENV)/installed ## Bring the corpus into Vespa, for engine: vespa
	@python -m stages.operate.index --corpus data/collection/corpus.jsonl --vectors data/vectors/base \
	  --vectors data/vectors/tuned --templates application-package

serve: $(VENV)/installed ## Start Vespa in Docker here, wait for it, and deploy
	@python -m stages.operate.serve
	@$(MAKE) deploy

test: $(VENV)/installed ## Run all tests, the linters and the type check
	ruff check .
	ruff format --check .
	lint-imports
	@$(MAKE) --no-print-directory --jobs 2 types tests

types: $(VENV)/installed
	mypy

tests: $(VENV)/installed
	pytest --numprocesses 2

clean: ## Remove the virtual environment and the pipeline's outputs, but not what LLMs were paid for
	rm -rf $(VENV) models/adapter models/base models/teacher models/language_model models/tuned models/onnx models/reader models/tasks data/rules.json data/fusion.json $(addprefix data/,answers collection \
	  argilla brainstorm deploy saturation evaluation examples expanded generated judged mined package synthetic vectors)
	find data models -name '.*.[0-9]*.part' -prune -exec rm -rf {} +

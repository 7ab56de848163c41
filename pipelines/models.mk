# Models of the zoo, fetched once and verified: `scripts/model-zoo list` names them.
#
#   make -f pipelines/models.mk MODEL=webis/splade            # models/webis/splade
#   make -f pipelines/models.mk MODEL='splade-v3 webis/colbert'
#
# LIR_MODELS names another folder than models. The tools find a model there by its hub id: --model
# webis/splade. One with settings has them in models/OWNER/NAME.json, for --model-config; what was
# verified is in models/OWNER/NAME.verified.

# --- options
# Names or hub ids of models.tsv; the folder of all models; that of the tables
MODEL  ?=
MODELS ?= $(or $(LIR_MODELS),models)
TABLES ?= $(models_here)
# Folder of the tools, where they are not on PATH
BIN    ?=
# ---

override models_here := $(dir $(lastword $(MAKEFILE_LIST)))
# $(call script,NAME): a script of the checkout, or the installed one.
override script = $(firstword $(wildcard $(models_here)../scripts/$1) lir-$1)
override zoo := $(call script,model-zoo) --tables $(TABLES)
override hubs := $(foreach m,$(MODEL),$(or $(shell $(zoo) hub $m),$(error MODEL: $m: see above)))

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
ifneq ($(BIN),)
  export PATH := $(abspath $(BIN)):$(PATH)
endif

.PHONY: model
model: $(hubs:%=$(MODELS)/%.verified)
	@$(if $(hubs),,echo 'say MODEL=...; $(zoo) list names models' >&2; exit 64)

$(MODELS)/%/config.json:
	@mkdir -p $(@D)
	$(call script,fetch-model) $* $(@D)

$(MODELS)/%.verified: $(MODELS)/%/config.json $(TABLES)/models.tsv $(TABLES)/models-pairs.tsv
	@$(zoo) settings $* >$(MODELS)/$*.json.part
	@if [ -s $(MODELS)/$*.json.part ]; then mv $(MODELS)/$*.json.part $(MODELS)/$*.json; \
	  else rm -f $(MODELS)/$*.json.part $(MODELS)/$*.json; fi
	$(zoo) verify $* $(<D) >$@.part
	@cat $@.part
	@mv $@.part $@

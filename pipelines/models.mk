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

# --- what the options must be like

.DEFAULT_GOAL := model
override options := MODEL MODELS TABLES BIN
include $(models_here)options.mk
override helps := $(filter help,$(MAKECMDGOALS))
override listed := `make -f $(firstword $(MAKEFILE_LIST)) help` lists them
# What another makefile was given comes along to this one.
override given := $(if $(filter 0,$(MAKELEVEL)),$(foreach v,$(filter-out PATH,$(.VARIABLES)),$(if $(filter command,$(origin $v)),$v)))
override define check
$(foreach v,$(given),$(if $(filter $v,$(options)),,$(error $v is not an option here; did you mean $(call \
nearest,$v)? $(listed))))
$(if $(strip $(MODEL)),,$(error MODEL is empty: say MODEL=...; $(zoo) list names models))
$(foreach v,MODELS TABLES,$(if $(filter 1,$(words $($v))),,$(error $v: '$($v)': expected the name of one \
folder, without spaces)))
$(if $(word 2,$(BIN)),$(error BIN: '$(BIN)': make takes no names with spaces; a link without any does it))
$(foreach v,TABLES BIN,$(if $(strip $($v)),$(if $(wildcard $($v)),,$(error $v: $($v): no such folder))))
endef
$(if $(helps),,$(eval $(check)))
# ---

override hubs := $(if $(helps),,$(foreach m,$(MODEL),$(or $(shell $(zoo) hub $m),$(error MODEL: $m: see above))))

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
ifneq ($(BIN),)
  export PATH := $(abspath $(BIN)):$(PATH)
endif

.PHONY: model help
model: $(hubs:%=$(MODELS)/%.verified)

help:
	@awk $(call quoted,$(help_program)) $(firstword $(MAKEFILE_LIST))
	@printf '\nGoals: model help\n'

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

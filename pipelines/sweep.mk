# A grid of trainings, each with other values of one configuration, and a table of what their models are worth.
#
#   make -f pipelines/sweep.mk CONFIG=train.yml GRID='optimizer.lr=1e-5,3e-5 losses.0.weight=0.5,1' \
#        CANDIDATES=bm25.run DOCS=docs.tsv QUERIES=test.tsv QRELS=test.txt OUT=sweep
#
# Every choice of one value a key is a training, lir-train --set KEY=VALUE..., in a folder of its name. Its model ranks
# the candidates again, and OUT/table.txt compares all runs; OUT/table.tsv has the same numbers for programs. Trainings
# that were stopped go on. Choose by queries that no test has.
override sweep_here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
# Configuration of lir-train, and keys of it with the values to try, without commas in them
CONFIG     ?= train.yml
GRID       ?= optimizer.lr=1e-5,2e-5,5e-5
TRAIN_FLAGS  ?=
RERANK_FLAGS ?=
CANDIDATES ?= first.run
DOCS       ?= docs.tsv
QUERIES    ?= queries.tsv
QRELS      ?= qrels.txt
DEPTH      ?= 100
MEASURES   ?= nDCG@10 RR@10
OUT        ?= sweep
BIN        ?=
# ---
.DEFAULT_GOAL := sweep
override options := CONFIG GRID TRAIN_FLAGS RERANK_FLAGS CANDIDATES DOCS QUERIES QRELS DEPTH MEASURES OUT BIN
include $(sweep_here)options.mk
$(foreach v,$(filter-out $(options) PATH,$(.VARIABLES)),$(if $(filter command,$(origin $v)),$(error $v is not an option \
here; did you mean $(call nearest,$v)?)))
override pair = $(subst =, ,$1)
$(foreach p,$(GRID),$(if $(and $(word 2,$(call pair,$p)),$(if $(word 3,$(call pair,$p)),,yes)),,$(error GRID: '$p': \
expected KEY=VALUE,VALUE...)))

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
export PATH := $(if $(BIN),$(abspath $(BIN)):)$(PATH)
override comma := ,
# $(call product,PAIRS): every choice of one value a key, each a word KEY=VALUE;...;
override product = $(if $1,$(foreach v,$(subst $(comma), ,$(word 2,$(call pair,$(firstword $1)))),$(foreach rest,$(call \
product,$(wordlist 2,99,$1)),$(firstword $(call pair,$(firstword $1)))=$v;$(rest:end=))),end)
override cells := $(call product,$(GRID))
override name_of = $(subst /,-,$(subst =,-,$(patsubst %_,%,$(subst ;,_,$1))))
override runs := $(foreach c,$(cells),$(OUT)/$(call name_of,$c).run)

.PHONY: sweep help
sweep: $(OUT)/table.txt $(OUT)/table.tsv
$(foreach c,$(cells),$(eval $(OUT)/$(call name_of,$c)/DONE: override set := $(foreach s,$(subst ;, ,$c),--set $s)))
$(runs:.run=/DONE): $(CONFIG)
	@mkdir -p $(OUT)
	lir-train --config $(CONFIG) $(set) $(TRAIN_FLAGS) -o $(@D) --resume
	@touch $@
$(runs): %.run: %/DONE $(CANDIDATES) $(DOCS) $(QUERIES)
	lir-rerank --model $(<D) --queries $(QUERIES) --docs $(DOCS) --depth $(DEPTH) $(RERANK_FLAGS) -o $@ $(CANDIDATES)
$(OUT)/table.txt $(OUT)/table.tsv: $(OUT)/table.%: $(runs) $(QRELS)
	lir-eval --qrels $(QRELS) $(MEASURES:%=-m '%') --format $(if $(filter txt,$*),table,tsv) -o $@ $(runs)
help:
	@awk $(call quoted,$(help_program)) $(firstword $(MAKEFILE_LIST))
	@printf '\nGoals: sweep help\n'

# What the pipelines of training share: a first stage finds candidates, tuples are sampled from
# them, a model is trained, and its run is judged beside the first stage's.
#
#   make -f pipelines/train-dpr.mk START=models/minilm FIRST=models/minilm DOCS=docs.tsv \
#        QUERIES=train.tsv QRELS=train.txt TEST_QUERIES=test.tsv TEST_QRELS=test.txt OUT=out
#
# A training that was killed goes on: make again does what is missing. Anything of the configuration
# is changed by TRAIN_FLAGS='--set max_steps=5000 --set optimizer.lr=1e-5'. What is changed on the
# command line is made anew, as what has a newer input is; a training begins from its start then.

pipelines := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
START   ?= models/minilm
# What finds candidates and hard negatives; a run of your own instead: TRAIN_RUN=bm25.run
FIRST   ?= models/minilm
FIRST_CONFIG ?=
DOCS    ?= docs.tsv
QUERIES ?= queries.tsv
QRELS   ?= qrels.txt
TEST_QUERIES ?= $(QUERIES)
TEST_QRELS   ?= $(QRELS)
OUT     ?= out
DEPTH   ?= 100
MEASURES ?= nDCG@10 RR@10 R@100
# Documents of a tuple, and tuples of a query
SAMPLE_SIZE  ?= 8
REPEAT       ?= 1
# What they are sampled from, and by which judgements
SAMPLED_RUN  ?= $(TRAIN_RUN)
SAMPLE_QRELS ?= $(QRELS)
SAMPLE_FLAGS ?= --add-docs-not-in-ranking --skip-unanswered
TRAIN_FLAGS  ?=
# How the model is judged: retrieve (its own index) or rerank (the first stage's candidates)
EVALUATE ?= retrieve
TRAIN_RUN ?= $(OUT)/train.run
TEST_RUN  ?= $(OUT)/test.run
# ---

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := train

include $(pipelines)settings.mk

first_flags := $(if $(FIRST_CONFIG),--model-config $(FIRST_CONFIG))
start := $(wildcard $(START)/*.json $(START)/*.safetensors)

.PHONY: train
train: $(OUT)/table.txt $(OUT)/train.svg

# --- the first stage
first_settings := $(call settings,first,$(FIRST) $(FIRST_CONFIG) $(DOCS))

# retrieve.mk does not know what the configuration was that its flags name.
$(OUT)/first/index/manifest.json: $(DOCS) $(first_settings)
	cmp -s $(first_settings) $(OUT)/first/made-of || rm -rf $(OUT)/first
	mkdir -p $(OUT)/first
	cp $(first_settings) $(OUT)/first/made-of
	+$(MAKE) -f $(pipelines)retrieve.mk MODEL=$(FIRST) DOCS=$(DOCS) OUT=$(OUT)/first \
	  TOKENIZE_FLAGS='$(first_flags)' ENCODE_FLAGS='$(first_flags)' $@

$(OUT)/train.run: $(OUT)/first/index/manifest.json $(QUERIES) \
  $(call settings,train-run,$(QUERIES) $(DEPTH))
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) -o $@ $(QUERIES)

$(OUT)/test.run: $(OUT)/first/index/manifest.json $(TEST_QUERIES) \
  $(call settings,test-run,$(TEST_QUERIES) $(DEPTH))
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) -o $@ $(TEST_QUERIES)

# --- training
$(OUT)/tuples.jsonl: $(SAMPLED_RUN) $(SAMPLE_QRELS) $(QUERIES) $(DOCS) \
  $(call settings,sample,$(SAMPLED_RUN) $(SAMPLE_QRELS) $(QUERIES) $(DOCS) $(SAMPLE_FLAGS) \
    $(SAMPLE_SIZE) $(REPEAT))
	lir-train sample $(SAMPLE_QRELS:%=--qrels %) --queries $(QUERIES) --docs $(DOCS) \
	  $(SAMPLE_FLAGS) --sample-size $(SAMPLE_SIZE) --repeat $(REPEAT) -o $@ $<

# What was trained with anything else begins anew; train.yml is as old as the last start.
$(OUT)/model/DONE: $(CONFIG) $(OUT)/tuples.jsonl $(start) \
  $(call settings,train,$(CONFIG) $(START) $(TRAIN_FLAGS))
	for input in $^; do \
	  if [ -e $(@D) ] && [ $$input -nt $(@D)/train.yml ]; then rm -r $(@D); fi; \
	done
	lir-train --config $(CONFIG) --model $(START) --set data.tuples=$(OUT)/tuples.jsonl \
	  $(TRAIN_FLAGS) -o $(@D) --resume

$(OUT)/train.svg: $(OUT)/model/DONE
	lir-train plot -o $@ $(<D)

# --- judgement
$(OUT)/retrieve/first.run: $(OUT)/model/DONE $(TEST_QUERIES) $(DOCS) \
  $(call settings,retrieve,$(TEST_QUERIES) $(DOCS))
	+$(MAKE) -f $(pipelines)retrieve.mk MODEL=$(OUT)/model DOCS=$(DOCS) QUERIES=$(TEST_QUERIES) \
	  QRELS= OUT=$(@D) TOKENIZE_FLAGS= ENCODE_FLAGS= $@

$(OUT)/rerank/first.run: $(OUT)/model/DONE $(TEST_RUN) $(TEST_QUERIES) $(DOCS) \
  $(call settings,rerank,$(TEST_RUN) $(TEST_QUERIES) $(DOCS))
	mkdir -p $(@D)
	lir-rerank --model $(OUT)/model --queries $(TEST_QUERIES) --docs $(DOCS) -o $@ $(TEST_RUN)

$(OUT)/trained.run: $(OUT)/$(EVALUATE)/first.run $(call settings,evaluate,$(EVALUATE))
	cp $< $@.part
	mv $@.part $@

$(OUT)/table.txt: $(TEST_RUN) $(OUT)/trained.run $(TEST_QRELS) \
  $(call settings,table,$(TEST_RUN) $(TEST_QRELS) $(MEASURES))
	lir-eval --qrels $(TEST_QRELS) $(MEASURES:%=-m '%') --format table -o $@ $(TEST_RUN) \
	  $(OUT)/trained.run

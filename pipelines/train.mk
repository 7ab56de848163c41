# What the pipelines of training share: a first stage finds candidates, tuples are sampled from
# them, a model is trained, and its run is judged beside the first stage's.
#
#   make -f pipelines/train-dpr.mk START=models/minilm FIRST=models/minilm DOCS=docs.tsv \
#        QUERIES=train.tsv QRELS=train.txt TEST_QUERIES=test.tsv TEST_QRELS=test.txt OUT=out
#
# A training that was killed goes on: make again does what is missing. Anything of the configuration
# is changed by TRAIN_FLAGS='--set max_steps=5000 --set optimizer.lr=1e-5'.

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
.SECONDARY:
.DEFAULT_GOAL := train

first_flags := $(if $(FIRST_CONFIG),--model-config $(FIRST_CONFIG))
start := $(wildcard $(START)/*.json $(START)/*.safetensors)

.PHONY: train
train: $(OUT)/table.txt $(OUT)/train.svg

# --- the first stage
$(OUT)/first/index/manifest.json: $(DOCS)
	+$(MAKE) -f $(pipelines)retrieve.mk MODEL=$(FIRST) DOCS=$(DOCS) OUT=$(OUT)/first \
	  TOKENIZE_FLAGS='$(first_flags)' ENCODE_FLAGS='$(first_flags)' $@

$(OUT)/train.run: $(OUT)/first/index/manifest.json $(QUERIES)
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) -o $@ $(QUERIES)

$(OUT)/test.run: $(OUT)/first/index/manifest.json $(TEST_QUERIES)
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) -o $@ $(TEST_QUERIES)

# --- training
$(OUT)/tuples.jsonl: $(TRAIN_RUN) $(QRELS) $(QUERIES) $(DOCS)
	lir-train sample --qrels $(QRELS) --queries $(QUERIES) --docs $(DOCS) $(SAMPLE_FLAGS) \
	  --sample-size $(SAMPLE_SIZE) --repeat $(REPEAT) -o $@ $<

# A folder of another configuration is in the way: it is what that was, not this.
$(OUT)/model/DONE: $(CONFIG) $(OUT)/tuples.jsonl $(start)
	if [ -e $@ ]; then rm -r $(@D); fi
	lir-train --config $(CONFIG) --model $(START) --set data.tuples=$(OUT)/tuples.jsonl \
	  $(TRAIN_FLAGS) -o $(@D) --resume

$(OUT)/train.svg: $(OUT)/model/DONE
	lir-train plot -o $@ $(<D)

# --- judgement
$(OUT)/retrieve/first.run: $(OUT)/model/DONE $(TEST_QUERIES) $(DOCS)
	+$(MAKE) -f $(pipelines)retrieve.mk MODEL=$(OUT)/model DOCS=$(DOCS) QUERIES=$(TEST_QUERIES) \
	  QRELS= OUT=$(@D) TOKENIZE_FLAGS= ENCODE_FLAGS= $@

$(OUT)/rerank/first.run: $(OUT)/model/DONE $(TEST_RUN) $(TEST_QUERIES) $(DOCS)
	mkdir -p $(@D)
	lir-rerank --model $(OUT)/model --queries $(TEST_QUERIES) --docs $(DOCS) -o $@ $(TEST_RUN)

$(OUT)/trained.run: $(OUT)/$(EVALUATE)/first.run
	cp $< $@.part
	mv $@.part $@

$(OUT)/table.txt: $(TEST_RUN) $(OUT)/trained.run $(TEST_QRELS)
	lir-eval --qrels $(TEST_QRELS) $(MEASURES:%=-m '%') --format table -o $@ $(TEST_RUN) \
	  $(OUT)/trained.run

# What the pipelines of training share: a first stage finds candidates, tuples are sampled from
# them, a model is trained, and its run is judged beside the first stage's.
#
#   make -f pipelines/train-dpr.mk START=models/minilm FIRST=models/minilm DOCS=docs.tsv \
#        QUERIES=train.tsv QRELS=train.txt TEST_QUERIES=test.tsv TEST_QRELS=test.txt OUT=out
#
# A training that was killed goes on: make again does what is missing. Anything of the configuration
# is changed by TRAIN_FLAGS='--set max_steps=5000 --set optimizer.lr=1e-5'. What is changed on the
# command line is made anew, as what has a newer input is; a training begins from its start then, and
# the model of before stays as OUT/model.before. A configuration is changed where its content is.
#
# DATASET and TEST_DATASET name collections instead of files (dataset.mk); TUPLES=dataset trains on the
# tuples that DATASET has, and samples none.

include $(dir $(lastword $(MAKEFILE_LIST)))dataset.mk

# --- options
START   ?= models/minilm
# What finds candidates and hard negatives; a run of your own instead: TRAIN_RUN=bm25.run
FIRST   ?= models/minilm
FIRST_CONFIG ?=
DOCS    ?= docs.tsv
QUERIES ?= queries.tsv
QRELS   ?= qrels.txt
TEST_DATASET ?=
TEST_QUERIES ?= $(if $(TEST_DATASET),$(call dataset_file,$(TEST_DATASET),queries),$(QUERIES))
TEST_QRELS   ?= $(if $(TEST_DATASET),$(call dataset_file,$(TEST_DATASET),qrels),$(QRELS))
OUT     ?= out
DEPTH   ?= 100
MEASURES ?= nDCG@10 RR@10 R@100
# Documents of a tuple, and tuples of a query
SAMPLE_SIZE  ?= 8
REPEAT       ?= 1
# What they are sampled from, and by which judgements
SAMPLED_RUN  ?= $(TRAIN_RUN)
SAMPLE_QRELS ?= $(QRELS)
SAMPLE_FLAGS ?= --add-docs-not-in-ranking
# Tuples that are there already: a file, or dataset, for those of DATASET
TUPLES       ?= $(OUT)/tuples.jsonl
TRAIN_FLAGS  ?=
# How the model is judged: retrieve (its own index) or rerank (the first stage's candidates)
EVALUATE ?= retrieve
TRAIN_RUN ?= $(OUT)/train.run
TEST_RUN  ?= $(OUT)/test.run
# Jobs of encoding, and further options of the tools, for the first stage and the judgement
SHARDS       ?= 1
INDEX_FLAGS  ?=
SEARCH_FLAGS ?=
RERANK_FLAGS ?=
# ---

names    += START FIRST FIRST_CONFIG DOCS QUERIES QRELS TEST_QUERIES TEST_QRELS CONFIG \
            SAMPLED_RUN SAMPLE_QRELS TRAIN_RUN TEST_RUN tuples
# No first stage is looked for where both runs are given.
unneeded += $(if $(filter $(OUT)/%,$(TRAIN_RUN) $(TEST_RUN)),,FIRST FIRST_CONFIG)
optional += FIRST_CONFIG SAMPLE_QRELS QRELS
flags    += SAMPLE_FLAGS TRAIN_FLAGS INDEX_FLAGS SEARCH_FLAGS RERANK_FLAGS
options  += DEPTH MEASURES SAMPLE_SIZE REPEAT EVALUATE SHARDS TEST_DATASET TUPLES
tools    += tokenize encode index search rerank train eval
goals    += train

.DEFAULT_GOAL := train

override tuples = $(if $(filter dataset,$(TUPLES)),$(call dataset_file,$(DATASET),tuples),$(TUPLES))
include $(datasets_here)settings.mk

$(if $(filter help,$(MAKECMDGOALS))$(filter-out $(EVALUATE),x)$(filter retrieve rerank,$(EVALUATE)),,\
  $(error EVALUATE: '$(EVALUATE)': expected retrieve or rerank))

override first_flags := $(if $(FIRST_CONFIG),--model-config $(FIRST_CONFIG))
override first := $(call model,$(FIRST)) $(wildcard $(FIRST_CONFIG))
override search_inputs := $(first) $(call named,$(SEARCH_FLAGS))
override start := $(call model,$(START))

# What was given to this file means nothing to retrieve.mk: it is told all of its options.
MAKEOVERRIDES :=
# $(call retrieves,MODEL,FOLDER,GOAL,OPTIONS): retrieve.mk, which knows by itself what is to be done.
override retrieves = $(if $(and $(dry),$(call absent,$1)),@echo make retrieve.mk $3,\
  +$(MAKE) -f $(pipelines)retrieve.mk MODEL=$1 DOCS=$(DOCS) OUT=$2 SHARDS=$(SHARDS) DEPTH=$(DEPTH) \
  INDEX_FLAGS=$(call quoted,$(INDEX_FLAGS)) SEARCH_FLAGS=$(call quoted,$(SEARCH_FLAGS)) QRELS= \
  BIN=$(BIN) MEASURES= $4 $3)
override absent = $(if $(wildcard $1/config.json),,yes)

override trained = $(OUT)/table.txt $(OUT)/train.svg
$(call goal,train,$(trained),$(call job,train $(trained)))

# --- the first stage
$(OUT)/first/index/manifest.json: $(DOCS) $(first) $(call settings,first,$(FIRST) $(FIRST_CONFIG) \
  $(DOCS) $(SHARDS),INDEX_FLAGS,$(DOCS) $(first) $(call named,$(INDEX_FLAGS)),tokenize encode index)
	$(call retrieves,$(FIRST),$(OUT)/first,$@,QUERIES=$(QUERIES) TOKENIZE_FLAGS='$(first_flags)' \
	  ENCODE_FLAGS='$(first_flags)')
	@touch $@

$(OUT)/train.run: $(OUT)/first/index/manifest.json $(QUERIES) $(search_inputs) $(call settings,train-run,\
  $(QUERIES) $(DEPTH) $(FIRST_CONFIG),SEARCH_FLAGS,$(QUERIES) $(search_inputs),search)
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) $(SEARCH_FLAGS) -o $@ $(QUERIES)

$(OUT)/test.run: $(OUT)/first/index/manifest.json $(TEST_QUERIES) $(search_inputs) $(call settings,test-run,\
  $(TEST_QUERIES) $(DEPTH) $(FIRST_CONFIG),SEARCH_FLAGS,$(TEST_QUERIES) $(search_inputs),search)
	lir-search --index $(<D) --model $(FIRST) $(first_flags) -k $(DEPTH) $(SEARCH_FLAGS) -o $@ \
	  $(TEST_QUERIES)

# --- training
override sample_inputs = $(SAMPLE_QRELS) $(QUERIES) $(DOCS) $(call named,$(SAMPLE_FLAGS))
$(OUT)/tuples.jsonl: $(SAMPLED_RUN) $(sample_inputs) $(call settings,sample,$(SAMPLED_RUN) \
  $(SAMPLE_QRELS) $(QUERIES) $(DOCS) $(SAMPLE_SIZE) $(REPEAT),SAMPLE_FLAGS,$(sample_inputs),train)
	lir-train sample $(SAMPLE_QRELS:%=--qrels %) --queries $(QUERIES) --docs $(DOCS) \
	  $(SAMPLE_FLAGS) --sample-size $(SAMPLE_SIZE) --repeat $(REPEAT) -o $@ $<

# What was trained with anything else begins anew. A configuration that was touched alone is no other
# one: what it holds is a setting, and its age is not asked.
override config = $(CONFIG) $(if $(CONFIG),$(shell cksum <$(CONFIG) 2>/dev/null))
override train_inputs = $(start) $(filter-out $(CONFIG),$(call named,$(TRAIN_FLAGS) $(CONFIG:%=--config %)))
# Tuples of a dataset are ids of its texts.
override texts := $(if $(filter dataset,$(TUPLES)),$(QUERIES) $(DOCS))
$(OUT)/model/DONE: $(tuples) $(texts) $(train_inputs) $(call settings,train,$(START) \
  $(config) $(filter-out $(OUT)/tuples.jsonl,$(tuples)) $(texts),TRAIN_FLAGS,$(train_inputs),train) | $(CONFIG)
	$(if $(dry),,@for input in $^; do if [ -e $(@D) ] && [ $(OUT)/settings/began -ot $$input ]; then \
	  rm -rf $(@D).before; mv $(@D) $(@D).before; fi; done; [ -e $(@D) ] || touch $(OUT)/settings/began)
	lir-train --config $(CONFIG) --model $(START) --set data.tuples=$(tuples) \
	  $(if $(texts),--set data.queries=$(QUERIES) --set data.docs=$(DOCS)) $(TRAIN_FLAGS) -o $(@D) --resume
	@touch $@

$(OUT)/train.svg: $(OUT)/model/DONE $(call settings,plot,,,,train)
	lir-train plot -o $@ $(<D)

# --- judgement
override test_inputs := $(TEST_QUERIES) $(DOCS) $(call named,$(INDEX_FLAGS) $(SEARCH_FLAGS))
$(OUT)/retrieve/first.run: $(OUT)/model/DONE $(test_inputs) $(call settings,retrieve,$(TEST_QUERIES) \
  $(DOCS) $(DEPTH) $(SHARDS),INDEX_FLAGS SEARCH_FLAGS,$(test_inputs),tokenize encode index search)
	$(call retrieves,$(OUT)/model,$(@D),$@,QUERIES=$(TEST_QUERIES) TOKENIZE_FLAGS= ENCODE_FLAGS=)
	@touch $@

override rerank_inputs := $(TEST_QUERIES) $(DOCS) $(call named,$(RERANK_FLAGS))
$(OUT)/rerank/first.run: $(OUT)/model/DONE $(TEST_RUN) $(rerank_inputs) $(call settings,rerank,\
  $(TEST_RUN) $(TEST_QUERIES) $(DOCS),RERANK_FLAGS,$(rerank_inputs),rerank)
	@mkdir -p $(@D)
	lir-rerank --model $(OUT)/model --queries $(TEST_QUERIES) --docs $(DOCS) $(RERANK_FLAGS) -o $@ \
	  $(TEST_RUN)

$(OUT)/trained.run: $(OUT)/$(EVALUATE)/first.run $(call settings,evaluate,$(EVALUATE))
	cp $< $@.part
	mv $@.part $@

$(OUT)/table.txt: $(TEST_RUN) $(OUT)/trained.run $(TEST_QRELS) \
  $(call settings,table,$(TEST_RUN) $(TEST_QRELS) $(MEASURES),,$(TEST_QRELS),eval)
	lir-eval --qrels $(TEST_QRELS) $(MEASURES:%=-m '%') --format table -o $@ $(TEST_RUN) \
	  $(OUT)/trained.run

# A dense bi-encoder that learns the scores of a cross-encoder (MarginMSE, arXiv:2010.02666).
#
#   make -f pipelines/train-distillation.mk TEACHER=models/cross START=models/minilm DOCS=docs.tsv \
#        QUERIES=queries.tsv QRELS=qrels.txt OUT=out
#
# No judgement of the training queries is used; QRELS are those of the test. train.mk has the other
# options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
TEACHER      ?= models/cross
CONFIG       ?= $(here)train-distillation.yml
EVALUATE     ?= retrieve
SAMPLE_FLAGS ?= --sampling log_random --targets score
REPEAT       ?= 4
# ---

# What the teacher says in the place of judgements.
SAMPLED_RUN  = $(OUT)/teacher.run
SAMPLE_QRELS =

names += TEACHER
include $(here)train.mk

override teacher := $(call model,$(TEACHER))

$(OUT)/teacher.run: $(TRAIN_RUN) $(QUERIES) $(DOCS) $(teacher) $(call settings,teacher,$(TEACHER) \
  $(TRAIN_RUN) $(QUERIES) $(DOCS) $(DEPTH),,$(QUERIES) $(DOCS) $(teacher),rerank)
	lir-rerank --model $(TEACHER) --queries $(QUERIES) --docs $(DOCS) --depth $(DEPTH) -o $@ $<

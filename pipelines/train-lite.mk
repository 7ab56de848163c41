# A late interaction model whose scores are learned (LITE, arXiv:2406.17968), from a cross-encoder's scores,
# judged on the first stage's candidates.
#
#   make -f pipelines/train-lite.mk TEACHER=models/cross START=models/minilm DOCS=docs.tsv \
#        QUERIES=queries.tsv QRELS=qrels.txt OUT=out
#
# train-distillation.mk says what it learns from, train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
CONFIG   ?= $(here)train-lite.yml
EVALUATE ?= rerank
# ---

include $(here)train-distillation.mk

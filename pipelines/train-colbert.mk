# A late interaction model (ColBERT) from hard negatives, judged on the first stage's candidates.
#
#   make -f pipelines/train-colbert.mk START=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out
#
# train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
CONFIG   ?= $(here)train-colbert.yml
EVALUATE ?= rerank
# ---

include $(here)train.mk

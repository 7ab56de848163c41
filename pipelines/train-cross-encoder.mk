# A cross-encoder from hard negatives, which ranks the first stage's candidates again.
#
#   make -f pipelines/train-cross-encoder.mk START=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out
#
# train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
CONFIG   ?= $(here)train-cross-encoder.yml
EVALUATE ?= rerank
# ---

include $(here)train.mk

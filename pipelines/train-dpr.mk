# A dense bi-encoder (DPR) from hard negatives and the other documents of its batch.
#
#   make -f pipelines/train-dpr.mk START=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out
#
# train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
CONFIG   ?= $(here)train-dpr.yml
EVALUATE ?= retrieve
# ---

include $(here)train.mk

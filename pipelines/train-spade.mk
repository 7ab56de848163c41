# A learned sparse model without an encoder of queries (SpaDE, arXiv:2209.05917), both of whose encoders of
# documents learn by what the other one is worst at.
#
#   make -f pipelines/train-spade.mk START=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out
#
# train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
START    ?= models/minilm
CONFIG   ?= $(here)train-spade.yml
EVALUATE ?= retrieve
# ---

include $(here)train.mk

# A learned sparse model (SPLADE), whose vectors a FLOPS loss keeps short.
#
#   make -f pipelines/train-splade.mk START=models/splade DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out
#
# train.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
START    ?= models/splade
CONFIG   ?= $(here)train-splade.yml
EVALUATE ?= retrieve
# ---

include $(here)train.mk

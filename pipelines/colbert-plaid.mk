# ColBERT with PLAID: token vectors of all documents, by centroids and codes of what is left; searched and judged.
#
#   make -f pipelines/colbert-plaid.mk MODEL=models/colbert DATASET=nano-beir/scifact OUT=plaid SHARDS=4 -j 2
#   make -f pipelines/colbert-plaid.mk PLAID_FLAGS='--n-bits 2' SEARCH_FLAGS='--n-cells 4 --candidate-k 1024' ...
#
# Centroids are learned once, and shards of the index share them: the same index for every number of shards.
# retrieve.mk has the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options, and those of retrieve.mk
MODEL       ?= models/colbert
# What is learned, such as --num-centroids 65536 --n-bits 4
PLAID_FLAGS ?=
# ---

CODEBOOK_FLAGS = --type plaid $(PLAID_FLAGS)
flags += PLAID_FLAGS
goals += plaid
.DEFAULT_GOAL := plaid
include $(here)retrieve.mk

$(call goal,plaid,$(first_files),$(retrieve_jobs))

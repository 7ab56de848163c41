# Retrieval: text -> tokens -> embeddings -> index -> run -> measures.
#
#   make -f pipelines/retrieve.mk MODEL=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out SHARDS=8 -j 2
#
# Every stage is one rule. Every output is written beside its place and then renamed, so a file that
# exists is complete. `make` again does only what is missing, older than its inputs, or was made of
# files with other names. On a cluster the shards are a job array:
# `make -f pipelines/retrieve.mk OUT=out SHARDS=8 out/docs/3.lirt.zst` is task 3.

# --- options
MODEL   ?= models/minilm
DOCS    ?= docs.tsv
QUERIES ?= queries.tsv
QRELS   ?=
OUT     ?= out
SHARDS  ?= 1
DEPTH   ?= 1000
MEASURES ?= nDCG@10 RR@10 AP R@1000
# Further options of the tools, such as --threads 4 or --max-length 128
TOKENIZE_FLAGS ?=
ENCODE_FLAGS   ?=
INDEX_FLAGS    ?=
SEARCH_FLAGS   ?=
# ---

include $(dir $(lastword $(MAKEFILE_LIST)))settings.mk

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
# Stages are kept: what has been encoded is not encoded again.
.SECONDARY:

numbers := $(shell seq $(SHARDS))
weights := $(wildcard $(MODEL)/*.json $(MODEL)/*.safetensors $(MODEL)/vocab.txt)

.PHONY: retrieve embeddings
retrieve: $(OUT)/first.run $(if $(QRELS),$(OUT)/first.measures.tsv)
embeddings: $(OUT)/docs.lirt.zst $(OUT)/queries.lirt

$(OUT)/docs $(OUT):
	mkdir -p $@

# Tokens are made at once: that is a hundred times faster than encoding them.
$(OUT)/docs.tokens.zst: $(DOCS) $(weights) $(call settings,docs,$(MODEL) $(DOCS)) | $(OUT)
	lir-tokenize --model $(MODEL) --role doc $(TOKENIZE_FLAGS) -o $@ $(DOCS)

# Embeddings of one shard; what a killed job left is continued.
$(OUT)/docs/%.lirt.zst: $(OUT)/docs.tokens.zst | $(OUT)/docs
	lir-encode --model $(MODEL) --role doc --shard $*/$(SHARDS) --resume $(ENCODE_FLAGS) -o $@ $<

# The shards, joined: the bytes that one run over all documents would have written.
$(OUT)/docs.lirt.zst: $(numbers:%=$(OUT)/docs/%.lirt.zst)
	lir-encode cat -o $@ $^

$(OUT)/queries.lirt: $(QUERIES) $(weights) $(call settings,queries,$(MODEL) $(QUERIES)) | $(OUT)
	lir-tokenize --model $(MODEL) --role query $(TOKENIZE_FLAGS) $(QUERIES) \
	  | lir-encode --model $(MODEL) --role query $(ENCODE_FLAGS) -o $@

# An index is a folder; lir-index replaces an older one by itself, when the new one is complete. So
# there is nothing that make would have to delete when it is stopped.
.PRECIOUS: $(OUT)/index/manifest.json
$(OUT)/index/manifest.json: $(OUT)/docs.lirt.zst
	lir-index build $(INDEX_FLAGS) -o $(@D) $<

$(OUT)/first.run: $(OUT)/index/manifest.json $(OUT)/queries.lirt $(call settings,depth,$(DEPTH))
	lir-search --index $(<D) -k $(DEPTH) $(SEARCH_FLAGS) -o $@ $(OUT)/queries.lirt

$(OUT)/%.measures.tsv: $(OUT)/%.run $(QRELS) $(call settings,measures,$(QRELS) $(MEASURES))
	lir-eval --qrels $(QRELS) $(MEASURES:%=-m '%') --format tsv -o $@ $<

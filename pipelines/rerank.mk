# Re-ranking on top of retrieve.mk: its run, scored again by a cross-encoder or a bi-encoder.
#
#   make -f pipelines/rerank.mk MODEL=models/minilm RERANKER=models/cross DOCS=docs.tsv \
#        QUERIES=queries.tsv QRELS=qrels.txt OUT=out SHARDS=8 -j 2
#
# The queries are what is cut into shards here; uncompressed runs of shards concatenate to the whole.

# --- options, and those of retrieve.mk
RERANKER     ?= models/cross
RERANK_DEPTH ?= 100
RERANK_FLAGS ?=
# ---

names   += RERANKER
flags   += RERANK_FLAGS
options += RERANK_DEPTH
tools   += rerank
goals   += rerank

.DEFAULT_GOAL := rerank
include $(dir $(lastword $(MAKEFILE_LIST)))retrieve.mk

override rerank_inputs := $(QUERIES) $(DOCS) $(call model,$(RERANKER)) $(call named,$(RERANK_FLAGS))

.PHONY: rerank
rerank: retrieve $(OUT)/second.run $(if $(QRELS),$(OUT)/second.measures.tsv)

$(OUT)/second:
	mkdir -p $@

$(OUT)/second/%.run: $(OUT)/first.run $(rerank_inputs) $(call settings,rerank,$(RERANKER) $(QUERIES) \
  $(DOCS) $(RERANK_DEPTH) $(SHARDS),RERANK_FLAGS,$(rerank_inputs),rerank) | $(OUT)/second
	$(forget)
	lir-rerank --model $(RERANKER) --queries $(QUERIES) --docs $(DOCS) --depth $(RERANK_DEPTH) \
	  --shard $*/$(SHARDS) --resume $(RERANK_FLAGS) -o $@ $< $(said)
	@touch $@

# Renamed when it is whole, as the tools do it.
$(OUT)/second.run: $(numbers:%=$(OUT)/second/%.run)
	cat $^ >$@.part
	mv $@.part $@

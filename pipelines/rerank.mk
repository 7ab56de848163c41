# Re-ranking on top of retrieve.mk: its run, scored again by a cross-encoder or a bi-encoder.
#
#   make -f pipelines/rerank.mk MODEL=models/minilm RERANKER=models/cross DOCS=docs.tsv \
#        QUERIES=queries.tsv QRELS=qrels.txt OUT=out SHARDS=8 -j 2
#
# The queries are what is cut into shards here; uncompressed runs of shards concatenate to the whole.
# Another run than retrieve.mk's is ranked again by CANDIDATES=bm25.run, or CANDIDATES=dataset with the
# name of a dataset that has scored documents.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options, and those of retrieve.mk
RERANKER     ?= models/cross
RERANK_DEPTH ?= 100
RERANK_FLAGS ?=
# The run that is ranked again, or dataset: the scored documents of DATASET
CANDIDATES   ?= $(OUT)/first.run
# ---

include $(here)dataset.mk
override candidates = $(if $(filter dataset,$(CANDIDATES)),$(call dataset_file,$(DATASET),run),$(CANDIDATES))

names   += RERANKER candidates
options += CANDIDATES
flags   += RERANK_FLAGS
options += RERANK_DEPTH
tools   += rerank
goals   += rerank

.DEFAULT_GOAL := rerank
override own_first = $(filter $(OUT)/first.run,$(candidates))
unneeded += $(if $(own_first),,MODEL)
include $(here)retrieve.mk

override rerank_inputs := $(QUERIES) $(DOCS) $(call model,$(RERANKER)) $(call named,$(RERANK_FLAGS))

override second_files = $(OUT)/second.run $(if $(QRELS),$(OUT)/second.measures.tsv)
override second_jobs = $(call job,second $(OUT)/second/%.run) $(call job,join $(second_files))
override rerank_jobs = $(if $(own_first),$(retrieve_jobs),$(call job,candidates $(candidates))) $(second_jobs)
$(call goal,rerank,$(if $(own_first),retrieve) $(second_files),$(rerank_jobs))

$(OUT)/second:
	mkdir -p $@

$(OUT)/second/%.run: $(candidates) $(rerank_inputs) $(call settings,rerank,$(RERANKER) $(QUERIES) \
  $(DOCS) $(filter-out $(OUT)/first.run,$(candidates)) $(RERANK_DEPTH) \
  $(SHARDS),RERANK_FLAGS,$(rerank_inputs),rerank) | $(OUT)/second
	$(forget)
	lir-rerank --model $(RERANKER) --queries $(QUERIES) --docs $(DOCS) --depth $(RERANK_DEPTH) \
	  --shard $*/$(SHARDS) --resume $(RERANK_FLAGS) -o $@ $< $(call said,rerank.second-$*,$*)
	@touch $@

# Renamed when it is whole, as the tools do it.
$(OUT)/second.run: $(numbers:%=$(OUT)/second/%.run)
	$(call forget_logs,rerank.second,$(numbers))
	$(pipelines)join-runs $^ >$@.part
	mv $@.part $@

# Two stages: BM25, or a model, finds, and a cross-encoder or ColBERT ranks again, both judged.
#
#   make -f pipelines/two-stages.mk RERANKER=models/cross DATASET=nano-beir/scifact OUT=two
#   make -f pipelines/two-stages.mk MODEL=models/splade CANDIDATES=two/first.run RERANKER=models/colbert OUT=two ...
#
# rerank.mk and retrieve.mk have the other options.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options, and those of rerank.mk
OUT        ?= out
CANDIDATES ?= $(OUT)/bm25.run
# ---

goals += two-stages
include $(here)rerank.mk
.DEFAULT_GOAL := two-stages

override judged = $(OUT)/second.run $(if $(QRELS),$(OUT)/table.txt)
$(call goal,two-stages,$(judged),$(rerank_jobs) $(call job,judged $(judged)))

$(OUT)/table.txt: $(candidates) $(OUT)/second.run $(QRELS) \
  $(call settings,table,$(candidates) $(QRELS) $(MEASURES),,$(QRELS),eval)
	lir-eval --qrels $(QRELS) $(MEASURES:%=-m '%') --compare --format table -o $@ $(candidates) $(OUT)/second.run

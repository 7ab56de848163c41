# What scripts/quickstart runs: a collection, found by a dense model and ranked again by a sparse one.
#
#   make -f pipelines/quickstart.mk OUT=quickstart/results MODEL=quickstart/models/minilm \
#        RERANKER=quickstart/models/splade DOCS=… QUERIES=… QRELS=…
#
# Every option of rerank.mk and retrieve.mk can be given here, too.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options
OUT          ?= quickstart/results
MODEL        ?= quickstart/models/minilm
RERANKER     ?= quickstart/models/splade
# The small SPLADE's folder does not say what it is.
RERANK_FLAGS ?= --model-config $(here)splade.json
DEPTH        ?= 100
RERANK_DEPTH ?= 20
MEASURES     ?= nDCG@10 RR@10 R@20
# ---

goals += quickstart

include $(here)rerank.mk
.DEFAULT_GOAL := quickstart

override table = $(if $(QRELS),$(OUT)/table.txt)
$(call goal,quickstart,rerank $(table),$(rerank_jobs) $(if $(table),$(call job,table $(table))))

# Both rankings, judged side by side.
$(OUT)/table.txt: $(OUT)/first.run $(OUT)/second.run $(QRELS) \
  $(call settings,table,$(QRELS) $(MEASURES),,$(QRELS),eval)
	cd $(OUT) && lir-eval --qrels $(abspath $(QRELS)) $(MEASURES:%=-m '%') --format table \
	  -o table.txt first.run second.run

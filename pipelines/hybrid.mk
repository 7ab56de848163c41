# Hybrid retrieval: BM25 and a model search the same texts, and their runs are fused.
#
#   make -f pipelines/hybrid.mk MODEL=models/minilm DATASET=nano-beir/scifact OUT=hybrid
#   make -f pipelines/hybrid.mk MODEL=models/splade FUSE_FLAGS='--method minmax --weights 0.3,0.7' ...
#
# retrieve.mk has the other options; the weights are those of BM25 and of the model, in this order.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options, and those of retrieve.mk
FUSE_FLAGS ?= --method rrf
# ---

flags += FUSE_FLAGS
tools += rerank
goals += hybrid
.DEFAULT_GOAL := hybrid
include $(here)retrieve.mk

override fused = $(OUT)/fused.run $(if $(QRELS),$(OUT)/table.txt)
$(call goal,hybrid,$(fused),$(retrieve_jobs) $(call job,fused $(fused)))

$(OUT)/fused.run: $(OUT)/bm25.run $(OUT)/first.run $(call settings,fuse,$(DEPTH),FUSE_FLAGS,,rerank)
	lir-rerank fuse -k $(DEPTH) $(FUSE_FLAGS) -o $@ $(OUT)/bm25.run $(OUT)/first.run

$(OUT)/table.txt: $(OUT)/fused.run $(QRELS) $(call settings,table,$(QRELS) $(MEASURES),,$(QRELS),eval)
	lir-eval --qrels $(QRELS) $(MEASURES:%=-m '%') --compare --format table -o $@ $(OUT)/{bm25,first,fused}.run

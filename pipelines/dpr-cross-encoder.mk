# A dense bi-encoder is trained and searches its own index; a cross-encoder ranks what it finds again.
#
#   make -f pipelines/dpr-cross-encoder.mk START=models/minilm RERANKER=models/cross OUT=out \
#        DATASET=msmarco-passage/train TUPLES=dataset TEST_DATASET=msmarco-passage/trec-dl-2019/judged
#
# train.mk has the other options, RERANK_FLAGS among them.

override here := $(dir $(lastword $(MAKEFILE_LIST)))

# --- options, and those of train-dpr.mk
RERANKER     ?= models/cross
RERANK_DEPTH ?= 100
# ---

names   += RERANKER
options += RERANK_DEPTH
goals   += recipe
include $(here)train-dpr.mk
.DEFAULT_GOAL := recipe
override second := $(call model,$(RERANKER)) $(TEST_QUERIES) $(DOCS) $(call named,$(RERANK_FLAGS))

$(call goal,recipe,$(OUT)/recipe.txt,$(call job,recipe $(OUT)/recipe.txt))
$(OUT)/second.run: $(OUT)/trained.run $(second) $(call settings,second,$(RERANKER) $(RERANK_DEPTH),RERANK_FLAGS,$(second),rerank)
	lir-rerank --model $(RERANKER) --queries $(TEST_QUERIES) --docs $(DOCS) --depth $(RERANK_DEPTH) $(RERANK_FLAGS) -o $@ $<
$(OUT)/recipe.txt: $(OUT)/second.run $(TEST_RUN) $(TEST_QRELS) $(call settings,recipe,$(TEST_RUN) $(TEST_QRELS) $(MEASURES),,$(TEST_QRELS),eval)
	lir-eval --qrels $(TEST_QRELS) $(MEASURES:%=-m '%') --format table -o $@ $(TEST_RUN) $(OUT)/{trained,second}.run

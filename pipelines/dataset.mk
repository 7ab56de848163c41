# Texts and judgements by the name of a dataset, for the pipelines that include this file.
#
#   make -f pipelines/retrieve.mk DATASET=vaswani MODEL=models/minilm OUT=out
#
# scripts/fetch-dataset makes the files, once. DOCS, QUERIES and QRELS are those of the dataset where
# they are not given; QRELS= is a dataset without judgements.

# --- options
# A dataset: an id of ir_datasets, a row of datasets.tsv or a YAML file; the folder of all of them
DATASET  ?=
DATASETS ?= datasets
# ---

override datasets_here := $(dir $(lastword $(MAKEFILE_LIST)))
override fetch_dataset := $(firstword $(wildcard $(datasets_here)../scripts/fetch-dataset) lir-fetch-dataset)
options += DATASET DATASETS

# $(call dataset,NAME): the folder of a dataset, as fetch-dataset names it.
override dataset = $(DATASETS)/$(if $(filter %.yml %.yaml,$1),local/$(subst ..,__,$(patsubst \
  /%,%,$(basename $1))),$1)
# $(call dataset_file,NAME,PART): a part of it.
override dataset_file = $(call dataset,$1)/$2.zst

# $(call dataset_parts,NAME): all that there may be; a dry run of a study has said already how it would be made.
override dataset_parts = $(or $(filter-out $(LIR_ASSUMED),$(foreach p,docs queries qrels run tuples,$(call \
  dataset_file,$1,$p))),$(call dataset_file,$1,nothing))

# $(call dataset_rules,NAME): what makes its parts. Those of a local one depend on its files and on the
# YAML file: fetch-dataset writes sources.mk, which says so.
override define dataset_rules
fetched += $(call dataset,$1)/%
-include $(wildcard $(call dataset,$1)/sources.mk)
$(call dataset_parts,$1): $(call dataset,$1)/%.zst:
	$$(remaking)$$(fetch_dataset) --part $$* $1 $(DATASETS)
endef
# No file of a dataset is what make without a goal makes.
override goal_before := $(.DEFAULT_GOAL)
$(foreach d,$(sort $(DATASET) $(TEST_DATASET)),$(if $(filter %.yml %.yaml,$d),$(if $(wildcard $d),,\
  $(error DATASET: $d: no such file)))$(eval $(call dataset_rules,$d)))
.DEFAULT_GOAL := $(goal_before)

ifneq ($(strip $(DATASET)),)
  DOCS    ?= $(call dataset_file,$(DATASET),docs)
  QUERIES ?= $(call dataset_file,$(DATASET),queries)
  QRELS   ?= $(call dataset_file,$(DATASET),qrels)
endif

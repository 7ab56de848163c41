# A study: models × collections × (retrieve | rerank) × indexes under equal conditions, and one table.
#
#   make -f pipelines/study.mk COLLECTIONS=nano-beir RETRIEVERS='webis/splade webis/bert-bi-encoder' \
#        RERANKERS=webis/monoelectra-base OUT=study -j 2
#   make -f pipelines/study.mk COLLECTIONS=mine.yml RETRIEVERS=mine MODEL_mine=models/mine CONFIG_mine=mine.json
#
# Documents are encoded once for a model, and indexed once for each kind of index. What is
# finished is not made again: a study that was stopped anywhere goes on. RUN=slurm submits it as jobs, shards as
# job arrays, each of which waits for what it needs alone: where one fails, the rest of its cell and the table are left out, other
# cells go on, and the same command again submits what is missing. `prepare` fetches collections and models,
# where nodes cannot; if it was not made before, it is the first job. For other schedulers `jobs` lists them, a line
# each: name, number of shards (% in what it makes), jobs to wait for, and the goals of make, and `cells` the runs that the table is
# made of, each a goal:
#
#   make -f pipelines/study.mk ... "$(make -s -f pipelines/study.mk ... cells | sed -n "${SGE_TASK_ID}p")"
#
# OUT/table.* holds values, their marks of significance against BASELINE and published values beside
# them; OUT/mteb/MODEL/INDEX/TASK.json the values in the form of mteb's results; OUT/costs.* seconds, memory and
# sizes of indexes, which differ from run to run (.tsv by stages, the others by the rows of the table), and
# OUT/pareto.svg quality against seconds.

# --- options
OUT ?= study
# Collections: ids, YAML files; trec-dl, nano-beir, beir, beir-13, bright stand for several
COLLECTIONS ?= nano-beir
# Collections whose documents are those of another one of COLLECTIONS, which are encoded and indexed once: ID=OTHER.
# By default what is known of the lists, and what fetch-dataset says of others; `none` is none but what is known
SAME_DOCS ?=
# Bi-encoders that retrieve and models that rank again: names or hub ids of the zoo, fetched to MODELS, or
# names of one's own with MODEL_name=folder, and CONFIG_name=file for --model-config
RETRIEVERS ?=
RERANKERS  ?=
MODELS     ?= $(or $(LIR_MODELS),models)
# Kinds of indexes: exact, types of `lir-index types`, or names of one's own with INDEX_FLAGS_kind, which is what
# lir-index build is told; INDEXES_name are those of one model. CODEBOOK_FLAGS_kind is what lir-index train is told: a
# codebook is learned then, a part of the index is built with it for each shard, and they are joined
INDEXES    ?= exact
# Whether BM25 is a row, and whose candidates are ranked again: bm25, a retriever or dataset
BM25       ?= yes
FIRST      ?= bm25
# What marks of significance compare with: bm25, MODEL:INDEX or MODEL:rerank. By default bm25 or else the first row
BASELINE   ?=
# Collections, by patterns, in which no query finds the document of its own id; and those whose judgements of
# grade -100 are documents that it may not find. By default those where mteb has it so
DROP_SELF ?= $(drop_self)
EXCLUDING ?= $(excluding)
DEPTH        ?= 1000
RERANK_DEPTH ?= 100
MEASURES     ?= nDCG@10 RR@10 R@100
# From which grade on documents are relevant to those of MEASURES that know two grades and say none: PATTERN=GRADE of
# collections, by default 2 in TREC DL. MEASURES_collection are those of one, as they are
RELEVANT_FROM ?= $(relevant_from)
# Shards in which documents are encoded and queries ranked again; SHARDS_collection are those of one
SHARDS       ?= 1
# Further options of the tools, the same for all models
TOKENIZE_FLAGS ?=
ENCODE_FLAGS   ?=
SEARCH_FLAGS   ?=
RERANK_FLAGS   ?=
# Those of BM25's index and search
BM25_FLAGS        ?=
BM25_SEARCH_FLAGS ?=
# What texts are: models of the zoo that leave it to the user have the prompts of that task in front of them.
# QUERY_FLAGS_name and DOC_FLAGS_name are what lir-tokenize is told for one model instead, RERANK_FLAGS_name
# lir-rerank besides
TASK ?= retrieval
# ---

override here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)dataset.mk
include $(here)study-lists.mk

override collections := $(strip $(foreach c,$(COLLECTIONS),$(or $(list_$c),$c)))
override models := $(sort $(RETRIEVERS) $(RERANKERS))
# $(call plain,NAME): a name as a folder and a table have it; of a YAML file, that of the file alone.
override plain = $(subst /,-,$(if $(filter %.yml %.yaml,$1),$(basename $(notdir $1)),$1))
# $(call home,COLLECTION): the collection whose documents its own are, by which they are encoded and indexed.
override home = $(or $(firstword $(filter $(collections),$(patsubst $1=%,%,$(filter $1=%,$(SAME_DOCS) $(same_docs) $(found_docs))))),$1)
# Of lists it is known; so those are asked about which are in none, and those of their family. What has documents of
# its own encoded already keeps them.
override listed_all := $(foreach l,$(filter list_%,$(.VARIABLES)),$($l))
override family = $(filter $(firstword $(subst /, ,$1))/%,$(filter-out %.yml %.yaml,$(filter-out $(listed_all),$(collections))))
override asked_about = $(foreach c,$(collections),$(if $(filter-out $(listed_all),$c)$(call family,$c),$c))
override own_docs = $(wildcard $(OUT)/$(call plain,$1)/bm25/manifest.json $(OUT)/$(call plain,$1)/*/docs.lirt.zst)
override find_docs = $(if $(and $(asked_about),$(word 2,$(collections))),$(shell $(here)same-docs $(fetch_dataset) $(DATASETS) \
  $(foreach c,$(asked_about),$c=$(call dataset_file,$c,docs)))$(if $(filter 0,$(.SHELLSTATUS)),,$(error COLLECTIONS: see above)))
# $(call kinds,MODEL): the kinds of its indexes.
override kinds = $(or $(INDEXES_$1),$(INDEXES))
override all_kinds = $(sort $(foreach m,$(RETRIEVERS),$(call kinds,$m)))
# Kinds that nothing says how to build but the types of indexes, which have their names.
override typed_kinds = $(filter-out exact,$(foreach k,$(all_kinds),$(if $(strip $(INDEX_FLAGS_$k) $(CODEBOOK_FLAGS_$k)),,$k)))
# $(call index_flags,KIND): what lir-index build is told.
override index_flags = $(or $(strip $(INDEX_FLAGS_$1)),$(if $(filter $1,$(typed_kinds)),--type $1))

# $(call measures,COLLECTION): what its runs are measured by.
override binary := AP RR R P Success Rprec SetP SetR SetF SetAP
override grade_of = $(lastword $(subst =, ,$(firstword $(foreach p,$(RELEVANT_FROM),$(if $(filter $(firstword $(subst =, ,$p)),$1),$p)))))
override from_grade = $(foreach m,$1,$(if $(filter $(binary),$(firstword $(subst @, ,$m))),$(subst $(firstword $(subst \
  @, ,$m))@,$(firstword $(subst @, ,$m))(rel=$2)@,$(if $(findstring @,$m),$m,$m(rel=$2))),$m))
override measures = $(or $(MEASURES_$1),$(if $(call grade_of,$1),$(call from_grade,$(MEASURES),$(call grade_of,$1)),$(MEASURES)))
override all_measures = $(sort $(MEASURES) $(foreach c,$(collections),$(call measures,$c)))

names   += MODELS
flags   += TOKENIZE_FLAGS ENCODE_FLAGS SEARCH_FLAGS RERANK_FLAGS BM25_FLAGS BM25_SEARCH_FLAGS \
           $(foreach m,$(RETRIEVERS),QUERY_FLAGS_$m DOC_FLAGS_$m) $(foreach m,$(RERANKERS),RERANK_FLAGS_$m) \
           $(foreach k,$(sort $(INDEXES) $(all_kinds)),INDEX_FLAGS_$k CODEBOOK_FLAGS_$k)
options += COLLECTIONS SAME_DOCS RETRIEVERS RERANKERS INDEXES BM25 FIRST BASELINE DROP_SELF EXCLUDING DEPTH \
           RERANK_DEPTH MEASURES RELEVANT_FROM SHARDS TASK $(foreach c,$(collections),MEASURES_$c SHARDS_$c) \
           $(foreach m,$(models),MODEL_$m CONFIG_$m INDEXES_$m)
unneeded += MODELS
tools   += tokenize encode index search rerank eval
goals   += study prepare runs cells jobs
# Of each there may be a time, memory and processors: JOB_TIME_docs, JOB_MEMORY_index.
override job_stages := prepare bm25 tokens docs join codebook parts index search second rerank table

.DEFAULT_GOAL := study
include $(here)settings.mk
.SECONDARY:

override zoo := $(firstword $(wildcard $(here)../scripts/model-zoo) lir-model-zoo)
override table := $(firstword $(wildcard $(here)../scripts/study-table) lir-study-table)

# $(call prompt,NAME,ROLE): the flag of its prompt for that role.
override prompt = $(shell $(zoo) --task $(TASK) --flag prompt $(hub_$1) $2)$(if $(filter 0,$(.SHELLSTATUS)),,$(error \
  TASK: see above))

# --- models: folder_NAME, config_NAME, and ready_NAME, what says that it is there
override define a_model
ifneq ($(wildcard $(MODEL_$1)/config.json $(MODEL_$1)/modules.json),)
  folder_$1 := $(MODEL_$1)
  config_$1 := $(CONFIG_$1)
else
  hub_$1    := $$(or $$(shell $(zoo) hub $(or $(MODEL_$1),$1)),$$(error $1: neither a folder by MODEL_$1 nor in the zoo))
  folder_$1 := $(MODELS)/$$(hub_$1)
  ready_$1  := $(MODELS)/$$(hub_$1).verified
  config_$1 := $$(or $(CONFIG_$1),$$(if $$(shell $(zoo) settings $$(hub_$1)),$(MODELS)/$$(hub_$1).json))
  $$(if $(filter $1,$(RETRIEVERS)),$$(foreach r,query doc,$$(eval prompt_$$r_$1 := $$(call prompt,$1,$$r))))
endif
endef
ifeq ($(filter help,$(MAKECMDGOALS)),)
  $(foreach m,$(models),$(eval $(call a_model,$m)))
endif
override config_flags = $(if $(config_$1),--model-config $(config_$1))
# $(call encode_flags,NAME): what is told of a model's flags to the make of its vectors.
override encode_flags = TOKENIZE_FLAGS=$(call quoted,$(strip $(TOKENIZE_FLAGS) $(call config_flags,$1))) \
  QUERY_FLAGS=$(call quoted,$(or $(QUERY_FLAGS_$1),$(prompt_query_$1))) \
  DOC_FLAGS=$(call quoted,$(or $(DOC_FLAGS_$1),$(prompt_doc_$1))) \
  ENCODE_FLAGS=$(call quoted,$(strip $(ENCODE_FLAGS) $(call config_flags,$1)))
override rerank_flags = RERANK_FLAGS=$(call quoted,$(strip $(RERANK_FLAGS) $(RERANK_FLAGS_$1) $(call config_flags,$1)))

MAKEOVERRIDES :=
$(MODELS)/%.verified:
	+$(MAKE) --no-print-directory -f $(here)models.mk MODEL=$* MODELS=$(MODELS) BIN=$(BIN)

# Always looked at, by a make of its own, which knows what is to be done; but not before it is known that there are
# such measures.
.PHONY: look
override known := $(OUT)/settings/known-measures
look: | $(known)
override quoted_all = $(foreach m,$1,'$m')
$(known): $(call settings,measures,$(all_measures),,,eval)
	$(once)$(here)usable-measures <(echo 'query 0 document 1') $(call quoted_all,$(all_measures)) >$@.part; mv $@.part $@
# $(call shards,COLLECTION): into how many it is cut.
override shards = $(or $(SHARDS_$1),$(SHARDS))
# $(call told,COLLECTION,MODEL,FOLDER): what retrieve.mk and rerank.mk are told.
override told = DATASET=$1 DATASETS=$(DATASETS) OUT=$3 SHARDS=$(call shards,$1) DEPTH=$(DEPTH) QRELS= MEASURES= BIN=$(BIN) \
  $(if $(call differ,$1,$(call home,$1)),DOCS=$(call docs,$1))
# $(call docs,COLLECTION): its documents, which are made once for all collections that have the same.
override docs = $(call dataset_file,$(call home,$1),docs)
# Goals that a dry run has said it would make; what makes a first run says so.
remade :=
override remaking = $(if $(dry),$(eval remade += $@))
# $(call assumed,COLLECTION,MODEL,FILE,REMADE): what its make has to take for there, where it only says what it would do: files
# that are made here, and FILE, also where REMADE has it.
override assumed = $(filter-out $(wildcard $(call docs,$1) $(call dataset_file,$1,queries) $(folder_$2)/config.json \
  $(filter-out $4,$3)),$(call docs,$1) $(call dataset_file,$1,queries) $(if $(call absent,$2),$(folder_$2)/config.json) $3)
override assuming = $(if $(dry),$1: private export LIR_ASSUMED = $$(call assumed,$2,$3,$4,$$(remade)))
# Each make that a stage is, without its name. $(call seen,MAKE,FILE): what has a stage looked at, by a make of its own: look, or,
# where it is only said what would be done, that this make would do something.
override bm25_make = -f $(here)retrieve.mk $(call told,$1,,$(OUT)/$(call plain,$1)) MODEL=none $(call \
  bm25_flags,$1) $(OUT)/$(call plain,$1)/bm25.run
override at = $(OUT)/$(call plain,$1)/$(call plain,$2)
override encode_make = -f $(here)retrieve.mk $(call told,$1,$2,$(call at,$1,$2)) MODEL=$(folder_$2) $(call \
  encode_flags,$2) $(call at,$1,$2)/$3
override rerank_make = -f $(here)rerank.mk $(call told,$1,$2,$(call at,$1,$2)/rerank) RERANKER=$(folder_$2) MODEL=none \
  CANDIDATES=$(call first_run,$1) RERANK_DEPTH=$(RERANK_DEPTH) $(call rerank_flags,$2) $(call at,$1,$2)/rerank/$3
override would = $(shell env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory -q $1 >&2 2>/dev/null || echo another-setting)
override seen = $(if $(dry),$(if $(wildcard $2),$(call would,$1)),look)

# What a tool says is kept for costs.tsv, in FOLDER/logs/STAGE.TOOL.log, which is begun anew with what it makes.
override logged = $(if $(dry),,2>&1 | tee $1.log >&2)
override keeping = $(if $(dry),,LIR_LOGS=$1/logs )
override folder = $(if $(dry),,@mkdir -p $1/logs)
# Cells that are made at once, by tasks of an array, share what is encoded: one makes it, others wait.
override held = $(if $(dry),,$(call holding,$1/.held,8) )
# So do those of an index, where collections have the same documents, and of what several runs are made by.
override alone = $(if $(dry),,@$(call holding,$1) stale=''; for input in $^; do \
  [ ! $@ -ot $$input ] || stale=yes; done; [ -n "$$stale" ] || exit 0; PS4=''; set -x; )
override shared = $(call alone,$(@D).held)
override absent = $(if $(wildcard $(folder_$1)/config.json $(folder_$1)/modules.json),,yes)

# --- what may be found in collection $1: flags of every search, and the file of what is excluded
override excluded = $(if $(filter $(EXCLUDING),$1),$(OUT)/$(call plain,$1)/excluded.tsv)
# Where nothing is excluded there is no list; recipes know it.
override found_flags = $(strip $(if $(filter $(DROP_SELF),$1),--drop-self) $(if $(call excluded,$1),$(shell [ ! -e \
  $(call excluded,$1) ] || [ -s $(call excluded,$1) ] && echo --filter-out $(call excluded,$1))))
override restricts = $(filter $(DROP_SELF) $(EXCLUDING),$1)
override define excluded_documents
$(call excluded,$1): $(call dataset_file,$1,qrels)
	$$(call folder,$$(@D))
	$$(call alone,$$(@D)/.excluded.held)zstd -qdc $$< | awk '$$$$4 == -100 { print $$$$1 "\t" $$$$3 }' >$$@.part; mv $$@.part $$@
endef
# Candidates of a dataset that no search of ours has been through.
override candidates = $(if $(call restricts,$1),$(OUT)/$(call plain,$1)/candidates.run,$(call dataset_file,$1,run))
override define dataset_candidates
$(OUT)/$(call plain,$1)/candidates.run: $(call dataset_file,$1,run) $(call excluded,$1) \
  $(call settings,$(call plain,$1)/candidates,$(filter $(DROP_SELF),$1) $(call excluded,$1),,,)
	$$(call folder,$$(@D))
	$$(remaking)$$(call alone,$$(@D)/.candidates.held)zstd -qdc $$< | awk -v own='$(filter $(DROP_SELF),$1)' 'list { out[$$$$1, $$$$2]; next } \
	  !(($$$$1, $$$$3) in out || own != "" && $$$$1 == $$$$3)' list=1 $(call excluded,$1) list=0 - >$$@.part; mv $$@.part $$@
endef

# --- cells. $1 is a collection, $2 a model, $3 a kind of index.
override bm25_search_flags = $(strip $(BM25_SEARCH_FLAGS) $(call found_flags,$1))
override bm25_flags = BM25_FLAGS=$(call quoted,$(BM25_FLAGS)) BM25_SEARCH_FLAGS=$(call quoted,$(call bm25_search_flags,$1))
override define cell_bm25_whole
$(call assuming,$(OUT)/$(call plain,$1)/bm25.run,$1)
$(OUT)/$(call plain,$1)/bm25.run: $(call excluded,$1) $(call seen,$(call bm25_make,$1),$(OUT)/$(call plain,$1)/bm25.run) | $(known) $(call \
  dataset_file,$1,docs) $(call dataset_file,$1,queries)
	$$(call folder,$$(@D))
	$$(remaking)+@$$(call held,$$(@D))$$(call keeping,$$(@D))$$(MAKE) --no-print-directory $$(call bm25_make,$1)
endef
# By the index of another collection.
override define cell_bm25_twin
$(OUT)/$(call plain,$1)/bm25.run: $(OUT)/$(call plain,$(call home,$1))/bm25.run \
  $(call dataset_file,$1,queries) $(call excluded,$1) $(call settings,$(call plain,$1)/bm25,$(DEPTH) $(call \
  home,$1) $(filter $(DROP_SELF),$1) $(call excluded,$1),BM25_SEARCH_FLAGS,,search)
	$$(call folder,$$(@D))
	$$(remaking)lir-search --index $$(<D)/bm25 -k $(DEPTH) $$(call bm25_search_flags,$1) -o $$@ $(call dataset_file,$1,queries) $$(call logged,$$(@D)/logs/bm25.search)
endef
override cell_bm25 = $(if $(filter $1,$(call home,$1)),$(call cell_bm25_whole,$1),$(call cell_bm25_twin,$1))
# $4 is docs.lirt.zst or queries.lirt.
override define cell_encoded
$(call assuming,$(OUT)/$(call plain,$1)/$(call plain,$2)/$4,$1,$2)
$(call at,$1,$2)/$4: $(call seen,$(call encode_make,$1,$2,$4),$(call at,$1,$2)/$4) | $(known) $(ready_$2) \
  $(call docs,$1) $(call dataset_file,$1,queries)
	$$(call folder,$$(@D))
	+@$$(call held,$$(@D))$$(call keeping,$$(@D))$$(MAKE) --no-print-directory $$(call encode_make,$1,$2,$4)
endef
override define cell_indexed
.PRECIOUS: $(OUT)/$(call plain,$1)/$(call plain,$2)/$3/manifest.json
$(OUT)/$(call plain,$1)/$(call plain,$2)/$3/manifest.json: $(OUT)/$(call plain,$1)/$(call plain,$2)/docs.lirt.zst \
  $(call settings,$(call plain,$1)/$(call plain,$2)/$3.index,$(if $(filter $3,$(typed_kinds)),--type $3),INDEX_FLAGS_$3,,index)
	$$(shared)lir-index build $(call index_flags,$3) -o $$(@D) $$< $$(call logged,$$(@D:%/$3=%)/logs/$3.index)
endef
# The same by a codebook and parts, which share it: their join has the bytes of one build with it.
override define cell_joined
.PRECIOUS: $(call at,$1,$2)/$3.codebook/manifest.json $(call at,$1,$2)/$3.parts/%/manifest.json $(call at,$1,$2)/$3/manifest.json
$(call at,$1,$2)/$3.codebook/manifest.json: $(call at,$1,$2)/docs.lirt.zst \
  $(call settings,$(call plain,$1)/$(call plain,$2)/$3.codebook,,CODEBOOK_FLAGS_$3,,index)
	$$(shared)lir-index train $(CODEBOOK_FLAGS_$3) -o $$(@D) $$< $$(call logged,$(call at,$1,$2)/logs/$3.codebook)
$(call at,$1,$2)/$3.parts/%/manifest.json: $(call at,$1,$2)/docs.lirt.zst $(call at,$1,$2)/$3.codebook/manifest.json \
  $(call settings,$(call plain,$1)/$(call plain,$2)/$3.parts,$(call shards,$1),INDEX_FLAGS_$3,,index)
	$$(if $(dry),,@mkdir -p $(call at,$1,$2)/$3.parts)
	$$(shared)lir-index build --codebook $(call at,$1,$2)/$3.codebook $(INDEX_FLAGS_$3) --shard $$*/$(call shards,$1) \
	  -o $$(@D) $$< $$(call logged,$(call at,$1,$2)/logs/$3.part-$$*)
$(call at,$1,$2)/$3/manifest.json: $(call numbered,$(call at,$1,$2)/$3.parts/%/manifest.json,$(call shards,$1)) \
  $(call settings,$(call plain,$1)/$(call plain,$2)/$3.index,$(call shards,$1),,,index)
	$$(if $(dry),,@rm -f $$(filter-out $$(call numbered,$(call at,$1,$2)/logs/$3.part-%.log,$(call shards,$1)),$$(wildcard $(call at,$1,$2)/logs/$3.part-*.log)))
	$$(shared)lir-index merge -o $$(@D) $(call numbered,$(call at,$1,$2)/$3.parts/%,$(call shards,$1)) $$(call logged,$(call at,$1,$2)/logs/$3.index)
endef
# $(call numbered,PATTERN,COUNT)
override numbered = $(patsubst %,$1,$(shell seq $2))
# $4 is the collection whose index it is.
override define cell_searched
$(OUT)/$(call plain,$1)/$(call plain,$2)/$3.run: $(OUT)/$(call plain,$4)/$(call plain,$2)/$3/manifest.json \
  $(OUT)/$(call plain,$1)/$(call plain,$2)/queries.lirt $(call excluded,$1) \
  $(call settings,$(call plain,$1)/$(call plain,$2)/$3.search,$(DEPTH) $(filter $(DROP_SELF),$1) $(call excluded,$1),SEARCH_FLAGS,,search)
	$$(remaking)lir-search --index $$(<D) -k $(DEPTH) $(SEARCH_FLAGS) $$(call found_flags,$1) -o $$@ $$(word 2,$$^) $$(call logged,$$(@D)/logs/$3.search)
endef
# The run whose documents are ranked again.
override first_run = $(if $(filter dataset,$(FIRST)),$(call candidates,$1),$(OUT)/$(call \
  plain,$1)/$(if $(filter bm25,$(FIRST)),bm25,$(call plain,$(FIRST))/$(firstword $(call kinds,$(FIRST)))).run)
override define cell_reranked
$(call assuming,$(OUT)/$(call plain,$1)/$(call plain,$2)/rerank.run,$1,$2,$(call first_run,$1))
$(call at,$1,$2)/rerank.run: $(call first_run,$1) $(call seen,$(call rerank_make,$1,$2,second.run),$(call at,$1,$2)/rerank.run) | $(known) $(ready_$2) \
  $(call docs,$1) $(call dataset_file,$1,queries)
	$$(call folder,$$(@D))
	+@$$(call keeping,$$(@D))$$(MAKE) --no-print-directory $$(call rerank_make,$1,$2,second.run)
	$$(if $(dry),,@cmp -s $$(@D)/rerank/second.run $$@ || { cp $$(@D)/rerank/second.run $$@.part && mv $$@.part $$@; })
endef

# What a task of an array makes: $3 is a part of what cell_encoded and cell_reranked make, by a make of encode_make or
# rerank_make, $4; it needs $5 besides. Tasks of one array do not wait for each other.
override define cell_task
$(call assuming,$3,$1,$2,$5)
$3: look $5 | $(known) $(ready_$2) $(call docs,$1) $(call dataset_file,$1,queries)
	$$(if $(dry),,@mkdir -p $(call at,$1,$2)/logs)
	+@$$(call keeping,$(call at,$1,$2))$$(MAKE) --no-print-directory $$(call $4,$1,$2,$6)
endef
# $(call cell_tasks,COLLECTION,MODEL): those of them that were asked for.
override cell_tasks = $(foreach g,$(filter $(call at,$1,$2)/docs.tokens.zst $(call at,$1,$2)/docs/%.lirt.zst,$(MAKECMDGOALS)),$(eval \
  $(call cell_task,$1,$2,$g,encode_make,,$(g:$(call at,$1,$2)/%=%))))$(foreach g,$(filter $(call \
  at,$1,$2)/rerank/second/%.run,$(MAKECMDGOALS)),$(eval $(call cell_task,$1,$2,$g,rerank_make,$(call \
  first_run,$1),$(g:$(call at,$1,$2)/rerank/%=%))))

# $(call labels,COLLECTION): NAME=RUN of each row of the table.
override labels = $(if $(BM25),bm25=$(OUT)/$(call plain,$1)/bm25.run) \
  $(foreach m,$(RETRIEVERS),$(foreach k,$(call kinds,$m),$m:$k=$(OUT)/$(call plain,$1)/$(call plain,$m)/$k.run)) \
  $(foreach m,$(RERANKERS),$m:rerank=$(OUT)/$(call plain,$1)/$(call plain,$m)/rerank.run)
override runs = $(foreach l,$(call labels,$1),$(word 2,$(subst =, ,$l)))
override label_names = $(foreach l,$(call labels,$1),$(firstword $(subst =, ,$l)))
override baseline = $(or $(BASELINE),$(firstword $(call label_names,$1)))
# $(call usable,COLLECTION): the measures that its grades can be measured by, when its judgements are there.
override usable_file = $(OUT)/$(call plain,$1)/usable-measures.txt
override usable = $(if $(wildcard $(call usable_file,$1)),$(shell grep -v '^$(hash)' $(call usable_file,$1)),$(call measures,$1))
# $(call evaluated,COLLECTION,FILE,FLAGS): what makes a table of its runs, one of nothing where no measure can be had.
override evaluated = $(if $(call usable,$1),lir-eval -q --qrels $(call dataset_file,$1,qrels) $(patsubst %,-m %,$(call \
  quoted_all,$(call usable,$1))) --average-over qrels --format tsv $3 $(addprefix --label ,$(call \
  labels,$1)) -o $2 $(call runs,$1),: >$2)
override define judged_collection
$(call usable_file,$1): $(call dataset_file,$1,qrels) \
  $(call settings,$(call plain,$1)/usable,$(call measures,$1),,,eval)
	$$(call folder,$$(@D))
	$(here)usable-measures $$< $(call quoted_all,$(call measures,$1)) >$$@.part; mv $$@.part $$@
$(OUT)/$(call plain,$1)/measures.tsv: $(call runs,$1) $(call dataset_file,$1,qrels) $(call usable_file,$1) \
  $(call settings,$(call plain,$1)/measures,$(call measures,$1) $(call labels,$1),,,eval)
	$$(call evaluated,$1,$$@)
$(OUT)/$(call plain,$1)/tests.tsv: $(call runs,$1) $(call dataset_file,$1,qrels) $(call usable_file,$1) \
  $(call settings,$(call plain,$1)/tests,$(call measures,$1) $(call baseline,$1) $(call labels,$1),,,eval)
	$$(call evaluated,$1,$$@,--compare --baseline $(call baseline,$1))
endef
override judged := $(foreach c,$(collections),$(OUT)/$(call plain,$c)/measures.tsv \
  $(if $(word 2,$(call labels,$c)),$(OUT)/$(call plain,$c)/tests.tsv))

ifeq ($(filter help,$(MAKECMDGOALS)),)
  ifneq ($(words $(collections)),$(words $(sort $(foreach c,$(collections),$(call plain,$c)))))
    $(error COLLECTIONS: two have one name: $(collections))
  endif
  $(foreach c,$(collections),$(if $(filter-out 0,$(words $(SHARDS_$c))),$(if $(shell [[ '$(SHARDS_$c)' =~ ^[1-9][0-9]*$$ ]] || echo no),$(error \
    SHARDS_$c: '$(SHARDS_$c)': expected a number from 1))))
  ifeq ($(strip $(call labels,any)),)
    $(error a study of nothing: say RETRIEVERS=..., RERANKERS=... or BM25=yes)
  endif
  ifeq ($(strip $(SAME_DOCS)),)
    override found_docs := $(foreach p,$(find_docs),$(if $(call own_docs,$(firstword $(subst =, ,$p))),,$p))
  endif
  $(if $(RERANKERS),$(if $(filter-out bm25 dataset $(RETRIEVERS),$(FIRST)),$(error FIRST: $(FIRST): expected bm25, \
    dataset or one of RETRIEVERS; did you mean $(call nearest_of,$(FIRST),bm25 dataset $(RETRIEVERS))?)))
  $(if $(BASELINE),$(if $(filter-out $(call label_names,any),$(BASELINE))$(word 2,$(BASELINE)),$(error \
    BASELINE: $(BASELINE): no row of the table; did you mean $(call nearest_of,$(BASELINE),$(call label_names,any))? \
    Rows are $(call label_names,any))))
  override types := $(if $(typed_kinds),$(shell PATH=$(call quoted,$(PATH)); lir-index types | awk -F '\t' '$$2 !~ /texts/ { print $$1 }'))
  override exact_types := $(if $(typed_kinds),$(shell PATH=$(call quoted,$(PATH)); lir-index types | awk -F '\t' '/: exact$$/ { print $$1 }'))
  $(foreach k,$(typed_kinds),$(if $(filter $k,$(types)),,$(error INDEXES: $k: neither exact, nor a type of index of \
    embeddings, nor with INDEX_FLAGS_$k; did you mean $(call nearest_of,$k,exact $(types))? `lir-index types` lists them)))
  $(foreach c,$(collections),$(if $(call differ,$(call home,$c),$(call home,$(call home,$c))),$(error \
    SAME_DOCS: the documents of $(call home,$c) are those of another collection: say $c=$(call home,$(call home,$c)))))
  $(foreach c,$(collections),$(eval $(call dataset_rules,$c))$(eval $(call cell_bm25,$c))\
    $(if $(call excluded,$c),$(eval $(call excluded_documents,$c)))\
    $(if $(filter dataset,$(FIRST)),$(if $(call restricts,$c),$(eval $(call dataset_candidates,$c))))\
    $(foreach m,$(RETRIEVERS),$(eval $(call cell_encoded,$c,$m,,queries.lirt))$(if $(filter $c,$(call home,$c)),$(eval \
      $(call cell_encoded,$c,$m,,docs.lirt.zst)))$(foreach k,$(call kinds,$m),$(if $(filter $c,$(call \
      home,$c)),$(eval $(call $(if $(strip $(CODEBOOK_FLAGS_$k)),cell_joined,cell_indexed),$c,$m,$k)))$(eval $(call cell_searched,$c,$m,$k,$(call home,$c)))))\
    $(foreach m,$(RERANKERS),$(eval $(call cell_reranked,$c,$m)))$(foreach m,$(models),$(call cell_tasks,$c,$m))$(eval $(call judged_collection,$c)))
endif

# --- jobs
override tab := $(empty)	$(empty)
# What is there before the jobs: all that is fetched, and what is made of that alone.
override prepared = $(sort $(known) $(foreach m,$(models),$(ready_$m)) $(foreach c,$(collections),$(call docs,$c) \
  $(foreach p,queries qrels,$(call dataset_file,$c,$p)) $(call usable_file,$c) $(call excluded,$c) \
  $(if $(and $(RERANKERS),$(filter dataset,$(FIRST))),$(call candidates,$c))))
# $(call job_line,NAME,SHARDS,JOBS BEFORE,FILES)
override job_line = $(info $1$(tab)$2$(tab)$(or $(strip $3),-)$(tab)$(strip $4))
override cell_name = $(call plain,$1).$(call plain,$2)$(if $3,.$(call plain,$3))
override needs_bm25 = $(or $(BM25),$(if $(RERANKERS),$(filter bm25,$(FIRST))))
# Jobs of $1, a collection: its index of BM25; encoding by model $2; index $3; search; re-ranking.
override bm25_job = $(call job_line,bm25.$(call plain,$1),1,prepare $(if $(filter $1,$(call home,$1)),,bm25.$(call plain,$(call \
  home,$1))),$(OUT)/$(call plain,$1)/bm25.run)
override tokens_job = $(call job_line,tokens.$(call cell_name,$1,$2),1,prepare,$(if $(filter $1,$(call \
  home,$1)),$(call at,$1,$2)/docs.tokens.zst) $(call at,$1,$2)/queries.lirt)
override docs_jobs = $(call job_line,docs.$(call cell_name,$1,$2),$(call shards,$1),prepare tokens.$(call cell_name,$1,$2),$(call \
  at,$1,$2)/docs/%.lirt.zst)$(call job_line,join.$(call cell_name,$1,$2),1,docs.$(call cell_name,$1,$2),$(call at,$1,$2)/docs.lirt.zst)
override part_jobs = $(call job_line,codebook.$(call cell_name,$1,$2,$3),1,join.$(call cell_name,$1,$2),$(call \
  at,$1,$2)/$3.codebook/manifest.json)$(call job_line,parts.$(call cell_name,$1,$2,$3),$(call shards,$1),join.$(call \
  cell_name,$1,$2) codebook.$(call cell_name,$1,$2,$3),$(call at,$1,$2)/$3.parts/%/manifest.json)
override index_job = $(if $(strip $(CODEBOOK_FLAGS_$3)),$(part_jobs))$(call job_line,index.$(call cell_name,$1,$2,$3),1,$(if $(strip \
  $(CODEBOOK_FLAGS_$3)),parts.$(call cell_name,$1,$2,$3),join.$(call cell_name,$1,$2)),$(call at,$1,$2)/$3/manifest.json)
override search_job = $(call job_line,search.$(call cell_name,$1,$2,$3),1,prepare tokens.$(call cell_name,$1,$2) index.$(call \
  cell_name,$(call home,$1),$2,$3),$(call at,$1,$2)/$3.run)
override first_job = $(if $(filter bm25,$(FIRST)),bm25.$(call plain,$1),$(if $(filter-out dataset,$(FIRST)),search.$(call \
  cell_name,$1,$(FIRST),$(firstword $(call kinds,$(FIRST))))))
override rerank_jobs = $(call job_line,second.$(call cell_name,$1,$2),$(call shards,$1),prepare $(call first_job,$1),$(call \
  at,$1,$2)/rerank/second/%.run)$(call job_line,rerank.$(call cell_name,$1,$2),1,second.$(call cell_name,$1,$2),$(call at,$1,$2)/rerank.run)
override homes = $(foreach c,$(collections),$(if $(filter $c,$(call home,$c)),$c))
override in_order = $(homes) $(filter-out $(homes),$(collections))
override print_jobs = $(call job_line,prepare,1,,$(prepared)) \
  $(if $(needs_bm25),$(foreach c,$(in_order),$(call bm25_job,$c))) \
  $(foreach m,$(RETRIEVERS),$(foreach c,$(in_order),$(call tokens_job,$c,$m)$(if $(filter $c,$(homes)),$(call docs_jobs,$c,$m)$(foreach \
    k,$(call kinds,$m),$(call index_job,$c,$m,$k)))$(foreach k,$(call kinds,$m),$(call search_job,$c,$m,$k)))) \
  $(foreach m,$(RERANKERS),$(foreach c,$(collections),$(call rerank_jobs,$c,$m))) \
  $(call job_line,table,1,prepare $(foreach c,$(collections),$(if $(needs_bm25),bm25.$(call plain,$c)) $(foreach m,$(RETRIEVERS),$(foreach \
    k,$(call kinds,$m),search.$(call cell_name,$c,$m,$k))) $(foreach m,$(RERANKERS),rerank.$(call cell_name,$c,$m))),$(tables))

.PHONY: study cells runs jobs prepare described
override tables := $(OUT)/table.txt $(OUT)/table.md $(OUT)/table.tex $(OUT)/table.html $(OUT)/costs.tsv $(OUT)/pareto.svg \
  $(OUT)/mteb.txt $(OUT)/costs.txt $(OUT)/costs.md $(OUT)/costs.tex $(OUT)/costs.html
override jobs.study := --listed
ifeq ($(RUN),slurm)
study:
	$(call jobs,submit,--listed)
else
study: $(tables)
	@cat $(OUT)/table.txt $(OUT)/costs.txt
endif
prepare: $(prepared)
runs: $(foreach c,$(collections),$(call runs,$c))
jobs:
	$(if $(print_jobs),)@:
# For scripts/plan: collections by their names, with what they are called in OUT, whose documents they have, and their files.
described:
	$(info ranked$(tab)$(DEPTH)$(tab)$(RERANK_DEPTH)$(tab)$(FIRST))$(foreach c,$(collections),$(info collection$(tab)$c$(tab)$(call \
	  plain,$c)$(tab)$(call home,$c)$(tab)$(call docs,$c)$(tab)$(call dataset_file,$c,queries)$(tab)$(call dataset_file,$c,qrels)$(tab)$(call \
	  dataset_file,$c,run)))@:
cells:
	@printf '%s\n' $(foreach c,$(collections),$(call runs,$c))

override table_of = $(table) --out $(OUT) --scores $(here)models-scores.tsv --measures '$(MEASURES)' \
  --models '$(foreach m,$(models),$m=$(or $(hub_$m),$m))' --first $(FIRST) --depth $(RERANK_DEPTH) \
  --names '$(foreach c,$(collections),$c=$(call plain,$c))' --exact 'exact $(filter $(typed_kinds),$(exact_types))' \
  --lists '$(foreach l,$(whole_lists),$l=$(subst $(space),$(comma),$(strip $(list_$l))))'
# Lists all of whose collections are studied: their means have a place.
override whole_lists = $(foreach l,$(sort $(patsubst list_%,%,$(filter list_%,$(.VARIABLES)))),$(if \
  $(filter-out $(collections),$(list_$l)),,$l))
override comma := ,
$(OUT)/table.%: $(judged) $(here)models-scores.tsv $(call settings,table,$(collections) $(whole_lists) $(MEASURES) $(models) $(FIRST) $(RERANK_DEPTH))
	$(table_of) --format $* >$@.part
	@mv $@.part $@
$(OUT)/pareto.svg: $(judged)
	$(table_of) --format svg >$@.part
	@mv $@.part $@
$(OUT)/mteb.txt: $(judged) $(here)mteb-tasks.tsv $(call settings,mteb,$(collections) $(MEASURES) $(models) $(FIRST) $(RERANK_DEPTH))
	$(table_of) --format mteb >$@.part
	@mv $@.part $@
$(OUT)/costs.tsv: $(judged)
	$(table_of) --format costs >$@.part
	@mv $@.part $@
$(OUT)/costs.%: $(judged)
	$(table_of) --format costs-$* >$@.part
	@mv $@.part $@

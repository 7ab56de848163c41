# What the pipelines share: options that are checked, files that are as old as the last change of what
# a result depends on, messages that tell where they are from, and help.
#
# Ages tell whether a file was changed, not whether another one was named, nor whether the tool that
# reads it is another one: what a rule uses is a change, too. Each rule depends on a file that holds
# its options, the sizes and times of its inputs, and the checksums of its tools.

# --- options of every pipeline
# Folder of the tools, where they are not on PATH
BIN ?=
# Where the work is done: local, by processes of this machine, or slurm, by jobs, shards by job arrays
RUN ?= local
# What a job asks for: time, memory, processors; how many tasks of an array may run at once (all, without
# a number); further options of sbatch. WAIT=yes waits for the last job and says what became of all.
JOB_TIME     ?= 24:00:00
JOB_MEMORY   ?= 4G
JOB_CPUS     ?= 4
JOBS_AT_ONCE ?=
JOB_FLAGS    ?=
WAIT         ?= no
# ---

override job_options := RUN JOB_TIME JOB_MEMORY JOB_CPUS JOBS_AT_ONCE JOB_FLAGS WAIT \
  $(foreach s,$(job_stages),JOB_TIME_$s JOB_MEMORY_$s JOB_CPUS_$s)
options += OUT BIN $(names) $(flags) $(job_options)
override pipelines := $(dir $(lastword $(MAKEFILE_LIST)))

SHELL := bash
# A task of a job array asks with which status a recipe failed.
ifeq ($(LIR_STATUS_FILE),)
  .SHELLFLAGS := -euo pipefail -c
else
  .SHELLFLAGS := -euo pipefail -c 'trap "{ s=\$$?; set +x; } 2>/dev/null; [ \$$s = 0 ] || echo \$$s >>\"$$LIR_STATUS_FILE\"" EXIT; eval "$$0"'
endif
.DELETE_ON_ERROR:
.SUFFIXES:
unexport BASH_ENV CDPATH
ifneq ($(BIN),)
  export PATH := $(abspath $(BIN)):$(PATH)
endif

# --- what the options must be like

include $(pipelines)options.mk

override empty :=
override space := $(empty) $(empty)
# Whether make only says what it would do: the tools' commands then, without what is around them.
override dry := $(findstring n,$(firstword -$(MAKEFLAGS)))
# The file that make was started with is one of these, not one that builds on them.
override ours := $(filter $(abspath $(pipelines))/%,$(abspath $(firstword $(MAKEFILE_LIST))))
override given := $(foreach v,$(filter-out PATH,$(.VARIABLES)),$(if $(filter command,$(origin $v)),$v))

override special := : ; % & | ( ) < > ' " \ * ? [ ] = $$ $(hash) `
# $(call check_name,OPTION): one name, of characters that neither make nor a shell reads otherwise.
override define check_name
$(if $(word 2,$($1)),$(error $1: '$($1)': make takes no names with spaces; a link without any does it))
$(foreach c,$(special),$(if $(findstring $c,$($1)),$(error $1: '$($1)': a name with $c, which make reads \
otherwise; a link without it does it)))
endef
override define check_options
$(if $(ours),$(foreach v,$(given),$(if $(filter $v,$(options)),,\
$(error $v is not an option here; did you mean $(call nearest,$v)? `make -f $(firstword $(MAKEFILE_LIST)) help` \
lists them))))
$(foreach v,OUT BIN $(names),$(call check_name,$v))
$(foreach v,OUT $(filter-out $(optional),$(names)),$(if $(strip $($v)),,$(error $v is empty: say $v=...)))
$(if $(or $(shell [[ '$(SHARDS)' =~ ^[1-9][0-9]*$$ ]] || echo no),$(word 2,$(SHARDS))),\
$(error SHARDS: '$(SHARDS)': expected a number from 1))
$(if $(or $(filter-out local slurm,$(RUN)),$(filter-out 1,$(words $(RUN)))),\
$(error RUN: '$(RUN)': expected local or slurm))
$(if $(or $(filter-out yes no,$(WAIT)),$(filter-out 1,$(words $(WAIT)))),\
$(error WAIT: '$(WAIT)': expected yes or no))
endef

override missing = $(if $2,$2: $1: no such file or folder$(if $(filter %MODEL START FIRST RERANKER \
TEACHER,$2),; lir-fetch-model (here scripts/fetch-model) downloads models),there is neither a file nor a goal $1; `make -f \
$(firstword $(MAKEFILE_LIST)) help` lists goals and options)

ifeq ($(filter help,$(MAKECMDGOALS)),)
  $(eval $(check_options))
  override OUT := $(patsubst %/,%,$(OUT))

  # What was to be there and is not: which option names it. Before anything is made, where all is.
  ifneq ($(ours),)
    ifeq ($(filter-out $(.DEFAULT_GOAL),$(MAKECMDGOALS)),)
      $(foreach v,$(filter-out $(unneeded),$(names)),$(foreach f,$(filter-out $(OUT)/% $(fetched),$($v)),\
        $(if $(wildcard $f),,$(error $(call missing,$f,$v)))))
    endif
    .DEFAULT:
	$(error $(call missing,$@,$(firstword $(foreach v,$(names),$(if $(filter $($v) $($v)/%,$@),$v)))))
  endif
endif
# What a dry run takes for made, as another make would have made it before: the files of LIR_ASSUMED, by which a study
# says what its stages would do.
.PHONY: made-before
$(if $(and $(dry),$(strip $(LIR_ASSUMED))),$(eval $(sort $(LIR_ASSUMED)): made-before ;))

# --- what a result depends on

# Checksums of the tools, as make finds them.
override sums := $(if $(filter help,$(MAKECMDGOALS)),,$(shell PATH=$(call quoted,$(PATH)); \
  for t in $(addprefix lir-,$(sort $(tools))); do \
    p=$$(command -v $$t) && echo $$t:$$(cksum <"$$p" | tr ' ' -); done))
$(if $(filter help,$(MAKECMDGOALS)),,$(foreach t,$(addprefix lir-,$(sort $(tools))),$(if \
  $(filter $t:%,$(sums)),,$(error $t is neither on PATH nor in BIN='$(BIN)': say BIN=the folder of the tools))))

# $(call model,FOLDER): the files of a model; the one that is missing where there are none.
override model = $(or $(sort $(foreach g,json safetensors bin pt model txt metadata,\
  $(wildcard $1/*.$g $1/*/*.$g))),$1/config.json)

# $(call named,FLAGS): files that flags name, also in the configurations that they name, and those in folders.
override named = $(foreach w,$(filter-out $(OUT),$(sort $(if $(strip $1),$(shell printf '%s\n' $(call quoted,$(call \
  telling,$1)) | awk $(call quoted,$(words_program)))))),\
  $(if $(wildcard $w/.),$(foreach f,$(wildcard $w/* $w/*/*),$(if $(wildcard $f/.),,$f)),$(wildcard $w)))

# The words of flags that may be names, and their parts; of the files behind --config, without their comments, those that
# name a file, a model or an index, as other words may be those of folders by chance.
override words_program = function words(line, isInside, i, j, n, m, w, p) { gsub(/["=\047]/, " ", line); \
  n = split(line, w, " "); for (i = 1; i <= n; i++) { say(w[i], isInside); \
  if (w[i] ~ /[][{}:,]/) { m = split(w[i], p, /[][{}:,]+/); for (j = 1; j <= m; j++) say(p[j], isInside) } \
  if (w[i] == "--config" && i < n && is("-f", w[i + 1])) inside(w[i + 1]) } } \
  function say(w, isInside) { if (w !~ /^[.\/]*$$/ && w !~ /[*?;|&<>(){}$$`\\%$(hash)]/ && w !~ /\[/ && \
  (!isInside || known(w))) print w } function inside(file, line) { while ((getline line < file) > 0) { \
  sub(/(^|[ \t])$(hash).*/, "", line); sub(/\r$$/, "", line); words(line, 1) } close(file) } \
  function known(name) { return is("-f", name) || is("-e", name "/config.json") || \
  is("-e", name "/adapter_config.json") || is("-e", name "/manifest.json") } \
  function is(what, name) { return !system("[ " what " " name " ]") } { words($$0, 0) }

# $(call telling,FLAGS): flags without those that no result depends on.
override telling = $(if $(strip $1),$(shell printf '%s' $(call quoted,$1) | sed -E -e ':a' -e \
  's/(^| )--(threads|batch-tokens|progress|log-format|max-memory|tmp-dir|cache)( +|=)[^ ]+//;ta' -e \
  's/(^| )(-v|-q|--verbose|--quiet)( |$$)/ /;ta'))

# $(call state,FILES): size and time of each, and a checksum of their ends, as models of one form have
# one size, and archives give all files one time.
override state = $(if $(strip $1),stat -Lc '%n:%s:%.9Y' $1 2>/dev/null | tr '\n' ' ' || true; \
  tail -qc 65536 $1 2>/dev/null | cksum,:)

# $(call settings,NAME,TEXT,FLAGS,FILES,TOOLS): a file that holds the text, flags, states of files and
# checksums of tools. It is written anew, by a rule of its own, where it holds another text or is
# missing; reading the Makefile writes nothing.
override settings = $(eval $(call settings_rule,$(OUT)/settings/$1,$(strip $2 $(foreach f,$3,$f=$(call \
  telling,$($f))) $(foreach t,$5,$(filter lir-$t:%,$(sums)))),$(strip $4)))$(OUT)/settings/$1

# $(call settings_rule,FILE,TEXT,FILES): the rule. What a dataset has may be made anew before it is read.
# The jobs of an array may all write at once: what one
# of them has written is left as old as it is. Where nothing is made a recipe of nothing tells make that it is new.
override define settings_recipe
	@mkdir -p '$$(@D)'
	@new='$$(@D)/.$$(@F)'.$$$$(uname -n).$$$$$$$$ && \
	  printf '%s %s\n' '$(subst $$,$$$$,$(subst ','\'',$2))' "$$$$($(subst $$,$$$$,$(call state,$3)))" \
	  >"$$$$new" && if cmp -s "$$$$new" '$$@'; then rm "$$$$new"; else mv "$$$$new" '$$@'; fi
endef
override define settings_rule
$1: $(if $(call differ,$(strip $2 $(shell $(call state,$3))),$(strip $(file <$1))),another-setting) \
  $(filter $(fetched),$3) | $3
$(if $(dry),	$$(empty),$(settings_recipe))
endef

# $(call differ,ONE,OTHER): something where two texts are not the same.
override differ = $(subst x$1,,x$2)$(subst x$2,,x$1)

# What is phony is always newer; without a rule it is no goal.
.PHONY: another-setting

# --- goals, made here or by jobs

# $(call goal,NAME,FILES,JOBS): a goal. Files that are made here stand behind it; where they are made by jobs,
# its recipe submits those. A job is $(call job,NAME FILES); a file with % makes it an array of a task for each
# shard, and a job joins the shards of the array before it.
override goal = $(eval override jobs.$1 = $3)$(eval .PHONY: $1)$(eval $(if $(filter slurm,$(RUN)),$1: ; \
  $$(call jobs,submit,$$(jobs.$1)),$1: $2))
override job = $(call quoted,$(strip $1))

# $(call jobs,COMMAND,JOBS): `jobs` with what makes a file of this pipeline, here, with the options that were given.
override jobs = $(if $(dry),,@)$(foreach v,$(job_options),$v=$(call quoted,$($v))) $(pipelines)jobs $1 $(OUT) \
  $(or $(SHARDS),1) $2 -- $(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) $(foreach v,$(filter-out \
  $(job_options),$(given)),$(call quoted,$v=$(value $v))) RUN=local

.PHONY: status
status:
	$(call jobs,status,$(jobs.$(.DEFAULT_GOAL))) || [[ $$? =~ ^(1|75)$$ ]]

# --- in recipes

# $(call said,NAME): a tool's messages, kept in the folder LIR_LOGS (of a study) as NAME.log, which a tool that runs
# again begins anew. $(call said,NAME,SHARD): behind the file and the shard that they are about, where there are several.
override log_of = $(if $(LIR_LOGS),$(if $(dry),,| tee $(LIR_LOGS)/$1.log))
override said = $(if $(call log_of,$1)$(if $2,$(filter-out 1,$(SHARDS))),2>&1 $(call log_of,$1)$(if $2,$(if \
  $(filter-out 1,$(SHARDS)), | sed -u 's|^|$@ ($2/$(SHARDS)): |')) >&2)
# $(call forget_logs,NAME,SHARDS): those of other shards than these, when all are joined.
override forget_logs = $(if $(LIR_LOGS),$(if $(dry),,@rm -f $(filter-out $(2:%=$(LIR_LOGS)/$1-%.log),$(wildcard \
  $(LIR_LOGS)/$1-*.log))))

# What a killed job left of this file, unless it is younger than all that it was made of.
override forget = $(if $(dry),,@for input in $^; do \
  [ ! $(@D)/.$(@F).partial -ot $$input ] || rm -f $(@D)/.$(@F).partial*; done)

# $(call holding,LOCK,FILE): in front of commands of which one at a time may run, here and elsewhere. They and what they begin
# have it until all have ended, by a file of that number, 9 without one; makes that are begun there take another one.
override holding = coproc LIR_HELD { exec $(pipelines)holding $1; }; read -r _ <&$${LIR_HELD[0]}; exec $(or $2,9)>/proc/self/fd/$${LIR_HELD[1]};
# In front of a command that the jobs of an array would all run: the first does, the others wait for it.
override once = $(if $(dry),,@$(call holding,$(OUT)/settings/held) stale=''; for input in $^; do \
  [ ! $@ -ot $$input ] || stale=yes; done; [ -n "$$stale" ] || exit 0; PS4=''; set -x; )

# --- help

.PHONY: help
help:
	@awk $(call quoted,$(help_program)) $(MAKEFILE_LIST)
	@printf '\nGoals: %s\n' '$(goals) status help'

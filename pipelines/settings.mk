# What the pipelines share: files that are as old as the last change of a setting.
#
# Ages tell whether a file was changed, not whether another one was named: the path of an older file
# is a change, too.

# $(call settings,NAME,TEXT): a file that holds the text. It is written anew, by a rule of its own,
# where it holds another text or is missing; reading the Makefile writes nothing.
settings = $(eval $(call settings_rule,$(OUT)/settings/$1,$(strip $2)))$(OUT)/settings/$1

# $(call settings_rule,FILE,TEXT): the rule. The jobs of an array may all write at once.
define settings_rule
$1: $(if $(call differ,$2,$(file <$1)),another-setting)
	@mkdir -p '$$(@D)'
	@new='$$(@D)/.$$(@F)'.$$$$(uname -n).$$$$$$$$ && \
	  printf '%s\n' '$(subst $$,$$$$,$(subst ','\'',$2))' >"$$$$new" && mv "$$$$new" '$$@'
endef

# $(call differ,ONE,OTHER): something where two texts are not the same.
differ = $(subst x$1,,x$2)$(subst x$2,,x$1)

# What is phony is always newer; without a rule it is no goal.
.PHONY: another-setting

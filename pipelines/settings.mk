# What the pipelines share: files that are as old as the last change of a setting.
#
# Ages tell whether a file was changed, not whether another one was named: the path of an older file
# is a change, too.

# $(call settings,NAME,TEXT): a file that holds the text, and is as old as the last change of it. The
# jobs of an array may all look at once.
settings = $(shell mkdir -p '$(OUT)/settings' && \
  new='$(OUT)/settings/.$1'.$$(uname -n).$$$$ && \
  printf '%s\n' '$(subst ','\'',$2)' >"$$new" && \
  if cmp -s "$$new" '$(OUT)/settings/$1'; then rm "$$new"; \
  else mv "$$new" '$(OUT)/settings/$1'; fi)$(OUT)/settings/$1

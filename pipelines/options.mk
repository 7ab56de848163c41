# What every makefile here needs for its options: $(call nearest,NAME) finds the one that was meant, and
# $(help_program) prints the comments at its top and the options of all, with their defaults.

override hash := \#
override quoted = '$(subst ','\'',$1)'

# $(call nearest_of,NAME,NAMES): the one of the names that is spelt most like it.
override nearest_program = function least(a, b) { return a < b ? a : b } { m = length(w); \
  n = length($$0); for (j = 0; j <= m; j++) d[0, j] = j; for (i = 1; i <= n; i++) { d[i, 0] = i; \
  for (j = 1; j <= m; j++) d[i, j] = least(least(d[i-1, j], d[i, j-1]) + 1, \
  d[i-1, j-1] + (substr($$0, i, 1) != substr(w, j, 1))) } \
  if (best == "" || d[n, m] < lowest) { best = $$0; lowest = d[n, m] } } END { print best }
override nearest_of = $(shell printf '%s\n' $(sort $2) | awk -v w=$(call quoted,$1) $(call quoted,$(nearest_program)))
# $(call nearest,NAME): the option that is spelt most like it.
override nearest = $(call nearest_of,$(shell echo '$1' | tr a-z- A-Z_),$(options))

override help_program = FNR == 1 { block = 0; head = NR == 1 } \
  head && /^$(hash)/ { sub(/^$(hash) ?/, ""); print; next } \
  head { print "\nOptions, and their defaults:"; head = 0 } /^$(hash) --- options/ { block = 1; next } \
  /^$(hash) ---/ { block = 0 } block { sub(/ *[?]= */, " = "); sub(/ +$$/, ""); print "  " $$0 }

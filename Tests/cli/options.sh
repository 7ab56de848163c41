# shellcheck shell=bash
# What every tool does alike: help, version, completions, usage errors.

for tool in $(tools); do
  exits 0 "$tool" --help >help.txt
  grep -q '^USAGE: ' help.txt || fail "$tool --help has no line of use"
  [ ! -s said.log ] || fail "$tool --help speaks on stderr"
  is "$tool --version" "$tool $VERSION" "$("$tool" --version)"
  "$tool" --version -v | grep -q '^zstd ' || fail "$tool --version -v does not name its libraries"

  for shell in bash zsh fish; do
    exits 0 "$tool" --generate-completion-script "$shell" >"$tool.$shell"
    grep -q -- "$tool" "$tool.$shell" || fail "no completions of $tool for $shell"
  done
  bash -n "$tool.bash"

  refuses 64 "$tool: error: " "$tool" --no-such-option
  says "$tool: hint: "
  refuses 64 "--threads" "$tool" --threads -1
  # JSON messages: every line is an object.
  exits 64 "$tool" --no-such-option --log-format json
  jq -e '.tool and .level and .message' said.log >parsed.log || fail "$tool: not JSON"
  jq -se '.[0].status == 64' said.log >parsed.log || fail "$tool: no status in JSON"
done

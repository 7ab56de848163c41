# shellcheck shell=bash
# A maintainer changes a word of help, adds a test, installs, and looks for what a change has broken.
#
# What still hurts:
# * A release build with tests takes a quarter of an hour on two cores; the debug build of `scripts/test fast`
#   is what one works with.
# * Manual pages are made from the help of built tools: a word of help is three steps (build, make-man,
#   commit).
# * Fixtures are made by a Python environment of 2 GB (scripts/golden), which few have at hand.

# What a page says stands where it says it.
for folder in Sources Tests Benchmarks scripts pipelines man; do
  [ -d "$ROOT/$folder" ] || fail "CONTRIBUTING.md names $folder"
done
# shellcheck disable=SC2016  # the backticks are those of the page
grep -oE '`(scripts|Tests)/[a-z][a-zA-Z/_.-]*`' "$ROOT/CONTRIBUTING.md" | tr -d '`' | sort -u |
  while read -r path; do [ -e "$ROOT/$path" ] || fail "CONTRIBUTING.md names $path"; done

# How does one run one test, one check, one case?
"$ROOT/scripts/test" --help >help.log
for word in unit cli fast sanitize; do grep -qw $word help.log || fail "scripts/test --help lacks $word"; done
"$ROOT/Tests/cli/run" --bin "$LIR_BIN" eval-help >case.log || { cat case.log >&2; fail 'one case'; }
is 'verdict' '1 passed, 0 failed, 0 skipped' "$(tail -n 1 case.log)"
exits 66 "$ROOT/Tests/cli/run" --bin "$LIR_BIN" no-such-case
says 'no case no-such-case'
for script in "$ROOT"/scripts/{lint,install,dist,fixtures,make-man,quickstart,fetch-model,check-sizes,bench} \
  "$ROOT/Tests/fuzz/run"; do
  "$script" --help >help.log 2>&1 || fail "$script has no --help"
  [ -s help.log ] || fail "$script has no --help"
done

# Every tool tells its version, its options, its statuses, in help and manual alike.
for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
  is "$tool --version" "$tool $VERSION" "$($tool --version)"
  page=$ROOT/man/$tool.1
  grep -q '^\.SH EXAMPLES' "$page" || fail "$page has no examples"
  grep -q '^\.SH "EXIT STATUS"' "$page" || fail "$page has no statuses"
  sed 's/\\//g' "$page" >page.txt
  $tool --help | grep -oE '^  (-[a-zA-Z], )?--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u |
    while read -r option; do
      grep -qF -e "$option" page.txt || fail "$page lacks $option"
    done
  exits 64 $tool --no-such-option
  says no-such-option
done

# An installation in a folder of one's own, with a space in its name; away again without a trace.
exits 0 "$ROOT/scripts/install" --bin "$LIR_BIN" "$PWD/my lir"
PATH="$PWD/my lir/bin:/usr/bin:/bin" lir-eval --list-measures >measures.log
[ -s measures.log ] || fail 'an installed tool does not run'
is 'pipelines' "$(find "$ROOT/pipelines" -maxdepth 1 -name '*.mk' -printf '%f\n' | sort)" \
  "$(find "$PWD/my lir/share/lir/pipelines" -name '*.mk' -printf '%f\n' | sort)"
for tool in lir-encode lir-eval; do
  bash -n "my lir/share/bash-completion/completions/$tool" || fail "the completion of $tool is no bash"
done
rm -r 'my lir'

# A damaged input, found by the fuzzer, is one command away.
"$ROOT/Tests/fuzz/run" --help | grep -q -e --replay || fail 'the fuzzer does not tell of its corpus'

# shellcheck shell=bash
# What once went wrong with inputs that were damaged or odd, and some new ones that a seed chooses.

command -v prlimit >/dev/null || skip 'prlimit is not installed'
command -v cc >/dev/null || command -v clang >/dev/null || skip 'no C compiler for faults.c'
for program in zstd lz4; do command -v $program >/dev/null || skip "$program is not installed"; done
"$ROOT/Tests/fuzz/run" --bin "$LIR_BIN" --replay --rounds 60 --seed ci --keep "$PWD/found" \
  >fuzz.log 2>&1 || { cat fuzz.log >&2; fail 'an input that a tool does not stand'; }
grep -q ' runs, 0 findings' fuzz.log || fail "no runs: $(cat fuzz.log)"
rm -rf found
refuses 64 'no kind' "$ROOT/Tests/fuzz/run" --bin "$LIR_BIN" --kind none

"$ROOT/Tests/fuzz/models.py" --replay "$ROOT/Tests/fuzz/models.jsonl" --bin "$LIR_BIN" \
  --fixtures "$FIXTURES" >replay.log || { cat replay.log >&2; fail "the corpus of model folders"; }

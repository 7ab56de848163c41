# shellcheck shell=bash
# The parsers by themselves stand the inputs that fuzzing them has left: Tests/fuzz/corpus/parsers.

corpus=$ROOT/Tests/fuzz/corpus/parsers
command -v fuzz-parsers >/dev/null || skip 'fuzz-parsers is not built'
command -v zstd >/dev/null || skip 'zstd is not installed'
export SWIFT_BACKTRACE=enable=no

# AddressSanitizer needs terabytes of addresses.
limits=(--cpu=20 --core=0)
[ -n "${ASAN_OPTIONS-}${TSAN_OPTIONS-}" ] || limits+=("--as=$((2 << 30))")

fuzz-parsers >targets.txt
while read -r target _; do
  mkdir "$target"
  [ -e "$corpus/$target.tar.zst" ] || fail "$target has no corpus"
  tar --zstd --extract --directory="$target" --file="$corpus/$target.tar.zst"
  [ ! -d "$corpus/$target" ] || cp -- "$corpus/$target/"* "$target"
  LIR_FUZZ_TARGET=$target prlimit "${limits[@]}" -- fuzz-parsers "$target"/* >"$target.txt" 2>"$target.log" ||
    fail "$target: status $? at $(tail -n 1 "$target.txt"): $(tail -n 3 "$target.log")"
  # Every input was read to an end.
  [ "$(grep -acE $'\t(taken|refused: .+)$' "$target.txt")" = "$(find "$target" -type f | wc -l)" ] ||
    fail "$target: not every input was read"
done <targets.txt
# Some inputs are good, and some are not.
for word in taken refused; do
  [ "$(grep -al "	$word" -- *.txt | wc -l)" -gt 20 ] || fail "hardly an input is $word"
done
[ "$(wc -l <targets.txt)" -gt 20 ] || fail 'most targets are not there'
rm -rf ./*
# A name that is none, and a file that is not there.
exits 64 env LIR_FUZZ_TARGET=none fuzz-parsers >targets.txt
exits 66 env LIR_FUZZ_TARGET=run fuzz-parsers missing.run >read.txt
rm targets.txt read.txt

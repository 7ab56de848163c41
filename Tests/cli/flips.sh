# shellcheck shell=bash
# scripts/flips: bits of a stream, an index and a run are turned over, and found; a tool that does not look is, too.
# Thousands are turned over by hand: lir-reliability(7).

flips() { "$ROOT/scripts/flips" --bin "$PWD/bin" "$@" >flips.log; }
mkdir bin
ln -s "$LIR_BIN"/lir-* bin
exits 0 flips --count 2 --only 'stream dense.zst,index flat,run.zst'
is 'kinds' 5 "$(grep -cE '^(stream|index|run).*: 2 flips, .*, 0 errors$' flips.log)"
grep -qx 'flips: kinds=5 flips=10 errors=0 seed=1' flips.log || fail "$(cat flips.log)"
# A reader that says nothing of damage.
rm bin/lir-eval
cat >bin/lir-eval <<END_OF_TOOL
#!/bin/bash
"$LIR_BIN/lir-eval" "\$@" 2>/dev/null || true
END_OF_TOOL
chmod +x bin/lir-eval
exits 1 flips --count 20 --only run.zst
grep -qE '^flips: run.zst: first.run.zst, bit [0-7] of byte [0-9]+: status 0, another output$' flips.log || fail "$(cat flips.log)"
grep -qE '^flips: kinds=1 flips=20 errors=[1-9][0-9]* seed=1$' flips.log || fail "$(cat flips.log)"
# One that prints another line than that of the intact run before it says so, or half of one, and one that prints the first.
for damaged in 's/[0-9]$/x/' 's/..$//' ''; do
  cat >bin/lir-eval <<END_OF_TOOL
#!/bin/bash
"$LIR_BIN/lir-eval" "\$@" >eval.txt 2>/dev/null && cat eval.txt && cp eval.txt intact.txt && exit
status=\$?
if [[ '$damaged' == *..* ]]; then
  head -n 1 intact.txt | tr -d '\n' | sed '$damaged'
else
  head -n 1 intact.txt | sed '$damaged'
fi
exit \$status
END_OF_TOOL
  status=0
  flips --count 20 --only run.lz4 || status=$?
  is "flips, of lines changed by '$damaged'" "$([ -z "$damaged" ] && echo 0 || echo 1)" $status
  errors=$(grep -c ': status 65, another output$' flips.log || true)
  [ $status = 0 ] || [ "$errors" -gt 0 ] || fail "$(cat flips.log)"
  [ $status = 1 ] || is 'errors' 0 "$errors"
done
rm -r bin

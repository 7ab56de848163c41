# shellcheck shell=bash
# scripts/endure: memory of thousands of records, and a short soak; a tool whose memory grows, and one that answers
# otherwise the second time, are found. Millions and hours are run by hand: lir-reliability(7).

command -v make >/dev/null || skip 'make is not installed'
model=$MODELS/native/dpr_bert_04/model cross=$MODELS/native/mono_bert_00/model
endure() { "$ROOT/scripts/endure" --model "$model" --bin "$PWD/bin" "$@" >endure.log; }
mkdir bin
ln -s "$LIR_BIN"/lir-* bin
exits 0 endure --records 4000 --queries 400 --reranker "$cross" --minutes 0.01
grep -qE '^encode: 4000 in .*: [0-9]+ MB after 200, [0-9]+ MB after 1000, [0-9]+ MB after 4000$' endure.log ||
  fail "$(cat endure.log)"
grep -qE '^search: 400 in .*: [0-9]+ MB after 20, [0-9]+ MB after 100, [0-9]+ MB after 400$' endure.log ||
  fail "$(cat endure.log)"
grep -qE '^soak: [0-9]+ minutes, 1000 MB of addresses: [1-9][0-9]* rounds of [0-9]+ files, [0-9]+ answers .*, 0 differ$' \
  endure.log || fail "$(cat endure.log)"

# Twenty thousand bytes of every line are kept.
rm bin/lir-encode
cat >bin/lir-encode <<END_OF_TOOL
#!/usr/bin/env python3
import subprocess, sys
kept = [line + b" " * 20000 for line in sys.stdin.buffer]
sys.exit(subprocess.run(["$LIR_BIN/lir-encode", *sys.argv[1:]], input=b"".join(k[:-20000] for k in kept)).returncode)
END_OF_TOOL
chmod +x bin/lir-encode
exits 1 endure --records 4000 --queries 40
grep -qE '^encode: memory grew by [0-9]+ MB where 8 are allowed$' endure.log || fail "$(cat endure.log)"
rm bin/lir-encode
ln -s "$LIR_BIN/lir-encode" bin

# An answer that changes after a while.
rm bin/lir-rerank
cat >bin/lir-rerank <<END_OF_TOOL
#!/bin/bash
"$LIR_BIN/lir-rerank" "\$@" | if [[ " \$* " == *' --mark-end '* ]]; then sed -u '/^q700 /s/\\.[0-9]/.x/'; else cat; fi
exit "\${PIPESTATUS[0]}"
END_OF_TOOL
chmod +x bin/lir-rerank
exits 1 endure --records 0 --reranker "$cross" --minutes 0.01
grep -q ', 1 differ$' endure.log || fail "$(cat endure.log)"
refuses 64 'by which --reranker' "$ROOT/scripts/endure" --model "$model" --minutes 1
refuses 66 'nowhere: no such folder' "$ROOT/scripts/endure" --model nowhere
rm -r bin

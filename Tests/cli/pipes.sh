# shellcheck shell=bash
# A reader that goes away, terminals, and messages that do not mix.

texts 20000 >docs.tsv
model=$MODELS/native/dpr_bert_01/model

gone() { # gone COMMAND...: dies silently of SIGPIPE once nobody reads
  # bash must not ignore the signal for its children, whatever ran the tests.
  set +e
  python3 -c 'import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execvp(sys.argv[1], sys.argv[1:])' "$@" 2>said.log | head -c 10 >head.log
  local status=${PIPESTATUS[0]}
  set -e
  is "status of $* | head" 141 "$status"
  [ ! -s said.log ] || fail "$* says something when its reader goes away"
}
gone lir-tokenize --model "$model" docs.tsv
gone lir-tokenize --model "$model" --format jsonl docs.tsv
gone lir-encode --model "$model" --role doc docs.tsv
gone lir-encode --model "$model" --role doc --format jsonl docs.tsv
exits 0 lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
gone lir-encode view docs.lirt
gone lir-encode cat docs.lirt

# No binary to a terminal; nothing to read from one.
for command in "lir-encode --model $model --role doc docs.tsv" \
  "lir-encode cat docs.lirt" "lir-tokenize --model $model docs.tsv"; do
  is "status of $command on a terminal" 64 "$(on_terminal "$command >/dev/tty; echo \$?" | tail -n 1)"
  on_terminal "$command" >shown.log || true
  grep -q 'binary' shown.log || fail "$command: no message about binary data"
done
for command in "lir-encode --model $model --role doc" "lir-encode cat" "lir-encode view" \
  "lir-tokenize --model $model"; do
  on_terminal "$command >out.bin; echo status=\$?" >shown.log
  grep -q 'nothing to read' shown.log || fail "$command waits for a terminal"
  grep -q 'status=64' shown.log || fail "$command: another status than 64"
done
# Text may go there.
on_terminal "lir-encode view docs.lirt -q | head -n 1" >shown.log
grep -q '"id":"d1"' shown.log || fail 'view on a terminal'

# Progress shows on a terminal only, or where it is asked for.
head -n 100 docs.tsv >few.tsv
exits 0 lir-encode --model "$model" --role doc few.tsv -o few.lirt
! grep -q $'\r' said.log || fail 'progress without a terminal'
exits 0 lir-encode --model "$model" --role doc --progress always few.tsv -o few.lirt
grep -q $'\r' said.log || fail 'no progress with --progress always'

# The summary is the last line, of key=value; -q says nothing, -v more.
exits 0 lir-encode --model "$model" --role doc few.tsv -o few.lirt
tail -n 1 said.log | grep -Eqx 'lir-encode: done( [a-z0-9_]+=[^ ]+)+' || fail 'the form of the summary'
for key in records skipped truncated seconds records_per_second peak_rss_mb; do
  [ -n "$(summary "$key")" ] || fail "no $key in the summary"
done
# Its memory is its own, not that of what started it.
python3 - lir-encode --model "$model" --role doc few.tsv -o few.lirt 2>said.log <<'PY' || fail "$(cat said.log)"
import subprocess, sys
large = bytearray(b"1" * (400 << 20))
sys.exit(subprocess.run(sys.argv[1:]).returncode)
PY
[ "$(summary peak_rss_mb)" -lt 300 ] || fail "a memory of $(summary peak_rss_mb) MB"
exits 0 lir-encode --model "$model" --role doc -q few.tsv -o few.lirt
[ ! -s said.log ] || fail '-q says something'
exits 0 lir-encode --model "$model" --role doc --log-format json few.tsv -o few.lirt
jq -se '.[-1] | .level == "done" and .records == 100 and .seconds >= 0' said.log >parsed.log ||
  fail 'the summary in JSON'

rm -f docs.tsv few.tsv out.bin

# shellcheck shell=bash
# Two builds of one new index: the last one that is done counts, both end well, and nothing is left. The
# first stands still before its last rename, and before all others, until the second is done.
texts 30 >docs.tsv
texts 30 7 >others.tsv
for name in old:docs new:others; do
  exits 0 encode native/dpr_bert_01 doc "${name#*:}.tsv" -o "${name%:*}.lirt"
  exits 0 lir-index build "${name%:*}.lirt" -o "${name%:*}.index"
done
nothing() { rm -rf docs.index .docs.index.tmp.*; }
list_points lir-index build --threads 1 new.lirt -o docs.index
last='^rename .*[.]docs[.]index[.]tmp[.][^/]*$'
# stop_at PATTERN: begins the first build, and waits until it stands still.
stop_at() {
  local point
  point=$(point_of "$1")
  env LIR_TEST_STOP="$point" LIR_TEST_SIGNAL=19 LD_PRELOAD="$FAULTS" \
    lir-index build --threads 1 new.lirt -o docs.index 2>first.log &
  pid=$!
  until [ "$(cut -d' ' -f3 "/proc/$pid/stat")" = T ]; do
    kill -0 $pid || fail "it did not stop at $1"
    sleep 0.01
  done
}
for pattern in "$last" '^rename .*/documents' '^mkdir .*[.]docs[.]index[.]tmp'; do
  nothing
  stop_at "$pattern"
  exits 0 lir-index build --threads 1 old.lirt -o docs.index
  diff -r old.index docs.index || fail "another index than the second's: $pattern"
  kill -CONT $pid
  wait $pid || fail "the first build: $(cat first.log)"
  exits 0 lir-index verify docs.index
  diff -r new.index docs.index || fail "another index than that of the last: $pattern"
  [ -z "$(find . -maxdepth 1 -name '.docs.index*')" ] || fail "something is left: $pattern"
done
# What is no index stays.
nothing
stop_at "$last"
mkdir docs.index
echo mine >docs.index/notes.txt
kill -CONT $pid
status=0
wait $pid || status=$?
is 'status' 73 $status
is 'what was there' notes.txt "$(ls docs.index)"

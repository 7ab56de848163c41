# shellcheck shell=bash
# Those who change one thing do so one after the other, whatever the file system has and wherever they run;
# who was killed, or stopped for long elsewhere, is no hindrance.
build_faults
mkdir parts
for i in 1 2 3 4 5 6; do texts 10 "$i" | sed "s/^d/w$i-/" >"parts/$i.tsv"; done
texts 10 9 >docs.tsv

# all_there INDEX FILE...: the documents of the index are those of the files, and nothing is left beside them.
all_there() {
  local index=$1
  shift
  exits 0 lir-index verify "$index"
  cat "$@" | cut -f1 >wanted.ids
  is documents "$(wc -l <wanted.ids)" "$(jq .documents "$index/manifest.json")"
  rm -rf copy.index
  cp -r "$index" copy.index
  exits 0 lir-index delete copy.index --ids wanted.ids
  ! grep -q 'not in the index' said.log || fail "$(cat said.log)"
  [ -z "$(find "$index" -mindepth 1 -name '.*')" ] || fail "left: $(find "$index" -mindepth 1 -name '.*')"
}

# together FUNCTION: six processes append to one index at a time, each by FUNCTION NUMBER COMMAND...
together() {
  local i pids=()
  rm -rf docs.index
  exits 0 lir-index build --type bm25 docs.tsv -o docs.index
  for i in 1 2 3 4 5 6; do
    "$1" "$i" lir-index append --threads 1 docs.index "parts/$i.tsv" 2>"append-$i.log" &
    pids+=($!)
  done
  for i in 1 2 3 4 5 6; do wait "${pids[$((i - 1))]}" || fail "append $i: $(cat "append-$i.log")"; done
  all_there docs.index docs.tsv parts/*.tsv
}

# What file systems of networks lack, or only say that they have.
without_locks() { faults LIR_TEST_LACKS=flock,exchange "${@:2}"; }
with_false_locks() { faults LIR_TEST_LACKS=locks,exchange "${@:2}"; }
without_names() { faults LIR_TEST_LACKS=locks,exchange,unnamed,link "${@:2}"; }
for lack in without_locks with_false_locks without_names; do together $lack; done

# Other hosts: names and numbers of processes of their own. The kernel is one, so its start is the same.
is_one_host=
if unshare --uts --pid --fork --mount-proc hostname elsewhere 2>/dev/null; then
  # on HOST COMMAND...
  # shellcheck disable=SC2016  # of the inner shell
  on() { unshare --uts --pid --fork --mount-proc sh -c 'hostname "$0"; exec "$@"' "host-$1" "${@:2}"; }
  together on
else
  note 'no namespaces: other hosts were not tried'
  is_one_host=yes
fi

# held FILE: waits until there is a lease.
held() { until [ -s "$1" ]; do sleep 0.02; done; }

# A killed process has no lease any more; neither does one that its parent has not asked for.
mkfifo slow
exits 0 lir-index build --type bm25 docs.tsv -o killed.index
sleep 1000 >slow &
writer=$!
lir-index append killed.index slow &
holder=$!
held killed.index/.lease
grep -q "^process $holder$" killed.index/.lease || fail "$(cat killed.index/.lease)"
kill -KILL $holder
exits 0 timeout 60 lir-index append killed.index parts/1.tsv
kill $writer
{ wait $holder $writer || true; } 2>/dev/null
all_there killed.index docs.tsv parts/1.tsv

# One that was stopped elsewhere loses it in time, and knows when it goes on: it publishes nothing.
if [ -z "$is_one_host" ]; then
  for left in docs.index/.lease 'docs.index/.lease docs.index/.index.tmp.*/.lease'; do
    rm -rf docs.index
    exits 0 lir-index build --type bm25 docs.tsv -o docs.index
    sleep 1000 >slow &
    writer=$!
    unshare --uts --pid --fork --mount-proc sh -c 'hostname far; exec lir-index append docs.index slow' \
      2>stopped.log &
    holder=$!
    held docs.index/.lease
    until compgen -G 'docs.index/.index.tmp.*/.lease' >/dev/null; do sleep 0.02; done
    lir-index append docs.index parts/1.tsv 2>waits.log &
    waits=$!
    until grep -q 'another process changes it: waiting' waits.log; do sleep 0.02; done
    kill $waits
    { wait $waits || true; } 2>/dev/null
    [ -e docs.index/.lease ] || fail 'who waits has removed the lease'
    tool=$(pgrep -P $holder)
    kill -STOP "$tool"
    # shellcheck disable=SC2086  # names of files
    touch -d '-10 minutes' $left
    exits 0 timeout 60 lir-index append docs.index parts/2.tsv
    kill -CONT "$tool"
    cat parts/3.tsv >slow
    kill $writer
    status=0
    wait $holder || status=$?
    is "status of one that lost its lease ($(cat stopped.log))" 75 $status
    { wait $writer || true; } 2>/dev/null
    grep -q 'took over the lease' stopped.log || fail "$(cat stopped.log)"
    exits 0 lir-index append docs.index parts/4.tsv
    all_there docs.index docs.tsv parts/2.tsv parts/4.tsv
  done
fi

# A partial output is one process's at a time, too.
partial() { encode native/dpr_bert_01 doc --threads 1 --resume docs.tsv -o docs.lirt; }
list_points partial
rm docs.lirt
point=$(point_of '^write .*[.]docs[.]lirt[.]partial$')
env LIR_TEST_STOP="$point" LIR_TEST_SIGNAL=19 LD_PRELOAD="$FAULTS" lir-encode --threads 1 --resume \
  --model "$MODELS/native/dpr_bert_01/model" --role doc docs.tsv -o docs.lirt 2>first.log &
holder=$!
until [ "$(cut -d' ' -f3 "/proc/$holder/stat")" = T ]; do sleep 0.02; done
refuses 73 'another process is writing it' partial
says "process $holder of "
# The file system's time of its last renewal, where it cannot be asked.
sed -i "s/^boot .*/boot none/; s/^host .*/host elsewhere/" .docs.lirt.partial.lease
touch -d '-10 minutes' .docs.lirt.partial.lease
exits 0 partial
cp docs.lirt whole.lirt
kill -CONT $holder
status=0
wait $holder || status=$?
is "status of one that lost its lease ($(cat first.log))" 75 $status
same whole.lirt docs.lirt
exits 0 lir-encode verify docs.lirt
[ -z "$(find . -maxdepth 1 -name '.docs*')" ] || fail "left: $(find . -maxdepth 1 -name '.docs*')"

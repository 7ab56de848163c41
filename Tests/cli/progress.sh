# shellcheck shell=bash
# What stands on a terminal and in logs while tools work.
# Terminals show speeds.
timed first.txt raw.txt shown.txt
model=$MODELS/native/dpr_bert_04/model
texts 400 | awk -F'\t' '$2 != ""' >docs.tsv
eval=(lir-eval --qrels "$FIXTURES/eval/tiny/qrels.txt" -m nDCG@10 --per-query "$FIXTURES/eval/tiny/run.txt")

# visible: what a terminal shows in the end: a line that is cleared is gone.
erase=$'\e[K'
visible() { awk -v erase="$erase" '{ while (i = index($0, erase)) $0 = substr($0, i + length(erase)); print }'; }

# Progress is taken away before anything is written to the standard output, and before messages.
on_terminal "${eval[*]} -q --progress never" >wanted.txt
grep -q nDCG wanted.txt || fail 'no table'
on_terminal "${eval[*]} -q --progress always" >raw.txt
grep -qF "$erase" raw.txt || fail 'no progress with --progress always'
visible <raw.txt >shown.txt
same wanted.txt shown.txt
encode=(lir-encode --model "'$model'" --role doc docs.tsv)
on_terminal "${encode[*]} --progress always -o on.lirt --format jsonl --dtype int8 --threads 1" | visible >shown.txt
[ "$(grep -vc '^lir-encode: done ' shown.txt)" = 0 ] || fail "left on the terminal: $(cat shown.txt)"
on_terminal "${encode[*]} --progress always --format jsonl -q" | visible >shown.txt
lir-encode --model "$model" --role doc docs.tsv --format jsonl -q >wanted.txt
same wanted.txt shown.txt
on_terminal "${encode[*]} --progress always --format npy -o no/such/folder/../x.npy; true" | visible >shown.txt
grep -q '^lir-encode: ' shown.txt || fail 'a message behind progress'

# Where the standard output is the terminal there is none unless it is asked for.
on_terminal "${eval[*]}" >raw.txt
! grep -qF "$erase" raw.txt || fail 'progress beside the output'

# The share of the bytes that are done, from the first batch on; of a pipe there is none.
exits 0 lir-encode --model "$model" --role doc --progress always docs.tsv -o x.lirt
tr '\r' '\n' <said.log | grep 'records' | head -n 1 >first.txt
grep -qE 'lir-encode: [0-9]+ records, [0-9]{1,2} %, [0-9.]+/s, .* left' first.txt ||
  fail "no share in: $(cat first.txt)"
exits 0 lir-encode --model "$model" --role doc --progress always -o x.lirt < <(cat docs.tsv)
! grep -q '%' said.log || fail 'a share of a pipe'
exits 0 lir-encode --model "$model" --role doc --shard 1/2 --progress always docs.tsv -o x.lirt
grep -qE '[0-9]+ of [0-9]+ records, ' said.log || fail 'no total of a shard'
for command in "lir-index build -o x.index on.lirt.zst" "lir-tokenize --model $model docs.tsv -o x.tokens"; do
  [ -e on.lirt.zst ] || lir-encode --model "$model" --role doc docs.tsv -o on.lirt.zst
  # shellcheck disable=SC2086
  exits 0 $command --progress always
  grep -qE 'records, [0-9]+ %' said.log || fail "no share: $command"
done

# JSON messages are JSON lines and nothing else, progress and errors too, each with its time.
exits 0 lir-encode -v --log-format json --progress always --model "$model" --role doc docs.tsv -o x.lirt
! grep -q $'\r' said.log || fail 'a carriage return in JSON'
jq -se 'all(.[]; .time | test("^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"))' said.log >jq.log ||
  fail 'a message without its time'
jq -se 'any(.[]; .level == "progress" and .records >= 0 and .share > 0 and .seconds_left >= 0)' said.log >jq.log ||
  fail 'no progress as JSON'
jq -se '.[-1].level == "done" and .[0].level == "note"' said.log >jq.log || fail 'beginning or end missing'
exits 66 lir-encode --log-format json --model none --role doc docs.tsv
jq -e '.time and .tool' said.log >jq.log

# -v says what is worked on, and when.
exits 0 lir-encode -v --model "$model" --role doc --shard 2/3 docs.tsv -o part.lirt
time='^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
head -n 1 said.log | grep -qE \
  "$time lir-encode: note: model $model, input docs.tsv, shard 2/3, output part.lirt\$" ||
  fail "the beginning: $(head -n 1 said.log)"
! grep -vqE "$time lir-encode: " said.log || fail 'a line without its time'
SLURM_ARRAY_TASK_ID=3 exits 0 lir-encode -v --model "$model" --role doc --shard auto/3 docs.tsv -o part.lirt
says 'shard 3/3'
lir-index build -o docs.index on.lirt.zst
exits 0 lir-search -v --index docs.index --model "$model" -k 1 docs.tsv -o first.run
says "model $model, index docs.index, input docs.tsv, output first.run"
exits 0 lir-encode --model "$model" --role doc docs.tsv -o part.lirt
! grep -qE "$time" said.log || fail 'a time without -v'

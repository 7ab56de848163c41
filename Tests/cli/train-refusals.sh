# shellcheck shell=bash
# What lir-train does not take, and what it says then.

printf 'd1\tone key\nd2\ta value\nd3\tthe map\n' >docs.tsv
printf 'q1\tkey\nq2\tvalue\n' >queries.tsv
printf 'q1\td1\td2\nq2\td2\td3\n' >ids.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {tuples: ids.tsv, queries: queries.tsv, docs: docs.tsv}
batch_size: 2
max_steps: 3
losses: [{name: RankNet}]
END
bad() { # bad STATUS TEXT ARGUMENT...: nothing is trained
  local status=$1 text=$2
  shift 2
  rm -rf out
  refuses "$status" "$text" lir-train --config train.yml -o out "$@"
  [ ! -e out ] || fail "a folder is left: $*"
}

# The command line and the configuration.
refuses 64 --config lir-train -o out
refuses 64 --output lir-train --config train.yml
refuses 66 nothing.yml lir-train --config nothing.yml -o out
bad 64 '--set' --set losses
bad 78 'did you mean batch_size' --set batch_sise=4
bad 78 'did you mean data.queries' --set data.querys=4
bad 78 'did you mean losses.0.temperature' --set losses.0.temprature=1
bad 78 'unknown key losses.0.margin' --set losses.0.margin=1
bad 78 'did you mean RankNet' --set losses.0.name=RankNett
bad 78 'batch_size: expected' --set batch_size=0
bad 78 'batch_size: expected' --set batch_size=many
bad 78 'losses is empty' --set 'losses=[]'
bad 78 'either tuples or run' --set data.run=first.run
bad 78 'targets: expected' --set data.targets=relevance
bad 78 'schedule.name: expected' --set schedule.name=wavy
bad 78 'key: expected' --set 'value_schedules=[{key: losses.1.weight, warmup: 3}]'
bad 78 'precision' --set precision=bf16
bad 78 'did you mean' --set 'validate=[{tuples: ids.tsv, measures: [nDGC@10]}]'
bad 78 'freeze' --set 'freeze=[no.such.layer]'

# Models.
bad 66 'no such model folder' --model nowhere
bad 78 'needs a bi-encoder' --model "$MODELS/native/mono_electra_05/model" \
  --set 'losses=[{name: InBatchCrossEntropy}]'

# Data.
bad 66 'nothing.tsv' --set data.tuples=nothing.tsv
: >empty.tsv
bad 65 'found none' --set data.tuples=empty.tsv
printf 'q1\td1\td2\nq2\td9\td3\n' >unknown.tsv
bad 65 'unknown.tsv:2: document d9' --set data.tuples=unknown.tsv
printf 'q1\td1\td2\nq9\td1\td3\n' >unknown.tsv
bad 65 'unknown.tsv:2: query q9' --set data.tuples=unknown.tsv
bad 65 'ids.tsv:1: query q1 has no text' --set data.queries=null --set data.format=id_triples
printf 'q1\td1\td2\nq2\td1\n' >short.tsv
bad 65 'short.tsv:2: expected 3 columns' --set data.tuples=short.tsv
printf '%s\n' '{"query_id":"q1","docs":[{"doc_id":"d1"},{"doc_id":"d2"}]}' \
  '{"query_id":"q2","docs":[]}' >none.jsonl
bad 65 'none.jsonl:2: expected a tuple with a positive document' --set data.tuples=none.jsonl
printf '%s\n' '{"qid":1,"pos":[],"neg":{"bm25":[]}}' >none.jsonl
bad 65 'none.jsonl:1: expected a positive document' --set data.tuples=none.jsonl
printf '%s\n' '{"query_id":"q1","docs":[{"doc_id":"d1"},{"doc_id":"d2"}]}' \
  '{"query_id":"q2","docs":[{"doc_id":"d1"}]}' >uneven.jsonl
bad 65 'uneven.jsonl:2: expected 2 documents' --set data.tuples=uneven.jsonl
bad 65 'expected a score' --set data.tuples=uneven.jsonl --set data.targets=score
printf '%s\n' '{"query_id":"q1","docs":[{"doc_id":"d1"}' >cut.jsonl
bad 65 'cut.jsonl:1' --set data.tuples=cut.jsonl --set data.format=jsonl
printf 'q1 Q0 d1 1 2 t\nq1 Q0 d2 2 1 t\nq2 Q0 d1 1 2 t\nq2 Q0 d2 2 1 t\n' >first.run
printf 'q1 0 d1 1\nq2 0 d3 1\n' >qrels.txt
run=(--set data.tuples=null --set data.run=first.run --set data.qrels=qrels.txt
  --set data.sample_size=2 --set data.targets=relevance)
bad 65 'query q2: expected a relevant document' "${run[@]}" --set data.sampling=single_relevant
bad 78 'data.qrels' "${run[@]}" --set data.qrels=null
bad 65 'found none' "${run[@]}" --set data.sample_size=3

# A loss that is no number: the batch is named, and the last good checkpoint is kept.
rm -rf out
refuses 1 'ids.tsv:' lir-train --config train.yml -o out --set optimizer.lr=1e30 \
  --set checkpoint.every=1
says 'step ' 'batch'
[ ! -e out/DONE ] || fail 'a training run that failed is marked as done'
checkpoints=(out/checkpoints/step-*)
[ -e "${checkpoints[0]}/DONE" ] || fail 'no checkpoint was kept'

# Another model, another configuration, a checkpoint that is damaged.
rm -rf out
exits 0 lir-train --config train.yml -o out --set checkpoint.every=1
rm out/DONE
exits 78 lir-train --config train.yml -o out --resume --model "$MODELS/native/splade_bert_00/model"
echo 'q3	three' >>queries.tsv
exits 78 lir-train --config train.yml -o out --resume --set checkpoint.every=1
sed -i '$d' queries.tsv
exits 0 lir-train --config train.yml -o out --resume --set checkpoint.every=1
rm out/DONE
truncate -s -8 out/checkpoints/step-3/state.safetensors
exits 65 lir-train --config train.yml -o out --resume
rm -rf out

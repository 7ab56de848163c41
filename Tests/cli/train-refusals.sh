# shellcheck shell=bash
# What lir-train does not take, and what it says then.

timed busy/.lease  # whose it is
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
for key in batch_size accumulate; do
  bad 78 "$key: expected an integer from 1 to 1048576" --set $key=9223372036854775807
done
for key in epochs max_steps schedule.warmup checkpoint.every lora.r; do
  bad 78 "$key: expected an integer from" --set 'lora.targets=[query]' --set $key=9223372036854775807
done
bad 78 'lora.r: expected at most 32, the larger side of ' --set 'lora={targets: [query], r: 33}'
refuses 64 'expected a folder, found -' lir-train --config train.yml -o -
bad 78 'losses is empty' --set 'losses=[]'
bad 78 'either tuples or run' --set data.run=first.run
bad 78 'targets: expected' --set data.targets=relevance
bad 78 'schedule.name: expected' --set schedule.name=wavy
bad 78 'key: expected' --set 'value_schedules=[{key: losses.1.weight, warmup: 3}]'
bad 78 'expected f32, bf16, found "int8"' --set precision=int8
bad 64 '--isa' --isa avx1024
bad 78 'did you mean' --set 'validate=[{tuples: ids.tsv, measures: [nDGC@10]}]'
bad 78 'freeze' --set 'freeze=[no.such.layer]'
bad 78 'lora: LayerNorm is no linear layer' --set 'lora={targets: [query, LayerNorm]}'
says 'modules_to_save trains it whole'
bad 78 'lora: query is in targets and in modules_to_save' \
  --set 'lora={targets: [query], modules_to_save: [query]}'

bad 78 'losses.0.name: there is no loss InBatchCE; there are ApproxMRR, ' --set losses.0.name=InBatchCE
says 'did you mean InBatchCrossEntropy?'
bad 78 'losses.0.scale: expected none beside temperature' \
  --set 'losses=[{name: InfoNCE, scale: 20, temperature: 0.05}]'
path=$(printf 'a.%.0s' $(seq 100))
bad 64 'a path of at most 64 parts, found 100' --set "${path%.}=1"

# Aliases of aliases, levels in levels.
{
  echo 'a: &a [x,x,x,x,x,x,x,x,x]'
  for pair in ab bc cd de ef fg gh; do
    echo "${pair#?}: &${pair#?} [$(printf "*${pair%?},%.0s" 1 2 3 4 5 6 7 8 9)]"
  done
} >aliases.yml
refuses 65 'aliases.yml:6: expected at most 100000 values' lir-train --config aliases.yml -o out
printf 'a: %s' "$(printf '[%.0s' $(seq 2000))" >levels.yml
refuses 65 'levels.yml:1: expected at most 64 levels' lir-train --config levels.yml -o out
refuses 65 'levels.yml:1: expected at most 64 levels' lir-eval --config levels.yml
bad 65 'expected at most 64 levels' --set "model_config=$(cut -c4- levels.yml)"

# Models.
bad 66 'no such model folder' --model nowhere
bad 78 'needs a bi-encoder' --model "$MODELS/native/mono_electra_05/model" \
  --set 'losses=[{name: InBatchCrossEntropy}]'

# Values that were taken for something else, or for nothing.
bad 78 'losses.0.temperature: expected' --set losses.0.temperature=-1
says 'error: --set losses.0.temperature: '
bad 78 '--set lora.r: lora.targets: expected' --set lora.r=4
bad 78 '--set optimiser.lr: unknown key optimiser' --set optimiser.lr=1
bad 78 '--set data.run: expected either tuples or run' --set data.run=first.run
bad 78 'optimizer.betas: expected' --set optimizer.betas=0.9
bad 78 'did you mean AdamW' --set optimizer.name=adamw
bad 78 'clip: expected' --set clip=-1
bad 78 'validate.1.name: same is there twice' \
  --set 'validate=[{name: same, tuples: ids.tsv}, {name: same, tuples: ids.tsv}]'
bad 78 'losses.0.weight, losses.1.margin, losses.1.weight' \
  --set 'losses=[{name: KLDivergence}, {name: ConstantMarginMSE}]' \
  --set 'value_schedules=[{key: losses.0.temperature, warmup: 3}]'
bad 78 'value_schedules: losses.0.max_num_neg_samples is a number of documents' \
  --set 'losses=[{name: InBatchCrossEntropy, max_num_neg_samples: 2}]' \
  --set 'value_schedules=[{key: losses.0.max_num_neg_samples, warmup: 3}]'
bad 78 'value_schedules: losses.0.weight is there twice' \
  --set 'value_schedules=[{key: losses.0.weight}, {key: [losses.0.weight]}]'
bad 78 'key: expected a key' --set 'value_schedules=[{key: [], warmup: 3}]'
bad 78 'losses.0.temperature would become 0' --set losses.0.name=ApproxNDCG \
  --set 'value_schedules=[{key: losses.0.temperature, delay: 1}]'
bad 78 'data.systems is for hard negatives' --set 'data.systems=[bm25]'
bad 65 'expected 3 documents, as data.num_docs says, found 2' --set data.num_docs=3

# Several files of tuples: the one that is wrong is named, with its line.
bad 66 'nothing.tsv' --set 'data.tuples=[ids.tsv, nothing.tsv]'
bad 78 'either tuples or run' --set 'data.tuples=[]'
bad 78 'data.format: expected one, or a list of 2' --set 'data.tuples=[ids.tsv, ids.tsv]' \
  --set 'data.format=[jsonl]'
bad 78 'did you mean id_triples' --set 'data.tuples=[ids.tsv, ids.tsv]' \
  --set 'data.format=[null, id_tripels]'
printf 'q1\td1\td2\nq2\td9\td3\n' >unknown.tsv
bad 65 'unknown.tsv:2: document d9' --set 'data.tuples=[ids.tsv, unknown.tsv]'
printf '["q1", "d1", "d2", "d3"]\n' >three.json
bad 65 'three.json:1: expected 2 documents as in ids.tsv, found 3' \
  --set 'data.tuples=[ids.tsv, three.json]'
says 'data.num_docs'
bad 78 'data.systems is for hard negatives' --set 'data.tuples=[ids.tsv, ids.tsv]' \
  --set 'data.systems=[bm25]'

# A folder is no file, and no pipe either.
mkdir folder
bad 66 'data.docs: expected a file, found a folder' --set data.docs=folder

# Ids that nobody has texts for are no texts, and texts beside files of texts are no ids.
bad 65 'they look like ids' --set data.queries=null --set data.docs=null
printf 'one key\ta value\tthe map\n' >spaced.tsv
bad 65 'found texts' --set data.tuples=spaced.tsv
says 'data.format: triples'

# What is no training run is left alone.
cp -r "$MODELS/native/dpr_bert_00/model" foreign
mkdir others
echo text >others/notes.txt
for folder in foreign others; do
  for resume in '' --resume; do
    # shellcheck disable=SC2086
    refuses 73 'not a training run' lir-train --config train.yml -o "$folder" $resume
    ! grep -q -- --resume said.log || fail 'a hint that leads into it'
  done
done
same foreign/model.safetensors "$MODELS/native/dpr_bert_00/model/model.safetensors"
is 'files' notes.txt "$(ls -A others)"
mkdir busy
printf '%s\n' 'lir-lease 1' 'host here' 'machine' "boot $(cat /proc/sys/kernel/random/boot_id)" \
  "namespace $(readlink /proc/self/ns/pid)" "process $$" 'started' 'token abc' >busy/.lease
refuses 73 'another process is writing it' lir-train --config train.yml -o busy --resume

# Data.
bad 66 'nothing.tsv' --set data.tuples=nothing.tsv
: >empty.tsv
bad 65 'empty.tsv: expected data' --set data.tuples=empty.tsv
printf '\n' >empty.tsv
bad 65 'found a blank line' --set data.tuples=empty.tsv
bad 64 'can be read again' --set data.tuples=<(printf 'q1\td1\td2\n')
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
says 'step ' 'batch' 'in another folder'
# The last step may go too far, too: no model has such weights.
rm -rf out
refuses 1 'has become ' lir-train --config train.yml -o out --set optimizer.lr=3e38 --set max_steps=1 \
  --set optimizer.weight_decay=3e38
[ ! -e out/model.safetensors ] || fail 'weights that are no numbers'
rm -rf out
refuses 1 'ids.tsv:' lir-train --config train.yml -o out --set optimizer.lr=1e30 \
  --set checkpoint.every=1
[ ! -e out/DONE ] || fail 'a training run that failed is marked as done'
checkpoints=(out/checkpoints/step-*)
[ -e "${checkpoints[0]}/DONE" ] || fail 'no checkpoint was kept'

# No query with documents of different targets: there is nothing to learn, and nothing that fails.
jq -cn '[1, 1, 2, 1][] as $s | {query_id: "q1", docs: [{doc_id: "d1", score: 1},
  {doc_id: "d2", score: $s}]}' >equal.jsonl
rm -rf out
exits 0 lir-train --config train.yml -o out --set data.tuples=equal.jsonl --set data.targets=score \
  --set batch_size=1 --set max_steps=4 --set data.shuffle=false --set dropout=0
is 'warnings' 1 "$(grep -c 'RankNet counts as 0' said.log)"
is 'losses' 'true,true,false,true' "$(jq -r '.loss == 0' out/metrics.jsonl | paste -sd ,)"

# Another model, another configuration, a checkpoint that is damaged.
rm -rf out
exits 0 lir-train --config train.yml -o out --set checkpoint.every=1
rm out/DONE
exits 78 lir-train --config train.yml -o out --resume --model "$MODELS/native/splade_bert_00/model"
says 'the model to begin with is another one'
echo 'q3	three' >>queries.tsv
exits 78 lir-train --config train.yml -o out --resume --set checkpoint.every=1
says 'what data.queries names is not what it was'
sed -i '$d' queries.tsv
exits 0 lir-train --config train.yml -o out --resume --set checkpoint.every=1
# Of several files of tuples each counts, and their order.
printf 'q2\td1\td3\n' >more.tsv
rm -rf several
several() { # several FILES
  lir-train --config train.yml -o several --resume --set checkpoint.every=1 --set "data.tuples=$1"
}
exits 0 several '[ids.tsv, more.tsv]'
rm several/DONE
for files in ids.tsv more.tsv '[more.tsv, ids.tsv]' '[ids.tsv, more.tsv, more.tsv]'; do
  exits 78 several "$files"
  says 'what data.tuples names is not what it was'
done
printf 'q2\td1\td2\n' >>more.tsv
exits 78 several '[ids.tsv, more.tsv]'
says 'what data.tuples names is not what it was'
sed -i '$d' more.tsv
cp more.tsv copied.tsv
exits 0 several '[ids.tsv, copied.tsv]'
rm -rf several
# The same weights in another place, a byte of them changed, a checkpoint that was being removed.
cp -r "$MODELS/native/dpr_bert_00/model" moved
cp docs.tsv moved.tsv
exits 0 lir-train --config train.yml -o out --resume --model moved --set data.docs=moved.tsv
cp out/model.safetensors whole.safetensors
rm out/DONE
cp out/checkpoints/step-3/model.safetensors kept.safetensors
printf '\001' | dd of=out/checkpoints/step-3/model.safetensors bs=1 seek=9000 conv=notrunc 2>dd.log
refuses 65 'step-3/state.safetensors belongs to' lir-train --config train.yml -o out --resume
says 'step-3/model.safetensors'
cp kept.safetensors out/checkpoints/step-3/model.safetensors
rm out/checkpoints/step-3/DONE
exits 0 lir-train --config train.yml -o out --resume --set checkpoint.every=1
[ -e out/checkpoints/step-3/DONE ] || fail 'no checkpoint in the place of one that was not whole'
same whole.safetensors out/model.safetensors
# A model that is gone though the run has ended.
rm out/model.safetensors
exits 0 lir-train --config train.yml -o out --resume
says 'model.safetensors is missing'
same whole.safetensors out/model.safetensors
rm out/DONE
truncate -s -8 out/checkpoints/step-3/state.safetensors
exits 65 lir-train --config train.yml -o out --resume
rm -rf out

# shellcheck shell=bash
# A modeller trains a dense model, a SPLADE and a cross-encoder on hard negatives, tries some learning
# rates, and compares what comes out.
#
# What still hurts:
# * A sweep is a loop of the shell, or pipelines/sweep.mk with every combination of some values: nobody
#   chooses the next values by what the last ones gave.
# * Validation embeds the documents of its run each time, as weights change: large pools take minutes.
# * Mixed precision is bf16 products only; there is no GPU.

start=$MODELS/external/st_bert_mean/model
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
texts=(--queries queries.tsv --docs docs.tsv)
find_with() { # find_with MODEL RUN
  rm -rf found.index
  lir-encode -q --model "$1" --role doc docs.tsv | lir-index build -q -o found.index
  exits 0 lir-search --index found.index --model "$1" -k 10 --tag "$2" queries.tsv -o "$2.run"
}
find_with "$start" first

# Training data: hard negatives from the run.
exits 0 lir-train sample --qrels qrels.txt "${texts[@]}" --sample-size 4 --add-docs-not-in-ranking \
  --skip-unanswered first.run -o tuples.jsonl
[ -s tuples.jsonl ] || fail 'no tuples'
cat >train.yml <<END
model: $start
data: {tuples: tuples.jsonl}
batch_size: 4
max_steps: 6
losses: [{name: RankNet}, {name: InBatchCrossEntropy}]
optimizer: {name: AdamW, lr: 1.0e-3}
checkpoint: {every: 2}
validate: [{run: first.run, queries: queries.tsv, docs: docs.tsv, qrels: qrels.txt, every: 3}]
END
# The configuration in force can be read, and reads back.
exits 0 lir-train --config train.yml -o unused --print-config >config.yml
exits 0 lir-train --config config.yml -o again
[ ! -e unused ] || fail 'printing makes a folder'
# A sweep in a folder that is not there yet.
mkdir -p sweep
for rate in 1e-3 1e-4; do
  exits 0 lir-train --config train.yml --set optimizer.lr=$rate -o sweep/$rate
  exits 0 lir-train plot sweep/$rate -o $rate.svg
  find_with sweep/$rate rate-$rate
done
differ sweep/1e-3/model.safetensors sweep/1e-4/model.safetensors
same again/model.safetensors sweep/1e-3/model.safetensors
exits 0 lir-eval --qrels qrels.txt -m nDCG@10 -m RR first.run rate-1e-3.run rate-1e-4.run -o table.tsv
is 'runs in the table' 3 "$(awk '$2 == "nDCG@10" && $3 == "all"' table.tsv | wc -l)"

# Killed at night, continued in the morning: the same model.
train_one() { lir-train --config train.yml --resume --threads 1 -o killed; }
list_points train_one
mv killed whole
killed_at "$(($(wc -l <points.log) * 3 / 4))" train_one
exits 0 train_one
same whole/model.safetensors killed/model.safetensors
exits 0 train_one # done: nothing more to do
exits 78 lir-train --config train.yml --resume --set optimizer.lr=0.5 -o killed
says lr

# Other kinds of models, by two lines of configuration each; what is written is read.
train_kind() { # train_kind NAME MODEL CONFIG LOSSES
  exits 0 lir-train --config train.yml --model "$2" --set "model_config=$3" --set "losses=$4" \
    --set validate=[] --set max_steps=3 -o "$1"
  exits 0 lir-encode --model "$1" --inspect >inspected.json
}
train_kind colbert "$start" '{model_type: col}' '[{name: RankNet}]'
train_kind cross "$start" '{model_type: mono}' '[{name: RankNet}]'
train_kind splade "$MODELS/native/splade_bert_00/model" '{}' \
  '[{name: InBatchCrossEntropy}, {name: FLOPSRegularization, query_weight: 0.1, doc_weight: 0.1}]'
train_kind lora "$start" '{}' '[{name: RankNet}]'
for model in colbert splade; do exits 0 lir-encode --model $model --role doc docs.tsv -o $model.lirt; done
exits 0 lir-rerank --model cross "${texts[@]}" --depth 5 first.run -o cross.run
exits 0 lir-rerank --model colbert "${texts[@]}" --depth 5 first.run -o colbert.run
exits 0 lir-train --config train.yml --set 'lora={r: 2, alpha: 4, targets: [query, value]}' -o low-rank
exits 0 lir-encode --model low-rank --role doc docs.tsv -o low-rank.lirt

# Typing errors are named with what was meant.
refuses 78 learning_rate lir-train --config train.yml --set optimizer.learning_rate=1 -o x
exits 78 lir-train --config train.yml --set 'losses=[{name: RankNett}]' -o x
says RankNet
exits 66 lir-train --config train.yml --set data.tuples=nowhere.jsonl -o x
exits 78 lir-train --config train.yml --set batch_size=0 -o x
[ ! -e x ] || fail 'a refused training leaves a folder'
rm -rf config.yml again sweep whole killed colbert cross splade lora low-rank found.index ./*.lirt

# shellcheck shell=bash
# What several threads share at once: scripts/test runs this case with sanitizers, too, which look at
# every access. Hence all kinds of indexes, own documents, filters, many small windows.

texts 600 >docs.tsv
texts 300 7 | awk -F'\t' '$2 != ""' >queries.tsv # d1 to d300: ids of documents, too
awk 'NR % 3 == 0 { print $1 }' docs.tsv >allowed.txt
for model in native/dpr_bert_01 native/splade_bert_02; do
  folder=$MODELS/$model/model
  for role in doc query; do
    input=docs.tsv
    [ $role = doc ] || input=queries.tsv
    exits 0 encode $model $role $input --threads 1 -o $role.lirt
    exits 0 encode $model $role $input --threads 4 --batch-tokens 100 --no-provenance -o other.lirt
    exits 0 encode $model $role $input --threads 1 --batch-tokens 100 --no-provenance -o plain.lirt
    same plain.lirt other.lirt
  done
  exits 0 lir-index build doc.lirt -o "$(basename "$model").index"
  search() { lir-search --index "$(basename "$model").index" -k 20 --tag t "$@"; }
  for options in '' --drop-self '--filter allowed.txt' '--drop-self --filter allowed.txt'; do
    # shellcheck disable=SC2086  # several words
    exits 0 search $options --threads 1 query.lirt -o one.run
    # The first search on several threads makes what the others share.
    # shellcheck disable=SC2086
    exits 0 search $options --threads 4 query.lirt -o four.run
    same one.run four.run
    # shellcheck disable=SC2086
    exits 0 search $options --threads 4 --model "$folder" queries.tsv -o text.run
    same one.run text.run
  done
  exits 0 search --threads 4 query.lirt -o first.run
  exits 0 lir-rerank --model "$folder" --threads 4 --queries queries.tsv --docs docs.tsv first.run \
    -o four.run
  exits 0 lir-rerank --model "$folder" --threads 1 --queries queries.tsv --docs docs.tsv first.run \
    -o one.run
  same one.run four.run
done
awk '{ print $1, 0, $3, $4 < 5 }' first.run >qrels.txt
for threads in 1 4; do
  exits 0 lir-eval --threads $threads --qrels qrels.txt -m nDCG@10 -m AP --per-query first.run \
    >"values-$threads.txt"
done
same values-1.txt values-4.txt
texts 240 3 | cut -f2 | grep . | paste - - - | awk -F'\t' 'NF == 3' >triples.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {tuples: triples.tsv}
batch_size: 8
max_steps: 4
losses: [{name: RankNet}, {name: InBatchCrossEntropy}]
optimizer: {lr: 1.0e-3}
END
exits 0 lir-train --config train.yml --threads 1 -o one
exits 0 lir-train --config train.yml --threads 4 -o four
same one/model.safetensors four/model.safetensors
rm -rf one four ./*.index

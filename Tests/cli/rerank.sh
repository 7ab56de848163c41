# shellcheck shell=bash
# lir-rerank: the same runs for threads, batches and shards; with models of both sorts.

texts 400 >docs.tsv
texts 12 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
awk -F'\t' 'BEGIN { s = 3 } { for (r = 1; r <= 15; r++) { s = (s * 16807) % 2147483647
  print $1, "Q0", "d" (s % 26) * 15 + r, r, 16 - r, "first" } }' queries.tsv >first.run

rerank() { # rerank MODEL ARGUMENT...
  local model=$1
  shift
  lir-rerank --model "$MODELS/$model/model" --queries queries.tsv --docs docs.tsv --tag t "$@"
}
for model in native/mono_bert_00 native/mono_bert_02 external/st_ce_bert_sigmoid \
  native/dpr_bert_00 native/splade_bert_00; do
  exits 0 rerank $model first.run -o whole.run
  same <(cut -d' ' -f1,3 first.run | sort) <(cut -d' ' -f1,3 whole.run | sort)
  awk '$1 != query { query = $1; rank = 0; score = 1e30; id = "" }
    { rank++ }
    $4 != rank || $5 > score || ($5 == score && $3 >= id && id != "") { exit 1 }
    { score = $5; id = $3 }' whole.run || fail 'the order of the run'
  for threads in 1 2; do
    exits 0 rerank $model --threads $threads first.run -o other.run
    same whole.run other.run
  done
  for batch in 1 64 4096; do
    exits 0 rerank $model --batch-tokens $batch first.run -o other.run
    same whole.run other.run
  done
  : >joined.run
  for i in 1 2 3; do
    exits 0 rerank $model --shard $i/3 first.run -o part.run
    cat part.run >>joined.run
  done
  same whole.run joined.run
  exits 0 rerank $model <first.run >other.run
  same whole.run other.run
  exits 0 rerank $model first.run -o other.run.zst
  same whole.run <(zstd -dcq other.run.zst)
  exits 0 rerank $model --resume first.run -o resumed.run
  same whole.run resumed.run
  # The first five of each query only.
  exits 0 rerank $model --depth 5 first.run -o other.run
  same <(awk '$4 <= 5 { print $1, $3 }' first.run | sort) <(cut -d' ' -f1,3 other.run | sort)
  # All weight to the first stage: its order.
  exits 0 rerank $model --interpolate 1 first.run -o other.run
  same <(awk '{ print $1, $3, $4 }' first.run) <(awk '{ print $1, $3, $4 }' other.run)
  mv whole.run "$(basename $model).run"
done

# Stored vectors give what encoding the documents again gives.
for model in native/dpr_bert_00 native/splade_bert_00; do
  exits 0 encode $model doc docs.tsv -o docs.lirt
  rm -rf docs.index
  exits 0 lir-index build docs.lirt -o docs.index
  exits 0 lir-rerank --model "$MODELS/$model/model" --queries queries.tsv --index docs.index --tag t \
    first.run -o other.run
  same "$(basename $model).run" other.run
done

# Scores by hand.
lir-rerank --model "$MODELS/native/mono_bert_00/model" --text 'the key' 'a value' 'of object' \
  >scores.txt 2>said.log
is 'scores by hand' 2 "$(wc -l <scores.txt)"

# A JSONL run with texts needs no further files.
jq -ncR --rawfile q queries.tsv --rawfile d docs.tsv '
  def table($t): [$t | split("\n")[] | select(. != "") | split("\t") | {(.[0]): .[1]}] | add;
  table($q) as $queries | table($d) as $docs | inputs | split(" ")
  | {query_id: .[0], doc_id: .[2], rank: (.[3] | tonumber), score: (.[4] | tonumber),
     query: $queries[.[0]], text: $docs[.[2]]}' first.run >first.jsonl
exits 0 lir-rerank --model "$MODELS/native/mono_bert_00/model" --tag t first.jsonl -o other.run
same mono_bert_00.run other.run

# Refusals.
echo 'q9999 Q0 d1 1 1 t' >query.run
exits 65 rerank native/mono_bert_00 query.run -o bad.run
says q9999
echo "$(cut -f1 queries.tsv | sed -n 1,1p) Q0 d9999 1 1 t" >doc.run
exits 65 rerank native/mono_bert_00 doc.run -o bad.run
says d9999
head -n 3 first.run >bad-line.run
echo 'q1 Q0 d1 1' >>bad-line.run
exits 65 rerank native/mono_bert_00 bad-line.run -o bad.run
says bad-line.run:4
[ ! -e bad.run ] || fail 'an output of malformed input'
refuses 64 '--queries' lir-rerank --model "$MODELS/native/mono_bert_00/model" --docs docs.tsv first.run
refuses 64 '--model' lir-rerank --queries queries.tsv --docs docs.tsv first.run
refuses 66 'nowhere' rerank native/mono_bert_00 nowhere.run
refuses 78 'hint: ' rerank external/monobert first.run
exits 0 rerank external/monobert first.run \
  --model-config '{"model_type": "mono", "scoring_strategy": "mono", "_bert_pool": true}' -o other.run
rm -rf docs.index ./*.lirt

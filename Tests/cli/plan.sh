# shellcheck shell=bash
# scripts/plan predicts an experiment from a sample of it; a run of ten times the sample has that disk and that memory.

timed plan.json encoding bin/lir-encode 'datasets/.venv/*'
texts 4000 >docs.tsv
zstd -q docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv .
plan() {
  "$ROOT/scripts/plan" --bin "$LIR_BIN" --model "$MODELS/external/st_bert_mean/model" --docs docs.tsv.zst \
    --queries queries.tsv --share 0.1 --cpus 1 --depth 20 "$@"
}
exits 0 plan --reranker "$MODELS/native/mono_bert_00/model" --rerank-depth 5 --check 10 >plan.log
grep -q '^4000 documents, 12 queries, 60 pairs, from a sample of 400 documents$' plan.log || fail "$(cat plan.log)"
grep -qE '^make RUN=slurm SHARDS=1 JOB_CPUS=1 JOB_TIME=0:0[1-9]:[0-9]{2} JOB_MEMORY=[0-9]+M$' plan.log ||
  fail "no line for make: $(cat plan.log)"
# off STAGE COLUMN: how many per cent a prediction is off; the last column is that of the disk.
off() { sed -n '/measured/,$p' plan.log | awk -v stage="$1" -v column="$2" '$1 == stage { print $(NF - column) }' | tr -d '+%-'; }
for stage in tokens docs join index queries search all; do
  far=$(off $stage 0)
  [ "${far:-100}" -le 10 ] || fail "$stage: the disk is $far % off: $(cat plan.log)"
done
for stage in tokens docs join queries search all; do
  far=$(off $stage 2)
  [ "${far:-100}" -le 10 ] || fail "$stage: the memory is $far % off: $(cat plan.log)"
done
# Answers of many queries, and an index that is learned: what a search keeps counts, not who started it.
exits 0 plan --queries docs.tsv --depth 300 --index-flags '--type ivf --num-centroids 8' --check 10 >plan.log
far=$(off search 2)
[ "${far:-100}" -le 10 ] || fail "a search that keeps answers: the memory is $far % off: $(cat plan.log)"
# Shards by the time of a task, or as many as are asked for.
exits 0 plan --json --task-hours 0.00001 >plan.json
jq -e '.shards > 1 and .documents == 4000 and .stages.docs.disk > 0' plan.json >/dev/null || fail "$(cat plan.json)"
exits 0 plan --shards 7 >plan.log
grep -q 'SHARDS=7 ' plan.log || fail 'another number of shards'
# A sample of a larger collection.
texts 500 >sample.tsv
exits 0 "$ROOT/scripts/plan" --bin "$LIR_BIN" --model "$MODELS/external/st_bert_mean/model" --sample sample.tsv \
  --documents 50000 --queries queries.tsv --json >plan.json
is 'documents' 50000 "$(jq .documents plan.json)"
refuses 64 'of how many' "$ROOT/scripts/plan" --model . --sample sample.tsv --queries queries.tsv
refuses 66 'nowhere: no such file' plan --queries nowhere
refuses 69 'neither on PATH' plan --bin "$PWD"

# --- a whole study, of its collections, models and indexes: by studies of samples of them
texts 2000 >many.tsv
printf 'docs: many.tsv\nqueries: queries.tsv\n' >many.yml
printf 'docs: many.tsv\nqueries: few.tsv\n' >few.yml
head -n 5 queries.tsv >few.tsv
study() {
  "$ROOT/scripts/plan" --study --bin "$LIR_BIN" --cpus 1 --sample-size 200 --sample-queries 4 "$@" COLLECTIONS='many.yml few.yml' \
    SAME_DOCS=few.yml=many.yml RETRIEVERS='dense sparse' RERANKERS=cross INDEXES_dense='exact int8' INDEX_FLAGS_int8='--codes int8 --originals none' \
    MODEL_dense="$MODELS/external/st_bert_mean/model" MODEL_sparse="$MODELS/native/splade_bert_00/model" \
    MODEL_cross="$MODELS/native/mono_bert_00/model" DEPTH=50 RERANK_DEPTH=5
}
stand_ins=(--texts 'many.yml=many.tsv,queries.tsv' --texts 'few.yml=many.tsv,few.tsv')
exits 0 study "${stand_ins[@]}" --check 5 >plan.log
grep -q '^many.yml: 2000 documents, 12 queries, 60 pairs a re-ranker$' plan.log || fail "$(cat plan.log)"
grep -q '^few.yml: 2000 documents, 5 queries, 25 pairs a re-ranker; the documents of many.yml$' plan.log || fail "$(cat plan.log)"
# A job each of two models, one array of documents each, as few.yml has those of many.yml; searches of both.
is 'jobs' 'bm25 2 tokens 4 docs 2 join 2 index 3 search 6 second 2 rerank 2' \
  "$(sed -n '/^stage .*tasks/,/^$/p' plan.log | awk 'NR > 1 && NF { print $1, $2 }' | xargs)"
is 'cells' 10 "$(sed -n '/^collection /,/^all/p' plan.log | grep -cE '^(many|few) .*(bm25|exact|int8|rerank) ')"
for stage in bm25 tokens docs join index search second; do
  off=$(sed -n '/measured/,$p' plan.log | awk -v stage=$stage '$1 == stage { print $NF }' | tr -d '+%-')
  [ "${off:-100}" -le 10 ] || fail "$stage: the disk is $off % off: $(cat plan.log)"
done
# What it tells make is what study.mk takes.
words=$(sed -n 's/^make RUN=slurm //p' plan.log)
for word in JOB_CPUS=1 JOB_TIME_docs=0:0 JOB_MEMORY_index= JOB_TIME_search=; do
  grep -q " $word" <<<" $words" || fail "no $word: $words"
done
# shellcheck disable=SC2086  # words
exits 0 make -s -f "$ROOT/pipelines/study.mk" BIN="$LIR_BIN" COLLECTIONS='many.yml few.yml' $words jobs >jobs.log
# More documents, shorter tasks: shards of one collection. The sample takes longer than a busy machine disturbs it by.
exits 0 study --sample-size 2000 --texts many.yml=many.tsv,queries.tsv,2000000,12 --texts few.yml=many.tsv,few.tsv,2000000 --task-hours 0.0001 --json >plan.json
jq -e '.shards["many.yml"] > 1 and .collections["many.yml"].docs == 2000000 and .collections["few.yml"].queries == 5 and
  .jobs["docs.many.dense"].disk > 1e8 and (.jobs["index.many.dense.int8"].disk < .jobs["index.many.dense.exact"].disk) and
  (.jobs | has("docs.few.dense") | not)' plan.json >parsed.log || fail "$(cat plan.json)"
refuses 66 'many.yml: datasets/local/many/docs.zst: no such file' study
refuses 64 'others: no collection of the study' study "${stand_ins[@]}" --texts others=many.tsv,few.tsv
refuses 64 'expected OPTION=VALUE' "$ROOT/scripts/plan" --study COLLECTIONS
refuses 64 'expected COLLECTION=DOCS' study --texts many.yml=many.tsv

# --- a planner that is ended in the middle of a stage leaves no sample, and nothing that goes on
mkdir bin scratch
ln -s "$LIR_BIN"/lir-* bin
rm bin/lir-encode
cat >bin/lir-encode <<END_OF_TOOL
#!/bin/bash
echo \$\$ >"$PWD/encoding.part" && mv "$PWD/encoding.part" "$PWD/encoding"
exec sleep 600
END_OF_TOOL
chmod +x bin/lir-encode
ended() { # ended SIGNAL STATUS ARGUMENT...
  local tries=3000 status=0 id tool
  rm -f encoding
  "$ROOT/scripts/plan" "${@:3}" --bin "$PWD/bin" --cpus 1 --tmp-dir "$PWD/scratch" >plan.log 2>said.log &
  id=$!
  until [ -s encoding ]; do
    tries=$((tries - 1))
    { [ $tries -gt 0 ] && kill -0 $id; } || fail "nothing was encoded: $(cat said.log)"
    sleep 0.05
  done
  tool=$(cat encoding)
  kill -"$1" $id
  wait $id || status=$?
  is "status after $1" "$2" $status
  is "what $1 leaves" '' "$(ls scratch)"
  ! kill -0 "$tool" 2>/dev/null || fail "a tool goes on after $1"
}
one=(--model "$MODELS/external/st_bert_mean/model" --docs docs.tsv.zst --queries queries.tsv --share 0.1)
whole=(--study --sample-size 200 --texts 'many.yml=many.tsv,queries.tsv' COLLECTIONS=many.yml RETRIEVERS=dense
  MODEL_dense="$MODELS/external/st_bert_mean/model")
ended TERM 143 "${one[@]}"
ended TERM 143 "${whole[@]}"

# shellcheck shell=bash
# scripts/plan predicts an experiment from a sample of it; a run of ten times the sample has that disk and that memory.

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

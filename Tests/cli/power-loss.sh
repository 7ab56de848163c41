# shellcheck shell=bash
# A loss of power after a tool has said that it is done, or at any moment before, loses nothing that has its
# place: what is renamed was synced, and so is the folder that it stands in then.

model=$MODELS/native/dpr_bert_01/model
texts 30 >docs.tsv
texts 30 7 | sed 's/^d/e/' >more.tsv
texts 6 3 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
cut -f 1 docs.tsv | head -n 3 >gone.txt
synced() { # synced COMMAND...: the command ends well, and all of it is on the disk
  rm -f "$PWD/trace.log"
  exits 0 faults "LIR_TEST_TRACE=$PWD/trace.log" "$@"
  "$CLI/check_synced.py" trace.log >lost.log || fail "lost with the power: $*
$(cat lost.log)"
}
# What is not synced is seen.
printf 'write\t/a/.b\t\nrename\t/a/.b\t/a/b\nfsync\t/a\t\n' >trace.log
exits 1 "$CLI/check_synced.py" trace.log >lost.log
grep -qx '/a/b: /a/.b was not synced before it was renamed' lost.log || fail "$(cat lost.log)"

synced lir-tokenize --model "$model" --role doc docs.tsv -o docs.tokens.zst
synced lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
synced lir-encode --model "$model" --role doc --resume docs.tsv -o new/folders/docs.lirt.zst
synced lir-encode --model "$model" --role query queries.tsv -o queries.lirt
synced lir-encode --model "$model" --role doc --format npy docs.tsv -o docs.npy
synced lir-encode cat docs.lirt -o copy.lirt.zst
for type in flat ivf hnsw; do
  synced lir-index build --type $type docs.lirt -o $type.index
  synced lir-index build --type $type docs.lirt -o $type.index
done
synced lir-index build --codes int8 docs.lirt -o codes.index
synced lir-index build --codes int8 --originals docs.f32 docs.lirt -o apart.index
synced lir-index build --type bm25 docs.tsv -o words.index
synced lir-index append words.index more.tsv
synced lir-index delete words.index --ids gone.txt
synced lir-index compact words.index
synced lir-index merge -o merged.index flat.index --without gone.txt
synced lir-index export --format npy flat.index -o exported.npy
synced lir-search --index flat.index -k 5 queries.lirt -o first.run
synced lir-search --index flat.index -k 5 --resume queries.lirt -o first.run.zst
synced lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv first.run -o second.run
synced lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv --resume first.run -o second.run.zst
synced lir-rerank fuse first.run second.run -o fused.run
awk '{ print $1, 0, $3, 1 }' first.run | awk '!seen[$1]++' >qrels.txt
synced lir-eval --qrels qrels.txt -m RR first.run -o values.tsv
synced lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv --sample-size 3 first.run -o tuples.jsonl
cat >train.yml <<END
model: $model
data: {tuples: tuples.jsonl}
batch_size: 2
max_steps: 4
losses: [{name: RankNet}]
checkpoint: {every: 2}
END
synced lir-train --config train.yml -o trained
synced lir-train export --format sentence-transformers trained -o exported
rm -rf ./*.index

# shellcheck shell=bash
# Sparse vectors found by lists of clusters: with --exact the run of the exact index, byte for byte.

texts 2600 >docs.tsv
texts 40 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/splade_bert_00
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o exact.index
exits 0 lir-index build --type seismic --num-k-nearest-neighbors 2 docs.lirt -o docs.index
exits 0 lir-index build --type seismic --num-k-nearest-neighbors 2 --threads 2 --max-memory 1M \
  docs.lirt -o again.index
for file in docs.index/*.safetensors; do same "$file" "again.index/${file##*/}"; done
exits 0 lir-index verify docs.index
exits 0 lir-index info docs.index >info.txt

for k in 1 10 3000; do
  exits 0 lir-search --index exact.index -k $k --tag t queries.lirt -o exact.run
  exits 0 lir-search --index docs.index --exact -k $k --tag t --threads 2 queries.lirt -o wide.run
  same exact.run wide.run
done
exits 0 lir-search --index exact.index -k 10 --tag t queries.lirt -o exact.run
for flags in '' '--cut 2 --heap-factor 1' '--query-cut 2' '--preset fast' '--preset accurate'; do
  # shellcheck disable=SC2086
  exits 0 lir-search --index docs.index $flags -k 10 --tag t queries.lirt -o found.run
  [ "$(wc -l <found.run)" = "$(wc -l <exact.run)" ] || fail "$flags: too few documents"
  # shellcheck disable=SC2086
  exits 0 lir-search --index docs.index $flags -k 10 --tag t --threads 2 queries.lirt -o again.run
  same found.run again.run
done
# What is said counts.
exits 0 lir-search --index docs.index --preset fast --cut 10 --heap-factor 0.7 -k 10 queries.lirt -o a.run
exits 0 lir-search --index docs.index -k 10 queries.lirt -o b.run
same a.run b.run

# Shards joined are one build, and so is what was changed and compacted.
for i in 1 2 3 4; do
  exits 0 encode $model doc --shard $i/4 docs.tsv -o part-$i.lirt
  exits 0 lir-index build --type seismic --num-k-nearest-neighbors 2 part-$i.lirt -o part-$i.index
done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index part-4.index
for file in docs.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done
exits 0 lir-index merge -o live.index part-1.index part-2.index part-3.index part-4.index
cut -f 1 docs.tsv | awk 'NR % 5 == 0' >some.txt
exits 0 lir-index delete live.index --ids some.txt
exits 0 lir-search --index live.index -k 10 --tag t queries.lirt -o live.run
exits 0 lir-search --index exact.index --filter-out some.txt -k 10 --tag t queries.lirt -o exact.run
[ "$(wc -l <live.run)" = "$(wc -l <exact.run)" ] || fail 'too few documents of those left'
exits 0 lir-search --index live.index --exact -k 10 --tag t queries.lirt -o wide.run
same exact.run wide.run
exits 0 lir-index compact live.index
exits 0 lir-index verify live.index

exits 64 lir-index build --type seismic --summary-energy 2 docs.lirt -o other.index
says 'from 0.0 to 1.0'
exits 64 lir-search --index docs.index --cut 0 queries.lirt
says 'an integer from 1 up, or all'
exits 64 lir-search --index docs.index --preset quick queries.lirt
exits 0 lir-search --index exact.index --preset fast -k 10 queries.lirt -o fast.run

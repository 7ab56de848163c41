# shellcheck shell=bash
# Sparse vectors found by coded postings: the run of the vectors themselves, byte for byte.

texts 2500 >docs.tsv
texts 60 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/splade_bert_00
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o docs.index
exits 0 lir-index build --window 300 docs.lirt -o windows.index
exits 0 lir-index build --threads 2 --max-memory 1M docs.lirt -o again.index
for file in docs.index/*.safetensors; do same "$file" "again.index/${file##*/}"; done
exits 0 lir-index build --reorder bp --window 100 docs.lirt -o blocks.index
exits 0 lir-index build --reorder bp --window 100 --threads 2 --max-memory 1M docs.lirt -o again.index
for file in blocks.index/*.safetensors; do same "$file" "again.index/${file##*/}"; done
for index in docs windows blocks; do exits 0 lir-index verify $index.index; done
for k in 1 10 3000; do
  exits 0 lir-search --index docs.index --exact -k $k --tag t queries.lirt -o exact.run
  for index in docs windows blocks; do
    for threads in 1 2; do
      exits 0 lir-search --index $index.index -k $k --tag t --threads $threads queries.lirt -o coded.run
      same exact.run coded.run
    done
    for engine in scatter blocks; do
      exits 0 lir-search --index $index.index --engine $engine -k $k --tag t queries.lirt -o coded.run
      same exact.run coded.run
    done
  done
done
exits 0 lir-search --index windows.index -k 10 --tag t queries.lirt -o coded.run
[ "$(summary survivors_p50)" -lt 1500 ] || fail "$(summary survivors_p50) survivors of 2500"
[ "$(summary survivors_max)" -ge "$(summary survivors_p50)" ] || fail 'the figures of the summary'

# Given pairs have the scores of the search.
cut -d ' ' -f 1,3 coded.run | tr ' ' '\t' >pairs.tsv
exits 0 lir-search --index docs.index --pairs pairs.tsv --tag t queries.lirt -o pairs.run
same coded.run pairs.run

# Those of a filter.
cut -f 1 docs.tsv | awk 'NR % 7 == 0' >allowed.txt
exits 0 lir-search --index docs.index --exact -k 5 --tag t --filter allowed.txt queries.lirt -o exact.run
exits 0 lir-search --index windows.index -k 5 --tag t --filter allowed.txt queries.lirt -o coded.run
same exact.run coded.run

# Shards joined are one build.
for i in 1 2 3; do
  exits 0 encode $model doc --shard $i/3 docs.tsv -o part.lirt
  exits 0 lir-index build part.lirt -o part-$i.index
done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index
for file in docs.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done

exits 0 lir-search --index docs.index --approximate -k 10 queries.lirt -o approximate.run
exits 64 lir-search --index docs.index --approximate --exact queries.lirt
says 'exclude each other'
exits 64 lir-search --index docs.index --engine graph queries.lirt
says 'expected scatter or blocks'
exits 64 lir-index build --window 63 docs.lirt -o other.index
says 'from 64 to 65536'

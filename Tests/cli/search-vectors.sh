# shellcheck shell=bash
# Several vectors a text: text to a run through indexes of types multivector and coil, whose scores are
# those of re-ranking; aggregations, shards, threads, and what is refused.

texts 300 >docs.tsv
texts 40 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
cut -f 1 docs.tsv >all.txt

for model in native/col_bert_03 native/mvr_bert_1 native/coil_bert_1; do
  exits 0 encode $model doc docs.tsv -o docs.lirt
  exits 0 encode $model query queries.tsv -o queries.lirt
  exits 0 lir-index build docs.lirt -o docs.index
  exits 0 lir-index verify docs.index
  exits 0 lir-search --index docs.index -k 300 --tag t queries.lirt -o whole.run
  exits 0 lir-search --index docs.index --model "$MODELS/$model/model" -k 300 --tag t queries.tsv -o texts.run
  same whole.run texts.run
  # Re-ranking the whole collection by its texts, and by the vectors of the index, is the same run.
  for documents in '--docs docs.tsv' '--index docs.index'; do
    # shellcheck disable=SC2086
    exits 0 lir-rerank --model "$MODELS/$model/model" --queries queries.tsv $documents --tag t \
      whole.run -o again.run
    same whole.run again.run
  done
  for threads in 1 2; do
    exits 0 lir-search --index docs.index -k 7 --tag t --threads $threads queries.lirt -o few.run
    awk '$4 <= 7' whole.run | cmp -s - few.run || fail "$model: the best 7 of $threads threads"
    exits 0 lir-index build --threads $threads docs.lirt -o other.index
    for file in docs.index/*.safetensors; do same "$file" "other.index/${file##*/}"; done
  done
  # Four shards joined are one build, also one that may take little memory.
  for i in 1 2 3 4; do
    exits 0 encode $model doc --shard $i/4 docs.tsv -o part.lirt
    exits 0 lir-index build --max-memory 64K part.lirt -o part-$i.index
  done
  exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index part-4.index
  for file in docs.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done
  exits 0 lir-search --index merged.index -k 300 --tag t queries.lirt -o merged.run
  same whole.run merged.run
  # Filters are applied inside of the scan.
  awk 'NR % 5 == 0' all.txt >allowed.txt
  exits 0 lir-search --index docs.index -k 3 --tag t --filter allowed.txt queries.lirt -o filter.run
  awk 'NR == FNR { ok[$1]; next } $3 in ok && n[$1]++ < 3 { print $1, $2, $3, n[$1], $5, $6 }' \
    allowed.txt whole.run | cmp -s - filter.run || fail "$model: filter"
  rm -r ./*.index
done

# How a model aggregates is known to the stream and to the index, where it is not the usual way.
exits 0 encode native/col_bert_03 doc docs.tsv -o other.lirt
exits 0 encode native/col_short_hidden doc docs.tsv -o usual.lirt
grep -qa '"lir.aggregation":"max,mean"' other.lirt || fail 'no aggregation'
! grep -qa 'lir.aggregation' usual.lirt || fail 'the usual aggregation was named'
exits 0 lir-index build other.lirt -o other.index
grep -q '"aggregation": "max,mean"' other.index/manifest.json || fail 'the manifest has no aggregation'

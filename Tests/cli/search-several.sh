# shellcheck shell=bash
# Several indexes at once: shards are searched as their merge, and indexes of several models are fused as
# lir-rerank fuse fuses their runs.

texts 90 >docs.tsv
texts 12 5 | sed 's/^d/q/' >queries.tsv
dense=native/dpr_bert_01
sparse=native/splade_bert_02
for model in "$dense" "$sparse"; do
  name=$(basename $model)
  exits 0 encode $model doc docs.tsv -o "$name.lirt"
  exits 0 encode $model query queries.tsv -o "$name-queries.lirt"
  exits 0 lir-index build "$name.lirt" -o "$name.index"
  ln -s "$name-queries.lirt" "$name.queries"
done
exits 0 lir-index build --type bm25 docs.tsv -o words.index
ln -s queries.tsv words.queries

# Shards, given in any order; of texts they are cut by lir-index itself.
for name in "$(basename $dense)" "$(basename $sparse)" words; do
  documents=$name.lirt
  type=()
  [ "$name" != words ] || { documents=docs.tsv && type=(--type bm25); }
  for i in 1 2 3; do
    exits 0 lir-index build "${type[@]}" --shard $i/3 "$documents" -o "$name-$i.index"
  done
  search() { lir-search -k 20 --tag t "$@" "$name".queries; }
  search --index "$name".index >whole.run 2>said.log
  [ -s whole.run ] || fail "no run of $name"
  search --index "$name"-1.index --index "$name"-2.index --index "$name"-3.index >shards.run
  same whole.run shards.run
  search --index "$name"-3.index --index "$name"-1.index --index "$name"-2.index >shards.run
  same whole.run shards.run
  exits 0 lir-index merge -o merged.index "$name"-[123].index
  diff -r "$name".index merged.index || fail "merged shards of $name are another index"
  rm -r merged.index
  exits 65 lir-index merge -o merged.index "$name"-1.index "$name"-3.index
  says 2/3
  exits 65 lir-index merge -o merged.index "$name"-1.index "$name"-1.index
  search --index "$name"-1.index --index "$name"-3.index >shards.run 2>said.log
  says 'shards are missing: 2/3'
  cp -r "$name"-1.index again.index
  refuses 65 'shard 1/3 is there already' search --index "$name"-1.index --index again.index
  rm -r again.index
  refuses 64 'is there twice' search --index "$name"-1.index --index "$name"-1.index
  # Filters, deleted documents and feedback, over the shards.
  head -n 40 docs.tsv | cut -f 1 | shuf --random-source=docs.tsv >some.txt
  search --index "$name".index --filter some.txt --drop-self >whole.run
  search --index "$name"-2.index --index "$name"-1.index --index "$name"-3.index --filter some.txt \
    --drop-self >shards.run
  same whole.run shards.run
  cp -r "$name".index rest.index
  exits 0 lir-index delete rest.index --ids some.txt
  search --index rest.index >whole.run
  for i in 1 2 3; do exits 0 lir-index delete "$name"-$i.index --ids some.txt; done
  search --index "$name"-2.index --index "$name"-1.index --index "$name"-3.index >shards.run
  same whole.run shards.run
  [ "$name" != words ] || {
    search --index rest.index --rm3 >whole.run
    search --index words-2.index --index words-1.index --index words-3.index --rm3 >shards.run
    same whole.run shards.run
    grep -v -wFf some.txt docs.tsv >rest.tsv
    exits 0 lir-index build --type bm25 rest.tsv -o fresh.index
    search --index fresh.index --rm3 >whole.run
    same whole.run shards.run
  }
  rm -rf rest.index
done

# Fusion: what lir-rerank makes of the runs.
d=$(basename $dense) s=$(basename $sparse)
for name in "$d" "$s" words; do
  lir-search --index "$name".index -k 15 --tag t "$name".queries >"$name".run
done
for method in rrf sum minmax zscore borda mnz dbsf; do
  lir-rerank fuse --method $method -k 15 --tag t "$d".run "$s".run words.run >expected.run
  lir-search --index "$d".index --index "$s".index --index words.index --fuse $method -k 15 --tag t \
    queries.tsv "$s".queries "$d".queries >found.run
  same expected.run found.run
done
lir-rerank fuse --weights 2,0.5 --rrf-k 10 -k 15 --tag t "$d".run "$s".run >expected.run
lir-search --index "$d".index --index "$s".index --fuse rrf --weights 2,0.5 --rrf-k 10 -k 15 --tag t \
  "$d".queries "$s".queries >found.run
same expected.run found.run
# Texts, embedded for the index whose model is there.
lir-rerank fuse -k 15 --tag t "$d".run words.run >expected.run
lir-search --index "$d".index --index words.index --fuse rrf -k 15 --tag t \
  --model "$MODELS/$dense/model" queries.tsv >found.run
same expected.run found.run
# Parts of the queries join to the whole.
for i in 1 2; do
  lir-search --index "$d".index --index words.index --fuse rrf -k 15 --tag t --shard $i/2 \
    --model "$MODELS/$dense/model" queries.tsv
done >found.run
same expected.run found.run

both=(--index "$d.index" --index "$s.index")
refuses 78 '--fuse rrf' lir-search "${both[@]}" "$d".queries
refuses 64 "no queries for $s.index" lir-search "${both[@]}" --fuse rrf "$d".queries
refuses 78 'the queries by' lir-search "${both[@]}" --fuse rrf "$d".queries "$d".queries
refuses 64 'are for --fuse' lir-search --index "$d".index --weights 1 "$d".queries
refuses 64 'expected one an index, 2' lir-search "${both[@]}" --fuse rrf --weights 1 "$d".queries "$s".queries
refuses 64 '--explain goes without --fuse' \
  lir-search "${both[@]}" --fuse rrf --explain "$d".queries "$s".queries
refuses 64 'none of the indexes has it' \
  lir-search "${both[@]}" --fuse rrf --k1 1 "$d".queries "$s".queries
exits 0 encode $sparse query <(head -n 5 queries.tsv) -o few.lirt
exits 65 lir-search "${both[@]}" --fuse rrf "$d".queries few.lirt
says 'expected query q6, found the end'

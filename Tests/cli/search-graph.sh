# shellcheck shell=bash
# Graphs of vectors: what they find is scored as exact search scores it, and all is exact search.

texts 700 >docs.tsv
texts 30 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/dpr_bert_01
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o plain.index
exits 0 lir-search --index plain.index -k 10 --tag t queries.lirt -o whole.run

# The files of an index that are of its graph.
graph_files() { find "$1" -type f -printf '%f\n' | grep -E '^(graph|links|layers|upper)'; }

# spoil FILE: other numbers in the place of all of a tensor.
spoil() {
  local header
  header=$(($(od -An -tu8 -N 8 "$1") + 8))
  head -c $(($(stat -c %s "$1") - header)) /dev/zero | tr '\0' w |
    dd of="$1" bs=64K seek=$header oflag=seek_bytes conv=notrunc status=none
}

for type in graph hnsw; do
  built=(--type "$type" --ef-construction 40)
  [ $type = graph ] || built+=(--num-neighbors 8)
  exits 0 lir-index build "${built[@]}" docs.lirt -o $type.index
  exits 0 lir-index verify $type.index
  for flags in '--exact' '--ef-search all' '--ef-search all --exact' '--ef-search 700'; do
    # shellcheck disable=SC2086
    exits 0 lir-search --index $type.index $flags -k 10 --tag t queries.lirt -o found.run
    same whole.run found.run
  done

  # Most of it is found by a narrow walk, with the same scores, whatever the threads.
  exits 0 lir-search --index $type.index --ef-search 60 -k 10 --tag t queries.lirt -o one.run
  exits 0 lir-search --index $type.index --ef-search 60 -k 10 --tag t --threads 2 queries.lirt -o two.run
  same one.run two.run
  [ "$(wc -l <one.run)" -eq "$(wc -l <whole.run)" ] || fail "$(wc -l <one.run) lines"
  shared=$(cut -d ' ' -f 1,3,5 whole.run | sort | comm -12 - <(cut -d ' ' -f 1,3,5 one.run | sort) | wc -l)
  [ "$shared" -ge $(($(wc -l <whole.run) * 4 / 5)) ] || fail "$shared of $(wc -l <whole.run)"
  exits 0 lir-search --index $type.index --preset accurate -k 10 --tag t queries.lirt -o accurate.run

  # Neighbours that are no documents are noticed by a search.
  for file in $(graph_files $type.index | grep -v -e centre -e layers); do
    rm -rf spoilt.index && cp -r $type.index spoilt.index
    spoil "spoilt.index/$file"
    refuses 65 damaged lir-search --index spoilt.index --ef-search 20 -k 10 queries.lirt
  done

  # The same bytes by two threads, and from shards that are joined.
  exits 0 lir-index build "${built[@]}" --threads 2 docs.lirt -o $type-threads.index
  for file in $(graph_files $type.index); do same "$type.index/$file" "$type-threads.index/$file"; done
  for i in 1 2; do
    exits 0 encode $model doc --shard $i/2 docs.tsv -o part.lirt
    exits 0 lir-index build "${built[@]}" part.lirt -o $type-part-$i.index
  done
  exits 0 lir-index merge -o $type-merged.index $type-part-1.index $type-part-2.index
  for file in $(graph_files $type.index); do same "$type.index/$file" "$type-merged.index/$file"; done

  # Deleted documents are not found, and compacting is a fresh build without them.
  cut -f 1 docs.tsv | awk 'NR % 2 == 0' >gone.txt
  exits 0 lir-index delete $type.index --ids gone.txt
  exits 0 lir-search --index $type.index -k 10 --tag t queries.lirt -o found.run
  [ "$(wc -l <found.run)" -eq "$(wc -l <whole.run)" ] || fail "$(wc -l <found.run) lines"
  cut -d ' ' -f 3 found.run | sort -u | comm -12 - <(sort gone.txt) >both.txt
  [ ! -s both.txt ] || fail 'a deleted document was found'
  exits 0 lir-index compact $type.index
  exits 0 lir-index verify $type.index
done

refuses 64 '--num-neighbors: expected a multiple of 32, found 33' \
  lir-index build --type graph --num-neighbors 33 docs.lirt -o odd.index
refuses 64 'flat has no --ef-search' lir-search --index plain.index --ef-search 10 queries.lirt

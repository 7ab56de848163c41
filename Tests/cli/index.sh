# shellcheck shell=bash
# lir-index: the same bytes however it is built, and no damage goes unseen.

# The same but for what made them: the inputs were other files.
same_index() {
  diff -r --exclude=manifest.json "$1" "$2" || fail "$1 and $2 differ"
  same <(jq 'del(.by)' "$1/manifest.json") <(jq 'del(.by)' "$2/manifest.json")
}

texts 2500 >docs.tsv
for model in native/dpr_bert_01 native/splade_bert_02; do
  name=$(basename $model)
  exits 0 encode $model doc docs.tsv -o docs.lirt
  exits 0 lir-index build docs.lirt -o "$name.index"
  exits 0 lir-index verify "$name.index"
  [ ! -s said.log ] || fail 'verify is not silent'
  lir-index info "$name.index" | jq -e '.documents == 2500' >parsed.log || fail 'info'

  # build is the default; through a pipe; from compressed streams.
  exits 0 lir-index -o other.index docs.lirt
  diff -r "$name.index" other.index || fail 'another index of the same stream'
  rm -r other.index
  exits 0 lir-index -o other.index <docs.lirt
  same_index "$name.index" other.index
  rm -r other.index
  # Shards, given to build or merged.
  for i in 1 2 3; do
    exits 0 encode $model doc --shard $i/3 docs.tsv -o "part-$i.lirt.zst"
    exits 0 lir-index build "part-$i.lirt.zst" -o "part-$i.index"
  done
  exits 0 lir-index build part-[123].lirt.zst -o other.index
  same_index "$name.index" other.index
  rm -r other.index
  exits 0 lir-index merge -o other.index part-[123].index
  same_index "$name.index" other.index
  rm -r other.index
  exits 65 lir-index merge -o other.index part-1.index part-3.index
  says 2/3
  exits 65 lir-index merge -o other.index part-1.index part-1.index
  exits 65 lir-index build part-1.lirt.zst part-3.lirt.zst -o other.index
  [ ! -e other.index ] || fail 'an index of some shards'
  rm -r part-*

  # Every file of an index is guarded: cut, changed or lost.
  for file in "$name.index"/*; do
    size=$(stat -c %s "$file")
    for offset in 0 $((size / 3)) $((size / 2)) $((size - 2)); do
      cp -r "$name.index" broken.index
      broken=broken.index/$(basename "$file")
      # The manifest guards the others; what is not JSON any more is noticed in itself.
      if [ "$(basename "$file")" != manifest.json ] || [ "$offset" = 0 ]; then
        flip "$broken" "$offset" 8
        exits 65 lir-index verify broken.index
        says broken.index
      fi
      head -c "$offset" "$file" >"$broken"
      exits 65 lir-index verify broken.index
      # A file of another size is seen without reading it.
      refuses 65 broken.index lir-search --index broken.index -k 3 docs.lirt
      rm "$broken"
      status=65
      [ "$(basename "$file")" != manifest.json ] || status=78
      exits $status lir-index verify broken.index
      rm -r broken.index
    done
  done
done

# What no index is made of.
head -c 5000 docs.lirt >cut.lirt
refuses 65 'cut.lirt' lir-index build cut.lirt -o cut.index
[ ! -e cut.index/manifest.json ] || fail 'an index of a cut stream'
exits 0 encode native/dpr_bert_01 doc docs.tsv -o dense.lirt
exits 65 lir-index build dense.lirt docs.lirt -o mixed.index
exits 0 lir-tokenize --model "$MODELS/native/dpr_bert_01/model" --role doc docs.tsv -o tokens.lirt
exits 78 lir-index build tokens.lirt -o tokens.index
exits 78 lir-index build --type sparse dense.lirt -o wrong.index
exits 0 encode native/dpr_bert_01 query docs.tsv -o queries.lirt
exits 78 lir-index build queries.lirt -o queries.index
refuses 66 nowhere lir-index build nowhere.lirt -o nowhere.index
refuses 66 nowhere lir-index verify nowhere.index
refuses 66 nowhere lir-index info nowhere.index
head -n 3 docs.tsv >few.tsv
head -n 1 docs.tsv >>few.tsv
exits 0 encode native/dpr_bert_01 doc few.tsv -o twice.lirt
exits 65 lir-index build twice.lirt -o twice.index
says d1

# An empty collection is a valid index.
: >empty.tsv
exits 0 encode native/dpr_bert_01 doc --allow-empty empty.tsv -o empty.lirt
exits 0 lir-index build empty.lirt -o empty.index
exits 0 lir-index verify empty.index
rm -rf ./*.lirt

# Types, and options that a type does not have.
lir-index types >types.tsv
[ "$(cut -f 1 types.tsv | tr '\n' ' ')" = 'flat sparse bm25 multivector coil seismic graph hnsw ivf pq ivfpq plaid ' ] || fail "types: $(cat types.tsv)"
exits 0 encode native/dpr_bert_01 doc <(head -n 2 few.tsv) -o two.lirt
exits 0 encode native/dpr_bert_01 query <(head -n 2 few.tsv) -o queries.lirt
exits 0 lir-index build two.lirt -o two.index
refuses 64 'flat has no --nprobe' lir-index build --nprobe 3 two.lirt -o none.index
refuses 64 'flat has no --nprobe' lir-search --index two.index --nprobe 3 queries.lirt
refuses 64 'flat has no --frobnicate' lir-index build -o none.index --frobnicate two.lirt </dev/null
refuses 64 'sparse has no --nprobe' lir-index build --type sparse --nprobe=3 two.lirt -o none.index
refuses 64 'frobnicate' lir-search --index nowhere.index --frobnicate 3 --print-config queries.lirt
refuses 64 'are for types that take texts' lir-index build --fields a two.lirt -o none.index
refuses 64 'did you mean --filter?' lir-search --index two.index --fliter x queries.lirt
refuses 64 'did you mean sparse?' lir-index build --type spars two.lirt -o none.index
[ ! -e none.index ] || fail 'an index of a command that was refused'

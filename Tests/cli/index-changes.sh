# shellcheck shell=bash
# Indexes that change: append, delete, replace, compact and merge --without. A kill at any moment leaves
# a whole index, and the same command again makes what it would have made.

crash_point=
# same_files A B: the same files, and manifests that differ in what made them alone.
same_files() {
  diff -r --exclude=manifest.json "$1" "$2" || fail "$1 and $2 differ: $crash_point"
  # By one start of jq, which takes longer than the command that is tested.
  jq -c 'del(.by, .xxh3)' "$1/manifest.json" "$2/manifest.json" >manifests.log
  is 'manifests' 2 "$(wc -l <manifests.log)"
  [ "$(uniq manifests.log | wc -l)" = 1 ] ||
    fail "the manifests of $1 and $2 differ: $crash_point"
}

texts 40 >docs.tsv
texts 25 7 | sed 's/^d/e/' >more.tsv
# New texts for some of the first ones, in another order.
texts 20 3 | sort -r | head -n 8 >corrected.tsv
cut -f 1 docs.tsv | sed -n '3p;5,14p' >gone.txt
head -n 4 docs.tsv >queries.tsv

# live: the documents that there should be, in the index's order.
awk -F '\t' 'FILENAME != "docs.tsv" { left[$1]; next } !($1 in left)' gone.txt corrected.tsv docs.tsv \
  >live.tsv
cat more.tsv corrected.tsv >>live.tsv

for type in dense sparse words; do
  # What is written differs by type, how it is put in its place does not.
  most=15
  case $type in
    dense) model=native/dpr_bert_01 && most=40 ;;
    sparse) model=native/splade_bert_02 ;;
  esac
  if [ $type = words ]; then
    ext=tsv
    build() { lir-index build --threads 1 --type bm25 "$1.tsv" -o "$2"; }
    search() { lir-search --index "$1" -k 30 --tag t queries.tsv; }
  else
    ext=lirt
    for name in docs more corrected live; do
      exits 0 encode "$model" doc $name.tsv -o $name.lirt
    done
    exits 0 encode "$model" query queries.tsv -o queries.lirt
    build() { lir-index build --threads 1 "$1.lirt" -o "$2"; }
    search() { lir-search --index "$1" -k 30 --tag t queries.lirt; }
  fi
  rm -rf ./*.index
  exits 0 build docs docs.index
  cp -r docs.index start.index
  exits 0 build live live.index

  exits 0 lir-index append docs.index more.$ext
  is 'documents after append' 65 "$(summary documents)"
  lir-index info docs.index | jq -e '.documents == 65 and .deleted == 0' >parsed.log || fail info
  cp -r docs.index appended.index
  refuses 65 'document e1 is in the index already' lir-index append docs.index more.$ext
  diff -r appended.index docs.index || fail 'a refused append changed the index'
  exits 0 lir-index append --resume docs.index more.$ext
  says 'nothing is left to do'
  diff -r appended.index docs.index || fail 'an append that is done changed the index'

  echo nobody >>gone.txt
  exits 0 lir-index delete docs.index --ids gone.txt
  says '1 ids are not in the index: nobody'
  is 'deleted documents' 11 "$(summary deleted)"
  sed -i '/nobody/d' gone.txt
  lir-index info docs.index | jq -e '.documents == 54 and .deleted == 11' >parsed.log || fail info
  exits 0 lir-index verify docs.index
  exits 0 lir-index replace docs.index corrected.$ext
  exits 0 lir-index verify docs.index
  is documents "$(wc -l <live.tsv)" "$(jq .documents docs.index/manifest.json)"
  search docs.index >found.run 2>said.log || fail "no search: $(cat said.log)"
  search live.index >live.run 2>said.log
  same live.run found.run

  # Merging and compacting leave what was deleted behind.
  exits 0 lir-index merge -o merged.index docs.index
  same_files live.index merged.index
  cp -r docs.index changed.index
  exits 0 lir-index compact docs.index
  same_files live.index docs.index
  exits 0 lir-index compact docs.index
  says 'nothing is left to do'
  exits 0 lir-index merge -o without.index start.index --without gone.txt
  cp -r start.index deleted.index
  exits 0 lir-index delete deleted.index --ids gone.txt
  cp -r deleted.index compacted.index
  exits 0 lir-index compact compacted.index
  same_files without.index compacted.index
  # Of an index that has deleted documents, a merge leaves out others as well.
  cp -r start.index halved.index
  head -n 5 gone.txt >first.txt
  exits 0 lir-index delete halved.index --ids first.txt
  tail -n +6 gone.txt >rest.txt
  exits 0 lir-index merge -o rest.index halved.index --without rest.txt
  same_files without.index rest.index

  # Every byte of the list of deleted documents is guarded.
  for file in deleted.index/deleted*; do
    size=$(stat -c %s "$file")
    cp -r deleted.index broken.index
    flip "broken.index/$(basename "$file")" $((size - 1)) 1
    refuses 65 "$(basename "$file")" lir-index verify broken.index
    rm -r broken.index
  done

  # Kills and failures. With the same command again the index is what it would have been.
  # changes BEFORE AFTER COMMAND...
  changes() {
    before=$1 after=$2
    shift 2
    change=("$@")
    search "$before" >before.run 2>said.log
    search "$after" >after.run 2>said.log
    change_once() { "${change[@]}"; }
    prepare() { rm -rf docs.index && cp -r "$before" docs.index && echo mine >docs.index/notes.txt; }
    whole() {
      exits 0 lir-index verify docs.index
      search docs.index >found.run 2>said.log || fail "no search: $crash_point"
      cmp -s found.run before.run || same after.run found.run
      [ "$(cat docs.index/notes.txt)" = mine ] || fail "another's file is gone: $crash_point"
    }
    after_kill() {
      whole
      exits 0 change_once
      rm docs.index/notes.txt
      same_files "$after" docs.index
      [ -z "$(find docs.index -name '.*' -mindepth 1)" ] || fail "something is left: $crash_point"
    }
    every_stop "$most" prepare change_once after_kill
    after_failure() {
      whole
      # What cannot be removed behind the change is left to the next one.
      if [ "$1" = 0 ]; then
        same after.run found.run
        return
      fi
      [ "$1" = 73 ] || [ "$1" = 74 ] || fail "status $1: $crash_point"
      rm docs.index/notes.txt
      diff -r "$before" docs.index || fail "something is left: $crash_point"
    }
    [ "$type" != dense ] || every_failure ENOSPC prepare change_once after_failure
  }
  changes start.index appended.index lir-index append --threads 1 --resume docs.index more.$ext
  changes start.index deleted.index lir-index delete --threads 1 docs.index --ids gone.txt
  exits 0 cp -r deleted.index replaced.index
  exits 0 lir-index replace replaced.index corrected.$ext
  changes deleted.index replaced.index \
    lir-index replace --threads 1 --resume docs.index corrected.$ext
  changes changed.index live.index lir-index compact --threads 1 docs.index
done

# Documents of another form, model or similarity.
exits 0 encode native/dpr_bert_01 doc docs.tsv -o docs.lirt
exits 0 encode native/dpr_bert_01 query docs.tsv -o queries.lirt
exits 0 encode native/splade_bert_02 doc docs.tsv -o sparse.lirt
exits 0 lir-index build docs.lirt -o dense.index
exits 0 lir-index build --type bm25 docs.tsv -o words.index
refuses 78 'kind dense there, found sparse' lir-index append dense.index sparse.lirt
refuses 78 'expected embeddings of documents' lir-index append dense.index queries.lirt
refuses 65 'expected text, found a tensor stream' lir-index append words.index docs.lirt
refuses 66 nowhere lir-index append nowhere.index docs.lirt
refuses 66 nowhere lir-index delete dense.index --ids nowhere.txt
refuses 66 nowhere lir-index compact nowhere.index
refuses 64 'ids' lir-index delete dense.index
refuses 78 'not an index' lir-index append . docs.lirt
printf 'q\td\n' >pairs.txt
refuses 65 'expected a document id a line' lir-index delete dense.index --ids pairs.txt

# An index of an earlier format changes once it is compact.
cp -rL "$FIXTURES/indexes/format-1/flat.index" earlier.index
chmod -R u+w earlier.index
echo nobody >nobody.txt
refuses 78 'lir-index compact' lir-index delete earlier.index --ids nobody.txt
exits 0 lir-index compact earlier.index
exits 0 lir-index delete earlier.index --ids nobody.txt

# What first builds leave that are killed goes away with the next one, but for that of a build at work.
first() { lir-index build --threads 1 docs.lirt -o new.index; }
list_points first
rm -r new.index
killed_at "$(point_of rename)" first
[ -n "$(find . -maxdepth 1 -name '.new.index.tmp.*')" ] || fail 'nothing is left of a kill'
mkdir .new.index.tmp.elsewhere.1.x
exits 0 first
left=$(find . -maxdepth 1 -name '.new.index.tmp.*')
[ "$left" = ./.new.index.tmp.elsewhere.1.x ] || fail "left: $left"

# Writers take turns.
exits 0 lir-index build docs.lirt -o turns.index
mkfifo slow
for i in 1 2 3 4; do texts 5 "$i" | sed "s/^d/w$i-/" >turn-$i.tsv; done
exits 0 lir-index build --type bm25 docs.tsv -o turns-words.index
lir-index append turns-words.index slow 2>first.log &
first=$!
exec 9>slow
# Without the pipe, whose end the first writer waits for.
lir-index append turns-words.index turn-2.tsv 9>&- 2>second.log &
second=$!
cat turn-1.tsv >&9
exits 0 lir-index verify turns-words.index
exec 9>&-
wait $first || fail "$(cat first.log)"
wait $second || fail "$(cat second.log)"
is 'documents of both' 50 "$(jq .documents turns-words.index/manifest.json)"

# Who waits for another's change says so, and then does its own.
printf 'a\tone\nb\ttwo\n' >held.tsv
exits 0 lir-index build held.tsv -o held.index
lir-index append held.index slow 2>first.log &
holder=$!
exec 9>slow
echo a >held.ids
lir-index delete held.index --ids held.ids 9>&- 2>said.log &
second=$!
until grep -q 'held.index: another process changes it: waiting' said.log; do sleep 0.02; done
printf 'c\tthree\n' >&9
exec 9>&-
wait $holder || fail "$(cat first.log)"
wait $second || fail "$(cat said.log)"
is 'what is left' 2 "$(lir-index info held.index | jq .documents)"

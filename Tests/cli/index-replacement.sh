# shellcheck shell=bash
# Replacing an index: a kill at any moment leaves the old or the new one, a failure leaves the old
# one, and what is left besides goes away with the next build.

crash_point=
texts 60 >docs.tsv
texts 60 7 >others.tsv
head -n 3 docs.tsv >queries.tsv
for model in native/dpr_bert_01 native/splade_bert_02; do
  exits 0 encode $model doc docs.tsv -o old.lirt
  exits 0 encode $model doc others.tsv -o new.lirt
  exits 0 encode $model query queries.tsv -o queries.lirt
  rm -rf old.index new.index
  exits 0 lir-index build old.lirt -o old.index
  exits 0 lir-index build new.lirt -o new.index
  search() { lir-search --index "$1" -k 5 --tag t queries.lirt; }
  search old.index >old.run 2>said.log
  search new.index >new.run 2>said.log
  differ old.run new.run

  replace() { lir-index build --threads 1 new.lirt -o docs.index; }
  prepare() {
    rm -rf docs.index
    cp -r old.index docs.index
    echo mine >docs.index/notes.txt
  }
  # whole: one of the two indexes is there, and can be searched.
  whole() {
    exits 0 lir-index verify docs.index
    search docs.index >found.run 2>said.log || fail "no search: $crash_point"
    cmp -s found.run old.run || same new.run found.run
    [ "$(cat docs.index/notes.txt)" = mine ] || fail "another's file is gone: $crash_point"
  }
  # after_kill: and the same command again makes the new one, with nothing beside it.
  after_kill() {
    whole
    exits 0 replace
    rm docs.index/notes.txt
    diff -r new.index docs.index || fail "something is left: $crash_point"
  }
  every_stop prepare replace after_kill
  # By a signal that can be handled nothing is left that is not swept.
  stop_signal=TERM every_stop prepare replace after_kill

  # after_failure STATUS: what could not be done leaves the old index and nothing else.
  after_failure() {
    whole
    if [ "$1" = 0 ]; then
      same new.run found.run
    else
      [ "$1" = 73 ] || [ "$1" = 74 ] || fail "status $1: $crash_point"
      same old.run found.run
      rm docs.index/notes.txt
      diff -r old.index docs.index || fail "something is left: $crash_point"
    fi
  }
  every_failure ENOSPC prepare replace after_failure

  # An index of format 1 gives way to one of this release.
  from=$FIXTURES/indexes/format-1/flat.index
  [ $model = native/dpr_bert_01 ] || from=$FIXTURES/indexes/format-1/sparse.index
  prepare_earlier() {
    rm -rf docs.index
    cp -rL "$from" docs.index
    chmod -R u+w docs.index
  }
  after_kill_earlier() {
    exits 0 lir-index verify docs.index
    exits 0 replace
    diff -r new.index docs.index || fail "something is left: $crash_point"
  }
  every_stop prepare_earlier replace after_kill_earlier

  # A first build: nothing, or a whole index.
  first() { lir-index build --threads 1 new.lirt -o docs.index; }
  nothing() { rm -rf docs.index .docs.index.tmp.*; }
  after_first() {
    [ ! -e docs.index ] || exits 0 lir-index verify docs.index
    exits 0 first
    diff -r new.index docs.index || fail "another index: $crash_point"
  }
  every_stop nothing first after_first
done

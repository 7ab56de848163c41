# shellcheck shell=bash
# Vectors in a file outside of the folder of their index: where it is, what happens without it, and that
# a kill at any moment leaves an index whose vectors are found.

texts 300 >docs.tsv
texts 20 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/dpr_bert_01
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build --codes f16 docs.lirt -o kept.index
exits 0 lir-search --index kept.index -k 10 --tag t queries.lirt -o kept.run

mkdir -p disk
exits 0 lir-index build --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index
[ -s disk/docs.vectors ] || fail 'no vectors'
! ls docs.index/vectors* 2>/dev/null || fail 'vectors in the folder'
lir-index info docs.index | jq -e '.originals.file == "../disk/docs.vectors" and .originals.bytes > 0
  and (.bytes | has("vectors") | not)' >parsed.log || fail info
for flag in '' --exact; do
  # shellcheck disable=SC2086
  exits 0 lir-search --index docs.index $flag -k 10 --tag t queries.lirt -o docs.run
  same kept.run docs.run
done

# The folder and the file are moved together.
mkdir moved && cp -r docs.index disk moved
exits 0 lir-search --index moved/docs.index --exact -k 10 --tag t queries.lirt -o docs.run
same kept.run docs.run

# Resuming knows where they are to be.
exits 0 lir-index build --codes f16 --originals disk/docs.vectors --resume docs.lirt -o docs.index
says 'nothing is left to do'
exits 0 lir-index build --codes f16 --originals disk/other.vectors --resume docs.lirt -o docs.index
says 'its vectors lie elsewhere'
[ "$(ls disk)" = other.vectors ] || fail "left: $(ls disk)"
exits 0 lir-index build --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index

# Missing, cut and changed.
mv disk/docs.vectors away
exits 78 lir-search --index docs.index --exact -k 10 queries.lirt
says docs.vectors missing
exits 78 lir-index verify docs.index
exits 0 lir-index info docs.index >printed.log
exits 0 lir-search --index docs.index --approximate -k 10 --tag t queries.lirt -o codes.run
exits 0 lir-search --index kept.index --approximate -k 10 --tag t queries.lirt -o kept-codes.run
same kept-codes.run codes.run
head -c -1 away >disk/docs.vectors
exits 65 lir-search --index docs.index -k 10 queries.lirt
says docs.vectors 'expected'
cp kept.index/vectors* disk/docs.vectors
exits 65 lir-search --index docs.index -k 10 queries.lirt
says docs.vectors
{ head -c -1 away && printf '\377'; } >disk/docs.vectors
exits 65 lir-index verify docs.index
says docs.vectors checksum
mv away disk/docs.vectors

# What is not to be overwritten.
exits 73 lir-index build --codes f16 --originals docs.lirt docs.lirt -o other.index
exits 73 lir-index build --codes f16 --originals disk docs.lirt -o other.index
# Nor are another index's vectors replaced.
exits 0 lir-index build --codes f16 --originals mine.vectors docs.lirt -o mine.index
refuses 73 'the vectors of another index are here' \
  lir-index build --codes f16 --originals mine.vectors docs.lirt -o other.index
exits 0 lir-index verify mine.index
exits 0 lir-index build --codes f16 --originals mine.vectors docs.lirt -o mine.index
exits 64 lir-index build --codes f16 --originals other.index/v docs.lirt -o other.index
exits 64 lir-index build --originals disk/x docs.lirt -o other.index
says 'without codes'
if [ -e other.index ] || [ -e disk/x ]; then fail 'something was left'; fi

# A kill at any moment of a change leaves vectors that are found, and the same command again leaves
# nothing else beside them.
head -n 200 docs.tsv >first.tsv
tail -n +201 docs.tsv >second.tsv
for part in first second; do exits 0 encode $model doc $part.tsv -o $part.lirt; done
rm -rf disk/* ./docs.index
exits 0 lir-index build --codes f16 --originals disk/docs.vectors first.lirt -o docs.index
mkdir first second && cp -r docs.index disk first
append() { lir-index append --threads 1 --resume docs.index second.lirt; }
exits 0 append
cp -r docs.index disk second
compact() { lir-index compact --threads 1 docs.index; }
rebuild() { lir-index build --threads 1 --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index; }
before=first
prepare() { rm -rf disk docs.index && cp -r "$before"/* .; }
after_kill() {
  exits 0 lir-index verify docs.index
  exits 0 lir-search --index docs.index --exact -k 10 --tag t queries.lirt -o docs.run
  exits 0 "$command"
  exits 0 lir-search --index docs.index --exact -k 10 --tag t queries.lirt -o docs.run
  same kept.run docs.run
  is 'files of vectors' "$files" "$(find disk -type f | wc -l)"
}
for step in append:first:2 compact:second:1 rebuild:second:1; do
  IFS=: read -r command before files <<<"$step"
  every_stop 20 prepare "$command" after_kill
done

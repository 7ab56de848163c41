# shellcheck shell=bash
# lir-search: the same runs for threads, shards and kinds of queries; refusals before any work.

texts 2500 >docs.tsv
texts 40 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
count=$(wc -l <queries.tsv)
texts 200 9 | awk -F'\t' '$2 != ""' >some.tsv
prepare_resume() { rm -f "resumed.$suffix" ".resumed.$suffix".*; }
resume() {
  lir-search --index docs.index --model "$folder" -k 100 --tag t --resume --threads 1 some.tsv \
    -o "resumed.$suffix"
}
check_resume() {
  exits 0 resume
  same "long.$suffix" "resumed.$suffix"
  [ ! -e ".resumed.$suffix.partial" ] || fail 'a partial output was left'
  [ ! -e ".resumed.$suffix.partial.work" ] || fail 'the digest of a partial output was left'
}
for model in native/dpr_bert_01 native/splade_bert_02; do
  folder=$MODELS/$model/model
  exits 0 encode $model doc docs.tsv -o docs.lirt
  exits 0 encode $model query queries.tsv -o queries.lirt
  rm -rf docs.index
  exits 0 lir-index build docs.lirt -o docs.index
  exits 0 lir-search --index docs.index -k 20 --tag t queries.lirt -o whole.run
  is queries "$count" "$(summary records)"
  awk 'NF != 6 || $2 != "Q0" || $6 != "t" { exit 1 }' whole.run || fail 'the form of the run'
  # Ranks from 1, scores descending, ties by id descending.
  awk '$1 != query { query = $1; rank = 0; score = 1e30; id = "" }
    { rank++ }
    $4 != rank || $5 > score || ($5 == score && $3 >= id && id != "") { print; exit 1 }
    { score = $5; id = $3 }' whole.run >order.log || fail "the order of the run: $(cat order.log)"

  for threads in 1 2 3; do
    exits 0 lir-search --index docs.index -k 20 --tag t --threads $threads queries.lirt -o other.run
    same whole.run other.run
  done
  for isa in portable avx2 avx512; do
    if lir-search --index docs.index -k 20 --tag t --isa $isa queries.lirt -o other.run 2>said.log; then
      same whole.run other.run
    else
      says 'this processor does not run it'
    fi
  done
  for input in queries.lirt queries.tsv; do
    : >joined.run
    for i in 1 2 3; do
      exits 0 lir-search --index docs.index --model "$folder" -k 20 --tag t --shard $i/3 $input \
        -o part.run
      cat part.run >>joined.run
    done
    same whole.run joined.run
  done
  # Text queries, files or pipes, are encoded on the way.
  exits 0 lir-search --index docs.index --model "$folder" -k 20 --tag t queries.tsv -o other.run
  same whole.run other.run
  exits 0 lir-search --index docs.index --model "$folder" -k 20 --tag t <queries.tsv >other.run
  same whole.run other.run
  lir-encode --model "$folder" --role query queries.tsv 2>encode.log |
    lir-search --index docs.index -k 20 --tag t >other.run 2>said.log
  same whole.run other.run
  # Fewer, as prefixes; compressed, with a frame that others skip.
  exits 0 lir-search --index docs.index -k 5 --tag t queries.lirt -o other.run
  same other.run <(awk '$4 <= 5' whole.run)
  exits 0 lir-search --index docs.index -k 20 --tag t queries.lirt -o other.run.zst
  same whole.run <(zstd -dcq other.run.zst)
  exits 0 lir-search --index docs.index -k 20 --tag t queries.lirt -o other.run.lz4
  same whole.run <(lz4 -dcq other.run.lz4)
  exits 0 lir-search --index docs.index -k 20 --latency queries.lirt -o other.run
  grep -Eq 'p50[a-z_]*=' said.log || fail 'no latency in the summary'
  grep -Eq ' lir-search-[0-9a-f]{8}$' other.run || fail 'the tag'

  # Filters come before the best are chosen.
  awk -F'\t' 'NR % 50 == 1 { print $1 }' docs.tsv >allowed.txt
  exits 0 lir-search --index docs.index -k 1000 --tag t queries.lirt -o all.run
  exits 0 lir-search --index docs.index -k 10 --tag t --filter allowed.txt queries.lirt -o filtered.run
  awk 'NR == FNR { ok[$1] = 1; next } !($3 in ok) { print; exit 1 }' allowed.txt filtered.run >order.log ||
    fail 'a document that the filter does not allow'
  exits 0 lir-search --index docs.index -k 2500 --tag t queries.lirt -o all.run
  awk 'NR == FNR { ok[$1] = 1; next } $3 in ok { if (++n[$1] <= 10) { $4 = n[$1]; print } }' \
    allowed.txt all.run >expected.run
  same expected.run filtered.run
  # A document is not its own neighbour.
  head -n 20 docs.tsv | awk -F'\t' '$2 != ""' >self.tsv
  exits 0 encode $model query self.tsv -o self.lirt
  exits 0 lir-search --index docs.index -k 10 --drop-self self.lirt -o self.run
  awk '$1 == $3 { exit 1 }' self.run || fail '--drop-self keeps it'

  # Killed at any crash point and run again, the same bytes. Of the last query that a partial output
  # holds nothing says that it is whole: it is done again.
  for suffix in run run.zst; do
    exits 0 lir-search --index docs.index --model "$folder" -k 100 --tag t some.tsv -o "long.$suffix"
    every_stop prepare_resume resume check_resume
  done
  # Again and again, a few writes further each time.
  suffix=run
  prepare_resume
  stopped_often 3 9 resume
  same long.run resumed.run
  mv whole.run "$(basename $model).run"
done

# Refusals.
exits 0 encode native/splade_bert_02 doc docs.tsv -o role.lirt
refuses 78 'role' lir-search --index docs.index role.lirt
exits 0 encode native/splade_bert_03 query queries.tsv -o model.lirt
refuses 78 'model' lir-search --index docs.index model.lirt
exits 0 encode native/dpr_bert_01 query queries.tsv -o kind.lirt
refuses 78 '' lir-search --index docs.index kind.lirt
refuses 78 'model' lir-search --index docs.index --model "$MODELS/native/splade_bert_03/model" queries.tsv
refuses 64 '--model' lir-search --index docs.index queries.tsv
refuses 64 '-k' lir-search --index docs.index -k 0 queries.lirt
refuses 66 'nowhere' lir-search --index nowhere queries.lirt
refuses 66 'nowhere' lir-search --index docs.index nowhere.lirt
refuses 66 'nowhere' lir-search --index docs.index --filter nowhere.txt queries.lirt
head -c 300 queries.lirt >cut.lirt
refuses 65 'cut.lirt' lir-search --index docs.index cut.lirt
exits 0 encode native/splade_bert_02 query queries.tsv queries.tsv -o twice.lirt
exits 65 lir-search --index docs.index twice.lirt -o twice.run
says 'twice'
[ ! -e twice.run ] || fail 'an output of queries that occur twice'
# No query, no line.
: >none.tsv
refuses 65 none.tsv lir-search --index docs.index none.tsv -o none.run
exits 0 lir-search --allow-empty --index docs.index none.tsv -o none.run
[ ! -s none.run ] || fail 'lines without queries'
rm -rf ./*.lirt docs.index

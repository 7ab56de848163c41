# shellcheck shell=bash
# Inverted lists: runs beside those of a flat index, a codebook that shards share, and what is refused.

model=native/dpr_bert_01
texts 90 >docs.tsv
texts 12 5 >queries.tsv
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o flat.index
search() { lir-search --tag t -k 7 queries.lirt --index "$@"; }
exits 0 search flat.index -o flat.run

# All lists are all documents, whatever the codes; some lists find as many, and some of the same.
for codes in none f16 int8 b1 pq4; do
  asked=(--codes "$codes")
  [ $codes = none ] && asked=()
  exits 0 lir-index build --type ivf --num-centroids 8 "${asked[@]}" docs.lirt -o $codes.index
  exits 0 lir-index verify $codes.index
  exits 0 search $codes.index --nprobe all --exact -o all.run
  cmp flat.run all.run
  exits 0 search $codes.index --exact -o exact.run
  cmp flat.run exact.run
  exits 0 search $codes.index --n-probe 2 -o some.run
  is "documents of two lists, $codes" "$(wc -l <flat.run)" "$(wc -l <some.run)"
  exits 0 search $codes.index --preset accurate --threads 2 -o accurate.run
  [ $codes = b1 ] || [ $codes = pq4 ] || cmp flat.run accurate.run
done
lir-index info int8.index | jq -e '.skew.entries == 90 and (.codebook | length > 0)' >parsed.log ||
  fail 'the lists are not in info'
head -n 3 docs.tsv | cut -f 1 >few.txt
exits 0 search int8.index --filter few.txt -o few.run
exits 0 search flat.index --filter few.txt -o few-flat.run
cmp few.run few-flat.run

# Shards with one codebook are one build, killed or not; what is appended goes by the codebook, too.
train() { lir-index train --type ivf --num-centroids 6 --codes int8 docs.lirt "$@"; }
exits 0 train -o docs.codebook
exits 0 lir-index build --codebook docs.codebook docs.lirt -o whole.index
for i in 1 2 3 4; do
  shard() { lir-index build --codebook docs.codebook --shard "$i/4" docs.lirt -o "part-$i.index" "$@"; }
  exits 0 shard
  exits 0 shard --resume
  says 'nothing is left to do'
done
exits 0 lir-index merge -o merged.index part-{1,2,3,4}.index
diff -r whole.index merged.index || fail 'shards with a codebook are not one build'
exits 0 train --seed 43 -o other.codebook
exits 0 lir-index build --codebook other.codebook --shard 2/4 docs.lirt -o part-2.index
refuses 78 codebook lir-index merge -o merged.index part-{1,2,3,4}.index
head -n 70 docs.tsv >front.tsv
tail -n 20 docs.tsv >back.tsv
exits 0 encode $model doc front.tsv -o front.lirt
exits 0 encode $model doc back.tsv -o back.lirt
exits 0 lir-index build --codebook docs.codebook front.lirt -o grown.index
exits 0 lir-index append grown.index back.lirt
exits 0 search grown.index --nprobe all -o all.run
cmp flat.run all.run
exits 0 lir-index compact grown.index
for file in whole.index/*; do
  case $file in *manifest.json) ;; *) cmp "$file" "grown.index/${file##*/}" ;; esac
done

# What is learned anew is learned from what is left.
head -n 9 docs.tsv | cut -f 1 >gone.txt
exits 0 lir-index delete grown.index --ids gone.txt
exits 0 lir-index compact --retrain grown.index
exits 0 lir-index verify grown.index
differ whole.index/lists.centroids* grown.index/lists.centroids*
exits 0 search grown.index --nprobe all -o all.run
exits 0 search flat.index --filter-out gone.txt -o left.run
cmp left.run all.run
refuses 64 'flat learns nothing' lir-index compact --retrain flat.index

# What learning takes is said before, and what would be enough: both ways are.
for flags in '--type ivf' '--type ivfpq --n-bits 4 --num-subquantizers 2'; do
  # shellcheck disable=SC2086
  memory() { lir-index build $flags --num-centroids 3 --threads 1 docs.lirt -o small.index "$@"; }
  refuses 64 'learning 3 centroids from' memory --max-memory 20K
  enough=$(sed -n 's/.*allow \([0-9]*M\).*/\1/p' said.log)
  exits 0 memory --max-memory "$enough"
  refuses 64 'learning 3 centroids from' memory --max-memory 20K
  fewer=$(sed -n 's/.*give --num-train-embeddings \([0-9]*\) or fewer.*/\1/p' said.log)
  [ -z "$fewer" ] || exits 0 memory --max-memory 20K --num-train-embeddings "$fewer"
done

# Documents from a pipe are copied, as they are read several times.
mkdir scratch
for type in ivf pq ivfpq; do
  learn() { lir-index "$@" --type "$type" --n-bits 4 --no-provenance --tmp-dir scratch; }
  [ $type = ivf ] && learn() { lir-index "$@" --type "$type" --no-provenance --tmp-dir scratch; }
  exits 0 learn build docs.lirt -o file.index
  exits 0 learn build -o pipe.index < <(cat docs.lirt)
  diff -r file.index pipe.index || fail "$type from a pipe is not $type from a file"
  exits 0 learn train docs.lirt -o file.codebook
  exits 0 learn train -o pipe.codebook - < <(cat docs.lirt)
  diff -r file.codebook pipe.codebook || fail "a codebook from a pipe is not that from a file"
  exits 0 learn build --limit 60 -o pipe.index <(cat docs.lirt)
  is 'documents of a pipe' 60 "$(lir-index info pipe.index | jq .documents)"
done
is 'what is left of copies' '' "$(ls scratch)"
exits 65 lir-index build --type ivf -o no.index < <(head -c 3000 docs.lirt)
exits 73 lir-index build --type ivf --tmp-dir nowhere -o no.index < <(cat docs.lirt)
lir-index info whole.index | jq -e '.learned_by.isa | length > 0' >parsed.log ||
  fail 'the kernels that learned the codebook are not in info'

# What is refused before anything is written.
refuses 64 'the codebook docs.codebook was made with int8' \
  lir-index build --codebook docs.codebook --codes f16 docs.lirt -o no.index
refuses 64 'learning 2 centroids from 90 vectors' lir-index build --type ivf --max-memory 4K docs.lirt -o no.index
refuses 64 'expected at most one for each of the 90 vectors' \
  lir-index build --type ivf --num-centroids 91 docs.lirt -o no.index
refuses 64 'flat learns nothing' lir-index train --type flat docs.lirt -o no.index
refuses 78 'no codebook' lir-index build --codebook flat.index docs.lirt -o no.index
refuses 64 'has no codes that estimate' search int8.index --oversample 3
refuses 64 'expected an integer from 1 up, or all, found 0' search int8.index --nprobe 0
[ ! -e no.index ] || fail 'a refused build left an index'

# Several vectors a document: with all of them found the run of all, by whatever type.
model=native/col_short_hidden
exits 0 encode $model doc docs.tsv -o tokens.lirt
exits 0 encode $model query queries.tsv -o token-queries.lirt
exits 0 lir-index build tokens.lirt -o tokens.index
is 'the usual type' multivector "$(lir-index info tokens.index | jq -r .type)"
tokens() { lir-search --tag t -k 7 token-queries.lirt --index "$@"; }
exits 0 tokens tokens.index -o flat.run
exits 0 lir-index build --type flat tokens.lirt -o flat-tokens.index
exits 0 lir-index build --type ivf tokens.lirt -o ivf-tokens.index
exits 0 lir-index build --type ivf --codes b1 tokens.lirt -o b1-tokens.index
for type in flat ivf b1; do
  exits 0 lir-index verify $type-tokens.index
  exits 0 tokens $type-tokens.index --exact -o exact.run
  cmp flat.run exact.run
  all=(--candidates 1000000 --nprobe all)
  [ $type = flat ] && all=(--candidates 1000000)
  exits 0 tokens $type-tokens.index "${all[@]}" -o all.run
  cmp flat.run all.run
  for imputation in min gather zero; do
    exits 0 tokens $type-tokens.index --candidates 5 --imputation $imputation -o some.run
    is "documents by $imputation" "$(wc -l <flat.run)" "$(wc -l <some.run)"
  done
done
lir-index info ivf-tokens.index | jq -e '.skew.entries == .statistics.vectors' >parsed.log ||
  fail 'the lists of vectors are not in info'
refuses 64 'several vectors a document' search flat.index --candidates 5
refuses 64 'of several vectors a document there are codes' \
  lir-index build --type ivf --codes int8 tokens.lirt -o no.index

# shellcheck shell=bash
# Centroids and codes of token vectors: runs beside those of a multi-vector index, shards that share
# centroids, documents that come and go, two stages, and what is refused.

model=native/col_short_attended
texts 120 >docs.tsv
texts 14 5 | awk -F'\t' '$2 != ""' >queries.tsv
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o exact.index
search() { lir-search --tag t -k 7 queries.lirt --index "$@"; }
exits 0 search exact.index -o exact.run

for bits in 1 2 4; do
  exits 0 lir-index build --type plaid --n-bits $bits --num-centroids 24 docs.lirt -o $bits.index
  exits 0 lir-index verify $bits.index
  exits 0 search $bits.index --exact -o all.run
  cmp exact.run all.run
  for scoring in plaid warp xtr; do
    exits 0 search $bits.index --scoring $scoring -o one.run
    exits 0 search $bits.index --scoring $scoring --threads 2 -o two.run
    cmp one.run two.run
    is "documents, $bits bits, $scoring" "$(wc -l <exact.run)" "$(wc -l <one.run)"
  done
done
exits 0 search 4.index --approximate --n-cells all --candidate-k 4000 -o wide.run
shared=$(cut -d ' ' -f 1,3 exact.run | sort | comm -12 - <(cut -d ' ' -f 1,3 wide.run | sort) | wc -l)
[ $((shared * 10)) -ge $(($(wc -l <exact.run) * 7)) ] || fail "$shared of $(wc -l <exact.run)"
lir-index info 2.index | jq -e '.statistics.centroids == 24 and .skew.lists == 24' >parsed.log ||
  fail 'centroids are not in info'
head -n 3 docs.tsv | cut -f 1 >few.txt
exits 0 search 4.index --filter few.txt -o few.run
is 'documents of a filter' "$(($(wc -l <queries.tsv) * 3))" "$(wc -l <few.run)"

# Shards with one codebook are one build; what is appended goes by the codebook, too.
exits 0 lir-index train --type plaid --num-centroids 24 docs.lirt -o docs.codebook
exits 0 lir-index build --codebook docs.codebook docs.lirt -o whole.index
for i in 1 2 3 4; do
  exits 0 lir-index build --codebook docs.codebook --shard $i/4 docs.lirt -o part-$i.index
done
exits 0 lir-index merge -o merged.index part-{1,2,3,4}.index
diff -r whole.index merged.index || fail 'shards with a codebook are not one build'
exits 0 search whole.index --candidate-k 20 -o whole.run
exits 0 lir-search --tag t -k 7 --candidate-k 20 queries.lirt \
  --index part-3.index --index part-1.index --index part-4.index --index part-2.index -o parts.run
cmp <(sort whole.run) <(sort parts.run)
exits 0 encode $model doc <(head -n 90 docs.tsv) -o front.lirt
exits 0 encode $model doc <(tail -n 30 docs.tsv) -o back.lirt
exits 0 lir-index build --codebook docs.codebook front.lirt -o grown.index
exits 0 lir-index append grown.index back.lirt
exits 0 search grown.index --candidate-k 20 -o grown.run
cmp whole.run grown.run
lir-index info grown.index | jq -e '.statistics.drift > 0' >parsed.log || fail 'no drift in info'
exits 0 lir-index delete grown.index --ids few.txt
exits 0 lir-index compact grown.index

# Documents that the centroids are not made for are warned of, others are not.
python3 - <<'PYTHON'
import json, random
random.seed(5)
def vector(near):
    values = [random.gauss(0, 0.02) for _ in range(16)] if near else [random.gauss(0, 1) for _ in range(16)]
    if near:
        values[random.randrange(8)] += 1
    length = sum(v * v for v in values) ** 0.5
    return [v / length for v in values]
for name, documents, near in ("first", 200, True), ("like", 80, True), ("other", 80, False), ("few", 8, False):
    with open(f"{name}.jsonl", "w") as file:
        for number in range(documents):
            print(json.dumps({"id": f"{name}{number}", "vectors": [vector(near) for _ in range(16)]}), file=file)
PYTHON
exits 0 lir-index build --type plaid --model-label made --num-centroids 8 -o drift.index first.jsonl
exits 0 lir-index append --model-label made drift.index like.jsonl
grep -q warning said.log && fail 'a warning of vectors like those of the sample'
exits 0 lir-index append --model-label made drift.index few.jsonl
grep -q warning said.log && fail 'a warning of a few vectors'
exits 0 lir-index append --model-label made drift.index other.jsonl
grep -q 'warning: the vectors are [0-9.]* times as far' said.log || fail 'no warning of other vectors'
exits 0 lir-index verify grown.index

# Where all documents may be candidates all are compared, as --exact does; with fewer they are not.
exits 0 search 2.index --candidate-k 120 -o all.run
cmp exact.run all.run
exits 0 search 2.index --candidate-k 119 -o most.run
exits 0 search 2.index --candidate-k 8 --oversample 1 -o fewest.run
differ exact.run fewest.run
exits 0 search 2.index --candidate-k 120 --approximate -o codes.run
differ exact.run codes.run
exits 0 search exact.index --filter-out few.txt -o left.run
exits 0 search 2.index --candidate-k 120 --filter-out few.txt -o all.run
cmp left.run all.run
exits 0 search grown.index --candidate-k 117 -o all.run
exits 0 search exact.index --filter-out few.txt -o left.run
cmp left.run all.run

# What is learned anew is learned from what is left, as of a stream.
tail -n +4 docs.tsv >kept.tsv
exits 0 encode $model doc kept.tsv -o kept.lirt
for setting in 'plaid --allocation vectors --num-centroids 16' 'ivf --num-centroids 5' \
  'ivfpq --num-centroids 5 --num-subquantizers 2 --n-bits 4' 'pq --num-subquantizers 2 --n-bits 4'; do
  # shellcheck disable=SC2086
  exits 0 lir-index build --type $setting front.lirt -o again.index
  exits 0 lir-index append again.index back.lirt
  exits 0 lir-index delete again.index --ids few.txt
  exits 0 lir-index compact --retrain again.index
  exits 0 lir-index verify again.index
  # shellcheck disable=SC2086
  exits 0 lir-index build --type $setting kept.lirt -o fresh.index
  for file in fresh.index/*; do
    case $file in *manifest.json) ;; *) same "$file" "again.index/${file##*/}" ;; esac
  done
  exits 0 search fresh.index -o left.run
  exits 0 search again.index -o all.run
  same left.run all.run
done
# Centroids of tokens' own are for documents of streams: which token a vector is of is not stored.
exits 0 lir-index build --type plaid --num-centroids 24 front.lirt -o again.index
exits 0 lir-index compact --retrain again.index
exits 0 lir-index verify again.index
exits 0 lir-index append again.index back.lirt
exits 0 search again.index --exact -o all.run
same exact.run all.run
exits 0 lir-index build --type plaid --originals none front.lirt -o again.index
refuses 78 'no vectors to learn from' lir-index compact --retrain again.index

# Two stages: all documents of the first stage are all that is scored.
exits 0 lir-index build docs.tsv -o words.index
exits 0 lir-search --index words.index -k 20 queries.tsv -o words.run
exits 0 search 2.index --approximate --first-stage words.run -o staged.run
exits 0 lir-search --tag t -k 7 --index 2.index --approximate --first-stage words.index --first-stage-k 20 \
  queries.lirt queries.tsv -o together.run
cmp staged.run together.run
exits 0 lir-search --tag t --index exact.index --pairs words.run queries.lirt -o pairs.run
exits 0 search exact.index --first-stage words.run -o staged.run
awk '$4 <= 7' pairs.run | cmp - staged.run

exits 0 lir-index build --type plaid --originals none docs.lirt -o small.index
refuses 78 'codes alone' search small.index --exact
exits 0 search 4.index --n-cells all --candidate-k 4000 --oversample 100 -o all.run
cmp exact.run all.run
refuses 64 imputation search small.index --imputation min
refuses 64 n-cells search small.index --n-cells some
refuses 64 first-stage-k search small.index --first-stage words.run --first-stage-k 5

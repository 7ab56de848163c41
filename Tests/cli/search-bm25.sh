# shellcheck shell=bash
# An index of texts, without a model: Anserini's scores, the same bytes for threads and shards.

docs=$FIXTURES/bm25/docs.tsv queries=$FIXTURES/bm25/queries.tsv
exits 0 lir-index build --type bm25 -o whole.index "$docs"
exits 0 lir-index verify whole.index
exits 0 lir-search --index whole.index -k 30 --tag t "$queries" -o whole.run
# Every rank has Anserini's score, but for the last decimal where it subtracts one for each tie.
awk 'NR == FNR { mine[$1, $4] = $5; next }
  { n++; d = mine[$1, $4] - $5; if (d > 0.00006 + 0.00001 || d < -0.00006) { print; bad++ } }
  END { exit bad > 0 || n < 1500 }' whole.run "$FIXTURES/bm25/anserini.run" >bad.txt ||
  fail "other scores: $(head -n 3 bad.txt)"

for threads in 1 2; do
  exits 0 lir-index build --type bm25 --threads $threads --max-memory 1M -o other.index "$docs"
  for file in whole.index/*.safetensors; do same "$file" "other.index/${file##*/}"; done
  exits 0 lir-search --index other.index -k 30 --tag t --threads $threads "$queries" -o other.run
  same whole.run other.run
  rm -rf other.index
done
split -n l/3 --numeric-suffixes=1 -a 1 "$docs" part-
for i in 1 2 3; do exits 0 lir-index build --type bm25 -o part-$i.index part-$i; done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index
for file in whole.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done

exits 0 lir-search --index whole.index -k 30 --tag t --k1 1.2 --b 0.75 "$queries" -o robertson.run
! cmp -s whole.run robertson.run || fail 'k1 and b change nothing'
exits 0 lir-index build --type bm25 --language none -o plain.index "$docs"
refuses 64 'from 0.0 to 1.0' lir-search --index whole.index --b 2 "$queries"
refuses 64 'expected english or none' lir-index build --type bm25 --language klingon -o x.index "$docs"

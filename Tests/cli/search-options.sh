# shellcheck shell=bash
# lir-search: lists of documents, given pairs, passages, feedback, explanations; queries' options.

dense=$MODELS/native/dpr_bert_01/model
sparse=$MODELS/native/splade_bert_02/model
texts 300 | awk -F'\t' '$2 != ""' >docs.tsv
texts 12 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
for kind in dense sparse; do
  exits 0 lir-encode --model "${!kind}" --role doc docs.tsv -o docs.lirt
  exits 0 lir-encode --model "${!kind}" --role query queries.tsv -o $kind.lirt
  exits 0 lir-index build docs.lirt -o $kind.index
done
exits 0 lir-index build --type bm25 docs.tsv -o words.index
# As many documents as a number can say.
for codes in int8 f16 b1; do
  exits 0 lir-encode --model "$dense" --role doc docs.tsv -o docs.lirt
  exits 0 lir-index build --codes $codes docs.lirt -o coded.index
  exits 0 lir-search --index coded.index -k 999999 --tag t dense.lirt -o all.run
  exits 0 lir-search --index coded.index -k 9223372036854775807 --tag t dense.lirt -o most.run
  same all.run most.run
done
query_of() { case $1 in words) echo queries.tsv ;; *) echo "$1.lirt" ;; esac; }
ranked() { awk '{ $4 = ++n[$1]; print }' "$@"; }

for kind in dense sparse words; do
  input=$(query_of $kind)
  exits 0 lir-search --index $kind.index -k 999999 --tag t "$input" -o all.run
  says 'note: -k 999999: the index has'
  exits 0 lir-search --index $kind.index -k 9223372036854775807 --tag t "$input" -o most.run
  same all.run most.run
  # Documents that may not be found, for all queries and for each; with those that may.
  awk -F'\t' 'NR % 3 { print $1 }' docs.tsv >out.txt
  awk '$4 % 2 { print $1 "\t" $3 }' all.run >in.txt
  exits 0 lir-search --index $kind.index -k 7 --tag t --filter-out out.txt --filter in.txt "$input" \
    -o some.run
  awk 'FILENAME == "out.txt" { out[$1] = 1; next } $4 % 2 && !($3 in out)' out.txt all.run |
    ranked | awk '$4 <= 7' >expected.run
  same expected.run some.run
  echo nowhere >>out.txt
  exits 0 lir-search --index $kind.index -k 7 --tag t --filter-out out.txt "$input" -o some.run
  says '1 ids are not in the index'
  # White space is part of no id: it would exclude nothing.
  for line in 'd1 d2' 'd1 ' ' d1' 'q1 Q0 d1 1 2.5 t'; do
    printf 'd3\n%s\n' "$line" >spaces.txt
    for option in --filter --filter-out; do
      refuses 65 'spaces.txt:2: expected an id without white space or NUL, found white space in "' \
        lir-search --index $kind.index $option spaces.txt "$input"
    done
    refuses 65 'spaces.txt:2: ' lir-index delete $kind.index --ids spaces.txt
  done
  # A least score.
  floor=$(awk '$4 == 5 { print $5; exit }' all.run)
  exits 0 lir-search --index $kind.index -k 999999 --tag t "--min-score=$floor" "$input" -o some.run
  awk -v floor="$floor" '$5 >= floor + 0' all.run >expected.run
  same expected.run some.run
  # Given pairs, as lines of pairs and as a run.
  awk '$4 % 5 == 1' all.run >pairs.run
  ranked pairs.run >expected.run
  exits 0 lir-search --index $kind.index --tag t --pairs pairs.run "$input" -o some.run
  same expected.run some.run
  awk '{ print $1 "\t" $3 }' pairs.run | sort -r >pairs.tsv
  exits 0 lir-search --index $kind.index --tag t --pairs pairs.tsv -k 1 "$input" -o some.run
  same expected.run some.run
  refuses 64 '--drop-self goes without --pairs' \
    lir-search --index $kind.index --pairs pairs.tsv --drop-self "$input"
  printf 'q1\tnowhere\n' >missing.tsv
  refuses 65 'missing.tsv:1: document nowhere is not in the index' \
    lir-search --index $kind.index --pairs missing.tsv "$input"
  printf 'nobody\t%s\n' "$(head -n 1 docs.tsv | cut -f 1)" >missing.tsv
  exits 65 lir-search --index $kind.index --pairs missing.tsv "$input" -o none.run
  says 'query nobody is not among the queries'
  [ ! -e none.run ] || fail 'an output of queries that are missing'
done

# Passages: documents by the best, the first or all of them, as many as there are.
awk -F'\t' '{ print "p" int(NR / 4) "#" NR % 4 "\t" $2 }' docs.tsv >passages.tsv
exits 0 lir-encode --model "$dense" --role doc passages.tsv -o passages.lirt
exits 0 lir-index build passages.lirt -o passages.index
exits 0 lir-search --index passages.index -k 999999 --tag t dense.lirt -o all.run
awk '{ split($3, id, "#"); if (!seen[$1, id[1]]++) print $1, id[1], $5 }' all.run >maxp
awk '{ split($3, id, "#"); if (id[2] == 0) print $1, id[1], $5 }' all.run >firstp
for how in maxp firstp; do
  exits 0 lir-search --index passages.index -k 50 --tag t --aggregate $how dense.lirt -o some.run
  awk '++n[$1] <= 50 { print $1, $2, $3 }' $how | LC_ALL=C sort -k1,1 -k3,3gr -k2,2r >expected
  awk '{ print $1, $3, $5 }' some.run | LC_ALL=C sort -k1,1 -k3,3gr -k2,2r >found
  same expected found
done
exits 0 lir-search --index passages.index -k 5 --tag t --aggregate sump dense.lirt -o some.run
awk '{ split($3, id, "#"); sum[$1, id[1]] += $5 }
  END { for (key in sum) { split(key, part, SUBSEP); print part[1], part[2], sum[key] } }' all.run |
  LC_ALL=C sort -k1,1 -k3,3gr | awk '++n[$1] <= 5 { print $1, $2 }' | sort >expected
awk '{ print $1, $3 }' some.run | sort >found
same expected found
refuses 64 '--aggregate: expected one of maxp, firstp, sump' \
  lir-search --index passages.index --aggregate mean dense.lirt

# Feedback: documents that count nothing change nothing.
exits 0 lir-search --index dense.index -k 9 --tag t dense.lirt -o one.run
exits 0 lir-search --index dense.index -k 9 --tag t --prf 3:1:0 dense.lirt -o some.run
same <(cut -d ' ' -f 1-4 one.run) <(cut -d ' ' -f 1-4 some.run)
exits 0 lir-search --index dense.index -k 9 --tag t --prf 3:0.4:0.6 dense.lirt -o some.run
! cmp -s one.run some.run || fail 'feedback changes nothing'
refuses 64 '--prf: expected K:ALPHA:BETA' lir-search --index dense.index --prf 3 dense.lirt
refuses 64 '--prf: bm25 keeps no vectors' lir-search --index words.index --prf 3:1:1 queries.tsv

# Explanations are JSON lines with the run's scores; a model gives its tokens.
exits 0 lir-search --index sparse.index -k 3 --tag t sparse.lirt -o one.run
exits 0 lir-search --index sparse.index -k 3 --explain --model "$sparse" sparse.lirt -o some.jsonl
cat >read.py <<'PY'
import json
for line in open("some.jsonl"):
    row = json.loads(line)
    terms = row["explanation"]["terms"]
    assert terms and all(isinstance(t["term"], str) for t in terms), row
    assert abs(sum(t["query"] * t["document"] for t in terms) - row["score"]) < 1e-3, row
    print(row["query_id"], "Q0", row["doc_id"], row["rank"], row["score"], "t")
PY
python3 read.py >found
awk '{ print $1, $3, $4 }' one.run >expected
same expected <(awk '{ print $1, $3, $4 }' found)
exits 0 lir-search --index dense.index -k 3 --explain --aggregate maxp dense.lirt -o some.jsonl
grep -q '"explanation":{"aggregate":"maxp","passages":\[{"passage":"[^"]*","similarity":"[a-z]*"' \
  some.jsonl || fail 'no similarity in an explanation'
refuses 64 '--explain writes JSON lines' \
  lir-search --index dense.index --explain --format trec dense.lirt

# What is done to queries that are text: as in lir-encode.
exits 0 lir-encode --model "$dense" --role query --max-length 5 --prompt 'ask: ' queries.tsv -o cut.lirt
exits 0 lir-search --index dense.index -k 9 --tag t cut.lirt -o expected.run
exits 0 lir-search --index dense.index --model "$dense" -k 9 --tag t --max-length 5 --prompt 'ask: ' \
  queries.tsv -o some.run
same expected.run some.run
! cmp -s expected.run one.run || fail '--prompt and --max-length change nothing'
for option in '--max-length 5' '--prompt x'; do
  # shellcheck disable=SC2086
  refuses 64 'are for texts' lir-search --index dense.index $option dense.lirt
done
rm -rf ./*.lirt ./*.index

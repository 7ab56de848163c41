# shellcheck shell=bash
# A folder of inputs that are wrong, each in its own way: all are refused with 65, with the place,
# what was expected and what was found, and none gets a score.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
mkdir bad
# name, where, expected, found: of a run
bad_run() {
  cat >"bad/$1"
  [ -z "${4:-}" ] || set -- "$1" "$2" "$3" ", found $4"
  for tool in "lir-eval --qrels qrels.txt" "lir-eval trec_eval qrels.txt"; do
    # shellcheck disable=SC2086
    refuses 65 "bad/$1$2: expected $3${4:-}" $tool "bad/$1"
  done
}
bad_qrels() {
  cat >"bad/$1"
  refuses 65 "bad/$1$2: expected $3, found $4" lir-eval --qrels "bad/$1" run.txt
  refuses 65 "bad/$1$2: expected $3, found $4" lir-eval trec_eval "bad/$1" run.txt
}
printf '1 Q0 a 1 nan t\n' | bad_run nan :1 'a finite score' '"nan"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 inf t\n' | bad_run infinite :2 'a finite score' '"inf"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 1e39 t\n' | bad_run huge :2 'a finite score' '"1e39"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 0x10 t\n' | bad_run hexadecimal :2 'a finite score' '"0x10"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 1,5 t\n' | bad_run comma :2 'a finite score' '"1,5"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 1.5e t\n' | bad_run exponent :2 'a finite score' '"1.5e"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 - t\n' | bad_run sign :2 'a finite score' '"-"'
printf '1 Q0 a 1 2.5 t\n1 Q0 b 2 1.5\n' | bad_run five :2 '6 fields (query Q0 doc rank score tag)' 5
printf '1 Q0 a 1 2.5 t\n1 Q0 b' | bad_run cut-line :2 '6 fields (query Q0 doc rank score tag)' 3
printf '1 Q0 a 1 2.5 t\n# c\n\n2 Q0 b 2 1.5 t\n1 Q0 a 3 1 t\n' |
  bad_run twice :5 'each document once in a query' '"a" again for query "1", after line 1'
printf '1 Q0 a 1 2.5 t\n1 Q0 a 1 2.5 t\n' |
  bad_run same-line :2 'each document once in a query' '"a" again for query "1", after line 1'
printf '1 Q0 a 1 2.5 t\n1 Q0 b\0 2 1 t\n' | bad_run nul :2 'ids without NUL' 'a NUL'
printf '\0\0\0\0\0\0\0\0\0\0\0\0' | bad_run zeros :1 '6 fields (query Q0 doc rank score tag)' 1
printf '' | bad_run empty '' data 'not one byte'
printf '\n\n# nothing\n' | bad_run blank '' 'a run' 'no line of one'
printf '9 Q0 a 1 2 t\n' | bad_run strangers '' 'queries that qrels.txt judges'
printf '{"query_id":"1","doc_id":"a"}\n' >bad/score.jsonl
refuses 65 'bad/score.jsonl:1: expected a finite number under "score"' \
  lir-eval --qrels qrels.txt bad/score.jsonl
printf '{"query_id":"1","doc_id":"a","score":1\n' >bad/open.jsonl
refuses 65 'bad/open.jsonl:1' lir-eval --qrels qrels.txt bad/open.jsonl
printf '{"query_id":"1","doc_id":"a","score":1}\n{"query_id":"1","doc_id":"a","score":2}\n' \
  >bad/twice.jsonl
refuses 65 'bad/twice.jsonl:2: expected each document once' lir-eval --qrels qrels.txt bad/twice.jsonl

printf '1 0 a 1\n1 0 b 1.5\n' | bad_qrels fraction :2 'an integer grade' '"1.5"'
printf '1 0 a 1\n1 0 b x\n' | bad_qrels word :2 'an integer grade' '"x"'
printf '1 0 a 1\n1 0 b 99999999999999999999\n' |
  bad_qrels grade :2 'an integer grade' '"99999999999999999999"'
printf '1 0 a 1\n1 0 b\n' | bad_qrels three :2 '4 fields (query iteration doc grade)' 3
printf '1 0 a 1\n1 0 b 1 t\n' | bad_qrels five-columns :2 '4 fields (query iteration doc grade)' 5
printf '1 0 a 1\n2 0 a 1\n1 0 a 0\n' | bad_qrels conflict :3 'one grade for a document of a query' \
  '"a" for query "1" with grade 0, after grade 1 in line 1'
printf '1 0 a 1\n1 0 a 1\n' | bad_qrels repeated :2 'one grade for a document of a query' \
  '"a" for query "1" with grade 1, after grade 1 in line 1'
printf '1 0 a 1\n1 1 a 2\n' | bad_qrels subtopics :2 'one grade for a document of a query' \
  '"a" for query "1" with grade 2, after grade 1 in line 1'
refuses 65 'hint: iterations are subtopics to measures of diversity alone' \
  lir-eval --qrels bad/subtopics run.txt
refuses 65 'expected one grade' lir-eval --qrels bad/subtopics -m StRecall@5 -m AP run.txt
exits 0 lir-eval -q --qrels bad/subtopics -m StRecall@5 run.txt >printed.log
refuses 65 'expected one grade' lir-eval --qrels bad/repeated -m StRecall@5 run.txt
printf '' >bad/no-qrels
refuses 65 'bad/no-qrels: expected data, found not one byte' lir-eval --qrels bad/no-qrels run.txt
refuses 65 'bad/no-qrels: expected data, found not one byte' lir-eval trec_eval bad/no-qrels run.txt
printf '# none\n' >bad/no-qrels
refuses 65 'bad/no-qrels: expected judgements, found no line of one' \
  lir-eval --qrels bad/no-qrels run.txt
refuses 65 'bad/no-qrels: expected judgements, found no line of one' \
  lir-eval trec_eval bad/no-qrels run.txt
printf 'query-id\tcorpus-id\tscore\n1\ta\n' >bad/beir
refuses 65 'bad/beir:2: expected 3 fields (query-id corpus-id score), found 2' \
  lir-eval --qrels bad/beir run.txt

# Compressed inputs: of no bytes, cut anywhere, with a bit that is wrong.
i=0
while [ $i -lt 3000 ]; do echo "1 Q0 d$((i * 7919 % 10007)) $i $((i * 31 % 997)).$i t" && i=$((i + 1)); done >long
gzip -kn long
! printf 'x' | zstd -q >/dev/null 2>&1 || zstd -q --check long
! printf 'x' | lz4 -q >/dev/null 2>&1 || lz4 -q long long.lz4 2>/dev/null
for name in long.gz long.zst long.lz4; do
  if [ ! -e "$name" ]; then
    note "$name cannot be made here"
    continue
  fi
  exits 0 lir-eval -q --qrels qrels.txt -m RR "$name" >printed.log
  size=$(wc -c <"$name")
  for cut in 0 3 20 $((size / 2)) $((size - 1)); do
    file=bad/cut-$cut.${name#long.}
    head -c "$cut" "$name" >"$file"
    refuses 65 "$file" lir-eval --qrels qrels.txt -m RR "$file"
    refuses 65 "$file" lir-eval trec_eval qrels.txt "$file"
    refuses 65 "$file" lir-eval --qrels "$file" run.txt
  done
  python3 - "$name" "bad/flipped.${name#long.}" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 0x10
open(sys.argv[2], "wb").write(data)
PY
  refuses 65 "bad/flipped.${name#long.}" \
    lir-eval --qrels qrels.txt -m RR "bad/flipped.${name#long.}"
done
[ "$(find bad -type f | wc -l)" -ge 40 ] || fail "expected at least 40 inputs"

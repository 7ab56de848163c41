# shellcheck shell=bash
# The measures that pytrec_eval and ir_measures gave for this run, as TSV, JSON and tables.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
lir-eval --qrels qrels.txt run.txt
lir-eval --qrels qrels.txt -m AP -m 'AP(rel=2)' -m NumQ -m NumRet --per-query run.txt
lir-eval --qrels qrels.txt -m AP -m NumQ --average-over qrels --format json <run.txt
lir-eval --qrels qrels.txt -m RR -m P@2 --format table run.txt
printf '1 Q0 a 1 2 t\n1 Q0 b 2 1 t\n2 Q0 c 1 2 t\n2 Q0 b 2 1 t\n' >'a|b_c'
lir-eval --qrels qrels.txt -m RR -m NumQ --format markdown run.txt 'a|b_c'
lir-eval --qrels qrels.txt -m RR -m NumQ --format latex run.txt 'a|b_c'

# All that a run can be.
zstd -q run.txt 2>/dev/null || note "zstd is not installed"
[ ! -e run.txt.zst ] || same <(lir-eval --qrels qrels.txt run.txt.zst | cut -f 2-) \
  <(lir-eval --qrels qrels.txt run.txt | cut -f 2-)
lir-eval --qrels qrels.txt -o out.tsv run.txt
same out.tsv <(lir-eval --qrels qrels.txt run.txt)
printf '1\ta\t1\n1\tb\t2\n' >msmarco
lir-eval --qrels qrels.txt -m RR --run-format msmarco msmarco
printf '%s\n' '{"query_id":"1","doc_id":"x","score":2,"relevance":0}' \
  '{"query_id":"1","doc_id":"y","score":1,"relevance":2}' >run.jsonl
lir-eval -m RR -m nDCG run.jsonl

# shellcheck shell=bash
# Comparisons are seeded, and whole in every form.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
printf '1 Q0 b 1 2 t\n1 Q0 a 2 1 t\n2 Q0 b 1 2 t\n3 Q0 a 1 2 t\n3 Q0 b 2 1 t\n' >other
lir-eval --qrels qrels.txt -m RR --compare run.txt other
lir-eval --qrels qrels.txt -m RR --baseline other --format table run.txt other
same <(lir-eval --qrels qrels.txt --compare run.txt other) \
  <(lir-eval --qrels qrels.txt --compare run.txt other)
lir-eval --qrels qrels.txt --compare --format json run.txt other | python3 -c '
import json, sys
rows = json.load(sys.stdin)
assert [row["measure"] for row in rows] == ["nDCG@10", "AP", "RR", "P@10", "R@1000"]
assert all(row["wins"] + row["ties"] + row["losses"] == 3 for row in rows)'
# Runs that are equal have no effect size and no t; zero over zero has no sign.
cp run.txt equal
is 'what is no number' 'cohen_d nan,hedges_g nan,t nan,t_p nan' \
  "$(lir-eval --qrels qrels.txt -m RR --compare run.txt equal 2>said.log |
    awk '$4 ~ /^(cohen_d|hedges_g|t|t_p)$/ { printf "%s%s %s", sep, $4, $5; sep = "," }')"
lir-eval --qrels qrels.txt --compare --format latex run.txt other | tail -n 1
refuses 64 'at least two runs' lir-eval --qrels qrels.txt --compare run.txt
refuses 64 "found 'nope'" lir-eval --qrels qrels.txt --baseline nope run.txt other
refuses 64 '--confidence' lir-eval --qrels qrels.txt --compare --confidence 2 run.txt other
printf '1 Q0 b 1 2 t\n' >one
refuses 65 'at least 2 queries in common' lir-eval --qrels qrels.txt --compare run.txt one

# shellcheck shell=bash
# Ties: trec_eval's order, its limits, and a word where it decides.
printf '1 0 a 1\n1 0 b 0\n2 0 a 1\n2 0 2 1\n' >qrels
printf '1 Q0 a 1 1 t\n1 Q0 b 2 1 t\n1 Q0 c 3 0 t\n2 Q0 2 1 9 t\n2 Q0 x 2 1 t\n2 Q0 a 3 0 t\n' >run
exits 0 lir-eval --qrels qrels -m RR@1 -m AP run
says 'run: in 1 of 2 queries a tie at rank 1 decides the measures @1'
lir-eval --qrels qrels -m RR -m NumRet --ties bounds run
lir-eval --qrels qrels -m RR --drop-self --per-query run
# By the ranks that were written down: better than, or against, the ids.
printf '1 Q0 a 2 1 t\n1 Q0 b 1 1 t\n1 Q0 c 3 0 t\n' >ranked
lir-eval -q --qrels qrels -m RR --ties trec ranked
lir-eval -q --qrels qrels -m RR --ties rank ranked
sed 's/ b 1 / b 3 /' ranked >turned
lir-eval -q --qrels qrels -m RR --ties rank turned
sed 's/ b 1 / b 2 /' ranked >equal
refuses 65 'equal: query 1: expected different ranks for documents with equal scores, found rank 2' \
  lir-eval --qrels qrels --ties rank equal
sed 's/ b 1 / b x /' ranked >word
refuses 65 'word:2: expected a rank from 0 on, found "x"' lir-eval --qrels qrels --ties rank word
# Too many orders to look at all of them: random ones, and a word about it; the same every time.
for i in 1 2 3 4 5 6 7 8 9; do echo "1 Q0 r$i 1 1 t" && echo "1 Q0 n$i 1 1 t"; done >wide
for i in 1 2 3 4 5 6 7 8 9; do echo "1 0 r$i 1" && echo "1 0 n$i -1"; done >wide.qrels
exits 0 lir-eval --qrels wide.qrels -m infAP -m AP --ties bounds wide >printed.log
says 'wide: infAP: in 1 queries there are too many orders of ties'
same printed.log <(lir-eval -q --qrels wide.qrels -m infAP -m AP --ties bounds wide 2>/dev/null)
# What nobody judged.
lir-eval -q --qrels qrels -m P@2 -m 'RBP(rel=1)' -m AP --judged run
lir-eval -q --qrels qrels -m P@2 -m 'RBP(rel=1,p=0.5)' -m AP --residuals run
refuses 64 '--residuals: expected a measure that has one' lir-eval --qrels qrels -m AP --residuals run
refuses 64 '--residuals: expected one order of ties' \
  lir-eval --qrels qrels -m RR --residuals --ties bounds run

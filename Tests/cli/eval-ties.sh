# shellcheck shell=bash
# Ties: trec_eval's order, its limits, and a word where it decides.
printf '1 0 a 1\n1 0 b 0\n2 0 a 1\n2 0 2 1\n' >qrels
printf '1 Q0 a 1 1 t\n1 Q0 b 2 1 t\n1 Q0 c 3 0 t\n2 Q0 2 1 9 t\n2 Q0 x 2 1 t\n2 Q0 a 3 0 t\n' >run
exits 0 lir-eval --qrels qrels -m RR@1 -m AP run
says 'run: in 1 of 2 queries a tie at rank 1 decides the measures @1'
lir-eval --qrels qrels -m RR -m NumRet --ties bounds run
lir-eval --qrels qrels -m RR --drop-self --per-query run

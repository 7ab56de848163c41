# shellcheck shell=bash
# What is wrong is named, and gets no score.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
: >empty
printf '1 Q0 a 1 nan t\n' >nan
printf '1 Q0 a 1 2 t\n1 Q0 a 2 1 t\n' >twice
printf '1 Q0 a 1 2\n' >short
printf '1 Q0 a 1 1,5 t\n' >comma
printf '1 0 a 1\n1 0 a 2\n' >conflict
printf '9 Q0 a 1 2 t\n' >other
refuses 65 'nan:1: expected a finite score, found "nan"' lir-eval --qrels qrels.txt nan
refuses 65 'twice:2: expected each document once' lir-eval --qrels qrels.txt twice
refuses 65 'short:1: expected 6 fields' lir-eval --qrels qrels.txt short
refuses 65 'comma:1: expected a finite score' lir-eval --qrels qrels.txt comma
refuses 65 'empty: expected data, found not one byte' lir-eval --qrels qrels.txt empty
refuses 65 'empty: expected data, found not one byte' lir-eval --qrels empty run.txt
refuses 65 'conflict:2: expected one grade' lir-eval --qrels conflict run.txt
refuses 65 'other: expected queries that qrels.txt judges' lir-eval --qrels qrels.txt other
refuses 66 'absent' lir-eval --qrels qrels.txt absent
refuses 66 'absent' lir-eval --qrels absent run.txt
refuses 64 '--qrels is missing' lir-eval run.txt
refuses 64 'run.txt twice' lir-eval --qrels qrels.txt run.txt run.txt
refuses 64 'did you mean nDCG?' lir-eval --qrels qrels.txt -m nDGC@10 run.txt
printf '1 Q0 a 1 2 t\n' >one
refuses 1 '1 queries in both, 2 in the qrels alone' lir-eval --strict --qrels qrels.txt one
exits 0 lir-eval --qrels qrels.txt -m RR one >printed.log
says 'warning: one: 1 queries in both, 2 in the qrels alone'
if printf 'x' | zstd -q >/dev/null 2>&1; then
  zstd -q run.txt
  head -c 20 run.txt.zst >cut.zst
  : >none.zst
  refuses 65 'cut.zst: truncated' lir-eval --qrels qrels.txt cut.zst
  refuses 65 'none.zst: expected compressed data' lir-eval --qrels qrels.txt none.zst
else
  note "zstd is not installed"
fi

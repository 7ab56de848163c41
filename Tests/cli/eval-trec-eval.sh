# shellcheck shell=bash
# trec_eval's arguments and output, also under its name.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
data=$FIXTURES/trec_eval
lir-eval trec_eval -q -m map -m P.1,5 -m ndcg.1=3 -c qrels.txt run.txt
ln -s "$(command -v lir-eval)" trec_eval
same <(./trec_eval qrels.txt run.txt) <(lir-eval trec_eval -m official qrels.txt run.txt)
if printf 'x' | zstd -q >/dev/null 2>&1; then
  lir-eval trec_eval -m all_trec -q "$data"/qrels.test.zst "$data"/results.test.zst >out
  same out <(zstd -dcq <"$data"/out.test.aq.zst)
  zstd -dcq <"$data"/results.test.zst | lir-eval trec_eval "$data"/qrels.test.zst - >out
  same out <(zstd -dcq <"$data"/out.test.zst)
else
  note "zstd is not installed"
fi
lir-eval trec_eval -h -m map | tail -n 3
lir-eval trec_eval -v >/dev/null
refuses 64 "illegal measure 'mapp'" lir-eval trec_eval -m mapp qrels.txt run.txt
says 'hint: did you mean map?'
refuses 64 'expected judgements and a run' lir-eval trec_eval qrels.txt
refuses 64 "unknown option -x" ./trec_eval -x qrels.txt run.txt
printf '1 Q0 a 1 nan t\n' >nan
refuses 65 'nan:1: expected a finite score' lir-eval trec_eval qrels.txt nan
refuses 66 'absent' ./trec_eval absent run.txt

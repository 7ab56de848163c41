# shellcheck shell=bash
# Tables for papers: decimals, names of runs, the values alone; names of trec_eval, operands that are
# swapped.
for q in 1 2 3 4 5 6 7 8; do
  printf '%s\n' "$q 0 a 1" "$q 0 z 1" >>qrels
  printf '%s\n' "$q Q0 a 1 3 t" "$q Q0 b 2 2 t" >>good.run
  printf '%s\n' "$q Q0 b 1 3 t" "$q Q0 a 2 2 t" >>bad.run
done
lir-eval -q --qrels qrels -m RR,map --digits 2 --label 'Our model=good.run' good.run bad.run
lir-eval -q --qrels qrels -m 'recip_rank P_1' --format markdown --label A=good.run --label B=bad.run \
  --compare --summary --baseline bad.run good.run bad.run
lir-eval -q --qrels qrels -m ndcg_cut_10 --format table --digits 3 good.run
lir-eval -q --qrels qrels -m RR --format json --digits 1 good.run
lir-eval -q --qrels qrels -m RR --compare --summary --baseline B --label B=bad.run good.run bad.run

refuses 64 "there is no run 'no.run'" lir-eval --qrels qrels --label A=no.run good.run
refuses 64 "two runs would be called 'bad.run'" \
  lir-eval --qrels qrels --label bad.run=good.run good.run bad.run
refuses 64 "found '=good.run'" lir-eval --qrels qrels --label =good.run good.run
refuses 64 'two' lir-eval --qrels qrels --label A=good.run --label B=good.run good.run
refuses 64 '--digits: expected 0 to 15' lir-eval --qrels qrels --digits 16 good.run
refuses 64 '--summary is for --compare' lir-eval --qrels qrels --summary good.run
refuses 64 '--summary is for tables' \
  lir-eval --qrels qrels --compare --summary --format tsv good.run bad.run
refuses 64 'at least two runs' lir-eval --qrels qrels --compare --report page.html good.run
[ ! -e page.html ] || fail 'a page of a refused command line'

# A run that ends above the cutoff has recall at less; not where everything was found.
exits 0 lir-eval --qrels qrels -m R@100 good.run >printed.log
says 'warning: good.run: R@100 of a run with at most 2 documents a query is recall at 2'
exits 0 lir-eval --qrels qrels -m R@2 -m nDCG@100 good.run >printed.log
! grep -q 'is recall at' said.log || fail 'a warning of a cutoff that is reached'
printf '1 0 a 1\n' >found
exits 0 lir-eval --qrels found -m R@100 good.run >printed.log
! grep -q 'is recall at' said.log || fail 'a warning of a recall of 1'

# What people write is understood, or said.
exits 0 lir-eval -v --qrels qrels -m ndcg_cut_10 good.run >printed.log
says "trec_eval's ndcg_cut_10 is nDCG@10"
refuses 66 'hint: for another measure say -m RR@10' lir-eval --qrels qrels -m nDCG@10 RR@10 good.run
refuses 64 'hint: lir-eval trec_eval -m runid prints it' lir-eval --qrels qrels -m runid good.run
refuses 65 'this looks like judgements, which are for --qrels' lir-eval --qrels qrels qrels
refuses 65 'this looks like a run; judgements are for --qrels' lir-eval --qrels good.run good.run
printf '1\ta\t1\n' >three
refuses 65 'three columns need a header: query-id corpus-id score' lir-eval --qrels three good.run
printf 'qid docid rel\n1 a 1\n' >named
is 'a header of other names' 1.0 "$(lir-eval -q --qrels named -m RR good.run | cut -f 4)"
echo '{"1": {"a": 1}}' >table.json
echo '{"1": {"a": 2.5, "b": 1}}' >run.json
is 'tables of JSON' 1.0 "$(lir-eval -q --qrels table.json -m RR run.json | cut -f 4)"
printf '1 0 a 0.5\n' >half
is 'a fraction' 1.0 "$(lir-eval -q --qrels half -m nDCG@10 good.run | cut -f 4)"
refuses 65 'half:1: expected an integer grade, found "0.5", which RR cannot take' \
  lir-eval --qrels half -m RR good.run

# shellcheck shell=bash
# Tables with marks of significance: against a baseline, and of all runs with each other.
for q in 1 2 3 4 5 6 7 8; do
  echo "$q 0 a 1" >>qrels
  printf '%s\n' "$q Q0 a 1 3 t" "$q Q0 b 2 2 t" >>good
  printf '%s\n' "$q Q0 b 1 3 t" "$q Q0 a 2 2 t" >>bad
  if [ "$q" = 8 ]; then echo "$q Q0 a 1 3 t" >>poor; else echo "$q Q0 b 1 3 t" >>poor; fi
done
# RR: good 1, bad 0.5 always, poor 0 but for one query. t(7) of poor against good is -7, p = 2.1e-4;
# of poor against bad -3, p = 0.0199; equal differences are infinitely far from chance.
lir-eval -q --qrels qrels -m RR -m NumQ --baseline good --format table good bad poor | head -n 6
lir-eval -q --qrels qrels -m RR --compare --format markdown good bad poor | head -n 7
lir-eval -q --qrels qrels -m RR --compare --summary --format latex bad poor
lir-eval -q --qrels qrels -m RR --compare --per-query bad poor | tail -n 2
lir-eval -q --qrels qrels -m RR --compare --per-query --format json bad poor | jq -c '.[0].differences[7]'
lir-eval -q --qrels qrels -m RR --compare --per-query --format table bad poor | tail -n 1
if type script >/dev/null 2>&1; then
  on_terminal 'lir-eval -q --qrels qrels -m RR good bad' | grep -c "$(printf '\033')"'\[1m1.0000' >/dev/null ||
    fail 'the best is not bold on a terminal'
fi

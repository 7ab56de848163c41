# shellcheck shell=bash
# Weights of a fusion are found on judged queries, as a search of the whole grid finds them, and are the
# same whatever the threads and the order of lines.
command -v python3 >/dev/null || skip 'python3 is not installed'

# made: three runs of 26 queries, the second the best, and judgements of 22 of these and of one more
python3 - <<'PY'
import random
random.seed(3)
runs = [open(f"{name}.run", "w") for name in "abc"]
with open("qrels", "w") as qrels:
    for q in range(26):
        grades = [random.choice([0, 0, 0, 0, 1, 2]) for _ in range(30)]
        if q < 22:
            for d in range(0, 30, 2 if q % 3 else 1):
                print(f"q{q} 0 d{d} {grades[d]}", file=qrels)
        for run, noise, scale in zip(runs, (2.2, 1.3, 2.0), (1, 9, 0.3)):
            for d in random.sample(range(30), 22):
                if q != 7 or run is not runs[0]:
                    print(f"q{q} Q0 d{d} 0 {scale * (grades[d] + random.gauss(0, noise)):.2f} t", file=run)
    print("absent 0 d1 1", file=qrels)
for run in runs:
    run.close()
PY

tuned() { # tuned OPTION...: the run, and what is said in said.log
  exits 0 lir-rerank fuse --tune-weights qrels --tag t "$@"
}
told() { sed -n 's/^lir-rerank: note: //p' said.log | tail -n +2; }
for method in rrf sum minmax mnz; do
  tuned --method $method a.run b.run c.run -o found.run
  says 'nDCG@10 on 22 judged queries, 4 without judgements left out, 1 judged ones that no run has left out'
  same <(told) <(python3 "$ROOT"/Tests/cli/fusion_weights.py $method 1000 5 42 qrels a.run b.run c.run)
  weights=$(told | sed -n 's/^--weights //p')
  # The flag gives the same run, and the value that is said is that of lir-eval.
  lir-rerank fuse --method $method --weights "$weights" --tag t a.run b.run c.run -o again.run
  same found.run again.run
  value=$(lir-eval --qrels qrels -m nDCG@10 found.run 2>/dev/null | cut -f 4)
  grep -q "training=$(printf %.4f "$value") " said.log || fail "not $value"
done
tuned --method minmax -k 5 --folds 3 --seed 7 b.run a.run -o two.run
same <(told) <(python3 "$ROOT"/Tests/cli/fusion_weights.py minmax 5 3 7 qrels b.run a.run)
value=$(lir-eval --qrels qrels -m nDCG@10 two.run 2>/dev/null | cut -f 4)
grep -q "training=$(printf %.4f "$value") " said.log || fail "not $value"

# Other measures, and those that look at more than grades; other orders of lines and queries.
for measure in AP 'RR(rel=2)@5' 'P@3' infAP 'Compat(p=0.9)' alpha_nDCG@5 RBP; do
  tuned --measure "$measure" a.run b.run -o found.run
  first=$(told | grep -v alone)
  value=$(lir-eval --qrels qrels -m "$measure" found.run 2>/dev/null | cut -f 4)
  grep -q "training=$(printf %.4f "$value") " said.log || fail "$measure: not $value"
  tuned --threads 2 --measure "$measure" <(tac a.run) <(tac b.run) -o found.run
  same <(told | grep -v alone) <(echo "$first")
done

# Runs that are one cannot be told apart: equal weights. Provenance says what was found, and how.
tuned a.run a.run -o same.run.zst
told | grep -qx -e '--weights 1,1' || fail 'other weights than equal ones'
lir-eval provenance same.run.zst |
  jq -e '.[0] | .found.weights == "1,1" and (.inputs | has("tune-weights")) and .found.queries == 21' >/dev/null ||
  fail 'provenance says something else'

# What it says of itself makes it again.
if command -v make >/dev/null; then
  mkdir inputs
  cp a.run b.run qrels inputs
  tuned --method minmax --folds 3 --seed 5 a.run b.run -o tuned.run.zst
  lir-eval provenance --make --inputs inputs tuned.run.zst >tuned.mk
  exits 0 make -s -f tuned.mk
  same tuned.run.zst again/tuned.run.zst
else
  note 'make is not installed'
fi

grep '^q1 ' qrels >few
refuses 65 'at least 5 queries of the runs, one a part, found 1' lir-rerank fuse --tune-weights few a.run b.run
grep -E '^q[12] ' qrels >few
exits 65 lir-rerank fuse --tune-weights few a.run b.run
says '--folds 2'
exits 0 lir-rerank fuse --tune-weights few --folds 2 a.run b.run -o few.run
: >none
refuses 65 'none: expected' lir-rerank fuse --tune-weights none a.run b.run
refuses 66 'missing' lir-rerank fuse --tune-weights missing a.run b.run
refuses 64 'expected one of them' lir-rerank fuse --tune-weights qrels --weights 1,1 a.run b.run
refuses 64 '--folds: expected at least 2' lir-rerank fuse --tune-weights qrels --folds 1 a.run b.run
refuses 64 '--folds is for --tune-weights' lir-rerank fuse --folds 3 a.run b.run
refuses 64 '--measure is for --tune-weights' lir-rerank fuse --measure AP a.run b.run
refuses 64 'nDGC' lir-rerank fuse --tune-weights qrels --measure nDGC a.run b.run
refuses 64 'at least two runs' lir-rerank fuse --tune-weights qrels a.run
refuses 64 'expected - once' lir-rerank fuse --tune-weights - - b.run <a.run

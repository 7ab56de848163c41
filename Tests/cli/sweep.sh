# shellcheck shell=bash
# sweep.mk: each choice of values is a training of its own, and the table has the runs of all.

command -v make >/dev/null || skip 'make is not installed'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
exits 0 lir-index build -o words docs.tsv
exits 0 lir-search --index words -k 10 -o first.run queries.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {run: first.run, queries: queries.tsv, docs: docs.tsv, qrels: qrels.txt, targets: relevance, sample_size: 3}
batch_size: 4
max_steps: 2
losses: [{name: RankNet}]
optimizer: {name: AdamW, lr: 0.001}
END
sweep() { make --no-print-directory -f "$ROOT/pipelines/sweep.mk" OUT=out DEPTH=5 "$@" >made.log 2>said.log; }
grid='optimizer.lr=0.001,0.1 max_steps=1,2'
sweep GRID="$grid" || { cat said.log >&2; fail 'sweep.mk'; }
is 'runs' 'lr-0.001_max_steps-1 lr-0.001_max_steps-2 lr-0.1_max_steps-1 lr-0.1_max_steps-2' \
  "$(printf '%s\n' out/*.run | sed 's,out/optimizer.,,;s,.run$,,' | paste -sd ' ')"
# A cell is what the tools make of it by hand.
exits 0 lir-train --config train.yml --set optimizer.lr=0.1 --set max_steps=1 -o by-hand
same by-hand/model.safetensors out/optimizer.lr-0.1_max_steps-1/model.safetensors
exits 0 lir-rerank --model by-hand --queries queries.tsv --docs docs.tsv --depth 5 first.run -o by-hand.run
same <(cut -d ' ' -f 1-5 by-hand.run) <(cut -d ' ' -f 1-5 out/optimizer.lr-0.1_max_steps-1.run)
exits 0 lir-eval --qrels qrels.txt -m nDCG@10 -m RR@10 --format tsv out/*.run >table.tsv
same table.tsv out/table.tsv
for run in out/*.run; do grep -q "^$run " out/table.txt || fail "$run is in no row"; done
# Nothing is made twice; a further value is a further training alone; one that was stopped goes on.
sweep GRID="$grid" --question || fail 'not done after make'
before=$(stat -c %Y%i out/*/model.safetensors)
rm out/optimizer.lr-0.1_max_steps-2/DONE
sweep GRID='optimizer.lr=0.001,0.1,0.5 max_steps=1,2' || { cat said.log >&2; fail 'a further value'; }
is 'trainings' 3 "$(grep -c '^lir-train ' made.log)"
is 'models' 6 "$(find out -mindepth 2 -maxdepth 2 -name DONE | wc -l)"
is 'models that were there' "$(head -n 3 <<<"$before")" "$(stat -c %Y%i out/*/model.safetensors | head -n 3)"
! sweep GRID=optimizer.lr || fail 'a key without values'
says "GRID: 'optimizer.lr': expected KEY=VALUE,VALUE..."
! sweep GRIT="$grid" || fail 'another option'
says 'GRIT is not an option here; did you mean GRID?'
make -s -f "$ROOT/pipelines/sweep.mk" help >help.log
grep -q 'Goals: sweep' help.log || fail 'no help'

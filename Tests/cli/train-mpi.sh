# shellcheck shell=bash
# Several processes train as one does; one that dies ends the job, and the last checkpoint goes on.

# Without MPI nobody trains beside others: each would write over what they write.
has_mpi() { [ -x "$1" ] && "$1" --version -v | grep -q ' MPI '; }
if has_mpi "$LIR_BIN/lir-train"; then
  train=$LIR_BIN/lir-train
else
  train=$ROOT/.build/mpi/release/lir-train
  echo '{}' >empty.yml
  exits 78 env OMPI_COMM_WORLD_SIZE=2 lir-train --config empty.yml --set max_steps=1 --model none \
    --set data.tuples=none --set 'losses=[{name: RankNet}]' -o none
  says '--traits MPI'
  [ ! -e none ] || fail 'a refusal leaves a folder'
fi
has_mpi "$train" ||
  skip 'no build with MPI: swift build -c release --traits MPI --scratch-path .build/mpi'
command -v mpirun >/dev/null || skip 'no mpirun'
mpi() { mpirun --allow-run-as-root --oversubscribe -n "$@"; }

# 25 queries, 8 a batch: the last batch of an epoch has one, and some process none.
texts 100 3 | cut -f2 | grep . | paste - - - | awk -F'\t' 'NF == 3' | sed -n 1,25p >triples.tsv
is 'tuples' 25 "$(wc -l <triples.tsv)"
configuration() { # MODEL LOSSES
  cat <<END
model: $MODELS/native/$1/model
data: {tuples: triples.tsv}
batch_size: 8
max_steps: 12
losses: [$2]
optimizer: {lr: 1.0e-3}
clip: 1.0
dropout: 0.1
checkpoint: {every: 2}
validate: [{tuples: triples.tsv, measures: [RR, loss], every: 5}]
END
}
flops='{name: FLOPSRegularization, query_weight: 0.01, doc_weight: 0.02}'
configuration splade_bert_00 "{name: InBatchCrossEntropy}, $flops" >splade.yml
configuration col_bert_03 '{name: RankNet}, {name: InBatchCrossEntropy}' >col.yml
configuration mono_bert_00 '{name: RankNet}' >mono.yml

# near FILE FILE: the numbers of each line, but for the seconds, in single precision: sums of another
# order differ by some units of 1e-7, which ten steps of AdamW multiply.
near() {
  is "lines of $2" "$(wc -l <"$1")" "$(wc -l <"$2")"
  paste -d '\n' "$1" "$2" | sed 's/,"tokens_per_second":[^}]*//' |
    jq -ne 'def all_numbers: [.. | numbers];
      reduce inputs as $x ([null, true];
        if .[0] == null then [$x, .[1]]
        else [null, .[1] and ([(.[0] | all_numbers), ($x | all_numbers)] | transpose
          | all((.[0] - .[1] | fabs) <= 1e-4 * (1 + (.[0] | fabs))))] end) | .[1]' >/dev/null ||
    fail "$1 and $2 differ"
}
for kind in splade col mono; do
  exits 0 lir-train --config $kind.yml -o one-$kind
  for count in 2 3; do
    exits 0 mpi $count "$train" --config $kind.yml -o $count-$kind
    is 'summaries' 1 "$(grep -c ': done' said.log)"
    near one-$kind/metrics.jsonl $count-$kind/metrics.jsonl
  done
  differ one-$kind/model.safetensors 2-$kind/model.safetensors
done
# The same processes give the same bytes.
exits 0 mpi 2 "$train" --config splade.yml -o again
same 2-splade/model.safetensors again/model.safetensors
exits 0 mpi 2 "$train" --config splade.yml -o chunks --set gradcache=3
near 2-splade/metrics.jsonl chunks/metrics.jsonl
exits 0 mpi 2 "$train" --config splade.yml -o layers --set gradient_checkpointing=true
same 2-splade/model.safetensors layers/model.safetensors
for count in 1 2; do
  exits 0 mpi $count "$train" --config col.yml -o low-$count --set accumulate=2 \
    --set 'lora={r: 4, alpha: 8, dropout: 0.2, targets: [query, value]}'
done
near low-1/metrics.jsonl low-2/metrics.jsonl

# A backbone gets the tokens that it lacks from the first process.
for count in 1 2; do
  exits 0 mpi $count "$train" --config col.yml -o marked-$count \
    --model "$MODELS/external/st_bert_mean/model" \
    --set 'model_config={model_type: col, embedding_dim: 8, add_marker_tokens: true}'
done
near marked-1/metrics.jsonl marked-2/metrics.jsonl

# A process that dies ends the job; the last checkpoint goes on to the same bytes.
long() { mpi "$1" "$train" --config splade.yml --set max_steps=60 -o "$2" "${@:3}"; }
exits 0 long 2 whole
all=$(summary records)
until_saved() { until ls "$1"/checkpoints/step-* >/dev/null 2>&1; do sleep 0.02; done; }
cat >dying <<END
"$train" --config splade.yml --set max_steps=60 -o dead &
until ls dead/checkpoints/step-* >/dev/null 2>&1; do sleep 0.02; done
kill -KILL \$! \$\$
END
exits 137 mpi 1 "$train" --config splade.yml --set max_steps=60 -o dead : -n 1 sh dying
[ ! -e dead/DONE ] || fail 'a dead job is marked as done'
exits 0 long 2 dead --resume
same whole/model.safetensors dead/model.safetensors

# SIGUSR1, which mpirun passes on: all stop behind the same step, and what is done is kept.
mpirun --allow-run-as-root --oversubscribe -n 2 \
  "$train" --config splade.yml --set max_steps=60 -o stopped 2>stopped.log &
until_saved stopped
kill -USR1 $!
status=0
wait $! || status=$?
is 'status with SIGUSR1' 75 "$status"
exits 0 long 2 stopped --resume
[ "$(summary records)" -lt "$all" ] || fail 'a stopped job began anew'
same whole/model.safetensors stopped/model.safetensors

# What is wrong for one is wrong for all.
exits 73 long 2 whole
says --resume
is 'errors' 1 "$(grep -c 'lir-train: error' said.log)"
exits 78 mpi 2 "$train" --config splade.yml --set batch_size=1 -o small
says '1 queries for 2 processes'
is 'errors' 1 "$(grep -c 'lir-train: error' said.log)"
exits 78 mpi 3 "$train" --config splade.yml --set bach_size=1 -o small
is 'errors' 1 "$(grep -c 'lir-train: error' said.log)"
# What is wrong for one is told by that one.
exits 78 mpi 1 "$train" --config splade.yml -o small : -n 1 \
  "$train" --config splade.yml --set bach_size=1 -o small
says 'lir-train: error: process 1: '
is 'errors' 1 "$(grep -c 'lir-train: error' said.log)"
[ ! -e small/DONE ] || fail 'a job without one of its processes is marked as done'
rm -rf one-* 2-* 3-* low-* marked-* again chunks layers whole dead stopped

# shellcheck shell=bash
# Killed at any moment and resumed, training ends with the weights of an unkilled run.

texts 240 3 | cut -f2 | grep . | paste - - - | awk -F'\t' 'NF == 3' >triples.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {tuples: triples.tsv}
batch_size: 8
accumulate: 2
max_steps: 100
losses: [{name: RankNet}, {name: InBatchCrossEntropy, weight: 0.5, max_num_neg_samples: 2}]
optimizer: {lr: 1.0e-3, no_decay: [bias]}
schedule: {name: cosine, warmup: 3}
clip: 1.0
dropout: 0.1
checkpoint: {every: 7}
validate: [{tuples: triples.tsv, measures: [RR, loss], every: 5, patience: 50}]
END
train() { lir-train --config train.yml "$@"; }
exits 0 train -o whole
needed=$(summary seconds)
is "steps" 100 "$(summary steps)"
losses() { sed -n 's/.*"loss":\([-+.e0-9]*\).*/\1/p' "$1/metrics.jsonl"; }
without_rates() { sed 's/,"tokens_per_second":[^}]*//' "$1"; }

# Ten kills, each a little later than a resumed run needs to do some steps.
kills=0 # how many came in time
for attempt in $(seq 60); do
  limit=$(awk -v s="$needed" -v a="$attempt" -v r="$RANDOM" \
    'BEGIN { print 0.1 + s * (0.05 + 0.12 * r / 32768) }')
  if killed_after "$limit" lir-train --config train.yml -o killed --resume; then break; fi
  [ ! -e killed/DONE ] || fail 'a killed run is marked as done'
  kills=$((kills + 1))
  # As kills leave them that come while the model is written.
  [ ! -d killed ] || : >killed/.model.safetensors.tmp.host.1.x
done
[ $kills -ge 5 ] || note "fewer than five runs were killed in time"
for file in whole/*; do
  [ -f "$file" ] || continue
  name=$(basename "$file")
  [ "$name" = metrics.jsonl ] || same "$file" "killed/$name"
done
same <(without_rates whole/metrics.jsonl) <(without_rates killed/metrics.jsonl)
is 'best' "$(readlink whole/best)" "$(readlink killed/best)"
[ -z "$(find killed -name '.*')" ] || fail "a kill leaves something: $(find killed -name '.*')"
exits 0 train -o killed --resume
same whole/model.safetensors killed/model.safetensors

# A kill between a checkpoint and what follows it.
cp -a whole torn
rm torn/DONE torn/best
cp -a torn/checkpoints/step-98 torn/checkpoints/step-1
exits 0 train -o torn --resume
is 'best' "$(readlink whole/best)" "$(readlink torn/best)"
is 'checkpoints' "$(ls whole/checkpoints)" "$(ls torn/checkpoints)"

# A bit of the optimizer's memory, and what a finished run says of its steps.
for part in 3 5 8; do
  cp -a whole torn2
  rm torn2/DONE
  state=torn2/checkpoints/step-98/state.safetensors
  flip $state $(($(wc -c <$state) * part / 10))
  exits 65 train -o torn2 --resume
  says 'state.safetensors: damaged: the checksum is' 'remove torn2/checkpoints/step-98 to go on'
  rm -rf torn2
done
exits 0 train -o whole --resume
is 'steps of a finished run' 100 "$(summary steps)"
mv whole/metrics.jsonl metrics.kept
exits 0 train -o whole --resume
mv metrics.kept whole/metrics.jsonl

# In bfloat16, too: the same bytes with other threads, layers computed again and instructions.
half() { train --set precision=bf16 --set max_steps=20 --set checkpoint.every=6 --set validate=[] "$@"; }
exits 0 half -o half
exits 0 half -o half-threads --threads 3
exits 0 half -o half-layers --set gradient_checkpointing=true --isa portable
for other in half-threads half-layers; do same half/model.safetensors $other/model.safetensors; done
# A factor is rounded by 2^-9 at most; through a dozen layers and twenty steps losses of this size
# move by less than a twentieth of their own.
exits 0 half -o single --set precision=f32
paste <(losses half) <(losses single) | awk '
  { d = $1 / $2 - 1; if (d < 0) d = -d; if (d > most) most = d; n++ }
  END { exit !(n == 20 && most > 0 && most < 0.05) }' || fail 'losses in bf16 are far from those in f32'

# Signals: a checkpoint, and 75.
for signal in TERM USR1; do
  tries=0 status=75
  while [ "$status" = 75 ]; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "no end with SIG$signal"
    status=0
    timeout --preserve-status -s $signal "$(awk -v s="$needed" 'BEGIN { print 0.05 + s * 0.3 }')" \
      lir-train --config train.yml -o "$signal" --resume 2>said.log || status=$?
  done
  is "status with SIG$signal" 0 "$status"
  [ $tries -gt 1 ] || note "SIG$signal came too late to stop anything"
  same whole/model.safetensors "$signal/model.safetensors"
done

# Who did not say --resume is told to.
status=0
timeout --preserve-status -s TERM "$(awk -v s="$needed" 'BEGIN { print 0.05 + s * 0.5 }')" \
  lir-train --config train.yml -o said 2>said.log || status=$?
if [ $status = 75 ]; then says 'with --resume'; else note "SIGTERM came too late: $status"; fi
rm -rf said

# How fast it goes is another matter than what it does; anything else is.
exits 0 lir-train --config train.yml -o threads --threads 3 --set checkpoint.every=50
same whole/model.safetensors threads/model.safetensors
exits 0 lir-train --config train.yml -o layers --set gradient_checkpointing=true
same whole/model.safetensors layers/model.safetensors
exits 78 train -o killed --resume --set precision=bf16
says 'precision is "bf16", was "f32"'
exits 78 train -o killed --resume --seed 7
exits 78 train -o killed --resume --set optimizer.lr=0.1
says 'optimizer.lr is 0.1, was 0.001'
exits 78 train -o killed --resume --set max_steps=200
says 'max_steps is 200, was 100' 'a schedule that decays'
exits 73 train -o killed
says --resume
exits 0 train -o other --seed 7
differ whole/model.safetensors other/model.safetensors
# Without a schedule that decays a run goes on as one that was longer from the start.
constant=(--set schedule.name=constant --set checkpoint.every=10)
exits 0 train -o long --set max_steps=30 "${constant[@]}"
exits 0 train -o short --set max_steps=15 "${constant[@]}"
exits 0 train -o short --resume --set max_steps=30 "${constant[@]}" --set 'validate=[]'
is 'steps' 30 "$(summary steps)"
same long/model.safetensors short/model.safetensors
exits 78 train -o short --resume --set max_steps=15 "${constant[@]}"
says 'the checkpoint is of step 30, and the training ends at 15'
rm -rf long short
# Where checkpoints lie, and how fast steps were, is not to be compared between numbers of threads.
rm -rf whole killed TERM USR1 threads layers other

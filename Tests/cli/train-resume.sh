# shellcheck shell=bash
# Killed at any crash point and resumed, training ends with the weights of an unkilled run.

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
is "steps" 100 "$(summary steps)"
losses() { sed -n 's/.*"loss":\([-+.e0-9]*\).*/\1/p' "$1/metrics.jsonl"; }
without_rates() { sed 's/,"tokens_per_second":[^}]*//' "$1"; }

# same_run A B: models and measures of two runs are the same.
same_run() {
  local file name
  for file in "$1"/*; do
    name=$(basename "$file")
    [ -d "$file" ] || [ "$name" = metrics.jsonl ] || same "$file" "$2/$name"
  done
  same <(without_rates "$1/metrics.jsonl") <(without_rates "$2/metrics.jsonl")
  is 'best' "$(readlink "$1/best")" "$(readlink "$2/best")"
  is 'checkpoints' "$(ls "$1/checkpoints")" "$(ls "$2/checkpoints")"
  [ -z "$(find "$2" -name '.*')" ] || fail "a kill leaves something: $(find "$2" -name '.*')"
}

# Of a short run, with three checkpoints, at one in five crash points. A killed run is not done, but
# for its last crash points.
short() { lir-train --config train.yml --threads 1 --resume --set max_steps=15 "$@"; }
exits 0 short -o short-whole
prepare() { rm -rf killed; }
killed() { short -o killed; }
check() {
  [ ! -e killed/DONE ] || same short-whole/model.safetensors killed/model.safetensors
  exits 0 killed
  same_run short-whole killed
}
every_stop 70 prepare killed check
# Of a long one, behind every checkpoint or two: its last one goes on.
prepare
long() { train --threads 1 --resume -o killed; }
stopped_often 5 250 long
same_run whole killed
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

# Signals: a checkpoint, and 75. The steps that are done are not done again.
prepare
list_points short -o killed
for signal in TERM USR1; do
  prepare
  for steps in 3 2; do
    asked_at "$(point_of '^write .*/metrics.jsonl' $steps)" $signal short -o killed
  done
  says 'run the same command again to go on'
  # Before the third line of the log, and before the second of what was left.
  is 'steps that are kept' 5 "$(tail -n 1 killed/metrics.jsonl | jq .step)"
  exits 0 killed
  # Five steps are an epoch, of which there are three.
  is 'records of the rest' $((2 * $(wc -l <triples.tsv))) "$(summary records)"
  same_run short-whole killed
done

# Whoever did not say --resume is told to.
prepare
asked_at "$(point_of '^write .*/metrics.jsonl')" TERM lir-train --config train.yml -o killed
says 'with --resume'

# How fast it goes is another matter than what it does; anything else is.
exits 0 lir-train --config train.yml -o threads --threads 3 --set checkpoint.every=50
same whole/model.safetensors threads/model.safetensors
exits 0 lir-train --config train.yml -o layers --set gradient_checkpointing=true
same whole/model.safetensors layers/model.safetensors
exits 78 train -o whole --resume --set precision=bf16
says 'precision is "bf16", was "f32"'
exits 78 train -o whole --resume --seed 7
exits 78 train -o whole --resume --set optimizer.lr=0.1
says 'optimizer.lr is 0.1, was 0.001'
exits 78 train -o whole --resume --set max_steps=200
says 'max_steps is 200, was 100' 'a schedule that decays'
exits 73 train -o whole
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

# A run that has ended without a checkpoint knows its data and its model, too.
cp -r "$MODELS/native/dpr_bert_00/model" start
chmod -R u+w start
cp triples.tsv data.tsv
cp start/model.safetensors weights.kept
ended() {
  train --set model=start --set 'data={tuples: data.tsv}' --set schedule.name=constant --set 'validate=[]' \
    --set max_steps=1 -o ended "$@"
}
exits 0 ended
[ -z "$(ls ended/checkpoints)" ] || fail 'a checkpoint of a run of one step'
exits 0 ended --resume
says 'has ended after step 1'
for steps in 1 2; do
  sed -i '1s/^/other /' data.tsv
  exits 78 ended --resume --set max_steps=$steps
  says 'what data.tuples names is not what it was'
  cp triples.tsv data.tsv
  flip start/model.safetensors $(($(wc -c <weights.kept) - 4)) 1
  exits 78 ended --resume --set max_steps=$steps
  says 'the model to begin with is another one'
  cp weights.kept start/model.safetensors
done
exits 0 ended --resume
cp -a ended damaged
echo '{' >damaged/DONE
exits 65 ended --resume -o damaged
says 'damaged/DONE: damaged'
# Earlier releases did not say it.
: >ended/DONE
sed -i '1s/^/other /' data.tsv
exits 0 ended --resume
rm -rf start ended damaged
# Where checkpoints lie, and how fast steps were, is not to be compared between numbers of threads.
rm -rf whole short-whole killed threads layers other

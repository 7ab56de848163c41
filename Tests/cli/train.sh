# shellcheck shell=bash
# lir-train: every form of tuples gives the same training; validation, samples, plots, refusals.

texts 60 | awk -F'\t' '$2 != ""' >docs.tsv
texts 20 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
awk -F'\t' 'NR == FNR { doc[FNR] = $1; n = FNR; next } { for (r = 0; r < 2; r++)
  print $1 "\t" doc[(FNR * 7 + r * 3) % n + 1] "\t" doc[(FNR * 11 + r * 5 + 1) % n + 1] }' \
  docs.tsv queries.tsv >ids.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {queries: queries.tsv, docs: docs.tsv}
batch_size: 4
epochs: 2
losses: [{name: RankNet}]
optimizer: {name: AdamW, lr: 1.0e-3}
dropout: 0
END
train() { # train FOLDER ARGUMENT...
  local folder=$1
  shift
  rm -rf "$folder"
  lir-train --config train.yml -o "$folder" "$@"
}
exits 0 train whole --set data.tuples=ids.tsv
for file in DONE train.yml config.json; do
  [ -e whole/$file ] || fail "a run leaves no $file"
done
is 'lines of metrics.jsonl' "$(summary steps)" "$(wc -l <whole/metrics.jsonl)"
differ whole/model.safetensors "$MODELS/native/dpr_bert_00/model/model.safetensors"

# The same tuples written down in other ways.
jq -ncR --rawfile q queries.tsv --rawfile d docs.tsv '
  def table($t): [$t | split("\n")[] | select(. != "") | split("\t") | {(.[0]): .[1]}] | add;
  table($q) as $queries | table($d) as $docs | inputs | split("\t")
  | {query_id: .[0], query: $queries[.[0]],
     docs: [{doc_id: .[1], text: $docs[.[1]]}, {doc_id: .[2], text: $docs[.[2]]}]}' ids.tsv >texts.jsonl
jq -c 'del(.query) | .docs |= map({doc_id})' texts.jsonl >ids.jsonl
jq -r '[.query, .docs[].text] | @tsv' texts.jsonl >texts.tsv
jq -c '[.query_id, [.docs[0].doc_id, 3], [.docs[1].doc_id, 1]]' texts.jsonl >colbert.json
awk '{ print 2.5 "\t" 1 "\t" $1 "\t" $2 "\t" $3 }' ids.tsv >kd.tsv
jq -c '{qid: .query_id, pos: [{pid: .docs[0].doc_id, "ce-score": 9}],
  neg: {bm25: [{pid: .docs[1].doc_id, "ce-score": 1}], other: []}}' texts.jsonl >sbert.jsonl
zstd -q ids.tsv
for file in ids.jsonl colbert.json kd.tsv sbert.jsonl ids.tsv.zst; do
  exits 0 train other --set data.tuples=$file
  same whole/model.safetensors other/model.safetensors
done
for file in texts.jsonl texts.tsv; do
  exits 0 train other --set data.tuples=$file --set data.queries=null --set data.docs=null
  same whole/model.safetensors other/model.safetensors
done
# RankNet asks for the order of targets alone: a teacher's scores in that order are no other data.
for file in colbert.json kd.tsv sbert.jsonl; do
  exits 0 train other --set data.tuples=$file --set data.targets=score
  same whole/model.safetensors other/model.safetensors
done
# Several files are one: shuffled as a whole, each in its own format, for validation, too.
head -n 9 ids.jsonl >part.jsonl
sed -n 10,20p ids.tsv | zstd -q >part.tsv.zst
sed -n '21,$p' texts.tsv >part.tsv
parts='[part.jsonl, part.tsv.zst, part.tsv]'
exits 0 train other --set "data.tuples=$parts" --set 'data.format=[null, id_triples, triples]' --set \
  "validate=[{tuples: $parts, format: [null, null, triples], queries: queries.tsv, docs: docs.tsv},
    {tuples: ids.tsv, queries: queries.tsv, docs: docs.tsv}]"
same whole/model.safetensors other/model.safetensors
jq -e -s 'map(select(.validation) | .loss) | length == 4 and .[0] == .[1] and .[2] == .[3]' \
  other/metrics.jsonl \
  >loss.log || fail 'validation of parts'
exits 0 train other --set 'data.tuples=[part.tsv, part.tsv.zst, part.jsonl]' \
  --set 'data.format=[triples, null, null]'
differ whole/model.safetensors other/model.safetensors
exits 0 train other --set data.tuples=ids.tsv --set data.shuffle=false
differ whole/model.safetensors other/model.safetensors

# A byte order mark in front, a clip of 0, a seed in hexadecimal.
(printf '\xef\xbb\xbf' && zstd -dc ids.tsv.zst) >marked.tsv
exits 0 train other --set data.tuples=marked.tsv --set clip=0 --seed 42
same whole/model.safetensors other/model.safetensors
exits 0 train other --set data.tuples=marked.tsv --set seed=0x2A
same whole/model.safetensors other/model.safetensors
grep -qx 'seed: 42' other/train.yml || fail 'a seed in hexadecimal'
for text in '"betas": \[0.9, 0.999\], "eps": ' '"weight_decay": 0.01' '"weight": 1.0, "temperature": 1.0' \
  '"final": 0.0' '"targets": "order"'; do
  grep -q "$text" whole/train.yml || fail "train.yml: no $text"
done
# Any number of a loss follows a schedule: a factor of 1 is none, another is another training.
losses='losses=[{name: RankNet}, {name: ConstantMarginMSE}, {name: ApproxNDCG}]'
exits 0 train plain --set data.tuples=ids.tsv.zst --set "$losses"
for key in losses.0.temperature losses.1.margin losses.2.temperature; do
  exits 0 train other --set data.tuples=ids.tsv.zst --set "$losses" \
    --set "value_schedules=[{key: $key, name: constant}]"
  same plain/model.safetensors other/model.safetensors
  exits 0 train other --set data.tuples=ids.tsv.zst --set "$losses" \
    --set "value_schedules=[{key: $key, name: constant, warmup: 30}]"
  differ plain/model.safetensors other/model.safetensors
done
rm -rf plain

# The effective configuration reads back.
lir-train --config whole/train.yml --print-config 2>said.log | cmp -s - whole/train.yml ||
  fail 'train.yml does not read back'
exits 0 lir-train --config whole/train.yml -o again
same whole/model.safetensors again/model.safetensors

# A model that was trained is a model: it goes through the tools, and is trained further.
exits 0 lir-encode --model whole --role doc docs.tsv -o docs.lirt
exits 0 train other --model whole --set data.tuples=ids.tsv
differ whole/model.safetensors other/model.safetensors

# Runs: strategies, judged documents that the run lacks, validation by measures.
awk -F'\t' 'NR == FNR { doc[FNR] = $1; n = FNR; next } { for (r = 1; r <= 10; r++)
  print $1, "Q0", doc[(FNR * 5 + r) % n + 1], r, 11 - r, "t" }' docs.tsv queries.tsv >first.run
awk '$4 == 2 || $4 == 9 { print $1, 0, $3, $4 == 2 ? 2 : 1 }' first.run >qrels.txt
# One judged document that no run has found.
awk -F'\t' 'NR == FNR { doc[FNR] = $1; n = FNR; next } { print $1, 0, doc[(FNR * 5 + 20) % n + 1], 1 }' \
  docs.tsv queries.tsv >>qrels.txt
run="--set data.run=first.run --set data.qrels=qrels.txt --set data.sample_size=4"
for sampling in single_relevant top random log_random top_and_random; do
  # shellcheck disable=SC2086
  exits 0 train runs $run --set data.sampling=$sampling --set data.targets=relevance \
    --set data.depth=8 --set data.add_docs_not_in_ranking=true \
    --set 'validate=[{run: first.run, qrels: qrels.txt, queries: queries.tsv, docs: docs.tsv,
      measures: [nDCG@10, RR], every: 3}]'
  grep -q '"validation":"validate.0","nDCG@10":0' runs/metrics.jsonl || fail "validation: $sampling"
  [ -e runs/best/model.safetensors ] || fail 'no best model'
done
# What is measured while training is what the tools give.
best=$(readlink runs/best)
exits 0 lir-rerank --model runs --queries queries.tsv --docs docs.tsv first.run -o second.run
measured=$(jq -r 'select(.validation) | .["nDCG@10"]' runs/metrics.jsonl | tail -n 1)
is 'nDCG@10' "$measured" \
  "$(lir-eval --qrels qrels.txt -m nDCG@10 second.run 2>said.log | cut -f 4)"
[ -n "$best" ] || fail 'no best'
exits 0 lir-train plot whole runs >both.svg
for word in RankNet 'Learning rate' nDCG@10; do
  grep -q "$word" both.svg || fail "no $word in the plot"
done
for targets in score rank subtopic_relevance; do
  # shellcheck disable=SC2086
  exits 0 train runs $run --set data.targets=$targets --set data.depth=9 \
    --set 'losses=[{name: KLDivergence}]'
done
# Patience ends it early: a model that cannot learn is never better than it was.
exits 0 train stopped --set data.tuples=ids.tsv --set optimizer.lr=0 --set optimizer.weight_decay=0 \
  --set 'validate=[{tuples: ids.tsv, queries: queries.tsv, docs: docs.tsv, every: 1, patience: 3}]'
is 'steps with patience' 3 "$(summary steps)"
[ "$(readlink stopped/best)" = checkpoints/step-0 ] || fail 'a model that was best at the start'
same stopped/best/model.safetensors stopped/checkpoints/step-0/model.safetensors
exits 0 train stopped --set data.tuples=ids.tsv --set optimizer.lr=0 --set optimizer.weight_decay=0 \
  --set 'validate=[{tuples: ids.tsv, queries: queries.tsv, docs: docs.tsv, every: 1, patience: 3,
    at_start: false}]'
is 'steps with patience from the first step on' 4 "$(summary steps)"

# What is said where stderr is no terminal: a line a validation, one every log_every steps.
valid='validate=[{name: dev, run: first.run, qrels: qrels.txt, queries: queries.tsv, docs: docs.tsv, every: 4}]'
exits 0 train loud --set data.tuples=ids.tsv --set "$valid" --set log_every=3 --set optimizer.lr=1.5e-5
is 'validations' 'step 0,step 4,step 8,step 12,step 16,step 20' \
  "$(sed -n 's/^lir-train: \(step [0-9]*\) of 20, dev: nDCG@10 0\.[0-9]*.*/\1/p' said.log | paste -sd ,)"
is 'steps' 'step 3,step 6,step 9,step 12,step 15,step 18' \
  "$(sed -n 's/^lir-train: \(step [0-9]*\) of 20, loss [0-9.]*, lr 1.5e-05, .* s left$/\1/p' said.log |
    paste -sd ,)"
is 'the log' "$(jq -r 'select(.validation) | .["nDCG@10"]' loud/metrics.jsonl | head -n 1 | cut -c1-6)" \
  "$(sed -n 's/^lir-train: step 0 .*nDCG@10 \([0-9.]*\).*/\1/p' said.log | cut -c1-6)"
exits 0 train loud --set data.tuples=ids.tsv --set "$valid" --set log_every=3 --log-format json
is 'steps in JSON' 3,6,9,12,15,18 \
  "$(jq -r 'select(.level == "progress" and .loss) | .step' said.log | paste -sd ,)"
is 'validations in JSON' 6 "$(jq -r 'select(.validation == "dev") | .["nDCG@10"]' said.log | wc -l)"
exits 0 train loud --set data.tuples=ids.tsv --set "$valid" -q
[ ! -s said.log ] || fail 'says something with -q'
exits 0 lir-train --config loud/train.yml -o loud --resume
says 'loud: the training has ended after step 20'
rm -rf loud

# Temperature and scale: inverses of each other, and 1 is none of them.
batch='{name: InBatchCrossEntropy'
exits 0 train plain --set data.tuples=ids.tsv --set "losses=[$batch}]"
exits 0 train other --set data.tuples=ids.tsv --set "losses=[$batch, temperature: 1.0}]"
same plain/model.safetensors other/model.safetensors
exits 0 train other --set data.tuples=ids.tsv --set "losses=[$batch, scale: 4}]"
differ plain/model.safetensors other/model.safetensors
exits 0 train plain --set data.tuples=ids.tsv --set "losses=[$batch, temperature: 0.25}]"
same plain/model.safetensors other/model.safetensors

# No document twice in a batch: all tuples of a document that five share are in batches of their own.
awk -F'\t' -v OFS='\t' 'NR % 4 == 1 { $2 = "d1" } 1' <(zstd -dc ids.tsv.zst) >shared.tsv
distinct=(--set data.tuples=shared.tsv --set data.no_duplicates=true --set epochs=3 --set checkpoint.every=4
  --set "losses=[$batch}]")
exits 0 train plain "${distinct[@]}"
says 'warning: data.no_duplicates: the first epoch has ' ' batches instead of 10'
exits 0 train other "${distinct[@]}" --threads 3 --set max_steps=7
exits 0 lir-train --config train.yml "${distinct[@]}" -o other --resume
same plain/model.safetensors other/model.safetensors
exits 0 train other "${distinct[@]}" --set data.no_duplicates=false
differ plain/model.safetensors other/model.safetensors

# The epoch's last step has less to accumulate: 7 tuples in batches of 4 and 3, in steps of three batches.
head -n 7 texts.jsonl >seven.jsonl
seven() { # seven FOLDER ARGUMENT...: loss and norm of the gradient of one step
  exits 0 train "$1" --set data.queries=null --set data.docs=null --set data.tuples=seven.jsonl \
    --set epochs=null --set max_steps=1 --set 'losses=[{name: InfoNCE}]' "${@:2}"
  jq -r '[.loss, .grad_norm] | @tsv' "$1/metrics.jsonl"
}
{
  seven other --set batch_size=7
  for mean in queries batches full; do
    seven other --set batch_size=4 --set accumulate=3 --set accumulate_mean=$mean
  done
} >means.tsv
# InfoNCE is a mean over queries: those of both batches together are one batch of 7. By batches the norm is
# 3/2 of what it is by three batches, of which there are two.
awk 'function near(a, b) { return a > 0 && (a - b) ^ 2 < (1e-4 * b) ^ 2 }
  { loss[NR] = $1; norm[NR] = $2 }
  END { exit !(near(loss[2], loss[1]) && near(norm[2], norm[1]) && near(norm[3], 1.5 * norm[4]) &&
    !near(norm[3], norm[2]) && loss[3] == loss[4]) }' means.tsv || fail "means: $(cat means.tsv)"

# Samples: the same seed, the same bytes; each kind of tuple trains.
sample() { lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv --sample-size 3 "$@"; }
exits 0 sample first.run -o one.jsonl
exits 0 sample <first.run >two.jsonl
same one.jsonl two.jsonl
exits 0 sample --seed 7 first.run -o two.jsonl
differ one.jsonl two.jsonl
is 'tuples' "$(wc -l <queries.tsv)" "$(wc -l <one.jsonl)"
# The first document is relevant, the others are not.
jq -r '.query_id as $q | .docs | to_entries[] | [$q, .value.doc_id, .key] | @tsv' one.jsonl |
  awk 'NR == FNR { grade[$1 " " $3] = $4; next } ($3 == 0) != (grade[$1 " " $2] > 0) { exit 1 }' \
    qrels.txt - || fail 'positives and negatives'
exits 0 sample --repeat 3 --sampling random --targets score --normalize-targets first.run -o two.jsonl
is 'tuples' "$((3 * $(wc -l <queries.tsv)))" "$(wc -l <two.jsonl)"
jq -e '[.docs[].score] | (max == 1) and (min == 0)' two.jsonl >scaled.log || fail 'normalised scores'
exits 0 train other --set data.tuples=one.jsonl
exits 0 train other --set data.tuples=two.jsonl --set data.targets=score \
  --set 'losses=[{name: PearsonCorrelation}]'

# What cannot be used is left out and counted; with --strict it is an error. The old flag says nothing new.
grep -v '^d1	' docs.tsv >fewer.tsv
head -n -1 queries.tsv >asked.tsv
printf 'q98 Q0 d2 1 1 t\nq99 Q0 d2 1 1 t\n' | cat first.run - >more.run
printf 'q98 0 d3 0\n' | cat qrels.txt - >more.qrels
unusable() {
  lir-train sample --qrels more.qrels --queries asked.tsv --docs fewer.tsv --sample-size 3 \
    --add-docs-not-in-ranking "$@"
}
exits 0 unusable more.run -o two.jsonl
says 'more.run: 1 queries are not judged and are left out' 'queries have no text and are left out' \
  'documents have no text and are left out'
! grep -q '"d1"' two.jsonl || fail 'a document without a text'
exits 0 unusable --skip-unanswered more.run -o one.jsonl
cmp -s one.jsonl two.jsonl || fail '--skip-unanswered is no default'
refuses 1 'queries are not judged' unusable --strict more.run
says 'first: ' 'without --strict they are left out'
exits 0 sample --strict first.run -o one.jsonl
refuses 64 '--repeat: expected 1 to 1000000000' sample --repeat 9223372036854775807 first.run

# Plots.
exits 0 lir-train plot whole -o plot.svg
head -c 5 plot.svg | grep -q '<?xml' || fail 'no SVG'
echo '{"loss":1}' >bad.jsonl
refuses 65 'an object with a step, found one without' lir-train plot bad.jsonl -o bad.svg
# A line that is just being written.
(cat whole/metrics.jsonl && printf '{"step":') >running.jsonl
exits 0 lir-train plot running.jsonl -o running.svg
(printf '{"step":\n' && cat whole/metrics.jsonl) >bad.jsonl
exits 65 lir-train plot bad.jsonl -o bad.svg
# Values that are all the same, huge or next to nothing.
for values in '0.5 0.5' '0 0' '1e17 1e17' '1e16 1.0000000000000002e16' '1e-320 2e-320' '-1e300 1e300'; do
  # shellcheck disable=SC2086
  printf '{"step":1,"loss":%s,"lr":0}\n{"step":2,"loss":%s,"lr":0}\n' $values >odd.jsonl
  exits 0 timeout 20 lir-train plot odd.jsonl -o odd.svg
  ! grep -qi -e nan -e '"inf' odd.svg || fail "no numbers in the plot of $values"
  [ "$(grep -c '<text' odd.svg)" -lt 80 ] || fail "too many ticks in the plot of $values"
done
printf '{"step":1,"loss":1.7e308,"lr":0.1}\n' >odd.jsonl
refuses 65 'odd.jsonl:1: expected numbers up to' lir-train plot odd.jsonl -o odd.svg

# Messages of sample name its own options.
refuses 78 'need --qrels' lir-train sample --sampling top --targets relevance first.run
# Which of several runs has a document twice.
cp first.run second.run
refuses 65 'after first.run:1' lir-train sample --qrels qrels.txt first.run second.run
refuses 73 first.run/x.jsonl lir-train sample --qrels qrels.txt first.run -o first.run/x.jsonl
# A template, filled in.
exits 0 lir-train --print-config >template.yml
refuses 78 'model is missing' lir-train --config template.yml -o other
exits 0 lir-train --print-config --model "$MODELS/native/dpr_bert_00/model" --set data.tuples=texts.jsonl \
  --set batch_size=4 --set max_steps=null --set epochs=2 --set 'losses=[{name: RankNet}]' \
  --set optimizer.lr=1.0e-3 --set dropout=0 >filled.yml
rm -rf other
exits 0 lir-train --config filled.yml -o other
same whole/model.safetensors other/model.safetensors
rm -rf whole other plain again runs stopped

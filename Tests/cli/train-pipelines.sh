# shellcheck shell=bash
# The Makefiles of training: each ends in a judged run, and a second make has nothing to do.

command -v make >/dev/null || skip 'make is not installed'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
plain=$MODELS/external/st_bert_mean/model
pipeline() { # pipeline NAME ARGUMENT...
  local name=$1
  shift
  make --no-print-directory -f "$ROOT/pipelines/train-$name.mk" OUT="$name" FIRST="$plain" DOCS=docs.tsv \
    QUERIES=queries.tsv QRELS=qrels.txt DEPTH=10 SAMPLE_SIZE=4 \
    TRAIN_FLAGS='--set max_steps=4 --set batch_size=4 --set optimizer.lr=0.001' "$@" >>make.log 2>&1
}
makes() { # makes NAME ARGUMENT...
  pipeline "$@" || { cat make.log >&2; fail "make $1"; }
  # The first stage and the trained model, side by side.
  for run in test trained; do
    grep -q "$run.run" "$1/table.txt" || fail "$1: no measures of $run.run"
    is "$1: queries of $run.run" 12 "$(cut -d ' ' -f 1 "$1/$run.run" | sort -u | wc -l)"
  done
  differ "$1/test.run" "$1/trained.run"
  [ -s "$1/train.svg" ] || fail "$1: no plot"
  pipeline "$@" --question || fail "$1: not done after make"
}
makes dpr START="$plain"
makes colbert START="$plain"
is 'model' '"col"' "$(jq .model_type colbert/model/config.json)"
makes splade START="$MODELS/native/splade_bert_00/model"
makes cross-encoder START="$plain"
is 'model' '"mono"' "$(jq .model_type cross-encoder/model/config.json)"
makes distillation START="$plain" TEACHER="$MODELS/native/mono_bert_00/model"
# The student's data have the teacher's scores.
exits 0 lir-rerank --model "$MODELS/native/mono_bert_00/model" --queries queries.tsv --docs docs.tsv \
  distillation/train.run -o taught.run
jq -r '.query_id as $q | .docs[] | "\($q) \(.doc_id) \(.score)"' distillation/tuples.jsonl |
  awk 'NR == FNR { score[$1 " " $3] = $5; next } { d = score[$1 " " $2] - $3
    if (d < -1e-6 || d > 1e-6) exit 1 }' taught.run - || fail 'scores of the teacher'

# A training that was killed goes on, another configuration starts anew.
cp dpr/model/model.safetensors whole.safetensors
rm -r dpr/model/DONE dpr/model/model.safetensors dpr/retrieve dpr/trained.run dpr/table.txt dpr/train.svg
makes dpr START="$plain"
same whole.safetensors dpr/model/model.safetensors
cp "$ROOT/pipelines/train-dpr.yml" other.yml
sed -i 's/weight_decay: 0.01/weight_decay: 0.5/' other.yml
makes dpr START="$plain" CONFIG=other.yml
differ whole.safetensors dpr/model/model.safetensors
same whole.safetensors dpr/model.before/model.safetensors
# A killed one with other flags, a model that is gone, other measures: what is asked for is made.
rm dpr/model/DONE
flags=(CONFIG=other.yml TRAIN_FLAGS='--set max_steps=2 --set batch_size=4')
makes dpr START="$plain" "${flags[@]}"
is 'steps' 2 "$(wc -l <dpr/model/metrics.jsonl)"
rm -r dpr/model
makes dpr START="$plain" "${flags[@]}"
[ -e dpr/model/DONE ] || fail 'no model is made in the place of one that is gone'
makes dpr START="$plain" "${flags[@]}" MEASURES=P@5
grep -q P@5 dpr/table.txt || fail 'other measures are not taken'
# Another first stage, though its files are older.
cp dpr/train.run first.run
makes dpr START="$plain" "${flags[@]}" MEASURES=P@5 FIRST="$MODELS/native/dpr_bert_00/model"
differ first.run dpr/train.run
# Other documents and other queries of the test, though their files are older.
(cat docs.tsv && printf 'extra\tone more document\n') >more.tsv
sed 's/^/new-/' queries.tsv >new.tsv
sed 's/^/new-/' qrels.txt >new.txt
touch -d 2001-01-01 more.tsv new.tsv new.txt
makes dpr START="$plain" "${flags[@]}" DEPTH=40 DOCS=more.tsv
for run in train test trained; do
  grep -q ' extra ' dpr/$run.run || fail "$run.run lacks a document"
done
model=$(stat -c %Y%i dpr/model/DONE)
makes dpr START="$plain" "${flags[@]}" DEPTH=40 DOCS=more.tsv TEST_QUERIES=new.tsv TEST_QRELS=new.txt
for run in test trained; do
  ! grep -v '^new-' dpr/$run.run || fail "$run.run has queries of before"
done
is 'the model' "$model" "$(stat -c %Y%i dpr/model/DONE)"
# A configuration that was touched is no other one; what was touched settles, and trains once at most.
same_flags=("${flags[@]}" DEPTH=40 DOCS=more.tsv TEST_QUERIES=new.tsv TEST_QRELS=new.txt)
pipeline dpr START="$plain" "${same_flags[@]}" --question || fail 'not done after make'
touch other.yml dpr/model/train.yml
pipeline dpr START="$plain" "${same_flags[@]}" --question || fail 'a touched configuration is another one'
touch dpr/tuples.jsonl
touch -d '+1 hour' dpr/model/train.yml
makes dpr START="$plain" "${same_flags[@]}"
touch dpr/model/DONE
makes dpr START="$plain" "${same_flags[@]}"
# What a configuration names is an input of the training, too.
cp new.txt judged.txt
printf '%s\n' 'validate: [{run: first-found.run, queries: new.tsv, docs: more.tsv, qrels: judged.txt, measures: [RR]}]' \
  >>other.yml
sed 's/^/new-/' dpr/train.run >first-found.run
makes dpr START="$plain" "${same_flags[@]}"
model=$(stat -c %Y%i dpr/model/DONE)
sed 's/1$/0/' new.txt >judged.txt && touch -d 2001-01-01 judged.txt
makes dpr START="$plain" "${same_flags[@]}"
[ "$model" != "$(stat -c %Y%i dpr/model/DONE)" ] || fail 'judgements that a configuration names are no input'
# Flags of the first stage and of the judgement; jobs, and variables of the environment.
cp dpr/test.run first.run
cp dpr/trained.run trained.run
makes dpr START="$plain" "${same_flags[@]}" SEARCH_FLAGS='--drop-self --tag flag'
for run in test trained; do is "tag of $run.run" flag "$(cut -d ' ' -f 6 dpr/$run.run | sort -u)"; done
makes dpr START="$plain" "${same_flags[@]}" SHARDS=2
same first.run dpr/test.run
same trained.run dpr/trained.run
(export INDEX_FLAGS=--no-provenance EVALUATE=rerank && makes dpr START="$plain" "${same_flags[@]}")
differ trained.run dpr/trained.run
before=$(find . | sort)
pipeline dpr OUT=dry START="$plain" --dry-run || fail 'a dry run fails'
is 'files after a dry run' "$before" "$(find . | sort)"
pipeline dpr START="$plain" STRAT=x && fail 'an unknown option is taken'
grep -q 'did you mean START?' make.log || fail 'an unknown option is not named'
pipeline dpr START="$plain" EVALUATE=both && fail 'EVALUATE=both is taken'
pipeline dpr START="$plain" CONFIG=nowhere.yml && fail 'a configuration that is not there is taken'
grep -q 'CONFIG: nowhere.yml: no such file' make.log || fail 'a missing configuration is not named'
! grep -i 'overriding recipe' make.log || fail 'a recipe is there twice'
rm -rf dpr colbert splade cross-encoder distillation

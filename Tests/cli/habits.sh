# shellcheck shell=bash
# What people type out of habit, and by a slip: it works, or the message says what was meant.
model=$MODELS/native/dpr_bert_04/model
cross=$MODELS/native/mono_bert_00/model
texts 30 | awk -F'\t' '$2 != ""' >docs.tsv
printf 'a\tpython function\nb\tbeethoven\n' >queries.tsv
encode native/dpr_bert_04 doc docs.tsv -o docs.lirt
encode native/dpr_bert_04 query queries.tsv -o queries.lirt
lir-index build -o docs.index docs.lirt
lir-search --index docs.index -k 5 queries.lirt -o first.run
cp "$FIXTURES/eval/tiny/qrels.txt" .

# Options of all commands in front of the command, in every form.
lir-encode cat docs.lirt -o cat.lirt
for front in -q -v '--threads 1' --threads=1 '--log-format json' '--progress never' '-v --seed 3' -qv; do
  # shellcheck disable=SC2086  # several words
  exits 0 lir-encode $front cat docs.lirt -o front.lirt
  same cat.lirt front.lirt
done
exits 0 lir-index -q build -o front.index docs.lirt
[ ! -s said.log ] || fail '-q in front says something'
exits 0 lir-rerank -q fuse first.run first.run -o fused.run
exits 0 lir-eval -q trec_eval -m ndcg_cut.10 "$FIXTURES/eval/tiny/qrels.txt" "$FIXTURES/eval/tiny/run.txt" \
  >front.txt
lir-eval trec_eval -m ndcg_cut.10 "$FIXTURES/eval/tiny/qrels.txt" "$FIXTURES/eval/tiny/run.txt" >behind.txt
same behind.txt front.txt
exits 0 lir-train -q sample --help >front.txt
exits 0 lir-train sample --help >behind.txt
same behind.txt front.txt
grep -q '^USAGE: lir-train sample' front.txt || fail 'the help of another command'

# Commands that are none, and commands too late.
refuses 64 'there is no command join, nor a file of that name' lir-index join docs.index docs.lirt
says 'the commands are build, train, append, delete, replace, compact, merge, verify, info'
refuses 64 'there is no command vrify' lir-index -q vrify docs.index
says 'did you mean lir-index verify?'
refuses 66 'there is no command trec' lir-eval trec qrels.txt first.run
refuses 64 'there is no command verfy' lir-encode help verfy
refuses 66 'cat: ' lir-encode --model "$model" --role doc cat docs.lirt -o x.lirt
says 'lir-encode cat'
# A file of that name is a file.
cp docs.tsv append
exits 0 lir-encode append --model "$model" --role doc -o x.lirt

# Options by other names.
meant() {
  local option=$1 text=$2
  shift 2
  refuses 64 "unknown option $option" "$@"
  says "$text"
}
meant --roel 'did you mean --role?' lir-encode --model "$model" --roel doc docs.tsv
meant --k 'did you mean -k?' lir-search --index docs.index --k 3 queries.lirt
meant --top-k 'did you mean -k?' lir-search --index docs.index --top-k 3 queries.lirt
meant --query 'did you mean --queries?' lir-rerank --model "$cross" --query queries.tsv first.run
meant --batch-size 'did you mean --batch-tokens?' lir-encode --model "$model" --batch-size 8 docs.tsv
# Values by other names.
for value in 'role document doc' 'role passages doc' 'precision bfloat16 bf16' 'precision fp16 bf16' 'dtype half f16' \
  'dtype F32 f32' 'format numpy npy'; do
  read -r option typed here <<<"$value"
  refuses 64 "'$typed' is invalid for '--$option <" lir-encode --model "$model" "--$option" "$typed" docs.tsv
  says "did you mean --$option $here?"
done
refuses 64 "'combmnz' is invalid" lir-rerank fuse --method combmnz first.run first.run
says 'did you mean --method mnz?'
refuses 64 "'none' is invalid" lir-rerank fuse --method none first.run first.run
says 'lists the options'
for measure in mrr_10:RR@10 hit@5:Success@5 hit_rate:Success HR@3:Success@3; do
  refuses 64 'no measure is called' lir-eval --qrels qrels.txt -m "${measure%:*}" first.run
  says "did you mean ${measure#*:}?"
done
meant --device 'CPUs' lir-encode --model "$model" --device cuda docs.tsv
meant --device 'CPUs' lir-rerank --device=cpu first.run
meant --documents 'did you mean --docs?' lir-rerank --model "$cross" --documents docs.tsv first.run
meant --output-file 'did you mean --output?' lir-index build --output-file x docs.lirt
meant --tpye 'did you mean --type?' lir-index --tpye flat docs.lirt -o x
meant --model-name-or-path 'did you mean --model?' lir-tokenize --model-name-or-path x docs.tsv
meant --max-seq-length 'did you mean --max-length?' lir-encode --max-seq-length 128 docs.tsv
meant --learning-rate '--set optimizer.lr' lir-train --learning-rate 2e-5
meant --queries 'Queries' lir-search --index docs.index --queries queries.lirt
meant -j 'did you mean --threads?' lir-encode -j 4 docs.tsv

# One thing where another belongs.
refuses 65 'expected a tensor stream, found text' lir-encode verify queries.tsv
says 'lir-encode makes vectors of texts'
printf 'q\tx\n' >short.tsv
refuses 65 'expected a tensor stream, found text' lir-encode verify short.tsv
refuses 65 'expected a tensor stream, found text' lir-index build --type flat -o x short.tsv
for command in "lir-tokenize --model $model docs.lirt" \
  "lir-rerank --model $cross --queries queries.tsv --docs docs.lirt first.run" \
  "lir-eval --qrels docs.lirt first.run" "lir-eval --qrels qrels.txt docs.lirt" \
  "lir-rerank fuse docs.lirt first.run"; do
  # shellcheck disable=SC2086
  refuses 65 'found a tensor stream' $command
done
refuses 78 'expected an index, found a tensor stream' lir-search --index docs.lirt queries.lirt
says 'lir-index build makes an index of it'
refuses 78 'expected an index, found a model folder' lir-search --index "$model" queries.lirt
refuses 78 'expected an index, found text' lir-search --index docs.tsv queries.lirt
for name in sentence-transformers/all-MiniLM-L6-v2 bert-base-uncased; do
  refuses 66 "$name: " lir-encode --model $name --role doc docs.tsv
  says "fetch-model $name models/"
  refuses 66 "$name: " lir-tokenize --model $name docs.tsv
  says "fetch-model $name models/"
  refuses 66 "$name: " lir-rerank --model $name --queries queries.tsv --docs docs.tsv first.run
  says "fetch-model $name models/"
done

# A forgotten -o.
refuses 66 'new.lirt: ' lir-encode --model "$model" --role doc docs.tsv new.lirt
says '-o names the output: … -o new.lirt'
refuses 66 'second.run: ' lir-search --index docs.index queries.lirt second.run
says '-o second.run'
refuses 64 "Missing expected argument '--output" lir-index build docs.lirt new.index
says '-o new.index'
[ ! -e new.index ] || fail 'an index without -o'
refuses 64 "Missing expected argument '--output" lir-index build docs.lirt
says '-o names the output'
on_terminal "lir-encode --model '$model' --role doc docs.tsv; true" >shown.txt
grep -q 'use -o FILE' shown.txt || fail 'nothing about -o on a terminal'

# Documents among the queries.
exits 0 lir-search --index docs.index --model "$model" -k 2 queries.tsv docs.tsv >both.run
says 'queries.tsv and docs.tsv are searched as queries, both of them'

# A model that is not the index's is named before its digest.
other=$MODELS/native/dpr_bert_00/model
if [ -d "$other" ]; then
  refuses 78 'the index was made by a model of kind dense and dimension ' \
    lir-search --index docs.index --model "$other" queries.tsv
  says "the queries by $other, a " ' of dimension '
fi

# Nothing is written before a command line is refused.
refuses 64 'at least two runs' lir-eval --qrels qrels.txt --report page.html --compare first.run
[ ! -e page.html ] || fail 'a report of a command line that is refused'
refuses 64 '--confidence' lir-eval --qrels qrels.txt --report page.html --compare --confidence 2 \
  first.run both.run
[ ! -e page.html ] || fail 'a report of a command line that is refused'

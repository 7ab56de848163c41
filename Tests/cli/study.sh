# shellcheck shell=bash
# A study: its cells are what the tools make by hand, what is finished is not made again wherever it was
# stopped, and a second study has the same bytes.

command -v make >/dev/null || skip 'make is not installed'
python3 -c 'import zstandard, yaml, ir_datasets' 2>/dev/null || skip 'python3 has no ir_datasets'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt,example.yml} .
dense=$MODELS/external/st_bert_mean/model
mkdir wrapped
for tool in tokenize encode index search rerank eval; do
  # A tool that writes down that it ran, and dies whenever FAIL_EVERY calls were made.
  cat >wrapped/lir-$tool <<SH
#!/bin/sh
n=\$((\$(cat calls 2>/dev/null || echo 0) + 1))
echo \$n >calls
[ -z "\$FAIL_EVERY" ] || [ \$((n % FAIL_EVERY)) != 0 ] || kill -9 \$\$
echo "lir-$tool \$*" >>ran
exec "$LIR_BIN/lir-$tool" "\$@"
SH
  chmod +x wrapped/lir-$tool
done
study() { # study OUT ARGUMENT...
  env -u MODELS make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN=wrapped OUT="$1" COLLECTIONS=example.yml \
    RETRIEVERS='dense sparse' RERANKERS='cross dense' MODEL_dense="$dense" \
    MODEL_sparse="$MODELS/native/splade_bert_00/model" MODEL_cross="$MODELS/native/mono_bert_00/model" \
    INDEXES_dense='exact coded' INDEX_FLAGS_coded='--codes int8' RERANK_DEPTH=5 DEPTH=20 "${@:2}" >make.log 2>&1
}
makes() { study "$@" || { cat make.log >&2; fail "study $*"; }; }
makes one -n
# What is said beforehand, of tools alone, a command a line.
commands() { sed -e "s/'//g" -e 's/2>&1.*//' | tr -s ' ' | sed 's/^ //; s/ $//' | grep '^lir-' | sort; }
sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' make.log | sed 's/ | lir-/\nlir-/g' | commands >said-once.log
[ ! -e one ] || fail 'a dry run makes something'
[ ! -e ran ] || fail 'a dry run runs something'
makes one
sort ran >ran-once.log
# It is what runs, each command once; lir-eval is asked for measures besides.
same <(grep -v 'lir-eval.* -$' ran-once.log | commands) said-once.log

# --- cells by hand
exits 0 lir-encode --model "$dense" --role doc docs.tsv -o docs.lirt
exits 0 lir-index build -o dense docs.lirt
exits 0 lir-search --index dense --model "$dense" -k 20 queries.tsv -o dense.run
exits 0 lir-index build --type bm25 -o bm25 docs.tsv
exits 0 lir-search --index bm25 -k 20 queries.tsv -o bm25.run
exits 0 lir-rerank --model "$MODELS/native/mono_bert_00/model" --queries queries.tsv --docs docs.tsv --depth 5 \
  bm25.run -o cross.run
ranks() { cut -d ' ' -f 1-5 "$1"; }
same <(ranks dense.run) <(ranks one/example/dense/exact.run)
same <(ranks dense.run) <(ranks one/example/dense/coded.run)
same <(ranks bm25.run) <(ranks one/example/bm25.run)
same <(ranks cross.run) <(ranks one/example/cross/rerank.run)
value() { lir-eval -q --qrels qrels.txt -m nDCG@10 --average-over qrels --digits 4 "$1" | cut -f 4; }
shown() { awk -v model="$1" -v index_="$2" '$1 == model && $2 == index_ { print $3; exit }' one/table.txt | tr -d '*'; }
is 'dense' "$(value dense.run)" "$(shown dense exact)"
is 'cross' "$(value cross.run)" "$(shown cross rerank)"
grep -q 'dense & exact' one/table.tex || fail 'LaTeX'
grep -q '<td>sparse</td>' one/table.html || fail 'HTML'
grep -q '^| cross | rerank |' one/table.md || fail 'Markdown'
# mteb's form: a file a cell, of the values in the table.
is 'files of mteb' "$(printf '%s\n' bm25/exact cross/rerank dense/{coded,exact,rerank} sparse/exact)" \
  "$(sed -n 's|^mteb/\(.*\)/example.json$|\1|p' one/mteb.txt | sort)"
jq -e --argjson value "$(lir-eval -q --qrels qrels.txt -m nDCG@10 --average-over qrels cross.run | cut -f 4)" '
  .task_name == "example" and .scores.test[0].main_score == .scores.test[0].ndcg_at_10 and
  (.scores.test[0] | has("mrr_at_10") and has("recall_at_100")) and
  (.scores.test[0].ndcg_at_10 - $value | fabs) < 1e-4' one/mteb/cross/rerank/example.json >parsed.log || fail 'values of mteb'
# A mark stands where the test says so.
p=$(awk -F '\t' '$1 == "nDCG@10" && $3 == "dense:exact" && $4 == "randomisation_p_holm" { print $5 }' one/example/tests.tsv)
is "mark at p=$p" "$(awk -v p="$p" 'BEGIN { print (p < 0.05) ? 1 : 0 }')" \
  "$(awk '$1 == "dense" && $2 == "exact" { print ($3 ~ /\*/) ? 1 : 0; exit }' one/table.txt)"
for row in bm25 dense:exact dense:coded sparse:exact cross:rerank; do
  grep -q ">$row</text>" one/pareto.svg || fail "$row is not in the plot"
done
for form in txt md tex html; do grep -q dense "one/costs.$form" || fail "no costs in costs.$form"; done
is 'costs of the index' "$(cat one/example/dense/exact/* | wc -c)" \
  "$(awk -F '\t' '$2 == "dense" && $3 == "exact" { print $6 }' one/costs.tsv)"

# --- nothing is made twice
rm ran
makes one
[ ! -e ran ] || { cat ran >&2; fail 'a finished study does something'; }
# What is changed alone is made anew: depth of re-ranking, then an index.
makes one RERANK_DEPTH=3
is 'tools' 'lir-eval lir-rerank' "$(cut -d ' ' -f 1 ran | sort -u | paste -sd ' ')"
makes one && rm ran
# What would be made anew is said, also what is made of it: nothing, all that another first run changes.
makes one -n
! grep -E '(^| )lir-' make.log || fail 'a finished study would do something'
makes one -n DEPTH=7
is 'said' 'lir-eval lir-rerank lir-search' "$(grep -o '^lir-[a-z]*' make.log | sort -u | xargs)"
is 're-rankings' 2 "$(grep -c '^lir-rerank' make.log)"
makes one 'INDEX_FLAGS_coded=--codes int8 --originals none'
! grep -E 'lir-(encode|rerank|tokenize)' ran || fail 'another index encodes anew'
[ "$(grep -c 'lir-index build' ran)" = 1 ] || fail 'other indexes are built anew'
# Prompts that a model of the zoo leaves to the user are in front of its texts, those of the task.
makes dry -n RETRIEVERS='dense sparse nomic-embed-text-v1.5' TASK=clustering
grep -F "QUERY_FLAGS='--prompt '\''clustering: '\''' DOC_FLAGS='--prompt '\''clustering: '\'''" make.log >flags.log ||
  { cat make.log >&2; fail 'no prompts of the zoo'; }
is 'commands with prompts' 2 "$(grep -c "^lir-tokenize .*--prompt 'clustering: '" make.log)"
# Flags of one model, with the characters that make takes for its own: what they change alone is made anew.
makes one && rm ran
makes one "QUERY_FLAGS_dense=--prompt 'find, (please): '"
! grep -E 'role doc|index build' ran || fail 'a prompt of queries makes documents anew'
is 'tools' '1 1' "$(grep -c 'lir-tokenize' ran) $(grep -c 'lir-encode' ran)"
exits 0 lir-search --index dense --model "$dense" --prompt 'find, (please): ' -k 20 queries.tsv -o prompted.run
same <(ranks prompted.run) <(ranks one/example/dense/exact.run)
makes one
same <(ranks dense.run) <(ranks one/example/dense/exact.run)
makes one

# --- stopped at every third call of a tool, by its death: no finished stage runs again
rm -f ran calls
rounds=0
until FAIL_EVERY=3 study two; do
  rounds=$((rounds + 1))
  [ $rounds -lt 40 ] || { cat make.log >&2; fail 'a study that does not end'; }
done
[ $rounds -gt 5 ] || fail "stopped $rounds times alone"
sed 's/two/one/g' ran | sort >ran-twice.log
# An encoder in a pipe may have run for queries whose tokens never came.
same <(grep -v 'role query' ran-once.log | sed 's/--model-config [^ ]*//') <(grep -v 'role query' ran-twice.log |
  sed 's/--model-config [^ ]*//')
for file in one/table.* one/mteb/*/*/*.json one/example/*.tsv one/example/*.run one/example/*/*.run one/example/*/*.lirt* one/example/*/*/manifest.json; do
  same "$file" "two/${file#one/}"
done

# --- the tasks of an array, each a make of its own, at once: what cells share is made once
rm -f ran
study two cells && grep '\.run$' make.log | sed 's/^two/array/' >cells.log
while read -r cell; do (study array "$cell" || echo "$cell" >>failed.log) & done <cells.log
wait
[ ! -e failed.log ] || fail "tasks: $(cat failed.log)"
is 'makers of embeddings' 2 "$(grep -c 'lir-encode.*--shard' ran)"
is 'makers of BM25' 1 "$(grep -c 'type bm25' ran)"
makes array
same one/table.txt array/table.txt

# --- two collections of the same documents, as tasks of an array: those are encoded and indexed once
printf 'docs: docs.tsv\nqueries: few.tsv\nqrels: qrels.txt\n' >other.yml
head -n 4 queries.tsv | sed 's/$/ wheel/' >few.tsv
both() { # both ARGUMENT...
  make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN=wrapped OUT=both COLLECTIONS='other.yml example.yml' \
    SAME_DOCS=other.yml=example.yml RETRIEVERS=dense RERANKERS=dense MODEL_dense="$dense" DEPTH=20 "$@"
}
rm -f ran
both cells >cells.log
is 'cells of two collections' 6 "$(grep -c '\.run$' cells.log)"
while read -r cell; do (both "$cell" || echo "$cell" >>failed.log) >"made-$(basename "$cell").log" 2>&1 & done <cells.log
wait
[ ! -e failed.log ] || fail "tasks: $(cat failed.log made-*.log)"
is 'makers of embeddings' 1 "$(grep -c 'lir-encode.*--shard' ran)"
is 'makers of indexes' 2 "$(grep -c 'lir-index build' ran)"
exits 0 lir-search --index dense --model "$dense" -k 20 few.tsv -o few.run
exits 0 lir-search --index bm25 -k 20 few.tsv -o few-bm25.run
same <(ranks few.run) <(ranks both/other/dense/exact.run)
same <(ranks few-bm25.run) <(ranks both/other/bm25.run)
exits 0 lir-rerank --model "$dense" --queries few.tsv --docs docs.tsv --depth 100 few-bm25.run -o few-second.run
same <(ranks few-second.run) <(ranks both/other/dense/rerank.run)
[ ! -e datasets/local/other/docs.zst ] || fail 'the same documents are made twice'
same <(ranks dense.run) <(ranks both/example/dense/exact.run)
exits 0 both >both.log
rm ran
exits 0 both >both.log
[ ! -e ran ] || fail "a finished study of two does something: $(cat ran)"
head -n 3 few.tsv >fewer.tsv && mv fewer.tsv few.tsv
exits 0 both >both.log
is 'queries' 3 "$(cut -d ' ' -f 1 both/other/bm25.run | sort -u | wc -l)"
! grep -qE 'lir-index build|lir-encode.*--shard' ran || fail "other queries index anew: $(cat ran)"
exits 2 both SAME_DOCS='other.yml=example.yml example.yml=other.yml' >both.log
says 'are those of another collection'
rm -rf both

# --- saying what would be done, also of models and collections that nobody has
before=$(find . | sort)
study three --dry-run || { cat make.log >&2; fail 'a dry run'; }
grep -q 'lir-index build --codes int8 -o three/example/dense/coded' make.log || fail 'a dry run says nothing'
make -n --no-print-directory -f "$ROOT/pipelines/study.mk" COLLECTIONS='trec-dl nano-beir' OUT=full MODELS=nowhere FIRST=dataset \
  RETRIEVERS='msmarco-bert-base-dot-v5 webis/splade' RERANKERS=webis/colbert >full.log 2>&1 ||
  { cat full.log >&2; fail 'a dry run of the full study'; }
# Two models, thirteen collections of NanoBEIR, and one that TREC DL 2019 and 2020 have together.
! grep -q 'part docs msmarco-passage/trec-dl-2020' full.log || fail 'the documents of TREC DL are made twice'
is 'indexes' 28 "$(grep -c 'lir-index build.*/exact ' full.log)"
grep -q 'lir-search.*full/msmarco-passage-trec-dl-2020-judged/splade/exact.run' full.log ||
  grep -q 'lir-search.*full/msmarco-passage-trec-dl-2020-judged/webis-splade/exact.run' full.log || fail 'no search'
is 'encodings' 28 "$(grep -c '^lir-encode .*--role doc' full.log)"
is 're-rankings' 15 "$(grep -c '^lir-rerank ' full.log)"
is 'commands that are said twice' '' "$(grep -E '^ *(\| )?lir-|fetch-dataset|fetch-model' full.log | grep -v '\\$' | sort | uniq -d)"
is 'documents' 14 "$(grep -c 'fetch-dataset --part docs' full.log)"
is 'models' 3 "$(grep -c 'fetch-model webis\|fetch-model sentence' full.log)"
rm full.log
is 'files after dry runs' "$before" "$(find . | sort)"
is 'cells' 6 "$(study one cells && grep -c '\.run$' make.log)"

# --- published values, of the same protocol or of another
export IR_DATASETS_HOME=$PWD/home
python3 "$CLI/dataset_home.py" home "$ROOT/pipelines/example" home 2>home.log
known() { # known OUT ARGUMENT...
  env -u MODELS make --no-print-directory -f "$ROOT/pipelines/study.mk" OUT="$1" COLLECTIONS=msmarco-passage/trec-dl-2019/judged \
    RERANKERS=webis/monoelectra-base MODEL_webis/monoelectra-base="$MODELS/native/mono_bert_00/model" BM25=yes \
    MEASURES=nDCG@10 "${@:2}" >make.log 2>&1 || { cat make.log >&2; fail "make $1"; }
}
known official FIRST=dataset RERANK_DEPTH=1000
grep -qE '^webis/monoelectra-base +rerank .*\[0.751\]' official/table.txt || fail 'no published value'
jq -e '.task_name == "TRECDL2019" and .dataset_revision == "ir_datasets:msmarco-passage/trec-dl-2019/judged"' \
  official/mteb/webis__monoelectra-base/rerank/TRECDL2019.json >parsed.log || fail "mteb's task"
jq -e '.name == "webis/monoelectra-base" and .revision == "rerank"' \
  official/mteb/webis__monoelectra-base/rerank/model_meta.json >parsed.log || fail "mteb's model"
known others FIRST=bm25
grep -qF '[~0.751]' others/table.txt || fail 'no published value of another protocol'
refused() { # refused TEXT ARGUMENT...
  ! study wrong "${@:2}" || fail "no refusal: $1"
  grep -qF "$1" make.log || { cat make.log >&2; fail "no message: $1"; }
}
refused 'did you mean' RETRIEVERS=nobody
! make -f "$ROOT/pipelines/study.mk" COLLECTIONS=example.yml BM25= >make.log 2>&1 || fail 'a study of nothing'
grep -q 'a study of nothing' make.log || { cat make.log >&2; fail 'no message of a study of nothing'; }
refused 'did you mean RETRIEVERS' RETREIVERS=dense
refused 'two have one name' COLLECTIONS='example.yml ./example.yml'
is 'columns' 'model index example' "$(sed -n 2p one/table.txt | tr -s ' ')"

# --- make study-small of folders
small() { # small OUT ARGUMENT...
  make --no-print-directory -C "$ROOT" study-small BIN="$LIR_BIN" OUT="$PWD/$1" MINILM="$dense" \
    SPLADE="$MODELS/native/splade_bert_00/model" MPNET='' MODELS="$PWD/no-models" "${@:2}" >small.log 2>&1 ||
    { cat small.log >&2; fail "study-small $*"; }
}
LIR_TEST_DATA='' small small DATASETS="$PWD/sets"
is 'rows' 5 "$(sed -n '3,/^$/p' small/table.txt | grep -c .)"
# Collections and models that are there take part: of a folder, of what was fetched, and trained ones.
mkdir -p tested/cacm tested/cranfield
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} tested/cacm
LIR_TEST_DATA=$PWD/tested small larger DATASETS="$PWD/sets" MPNET="$dense" TRAINED="own=$dense" \
  TRAINED_RERANKERS="again=$MODELS/native/mono_bert_00/model"
is 'columns' 'model index example cacm mean' "$(sed -n 2p larger/table.txt | tr -s ' ')"
is 'rows' 'again bm25 minilm mpnet own splade' \
  "$(sed -n '3,/^$/p' larger/table.txt | awk 'NF { print $1 }' | sort -u | paste -sd ' ')"
rm -rf one two array small larger tested home sets datasets official others wrapped ran calls

# shellcheck shell=bash
# The Makefiles: same results for every number of shards and jobs, and only what changed is made.

command -v make >/dev/null || skip 'make is not installed'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
pipeline() { # pipeline OUT SHARDS ARGUMENT...
  local out=$1 shards=$2
  shift 2
  make --no-print-directory -f "$ROOT/pipelines/rerank.mk" OUT="$out" SHARDS="$shards" \
    MODEL="$MODELS/external/st_bert_mean/model" RERANKER="$MODELS/native/mono_bert_00/model" \
    DOCS=docs.tsv QUERIES=queries.tsv QRELS=qrels.txt RERANK_DEPTH=5 "$@" >>make.log 2>&1 ||
    { cat make.log >&2; fail "make $out $shards $*"; }
}
pipeline one 1
pipeline three 3 -j 2
for file in docs.lirt.zst queries.lirt first.run; do same "one/$file" "three/$file"; done
same <(cut -d' ' -f1-5 one/second.run) <(cut -d' ' -f1-5 three/second.run)
grep -q 'nDCG@10' one/first.measures.tsv || fail 'no measures'
same <(cut -f 2- one/second.measures.tsv) <(cut -f 2- three/second.measures.tsv)

# Nothing to do; then what changed only.
pipeline one 1 --question
# What options would change is said beforehand, too, by which arrays of jobs know their shards.
: >make.log
pipeline three 3 -n 'ENCODE_FLAGS=--precision bf16'
is 'shards that would be made' 3 "$(grep -c '^lir-encode .* -o three/docs/' make.log)"
is 'searches and re-rankings' '1 3' "$(grep -c '^lir-search' make.log) $(grep -c '^lir-rerank' make.log)"
touch queries.tsv
before=$(stat -c %Y%i one/docs.lirt.zst)
pipeline one 1
is 'docs.lirt.zst' "$before" "$(stat -c %Y%i one/docs.lirt.zst)"
# Other files, though they are older than all that was made; then those of before again.
cp one/first.measures.tsv before.tsv
texts_of() { cut -d ' ' -f "$1" "$2" | sort -u | wc -l; }
head -n 10 docs.tsv >few-docs.tsv
head -n 3 queries.tsv >few-queries.tsv
head -n 4 qrels.txt >few-qrels.txt
touch -d 2001-01-01 few-*
pipeline one 1 DOCS=few-docs.tsv
is 'documents' 10 "$(texts_of 3 one/first.run)"
pipeline one 1 DOCS=few-docs.tsv --question
pipeline one 1 QUERIES=few-queries.tsv
for run in first second; do is 'queries' 3 "$(texts_of 1 one/$run.run)"; done
is 'documents' 30 "$(texts_of 3 one/first.run)"
pipeline one 1
pipeline one 1 QRELS=few-qrels.txt
differ before.tsv one/first.measures.tsv
cp -r "$MODELS/native/dpr_bert_00/model" other
touch -d 2001-01-01 other/*
pipeline one 1 MODEL=other
differ three/first.run one/first.run
pipeline one 1
pipeline one 1 RERANKER=other
differ three/second.run one/second.run
pipeline one 1
for file in first.run docs.lirt.zst; do same "three/$file" "one/$file"; done
same before.tsv one/first.measures.tsv
same <(cut -d' ' -f1-5 three/second.run) <(cut -d' ' -f1-5 one/second.run)
# Another file under the same name, though it is older than all that was made.
cp -p queries.tsv kept-queries.tsv
head -n 5 kept-queries.tsv >queries.tsv
touch -d 2001-01-01 queries.tsv
pipeline one 1
is 'queries' 5 "$(texts_of 1 one/second.run)"
cp -p kept-queries.tsv queries.tsv
pipeline one 1

# Every option that can change a result is tracked; nothing is made again for one that cannot.
changes() { # changes FILE... -- ARGUMENT...: with them the files are others, without them those of before
  local files=() file
  while [ "$1" != -- ]; do files+=("$1") && shift; done
  shift
  pipeline one 1 --question
  for file in "${files[@]}"; do cp "one/$file" "before.${file//\//-}"; done
  pipeline one 1 "$@"
  for file in "${files[@]}"; do differ "before.${file//\//-}" "one/$file"; done
  pipeline one 1 --question "$@"
  pipeline one 1
  for file in "${files[@]}"; do same "before.${file//\//-}" "one/$file"; done
}
head -n 9 docs.tsv | cut -f 1 >allowed.txt
changes docs.lirt.zst first.run second.run -- TOKENIZE_FLAGS='--max-length 4'
changes docs.lirt.zst first.run -- ENCODE_FLAGS='--dtype f16'
changes first.run second.run first.measures.tsv -- SEARCH_FLAGS='--filter allowed.txt'
changes first.run -- SEARCH_FLAGS='--tag mine'
changes index/manifest.json -- INDEX_FLAGS=--no-provenance
changes second.run -- RERANK_FLAGS='--interpolate 0.5'
changes second.run -- RERANK_DEPTH=3
changes first.run -- DEPTH=3
rm one/settings/encode one/settings/search # what an older release did not write
pipeline one 1 ENCODE_FLAGS='--dtype bf16'
differ three/first.run one/first.run
pipeline one 1
changes first.measures.tsv -- MEASURES='P@1 AP(rel=1)'
SEARCH_FLAGS='--tag of-the-environment' pipeline one 1
is 'tag' of-the-environment "$(cut -d ' ' -f 6 one/first.run | sort -u)"
pipeline one 1
pipeline one 1 --question ENCODE_FLAGS='--threads 1 -v --progress=never'
numbers=7 weights=none pipeline one 1 --question -e
# A file that a flag names is an input.
pipeline one 1 SEARCH_FLAGS='--filter allowed.txt'
head -n 3 allowed.txt >fewer.txt && mv fewer.txt allowed.txt && touch -d 2001-01-01 allowed.txt
pipeline one 1 SEARCH_FLAGS='--filter allowed.txt'
is 'documents' 3 "$(texts_of 3 one/first.run)"
# So is one that is named by the configuration of a flag.
printf '%s\n' '# what is allowed' 'filter: "allowed.txt" # here' >searched.yml
pipeline one 1 SEARCH_FLAGS='--config searched.yml'
head -n 2 allowed.txt >fewer.txt && mv fewer.txt allowed.txt && touch -d 2001-01-01 allowed.txt
pipeline one 1 SEARCH_FLAGS='--config searched.yml'
is 'documents' 2 "$(texts_of 3 one/first.run)"
pipeline one 1
# A file of a model that changes, and is older.
cp -r "$MODELS/native/mono_bert_00/model" growing
pipeline one 1 RERANKER=growing
jq -c . growing/tokenizer_config.json >compact.json && mv compact.json growing/tokenizer_config.json
touch -d 2001-01-01 growing/tokenizer_config.json
! (pipeline one 1 RERANKER=growing --question) 2>failed.log || fail 'a changed model is not noticed'
pipeline one 1
# A link that leads to another model of the same sizes and times.
cp -r growing "$PWD/same-sizes"
printf 'x' | dd of=same-sizes/model.safetensors bs=1 seek=$(($(stat -c %s growing/model.safetensors) - 1)) \
  conv=notrunc status=none
touch -d 2001-01-01 growing/* same-sizes/*
ln -s growing current
pipeline one 1 RERANKER=current
pipeline one 1 RERANKER=current --question
ln -sfn same-sizes current
! (pipeline one 1 RERANKER=current --question) 2>failed.log || fail 'another model is not noticed'
pipeline one 1
# Other tools, by BIN or by PATH; their folder alone is none.
mkdir bin
ln -s "$LIR_BIN"/lir-* bin
pipeline one 1 --question BIN=bin
rm bin/lir-search
printf '#!/bin/sh\nexec "%s/lir-search" "$@" --tag other\n' "$LIR_BIN" >bin/lir-search
chmod +x bin/lir-search
changes first.run -- BIN=bin
PATH=$PWD/bin:$PATH pipeline one 1
is 'tag' other "$(cut -d ' ' -f 6 one/first.run | sort -u)"
pipeline one 1

# Shards are a setting: fewer, and more than there are queries or documents.
pipeline three 2
for file in docs.lirt.zst first.run; do same "one/$file" "three/$file"; done
pipeline three 50 -j 2
for file in docs.lirt.zst first.run; do same "one/$file" "three/$file"; done
same <(cut -d' ' -f1-5 one/second.run) <(cut -d' ' -f1-5 three/second.run)
exits 0 lir-encode verify three/docs/1.lirt.zst
is 'records of an empty shard' '' "$(lir-encode view three/docs/1.lirt.zst)"
for made in docs/7.lirt.zst second/7.run; do
  grep -q "^three/$made (7/50): lir-.*: done" make.log || fail "no message tells of $made"
done
# What a killed job of other work left is not in the way.
rm three/docs/1.lirt.zst three/docs.lirt.zst
echo 'of other work' >three/docs/.1.lirt.zst.partial
touch -d 2001-01-01 three/docs/.1.lirt.zst.partial
pipeline three 50 embeddings
same one/docs.lirt.zst three/docs.lirt.zst
[ ! -e three/docs/.1.lirt.zst.partial ] || fail 'a partial output is left'
# Each recipe has a goal of its own where none is named.
mkdir plain
make --no-print-directory -C plain -f "$ROOT/pipelines/retrieve.mk" DOCS=../docs.tsv QUERIES=../queries.tsv \
  MODEL="$MODELS/external/st_bert_mean/model" >plain.log 2>&1 || { cat plain.log >&2; fail 'retrieve.mk'; }
same one/docs.lirt.zst plain/out/docs.lirt.zst
[ -e plain/out/first.run ] || fail 'retrieve.mk makes no run'
# The tasks of an array, each a make of its own, at once: tokens are made once.
task() {
  make --no-print-directory -f "$ROOT/pipelines/retrieve.mk" OUT=array SHARDS=3 DOCS=docs.tsv \
    MODEL="$MODELS/external/st_bert_mean/model" "array/docs$1.lirt.zst" >"array$2.log" 2>&1
}
for i in 1 2 3; do task /$i -$i & tasks[i]=$!; done
for i in 1 2 3; do wait "${tasks[i]}" || { cat array-$i.log >&2; fail "task $i"; }; done
is 'makers of tokens' 1 "$(cat array-?.log | grep -c 'lir-tokenize: done')"
is 'makers of shards' 3 "$(cat array-?.log | grep -c 'lir-encode: done')"
task '' '' || { cat array.log >&2; fail 'joining shards'; }
is 'shards that are made again' 0 "$(grep -c -e --shard array.log)"
same one/docs.lirt.zst array/docs.lirt.zst

# What was touched is made again once, and settles.
for file in docs.tsv queries.tsv one/docs.tokens.zst one/docs/1.lirt.zst one/index/manifest.json; do
  touch $file
  pipeline one 1
  pipeline one 1 --question
done

# Saying what would be done changes nothing.
before=$(find . | sort)
pipeline new 3 --dry-run
grep -q 'lir-encode cat -o new' make.log || fail 'a dry run says nothing'
is 'files after a dry run' "$before" "$(find . | sort)"

# Help, and refusals that name the option.
make -s -f "$ROOT/pipelines/quickstart.mk" help >help.log
for text in 'RERANK_DEPTH ?= 20' 'SHARDS = 1' 'BIN =' 'Goals: quickstart rerank retrieve embeddings'; do
  grep -qF "${text/ \?=/ =}" help.log || { cat help.log >&2; fail "help lacks $text"; }
done
wrong() { # wrong TEXT ARGUMENT...
  local text=$1 status=0
  shift
  local file=(-f "$ROOT/pipelines/rerank.mk")
  [ "${1-}" != -C ] || file=()
  make --no-print-directory "${file[@]}" MODEL="$MODELS/external/st_bert_mean/model" \
    RERANKER="$MODELS/native/mono_bert_00/model" DOCS=docs.tsv QUERIES=queries.tsv OUT=wrong "$@" \
    >said.log 2>&1 || status=$?
  is "status of make $*" 2 $status
  says "$text"
}
wrong 'did you mean MODEL?' MODLE=x
wrong 'did you mean SHARDS?' shards=2
wrong 'did you mean TOKENIZE_FLAGS?' TOKENISE_FLAGS=-v
wrong "DOCS: 'my docs.tsv': make takes no names with spaces" DOCS='my docs.tsv'
wrong 'OUT: ' OUT='a b'
wrong 'a name with :' OUT=a:b
wrong 'MODEL is empty' MODEL=
wrong "SHARDS: 'many'" SHARDS=many
wrong 'neither a file nor a goal retreive' retreive
wrong 'lir-encode is neither on PATH' PATH=/usr/bin:/bin
wrong 'DOCS: nowhere.tsv: no such file' DOCS=nowhere.tsv
wrong 'MODEL: nowhere: no such file or folder; lir-fetch-model' MODEL=nowhere
wrong 'RERANKER: nowhere: no such file' RERANKER=nowhere
wrong 'QUERIES: nowhere: no such file' QUERIES=nowhere
wrong 'QRELS: nowhere: no such file' QRELS=nowhere
[ ! -e wrong ] || fail 'a refused make makes a folder'
mkdir no-model
wrong 'MODEL: no-model/config.json: no such file' MODEL=no-model
wrong 'RERANKER: nowhere/config.json: no such file' RERANKER=nowhere wrong/second/1.run
wrong 'did you mean MODEL?' -C "$ROOT/pipelines" -f rerank.mk MODLE=x
rm -rf wrong
# A Makefile that builds on these has variables and rules of its own.
cat >own.mk <<END
include $ROOT/pipelines/retrieve.mk
shown: retrieve
	head -n \$(MINE) \$(OUT)/first.run
made.tsv: docs.tsv
	cp docs.tsv made.tsv
END
own() {
  make -s -f own.mk MINE=2 OUT=own MODEL="$MODELS/external/st_bert_mean/model" DOCS=made.tsv "$@" 2>said.log
}
is 'lines of a rule of its own' 2 "$(own shown | wc -l)"
[ -e own/first.run ] || fail 'its first goal is not made'
own --question own/first.run || fail 'documents that a rule makes do not settle'

# A stage that fails leaves nothing behind.
echo 'no-tab' >>docs.tsv
status=0
(pipeline one 1) 2>failed.log || status=$?
is 'status of make with malformed texts' 1 $status
[ one/docs.tokens.zst -ot docs.tsv ] || fail 'tokens of malformed texts'
rm -rf one three own plain array other growing same-sizes current bin

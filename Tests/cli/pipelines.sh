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
    { cat make.log >&2; fail "make $out"; }
}
pipeline one 1
pipeline three 3 -j 2
for file in docs.lirt.zst queries.lirt first.run; do same "one/$file" "three/$file"; done
same <(cut -d' ' -f1-5 one/second.run) <(cut -d' ' -f1-5 three/second.run)
grep -q 'nDCG@10' one/first.measures.tsv || fail 'no measures'
same <(cut -f 2- one/second.measures.tsv) <(cut -f 2- three/second.measures.tsv)

# Nothing to do; then what changed only.
pipeline one 1 --question
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
# A stage that fails leaves nothing behind.
echo 'no-tab' >>docs.tsv
status=0
(pipeline one 1) 2>failed.log || status=$?
is 'status of make with malformed texts' 1 $status
[ one/docs.tokens.zst -ot docs.tsv ] || fail 'tokens of malformed texts'

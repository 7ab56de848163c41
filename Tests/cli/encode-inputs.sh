# shellcheck shell=bash
# Forms and compressions of text records; malformed ones are named by file and line.

model=native/dpr_bert_00
texts 40 >docs.tsv
exits 0 encode $model doc --no-provenance docs.tsv -o expected.lirt

# Compression is found by looking, whatever the name.
zstd -q docs.tsv -o docs.zstd
lz4 -q docs.tsv docs.lz4frame
gzip -nc docs.tsv >docs.gzip
for file in docs.zstd docs.lz4frame docs.gzip; do
  exits 0 encode $model doc --no-provenance $file -o other.lirt
  same expected.lirt other.lirt
  size=$(stat -c %s $file)
  head -c $((size - 3)) $file >cut.bin
  exits 65 encode $model doc cut.bin -o cut.lirt
  says cut.bin
  [ ! -e cut.lirt ] || fail 'an output of a cut input'
done

# JSON lines, of BEIR and of Pyserini.
jq -cR 'split("\t") | {_id: .[0], title: "", text: .[1]}' docs.tsv >beir.jsonl
jq -cR 'split("\t") | {id: .[0], contents: .[1]}' docs.tsv >pyserini.jsonl
exits 0 encode $model doc --no-provenance pyserini.jsonl -o other.lirt
same expected.lirt other.lirt
exits 0 encode $model doc --no-provenance beir.jsonl -o other.lirt
is 'ids of BEIR' 40 "$(lir-encode view other.lirt 2>said.log | jq -r .id | grep -c '^d')"
# TREC's SGML.
awk -F'\t' '{ print "<DOC>\n<DOCNO> " $1 " </DOCNO>\n<TEXT>\n" $2 "\n</TEXT>\n</DOC>" }' \
  docs.tsv >docs.trec
exits 0 encode $model doc --no-provenance docs.trec -o other.lirt
same expected.lirt other.lirt

# Malformed lines.
bad() { # bad NAME LINE: docs.tsv with LINE as its third
  sed -n 1,2p docs.tsv >"$1"
  printf '%b\n' "$2" >>"$1"
  sed -n 4,40p docs.tsv >>"$1"
  exits 65 encode $model doc "$1" -o bad.lirt
  says "$1:3"
  [ ! -e bad.lirt ] || fail 'an output of malformed input'
  exits 0 encode $model doc --on-error skip --no-provenance "$1" -o bad.lirt
  says 'skipped' "$1:3"
  is 'skipped' 1 "$(summary skipped)"
  is 'records' 39 "$(summary records)"
  rm bad.lirt
}
bad no-tab.tsv 'one-column'
bad empty-id.tsv '\ttext without id'
bad space-id.tsv 'an id\twith a space'
bad utf8.tsv 'd3\tcaf\xe9'
bad nul.tsv 'd3\ta\0000b'
jsonl() { # the same for JSON lines
  sed -n 1,2p pyserini.jsonl >"$1"
  printf '%s\n' "$2" >>"$1"
  sed -n 4,40p pyserini.jsonl >>"$1"
  exits 65 encode $model doc "$1" -o bad.lirt
  says "$1:3"
}
jsonl no-json.jsonl '{"id": "d3", '
jsonl no-id.jsonl '{"text": "nothing"}'
jsonl no-text.jsonl '{"id": "d3"}'
jsonl number.jsonl '{"id": "d3", "contents": 7}'
jsonl list.jsonl '["d3", "text"]'

# Nothing in, an empty stream out.
: >empty.tsv
refuses 65 'empty.tsv: expected data, found not one byte' encode $model doc empty.tsv -o empty.lirt
refuses 65 '--allow-empty' encode $model doc -o empty.lirt </dev/null
[ ! -e empty.lirt ] || fail 'a stream of nothing at all'
exits 0 encode $model doc --no-provenance --allow-empty empty.tsv -o empty.lirt
is 'records' 0 "$(summary records)"
exits 0 lir-encode verify empty.lirt
exits 0 lir-encode view empty.lirt >view.txt
[ ! -s view.txt ] || fail 'records in an empty stream'
exits 0 encode $model doc --no-provenance --allow-empty - </dev/null >empty-pipe.lirt
same empty.lirt empty-pipe.lirt
# A compressed text has an empty form of its own.
gzip -nc empty.tsv >empty.tsv.gz
exits 0 encode $model doc --no-provenance empty.tsv.gz -o empty.lirt.zst
exits 0 lir-encode verify empty.lirt.zst

# Several operands are read one after the other; the same one twice, twice.
exits 0 encode $model doc --no-provenance docs.tsv docs.zstd docs.tsv -o other.lirt
is 'records' 120 "$(summary records)"

# Only - is the standard input; ./-x is a file.
cp docs.tsv ./-x
exits 0 encode $model doc --no-provenance -o other.lirt ./-x
same expected.lirt other.lirt
exits 66 encode $model doc nowhere.tsv
says nowhere.tsv
rm -f bad.lirt

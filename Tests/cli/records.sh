# shellcheck shell=bash
# What records mean: ids and texts under the names that collections give them, headers, ids that
# occur twice.
model=$MODELS/native/dpr_bert_00/model
tokens() { lir-tokenize --model "$model" --role doc --format tokens "$@"; }

# The body under any common name, with the title in front.
echo '{"id":"d1","title":"a b","text":"c d"}' >text.jsonl
for key in contents body passage content segment chunk document abstract query; do
  echo "{\"id\":\"d1\",\"title\":\"a b\",\"$key\":\"c d\"}" >body.jsonl
  exits 0 tokens -q body.jsonl >found.log
  exits 0 tokens -q text.jsonl >wanted.log
  same wanted.log found.log
done
echo '{"id":"d1","title":"a b","bulk":"c d"}' >unknown.jsonl
refuses 65 'unknown.jsonl:1: expected a text under "text"' tokens unknown.jsonl
says 'found the keys "id", "title", "bulk"' '--fields title'
exits 0 tokens -q --fields title unknown.jsonl >found.log
exits 0 tokens -q --fields title text.jsonl >wanted.log
same wanted.log found.log
echo '{"id":"d1","meta":{"bulk":"c d","of":{"id":7}},"title":"a b"}' >nested.jsonl
exits 0 tokens -q --fields title,meta.bulk --id-field meta.of.id nested.jsonl >found.log
is 'a nested id' 7 "$(cut -f 1 found.log)"
exits 0 tokens -q text.jsonl >wanted.log
same <(cut -f 2 wanted.log) <(cut -f 2 found.log)

# MS MARCO V2's passages name their document, too; other ids beside each other are refused.
echo '{"pid":"p_1","passage":"c d","docid":"d_1"}' >v2.jsonl
is 'a passage' p_1 "$(tokens -q v2.jsonl | cut -f 1)"
is 'its document' d_1 "$(tokens -q --id-field docid v2.jsonl | cut -f 1)"
echo '{"id":"a","docid":"b","text":"c d"}' >two.jsonl
for policy in fail skip; do
  refuses 78 'two.jsonl:1: expected one id, found the keys "id" and "docid"' \
    tokens --on-error $policy two.jsonl
  says 'hint: --id-field names the key of the id'
done
refuses 78 '"id" and "docid"' encode native/dpr_bert_00 doc two.jsonl

# A query and a document in one record; a file of training tuples.
echo '{"id":"a","query":"a b","doc":"c d"}' >both.jsonl
refuses 78 'both.jsonl:1: expected one text, found the keys "query" and "doc"' tokens both.jsonl
echo '{"query_id":"a","query":"a b","docs":["c d","e f"],"targets":[1,0]}' >tuple.jsonl
refuses 65 'tuple.jsonl:1: expected a text, found a query and its documents: a training tuple' tokens tuple.jsonl
refuses 65 'a training tuple' lir-index build tuple.jsonl -o tuples.index
# A mark and nothing behind it is no text.
printf '\xef\xbb\xbf' >mark.tsv
refuses 65 'mark.tsv: expected data, found a byte order mark alone' tokens mark.tsv
exits 0 tokens --allow-empty mark.tsv
# What zstd reads only if it is asked to.
if printf 'd1\tc d\n' | zstd -q --long=28 >long.zst 2>zstd.log && zstd -lv long.zst 2>&1 | grep -q 'Window Size: 2[5-9][0-9]'; then
  refuses 65 'long.zst: expected zstd data that needs at most 128 MiB of memory' tokens long.zst
fi
# What a clone without Git LFS leaves.
cp -r "$model" pointers
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' >pointers/model.safetensors
refuses 65 'model.safetensors: expected a safetensors file, found a pointer of Git LFS' \
  lir-encode --model pointers --role doc text.jsonl -o x.lirt
# Values that look like options; what a command does not have.
refuses 64 'is joined to its option: --limit=-1' tokens --limit -1 text.jsonl
refuses 64 'unknown option --resumes' lir-index compact --resumes x

# Headers of TSV files, and of pairs.
printf 'passage_id\tpassage\nd1\tc d\n' >header.tsv
is 'a header' d1 "$(tokens -q header.tsv | cut -f 1)"
printf 'docid\tnote\nd1\tc d\n' >strange.tsv
refuses 65 'strange.tsv:1: expected id<TAB>text, found what looks like a header' tokens strange.tsv
printf 'query_id\tdoc_id\tquery\tdoc\nq\td\ta b\tc d\n' >pairs.tsv
cross=$MODELS/native/mono_bert_00/model
is 'a pair' 'q d' "$(lir-tokenize --model "$cross" --pairs --format tokens -q pairs.tsv | cut -f 1,2 | tr '\t' ' ')"
# Columns of ids that are called by whose ids they are.
printf 'query\tdoc\tquery_text\tdoc_text\nq\td\ta b\tc d\n' >named.tsv
is 'a pair' 'q d' "$(lir-tokenize --model "$cross" --pairs --format tokens -q named.tsv | cut -f 1,2 | tr '\t' ' ')"
printf 'doc\tquery\tdoc_text\tquery_text\nd\tq\tc d\ta b\n' >named.tsv
refuses 65 'named.tsv:1: expected the columns query_id, doc_id, query and doc' \
  lir-tokenize --model "$cross" --pairs --format tokens named.tsv
printf 'doc_id\tquery_id\tquery\tdoc\nd\tq\ta b\tc d\n' >swapped.tsv
refuses 65 'swapped.tsv:1: expected the columns query_id' \
  lir-tokenize --model "$cross" --pairs --format tokens swapped.tsv
refuses 64 '--pairs goes without' \
  lir-tokenize --model "$cross" --pairs --id-field doc_id --format tokens pairs.tsv

# A document in a document.
printf '<DOC>\n<DOCNO>A-1</DOCNO>\na b\n<DOC>\n<DOCNO>A-2</DOCNO>\nc d\n</DOC>\n' >open.trec
refuses 65 'open.trec:4: expected </DOC> for the <DOC> in line 1, found <DOC>' tokens open.trec
is 'what is whole' A-2 "$(tokens -q --on-error skip open.trec | cut -f 1)"

# Streams are named where texts belong, and texts where streams do.
exits 0 encode native/dpr_bert_00 doc header.tsv -o docs.lirt
refuses 65 'docs.lirt: expected text, found a tensor stream' tokens docs.lirt
refuses 65 'header.tsv: expected a tensor stream, found text' lir-index build --type flat header.tsv -o i.index
says 'lir-encode makes vectors of texts'

# Ids that occur twice.
printf 'a\tc\nb\tc\na\tc\nb\tc\n' >twice.tsv
exits 0 tokens twice.tsv >printed.log
says 'warning: twice.tsv:3: id a occurs twice' 'warning: 2 records have an id that occurred before'
exits 0 encode native/dpr_bert_00 doc twice.tsv -o twice.lirt
says 'warning: twice.tsv:3: id a occurs twice' 'warning: 2 records have an id that occurred before'
is 'repeated ids' 2 "$(lir-tokenize --model "$model" --role doc --stats -q twice.tsv | jq .repeated_ids)"
exits 0 lir-tokenize --model "$model" --role doc twice.tsv -o twice.lirt
exits 0 lir-encode --model "$model" --role doc twice.lirt -o twice.dense.lirt
says 'warning: twice.lirt: id a occurs twice' 'warning: 2 records have an id that occurred before'

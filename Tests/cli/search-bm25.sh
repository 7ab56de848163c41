# shellcheck shell=bash
# An index of texts, without a model: Anserini's scores, the same bytes for threads and shards.

docs=$FIXTURES/bm25/docs.tsv queries=$FIXTURES/bm25/queries.tsv
exits 0 lir-index build --type bm25 -o whole.index "$docs"
exits 0 lir-index verify whole.index
exits 0 lir-search --index whole.index -k 30 --tag t "$queries" -o whole.run
# Anserini's runs byte for byte, by its way of ties.
ask() {
  local run=$1
  shift
  exits 0 lir-search --index whole.index -k 30 --ties anserini --tag Anserini "$@" "$queries" -o mine.run
  sort -s -k 1,1 "$FIXTURES/bm25/$run.run" >theirs.run
  sort -s -k 1,1 mine.run >ours.run
  same ours.run theirs.run
}
ask anserini
ask rm3 --rm3
ask rm3-other --rm3 --rm3-fb-docs 4 --rm3-fb-terms 6 --rm3-original-query-weight 0.3 --rm3-no-term-filter
ask rocchio --rocchio
ask rocchio-negative --rocchio --rocchio-use-negative --rocchio-gamma 0.4 --rocchio-top-fb-docs 3 \
  --rocchio-bottom-fb-terms 5
refuses 64 'expected trec or anserini' lir-search --index whole.index --ties rank "$queries"
refuses 64 'for TREC' lir-search --index whole.index --ties anserini --format jsonl "$queries"
refuses 64 'is for --rm3' lir-search --index whole.index --rm3-fb-docs 4 "$queries"
refuses 64 'expected one of them' lir-search --index whole.index --rm3 --rocchio "$queries"
exits 0 lir-index build --type bm25 --store-vectors no -o bare.index "$docs"
refuses 78 'the index has no vectors' lir-search --index bare.index --rm3 "$queries"

for threads in 1 2; do
  exits 0 lir-index build --type bm25 --threads $threads --max-memory 1M -o other.index "$docs"
  for file in whole.index/*.safetensors; do same "$file" "other.index/${file##*/}"; done
  exits 0 lir-search --index other.index -k 30 --tag t --threads $threads "$queries" -o other.run
  same whole.run other.run
  rm -rf other.index
done
# What are texts is found out, in every form and from a pipe.
same_index() { for file in whole.index/*.safetensors; do same "$file" "$1/${file##*/}"; done; }
jq -R 'split("\t") | {id: .[0], contents: .[1]}' -c "$docs" >docs.jsonl
zstd -q "$docs" -o docs.tsv.zst
sed -E 's/^([^\t]*)\t(.*)$/<DOC>\n<DOCNO>\1<\/DOCNO>\n<TEXT>\n\2\n<\/TEXT>\n<\/DOC>/' "$docs" >docs.trec
for input in docs.jsonl docs.tsv.zst docs.trec; do
  exits 0 lir-index build -o "$input.index" "$input"
  same_index "$input.index"
done
for input in docs.jsonl docs.tsv.zst; do
  exits 0 lir-index build -o piped.index <$input
  same_index piped.index
  rm -rf piped.index
done
exits 0 lir-index build -o piped.index <(cat "$docs")
same_index piped.index
exits 0 lir-index build --language none -o asked.index "$docs"
is 'its language' none "$(lir-index info asked.index | jq -r .parameters.language)"
refuses 64 'bm25 has no --codes' lir-index build --codes int8 -o x.index "$docs"
refuses 64 'bm25 has no --num-centroids' lir-index build --num-centroids 8 -o x.index "$docs"
refuses 64 '--ids is for types that take vectors' lir-index build --ids docs.jsonl -o x.index "$docs"
echo '{"id": "a", "vector": [1, 2]}' >vectors.jsonl
refuses 65 'expected text records or vectors, found both' lir-index build -o x.index "$docs" vectors.jsonl
exits 0 lir-index build -o flat.index vectors.jsonl
is 'the type of vectors' flat "$(lir-index info flat.index | jq -r .type)"
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(3000))' | sed 's/^/\x01/' >noise
exits 65 lir-index build -o x.index noise

split -n l/3 --numeric-suffixes=1 -a 1 "$docs" part-
for i in 1 2 3; do exits 0 lir-index build --type bm25 -o part-$i.index part-$i; done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index
for file in whole.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done

exits 0 lir-search --index whole.index -k 30 --tag t --k1 1.2 --b 0.75 "$queries" -o robertson.run
! cmp -s whole.run robertson.run || fail 'k1 and b change nothing'
exits 0 lir-index build --type bm25 --language none -o plain.index "$docs"
refuses 64 'from 0.0 to 1.0' lir-search --index whole.index --b 2 "$queries"
refuses 64 'found klingon' lir-index build --type bm25 --language klingon -o x.index "$docs"

# Other languages, by name or code; what their stems are is known to the index.
if ! ldconfig -p 2>/dev/null | grep -qF libstemmer.so.0d; then
  note 'libstemmer is not installed: languages are not tested'
  exit 0
fi
printf 'a\tDie Häuser\nb\tDas Haus der Abbildung\nc\tabbilden\n' >german.tsv
exits 0 lir-index build --language de -o german.index german.tsv
exits 0 lir-index verify german.index
is 'its language' german "$(lir-index info german.index | jq -r .parameters.language)"
found() { lir-search -q --index "$1" --text "$2" | cut -d ' ' -f 3 | sort | paste -sd ' '; }
is 'houses' 'a b' "$(found german.index haus)"
is 'stop words' '' "$(found german.index der)"
is 'light stems' 'b' "$(found german.index Abbildungen)"
exits 0 lir-index build --language german --stemmer snowball -o snowball.index german.tsv
is 'stems of Snowball' 'b c' "$(found snowball.index Abbildungen)"
exits 0 lir-index build --language german --stemmer none -o bare.index german.tsv
is 'no stems' 'a' "$(found bare.index Häuser)"
refuses 78 'the indexes disagree: source' lir-index merge -o x.index german.index snowball.index
refuses 64 'not for turkish' lir-index build --language tr --stemmer lucene -o x.index german.tsv
refuses 64 'without a language' lir-index build --language none --stemmer snowball -o x.index german.tsv
exits 0 lir-index build --language tr -o turkish.index german.tsv

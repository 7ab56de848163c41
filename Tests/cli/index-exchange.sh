# shellcheck shell=bash
# Indexes in other programs' formats: CIFF both ways, NumPy and safetensors, Pyserini's sparse vectors.

docs=$FIXTURES/bm25/docs.tsv queries=$FIXTURES/bm25/queries.tsv
ciff() { python3 "$CLI/ciff.py" "$@"; }

# CIFF of words: the same index comes back, and the same runs, from one segment or several.
exits 0 lir-index build -o words.index "$docs"
exits 0 lir-index export --format ciff -o words.ciff words.index
exits 0 lir-index import -o again.index words.ciff
exits 0 lir-index verify again.index
for file in postings terms lengths vectors documents; do
  same "$(echo words.index/$file.*.safetensors | cut -d ' ' -f 1)" \
    "again.index/$(basename "$(echo words.index/$file.*.safetensors | cut -d ' ' -f 1)")"
done
for flag in --exact --rm3; do
  exits 0 lir-search --index words.index -k 50 --tag t $flag "$queries" -o words.run
  exits 0 lir-search --index again.index -k 50 --tag t $flag "$queries" -o again.run
  same words.run again.run
done
zstd -q words.ciff
exits 0 lir-index import -o packed.index words.ciff.zst
same <(lir-index info packed.index | jq .statistics) <(lir-index info again.index | jq .statistics)
head -n 40 "$docs" >first.tsv
tail -n +41 "$docs" >rest.tsv
cut -f 1 "$docs" | awk 'NR % 3 == 0' >gone
grep -vFf <(sed 's/$/\t/' gone) "$docs" >left.tsv || :
exits 0 lir-index build -o parts.index first.tsv
exits 0 lir-index append parts.index rest.tsv
exits 0 lir-index delete parts.index --ids gone
awk -F '\t' 'NR == FNR { gone[$1]; next } !($1 in gone)' gone "$docs" >left.tsv
exits 0 lir-index build -o left.index left.tsv
for name in parts left; do exits 0 lir-index export --format ciff -o $name.ciff $name.index; done
same parts.ciff left.ciff

# What a file holds, by another reading of texts that anybody can count.
printf 'b\tred red blue\na\tblue green\nc\t\n' >small.tsv
exits 0 lir-index build --language none -o small.index small.tsv
exits 0 lir-index export --format ciff -o small.ciff small.index
ciff dump small.ciff >small.dump
cat >small.wanted <<'END'
{"version": 1, "lists": 3, "documents": 3, "total_lists": 3, "total_documents": 3, "total_terms": 5, "average": 1.6666666666666667, "description": "lir-index export of bm25"}
{"term": "blue", "df": 2, "cf": 2, "postings": [[0, 1], [1, 1]]}
{"term": "green", "df": 1, "cf": 1, "postings": [[1, 1]]}
{"term": "red", "df": 1, "cf": 2, "postings": [[0, 2]]}
{"number": 0, "id": "b", "length": 3}
{"number": 1, "id": "a", "length": 2}
{"number": 2, "id": "c", "length": 0}
END
same small.dump small.wanted

# Files of others: lists in any order, lengths that were rounded, documents in any order, no lengths.
ciff dump words.ciff >words.dump
{ head -n 1 words.dump; grep '"term"' words.dump | tac; grep '"id"' words.dump | tac; } | ciff make turned.ciff
# shellcheck disable=SC2016  # the dollars are jq's
lossy='def low: if . < 24 then . else (. - 24) as $n | if $n < 16 then . else
  24 + ($n / pow(2; ($n | log2 | floor) - 3) | floor) * pow(2; ($n | log2 | floor) - 3) end end;
  if .length then .length |= low else . end'
jq -c "$lossy" words.dump | ciff make lossy.ciff
jq -c 'if .length then .length = 0 else . end' words.dump | ciff make zero.ciff
for name in turned lossy zero; do
  exits 0 lir-index import -o $name.index $name.ciff
  [ ! -s said.log ] || ! grep -q warning said.log || fail "$name: $(cat said.log)"
  exits 0 lir-search --index $name.index -k 50 --tag t "$queries" -o $name.run
  exits 0 lir-search --index words.index -k 50 --tag t "$queries" -o words.run
  same words.run $name.run
done
# A part of the lists: lengths are the file's, also when indexes are joined and documents deleted.
{ head -n 1 words.dump | jq -c '.lists -= 3'; grep '"term"' words.dump | tail -n +4; grep '"id"' words.dump; } |
  ciff make part.ciff
exits 0 lir-index import -o part.index part.ciff
says 'terms and'
exits 0 lir-index verify part.index
is 'given lengths' true "$(lir-index info part.index | jq .statistics.lengths_given)"
exits 0 lir-index delete part.index --ids gone
exits 0 lir-index verify part.index
exits 0 lir-index compact part.index
exits 0 lir-index verify part.index
is 'given lengths' true "$(lir-index info part.index | jq .statistics.lengths_given)"

# Files that are cut or contradict themselves.
for size in 0 1 30 100 $(($(stat -c %s small.ciff) - 1)); do
  head -c "$size" small.ciff >cut.ciff
  exits 65 lir-index import -o none.index cut.ciff
done
cat small.ciff small.ciff >twice.ciff
refuses 65 'more follows' lir-index import -o none.index twice.ciff
wrong() { # wrong MESSAGE PROGRAM: a change of the small file
  jq -c "$2" small.dump | ciff make wrong.ciff
  refuses 65 "$1" lir-index import -o none.index wrong.ciff
}
wrong 'two postings lists' 'if .term == "red" then .term = "blue" else . end'
wrong '2 postings, where 7 are said' 'if .term == "blue" then .df = 7 else . end'
wrong 'documents below 3' 'if .term == "red" then .postings = [[9, 2]] else . end'
wrong 'a frequency of 0' 'if .term == "red" then .postings = [[0, 0]] else . end'
wrong 'another number' 'if .number == 1 then .number = 0 else . end'
wrong 'an id without' 'if .id == "a" then .id = "a b" else . end'
wrong 'occurs twice' 'if .id == "a" then .id = "b" else . end'
wrong 'found a short one' 'if .version then .documents = 2000000000 else . end'
jq -c 'if .version then .version = 2 else . end' small.dump | ciff make wrong.ciff
refuses 78 'version 2' lir-index import -o none.index wrong.ciff
refuses 65 'CIFF' lir-index import -o none.index "$docs"
refuses 64 'read more than once' lir-index import -o none.index - <small.ciff
refuses 64 'are for sparse vectors' lir-index import --impact-scale 2 -o none.index small.ciff
refuses 64 'bm25 has no --codes' lir-index import --codes int8 -o none.index small.ciff
[ ! -e none.index ] || fail 'an index of what was refused'

# Sparse vectors as Pyserini writes them, and CIFF of them.
printf 'blue\ngreen\nred\nred2\n' >vocabulary
cat >docs.jsonl <<'END'
{"id": "d1", "contents": "x", "vector": {"red": 2.5, "blue": 1}}
{"docid": "d2", "vector": {"green": 0.25, "red": 0.5, "blue": 0}}
{"id": 3, "vector": {}}
END
printf '{"qid": "q1", "vector": {"red": 2, "green": 4}}\n{"qid": "q2", "vector": {"blue": 3}}\n' >queries.jsonl
say=(--vocabulary vocabulary --model-label splade)
exits 0 lir-index build "${say[@]}" -o sparse.index docs.jsonl
is 'its type' sparse "$(lir-index info sparse.index | jq -r .type)"
is 'its size' 4 "$(lir-index info sparse.index | jq .dim)"
exits 0 lir-search --index sparse.index "${say[@]}" --tag t queries.jsonl -o sparse.run
printf '%s\n' 'q1 Q0 d1 1 5 t' 'q1 Q0 d2 2 2 t' 'q2 Q0 d1 1 3 t' >wanted.run
awk '{ $5 = $5 + 0; print }' sparse.run >found.run
same found.run wanted.run
exits 0 lir-rerank "${say[@]}" --queries queries.jsonl --docs docs.jsonl --tag t sparse.run -o reranked.run
awk '{ $5 = $5 + 0; print }' reranked.run >found.run
same found.run wanted.run
exits 0 lir-rerank "${say[@]}" --queries queries.jsonl --index sparse.index --tag t sparse.run -o reranked.run
awk '{ $5 = $5 + 0; print }' reranked.run >found.run
same found.run wanted.run
exits 0 lir-search --index sparse.index "${say[@]}" --explain queries.jsonl >explained.jsonl
is 'the terms' 'red' "$(head -n 1 explained.jsonl | jq -r '.explanation.terms[].term')"
refuses 64 '--vocabulary FILE' lir-search --index sparse.index --model-label splade queries.jsonl
printf 'red\ngreen\nblue\nred2\n' >other
refuses 78 'vocabulary' lir-search --index sparse.index --model-label splade --vocabulary other queries.jsonl
refuses 78 'tokenizer' lir-index append sparse.index --model-label splade --vocabulary other docs.jsonl
printf 'red\nred\n' >doubled
refuses 65 'two numbers' lir-index build --model-label x --vocabulary doubled -o none.index docs.jsonl
printf 'red\nblue\n' >short
refuses 65 "docs.jsonl:2: expected terms of the vocabulary, found 'green'" \
  lir-index build --model-label x --vocabulary short -o none.index docs.jsonl
printf '{"id": "a", "vector": {"red": 1, "red": 2}}\n' >again.jsonl
refuses 65 'each term once' lir-index build "${say[@]}" -o none.index again.jsonl
printf '{"id": "a", "vector": [1, 2]}\n' >dense.jsonl
refuses 64 'have no terms' lir-index build "${say[@]}" -o none.index dense.jsonl
refuses 65 'numbers' lir-index build "${say[@]}" -o none.index <(cat docs.jsonl dense.jsonl)
mkdir folder && printf '{"model": {"vocab": {"red": 2, "blue": 0, "green": 1, "red2": 3}}}' >folder/tokenizer.json
exits 0 lir-search --index sparse.index --vocabulary folder --model-label splade --tag t queries.jsonl -o folder.run
same sparse.run folder.run

exits 0 lir-index export --format ciff --impact-scale 4 --vocabulary vocabulary -o sparse.ciff sparse.index
ciff dump sparse.ciff | tail -n +2 >sparse.dump
cat >sparse.wanted <<'END'
{"term": "blue", "df": 1, "cf": 4, "postings": [[0, 4]]}
{"term": "green", "df": 1, "cf": 1, "postings": [[1, 1]]}
{"term": "red", "df": 2, "cf": 12, "postings": [[0, 10], [1, 2]]}
{"number": 0, "id": "d1", "length": 14}
{"number": 1, "id": "d2", "length": 3}
{"number": 2, "id": "3", "length": 0}
END
same sparse.dump sparse.wanted
exits 0 lir-index import "${say[@]}" --impact-scale 4 -o sparse-again.index sparse.ciff
exits 0 lir-index verify sparse-again.index
exits 0 lir-search --index sparse-again.index "${say[@]}" --tag t queries.jsonl -o again.run
same sparse.run again.run
# Eight bits: the largest weight is 255, and none is lost; without a vocabulary terms are numbers.
exits 0 lir-index export --format ciff -o bits.ciff sparse.index
is 'impacts' '0:102 1:26 2:255,51' "$(ciff dump bits.ciff | jq -r 'select(.term) |
  .term + ":" + ([.postings[][1] | tostring] | join(","))' | paste -sd ' ')"
refuses 64 'exclude each other' \
  lir-index export --format ciff --impact-bits 8 --impact-scale 2 -o x.ciff sparse.index
refuses 64 'for sparse vectors' lir-index export --format ciff --impact-bits 8 -o x.ciff words.index
refuses 78 'the vocabulary has no term' \
  lir-index export --format ciff --vocabulary short -o x.ciff sparse.index
refuses 65 'has no term' lir-index import --vocabulary short -o none.index sparse.ciff
printf '{"id": "a", "vector": {"red": -1}}\n' >negative.jsonl
exits 0 lir-index build "${say[@]}" -o negative.index negative.jsonl
refuses 78 'found a weight of -1' lir-index export --format ciff -o x.ciff negative.index

# NumPy and safetensors: what comes back is what was there, without what was deleted.
printf '{"id": "a", "vector": [1, 2.5]}\n{"id": "b", "vector": [3, -4]}\n{"id": "c", "vector": [0.1, 0]}\n' >dense.jsonl
exits 0 lir-index build --model-label m -o dense.index dense.jsonl
exits 0 lir-index export --format npy -o dense.npy dense.index
exits 0 lir-index build --model-label m -o dense-again.index dense.npy
for file in dense.index/*.safetensors; do same "$file" "dense-again.index/${file##*/}"; done
exits 0 lir-index export --format safetensors -o dense.safetensors dense.index
exits 0 lir-index build --model-label m -o tensors.index dense.safetensors
for file in dense.index/*.safetensors; do same "$file" "tensors.index/${file##*/}"; done
printf '{"id": "s", "vectors": [[1, 2], [3, 4]]}\n{"id": "t", "vectors": [[5, 6]]}\n{"id": "u", "vectors": []}\n' >several.jsonl
exits 0 lir-index build --model-label m -o several.index several.jsonl
exits 0 lir-index export --format safetensors -o several.safetensors several.index
exits 0 lir-index build --model-label m -o several-again.index several.safetensors
for file in several.index/*.safetensors; do same "$file" "several-again.index/${file##*/}"; done
exits 0 lir-index export --format faiss -o dense.faiss dense.index
exits 0 lir-index import --model-label m -o faiss.index dense.faiss
for file in dense.index/*.safetensors; do same "$file" "faiss.index/${file##*/}"; done
exits 0 lir-index build --model-label m --similarity l2 -o distances.index dense.jsonl
exits 0 lir-index export --format faiss -o distances.faiss distances.index
exits 0 lir-index import --model-label m --ids dense.npy.ids -o faiss.index distances.faiss
for file in distances.index/*.safetensors; do same "$file" "faiss.index/${file##*/}"; done
# A graph in layers: its vectors come back, and faiss walks through the same edges.
awk 'BEGIN { srand(7); for (i = 0; i < 300; i++) { printf "{\"id\": \"d%d\", \"vector\": [", i
  for (j = 0; j < 8; j++) printf "%s%.6f", j ? ", " : "", rand() - 0.5; print "]}" } }' >cloud.jsonl
for similarity in dot cosine l2; do
  exits 0 lir-index build --type hnsw --num-neighbors 4 --model-label m --similarity $similarity \
    -o layers-$similarity.index cloud.jsonl
  exits 0 lir-index export --format faiss -o layers-$similarity.faiss layers-$similarity.index
done
exits 0 lir-index build --type hnsw --num-neighbors 4 --model-label m -o faiss.index layers-l2.faiss
for file in layers-l2.index/*.safetensors; do same "$file" "faiss.index/${file##*/}"; done
refuses 78 'kind multivector' lir-index export --format faiss -o x several.index
refuses 64 'are for CIFF, found vectors' lir-index import --impact-scale 2 --vocabulary short -o x dense.faiss
# Lists and product codes in faiss's files: what is read back scores as a search of the index does.
vectors() { # vectors PREFIX COUNT SEED: vectors of eight numbers
  awk -v p="$1" -v n="$2" -v s="$3" 'BEGIN { srand(s); for (i = 0; i < n; i++) {
    printf "{\"id\": \"%s%d\", \"vector\": [", p, i
    for (j = 0; j < 8; j++) printf "%s%.4f", j ? ", " : "", rand() - 0.4
    print "]}" } }'
}
vectors v 300 1 >many.jsonl
vectors q 9 2 >asked.jsonl
echo v7 >gone
near() { # near RUN RUN: the same documents, and scores within 1e-5
  paste -d ' ' "$1" "$2" | awk '{ d = $5 - $11; if ($3 != $9 || d > 1e-5 || d < -1e-5) { print; bad = 1 } } END { exit bad }' >&2 ||
    fail "$1 and $2 differ"
  is "lines of $2" "$(wc -l <"$1")" "$(wc -l <"$2")"
}
for row in 'dot ivf --num-centroids 5' 'l2 ivf --num-centroids 5 --codes b1' 'cosine ivf --codes f16 --num-centroids 3' \
  'dot ivfpq --num-centroids 4 --num-subquantizers 4 --rotation none' \
  'dot pq --n-bits 4 --num-subquantizers 4 --rotation none' 'dot ivfpq --n-bits 4 --num-subquantizers 2 --rotation none'; do
  read -r similarity type flags <<<"$row"
  # shellcheck disable=SC2086
  exits 0 lir-index build --model-label m --similarity "$similarity" --type "$type" $flags -o listed.index many.jsonl
  exits 0 lir-index delete listed.index --ids gone
  exits 0 lir-index export --format faiss -o listed.faiss listed.index
  is "ids of $row" 299 "$(wc -l <listed.faiss.ids)"
  rm -rf read.index
  exits 0 lir-index import --model-label m -o read.index listed.faiss
  asked=(--exact)
  [ "$type" = ivf ] || asked=(--approximate --nprobe all)
  [ "$type" = pq ] && asked=(--approximate)
  common=(-k 5 --tag t --model-label m --similarity "$similarity" asked.jsonl)
  exits 0 lir-search --index listed.index "${asked[@]}" "${common[@]}" -o ours.run
  exits 0 lir-search --index read.index "${common[@]}" -o theirs.run
  near ours.run theirs.run
done
exits 0 lir-index build --model-label m --type ivf --codes b1 --originals none -o bits.index many.jsonl
refuses 78 'codes alone' lir-index export --format faiss -o x.faiss bits.index
exits 0 lir-index build --model-label m --similarity l2 --type pq --rotation none -o far.index many.jsonl
refuses 78 'factors of their own' lir-index export --format faiss -o x.faiss far.index
if python3 -c 'import faiss' 2>/dev/null; then
  # Faiss finds the same: rows of the index are the queries.
  is 'what faiss finds' '0 1 2' "$(python3 -c 'import faiss, numpy
index = faiss.read_index("distances.faiss")
print(*index.search(numpy.load("dense.npy"), 1)[1][:, 0])')"
  # A walk that keeps nearly all in sight finds there what it finds here.
  exits 0 lir-index export --format npy -o cloud.npy layers-dot.index
  for similarity in dot cosine l2; do
    exits 0 lir-search --index layers-$similarity.index --ef-search 290 -k 3 --tag t \
      --model-label m --similarity $similarity cloud.jsonl -o layers.run
    is "what faiss finds by $similarity" "$(cut -d ' ' -f 3 layers.run | paste -sd ' ')" \
      "$(python3 -c 'import faiss, numpy, sys
index = faiss.read_index(sys.argv[1])
faiss.ParameterSpace().set_index_parameter(index, "efSearch", 290)
print(*["d%d" % i for i in index.search(numpy.load("cloud.npy"), 3)[1].ravel()])' layers-$similarity.faiss)"
  done
else
  note 'python3 has no faiss: its reader is not asked'
fi
echo b >b && exits 0 lir-index delete dense.index --ids b
echo d1 >d1 && exits 0 lir-index delete layers-l2.index --ids d1
refuses 78 'lir-index compact' lir-index export --format faiss -o x.faiss layers-l2.index
exits 0 lir-index compact layers-l2.index
exits 0 lir-index export --format faiss -o x.faiss layers-l2.index
exits 0 lir-index export --format npy -o left.npy dense.index
is 'ids that are left' 'a c' "$(paste -sd ' ' left.npy.ids)"
refuses 78 'kind multivector' lir-index export --format npy -o x.npy several.index
refuses 78 'type flat' lir-index export --format ciff -o x.ciff dense.index
refuses 78 'type bm25' lir-index export --format npy -o x.npy words.index
refuses 64 'expected ciff' lir-index export --format faiss2 -o x words.index

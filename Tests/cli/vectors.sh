# shellcheck shell=bash
# Vectors of other programs: indexes, searches and re-ranking of them give what streams give.

model=$MODELS/native/dpr_bert_01/model
texts 300 | awk -F'\t' '$2 != ""' >docs.tsv
texts 12 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
for side in doc/docs query/queries; do
  role=${side%/*} name=${side#*/}
  exits 0 lir-encode --model "$model" --role "$role" "$name.tsv" -o "$name.lirt"
  exits 0 lir-encode --model "$model" --role "$role" --format npy "$name.tsv" -o "$name.npy"
  exits 0 lir-encode --model "$model" --role "$role" --format jsonl "$name.tsv" -o "$name.jsonl"
  zstd -q "$name.npy" -o "$name.npy.zst"
done
exits 0 lir-index build docs.lirt -o own.index
digest=$(lir-index info own.index | sed -n 's/.*"model": "\([0-9a-f]*\)".*/\1/p' | head -n 1)
similarity=$(lir-index info own.index | sed -n 's/.*"similarity": "\([a-z0-9]*\)".*/\1/p' | head -n 1)
exits 0 lir-search --index own.index -k 20 --tag t queries.lirt -o own.run
say=(--model-label mine --similarity "$similarity")

for form in npy npy.zst jsonl; do
  ids=() query_ids=()
  [ $form != npy.zst ] || { ids=(--ids docs.npy.ids) query_ids=(--ids queries.npy.ids); }
  exits 0 lir-index build "${say[@]}" "${ids[@]}" docs.$form -o their.index
  exits 0 lir-index verify their.index
  exits 0 lir-search --index their.index "${say[@]}" "${query_ids[@]}" -k 20 --tag t queries.$form \
    -o their.run
  same own.run their.run
  # Ids do not come with what a pipe brings.
  piped_ids=("${query_ids[@]}")
  [ $form != npy ] || piped_ids=(--ids queries.npy.ids)
  exits 0 lir-search --index their.index "${say[@]}" "${piped_ids[@]}" -k 20 --tag t \
    <queries.$form >their.run
  same own.run their.run
  : >joined.run
  for i in 1 2 3; do
    exits 0 lir-search --index their.index "${say[@]}" "${query_ids[@]}" -k 20 --tag t --shard $i/3 \
      queries.$form -o part.run
    cat part.run >>joined.run
  done
  same own.run joined.run
  # Who knows the model's digest may say it.
  exits 0 lir-search --index own.index --model-label "$digest" --similarity "$similarity" \
    "${query_ids[@]}" -k 20 --tag t queries.$form -o their.run
  same own.run their.run
done
# Again, the same index; half of the documents.
exits 0 lir-index build "${say[@]}" docs.npy --resume -o their.index
exits 0 lir-index build "${say[@]}" docs.npy --resume -o their.index
says 'nothing is left to do'
exits 0 lir-index build "${say[@]}" --limit 100 docs.npy -o part.index
is documents 100 "$(summary documents)"
exits 0 lir-index build "${say[@]}" --codes int8 docs.npy -o coded.index
exits 0 lir-search --index coded.index "${say[@]}" -k 20 --tag t queries.npy -o their.run
same own.run their.run

# Re-ranking: vectors on both sides, in files or an index, need no model.
sort -k 3 own.run | awk '{ $5 = 1; print }' >first.run
exits 0 lir-rerank --model "$model" --queries queries.lirt --docs docs.lirt --tag t first.run -o own-again.run
sort own-again.run >expected
for pair in lirt/lirt npy/npy jsonl/npy; do
  claims=("${say[@]}")
  [ $pair != lirt/lirt ] || claims=()
  exits 0 lir-rerank "${claims[@]}" --queries queries.${pair%/*} --docs docs.${pair#*/} --tag t first.run \
    -o their.run
  sort their.run >found
  same expected found
done
exits 0 lir-rerank "${say[@]}" --queries queries.npy.zst --query-ids queries.npy.ids --index their.index \
  --tag t first.run -o their.run
sort their.run >found
same expected found
exits 0 lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv --format jsonl first.run -o texts.jsonl
is lines "$(wc -l <first.run)" "$(grep -c '"query":"[^"].*"text":"' texts.jsonl)"
exits 0 lir-rerank --model "$model" --tag t texts.jsonl -o their.run
sort their.run >found
same expected found

# What does not go together.
refuses 78 '(mine), the queries by a model of kind dense and dimension' \
  lir-search --index their.index --model-label other --similarity "$similarity" queries.npy
refuses 78 '(mine)' lir-search --index their.index queries.lirt
refuses 78 '(unknown)' lir-search --index their.index --similarity "$similarity" queries.npy
refuses 78 "the index compares by $similarity, the queries are for l2" \
  lir-search --index their.index --model-label mine --similarity l2 queries.npy
refuses 78 'found role doc' lir-search --index their.index "${say[@]}" --role doc queries.npy
refuses 78 'found role query' lir-index build "${say[@]}" --role query docs.npy -o none.index
refuses 64 '--similarity: expected dot, cosine or l2' lir-index build --similarity up docs.npy -o none.index
refuses 64 '--model-label: docs.lirt is a tensor stream' \
  lir-index build --model-label x docs.lirt -o none.index
refuses 64 'the ids of its vectors are missing' lir-index build "${say[@]}" docs.npy.zst -o none.index
refuses 66 nowhere lir-index build "${say[@]}" --ids nowhere docs.npy -o none.index
head -n 3 docs.npy.ids >few.ids
refuses 65 'few.ids: expected' lir-index build "${say[@]}" --ids few.ids docs.npy -o none.index
head -c 2000 docs.npy >cut.npy
refuses 65 'truncated' lir-index build "${say[@]}" --ids docs.npy.ids cut.npy -o none.index
refuses 64 'is for types that take vectors' lir-index build --type bm25 --model-label x docs.tsv -o none.index
refuses 64 'is for vectors' lir-search --index own.index --model "$model" --model-label x queries.tsv
refuses 64 'is for vectors' lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv \
  --similarity dot first.run
refuses 78 'model' lir-rerank "${say[@]}" --queries queries.npy --docs docs.lirt first.run
[ ! -e none.index ] || fail 'an index of what was refused'

# Streams that scripts/lirt.py writes.
if python3 -c 'import numpy' 2>said.log; then
  cat >write.py <<'PY'
import os, sys
import numpy as np
sys.path.insert(0, os.environ["ROOT"] + "/scripts")
import lirt

for name, role in ("docs", "doc"), ("queries", "query"):
    ids = open(f"{name}.npy.ids").read().split("\n")[:-1]
    lirt.write(f"{name}-again.lirt", ids, np.load(f"{name}.npy"), role, "mine", sys.argv[1])
vectors = [np.full((i % 3, 2), i, np.float16) for i in range(1500)]
vectors[0] = np.ones((1, 2), np.float16)
lirt.write("several.lirt", [f"d{i}" for i in range(1500)], vectors, model="m")
PY
  ROOT=$ROOT python3 write.py "$similarity"
  exits 0 lir-encode verify docs-again.lirt queries-again.lirt several.lirt
  exits 0 lir-index build docs-again.lirt -o their.index
  exits 0 lir-search --index their.index -k 20 --tag t queries-again.lirt -o their.run
  same own.run their.run
else
  note 'python3 has no numpy: streams of lirt.py are not tested'
fi
rm -rf ./*.lirt ./*.index ./*.npy*

# Indexes of faiss and of Lightning IR: the vectors in them, with the ids beside them.
indexes=$FIXTURES/faiss
named=$indexes/index-Flat.ip/doc_ids.txt
exits 0 lir-index build --model-label mine --ids "$named" "$indexes/good/Flat.ip.npy" -o own.index
search=(-k 9 --model-label mine --ids "$named" --tag t "$indexes/good/Flat.ip.npy")
exits 0 lir-search --index own.index "${search[@]}" -o own.run
for folder in index-Flat.ip index-IVF4_Flat.ip/; do
  exits 0 lir-index build --model-label mine "$indexes/$folder" -o their.index
  exits 0 lir-search --index their.index "${search[@]}" -o their.run
  same own.run their.run
done
exits 0 lir-index build --model-label mine --limit 20 "$indexes/index-Flat.ip" -o their.index
exits 0 lir-index replace --model-label mine their.index "$indexes/index-Flat.ip"
exits 0 lir-search --index their.index "${search[@]}" -o their.run
same own.run their.run
exits 0 lir-index build --model-label mine "$indexes/lightning" -o their.index
is type multivector "$(lir-index info their.index | sed -n 's/.*"type": "\([a-z]*\)".*/\1/p' | head -n 1)"
is documents 7 "$(summary documents)"
refuses 78 'found a folder without index.faiss' lir-index build --model-label mine "$indexes" -o none.index
refuses 78 'compares by dot, --similarity says l2' \
  lir-index build --model-label mine --similarity l2 "$indexes/index-Flat.ip" -o none.index
refuses 78 'IPfs is not read' \
  lir-index build --model-label mine --ids "$named" "$indexes/bad/PQ4x4fs.l2.faiss" -o none.index

# What lir-encode view shows is read as it was: one vector a text, several with their tokens, and bytes.
several=native/col_short_attended
exits 0 encode $several doc docs.tsv -o several.lirt
exits 0 encode $several doc --dtype int8 docs.tsv -o several-bytes.lirt
exits 0 encode $several query queries.tsv -o several-queries.lirt
exits 0 lir-encode --model "$model" --role doc docs.tsv -o one.lirt
exits 0 lir-encode --model "$model" --role doc --dtype int8 docs.tsv -o one-bytes.lirt
exits 0 lir-encode --model "$model" --role query queries.tsv -o one-queries.lirt
for name in one one-bytes several several-bytes; do
  queries='one-queries'
  case $name in several*) queries='several-queries' ;; esac
  exits 0 lir-index build --no-provenance $name.lirt -o streamed.index
  say=(--model-label m --similarity "$(jq -r .similarity streamed.index/manifest.json)")
  exits 0 lir-encode view $name.lirt -o shown.jsonl
  exits 0 lir-encode view $queries.lirt -o shown-queries.jsonl
  exits 0 lir-index build --no-provenance "${say[@]}" shown.jsonl -o shown.index
  exits 0 lir-search --index streamed.index -k 20 --tag t $queries.lirt -o streamed.run
  exits 0 lir-search --index shown.index "${say[@]}" -k 20 --tag t shown-queries.jsonl -o shown.run
  same streamed.run shown.run
  case $name in *bytes) continue ;; esac
  for file in streamed.index/*.safetensors; do same "$file" "shown.index/${file##*/}"; done
done
head -n 1 shown.jsonl | jq -c 'del(.scales[0])' >odd.jsonl
refuses 65 'under "scales", as many as vectors' lir-index build "${say[@]}" odd.jsonl -o odd.index
head -n 2 shown.jsonl | jq -c 'if .id == "d1" then . else del(.input_ids[0]) end' >odd.jsonl
refuses 65 '"input_ids", as many as vectors' lir-index build "${say[@]}" odd.jsonl -o odd.index
# With anything else beside them they are another program's, whose texts these are.
jq -c '. + {text: "a key"}' shown.jsonl >odd.jsonl
exits 0 lir-index build odd.jsonl -o odd.index
is type bm25 "$(jq -r .type odd.index/manifest.json)"

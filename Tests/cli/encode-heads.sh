# shellcheck shell=bash
# A BGE-M3 folder: three heads, one encode, three streams; each as a model of its own, and searched.

cp -r "$MODELS/external/st_bert_cls_norm/model" m3
cp "$FIXTURES"/m3/*.pt m3/
python3 - "$FIXTURES/m3/expected.json" >docs.tsv <<'PY'
import json, sys
for i, record in enumerate(json.load(open(sys.argv[1]))):
    print(f"d{i}\t{record['text']}")
PY

# The values of the reference.
exits 0 lir-encode --model m3 --role doc --prompt '' --format jsonl docs.tsv -o 'docs.{kind}.jsonl'
python3 - "$FIXTURES/m3/expected.json" >compared.log <<'PY' || fail "$(cat compared.log)"
import json, sys
wanted = json.load(open(sys.argv[1]))
read = lambda kind: [json.loads(l) for l in open(f"docs.{kind}.jsonl") if '"id"' in l]
sparse, vectors, worst, terms = read("sparse"), read("multivector"), 0.0, 0
for record, weights, rows in zip(wanted, sparse, vectors):
    assert set(weights["vector"]) == set(record["terms"]), (weights, record["terms"])
    terms += len(record["terms"])
    for name, weight in record["terms"].items():
        worst = max(worst, abs(weights["vector"][name] - weight))
    assert len(rows["vectors"]) == len(record["vectors"]), record["text"]
    for a, b in zip(rows["vectors"], record["vectors"]):
        worst = max(worst, max(abs(x - y) for x, y in zip(a, b)))
assert len(sparse) == len(wanted) and terms > 20 and worst < 1e-5, (terms, worst)
PY

# The same bytes: by threads, batches and shards, and each head as a model of its own.
exits 0 lir-encode --model m3 --role doc --no-provenance docs.tsv -o 'docs.{kind}.lirt'
exits 0 lir-encode --model m3 --role doc --no-provenance --threads 2 --batch-tokens 7 docs.tsv \
  -o 'other.{kind}.lirt'
for i in 1 2 3; do
  exits 0 lir-encode --model m3 --role doc --shard $i/3 docs.tsv -o "part-$i.{kind}.lirt"
done
exits 0 lir-encode --model m3 --role doc --no-provenance docs.tsv -o alone.dense.lirt
exits 0 lir-encode --model m3 --model-config '{"model_type": "m3-sparse"}' --role doc \
  --no-provenance docs.tsv -o alone.sparse.lirt
exits 0 lir-encode --model m3 --model-config '{"model_type": "m3-colbert"}' --role doc \
  --no-provenance docs.tsv -o alone.multivector.lirt
for kind in dense sparse multivector; do
  exits 0 lir-encode cat --no-provenance part-{1,2,3}.$kind.lirt -o joined.$kind.lirt
  for other in other alone joined; do same docs.$kind.lirt $other.$kind.lirt; done
done

# Options of one kind leave the others as they are.
exits 0 lir-encode --model m3 --role doc --dtype f16 --dims 8 --top-terms 2 docs.tsv -o 'cut.{kind}.lirt'
exits 0 lir-encode view cut.sparse.lirt >view.log
exits 0 lir-encode view cut.multivector.lirt >view.log

# Queries that are text find what queries as vectors do.
printf 'q1\tcats purr\n' >queries.tsv
exits 0 lir-encode --model m3 --role query queries.tsv -o 'queries.{kind}.lirt'
sparse=(--model m3 --model-config '{"model_type": "m3-sparse"}')
exits 0 lir-index build --type sparse docs.sparse.lirt -o sparse.index
exits 0 lir-search --index sparse.index --tag t queries.sparse.lirt -o vectors.run
exits 0 lir-search --index sparse.index --tag t "${sparse[@]}" queries.tsv -o texts.run
same vectors.run texts.run
[ -s texts.run ] || fail 'nothing was found'

refuses 64 '--resume continues one output' \
  lir-encode --model m3 --role doc --resume docs.tsv -o 'docs.{kind}.lirt'
refuses 78 'sparse_linear.pt' lir-encode "${sparse[@]}" --model "$MODELS/external/st_bert_cls_norm/model" \
  --role doc docs.tsv -o x.lirt
exits 0 lir-encode --model m3 --inspect >inspected.log
grep -q '"other_heads":\["m3-sparse","m3-colbert"\]' inspected.log || fail 'no other heads'

# A fetched one is compared with what was fetched, the matrices of its other vectors, too.
mkdir -p models/owner
cp -r m3 models/owner/m3
(
  cd models/owner/m3 || exit
  find . -type f -printf '%P\n' | while read -r file; do
    printf '%s  %s\n' "$(lir-eval provenance --digest -- "$file")" "$file"
  done
) >models/owner/m3.digests
exits 0 lir-encode --model owner/m3 --role doc --no-provenance docs.tsv -o 'fetched.{kind}.lirt'
same docs.multivector.lirt fetched.multivector.lirt
sed -i '/colbert_linear/s/^..../0000/' models/owner/m3.digests
refuses 65 'models/owner/m3/colbert_linear.pt: damaged or changed' \
  lir-encode --model owner/m3 --role doc docs.tsv -o 'flipped.{kind}.lirt'

# shellcheck shell=bash
# Other programs read the streams: scripts/lirt.py, and the safetensors package.

python3 -c 'import numpy' 2>said.log || skip 'python3 has no numpy'
texts 1500 >docs.tsv
exits 0 encode native/dpr_bert_01 doc docs.tsv -o dense.lirt
exits 0 encode native/dpr_bert_01 doc docs.tsv --format npy -o dense.npy
exits 0 encode native/splade_bert_00 doc docs.tsv -o sparse.lirt
exits 0 encode native/splade_bert_00 doc docs.tsv --format jsonl -o sparse.jsonl
exits 0 lir-encode view dense.lirt -o dense.jsonl
exits 0 lir-encode view sparse.lirt -o sparse-view.jsonl
for dtype in f16 bf16 int8; do
  exits 0 encode native/dpr_bert_01 doc docs.tsv --dtype $dtype -o dense-$dtype.lirt
done
cat >check.py <<'PY'
import json, os, struct, sys
import numpy as np
sys.path.insert(0, os.environ["ROOT"] + "/scripts")
import lirt

dense, sparse = lirt.read("dense.lirt"), lirt.read("sparse.lirt")
ids = [line.split("\t")[0] for line in open("docs.tsv", encoding="utf-8")]
assert dense.ids == sparse.ids == ids
assert [line.rstrip("\n") for line in open("dense.npy.ids")] == ids
assert np.array_equal(np.load("dense.npy"), dense.vectors)
viewed = [json.loads(line) for line in open("dense.jsonl", encoding="utf-8")]
assert np.array_equal(np.array([v["embeddings"] for v in viewed], np.float32), dense.vectors)
for i, line in enumerate(open("sparse.jsonl", encoding="utf-8")):
    values = np.array(list(json.loads(line)["vector"].values()), np.float32)
    assert np.array_equal(values, sparse.row(i)["values"]), i
for dtype, tolerance in ("f16", 2 ** -11), ("bf16", 2 ** -8):
    near = lirt.read(f"dense-{dtype}.lirt").vectors.astype(np.float32)
    assert np.all(np.abs(near - dense.vectors) <= tolerance * np.abs(dense.vectors) + 1e-7), dtype
scale = np.abs(dense.vectors).max(axis=1, keepdims=True) / 127
near = lirt.read("dense-int8.lirt").vectors.astype(np.float32)
assert np.all(np.abs(near - dense.vectors) <= 0.501 * scale), "int8"

# The first segment by itself is a safetensors file.
data = open("dense.lirt", "rb").read()
n, = struct.unpack_from("<Q", data)
header = json.loads(data[8:8 + n])
end = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
try:
    import safetensors.numpy
except ImportError:
    sys.exit(77)
first = safetensors.numpy.load(data[:8 + n + end])
assert np.array_equal(first["embeddings"], dense.vectors[:1024])
PY
status=0
python3 check.py >said.log 2>&1 || status=$?
[ $status != 77 ] || note 'python3 has no safetensors: segments are not read with it'
[ $status = 0 ] || [ $status = 77 ] || { cat said.log >&2; fail 'check.py'; }

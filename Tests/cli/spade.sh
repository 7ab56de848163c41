# shellcheck shell=bash
# SpaDE: two encoders of documents and none of queries, from training to search.

example_tuples 2
config='{"model_type":"spade","num_expand":3,"alpha":0.5,"doc_length":40}'
cat >train.yml <<END
model: bare
data: {tuples: tuples.jsonl}
batch_size: 6
max_steps: 12
losses: [{name: SpaDE, teaching_ratio: 0.5, teaching_start_step: 6, sparsifying_ratio: 0.6, sparsifying_step: 5}]
optimizer: {lr: 3.0e-3}
dropout: 0
checkpoint: {every: 4}
END
train() { exits 0 lir-train --config train.yml --set "model_config=$config" -o "$@"; }
train model
is 'type' 'spade bert 3 0.5 topk first false' \
  "$(jq -r '"\(.model_type) \(.backbone_model_type) \(.num_expand) \(.alpha) \(.expand_method) \(.duplicate_term) \(.log_saturation)"' model/config.json)"
[ -s model/1_Expansion/model.safetensors ] || fail 'the second encoder is not written'
jq -se 'map(.loss) | (.[3:6] | add) < (.[:3] | add)' model/metrics.jsonl >learns.log || fail 'it learns nothing'
is 'head' 'sparse topk 3' "$(lir-encode --model model --inspect | jq -r '[.. | objects | select(has("expand_method"))][0] | "\(.form // "sparse") \(.expand_method) \(.num_expand)"')"
is 'unused' '[]' "$(lir-encode --model model --inspect | jq -c '.unused_tensors')"
# Resumed, with two threads and in parts.
mkdir half
cp -r model/checkpoints half
rm -r half/checkpoints/step-12
train half --resume
train threads --threads 2
for other in half threads; do
  same model/model.safetensors $other/model.safetensors
  same model/1_Expansion/model.safetensors $other/1_Expansion/model.safetensors
done

# The encoders choose of a pool of queries what they choose of a batch of as many, and learn it in parts.
spade() { printf 'losses=[{"name":"SpaDE","teaching_ratio":0.5%s}]' "$1"; }
train batch --set "$(spade '')" --set batch_size=6 --set max_steps=1
train pool --set "$(spade ',"teaching_pool":6')" --set batch_size=3 --set max_steps=1
for key in loss grad_norm; do
  jq -se --arg key $key '.[0][$key] as $a | .[1][$key] as $b | ($a - $b | fabs) < 1e-4 * $a' \
    <(head -n 1 batch/metrics.jsonl) <(head -n 1 pool/metrics.jsonl) >near.log || fail "$key of a pool is another"
done
# Resumed in the middle of a pool, with a rate of its own for each encoder, and terms that are masked later.
pooled() {
  train "$@" --set "$(spade ',"teaching_pool":6,"topk_start_step":4')" --set batch_size=2 --set max_steps=6 \
    --set checkpoint.every=1 --set 'optimizer.lr_factors={"1_Expansion/":0.5}'
}
pooled whole
mkdir middle
cp -r whole/checkpoints middle
rm -r middle/checkpoints/step-6
pooled middle --resume --threads 2
same whole/model.safetensors middle/model.safetensors
same whole/1_Expansion/model.safetensors middle/1_Expansion/model.safetensors
differ <(jq -c .loss whole/metrics.jsonl) <(jq -c .loss model/metrics.jsonl)

# Queries are bags of terms; results do not depend on threads, batches and shards.
exits 0 lir-encode --model model --role doc docs.tsv -o docs.lirt
exits 0 lir-encode --model model --role doc --threads 2 --batch-tokens 7 docs.tsv -o others.lirt
same docs.lirt others.lirt
exits 0 lir-encode --model model --role query queries.tsv -o queries.lirt
is 'weights of queries' 1 "$(lir-encode view queries.lirt | jq -c '.. | .values? // .weights? // empty | .[]?' | sort -u)"
exits 0 lir-index build -o docs.index docs.lirt
exits 0 lir-search --index docs.index -k 6 --tag t queries.lirt -o vectors.run
exits 0 lir-search --index docs.index --model model -k 6 --tag t queries.tsv -o texts.run
same vectors.run texts.run
head -n 5 docs.tsv >one.tsv
tail -n +6 docs.tsv >two.tsv
exits 0 lir-encode --model model --role doc one.tsv -o one.lirt
exits 0 lir-encode --model model --role doc two.tsv -o two.lirt
exits 0 lir-index build -o parts.index one.lirt two.lirt
exits 0 lir-search --index parts.index -k 6 --tag t queries.lirt -o parts.run
same vectors.run parts.run
# The share of the second encoder counts.
exits 0 lir-encode --model model --model-config '{"alpha":0}' --role doc docs.tsv -o own.lirt
differ docs.lirt own.lirt

# A second training begins with both encoders.
exits 0 lir-train --config train.yml --set model=model --set 'losses=[{"name":"SpaDE","lamb":0.5}]' \
  --set max_steps=2 -o again
differ model/1_Expansion/model.safetensors again/1_Expansion/model.safetensors

# What it refuses.
cp -r model broken
rm -r broken/1_Expansion broken/digests.xxh128
refuses 78 'no weights of the second encoder' lir-encode --model broken --role doc docs.tsv -o none.lirt
refuses 78 'alpha: expected' lir-encode --model model --model-config '{"alpha":1.5}' --role doc docs.tsv -o none.lirt
refuses 78 'needs two encoders of documents' lir-train --config train.yml \
  --set 'model_config={"model_type":"lir-dpr","projection":null}' -o none
refuses 78 'FLOPSRegularization needs one vector a text' lir-train --config train.yml \
  --set "model_config=$config" --set 'losses=[{"name":"SpaDE"},{"name":"FLOPSRegularization"}]' -o none
refuses 78 'a share of teaching_pool' lir-train --config train.yml \
  --set "model_config=$config" --set 'losses=[{"name":"SpaDE","teaching_pool":6}]' -o none
refuses 78 'queries of a step or more, found 4' lir-train --config train.yml \
  --set "model_config=$config" --set "$(spade ',"teaching_pool":4')" -o none
refuses 78 'goes without data.no_duplicates' lir-train --config train.yml \
  --set "model_config=$config" --set "$(spade ',"teaching_pool":6')" --set data.no_duplicates=true -o none
refuses 78 'expand_method topk' lir-train --config train.yml \
  --set 'model_config={"model_type":"spade","expand_method":"tokenwise_max"}' \
  --set "$(spade ',"topk_start_step":4')" -o none
refuses 78 'lr_factors.scorer: expected a number' lir-train --config train.yml \
  --set "model_config=$config" --set 'optimizer.lr_factors={"scorer":-1}' -o none
refuses 78 'expected a number from 0' lir-train --config train.yml \
  --set "model_config=$config" --set 'losses=[{"name":"SpaDE","teaching_ratio":1.5}]' -o none

# shellcheck shell=bash
# LITE: a learned scorer of the similarities of token vectors, from training to search.

example_tuples 3
config='{"model_type":"lite","query_length":12,"doc_length":20,"lite_query_hidden":16,"lite_doc_hidden":24,
  "embedding_dim":16,"normalization_strategy":"l2"}'
cat >train.yml <<END
model: bare
data: {tuples: tuples.jsonl}
batch_size: 4
max_steps: 12
losses: [{name: RankNet}, {name: InBatchCrossEntropy, weight: 0.1}]
optimizer: {lr: 3.0e-3}
dropout: 0
checkpoint: {every: 4}
END
train() { exits 0 lir-train --config train.yml --set "model_config=$config" -o "$@"; }
train model
is 'type' 'lite bert 12 20 16 24' \
  "$(jq -r '"\(.model_type) \(.backbone_model_type) \(.query_length) \(.doc_length) \(.lite_query_hidden) \(.lite_doc_hidden)"' model/config.json)"
jq -se 'map(.loss) | (.[-3:] | add) < (.[:3] | add)' model/metrics.jsonl >learns.log || fail 'it learns nothing'
is 'scorer' '{"query_tokens":12,"doc_tokens":20,"query_hidden":16,"doc_hidden":24}' \
  "$(lir-encode --model model --inspect | jq -c '.. | .scorer? // empty')"
# Resumed, with two threads and in parts.
mkdir half
cp -r model/checkpoints half
rm -r half/checkpoints/step-12
train half --resume
train threads --threads 2
for other in half threads; do same model/model.safetensors $other/model.safetensors; done

# One score: of texts, of stored vectors, of an index and of a search, whatever the candidates come from.
exits 0 lir-encode --model model --role doc docs.tsv -o docs.lirt
exits 0 lir-encode --model model --role query queries.tsv -o queries.lirt
exits 0 lir-index build -o docs.index docs.lirt
exits 0 lir-search --index docs.index -k 6 --tag t queries.lirt -o maxsim.run
exits 0 lir-rerank --model model --queries queries.tsv --docs docs.tsv --tag t maxsim.run -o texts.run
exits 0 lir-rerank --model model --queries queries.tsv --index docs.index --tag t maxsim.run -o stored.run
exits 0 lir-search --index docs.index --scorer model --scored 6 -k 6 --tag t queries.lirt -o scored.run
exits 0 lir-search --index docs.index --scorer model --first-stage maxsim.run -k 6 --tag t queries.lirt -o first.run
exits 0 lir-search --index docs.index --scorer model --model model --scored 6 -k 6 --tag t queries.tsv -o typed.run
for run in stored scored first typed; do same texts.run $run.run; done
# The same bytes whatever the folder is called, and again from the record.
exits 0 lir-search --index docs.index --scorer model --scored 6 -k 6 queries.lirt -o scored.run.zst
exits 0 lir-search --index docs.index --scorer ./model --scored 6 -k 6 queries.lirt -o path.run.zst
same scored.run.zst path.run.zst
exits 0 lir-eval provenance --make --inputs . scored.run.zst >scored.mk
exits 0 make -s -f scored.mk "$(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' scored.mk)=model"
same scored.run.zst again/scored.run.zst
differ texts.run maxsim.run
# All documents, and as many in one index as in two segments, with codes or without.
exits 0 lir-search --index docs.index --scorer model --scored all -k 4 --tag t queries.lirt -o all.run
head -n 5 docs.tsv >one.tsv
tail -n +6 docs.tsv >two.tsv
exits 0 lir-encode --model model --role doc one.tsv -o one.lirt
exits 0 lir-encode --model model --role doc two.tsv -o two.lirt
exits 0 lir-index build -o parts.index one.lirt
exits 0 lir-index append parts.index two.lirt
exits 0 lir-search --index parts.index --scorer model --scored all -k 4 --tag t --threads 2 queries.lirt -o parts.run
same all.run parts.run
exits 0 lir-index build --codes int8 -o codes.index docs.lirt
exits 0 lir-search --index codes.index --scorer model --scored all -k 4 --tag t queries.lirt -o codes.run
same all.run codes.run

# What it refuses.
exits 0 lir-train --config train.yml --set 'model_config={"model_type":"col","embedding_dim":16}' -o col
refuses 78 'has no learned scorer' lir-search --index docs.index --scorer col queries.lirt
exits 0 lir-encode --model col --role doc docs.tsv -o col.lirt
exits 0 lir-index build -o col.index col.lirt
refuses 78 'the index was made by' lir-search --index col.index --scorer model queries.lirt
refuses 64 'goes with --scorer' lir-search --index docs.index --scored 5 queries.lirt
refuses 64 'expected an integer from 1 up, or all' lir-search --index docs.index --scorer model --scored 0 queries.lirt
refuses 64 'go without --scorer' lir-search --index docs.index --scorer model --aggregate maxp queries.lirt
refuses 78 'query_length: expected' lir-train --config train.yml -o none \
  --set 'model_config={"model_type":"lite","query_length":0}'
refuses 78 'similarity_function: expected dot' lir-train --config train.yml -o none \
  --set 'model_config={"model_type":"lite","similarity_function":"l2"}'

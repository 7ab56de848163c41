# shellcheck shell=bash
# What scripts/from-lightning-ir writes of `index`, `search` and `re_rank` runs, and makes the runs that
# the tools make by hand. The configurations have the forms of Lightning IR's own ones.

python3 -c 'import ir_datasets, zstandard, yaml' 2>/dev/null || skip 'python3 has no ir_datasets'
export IR_DATASETS_HOME=$PWD/home LIR_SCRIPTS=$ROOT/scripts
python3 "$CLI/dataset_home.py" home "$ROOT/pipelines/example" home 2>home.log
ln -s "$MODELS/external/st_bert_mean/model" dense
ln -s "$MODELS/native/splade_bert_00/model" sparse
ln -s "$MODELS/native/col_short_hidden/model" several
cp -r "$MODELS/native/mono_bert_00/model" cross
dl=msmarco-passage/trec-dl-2019/judged

turned() { # turned NAME OPTION...: the script of standard input, which bash and shellcheck can read
  local name=$1
  shift
  cat >"$name.yaml"
  "$ROOT/scripts/from-lightning-ir" "$name.yaml" "$@" -o "$name.sh" 2>turned.log ||
    { cat turned.log >&2; fail "from-lightning-ir $name"; }
  ! command -v shellcheck >/dev/null || shellcheck "$name.sh" >&2 || fail "$name.sh"
}
runs() { bash "$1.sh" >"$1.log" 2>&1 || { cat "$1.log" >&2; fail "$1.sh"; }; }
config() { # config MODULE MODEL CALLBACK DATASET: a configuration; the last two are flow mappings
  printf 'seed_everything: 0
trainer: {accelerator: auto, devices: auto, logger: false, enable_checkpointing: false, callbacks: [%s]}
model: {class_path: lightning_ir.%s, init_args: {model_name_or_path: %s, evaluation_metrics: [nDCG@10]}}
data: {class_path: LightningIRDataModule, init_args: {num_workers: 1, inference_batch_size: 4,
  inference_datasets: [%s]}}\n' "$3" "$1" "$2" "$4"
}
index='{class_path: lightning_ir.IndexCallback, init_args: {index_dir: ./INDEX, index_config: {class_path: TYPE}}}'
search='{class_path: SearchCallback, init_args: {index_dir: ./INDEX, save_dir: ./runs, use_gpu: true,
  search_config: {class_path: TYPE, init_args: {k: 7}}}}'
documents='{class_path: lightning_ir.DocDataset, init_args: {doc_dataset: msmarco-passage}}'
questions="{class_path: QueryDataset, init_args: {query_dataset: $dl}}"
typed() { local text=${1//INDEX/$2}; echo "${text//TYPE/$3}"; }

# --- index and search, dense
config BiEncoderModule ./dense "$(typed "$index" indexes TorchDenseIndexConfig)" "$documents" | turned index
runs index
config BiEncoderModule ./dense "$(typed "$search" indexes TorchDenseSearchConfig)" "$questions" | turned search
runs search
zstdcat datasets/$dl/queries.zst >queries.jsonl
zstdcat datasets/msmarco-passage/docs.zst >docs.jsonl
exits 0 lir-encode --model dense --role doc docs.jsonl -o docs.lirt
exits 0 lir-index build -o by-hand docs.lirt
exits 0 lir-search --index by-hand --model dense -k 7 queries.jsonl -o by-hand.run
same <(cut -d ' ' -f 1-5 by-hand.run) <(cut -d ' ' -f 1-5 runs/msmarco-passage-trec-dl-2019-judged.run)
[ -e indexes/msmarco-passage/manifest.json ] || fail 'an index of another name'
grep -q 'nDCG@10' search.log || fail 'no measures'
grep -q 'use_gpu' search.sh || fail 'nothing is said of use_gpu'
# What is there is passed over, as without overwrite.
before=$(stat -c %Y%i indexes/msmarco-passage/manifest.json runs/*.run)
runs index && runs search
is 'files' "$before" "$(stat -c %Y%i indexes/msmarco-passage/manifest.json runs/*.run)"

# --- re-ranking: of that run, whose name says the collection, and of the scored documents
mkdir kept && mv runs/msmarco-passage-trec-dl-2019-judged.run kept
config CrossEncoderModule ./cross '{class_path: ReRankCallback, init_args: {save_dir: ./again}}' \
  '{class_path: RunDataset, init_args: {run_path_or_id: ./kept/msmarco-passage-trec-dl-2019-judged.run, depth: 6,
    sample_size: 5, sampling_strategy: top}}' | turned re-rank
runs re-rank
exits 0 lir-rerank --model cross --queries queries.jsonl --docs docs.jsonl --depth 5 by-hand.run -o cross.run
same <(cut -d ' ' -f 1-5 cross.run) <(cut -d ' ' -f 1-5 again/msmarco-passage-trec-dl-2019-judged.run)
# Queries with fewer documents than are asked for are left out, by ranks up to a depth.
awk '$1 != "1" || $4 < 5' kept/*.run >kept/short__msmarco-passage-trec-dl-2019-judged.run
printf '%s\n' "$(grep '^1 ' by-hand.run | head -n 1)" >>kept/short__msmarco-passage-trec-dl-2019-judged.run
sed 's,kept/,kept/short__,;s/again/fewer/' re-rank.yaml | turned fewer
runs fewer
same <(grep -v '^1 ' cross.run | cut -d ' ' -f 1-5) <(cut -d ' ' -f 1-5 fewer/*.run)
# So are queries without judgements.
{ cat kept/msmarco-passage-trec-dl-2019-judged.run && sed -n '1s/^[^ ]*/unjudged/p' by-hand.run; } \
  >kept/more__msmarco-passage-trec-dl-2019-judged.run
sed 's,kept/,kept/more__,;s/again/judged/' re-rank.yaml | turned judged
runs judged
same <(cut -d ' ' -f 1-5 cross.run) <(cut -d ' ' -f 1-5 judged/*.run)
# Arguments beside an empty init_args, as a page of the documentation has them, and no callback.
config CrossEncoderModule ./cross '' "{class_path: RunDataset, init_args: , run_path_or_id: $dl}" | turned official
grep -q 'beside init_args' official.sh || fail 'nothing is said of misplaced arguments'
runs official
is 'scored documents' 9 "$(awk '$1 == 1' cross/runs/*.run 2>/dev/null | wc -l)"

# --- sparse, and approximate types of indexes
config BiEncoderModule ./sparse "$(typed "$index" words TorchSparseIndexConfig)" "$documents" | turned words
runs words
is 'type' sparse "$(jq -r .type words/msmarco-passage/manifest.json)"
approximate() { # approximate NAME CONFIG FIELDS OURS MODEL: an index of a type with some parameters
  local said=${index/class_path: TYPE/class_path: TYPE, init_args: {$3\}}
  config BiEncoderModule "$5" "$(typed "$said" "$1" "$2")" "$documents" | turned "$1"
  runs "$1"
  is "the type of $2" "$4" "$(jq -r .type "$1/msmarco-passage/manifest.json")"
}
approximate lists FaissIVFIndexConfig 'num_centroids: 2, num_train_embeddings: 5, ef_construction: 40' ivf ./dense
is 'centroids' '2 5' \
  "$(jq -r '.parameters | "\(.["num-centroids"]) \(.["num-train-embeddings"])"' lists/msmarco-passage/manifest.json)"
grep -q 'ef_construction mean nothing' lists.sh || fail 'nothing is said of ef_construction'
[ ! -e lists/msmarco-passage.lirt ] || fail 'the vectors were left'
approximate seismic SeismicIndexConfig 'num_postings: 50, summary_energy: 0.5' seismic ./sparse
is 'postings' '50 0.5' \
  "$(jq -r '.parameters | "\(.["num-postings"]) \(.["summary-energy"])"' seismic/msmarco-passage/manifest.json)"
approximate tokens PlaidIndexConfig 'num_centroids: 8, n_bits: 4, seed: 7' plaid ./several
is 'centroids of tokens' '8 4' \
  "$(jq -r '.parameters | "\(.["num-centroids"]) \(.["n-bits"])"' tokens/msmarco-passage/manifest.json)"
config BiEncoderModule ./dense "$(typed "$index" products FaissIVFPQIndexConfig)" "$documents" | turned products
grep -q -- '--type ivfpq' products.sh || fail 'another type than ivfpq'
grep -q 'where none are said' products.sh || fail 'nothing is said of centroids'
# Several vectors a document in lists, of which a search finds candidates.
approximate words-lists FaissIVFIndexConfig 'num_centroids: 2' ivf ./several
several=${search/k: 7/k: 7, n_probe: 2, candidate_k: 30, imputation_strategy: min}
config BiEncoderModule ./several "$(typed "$several" words-lists FaissSearchConfig)" "$questions" | turned several-words
rm -f runs/*.run
runs several-words
exits 0 lir-search --index words-lists/msmarco-passage --model several -k 7 --nprobe 2 --candidates 30 --imputation min queries.jsonl -o several.run
same <(cut -d ' ' -f 1-5 several.run) <(cut -d ' ' -f 1-5 runs/msmarco-passage-trec-dl-2019-judged.run)
# A search probes lists where the index has some.
probing=${search/k: 7/k: 7, n_probe: 2, ef_search: 16}
config BiEncoderModule ./dense "$(typed "$probing" lists FaissSearchConfig)" "$questions" | turned probing
rm runs/*.run
runs probing
same <(cut -d ' ' -f 1-5 by-hand.run) <(cut -d ' ' -f 1-5 runs/msmarco-passage-trec-dl-2019-judged.run)
config BiEncoderModule ./dense "$(typed "$probing" indexes FaissSearchConfig)" "$questions" | turned exactly
rm runs/*.run
runs exactly
same <(cut -d ' ' -f 1-5 by-hand.run) <(cut -d ' ' -f 1-5 runs/msmarco-passage-trec-dl-2019-judged.run)
seeking=${search/k: 7/k: 7, query_cut: 5, heap_factor: 0.9}
config BiEncoderModule ./sparse "$(typed "$seeking" seismic SeismicSearchConfig)" "$questions" | turned seeking
grep -q -- '--cut 5 --heap-factor 0.9' seeking.sh || fail 'the parameters of a search by Seismic'
rm runs/*.run
runs seeking

# --- local datasets
config BiEncoderModule ./dense "{class_path: RegisterLocalDatasetCallback, init_args: {dataset_id: mine/own,
  docs: $ROOT/pipelines/example/docs.tsv}}, $(typed "$index" local TorchDenseIndexConfig)" \
  '{class_path: DocDataset, init_args: {doc_dataset: mine/own}}' | turned local
runs local
[ -e local/mine-own/manifest.json ] || fail 'no index of a local dataset'

# --- a run in lines of JSON, with texts and grades; the first documents alone; what RankCallback was
head -n 60 by-hand.run >short.run
jq -Rn --slurpfile q queries.jsonl --slurpfile d docs.jsonl 'INDEX($q[]; .id) as $q | INDEX($d[]; .id) as $d | inputs |
  split(" ") | {query_id: .[0], doc_id: .[2], score: (.[4] | tonumber), query: $q[.[0]].text, text: $d[.[2]].text,
    relevance: (if .[3] == "1" then 1 else 0 end)}' -c short.run >told.jsonl
config CrossEncoderModule ./cross '{class_path: RankCallback, init_args: {save_dir: ./of-lines}}' \
  '{class_path: RunDataset, init_args: {run_path_or_id: ./told.jsonl, depth: 4}}' | turned told
runs told
exits 0 lir-rerank --model cross --queries queries.jsonl --docs docs.jsonl --depth 4 short.run -o short-cross.run
same <(cut -d ' ' -f 1-5 short-cross.run) <(cut -d ' ' -f 1-5 of-lines/told.run)
grep -q 'nDCG@10' told.log || fail 'no measures'
if python3 -c 'import pyarrow' 2>/dev/null; then
  python3 -c 'import json, pyarrow, pyarrow.parquet as p
rows = [json.loads(line) for line in open("told.jsonl")]
p.write_table(pyarrow.table({k: [r[k] for r in rows] for k in ("query_id", "doc_id", "score")}),
              "'"${dl//\//-}"'.parquet")'
  config CrossEncoderModule ./cross '{class_path: ReRankCallback, init_args: {save_dir: ./of-columns}}' \
    "{class_path: RunDataset, init_args: {run_path_or_id: ./${dl//\//-}.parquet, depth: 4}}" | turned columns
  runs columns
  same <(cut -d ' ' -f 1-5 short-cross.run) <(cut -d ' ' -f 1-5 "of-columns/${dl//\//-}.run")
else
  note 'python3 has no pyarrow: no parquet files'
fi
# --- a training on that run, which is validated on the run of a dataset, with what the comments say how to make
printf 'trainer: {accelerator: auto, max_steps: 1}
model: {class_path: BiEncoderModule, init_args: {model_name_or_path: %s,
  config: {class_path: DprConfig}, loss_functions: [RankNet], evaluation_metrics: [nDCG@10, loss]}}
data: {class_path: LightningIRDataModule, init_args: {train_batch_size: 2,
  train_dataset: {class_path: RunDataset, init_args: {run_path_or_id: told.jsonl, depth: 4, sample_size: 2, targets: score}},
  inference_datasets: [{class_path: RunDataset, init_args: {run_path_or_id: kept/msmarco-passage-trec-dl-2019-judged.run, depth: 3}}]}}
optimizer: {class_path: AdamW, init_args: {lr: 0.001}}\n' "$MODELS/native/dpr_bert_00/model" >fit.yaml
exits 0 "$ROOT/scripts/from-lightning-ir" fit.yaml -o fit.yml
rm -rf datasets/local
sed -n 's/^# \(printf\|scripts\)/\1/p' fit.yml | sed "s,^scripts,$ROOT/scripts," >fit.sh
is 'commands' 5 "$(wc -l <fit.sh)"
exits 0 bash -e fit.sh
exits 0 lir-train --config fit.yml -o trained
grep -q 'nDCG@10' trained/metrics.jsonl || fail 'no measure of the training'

config BiEncoderModule ./dense "$(typed "$index" few TorchDenseIndexConfig)" "${documents/doc_dataset/num_docs: 5, doc_dataset}" |
  turned few
runs few
is 'documents' 5 "$(jq .documents few/msmarco-passage/manifest.json)"

# --- several files, a command, what has no counterpart
printf 'trainer: {precision: bf16-mixed}\n' >precision.yaml
"$ROOT/scripts/from-lightning-ir" search.yaml precision.yaml >bf16.sh
grep -q -- '--precision bf16' bf16.sh || fail 'no precision'
"$ROOT/scripts/from-lightning-ir" re-rank.yaml --model webis/monoelectra-base >fetched.sh
grep -q 'fetch-model)" webis/monoelectra-base' fetched.sh || fail 'no model is fetched'
none() { # none TEXT EXPRESSION FILE: a configuration that is refused
  sed "$2" "$3" >none.yaml
  refuses 78 "$1" "$ROOT/scripts/from-lightning-ir" none.yaml
}
none 'index_config: ScannIndexConfig' 's/TorchDense/Scann/' index.yaml
none 'search with a CrossEncoderModule' 's/BiEncoderModule/CrossEncoderModule/' search.yaml
none 'data.inference_datasets.0: DocDataset with search' 's/QueryDataset/DocDataset/' search.yaml
none 'sampling_strategy' 's/strategy: top/strategy: random/' re-rank.yaml
none 'no query has 7 documents to depth 6' 's/sample_size: 5/sample_size: 7/' re-rank.yaml
none 'num_docs: 0' 's/doc_dataset: /num_docs: 0, doc_dataset: /' index.yaml
for kept in index search re-rank; do
  none 'ckpt_path' 's/^seed_everything: 0/&\nckpt_path: last.ckpt/' "$kept.yaml"
done
none 'trainer.limit_test_batches' 's/accelerator: auto/limit_test_batches: 3/' index.yaml
refuses 64 'invalid choice' "$ROOT/scripts/from-lightning-ir" --command predict index.yaml
rm -rf home datasets cross

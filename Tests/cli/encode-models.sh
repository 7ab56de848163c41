# shellcheck shell=bash
# Every kind of model folder is recognised, gives the reference's values, or is refused in words.

encodes() { # encodes MODEL: its embeddings are those in expected.safetensors
  python3 "$CLI/compare_embeddings.py" "$MODELS/$1" >compared.log 2>&1 || {
    cat compared.log >&2
    fail "$1: other values than the reference's"
  }
}
if python3 -c 'import numpy' 2>said.log; then
  for model in native/dpr_bert_0{0,1,3,4} native/splade_bert_0{0,1,2,3,4,5} \
    external/st_bert_{mean,mean_norm_legacy,cls_norm,lasttoken,weightedmean}; do
    encodes "$model"
  done
else
  note 'values are not compared: python3 has no numpy'
fi

# --inspect is one JSON object, and needs no input.
for model in native/dpr_bert_00 native/splade_bert_00 native/mono_bert_00 external/st_bert_mean \
  external/st_ce_bert_sigmoid external/splade_naver_bert external/monobert; do
  overrides=()
  case $model in
    external/splade_naver_bert) overrides=(--model-config '{"model_type": "splade"}') ;;
    external/monobert) overrides=(--model-config '{"model_type": "mono", "scoring_strategy": "mono"}') ;;
  esac
  exits 0 lir-encode --model "$MODELS/$model/model" "${overrides[@]}" --inspect >inspected.json
  jq -e '.model and .backbone == "bert" and .kind and .evidence' inspected.json >parsed.log ||
    fail "--inspect of $model"
done
# The same override from a file.
echo '{"model_type": "splade"}' >override.json
exits 0 lir-encode --model "$MODELS/external/splade_naver_bert/model" --model-config override.json \
  --inspect >inspected.json
is kind sparse "$(jq -r .kind inspected.json)"
# A ColBERT of PyLate has a length for each role: that of its first module has no effect.
exits 0 lir-encode --model "$FIXTURES/pylate/model" --inspect >inspected.json
jq -e '.without_effect | index("sentence_bert_config.json: max_seq_length")' inspected.json >parsed.log ||
  fail "a length without effect is not listed: $(cat inspected.json)"
refuses 78 'unknown field doc_lenght' lir-encode --model "$MODELS/native/dpr_bert_04/model" \
  --model-config '{"doc_lenght": 8}' --inspect
says 'did you mean doc_length?'
refuses 64 '--model-config' lir-encode --model "$MODELS/external/splade_naver_bert/model" \
  --model-config '{"model_type"' --inspect
refuses 66 'nowhere.json' lir-encode --model "$MODELS/external/splade_naver_bert/model" \
  --model-config nowhere.json --inspect

# What cannot be used.
texts 3 >docs.tsv
refuses 78 'hint: ' encode external/dpr_pytorch_bin doc docs.tsv
exits 0 encode external/dpr_pytorch_bin doc docs.tsv -o docs.lirt \
  --model-config '{"model_type": "lir-dpr", "pooling_strategy": "mean", "projection": null}'
exits 0 encode external/dpr_pytorch_bin doc docs.tsv -o docs.lirt \
  --model-config '{"checkpoint": "sentence-transformers/msmarco-bert-base-dot-v5"}'
refuses 78 'castorini/monot5-base-msmarco' encode external/dpr_pytorch_bin doc docs.tsv \
  --model-config '{"checkpoint": "somebody/else"}'
refuses 78 'cross-encoder' encode native/mono_bert_00 doc docs.tsv
refuses 66 'nowhere' lir-encode --model nowhere --role doc docs.tsv
refuses 64 '--model' lir-encode --role doc docs.tsv
refuses 64 '--role' lir-encode --model "$MODELS/native/dpr_bert_00/model" docs.tsv
mkdir empty
refuses 78 'config.json' lir-encode --model empty --role doc docs.tsv

copy() { # copy MODEL: to broken/
  rm -rf broken
  cp -r "$MODELS/$1/model" broken
}
# Pickles run no code: what is more than tensors is refused, with its name.
rm -rf pickled
cp -r "$MODELS/external/dpr_pytorch_bin/model" pickled
pickled() { # pickled FILE: the folder with these weights
  cp "$FIXTURES/torch/bad/$1.pt" pickled/pytorch_model.bin
  lir-encode --model pickled --role doc docs.tsv \
    --model-config '{"model_type": "lir-dpr", "pooling_strategy": "mean", "projection": null}'
}
chmod -R u+w pickled
refuses 65 'posix.system' pickled system
refuses 65 'pytorch_model.bin' pickled size
refuses 78 'before PyTorch 1.6' pickled legacy
head -c 5000 "$MODELS/external/dpr_pytorch_bin/model/pytorch_model.bin" >pickled/pytorch_model.bin
refuses 65 'pytorch_model.bin' lir-encode --model pickled --role doc docs.tsv \
  --model-config '{"model_type": "lir-dpr", "pooling_strategy": "mean", "projection": null}'
# A tokenizer of another model.
copy native/dpr_bert_00
cp "$FIXTURES/tokenizers/bert_uncased_real/model/"* broken/ 2>said.log || true
cp "$MODELS/native/dpr_bert_00/model/config.json" broken/
refuses 78 'they belong to different models' lir-encode --model broken --role doc docs.tsv

copy native/dpr_bert_00
jq '.model_type = "mamba" | .architectures = ["MambaModel"]' \
  "$MODELS/native/dpr_bert_00/model/config.json" >broken/config.json
refuses 78 'amba' lir-encode --model broken --role doc docs.tsv
jq '.backbone_model_type = "mamba"' "$MODELS/native/dpr_bert_00/model/config.json" >broken/config.json
refuses 78 'mamba' lir-encode --model broken --role doc docs.tsv
jq '.hidden_size = 64' "$MODELS/native/dpr_bert_00/model/config.json" >broken/config.json
refuses 78 'broken' lir-encode --model broken --role doc docs.tsv
jq '.num_hidden_layers = 3' "$MODELS/native/dpr_bert_00/model/config.json" >broken/config.json
refuses 78 'layer.2' lir-encode --model broken --role doc docs.tsv
head -c 100 "$MODELS/native/dpr_bert_00/model/config.json" >broken/config.json
refuses 65 'config.json' lir-encode --model broken --role doc docs.tsv
copy native/dpr_bert_00
size=$(stat -c %s broken/model.safetensors)
for length in 0 4 8 500 $((size / 2)) $((size - 1)); do
  head -c "$length" "$MODELS/native/dpr_bert_00/model/model.safetensors" >broken/model.safetensors
  refuses 65 'model.safetensors' lir-encode --model broken --role doc docs.tsv
done
rm broken/model.safetensors
exits 78 lir-encode --model broken --role doc docs.tsv
copy native/dpr_bert_00
head -c 300 "$MODELS/native/dpr_bert_00/model/tokenizer.json" >broken/tokenizer.json
refuses 65 'tokenizer.json' lir-encode --model broken --role doc docs.tsv

# Bare checkpoints do not say what they are: 78 says how to choose.
refuses 78 'hint: ' encode external/splade_naver_bert doc docs.tsv

# shellcheck shell=bash
# Which models lir-train trains: folders of every kind, heads that are made, low-rank updates.

cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
plain=$MODELS/external/st_bert_mean/model
exits 0 lir-encode --model "$plain" --role doc docs.tsv -o docs.lirt
exits 0 lir-index build -o docs.index docs.lirt
exits 0 lir-search --index docs.index --model "$plain" -k 10 queries.tsv -o first.run
exits 0 lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv --sample-size 4 \
  --add-docs-not-in-ranking first.run -o tuples.jsonl
cat >train.yml <<END
model: $plain
data: {tuples: tuples.jsonl}
batch_size: 4
max_steps: 12
losses: [{name: RankNet}]
optimizer: {lr: 3.0e-3}
dropout: 0
END
train() { # train FOLDER ARGUMENT...
  local folder=$1
  shift
  rm -rf "$folder"
  exits 0 lir-train --config train.yml -o "$folder" "$@"
}
tensors() { # tensors FILE: names and shapes, sorted
  python3 - "$1" <<'END'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
for name in sorted(header):
    if name != "__metadata__":
        print(name, header[name]["shape"])
END
}
learns() { # learns FOLDER: the losses of the last epoch of three steps are below those of the first
  jq -se 'map(.loss) | (.[-3:] | add) < (.[:3] | add)' "$1/metrics.jsonl" >learns.log ||
    fail "$1: $(jq -c '.loss' "$1/metrics.jsonl" | tr '\n' ' ')"
}

# A backbone without a head gets one, and says so; the folder is one of Lightning IR's.
mkdir bare
for file in config.json model.safetensors tokenizer.json tokenizer_config.json vocab.txt; do
  cp "$plain/$file" bare
done
made() { # made CONFIG TENSOR...: what is made, and how it is called in the end
  local config=$1 name
  shift
  train made --model bare --set "model_config=$config"
  says 'made anew'
  tensors made/model.safetensors >made.log
  for name; do
    grep -qxF "$name" made.log || fail "$config: no $name"
  done
  [ "$(jq -r .backbone_model_type made/config.json)" = bert ] || fail "$config: config.json"
  # It is read as what it is, without anything left over, and trained further without a new head.
  train again --model made
  ! grep -q 'made anew' said.log || fail "$config: a second head"
}
made '{"model_type":"lir-dpr","embedding_dim":16}' 'projection.weight [16, 32]' 'projection.bias [16]'
learns made
exits 0 lir-encode --model made --role doc docs.tsv -o made.lirt
made '{"model_type":"col","embedding_dim":16}' 'projection.weight [16, 32]'
made '{"model_type":"unicoil"}' 'token_projection.weight [1, 32]'
made '{"model_type":"coil","embedding_dim":8,"token_embedding_dim":4}' 'token_projection.bias [4]'
# Tokens that the tokenizer lacks get rows in the table of embeddings, rounded up to eights.
made '{"model_type":"col","embedding_dim":8,"add_marker_tokens":true,"projection":"linear_no_bias"}' \
  'embeddings.word_embeddings.weight [184, 32]' 'projection.weight [8, 32]'
is 'ids of markers' '[QUE] 180,[DOC] 181' \
  "$(jq -r '.added_tokens[-2:] | map("\(.content) \(.id)") | join(",")' made/tokenizer.json)"
is 'vocab_size' 184 "$(jq .vocab_size made/config.json)"
exits 0 lir-tokenize --model made --role query --format jsonl queries.tsv >marked.jsonl
is 'marker of queries' 180 "$(head -n 1 marked.jsonl | jq '.input_ids[1]')"
made '{"model_type":"mvr","num_viewer_tokens":2}' 'embeddings.word_embeddings.weight [184, 32]'
made '{"model_type":"splade"}' 'projection.dense.weight [32, 32]' 'projection.norm.weight [32]' \
  'projection.decoder.weight [180, 32]' 'projection.decoder.bias [180]'
# A language model's head grows with them; a vocabulary alone becomes a tokenizer.json.
mkdir masked
for file in config.json model.safetensors tokenizer_config.json vocab.txt; do
  cp "$MODELS/external/splade_naver_bert/model/$file" masked
done
train made --model masked --set 'model_config={"model_type":"splade","add_marker_tokens":true}' \
  --set 'losses=[{name: RankNet}, {name: FLOPSRegularization}]'
learns made
! grep -q 'made anew' said.log || fail 'a head is made though there is one'
tensors made/model.safetensors >made.log
for name in 'embeddings.word_embeddings.weight' 'projection.decoder.weight'; do
  grep -qxF "$name [184, 32]" made.log || fail "no $name of 184 rows"
done
grep -qxF 'projection.decoder.bias [184]' made.log || fail 'no bias of 184 terms'
exits 0 lir-tokenize --model made --role query --format jsonl queries.tsv >marked.jsonl
is 'marker of queries' 180 "$(head -n 1 marked.jsonl | jq '.input_ids[1]')"
exits 0 lir-encode --model made --role doc --format jsonl docs.tsv >made.jsonl
train again --model made
refuses 78 'tie_word_embeddings is false' lir-train --config train.yml -o none --model masked \
  --set 'model_config={"model_type":"splade","add_marker_tokens":true,"tie_word_embeddings":false}'
rm -rf masked
made '{"model_type":"mono"}' 'linear.weight [1, 32]'
made '{"model_type":"mono","scoring_strategy":"mono"}' 'linear.weight [2, 32]'
made '{"model_type":"set-encoder","depth":4}' 'linear.weight [1, 32]'
learns made
# A checkpoint that is no bare backbone may lack nothing.
cp -r "$MODELS/native/mono_bert_00/model" lacking
python3 - <<'END'
import json, struct
data = open("lacking/model.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
text = data[8:8 + size].replace(b'"linear.weight"', b'"linear.weighs"')
open("lacking/model.safetensors", "wb").write(data[:8] + text + data[8 + size:])
END
refuses 78 'linear.weight' lir-train --config train.yml -o none --model lacking
rm -rf none

# sentence-transformers' modules are trained where they are.
dense=$MODELS/external/st_bert_concat_dense2/model
train modules --model "$dense"
learns modules
for module in 2_Dense 3_LayerNorm; do
  [ -e modules/$module/config.json ] || fail "no $module/config.json"
  differ modules/$module/model.safetensors "$dense"/$module/model.safetensors
  same <(tensors modules/$module/model.safetensors) <(tensors "$dense"/$module/model.safetensors)
done
same modules/modules.json "$dense/modules.json"
exits 0 lir-encode --model modules --role doc docs.tsv -o modules.lirt

# Frozen weights stay as they are.
train frozen --set 'freeze=[embeddings., layer.0.]'
learns frozen
python3 - "$plain" <<'END'
import json, struct, sys
def read(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size + e["data_offsets"][0]:8 + size + e["data_offsets"][1]]
            for name, e in header.items() if name != "__metadata__"}
before, after = read(sys.argv[1] + "/model.safetensors"), read("frozen/model.safetensors")
for name in before:
    is_frozen = "embeddings." in name or "layer.0." in name
    if "pooler" not in name and (before[name] == after[name]) != is_frozen and "key.bias" not in name:
        sys.exit(f"{name}: expected {'the same' if is_frozen else 'another'}")
END

# Low-rank updates: the folder is the merged model, and what PEFT would have saved.
lora='{r: 4, alpha: 8, targets: [query, value]}'
train low --set "lora=$lora"
learns low
same <(tensors low/adapter/adapter_model.safetensors) <(
  for layer in 0 1; do
    for name in query value; do
      echo "base_model.model.encoder.layer.$layer.attention.self.$name.lora_A.weight [4, 32]"
      echo "base_model.model.encoder.layer.$layer.attention.self.$name.lora_B.weight [32, 4]"
    done
  done)
is 'alpha' 8 "$(jq '.lora_alpha | floor' low/adapter/adapter_config.json)"
exits 0 lir-encode --model low --role doc --format jsonl docs.tsv >merged.jsonl
exits 0 lir-encode --model "$plain" --adapter low/adapter --role doc --format jsonl docs.tsv >beside.jsonl
exits 0 lir-encode --model "$plain" --role doc --format jsonl docs.tsv >before.jsonl
same merged.jsonl beside.jsonl
differ merged.jsonl before.jsonl
# With modules that are trained as a whole, on another architecture; exact when it is resumed.
cross=$MODELS/native/mono_bert_00/model
lora='{r: 2, alpha: 2, use_rslora: true, targets: [dense], modules_to_save: [linear]}'
train low --model "$cross" --set "lora=$lora" --set checkpoint.every=4
tensors low/adapter/adapter_model.safetensors >low.log
grep -qxF 'base_model.model.linear.weight [1, 32]' low.log ||
  fail 'no whole module in the adapter'
exits 0 lir-rerank --model low --queries queries.tsv --docs docs.tsv first.run -o merged.run
exits 0 lir-rerank --model "$cross" --adapter low/adapter --queries queries.tsv --docs docs.tsv first.run \
  -o beside.run
same <(cut -d ' ' -f 1-5 merged.run) <(cut -d ' ' -f 1-5 beside.run)
mkdir half
cp -r low/checkpoints half
rm -r half/checkpoints/step-12
exits 0 lir-train --config train.yml -o half --resume --model "$cross" --set "lora=$lora" \
  --set checkpoint.every=4
for file in model.safetensors adapter/adapter_model.safetensors; do same low/$file half/$file; done
# With dropout on the way to the updates, and none in the model: other weights, the same ones when it is
# resumed, for every number of threads, and when layers are computed twice.
drops() { # drops FOLDER DROPOUT ARGUMENT...
  local folder=$1 dropout=$2
  shift 2
  exits 0 lir-train --config train.yml -o "$folder" --set checkpoint.every=4 \
    --set "lora={r: 4, alpha: 8, dropout: $dropout, targets: [query, value]}" "$@"
}
rm -rf low half
drops none 0
drops low 0.3 --threads 1
differ low/adapter/adapter_model.safetensors none/adapter/adapter_model.safetensors
is 'lora_dropout' 0.3 "$(jq .lora_dropout low/adapter/adapter_config.json)"
mkdir half
cp -r low/checkpoints half
rm -r half/checkpoints/step-12
drops half 0.3 --resume
drops threads 0.3 --threads 2
drops twice 0.3 --set gradient_checkpointing=true
for other in half threads twice; do
  for file in model.safetensors adapter/adapter_model.safetensors; do same low/$file $other/$file; done
done
# An adapter goes on; it must be of the same layers and of the same size.
on() { # on SETTINGS ARGUMENT...
  local settings=$1
  shift
  rm -rf further
  lir-train --config train.yml -o further --set "lora={adapter: low/adapter, $settings}" "$@"
}
exits 0 on 'r: 4, alpha: 8, targets: [query, value]' --set optimizer.lr=1.0e-12
exits 0 lir-rerank --model low --queries queries.tsv --docs docs.tsv first.run -o before.run
exits 0 lir-rerank --model further --queries queries.tsv --docs docs.tsv first.run -o after.run
same <(cut -d ' ' -f 1-4 before.run) <(cut -d ' ' -f 1-4 after.run)
exits 0 on 'r: 4, alpha: 8, targets: [query, value]'
jq -se --slurpfile before low/metrics.jsonl '.[0].loss < $before[0].loss' further/metrics.jsonl \
  >further.log || fail 'an adapter that goes on begins anew'
refuses 78 'expected rank 2' on 'r: 2, alpha: 4, targets: [query, value]'
refuses 78 'factor' on 'r: 4, alpha: 4, targets: [query, value]'
refuses 78 'no update of' on 'r: 4, alpha: 8, targets: [query, key, value]'
refuses 78 'not to be trained' on 'r: 4, alpha: 8, targets: [query]'
refuses 66 nothing lir-train --config train.yml -o further \
  --set 'lora={adapter: nothing, targets: [query]}'
rm -rf further
refuses 78 "lora.dropout is 0.4, was 0.3" lir-train --config train.yml -o half --resume \
  --set checkpoint.every=4 --set "lora={r: 4, alpha: 8, dropout: 0.4, targets: [query, value]}"
rm -rf half none threads twice
refuses 78 'lora.dropout: expected a number from 0 to below 1' lir-train --config train.yml -o none \
  --set 'lora={dropout: 1, targets: [query]}'
refuses 78 'word_embeddings is no linear layer' lir-train --config train.yml -o none \
  --set 'lora={targets: [word_embeddings]}'
refuses 78 'no layer is called nothing' lir-train --config train.yml -o none \
  --set 'lora={targets: [nothing]}'
refuses 78 'did you mean lora.targets' lir-train --config train.yml -o none --set 'lora={target: [a]}'
refuses 78 'lora.targets: expected' lir-train --config train.yml -o none --set 'lora={r: 4}'
# As PEFT's users know it: every linear layer, lengths of rows, biases, patterns; resumed, with two
# threads, and from the adapter that it wrote.
rm -rf low half further
lora='{target_modules: all-linear, r: 3, lora_alpha: 6, lora_dropout: 0.2, use_dora: true, bias: all,
  exclude_modules: ".*output.*", rank_pattern: {"layer.1.attention.self.(key|value)": 2}}'
dora() { # dora FOLDER ARGUMENT...
  local folder=$1
  shift
  exits 0 lir-train --config train.yml -o "$folder" --set checkpoint.every=4 --set "lora=$lora" "$@"
}
dora low --threads 1
tensors low/adapter/adapter_model.safetensors >low.log
layer=base_model.model.encoder.layer
for line in "$layer.1.attention.self.key.lora_A.weight [2, 32]" "$layer.0.attention.self.key.lora_A.weight [3, 32]" \
  "$layer.0.intermediate.dense.lora_magnitude_vector [36]" "$layer.0.intermediate.dense.base_layer.bias [36]" \
  "$layer.0.output.LayerNorm.bias [32]"; do
  grep -qxF "$line" low.log || fail "not in the adapter: $line: $(cat low.log)"
done
if grep 'output.*lora' low.log; then fail 'what is excluded is updated'; fi
is 'fields' 'true all .*output.*' "$(jq -r '"\(.use_dora) \(.bias) \(.exclude_modules)"' \
  low/adapter/adapter_config.json)"
exits 0 lir-encode --model low --role doc --format jsonl docs.tsv >merged.jsonl
exits 0 lir-encode --model "$plain" --adapter low/adapter --role doc --format jsonl docs.tsv >beside.jsonl
same merged.jsonl beside.jsonl
differ merged.jsonl before.jsonl
mkdir half
cp -r low/checkpoints half
rm -r half/checkpoints/step-12
dora half --resume
dora threads --threads 2
dora twice --set gradient_checkpointing=true
for other in half threads twice; do
  for file in model.safetensors adapter/adapter_model.safetensors; do same low/$file $other/$file; done
done
refuses 78 'one of adapter and lora has use_dora' on 'r: 3, alpha: 6, targets: all-linear,
  exclude_modules: ".*output.*", rank_pattern: {"layer.1.attention.self.(key|value)": 2}'
exits 0 on "${lora:1:-1}" --set optimizer.lr=1.0e-12
exits 0 lir-encode --model further --role doc --format jsonl docs.tsv >further.jsonl
same <(jq -c '[.vector[] * 1000 | round]' further.jsonl) <(jq -c '[.vector[] * 1000 | round]' merged.jsonl)
# What begins with parts of the weights becomes an adapter of the model as it was.
rm -rf low half threads twice further
lora='{targets: [query, value], r: 2, alpha: 4, init_lora_weights: olora}'
dora low
is 'rank' '4 8 true' "$(jq -r '"\(.r) \(.lora_alpha | floor) \(.init_lora_weights)"' low/adapter/adapter_config.json)"
exits 0 lir-encode --model low --role doc --format jsonl docs.tsv >merged.jsonl
exits 0 lir-encode --model "$plain" --adapter low/adapter --role doc --format jsonl docs.tsv >beside.jsonl
same <(jq -c '[.vector[] * 1000 | round]' beside.jsonl) <(jq -c '[.vector[] * 1000 | round]' merged.jsonl)
mkdir half
cp -r low/checkpoints half
rm -r half/checkpoints/step-12
dora half --resume
for file in model.safetensors adapter/adapter_model.safetensors; do same low/$file half/$file; done
refuses 78 'lora: loftq_config is not supported' lir-train --config train.yml -o none \
  --set 'lora={targets: [query], loftq_config: {loftq_bits: 4}}'
refuses 78 'no layer is called kwery' lir-train --config train.yml -o none \
  --set 'lora={targets: all-linear, exclude_modules: [kwery]}'
rm -rf half
# The weights of layers are trained, and exported with the model.
layers=$FIXTURES/layers/bert/model
train weighed --model "$layers"
exits 0 lir-train export --format sentence-transformers --model weighed -o exported
for folder in weighed exported; do
  exits 0 lir-encode --model $folder --role doc --format jsonl docs.tsv >$folder.jsonl
done
same weighed.jsonl exported.jsonl
is 'modules' "$(jq -c 'map(.type | sub(".*[.]"; ""))' "$layers/modules.json")" \
  "$(jq -c 'map(.type | sub(".*[.]"; ""))' exported/modules.json)"
is 'states of all layers' true "$(jq '.. | .output_hidden_states? // empty' exported/*.json | sort -u)"
differ "$layers/1_WeightedLayerPooling/model.safetensors" exported/1_WeightedLayerPooling/model.safetensors
same weighed/1_WeightedLayerPooling/model.safetensors exported/1_WeightedLayerPooling/model.safetensors
rm -rf weighed exported
# What a refused run was going to begin with is not left.
exits 78 lir-train --config train.yml -o none --model bare --set 'freeze=[nothing]' \
  --set 'model_config={"model_type":"mvr","num_viewer_tokens":2}'
[ ! -e none ] || fail "left: $(find none)"
# What was there stays, and a folder that somebody else has made is not one to train in.
mkdir none
exits 78 lir-train --config train.yml -o none --model bare --set 'freeze=[nothing]' \
  --set 'model_config={"model_type":"mvr","num_viewer_tokens":2}'
is 'what is in the folder' '' "$(ls -A none)"
mkdir none/start
echo mine >none/start/notes
refuses 73 'not a training run' lir-train --config train.yml -o none --model bare \
  --set 'model_config={"model_type":"mvr","num_viewer_tokens":2}'
[ "$(cat none/start/notes)" = mine ] || fail 'a folder of somebody else is gone'
rm -rf bare made again lacking modules frozen low half none docs.index

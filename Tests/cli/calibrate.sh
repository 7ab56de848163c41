# shellcheck shell=bash
# --calibrate: int8 beside f32, layer by layer, and layers that stay in bf16.

command -v python3 >/dev/null || skip 'python3 is not installed'
texts 400 >docs.tsv
texts 60 9 >some.tsv

# A value that goes into a product of the second block is made as large as 300, and the weights that
# multiply it zero: nothing changes for that product but the range that its activations take.
outlier() { # outlier MODEL FOLDER
  cp -r "$MODELS/native/$1/model" "$2"
  chmod -R u+w "$2"
  python3 - "$2/model.safetensors" <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
length = struct.unpack_from("<Q", data)[0]
header = json.loads(data[8:8 + length])
def place(name):
    [full] = [n for n in header if n.endswith("encoder.layer.1." + name)]
    return 8 + length + header[full]["data_offsets"][0], header[full]["shape"]
at, _ = place("attention.output.LayerNorm.bias")
struct.pack_into("<f", data, at, 300)
at, (rows, columns) = place("intermediate.dense.weight")
for row in range(rows):
    struct.pack_into("<f", data, at + 4 * columns * row, 0)
open(sys.argv[1], "wb").write(data)
END
}
outlier dpr_bert_04 outlier
bad=encoder.layer.1.intermediate.dense
lir() { lir-encode --model outlier --role doc "$@"; }
calibrated() { lir --precision int8 --calibrate some.tsv "$@"; }

exits 0 encode native/dpr_bert_04 doc --calibrate some.tsv >sound.jsonl
is 'layers' 8 "$(jq -s length sound.jsonl)"
exits 0 encode native/dpr_bert_04 doc --calibrate some.tsv -o other.jsonl >printed
[ ! -s printed ] || fail '-o and the standard output'
same sound.jsonl other.jsonl
is 'layers in bf16' '' "$(jq -r 'select(.precision != "int8") | .layer' sound.jsonl)"
jq -se 'all(.lowest <= .cosine and .cosine < 1 and .cosine > 0.999 and .rows > 1000)' \
  sound.jsonl >checked.log || fail 'a cosine of a sound model'
exits 0 lir --calibrate some.tsv >outlier.jsonl
is 'layers in bf16' $bad "$(jq -r 'select(.precision == "bf16" and .cosine < 0.999) | .layer' outlier.jsonl)"
is 'layers in int8' 7 "$(jq -s 'map(select(.precision == "int8" and .cosine >= 0.999)) | length' outlier.jsonl)"
for setting in '--threads 1' '--threads 3' '--batch-tokens 1' '--batch-tokens 4096' '--isa portable'; do
  # shellcheck disable=SC2086  # two words
  exits 0 lir $setting --calibrate some.tsv >other.jsonl
  same outlier.jsonl other.jsonl
done

# Where all layers suit, nothing changes.
exits 0 encode native/dpr_bert_04 doc --precision int8 --no-provenance docs.tsv -o int8.lirt
exits 0 encode native/dpr_bert_04 doc --precision int8 --no-provenance --calibrate some.tsv docs.tsv \
  -o other.lirt
same int8.lirt other.lirt

# Where one does not, it stays in bf16; the stream says so, and does not mix silently.
exits 0 lir --precision int8 docs.tsv -o int8.lirt
exits 0 calibrated docs.tsv -o kept.lirt
says "1 of 8 layers stay in bf16: $bad"
head -c 4096 kept.lirt >kept.head
grep -aqF "\"lir.precision\":\"int8+bf16:$bad\"" kept.head || fail 'lir.precision'
grep -aqF '\"calibrate\":' kept.head || fail 'no digest of the texts in lir.by'
for setting in '--threads 3' '--batch-tokens 1'; do
  # shellcheck disable=SC2086  # two words
  exits 0 calibrated $setting docs.tsv -o other.lirt
  same kept.lirt other.lirt
done
sed 's/^d/p/' docs.tsv >more.tsv
exits 0 lir --precision int8 more.tsv -o more.lirt
exits 0 lir-encode cat kept.lirt more.lirt -o joined.lirt
says "precision int8+bf16:$bad is followed by precision int8"

# It comes nearer to f32 than without: by the sum of squares.
exits 0 lir docs.tsv -o f32.lirt
for stream in f32 int8 kept; do
  exits 0 lir-encode view $stream.lirt >$stream.jsonl
  jq '.embeddings[]' $stream.jsonl >$stream.txt
done
error() { paste "$1.txt" f32.txt | awk '{ sum += ($1 - $2) ^ 2 } END { print sum }'; }
awk -v kept="$(error kept)" -v int8="$(error int8)" 'BEGIN { exit !(kept < int8 / 2) }' ||
  fail "the error is $(error kept), without --calibrate $(error int8)"

# A run is continued with the same texts only. One that a bad record ends leaves a partial output.
texts 3000 3 >many.tsv
{ cat many.tsv && printf 'no text\n'; } >bad.tsv
tail -n 50 some.tsv >others.tsv
resumed() { lir --precision int8 --resume bad.tsv -o resumed.lirt "$@"; }
exits 65 resumed --calibrate some.tsv
[ -e .resumed.lirt.partial ] || fail 'no partial output'
before=$(cksum .resumed.lirt.partial)
exits 78 resumed --calibrate others.tsv
exits 78 resumed
is 'partial output' "$before" "$(cksum .resumed.lirt.partial)"
exits 65 resumed --calibrate some.tsv
says 'bad.tsv:3001'
rm .resumed.lirt.partial

# The choice of layers has weights of its own in a cache.
exits 0 lir --precision int8 --no-provenance --cache cache docs.tsv -o other.lirt
exits 0 calibrated --cache cache docs.tsv -o other.lirt
same kept.lirt other.lirt
is 'packed weights' 2 "$(find cache -name 'lir-packed-*' | wc -l)"
rm -r cache

# The other tools do the same on what they compute: queries, and pairs.
layers_in_bf16() { jq -r 'select(.precision == "bf16") | .layer' "$1"; }
tag() { sed -n '1s/.* //p' "$1"; }
sed 's/^d/q/' some.tsv | awk -F'\t' '$2 != ""' | sed -n 1,8p >queries.tsv
head -n 4 queries.tsv >fewer.tsv
exits 0 lir docs.tsv -o docs.lirt
exits 0 lir-index build docs.lirt -o docs.index
search() { lir-search --index docs.index --model outlier -k 10 "$@"; }
exits 0 search --calibrate queries.tsv >found.jsonl
is 'layers in bf16 for queries' $bad "$(layers_in_bf16 found.jsonl)"
exits 0 search --precision int8 queries.tsv -o int8.run
exits 0 search --precision int8 --calibrate queries.tsv queries.tsv -o kept.run
says "1 of 8 layers stay in bf16: $bad"
differ int8.run kept.run
exits 0 search --precision int8 --calibrate fewer.tsv queries.tsv -o fewer.run
[ "$(tag kept.run)" != "$(tag fewer.run)" ] || fail 'the texts are not among the inputs'
refuses 64 'computes nothing' search --calibrate queries.tsv queries.tsv
refuses 64 '--model is missing' lir-search --index docs.index --calibrate queries.tsv

awk -F'\t' '{ for (i = 1; i <= 10; i++) print $1, "Q0", "d" i, i, 11 - i, "t" }' queries.tsv >first.run
awk -F'\t' 'NR == FNR { query[$1] = $2; next }
  $2 != "" {
    for (id in query)
      if ((FNR + length(query[id])) % 9 == 0) print id "\t" $1 "\t" query[id] "\t" $2
  }' queries.tsv docs.tsv | sort >pairs.tsv
outlier mono_bert_00 cross
for model in cross outlier; do
  rerank() { lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv "$@"; }
  exits 0 rerank --calibrate pairs.tsv >found.jsonl
  layer=$(layers_in_bf16 found.jsonl)
  is "layers in bf16 of $model" encoder.layer.1.intermediate.dense "${layer#bert.}"
  exits 0 rerank --threads 3 --batch-tokens 64 --calibrate pairs.tsv >other.jsonl
  same found.jsonl other.jsonl
  exits 0 rerank --precision int8 first.run -o int8.run
  exits 0 rerank --precision int8 --calibrate pairs.tsv first.run -o kept.run
  says "layers stay in bf16: $layer"
  differ int8.run kept.run
  for setting in '--threads 3' '--batch-tokens 1'; do
    # shellcheck disable=SC2086  # two words
    exits 0 rerank $setting --precision int8 --calibrate pairs.tsv first.run -o other.run
    same kept.run other.run
  done
  head -n 200 pairs.tsv >fewer.tsv
  exits 0 rerank --precision int8 --calibrate fewer.tsv first.run -o fewer.run
  [ "$(tag kept.run)" != "$(tag fewer.run)" ] || fail 'the pairs are not among the inputs'
done
# Two models have their layers each.
exits 0 lir-rerank --model outlier --query-model "$MODELS/native/dpr_bert_04/model" --queries queries.tsv \
  --docs docs.tsv --calibrate pairs.tsv >found.jsonl
is 'layers in bf16 of two models' "doc $bad" \
  "$(jq -r 'select(.precision == "bf16") | .role + " " + .layer' found.jsonl)"
is 'layers of two models' 16 "$(wc -l <found.jsonl)"
refuses 65 'queries.tsv' rerank --calibrate queries.tsv
refuses 64 'computes nothing' rerank --calibrate pairs.tsv first.run
exits 0 lir-rerank --model cross --precision int8 --calibrate pairs.tsv --text 'a key' 'the value' >score.log
says 'layers stay in bf16'
exits 0 lir-tokenize --model cross --pairs pairs.tsv -o pairs.lirt
exits 0 lir-rerank --model cross --precision int8 --calibrate pairs.tsv pairs.lirt -o stream.run
says 'layers stay in bf16'

# What makes no sense.
refuses 64 'computes nothing' lir --calibrate some.tsv docs.tsv
refuses 64 'is for int8' lir --precision bf16 --calibrate some.tsv docs.tsv
refuses 64 'two questions' lir --inspect --calibrate some.tsv
refuses 64 'not the standard input' lir --precision int8 --calibrate - docs.tsv
refuses 64 'is a tensor stream' lir --calibrate int8.lirt
refuses 66 'missing.tsv' lir --calibrate missing.tsv
mkdir folder
refuses 66 'folder: expected a file, found a folder' lir --calibrate folder
for option in '--shard 1/2' '--resume' '--format npy' '--dims 4' '--cache kept'; do
  # shellcheck disable=SC2086
  refuses 64 "computes nothing, found ${option%% *}" lir --calibrate some.tsv -o x.npy $option
done
: >none.tsv
refuses 65 'none.tsv: expected data' lir --calibrate none.tsv
printf '' | gzip >none.tsv
refuses 65 'none.tsv: expected texts' lir --calibrate none.tsv
refuses 64 '--role is missing' lir-encode --model outlier --calibrate some.tsv

# shellcheck shell=bash
# --calibrate: int8 beside f32, layer by layer, and layers that stay in bf16.

command -v python3 >/dev/null || skip 'python3 is not installed'
texts 400 >docs.tsv
texts 60 9 >some.tsv

# A value that goes into a product of the second block is made as large as 300, and the weights that
# multiply it zero: nothing changes for that product but the range that its activations take.
cp -r "$MODELS/native/dpr_bert_04/model" outlier
chmod -R u+w outlier
python3 - outlier/model.safetensors <<'END'
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
bad=encoder.layer.1.intermediate.dense
lir() { lir-encode --model outlier --role doc "$@"; }
calibrated() { lir --precision int8 --calibrate some.tsv "$@"; }

exits 0 encode native/dpr_bert_04 doc --calibrate some.tsv >sound.jsonl
is 'layers' 8 "$(jq -s length sound.jsonl)"
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
head -c 4096 kept.lirt | grep -aqF "\"lir.precision\":\"int8+bf16:$bad\"" || fail 'lir.precision'
head -c 4096 kept.lirt | grep -aqF '\"calibrate\":' || fail 'no digest of the texts in lir.by'
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

# What makes no sense.
refuses 64 'encodes nothing' lir --calibrate some.tsv docs.tsv
refuses 64 'is for int8' lir --precision bf16 --calibrate some.tsv docs.tsv
refuses 64 'two questions' lir --inspect --calibrate some.tsv
refuses 64 'not the standard input' lir --precision int8 --calibrate - docs.tsv
refuses 64 'is a tensor stream' lir --calibrate int8.lirt
refuses 66 'missing.tsv' lir --calibrate missing.tsv
: >none.tsv
refuses 65 'none.tsv: expected texts' lir --calibrate none.tsv
refuses 64 '--role is missing' lir-encode --model outlier --calibrate some.tsv

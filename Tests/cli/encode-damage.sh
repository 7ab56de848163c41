# shellcheck shell=bash
# Every cut and every turned byte is found, by the status and by what is said.

plain() { zstd -dcq "$1" 2>/dev/null || lz4 -dcq "$1" 2>/dev/null; }

texts 2100 >docs.tsv
model=native/dpr_bert_01
for suffix in lirt lirt.zst lirt.lz4; do
  exits 0 encode $model doc --no-provenance docs.tsv -o "whole.$suffix"
  exits 0 lir-encode verify "whole.$suffix"
  [ ! -s said.log ] || fail 'verify is not silent'
  # Concatenations of agreeing members pass, and count.
  exits 0 lir-encode verify - < <(cat "whole.$suffix" "whole.$suffix" "whole.$suffix")
  exits 0 lir-encode view - < <(cat "whole.$suffix" "whole.$suffix") >view.jsonl
  is records 4200 "$(summary records)"

  size=$(stat -c %s "whole.$suffix")
  # Proper prefixes: around both ends and a sample of those between.
  for length in 1 7 8 9 63 64 65 100 $((size - 1)) $((size - 2)) $((size - 64)) $((size - 100)) \
    $(seq 150 $((size / 40)) "$size"); do
    [ "$length" -lt "$size" ] || continue
    head -c "$length" "whole.$suffix" >cut.lirt
    exits 65 lir-encode verify cut.lirt
    says 'cut.lirt'
  done
  # Turned bytes, all over the file.
  for offset in 3 9 20 $(seq 100 $((size / 40)) $((size - 1))) $((size - 1)); do
    cp "whole.$suffix" bad.lirt
    flip bad.lirt "$offset" 16
    # A bit that a codec does not use, or that leads to the same content, does no damage.
    if [ $suffix != lirt ] && plain bad.lirt | cmp -s - whole.lirt; then continue; fi
    exits 65 lir-encode verify bad.lirt
    says 'bad.lirt'
  done
done

# A cut at the boundary of a segment looks whole to other readers; here the end segment is missing.
python3 - whole.lirt >boundaries.txt <<'PY'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
at = 0
while at < len(data):
    n, = struct.unpack_from("<Q", data, at)
    header = json.loads(data[at + 8:at + 8 + n])
    at += 8 + n + max([v["data_offsets"][1] for k, v in header.items() if k != "__metadata__"], default=0)
    print(at, header["__metadata__"]["lir.kind"])
PY
is 'segments' 4 "$(wc -l <boundaries.txt)"
records=0
while read -r boundary kind; do
  [ "$kind" != end ] || continue
  records=$((records + 1024))
  [ "$records" -lt 2100 ] || records=2100
  head -c "$boundary" whole.lirt >cut.lirt
  exits 65 lir-encode verify cut.lirt
  says "record $records"
done <boundaries.txt
# A damaged segment is named by its records.
cp whole.lirt bad.lirt
flip bad.lirt $(($(sed -n 1p boundaries.txt | cut -d' ' -f1) + 5000))
exits 65 lir-encode verify bad.lirt
says 'record 1024'

# Streams that disagree do not follow each other.
exits 0 encode native/dpr_bert_03 doc --no-provenance docs.tsv -o other-model.lirt
exits 0 encode $model query --no-provenance docs.tsv -o other-role.lirt
exits 0 encode $model doc --no-provenance --dtype f16 docs.tsv -o other-type.lirt
exits 0 encode $model doc --no-provenance --dims 8 docs.tsv -o other-dims.lirt
for other in other-*.lirt; do
  exits 0 lir-encode verify "$other"
  exits 65 lir-encode verify - < <(cat whole.lirt "$other")
  exits 65 lir-encode cat whole.lirt "$other" -o joined.lirt
  says "$other"
  [ ! -e joined.lirt ] || fail 'an output of streams that disagree'
done

# What is no stream at all.
: >empty
head -c 1000 /dev/zero >zeros
printf 'hello, world' >text
for file in empty zeros text; do
  exits 65 lir-encode verify $file
  says $file
done
exits 66 lir-encode verify nowhere.lirt
says nowhere.lirt
exits 66 lir-encode verify .
rm -f ./*.jsonl

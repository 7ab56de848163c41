# shellcheck shell=bash
# Killed at any crash point and run again, the output is what an unkilled run writes.

texts 5000 >docs.tsv # five segments
model=native/splade_bert_02
resume() {
  lir-encode --model "$MODELS/$model/model" --role doc --resume --threads 1 docs.tsv \
    -o "resumed.$suffix"
}
prepare() { rm -f "resumed.$suffix" ".resumed.$suffix".*; }
check() {
  # An output is whole as soon as it has its name.
  [ ! -e "resumed.$suffix" ] || same "whole.$suffix" "resumed.$suffix"
  exits 0 resume
  same "whole.$suffix" "resumed.$suffix"
  [ ! -e ".resumed.$suffix.partial" ] || fail 'a partial output was left'
  [ ! -e ".resumed.$suffix.partial.work" ] || fail 'the digest of a partial output was left'
}
for suffix in lirt lirt.zst; do
  exits 0 encode $model doc docs.tsv -o "whole.$suffix"
  every_stop prepare resume check
  # Again and again: each run keeps the segments that the ones before it have written.
  prepare
  stopped_often 3 9 resume
  same "whole.$suffix" "resumed.$suffix"
  # Again: everything is there already, or is made again, to the same bytes.
  check
done

# What was written is not done again: after two segments of 1024 records the others are left.
suffix=lirt
prepare
list_points resume
prepare
killed_at "$(point_of '^half-write .*/.resumed.lirt.partial' 5)" resume
exits 0 resume
is 'records of the rest' 2952 "$(summary records)"

# The partial output of other work is not continued, nor destroyed.
partial() {
  prepare
  killed_at "$(point_of '^half-write .*/.resumed.lirt.partial' 5)" resume
}
partial
before=$(cksum .resumed.lirt.partial)
exits 78 encode $model doc --resume --max-length 8 docs.tsv -o resumed.lirt
exits 78 encode $model doc --resume --top-terms 8 docs.tsv -o resumed.lirt
exits 78 encode native/splade_bert_03 doc --resume docs.tsv -o resumed.lirt
head -n 4900 docs.tsv >fewer.tsv
exits 78 encode $model doc --resume fewer.tsv -o resumed.lirt
is 'partial output' "$before" "$(cksum .resumed.lirt.partial)"
# How fast it is made is another matter.
exits 0 encode $model doc --resume --threads 2 --batch-tokens 100 docs.tsv -o resumed.lirt
same whole.lirt resumed.lirt
# Damage behind the last whole segment is cut off, in front of it is found.
partial
echo 'half a segment' >>.resumed.lirt.partial
exits 0 encode $model doc --resume docs.tsv -o resumed.lirt
same whole.lirt resumed.lirt

exits 64 encode $model doc --resume docs.tsv
says '-o'
exits 64 encode $model doc --resume -o piped.lirt <docs.tsv
rm -f docs.tsv fewer.tsv

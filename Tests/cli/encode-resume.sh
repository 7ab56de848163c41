# shellcheck shell=bash
# Killed at any moment and resumed, the output is what an unkilled run writes.

texts 60000 >docs.tsv
model=native/splade_bert_02
for suffix in lirt lirt.zst; do
  exits 0 encode $model doc docs.tsv -o "whole.$suffix"
  needed=$(summary seconds)
  kills=0 continued=no
  for attempt in $(seq 60); do
    # From a tenth of the time that the whole needs, a little more each time.
    limit=$(awk -v s="$needed" -v a="$attempt" 'BEGIN { print s * (0.1 + 0.05 * a) + 0.02 * a }')
    if killed_after "$limit" lir-encode --model "$MODELS/$model/model" --role doc --resume \
      docs.tsv -o "resumed.$suffix"; then
      break
    fi
    [ ! -e "resumed.$suffix" ] || fail 'a killed run left an output'
    kills=$((kills + 1))
  done
  same "whole.$suffix" "resumed.$suffix"
  [ "$(summary records)" -ge 60000 ] || continued=yes
  [ $kills -gt 0 ] || note "$suffix: no run was killed in time"
  [ $continued = yes ] || note "$suffix: the last run did not continue another's work"
  [ -z "$(find . -name '.*partial*')" ] || fail 'a partial output was left'
  # Again: everything is there already, or is made again, to the same bytes.
  exits 0 encode $model doc --resume docs.tsv -o "resumed.$suffix"
  same "whole.$suffix" "resumed.$suffix"
done

# The partial output of other work is not continued, nor destroyed.
partial() {
  rm -f .other.lirt.partial
  killed_after "$(awk -v s="$needed" 'BEGIN { print s * 0.5 }')" \
    lir-encode --model "$MODELS/$model/model" --role doc --resume docs.tsv -o other.lirt || true
  [ -e .other.lirt.partial ]
}
if partial; then
  before=$(cksum .other.lirt.partial)
  exits 78 encode $model doc --resume --max-length 8 docs.tsv -o other.lirt
  exits 78 encode $model doc --resume --top-terms 8 docs.tsv -o other.lirt
  exits 78 encode native/splade_bert_03 doc --resume docs.tsv -o other.lirt
  head -n 59000 docs.tsv >fewer.tsv
  exits 78 encode $model doc --resume fewer.tsv -o other.lirt
  is 'partial output' "$before" "$(cksum .other.lirt.partial)"
  # How fast it is made is another matter.
  exits 0 encode $model doc --resume --threads 2 --batch-tokens 100 docs.tsv -o other.lirt
  same whole.lirt other.lirt
  # Damage behind the last whole segment is cut off, in front of it is found.
  if partial; then
    echo 'half a segment' >>.other.lirt.partial
    exits 0 encode $model doc --resume docs.tsv -o other.lirt
    same whole.lirt other.lirt
  fi
else
  note 'the run was too fast to be killed'
fi

exits 64 encode $model doc --resume docs.tsv
says '-o'
exits 64 encode $model doc --resume -o piped.lirt <docs.tsv
rm -f docs.tsv fewer.tsv

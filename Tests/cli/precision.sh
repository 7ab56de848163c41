# shellcheck shell=bash
# --precision: the same bytes for threads, batches, shards and instructions, and what is recorded.

texts 2500 >docs.tsv
texts 40 5 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
sets=()
for isa in portable avx2 avx512; do
  if encode native/dpr_bert_04 doc --isa $isa queries.tsv -o other.lirt 2>said.log; then
    sets+=("$isa")
  else
    note "--isa $isa: this processor does not run it"
  fi
done

# key NAME FILE: what the first segment's header says.
key() { head -c 4096 "$2" | grep -ao "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d'"' -f4; }

for model in native/dpr_bert_04 native/splade_bert_00 native/col_short_hidden native/dpr_t5_encoder; do
  exits 0 encode $model doc docs.tsv -o f32.lirt
  is lir.precision f32 "$(key lir.precision f32.lirt)"
  is lir.isa '' "$(key lir.isa f32.lirt)"
  for precision in bf16 int8; do
    exits 0 encode $model doc --precision $precision docs.tsv -o whole.lirt
    is lir.precision $precision "$(key lir.precision whole.lirt)"
    [ -n "$(key lir.isa whole.lirt)" ] || fail 'lir.isa is not there'
    differ f32.lirt whole.lirt
    for setting in '--threads 1' '--threads 3' '--batch-tokens 1' '--batch-tokens 4096'; do
      # shellcheck disable=SC2086  # two words
      exits 0 encode $model doc --precision $precision $setting docs.tsv -o other.lirt
      same whole.lirt other.lirt
    done
    for i in 1 2 3; do
      exits 0 encode $model doc --precision $precision --shard $i/3 docs.tsv -o part-$i.lirt
    done
    exits 0 lir-encode cat part-1.lirt part-2.lirt part-3.lirt -o joined.lirt
    same whole.lirt joined.lirt
    # The stream names the instruction set; the values do not depend on it.
    exits 0 encode $model doc --precision $precision --format jsonl --no-provenance queries.tsv \
      -o whole.jsonl
    for isa in "${sets[@]}"; do
      exits 0 encode $model doc --precision $precision --format jsonl --no-provenance --isa "$isa" \
        queries.tsv -o other.jsonl
      same whole.jsonl other.jsonl
    done
  done
done

# int8 warns where nobody measured what it costs.
exits 0 encode native/col_short_hidden doc --precision int8 queries.tsv -o other.lirt
says 'what --precision int8 costs col models on bert has not been measured'
exits 0 encode native/col_short_hidden doc --precision bf16 queries.tsv -o other.lirt
if grep -q measured said.log; then fail 'a warning for bf16'; fi
exits 0 encode native/dpr_bert_04 doc --precision int8 queries.tsv -o other.lirt
if grep -q measured said.log; then fail 'a warning for a dense BERT'; fi
exits 64 encode native/dpr_bert_04 doc --precision fp8 docs.tsv

# Streams of different computation go together, with a word about it.
exits 0 encode native/dpr_bert_04 doc --no-provenance queries.tsv -o f32.lirt
exits 0 encode native/dpr_bert_04 doc --no-provenance --precision bf16 queries.tsv -o bf16.lirt
exits 0 lir-encode cat f32.lirt bf16.lirt -o joined.lirt
says 'bf16.lirt: precision f32 is followed by precision bf16'
sed 's/^q/p/' queries.tsv >more.tsv
exits 0 encode native/dpr_bert_04 doc --no-provenance --precision bf16 --isa portable more.tsv \
  -o portable.lirt

sed 's/^q/r/' queries.tsv >third.tsv
if [ "${#sets[@]}" -gt 1 ]; then
  exits 0 lir-encode cat bf16.lirt portable.lirt -o joined.lirt
  says 'is followed by isa portable'
  exits 0 lir-index build -o joined.index bf16.lirt portable.lirt
  says 'is followed by isa portable'
  rm -r joined.index

  # Shards of different instruction sets do not, wherever they are joined; those of f32 are the same bytes.
  encode_shard() { # encode_shard ISA PRECISION SHARD FILE
    exits 0 encode native/dpr_bert_04 doc --precision "$2" --isa "$1" --shard "$3" \
      more.tsv -o "$4"
  }
  exits 0 encode native/dpr_bert_04 query --no-provenance queries.tsv -o asked.lirt
  for precision in bf16 int8; do
    encode_shard "${sets[1]}" $precision 1/2 1.lirt
    encode_shard portable $precision 2/2 2.lirt
    # What avx2 is called where the processor has more of it: avx2-vnni.
    name=$(grep -ao '"lir.isa":"[a-z0-9-]*"' 1.lirt | cut -d '"' -f 4)
    case $name in "${sets[1]}"*) ;; *) fail "--isa ${sets[1]} is recorded as $name" ;; esac
    text="2.lirt: shard 2/2, computed in $precision by portable, after shard 1/2, computed in $precision by $name in"
    exits 78 lir-encode cat 1.lirt 2.lirt -o refused.lirt
    says "$text 1.lirt"
    [ ! -e refused.lirt ] || fail 'a stream of both'
    exits 78 lir-index build --type flat 1.lirt 2.lirt -o joined.index
    says "$text 1.lirt" '--precision f32'
    [ ! -e joined.index ] || fail 'an index of both'
    exits 78 lir-index train --type ivf --num-centroids 2 1.lirt 2.lirt -o joined.codebook
    says "$text 1.lirt"
    # In one stream, too, and where something without an instruction set lies between.
    cat 1.lirt 2.lirt >both.lirt
    exits 78 lir-encode cat both.lirt -o refused.lirt
    says 'both.lirt: shard 2/2, computed in'
    exits 0 lir-index build 1.lirt -o 1.index
    exits 0 lir-index build 2.lirt -o 2.index
    exits 78 lir-index merge 1.index 2.index -o joined.index
    says "2.index: shard 2/2, computed in $precision by portable, after shard 1/2"
    [ ! -e joined.index ] || fail 'an index of both'
    refuses 78 'computed in' lir-search --index 1.index --index 2.index -k 3 asked.lirt
    exits 0 encode native/dpr_bert_04 doc --no-provenance --precision $precision --isa portable third.tsv \
      -o third.lirt
    exits 0 lir-index append 1.index third.lirt
    says "third.lirt: isa $name of 1.index and portable"
    rm -r 1.index 2.index
  done
  encode_shard "${sets[1]}" f32 1/2 1.lirt
  encode_shard portable f32 2/2 2.lirt
  exits 0 encode native/dpr_bert_04 doc --precision f32 more.tsv -o whole.lirt
  exits 0 lir-encode cat 1.lirt 2.lirt -o joined.lirt
  same whole.lirt joined.lirt
fi

# Another computation does not continue a killed one.
texts 1500 >many.tsv
long() {
  encode native/dpr_bert_04 doc --precision int8 --isa portable --threads 1 --resume many.tsv -o long.lirt
}
list_points long
rm long.lirt
killed_at "$(point_of '^half-write .*/.long.lirt.partial' 2)" long
for other in '--precision int8 --isa avx2' '--precision bf16 --isa portable' '--isa portable'; do
  case "$other ${sets[*]} " in *'--isa avx2'*' avx2 '* | *'--isa portable'*) ;; *) continue ;; esac
  # shellcheck disable=SC2086  # words
  exits 78 encode native/dpr_bert_04 doc $other --resume many.tsv -o long.lirt
done
exits 0 long
exits 0 encode native/dpr_bert_04 doc --precision int8 --isa portable many.tsv -o whole.lirt
same whole.lirt long.lirt

# Re-ranking, and searching with queries as text.
awk -F'\t' 'BEGIN { s = 3 } { for (r = 1; r <= 15; r++) { s = (s * 16807) % 2147483647
  print $1, "Q0", "d" (s % 26) * 15 + r, r, 16 - r, "first" } }' queries.tsv >first.run
for model in native/mono_bert_00 native/mono_t5_1 native/set_bert_2 native/dpr_bert_00; do
  rerank() {
    lir-rerank --model "$MODELS/$model/model" --queries queries.tsv --docs docs.tsv --tag t "$@" first.run
  }
  exits 0 rerank -o f32.run
  for precision in bf16 int8; do
    exits 0 rerank --precision $precision -o whole.run
    differ f32.run whole.run
    for setting in '--threads 1' '--threads 3' '--batch-tokens 1' '--batch-tokens 4096'; do
      # shellcheck disable=SC2086  # two words
      exits 0 rerank --precision $precision $setting -o other.run
      same whole.run other.run
    done
    for i in 1 2 3; do exits 0 rerank --precision $precision --shard $i/3 -o part-$i.run; done
    same whole.run <(cat part-1.run part-2.run part-3.run)
  done
done
exits 0 encode native/dpr_bert_04 doc docs.tsv -o docs.lirt
exits 0 lir-index build -o docs.index docs.lirt
search() { lir-search --index docs.index -k 20 --tag t --model "$MODELS/native/dpr_bert_04/model" "$@"; }
for precision in bf16 int8; do
  exits 0 encode native/dpr_bert_04 query --precision $precision queries.tsv -o queries.lirt
  exits 0 lir-search --index docs.index -k 20 --tag t queries.lirt -o stream.run
  exits 0 search --precision $precision queries.tsv -o text.run
  same stream.run text.run
done
refuses 64 '--precision is for queries that are text' search --precision bf16 queries.lirt

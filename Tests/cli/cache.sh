# shellcheck shell=bash
# --cache: weights packed once, and mapped by the next start. The output is the same bytes.

texts 60 >docs.tsv
texts 6 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
awk -F'\t' '{ for (i = 1; i <= 20; i++) print $1, "Q0", "d" i, i, 21 - i, "t" }' queries.tsv >first.run
entries() { [ ! -d cache ] || find cache -name 'lir-packed-*.safetensors' | sort; }
count() { entries | wc -l; }
# nothing_else: neither temporary files nor what is not described.
nothing_else() {
  local found
  found=$(find cache -type f ! -name 'lir-packed-*.safetensors' ! -name '*.note')
  [ -z "$found" ] || fail "left in the cache: $found"
}

# Every precision has an entry of its own, beside the others; the model's digest, another model's.
for model in native/dpr_bert_04 native/splade_bert_00 native/coil_bert_1 external/st_bert_concat_dense2; do
  for precision in f32 bf16 int8; do
    exits 0 encode "$model" doc --precision $precision docs.tsv -o plain.lirt
    before=$(count)
    for start in cold warm; do
      exits 0 encode "$model" doc --precision $precision --cache cache docs.tsv -o cached.lirt
      same plain.lirt cached.lirt
      is "files after a $start start" $((before + 1)) "$(count)"
    done
    exits 0 encode "$model" doc --precision $precision --cache cache --isa portable --threads 3 \
      --no-provenance docs.tsv -o cached.lirt
    exits 0 encode "$model" doc --precision $precision --isa portable --no-provenance docs.tsv \
      -o plain.lirt
    same plain.lirt cached.lirt
    is 'files for every instruction set' $((before + 1)) "$(count)"
  done
done
nothing_else

# Queries and documents of one model share theirs.
before=$(count)
exits 0 encode native/dpr_bert_04 query --cache cache queries.tsv -o queries.lirt
is 'files for both roles' "$before" "$(count)"

# The other tools.
for model in mono_bert_00 mono_t5_1; do
  exits 0 lir-rerank --model "$MODELS/native/$model/model" --queries queries.tsv --docs docs.tsv \
    first.run -o plain.run
  for _ in cold warm; do
    exits 0 lir-rerank --model "$MODELS/native/$model/model" --cache cache --queries queries.tsv \
      --docs docs.tsv first.run -o cached.run
    same plain.run cached.run
  done
done
exits 0 lir-rerank --model "$MODELS/native/dpr_bert_04/model" \
  --query-model "$MODELS/native/dpr_bert_04/model" --queries queries.tsv --docs docs.tsv first.run \
  -o plain.run
exits 0 lir-rerank --model "$MODELS/native/dpr_bert_04/model" --cache cache \
  --query-model "$MODELS/native/dpr_bert_04/model" --queries queries.tsv --docs docs.tsv first.run \
  -o cached.run
same plain.run cached.run
printf 'q\td\ta key of a list\tthe value\n' >pairs.tsv
exits 0 lir-tokenize --model "$MODELS/native/mono_bert_00/model" --pairs pairs.tsv -o pairs.lirt
exits 0 lir-rerank --model "$MODELS/native/mono_bert_00/model" pairs.lirt -o plain.run
exits 0 lir-rerank --model "$MODELS/native/mono_bert_00/model" --cache cache pairs.lirt -o cached.run
same plain.run cached.run
exits 0 encode native/dpr_bert_04 doc docs.tsv -o docs.lirt
exits 0 lir-index build docs.lirt -o docs.index
exits 0 lir-search --index docs.index --model "$MODELS/native/dpr_bert_04/model" -k 5 queries.tsv \
  -o plain.run
exits 0 lir-search --index docs.index --model "$MODELS/native/dpr_bert_04/model" -k 5 --cache cache \
  queries.tsv -o cached.run
same plain.run cached.run
exits 0 lir-search --index docs.index -k 5 --cache cache queries.lirt -o cached.run
nothing_else

# Several at once, on no cache.
rm -rf cache
for i in 1 2 3 4; do
  lir-encode --model "$MODELS/native/splade_bert_00/model" --role doc --cache cache --threads 1 \
    docs.tsv -o "at-once-$i.lirt" 2>"said-$i.log" &
done
wait
exits 0 encode native/splade_bert_00 doc docs.tsv -o plain.lirt
same plain.lirt at-once-?.lirt
is 'files of four at once' 1 "$(count)"
! grep -h warning said-?.log || fail 'a warning of four at once'
nothing_else

# A model that changes is another, even where size and time stay.
cp -r "$MODELS/native/dpr_bert_04/model" model
chmod -R u+w model
lir() { lir-encode --model model --role doc "$@"; }
change() { # change BIT: of the last weight, which stays of about its size
  local size
  size=$(wc -c <model/model.safetensors)
  touch -r model/model.safetensors time
  flip model/model.safetensors $((size - 3)) "$1"
  touch -r time model/model.safetensors
}
rm -rf cache
bit=64
for settled in no yes; do
  # With the clock ahead the digests are noted at once.
  clock=LIR_TEST_CLOCK=0
  [ $settled = no ] || clock=LIR_TEST_CLOCK=4
  for _ in 1 2; do
    exits 0 faults $clock lir --cache cache docs.tsv -o cached.lirt
    exits 0 lir docs.tsv -o plain.lirt
    same plain.lirt cached.lirt
  done
  if [ $settled = yes ]; then find cache -name '*.note' | grep -q . || fail 'nothing was noted'; fi
  change $bit
  bit=32
  exits 0 lir docs.tsv -o changed.lirt
  differ plain.lirt changed.lirt
  exits 0 lir --cache cache docs.tsv -o cached.lirt
  same changed.lirt cached.lirt
done
is 'files of three states' 3 "$(count)"

# What is damaged, cut, or another's is packed anew, with a warning: noted as whole or not.
rm -rf cache
exits 0 lir docs.tsv -o plain.lirt
exits 0 lir --cache cache docs.tsv -o cached.lirt
entry=$(entries)
cp "$entry" whole
size=$(wc -c <whole)
anew() { # anew TEXT
  exits 0 lir --cache cache docs.tsv -o cached.lirt
  says "warning: $entry: $1" 'packed anew'
  same plain.lirt cached.lirt
  same whole "$entry"
  exits 0 lir --cache cache docs.tsv -o cached.lirt
  ! grep warning said.log || fail 'a warning of what was packed anew'
}
flip "$entry" $((size / 2)) 1
anew 'damaged: the checksum is'
flip "$entry" $((size - 1)) 1
anew 'damaged: the checksum is'
exits 0 faults LIR_TEST_CLOCK=4 lir --cache cache docs.tsv -o cached.lirt
flip "$entry" $((size / 2)) 1
touch -r whole "$entry"
anew 'damaged: the checksum is'
truncate -s $((size - 1)) "$entry"
anew 'truncated: expected'
truncate -s 0 "$entry"
anew 'expected a safetensors file'
cp model/model.safetensors "$entry"
anew 'expected lir.format 1, found none'
exits 0 lir --precision bf16 --cache cache docs.tsv -o cached.lirt
cp "$(entries | grep -vF "$entry")" "$entry"
anew 'expected lir.precision f32, found bf16'
rm "$entry"
exits 0 lir --cache cache docs.tsv -o cached.lirt
! grep warning said.log || fail 'a warning of a file that is not there'
nothing_else

# Where it cannot be.
: >file
refuses 73 file/cache lir --cache file/cache docs.tsv
refuses 73 'file: expected a folder' lir --cache file docs.tsv
# A full disk: no file may be larger than 4 KiB, and what is signalled is ignored.
mkdir small
full() { (trap '' XFSZ && ulimit -f 4 && lir --cache small docs.tsv); }
refuses 74 'small/lir-packed-' full
is 'files on a full disk' 0 "$(find small -type f ! -name '*.note' | wc -l)"
if [ "$(id -u)" != 0 ]; then
  chmod a-w cache
  exits 0 lir --cache cache docs.tsv -o cached.lirt
  same plain.lirt cached.lirt
  rm -f cached.lirt
  refuses 73 cache/lir-packed- lir --precision int8 --cache cache docs.tsv
  chmod u+w cache
else
  note 'root may write everywhere'
fi
rm -rf cache small time whole at-once-?.lirt

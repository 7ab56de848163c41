# shellcheck shell=bash
# A run, an index and a re-ranked run are made again from nothing but what they say of themselves.

command -v make >/dev/null || skip 'make is not installed'
ldconfig -p | grep -q libxxhash || skip 'libxxhash is not installed'
model=$MODELS/external/st_bert_mean/model cross=$MODELS/native/mono_bert_00/model
mkdir inputs
texts 60 >inputs/docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv inputs
# Made in shards, with options of all kinds, and by a stream of queries.
exits 0 lir-tokenize --model "$model" --role doc --max-length 12 inputs/docs.tsv -o docs.tokens.zst
for i in 1 2; do exits 0 lir-encode --model "$model" --role doc --shard $i/2 docs.tokens.zst -o $i.lirt; done
exits 0 lir-encode cat 1.lirt 2.lirt -o docs.lirt.zst
exits 0 lir-index build --codes int8 docs.lirt.zst -o docs.index
exits 0 lir-search --index docs.index --model "$model" -k 7 --tag "it's-\$mine" inputs/queries.tsv -o text.run.zst
exits 0 lir-encode --model "$model" --role query --dtype f16 inputs/queries.tsv -o inputs/queries.lirt
exits 0 lir-search --index docs.index -k 7 inputs/queries.lirt -o stream.run.zst
cp text.run.zst inputs/first.run.zst
exits 0 lir-rerank --model "$cross" --queries inputs/queries.tsv --docs inputs/docs.tsv --depth 5 \
  --interpolate 0.25 text.run.zst -o second.run.zst
exits 0 lir-index build --type bm25 --language none inputs/docs.tsv -o words.index
exits 0 lir-search --index words.index -k 3 inputs/queries.tsv -o words.run.zst
exits 0 lir-index build docs.lirt.zst -o plain.index

remake() { "$ROOT/scripts/remake" --bin "$LIR_BIN" --inputs inputs "$@"; }
again() { # again MAKEFILE: by its rules, with the models that it asks for
  local asked
  mapfile -t asked < <(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' "$1")
  make -s -f "$1" "${asked[@]/%/=${2-$model}}"
}
for file in text.run.zst stream.run.zst words.run.zst docs.lirt.zst; do
  exits 0 remake $file -o $file.mk
  exits 0 again $file.mk
  same $file again/$file
  rm -r again
done
exits 0 remake docs.index -o index.mk
exits 0 again index.mk
diff -r docs.index again/docs.index || fail 'another index'
rm -r again
# The first stage's run, which says what made it, is made again, too; each with its model.
exits 0 remake second.run.zst -o second.mk
grep -c '^MODEL_[0-9a-f]* ?=$' second.mk | grep -qx 2 || fail "two models: $(cat second.mk)"
of_cross=$(lir-eval provenance second.run.zst | jq -r '.[-1].inputs.model' | cut -c 1-8)
of_model=$(lir-eval provenance text.run.zst | jq -r '.[1].inputs.model' | cut -c 1-8)
exits 0 make -s -f second.mk "MODEL_$of_cross=$cross" "MODEL_$of_model=$model"
same second.run.zst again/second.run.zst
rm -r again

# What is not the same is told: another model, other texts.
exits 2 again text.run.zst.mk "$MODELS/native/dpr_bert_01/model"
rm -rf again
sed 's/key/lock/' inputs/docs.tsv >other.tsv
input=$(sed -n 's|^\(INPUT_[0-9a-f]*\) ?= inputs/docs.tsv$|\1|p' docs.lirt.zst.mk)
model_name=$(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' docs.lirt.zst.mk)
exits 2 make -s -f docs.lirt.zst.mk "$input=other.tsv" "$model_name=$model"
says 'made of other inputs, or by another version'
exits 0 "$ROOT/scripts/remake" --bin "$LIR_BIN" docs.lirt.zst -o unknown.mk
exits 2 make -s -f unknown.mk
says 'is empty: say'
printf 'q Q0 d 1 2.5 t\n' >plain.run
refuses 78 'does not say what made it' remake plain.run
refuses 66 'no such file' remake nowhere
rm -rf again ./*.index

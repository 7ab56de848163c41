# shellcheck shell=bash
# A run, an index and a re-ranked run are made again from nothing but what they say of themselves.

command -v make >/dev/null || skip 'make is not installed'
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

remake() { lir-eval provenance --make --inputs inputs "$@"; }
again() { # again MAKEFILE [MODEL]: by its rules, with the models that it asks for
  local asked
  mapfile -t asked < <(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' "$1")
  make -s -f "$1" "${asked[@]/%/=${2-$model}}"
}
for file in text.run.zst stream.run.zst words.run.zst docs.lirt.zst; do
  exits 0 remake $file >$file.mk
  exits 0 again $file.mk
  same $file again/$file
  rm -r again
done
exits 0 remake docs.index >index.mk
exits 0 again index.mk
diff -r docs.index again/docs.index || fail 'another index'
# Nothing is made twice.
exits 0 again index.mk
[ ! -s said.log ] || fail "made again: $(cat said.log)"
rm -r again
# A shard says which one it is.
exits 0 remake 2.lirt >shard.mk
exits 0 again shard.mk
same 2.lirt again/2.lirt
rm -r again
# Streams that were made in two ways, one behind the other.
exits 0 lir-encode --model "$model" --role doc --prompt 'two: ' inputs/docs.tsv -o two.lirt.zst
cat docs.lirt.zst two.lirt.zst >behind.lirt.zst
exits 0 remake behind.lirt.zst >behind.mk
exits 0 again behind.mk
same behind.lirt.zst again/behind.lirt.zst
rm -r again
# The first stage's run, which says what made it, is made again, too; each with its model.
exits 0 remake second.run.zst >second.mk
grep -c '^MODEL_[0-9a-f]* ?=$' second.mk | grep -qx 2 || fail "two models: $(cat second.mk)"
of_cross=$(lir-eval provenance second.run.zst | jq -r '.[-1].inputs.model' | cut -c 1-8)
of_model=$(lir-eval provenance text.run.zst | jq -r '.[1].inputs.model' | cut -c 1-8)
exits 0 make -s -f second.mk "MODEL_$of_cross=$cross" "MODEL_$of_model=$model"
same second.run.zst again/second.run.zst
rm -r again

# Several indexes, runs that are fused, queries that are typed, tuples.
exits 0 lir-search --index docs.index --index words.index --fuse rrf --model "$model" -k 5 inputs/queries.tsv -o both.run.zst
exits 0 lir-rerank fuse --method minmax --weights 0.3,0.7 words.run.zst text.run.zst -o fused.run.zst
exits 0 lir-search --index words.index --first-stage words.run.zst -k 2 --text 'a "wheel"' --text q2 -o typed.run.zst
awk '{ print $1, 0, $3, 1 }' <(zstd -dc words.run.zst) | awk '!seen[$1]++' >inputs/qrels.txt
exits 0 lir-train sample --qrels inputs/qrels.txt --queries inputs/queries.tsv --docs inputs/docs.tsv \
  --sample-size 2 words.run.zst -o tuples.jsonl.zst
for file in both.run.zst fused.run.zst typed.run.zst tuples.jsonl.zst; do
  exits 0 remake --inputs . $file >$file.mk
  exits 0 again $file.mk
  same $file again/$file
  rm -r again
done

# Options and names of files with characters of their own.
odd="inputs/it's \$odd #1 %.tsv"
head -n 9 inputs/queries.tsv >"$odd"
exits 0 lir-encode --model "$model" --role query --prompt $'say "it"\n\t$HOME \'#\\ %s: ' "$odd" -o 'odd $ #.lirt.zst'
exits 0 remake 'odd $ #.lirt.zst' >odd.mk
exits 0 again odd.mk
same 'odd $ #.lirt.zst' again/odd____.lirt.zst
rm -r again
# A name that does not say how the file is compressed.
exits 0 lir-encode --model "$model" --role query --compress lz4 inputs/queries.tsv -o lz4.lirt
exits 0 remake lz4.lirt >lz4.mk
exits 0 again lz4.mk
same lz4.lirt again/lz4.lirt
rm -r again
# The way a run is written is in its lines.
for form in '--format jsonl' '--explain' '--format jsonl --mark-end' '--ties anserini'; do
  # shellcheck disable=SC2086
  exits 0 lir-search --index words.index -k 3 $form inputs/queries.tsv -o form.zst
  exits 0 remake form.zst >form.mk
  exits 0 again form.mk
  same form.zst again/form.zst
  rm -r again
done
exits 0 lir-search --index words.index -k 3 --format jsonl --docs inputs/docs.tsv inputs/queries.tsv -o texts.zst
exits 0 remake texts.zst >texts.mk
exits 2 again texts.mk
says 'DOCS_2 is empty'
exits 0 make -s -f texts.mk DOCS_2=inputs/docs.tsv
same texts.zst again/texts.zst
rm -r again
# A text that is a shard says so, and which model its tokens are for.
exits 0 lir-tokenize --model "$model" --role doc --shard 2/3 --format jsonl inputs/docs.tsv -o shard.jsonl.zst
exits 0 remake shard.jsonl.zst >shard.mk
exits 0 again shard.mk
same shard.jsonl.zst again/shard.jsonl.zst
rm -r again
# So does a run.
exits 0 lir-search --index words.index -k 3 --shard 2/3 --resume inputs/queries.tsv -o shard.run.zst
exits 0 remake shard.run.zst >shard.mk
exits 0 again shard.mk
same shard.run.zst again/shard.run.zst
rm -r again
# Another level of compression has to be said.
exits 0 lir-search --index words.index -k 3 --compress zstd:12 inputs/queries.tsv -o level.run.zst
exits 0 remake level.run.zst >level.mk
if cmp -s level.run.zst words.run.zst; then fail 'the levels are alike'; fi
exits 2 again level.mk
says 'with other bytes' 'another level of compression'
rm -r again
exits 0 make -s -f level.mk COMPRESS=zstd:12
same level.run.zst again/level.run.zst
rm -r again

# What came through a pipe has no digest: it is asked for, and goes through a pipe again.
lir-encode --model "$model" --role doc - <inputs/docs.tsv -o piped.lirt 2>said.log || fail 'piped'
exits 0 remake piped.lirt >piped.mk
exits 2 again piped.mk
says 'PIPED_1 is empty' 'which no digest names'
wanted=$(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' piped.mk)
exits 0 make -s -f piped.mk "$wanted=$model" PIPED_1=inputs/docs.tsv
same piped.lirt again/piped.lirt
rm -r again
# However slowly it came.
while read -r line; do echo "$line" && sleep 0.02; done <inputs/queries.tsv | lir-search --index words.index -k 3 - \
  -o slow.run.zst 2>said.log || fail 'slow'
exits 0 remake slow.run.zst >slow.mk
exits 0 make -s -f slow.mk PIPED_2=inputs/queries.tsv
same slow.run.zst again/slow.run.zst
rm -r again
exits 0 lir-search --index docs.index -k 7 - <inputs/queries.lirt -o by-pipe.run.zst
exits 0 remake by-pipe.run.zst >by-pipe.mk
exits 0 again by-pipe.mk
same by-pipe.run.zst again/by-pipe.run.zst
rm -r again
exits 0 lir-rerank --model "$cross" --queries inputs/queries.tsv --docs <(head -n 30 inputs/docs.tsv) \
  --docs <(tail -n +31 inputs/docs.tsv) text.run.zst -o pipes.run.zst
exits 0 lir-index build --type bm25 <(cat inputs/docs.tsv) inputs/queries.tsv -o pipes.index
exits 0 remake pipes.index >pipes.mk
exits 0 make -s -f pipes.mk PIPED_1_INPUT1=inputs/docs.tsv
diff -r pipes.index again/pipes.index || fail 'another index of pipes'
rm -r again

# An index that was changed once is made again; of more changes the last alone is recorded.
head -n 20 inputs/docs.tsv >inputs/some.tsv
tail -n +21 inputs/docs.tsv >inputs/more.tsv
exits 0 lir-index build --type bm25 inputs/some.tsv -o grown.index
exits 0 lir-index append grown.index inputs/more.tsv
exits 0 remake grown.index >grown.mk
exits 0 again grown.mk
same <(lir-eval provenance --digest grown.index) <(lir-eval provenance --digest again/grown.index)
exits 0 lir-search --index grown.index -k 3 inputs/queries.tsv -o grown.run.zst
rm -r again
exits 0 remake grown.run.zst >grown.mk
exits 0 again grown.mk
same grown.run.zst again/grown.run.zst
rm -r again
cut -f 1 inputs/some.tsv | head -n 3 >inputs/gone.txt
exits 0 lir-index delete grown.index --ids inputs/gone.txt
exits 0 remake grown.index >grown.mk
exits 2 again grown.mk
says 'cannot be made again' 'lir-index delete'
rm -r again

# What is not the same is told: another model, other texts, a file that has moved.
exits 2 again text.run.zst.mk "$MODELS/native/dpr_bert_01/model"
says 'made of other inputs, or by another version'
rm -rf again
sed 's/key/lock/' inputs/docs.tsv >other.tsv
input=$(sed -n 's|^\(INPUT_[0-9a-f]*\) ?= inputs/docs.tsv$|\1|p' docs.lirt.zst.mk)
model_name=$(sed -n 's/^\(MODEL_[0-9a-f]*\) ?=$/\1/p' docs.lirt.zst.mk)
exits 2 make -s -f docs.lirt.zst.mk "$input=other.tsv" "$model_name=$model"
says "$input: operand 1 of lir-tokenize: expected the digest" other.tsv
[ ! -e again ] || fail 'began with the wrong texts'
exits 2 make -s -f docs.lirt.zst.mk "$input=moved.tsv" "$model_name=$model"
says "$input: operand 1 of lir-tokenize: no such file or folder: moved.tsv"
exits 0 make -s -f docs.lirt.zst.mk "$input=inputs/docs.tsv" "$model_name=$model"
rm -r again
exits 0 lir-eval provenance --make docs.lirt.zst >unknown.mk
exits 2 make -s -f unknown.mk "$model_name=$model"
says "$input is empty" 'operand 1 of lir-tokenize' 'say '
printf 'q Q0 d 1 2.5 t\n' >plain.run
refuses 1 'found none' lir-eval provenance --make plain.run
refuses 66 'no such file' lir-eval provenance --make --inputs nowhere docs.lirt.zst
refuses 66 '' lir-eval provenance --make nowhere
refuses 64 'two questions' lir-eval provenance --make --digest docs.lirt.zst
refuses 64 'is for --make' lir-eval provenance --inputs . docs.lirt.zst
exits 0 lir-search --index words.index -k 1 inputs/queries.tsv -o other.run.zst
cat words.run.zst other.run.zst >joined.run.zst
refuses 78 'its parts were made in 2 ways' lir-eval provenance --make joined.run.zst
rm -rf again ./*.index

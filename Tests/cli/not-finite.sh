# shellcheck shell=bash
# A model whose weights are numbers, and drive what it computes out of range: no score, vector or loss that
# is no number is printed or written.

printf 'd1\tone key\nd2\ta value\nd3\tthe map\n' >docs.tsv
printf 'q1\tkey\nq2\tvalue\n' >queries.tsv
printf 'q1 Q0 d1 1 2 t\nq1 Q0 d2 2 1 t\nq2 Q0 d3 1 1 t\n' >first.run
printf 'q1\td1\tone key\ta value\n' >pairs.tsv
printf 'q1\td1\td2\nq2\td2\td3\n' >ids.tsv

# damaged FOLDER MODEL: a copy of a model, whose first normalisation has the largest number of single
# precision as its first weight.
damaged() {
  local file=$1/model.safetensors size offset
  cp -rL "$2" "$1"
  chmod -R u+w "$1"
  size=$(od -An -td8 -N8 "$file")
  offset=$(head -c $((8 + size)) "$file" | tail -c +9 |
    jq '[to_entries[] | select(.key | endswith("embeddings.LayerNorm.weight"))][0].value.data_offsets[0]')
  printf '\377\377\177\177' | dd of="$file" bs=1 seek=$((8 + size + offset)) conv=notrunc 2>dd.log
}

damaged cross "$MODELS/native/mono_bert_00/model"
damaged dense "$MODELS/native/dpr_bert_00/model"
damaged sparse "$MODELS/native/splade_bert_00/model"
for model in cross dense sparse; do
  refuses 65 'not a finite number' lir-rerank --model $model --text 'one key' 'a value' 'the map'
  refuses 65 'not a finite number' lir-rerank --model $model --queries queries.tsv --docs docs.tsv first.run
done
refuses 65 'not a finite number' lir-rerank --model cross --calibrate pairs.tsv
for model in dense sparse; do
  refuses 65 'not a finite number' lir-encode --model $model --role doc docs.tsv -o docs.lirt
  refuses 65 'not a finite number' lir-encode --model $model --role doc --calibrate docs.tsv
done
cat >train.yml <<END
model: dense
data: {tuples: ids.tsv, queries: queries.tsv, docs: docs.tsv}
batch_size: 2
max_steps: 2
losses: [{name: RankNet}]
END
refuses 1 'the loss is nan in the batch of ids.tsv:' lir-train --config train.yml -o out
for measure in RR loss; do
  rm -rf out
  refuses 1 ' is nan' lir-train --config train.yml -o out --set "validate=[{tuples: ids.tsv,
    queries: queries.tsv, docs: docs.tsv, measures: [$measure]}]"
done

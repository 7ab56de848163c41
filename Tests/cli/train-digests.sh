# shellcheck shell=bash
# A checkpoint and a trained model are told from damaged ones, file by file; folders of others are not.
texts 120 3 | cut -f2 | grep . | paste - - - | awk -F'\t' 'NF == 3' >triples.tsv
texts 5 >docs.tsv
cat >train.yml <<END
model: $MODELS/native/dpr_bert_00/model
data: {tuples: triples.tsv}
batch_size: 8
max_steps: 4
losses: [{name: RankNet}]
checkpoint: {every: 2}
END
train() { lir-train --config train.yml "$@"; }
exits 0 train -o whole
opens() { exits "$1" lir-encode --model "$2" --role doc docs.tsv -o made.lirt; }

for place in . checkpoints/step-2; do
  list=whole/$place/digests.xxh128
  # All files are in it, but those that are written later, or on and on.
  is 'files' "$(cd whole/$place && find . -maxdepth 1 -type f | sed 's#^./##' | grep -vxE 'DONE|digests.xxh128|metrics.jsonl' | LC_ALL=C sort)" \
    "$(sed 's/^[0-9a-f]\{32\}  //' $list)"
  opens 0 whole/$place
  mapfile -t files < <(sed 's/^[0-9a-f]*  //' $list)
  for file in "${files[@]}"; do
    [ "$file" != train.yml ] || continue
    for part in 3 8; do
      cp -a whole damaged
      flip damaged/$place/"$file" $(($(wc -c <whole/$place/"$file") * part / 10)) 1
      opens 65 damaged/$place
      says "damaged/$place/$file"
      case $file in
        *.safetensors) ;;
        *)
          says 'damaged or changed' "remove damaged/$place/digests.xxh128"
          exits 65 lir-tokenize --model damaged/$place docs.tsv -o made.lirt
          says "damaged/$place/$file"
          exits 65 lir-tokenize --model damaged/$place --role doc docs.tsv -o made.lirt
          says "damaged/$place/$file"
          ;;
      esac
      exits 65 lir-train export --format transformers damaged/$place -o exported
      says "damaged/$place/$file"
      [ ! -e exported ] || fail 'exported all the same'
      exits 65 lir-rerank --model damaged/$place --text 'a query' 'a text' -o made.run
      says "damaged/$place/$file"
      # Resumed: the checkpoint that goes on, and the model of a run that has ended.
      if [ $place = . ]; then
        exits 65 train -o damaged --resume
        says "damaged/$file" 'remove that file, and the model is made again'
      else
        rm -r damaged/DONE damaged/checkpoints/step-4
        exits 65 train -o damaged --resume
        says "damaged/$place/$file"
        [[ $file = *.safetensors ]] || says 'go on from the checkpoint before it'
      fi
      rm -r damaged
    done
    [[ $file != *.safetensors ]] || continue
    cp -a whole damaged
    rm damaged/$place/"$file"
    opens 65 damaged/$place
    says "damaged/$place/$file"
    rm -r damaged
  done
done

# The list itself.
cp -a whole damaged
flip damaged/digests.xxh128 3 1
exits 65 lir-encode --model damaged --role doc docs.tsv -o made.lirt
says 'damaged or changed'
sed -i '2s/  / /' damaged/digests.xxh128
exits 65 lir-encode --model damaged --role doc docs.tsv -o made.lirt
says 'digests.xxh128:2: expected a digest'
rm -r damaged

# Changed on purpose: without the list, or by --model-config. What says nothing of the model may go.
cp -a whole changed
sed -i 's/^{/{ /' changed/config.json
opens 65 changed
rm changed/digests.xxh128
opens 0 changed
opens 0 "$MODELS/native/dpr_bert_00/model"
exits 0 lir-encode --model whole --model-config '{"doc_length": 8}' --role doc docs.tsv -o made.lirt
cp -a whole/checkpoints/step-2 copied
rm copied/train.yml copied/state.safetensors
opens 0 copied
echo '# mine' >>whole/train.yml
opens 0 whole

# A run that goes on makes its list anew.
cp -a whole longer
rm longer/digests.xxh128 longer/DONE
exits 0 train -o longer --resume
opens 0 longer
exits 0 train -o raised --set schedule.name=constant
exits 0 train -o raised --resume --set max_steps=6 --set schedule.name=constant
opens 0 raised

# Weights by low-rank updates lie in a folder of their own below.
exits 0 train -o low --set 'lora={r: 2, targets: [query]}'
adapter=$(dirname "$(cd low && find . -name adapter_config.json | head -n 1)")
exits 0 lir-encode --model "$MODELS/native/dpr_bert_00/model" --adapter "low/$adapter" --role doc docs.tsv -o made.lirt
for file in adapter_config.json adapter_model.safetensors; do
  cp -a low damaged
  flip "damaged/$adapter/$file" $(($(wc -c <"low/$adapter/$file") - 9)) 1
  exits 65 lir-encode --model "$MODELS/native/dpr_bert_00/model" --adapter "damaged/$adapter" --role doc docs.tsv \
    -o made.lirt
  says "$file"
  rm -r damaged
done
# They were added to the weights beside it, which are whole without.
cp -a low copied-low
rm -r "copied-low/$adapter"
opens 0 copied-low
rm -rf copied-low whole low raised longer copied changed

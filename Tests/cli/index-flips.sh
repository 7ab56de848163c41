# shellcheck shell=bash
# A bit of any file of an index, of any type, is changed: a search says so (65), or has not looked there
# and prints what it always does; whatever reads all of it says so.

EXAMPLE=$ROOT/pipelines/example
for kind in dense splade col; do
  case $kind in
  dense) model=$MODELS/external/st_bert_mean/model ;;
  splade) model=$MODELS/native/splade_bert_00/model ;;
  col) model=$MODELS/native/col_short_attended/model ;;
  esac
  lir-encode -q --model "$model" --role doc "$EXAMPLE/docs.tsv" -o $kind.lirt
  lir-encode -q --model "$model" --role query "$EXAMPLE/queries.tsv" -o $kind.queries.lirt
done

# turned SEED FILE: changes one bit somewhere.
turned() {
  RANDOM=$1
  flip "$2" $(((RANDOM * 32768 + RANDOM) % $(stat -c %s "$2"))) $((1 << RANDOM % 8))
}

# flips KIND TYPE OPTION...
flips() {
  local kind=$1 type=$2 file seed=0 status
  shift 2
  lir-index build -q --type "$type" "$@" "$kind.lirt" -o whole
  lir-search -q --index whole -k 5 "$kind.queries.lirt" >good.run
  for file in whole/*.safetensors; do
    seed=$((seed + 1))
    cp -r whole cut
    turned $seed "cut/${file#whole/}"
    status=0
    lir-search -q --index cut -k 5 "$kind.queries.lirt" >bad.run 2>said.log || status=$?
    case $status in
    0) cmp -s good.run bad.run || fail "$type: $file, seed $seed: another run and status 0" ;;
    65)
      says "cut/${file#whole/}: damaged"
      [ ! -s bad.run ] || fail "$type: $file printed something"
      ;;
    *) fail "$type: $file, seed $seed: status $status" ;;
    esac
    exits 65 lir-index verify -q cut
    exits 65 lir-index merge -q cut -o merged
    [ ! -e merged ] || fail "$type: $file was merged"
    rm -r cut
  done
  rm -r whole
}

flips dense flat
flips dense flat --codes int8
flips dense ivf --num-centroids 2
flips dense graph
flips dense hnsw
flips splade sparse
flips splade seismic
flips col multivector
flips col plaid

# A file of several blocks, each with a checksum.
python3 - <<'PY'
import random
rng = random.Random(5)
with open("many.jsonl", "w") as out:
    for i in range(3000):
        out.write('{"id": "%d", "vector": [%s]}\n' % (i, ", ".join("%.4f" % rng.gauss(0, 1) for _ in range(32))))
PY
lir-index build -q --model-label made --role doc many.jsonl -o many
head -3 many.jsonl >asked.jsonl
grep -q '"blocks"' many/manifest.json || fail "no checksums of blocks"
exits 0 lir-search -q --index many --model-label made --role query -k 3 asked.jsonl -o good.run
for seed in 1 2 3 4 5; do
  cp -r many cut
  turned $seed cut/vectors.*.safetensors
  refuses 65 damaged lir-search -q --index cut --model-label made --role query -k 3 asked.jsonl
  refuses 65 damaged lir-index export -q --format npy cut -o out.npy
  [ ! -e out.npy ] || fail "a damaged index was exported"
  rm -r cut
done

# A signal that somebody sends means none of them, and ends the search at once.
exits 0 lir-index build -q --type flat dense.lirt -o open
mkfifo asked
lir-search -q --index open asked >sent.log 2>&1 &
search=$!
exec 9>asked
until grep -q open/ "/proc/$search/maps"; do sleep 0.1; done
kill -SEGV $search
status=0
wait $search 2>waited.log || status=$?
exec 9>&-
is 'status after a signal' 139 $status

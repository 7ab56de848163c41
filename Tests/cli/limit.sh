# shellcheck shell=bash
# --limit N is the input's first N records, wherever records are read.
model=$MODELS/native/dpr_bert_04/model
cross=$MODELS/native/mono_bert_00/model
texts 1500 | awk -F'\t' '$2 != ""' >docs.tsv
head -n 7 docs.tsv >few.tsv
# The notes of what made an output tell of the limit; all else is equal.
for tool in "lir-tokenize --model $model --format tokens" "lir-encode --model $model --role query --format jsonl"; do
  # shellcheck disable=SC2086
  $tool few.tsv >few.out
  # shellcheck disable=SC2086
  $tool --limit 7 docs.tsv >limited.out
  same few.out limited.out
  # shellcheck disable=SC2086
  $tool --limit 7 < <(cat docs.tsv) >limited.out
  same few.out limited.out
  # shellcheck disable=SC2086
  { $tool --limit 7 --shard 1/2 docs.tsv && $tool --limit 7 --shard 2/2 docs.tsv; } >limited.out
  same few.out limited.out
  # shellcheck disable=SC2086
  $tool --limit 7000 few.tsv >limited.out
  same few.out limited.out
  # shellcheck disable=SC2086
  refuses 64 '--limit: expected at least 1' $tool --limit 0 docs.tsv
done
head -n 1200 docs.tsv >most.tsv
lir-tokenize --model "$model" --role query docs.tsv -o docs.tokens
lir-encode --model "$model" --role query --format jsonl most.tsv >most.out
lir-encode --model "$model" --role query --format jsonl --limit 1200 docs.tokens >limited.out
same most.out limited.out
lir-tokenize --model "$model" --decode docs.tokens | head -n 1100 >most.out
lir-tokenize --model "$model" --decode --limit 1100 docs.tokens >limited.out
same most.out limited.out

encode native/dpr_bert_04 doc few.tsv -o few.lirt
encode native/dpr_bert_04 doc docs.tsv -o docs.lirt
lir-index build --no-provenance -o few.index few.lirt
lir-index build --no-provenance --limit 7 -o limited.index docs.lirt
for file in few.index/*; do
  case $file in */manifest.json) ;; *) same "$file" "limited.index/$(basename "$file")" ;; esac
done
is documents 7 "$(lir-index info limited.index | jq .documents)"

head -n 3 docs.tsv >queries.tsv
search() { lir-search --index few.index --tag t -k 4 "$@"; }
search --model "$model" queries.tsv >three.run
search --model "$model" --limit 3 docs.tsv >limited.run
same three.run limited.run
encode native/dpr_bert_04 query docs.tsv -o queries.lirt
search --limit 3 queries.lirt >limited.run
same three.run limited.run
rerank() { lir-rerank --model "$cross" --queries queries.tsv --docs docs.tsv --tag t "$@"; }
queries=$(cut -d ' ' -f 1 three.run | uniq | head -n 2 | wc -l)
rerank --limit "$queries" three.run >limited.run
rerank <(head -n $((4 * queries)) three.run) >two.run
same two.run limited.run

# lir-train sample takes the run's first queries.
sample() { lir-train sample --sampling top --sample-size 2 "$@"; }
sample <(head -n $((4 * queries)) three.run) >two.jsonl
sample --limit "$queries" three.run >limited.jsonl
same two.jsonl limited.jsonl
refuses 64 '--limit: expected at least 1' lir-train sample --sampling top --limit 0 three.run

# Nobody waits for what comes behind those in a pipe: its writer goes on holding it open.
encode native/dpr_bert_04 doc --format jsonl docs.tsv -o docs.jsonl
head -n 300 docs.tsv >hundreds.tsv
encode native/dpr_bert_04 doc hundreds.tsv -o hundreds.lirt
zstd -q docs.jsonl docs.lirt
mkfifo pipe
# held FILE COMMAND...: the command, whose standard input has the file, and then no end.
held() {
  { cat "$1" && exec sleep 1000; } >pipe 2>/dev/null &
  local writer=$!
  exits 0 timeout 300 "${@:2}" <pipe
  # Who still writes is ended by the end of the reader.
  { kill $writer || true; wait $writer || true; } 2>/dev/null
}
for type in flat ivf; do
  exits 0 lir-index build --no-provenance --type $type hundreds.lirt -o few.index
  for form in lirt lirt.zst jsonl jsonl.zst; do
    say=()
    case $form in jsonl*) say=(--similarity "$(jq -r .similarity few.index/manifest.json)") ;; esac
    held docs.$form lir-index build --no-provenance --type $type "${say[@]}" --limit 300 -o limited.index -
    is documents 300 "$(summary documents)"
    for file in few.index/*.safetensors; do same "$file" "limited.index/$(basename "$file")"; done
  done
done
rm pipe

# shellcheck shell=bash
# A full disk is an error of every tool, wherever its output goes.

texts 3000 >docs.tsv
head -n 20 docs.tsv >queries.tsv
model=$MODELS/native/dpr_bert_01/model
full() { # full COMMAND...: 74 with its output on a full disk, by redirection
  local status=0
  "$@" 2>said.log >/dev/full || status=$?
  is "status of $* >/dev/full" 74 "$status"
  says ': error: '
}
full_output() { # the same with -o
  exits 74 "$@" -o /dev/full
  says /dev/full
}

for tool in $(tools); do
  full "$tool" --help
  full "$tool" --version
  # shellcheck disable=SC2046  # several words
  full "$tool" $(required "$tool") --print-config
done

for tool in full full_output; do
  $tool lir-tokenize --model "$model" docs.tsv
  $tool lir-tokenize --model "$model" --format jsonl docs.tsv
  $tool lir-encode --model "$model" --role doc docs.tsv
  $tool lir-encode --model "$model" --role doc --compress zstd docs.tsv
  $tool lir-encode --model "$model" --role doc --compress lz4 docs.tsv
  $tool lir-encode --model "$model" --role doc --format jsonl docs.tsv
  # Even what fits into the last buffer.
  $tool lir-encode --model "$model" --role doc queries.tsv
done
full lir-encode --model "$model" --inspect
exits 0 lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
for tool in full full_output; do
  $tool lir-encode cat docs.lirt
  $tool lir-encode view docs.lirt
done

exits 73 lir-encode --model "$model" --role doc docs.tsv -o docs.tsv/docs.lirt
says docs.tsv
mkdir folder
exits 73 lir-encode --model "$model" --role doc docs.tsv -o folder
[ -z "$(find . -name '.*tmp*')" ] || fail 'a temporary file was left'

# A disk that is full at any call: an error that says so and leaves nothing but what --resume goes on
# with, or the whole output. The latter where a folder cannot be synced, which some file systems
# never can, or a digest not be removed.
prepare() { rm -rf made .made.partial*; }
check() {
  case $1 in
    73 | 74)
      says 'No space left on device'
      [ ! -e made ] || fail "status $1, and an output" ;;
    0) same whole made ;;
    *) fail "status $1: $(cat said.log)" ;;
  esac
  [ -z "$(find . -name '*.tmp.*')" ] || fail "left: $(find . -name '*.tmp.*')"
}
encode_queries() { lir-encode --model "$model" --role doc queries.tsv -o made; }
encode_going() { lir-encode --model "$model" --role doc --compress zstd --resume queries.tsv -o made; }
for command in encode_queries encode_going; do
  prepare
  $command 2>said.log
  mv made whole
  every_failure ENOSPC prepare $command check
  rm whole
done
prepare

if has_tool lir-index && has_tool lir-search; then
  exits 73 lir-index build docs.lirt -o docs.lirt/docs.index
  exits 0 lir-index build docs.lirt -o docs.index
  full lir-index info docs.index
  for tool in full full_output; do
    $tool lir-search --index docs.index --model "$model" -k 100 queries.tsv
    $tool lir-search --index docs.index --model "$model" -k 1 --compress zstd queries.tsv
  done
  exits 0 lir-search --index docs.index --model "$model" -k 100 queries.tsv -o found.run
fi
if has_tool lir-rerank; then
  for tool in full full_output; do
    $tool lir-rerank --model "$MODELS/native/mono_bert_00/model" \
      --queries queries.tsv --docs docs.tsv found.run
  done
fi
if has_tool lir-eval; then
  awk '$4 <= 3 { print $1, 0, $3, 1 }' found.run >qrels.txt
  full lir-eval --qrels qrels.txt -m nDCG@10 --per-query found.run
fi
if has_tool lir-train; then
  for tool in full full_output; do
    $tool lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv found.run
  done
  echo '{"step":1,"loss":0.5,"lr":0.1}' >metrics.jsonl
  full lir-train plot metrics.jsonl
fi

# Ids are not left without the vectors that do not fit.
exits 0 lir-index build docs.lirt -o docs.index
for format in npy faiss; do
  # shellcheck disable=SC2016  # the parameter is the inner shell's
  exits 74 bash -c 'ulimit -f 100 && exec lir-index export --format "$0" -o written docs.index' $format
  [ -z "$(find . -name '*written*')" ] || fail "left: $(find . -name '*written*')"
done

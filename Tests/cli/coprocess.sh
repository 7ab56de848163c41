# shellcheck shell=bash
# A query at a time, answered at once: lir-search, and lir-rerank behind it, as coprocesses of bash.
model=$MODELS/native/dpr_bert_04/model
cross=$MODELS/native/mono_bert_00/model
texts 60 | awk -F'\t' '$2 != ""' >docs.tsv
printf 'a\tpython function\nb\tbeethoven symphony no. 9\nc\tmap list test\n' >queries.tsv
encode native/dpr_bert_04 doc docs.tsv -o docs.lirt
lir-index build -o docs.index docs.lirt
search() { lir-search --index docs.index --model "$model" --tag t "$@"; }
rerank() { lir-rerank --model "$cross" --tag t "$@"; }

# ask ID TEXT: sends a query to the coprocess, and reads up to the mark of its end.
ask() {
  printf '%s\t%s\n' "$1" "$2" >&"${tool[1]}"
  local line
  while IFS= read -r line <&"${tool[0]}"; do
    [ "$line" != "# end $1" ] || return 0
    printf '%s\n' "$line"
  done
  fail "no end of the answer to $1"
}

# ask_all: asks the queries of the file, one after the other, each when the one before was answered.
ask_all() {
  local id text
  while IFS=$'\t' read -r id text <&4; do ask "$id" "$text"; done 4<queries.tsv
}

# closes: ends the coprocess, which must end well.
closes() {
  local process=${tool_PID?}
  eval "exec ${tool[1]}>&-"
  wait "$process"
}

search -k 5 queries.tsv >whole.run
coproc tool { search -k 5 --mark-end 2>search.log; }
ask_all >asked.run
closes
same whole.run asked.run

# A query that finds nothing is answered by its mark alone.
echo no-such-document >none.txt
coproc tool { search -k 5 --filter none.txt --mark-end 2>search.log; }
is 'documents of an answer without any' '' "$(ask a 'python function')"
closes

# Through lir-rerank: the lines bring texts along.
rerank --queries queries.tsv --docs docs.tsv whole.run >whole.reranked
coproc tool {
  search -k 5 --format jsonl --docs docs.tsv --mark-end 2>search.log | rerank --mark-end 2>rerank.log
}
ask_all >asked.reranked
closes
same whole.reranked asked.reranked
coproc tool {
  search -k 5 --filter none.txt --format jsonl --docs docs.tsv --mark-end 2>search.log |
    rerank --mark-end 2>rerank.log
}
is 'documents of an answer without any' '' "$(ask a 'python function')"
closes

# Without marks the end of the input is the end of the answer; a bi-encoder takes vectors of an index.
search -k 5 --format jsonl --docs docs.tsv queries.tsv >whole.jsonl
rerank --mark-end whole.jsonl | grep -v '^# end' >again.reranked
same whole.reranked again.reranked
search -k 5 --format jsonl --mark-end queries.tsv |
  lir-rerank --model "$model" --index docs.index --tag t --mark-end | grep -v '^#' >stored.run
same whole.run stored.run
refuses 64 '--docs, --shard, --limit and --resume go without --mark-end' \
  rerank --mark-end --docs docs.tsv whole.jsonl

# What the lines say: as lir-run(5) has them, and as lir-rerank and lir-eval read them.
jq -se 'length == 15 and all(.[]; .query and .text and (.score | type == "number"))' whole.jsonl >jq.log
is 'keys' 'query_id doc_id rank score query text' \
  "$(jq -r 'keys_unsorted | join(" ")' whole.jsonl | sort -u)"
jq -r '[.query_id, "Q0", .doc_id, .rank, .score, "t"] | join(" ")' whole.jsonl >lines.run
cut -d ' ' -f 1-4 whole.run >a && cut -d ' ' -f 1-4 lines.run >b
same a b
jq -r '[.doc_id, .text] | join("\t")' whole.jsonl | sort -u >said
grep -vxFf docs.tsv said && fail 'a text that is no document'
rerank whole.jsonl >from-lines.reranked
cut -d ' ' -f 1-5 from-lines.reranked >a && cut -d ' ' -f 1-5 whole.reranked >b
same a b
search -k 1 --format jsonl queries.tsv | jq -se 'all(.[]; .query and (has("text") | not))' >jq.log

# Titles: the text begins with it.
printf '%s\n' '{"_id": "d2", "title": "On lists", "text": "A map of \"lists\"."}' >titles.jsonl
awk -F'\t' '$1 != "d2"' docs.tsv >others.tsv
search -k 100 --format jsonl --docs titles.jsonl --docs others.tsv --text 'map list' >titled.jsonl
jq -se 'map(select(.doc_id == "d2"))[0] |
  .title == "On lists" and .text == "On lists A map of \"lists\"." and .query == "map list"
  and .query_id == "1"' titled.jsonl >jq.log
refuses 65 'document d2 is not in others.tsv' search -k 100 --format jsonl --docs others.tsv --text x

# A typed query is a query of a file; several have numbers.
printf '1\tpython function\n2\tmap list test\n' >typed.tsv
search -k 3 typed.tsv >file.run
search -k 3 --text 'python function' --text 'map list test' >typed.run
same file.run typed.run
refuses 64 'one or the other' search --text x queries.tsv
refuses 64 'not --text' search --text x --limit 1
refuses 64 "TREC's runs" search --docs docs.tsv queries.tsv
exits 0 search --format jsonl --resume -o x.jsonl queries.tsv

# Vectors are answered at once, too: JSON lines and members of streams.
exits 0 encode native/dpr_bert_04 query queries.tsv --format jsonl -o queries.jsonl
exits 0 encode native/dpr_bert_04 query queries.tsv -o queries.lirt
exits 0 lir-encode view queries.lirt -o queries.view
say=(--model-label "$(lir-index info docs.index | jq -r .model)"
  --similarity "$(lir-index info docs.index | jq -r .similarity)")
for form in jsonl view; do
  exits 0 lir-search --index docs.index --tag t "${say[@]}" -k 5 queries.$form -o whole.vectors
  same whole.run whole.vectors
  coproc tool { lir-search --index docs.index --tag t "${say[@]}" -k 5 --mark-end 2>search.log; }
  while IFS= read -r line <&4; do
    printf '%s\n' "$line" >&"${tool[1]}"
    id=$(jq -r .id <<<"$line")
    while IFS= read -r line <&"${tool[0]}"; do
      [ "$line" != "# end $id" ] || break
      printf '%s\n' "$line"
    done
  done 4<queries.$form >asked.run
  closes
  same whole.run asked.run
done
for i in 1 2 3; do encode native/dpr_bert_04 query <(sed -n ${i}p queries.tsv) -o "member-$i.lirt"; done
coproc tool { lir-search --index docs.index --tag t -k 5 --mark-end 2>search.log; }
for i in 1 2 3; do
  cat "member-$i.lirt" >&"${tool[1]}"
  while IFS= read -r line <&"${tool[0]}"; do
    [[ $line != '# end '* ]] || break
    printf '%s\n' "$line"
  done
done >asked.run
closes
same whole.run asked.run

# shellcheck shell=bash
# An engineer has JSON lines of her own, wants them searched from a program, and adds to them daily.
#
# What still hurts:
# * A field of the metadata filters nothing by itself: ids are picked by jq first.
# * Every start reads the model: what answers many questions is a coprocess, as below.
# * Whoever changes an index between two questions of a coprocess starts it anew: it keeps the documents
#   that it was opened with.

model=$MODELS/external/st_bert_mean/model
cat >notes.jsonl <<'END'
{"id": "n1", "title": "Flat tyre", "body": "Take the wheel off, find the hole.", "meta": {"lang": "en"}}
{"id": "n2", "title": "Bread", "body": "Flour, water, salt, and patience.", "meta": {"lang": "en"}}
{"id": "n3", "title": "Reifen", "body": "Das Loch findet man im Wasser.", "meta": {"lang": "de"}}
END
# The body stands under a name of its own: it is said, or it is refused; the title alone is never it.
exits 0 lir-encode --model "$model" --role doc --fields title,body notes.jsonl -o notes.lirt
is 'records' 3 "$(summary records)"
jq -c '{id, text: (.title + " " + .body)}' notes.jsonl >plain.jsonl
exits 0 lir-encode --model "$model" --role doc plain.jsonl -o plain.lirt
same <(lir-encode view plain.lirt) <(lir-encode view notes.lirt)

# Looking before encoding: how long are they, and what is cut?
exits 0 lir-tokenize --model "$model" --role doc --fields title,body --stats notes.jsonl -o stats.json
is 'records' 3 "$(jq .records stats.json)"

# A mistake in line 2 is named with its place, and nothing is left of the output.
sed '2s/"body": "/"body": /' notes.jsonl >broken.jsonl
exits 65 lir-encode --model "$model" --role doc --fields title,body broken.jsonl -o broken.lirt
says broken.jsonl:2
[ ! -e broken.lirt ] || fail 'a broken input leaves an output'
exits 0 lir-encode --model "$model" --role doc --fields title,body --on-error skip broken.jsonl \
  -o broken.lirt
is 'skipped' 1 "$(summary skipped)"

# The next day's notes come in addition.
exits 0 lir-index build notes.lirt -o base.index
printf '{"id": "n4", "title": "Chain", "body": "Oil it after rain."}\n' >more.jsonl
lir-encode --model "$model" --role doc --fields title,body more.jsonl 2>said.log |
  lir-index build -o more.index 2>>said.log || fail "a pipe into an index: $(cat said.log)"
exits 0 lir-index merge base.index more.index -o merged.index
is 'documents' 4 "$(lir-index info merged.index | grep -o '"documents": *[0-9]*' | head -n 1 | tr -dc 0-9)"
exits 0 lir-index verify merged.index
# The same note twice is an error that names it.
exits 65 lir-index merge base.index base.index -o twice.index
says n1

# A note is corrected, one goes; the others keep their ids, and nothing is built anew.
printf '{"id": "n2", "title": "Bread", "body": "Flour, water, salt, yeast, and patience."}\n' >corrected.jsonl
exits 0 lir-encode --model "$model" --role doc --fields title,body corrected.jsonl -o corrected.lirt
exits 0 lir-index replace merged.index corrected.lirt
echo n4 >gone.txt
cp -r merged.index fewer.index
exits 0 lir-index delete fewer.index --ids gone.txt
is 'documents' 3 "$(lir-index info fewer.index | jq .documents)"
exits 0 lir-search --index fewer.index --model "$model" -k 4 --text 'oil the chain' -o fewer.run
is 'found' 'n1 n2 n3' "$(cut -d ' ' -f 3 fewer.run | sort | xargs)"

# Asked from a program: a line of question, lines of answer, at once.
printf 'q\thow do I mend a tyre\n' >question.tsv
exits 0 lir-search --index merged.index --model "$model" -k 2 --tag t question.tsv -o once.run
coproc SEARCH { lir-search -q --index merged.index --model "$model" -k 2 --tag t 2>search.log; }
for number in 1 2; do
  sed "s/^q/q$number/" question.tsv >&"${SEARCH[1]}"
  for _ in 1 2; do
    IFS= read -r -t 60 line <&"${SEARCH[0]}" || fail "no answer yet: $(cat search.log)"
    echo "$line"
  done >answer.run
  same <(sed "s/^q/q$number/" once.run) answer.run
done
kill "$SEARCH_PID" 2>/dev/null
# With a line behind each answer its end is known, whatever a filter leaves of it.
exits 0 lir-search --index merged.index --model "$model" -k 9 --mark-end --tag t question.tsv -o marked.run
is 'the last line' '# end q' "$(tail -n 1 marked.run)"
# Some of the notes only.
jq -r 'select(.meta.lang == "de") | .id' notes.jsonl >german.txt
exits 0 lir-search --index merged.index --model "$model" -k 2 --filter german.txt question.tsv -o german.run
is 'found' n3 "$(cut -d ' ' -f 3 german.run)"

# A question typed at once, with the notes' texts for a page.
exits 0 lir-search --index merged.index --model "$model" -k 2 --text 'how do I mend a tyre' --format jsonl \
  --docs notes.jsonl --docs more.jsonl --fields title,body -o page.jsonl
is 'notes of the page' "$(cut -d ' ' -f 3 once.run | xargs)" "$(jq -r .doc_id page.jsonl | xargs)"
is 'texts of the page' 2 "$(jq -r 'select(.text != "" and .query != "") | .doc_id' page.jsonl | wc -l)"

# Vectors for other programs, and from them.
exits 0 lir-encode --model "$model" --role doc --fields title,body --format jsonl notes.jsonl -o vectors.jsonl
is 'numbers of a vector' 32 "$(head -n 1 vectors.jsonl | jq '.vector | length')"
exits 0 lir-index build --model-label mine vectors.jsonl -o theirs.index
is 'documents' "$(wc -l <vectors.jsonl)" "$(lir-index info theirs.index | jq .documents)"
# Common mistakes.
exits 65 lir-index build --type flat notes.jsonl -o x.index
exits 66 lir-search --index nowhere.index --model "$model" question.tsv
exits 64 lir-search --index merged.index question.tsv
says '--model'
rm -rf ./*.index ./*.lirt

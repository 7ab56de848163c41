# shellcheck shell=bash
# scripts/quickstart from texts to answers, with small models in place of the real ones.

command -v make >/dev/null || skip 'make is not installed'
[ -z "$("$ROOT/scripts/packages" --missing build run)" ] || skip 'packages are missing'
quickstart() { "$ROOT/scripts/quickstart" "$@"; }

models() { # models OUT: what a first run fetches
  mkdir -p "$1/models"
  ln -s "$MODELS/external/st_bert_mean/model" "$1/models/minilm"
  ln -s "$MODELS/native/splade_bert_00/model" "$1/models/splade"
}

# Somebody's own texts.
models own
refuses 66 'there is no index yet' quickstart --out own search 'flat tyre'
exits 0 quickstart --out own --collection "$ROOT/pipelines/example" >first.log
for text in 'nDCG@10' first.run second.run 'q01: how do I fix' '  1. '; do
  grep -qF "$text" first.log || { cat first.log >&2; fail "the quickstart prints no $text"; }
done
is 'documents shown' 9 "$(grep -c '^  [123]\. ' first.log)"
exits 0 quickstart --out own search 'flat tyre' -k 2 >search.log
is 'documents found' 2 "$(grep -c '^  [12]\. ' search.log)"

# A second run does nothing but show.
touch before
exits 0 quickstart --out own --collection "$ROOT/pipelines/example" >second.log
same first.log second.log
is 'files that a second run makes' '' "$(find own -type f -newer before)"

# JSON lines, without judgements.
mkdir json
awk -F'\t' '{ printf "{\"_id\": \"%s\", \"text\": \"%s\"}\n", $1, $2 }' \
  "$ROOT/pipelines/example/docs.tsv" >json/docs.jsonl
awk -F'\t' '{ printf "{\"_id\": \"%s\", \"text\": \"%s\"}\n", $1, $2 }' \
  "$ROOT/pipelines/example/queries.tsv" >json/queries.jsonl
exits 0 quickstart --out own --collection json >json.log
same <(sed -n '/^q01/,$p' first.log) <(sed -n '/^q01/,$p' json.log)
[ -e own/last/second.run ] || fail 'no results of JSON lines'

# Documents alone can be searched.
mkdir 'only docs'
printf 'd1\thow to mend a flat tyre\nd2\tbread and butter\n' >'only docs/docs.tsv'
exits 0 quickstart --out own --collection 'only docs' >only.log
grep -qF 'quickstart --out own search' only.log || { cat only.log >&2; fail 'no word of searching'; }
exits 0 quickstart --out own search 'flat tyre' -k 1 >search.log
grep -q 'd1' search.log || { cat search.log >&2; fail 'a document is not found'; }

# Whatever goes wrong, what worked works, and nothing is fetched or built before a folder is looked at.
mkdir bad empty
cp 'only docs/docs.tsv' bad
before=$(readlink own/last)
for problem in 'no such folder:nowhere' 'has neither docs.tsv nor docs.jsonl:empty'; do
  refuses 66 "${problem%:*}" quickstart --out own --collection "${problem##*:}"
  refuses 66 "${problem%:*}" quickstart --out fresh --collection "${problem##*:}"
  [ ! -e fresh ] || fail 'a refused collection leaves a folder'
done
for file in queries.tsv qrels.txt docs.jsonl; do
  rm -f bad/*.*
  [ $file = docs.jsonl ] || cp 'only docs/docs.tsv' bad
  for content in '' 'nothing'; do
    printf '%s' "$content" >bad/$file
    refuses 65 "bad/$file: empty, or" quickstart --out own --collection bad
  done
done
rm bad/*
mkdir bad/docs.tsv
refuses 65 'bad/docs.tsv: empty, or' quickstart --out own --collection bad
[ "$(wc -l <said.log)" = 1 ] || { cat said.log >&2; fail 'other words than those of the refusal'; }
rmdir bad/docs.tsv
for names in docs.tsv:docs.jsonl queries.tsv:queries.jsonl qrels.txt:qrels.tsv; do
  cp 'only docs/docs.tsv' bad
  touch bad/${names%:*} bad/${names#*:}
  refuses 78 "has ${names%:*} and ${names#*:}" quickstart --out own --collection bad
  rm bad/*
done
for place in first.log first.log/below /proc/none; do
  refuses 73 "--out $place" quickstart --out $place --collection 'only docs'
done
printf 'd1\tone\nd1\ttwice\n' >bad/docs.tsv
exits 2 quickstart --out own --collection bad >bad.log
is 'what searches use' "$before" "$(readlink own/last)"
exits 0 quickstart --out own search 'flat tyre' -k 1 >again.log
same search.log again.log
# The same folder, spoilt: its index is the one of before.
cp 'only docs/docs.tsv' kept.tsv
printf 'd1\n' >>'only docs/docs.tsv'
exits 2 quickstart --out own --collection 'only docs' >bad.log
exits 0 quickstart --out own search 'flat tyre' -k 1 >again.log
same search.log again.log
cp kept.tsv 'only docs/docs.tsv'
# Texts as other systems write them are shown as they are found.
mkdir marked
printf '\xef\xbb\xbfd1\tmend a tyre\r\nd2\tbutter\r\n' >marked/docs.tsv
exits 0 quickstart --out own --collection marked >marked.log
exits 0 quickstart --out own search 'mend a tyre' -k 2 >marked.log
grep -qx '     mend a tyre' marked.log || { cat marked.log >&2; fail 'the first text is not shown'; }
rm -r marked
refuses 66 'no longer in' quickstart --out own search 'mend a tyre'
refuses 64 'expected a number' quickstart --out own search 'flat tyre' -k many
refuses 64 'no names with spaces' quickstart --out 'a b'

# Debian's descriptions, out of lists as apt leaves them.
models debian
mkdir -p debian/lists
: >debian/lists/x_main_binary-amd64_Packages
: >debian/lists/x_main_i18n_Translation-en
awk -F'\t' '{
  printf "Package: %s\nDescription-md5: %d\n\n", $1, NR >"debian/lists/x_main_binary-amd64_Packages"
  printf "Package: %s\nDescription-md5: %d\nDescription-en: about %s\n %s\n\n", $1, NR, $1, $2 \
    >"debian/lists/x_main_i18n_Translation-en"
}' "$ROOT/pipelines/example/docs.tsv"
exits 0 quickstart --out debian >debian.log
says '30 documents of 30 packages'
grep -q 'nDCG@10' debian.log || fail 'no measures'

# Without a mirror it says what can be done.
models offline
mkdir path
printf '#!/bin/sh\nexit 100\n' >path/apt-get
chmod +x path/apt-get
PATH=$PWD/path:$PATH refuses 74 'no Debian mirror could be reached' quickstart --out offline
says '--collection pipelines/example'

refuses 64 'unknown argument' quickstart --nonsense
refuses 64 'search: what?' quickstart search
refuses 66 'no such folder' quickstart --out own --collection nowhere
rm -rf own bad empty 'only docs' debian offline path ./*.log

# shellcheck shell=bash
# Where outputs go: closed streams, links, folders that are missing, and limits, in every tool.

texts 30 >docs.tsv
texts 6 >queries.tsv
model=$MODELS/native/dpr_bert_01/model
encode() { lir-encode -q --model "$model" --role doc "$@"; }
search() { lir-search -q --index docs.index --model "$model" -k 3 "$@" queries.tsv; }
exits 0 encode docs.tsv -o docs.lirt
exits 0 lir-index build -q docs.lirt -o docs.index
exits 0 search --tag t -o first.run
awk '$4 == 1 { print $1, 0, $3, 1 }' first.run >qrels.txt
tools() { # tools ARGUMENTS...: every tool that writes to the standard output, with more arguments
  lir-tokenize -q --model "$model" --role doc docs.tsv "$@" || return
  encode docs.tsv "$@" || return
  lir-encode cat -q docs.lirt "$@" || return
  lir-encode view -q docs.lirt "$@" || return
  search "$@" || return
  lir-rerank -q --model "$model" --queries queries.tsv --docs docs.tsv first.run "$@" || return
  lir-rerank fuse -q first.run first.run "$@" || return
  lir-eval -q --qrels qrels.txt first.run "$@" || return
  lir-train sample -q --qrels qrels.txt --sample-size 2 first.run "$@" || return
}
# Each alone, so that every status is seen.
each() { # each STATUS TEXT REDIRECTION ARGUMENTS...
  local status=$1 text=$2 redirection=$3 found
  shift 3
  while read -r line; do
    found=0
    eval "${line#  } $redirection" 2>said.log || found=$?
    [ "$found" = "$status" ] || fail "expected $status, found $found: $line: $(cat said.log)"
    [ -z "$text" ] || says "$text"
  done < <(declare -f tools | sed -n 's/ || return;*$//p' | sed "s|\"\$@\"|$*|")
}

# A closed output is an error, a closed input is none of records; what is not asked for does not matter.
each 74 'standard output: it is closed' '>&-'
each 74 'standard output: it is closed' '1</dev/null'
for tool in lir-index lir-train lir-eval; do exits 74 $tool --help >&-; done
exits 74 lir-index info docs.index >&-
exits 74 lir-eval trec_eval qrels.txt first.run >&-
exits 0 lir-index verify docs.index >&-
exits 0 encode docs.tsv -o closed.lirt >&-
same docs.lirt closed.lirt
exits 66 encode <&-
exits 66 search - <&-
exits 66 lir-encode verify - <&-
exits 66 lir-rerank fuse first.run - <&-
exits 66 lir-eval --qrels - first.run <&-
exits 66 lir-eval trec_eval - first.run <&-
exits 0 encode docs.tsv -o closed.lirt <&-
# Nothing that is opened gets a closed stream's number: neither messages nor data go astray.
(encode docs.tsv -o closed.lirt <&- >&- 2>&-) || fail 'all three closed'
same docs.lirt closed.lirt
printf 'x\n' >bad.tsv
(encode --on-error skip docs.tsv bad.tsv -o closed.lirt <&- >&- 2>&-) || fail 'all three closed'
same <(encode --no-provenance docs.tsv) <(encode --no-provenance --on-error skip docs.tsv bad.tsv 2>&-)

# Outputs that cannot be are refused before anything is done, the same with --resume and without.
mkdir folder
for resume in '' --resume; do
  for name in folder folder/ none/ "''" docs.tsv/x; do
    refuses 73 '' eval "encode $resume docs.tsv -o $name"
    refuses 73 '' eval "search $resume -o $name"
  done
done
refuses 73 '' lir-index build docs.lirt -o ''
refuses 73 'docs.tsv' lir-index build docs.lirt -o docs.tsv
refuses 64 'cannot be continued' encode --resume docs.tsv -o /dev/null
mkfifo pipe
refuses 64 'cannot be continued' encode --resume docs.tsv -o pipe
refuses 64 'not written' search -o found.run.gz
[ -z "$(find . -name '.*.partial*')" ] || fail 'a refused output leaves something'

# A link stays a link, wherever it leads.
for resume in '' --resume; do
  rm -f real link
  ln -s real link
  for made in 1 2; do
    # shellcheck disable=SC2086
    exits 0 encode $resume docs.tsv -o link
    [ -L link ] || fail "$resume: the link was replaced"
    same docs.lirt real
    echo "old $made" >real
  done
done
[ "$(find . -name '.*')" = . ] || fail 'something is left beside a link'

# Missing parents are made, and go again where no output comes.
each 0 '' '' -o made/by/a/folder/out
rm -rf made
exits 0 lir-index build -q docs.lirt -o made/by/index
exits 0 lir-index verify made/by/index
exits 0 lir-eval -q --qrels qrels.txt first.run --report made/page/r.html --plot made/plot/p.svg -o made/t/t
exits 0 encode --resume docs.tsv -o made/again/docs.lirt
exits 0 lir-train export --format sentence-transformers "$model" -o made/new/model
[ -s made/new/model/modules.json ] || fail 'the exported model is not where it was asked for'
same docs.lirt made/again/docs.lirt
printf 'a\n' >bad.tsv
exits 65 encode bad.tsv -o never/made/docs.lirt
exits 65 lir-index build --type flat docs.tsv -o never/made/docs.index
[ ! -e never ] || fail 'folders of an output that did not come'

# A file that may not grow is an error of the write, and nothing is left of it.
texts 2000 >many.tsv
limited() { (ulimit -f 8; "$@"); }
exits 74 limited encode many.tsv -o many.lirt
says 'File too large'
exits 0 encode many.tsv -o whole.lirt
exits 74 limited lir-index build whole.lirt -o many.index
exits 74 limited search -k 1000 -o many.run many.tsv
exits 74 limited lir-eval -q --qrels qrels.txt first.run --report many.html >printed.log
[ -z "$(find . -name '*many.*' ! -name many.tsv)" ] || fail "left: $(find . -name '*many.*')"

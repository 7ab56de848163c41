# shellcheck shell=bash
# Completions, in the shells themselves: file names, values, options of the command that nobody names.
mkdir -p folder.index 'with space'
touch docs.tsv docsets.txt queries.tsv qrels.txt 'with space/a.tsv' "it's.tsv"
for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
  for shell in bash zsh fish; do
    exits 0 "$tool" --generate-completion-script $shell >"$tool.$shell"
  done
done
refuses 64 "expected bash, zsh or fish, found 'csh'" lir-encode --generate-completion-script csh

# A line that is typed, and what the shell makes of it: what all shells agree on.
cases=(
  'lir-encode --mod<TAB>' 'lir-encode|--model'
  'lir-encode --role que<TAB>' 'lir-encode|--role|query'
  'lir-encode --role=que<TAB>' 'lir-encode|--role=query'
  'lir-encode -q --prec<TAB>' 'lir-encode|-q|--precision'
  'lir-encode quer<TAB>' 'lir-encode|queries.tsv'
  'lir-encode --model fol<TAB>' 'lir-encode|--model|folder.index/'
  'lir-encode --role doc quer<TAB>' 'lir-encode|--role|doc|queries.tsv'
  'lir-encode veri<TAB>' 'lir-encode|verify'
  'lir-encode -v cat --outp<TAB>' 'lir-encode|-v|cat|--output'
  'lir-encode --threads 2 cat quer<TAB>' 'lir-encode|--threads|2|cat|queries.tsv'
  'lir-encode wit<TAB>' 'lir-encode|with space/'
  'lir-search --index fol<TAB>' 'lir-search|--index|folder.index/'
  'lir-search --no-prov<TAB>' 'lir-search|--no-provenance'
  'lir-index --type fl<TAB>' 'lir-index|--type|flat'
  'lir-index build --max-m<TAB>' 'lir-index|build|--max-memory'
  'lir-index merge fol<TAB>' 'lir-index|merge|folder.index/'
  'lir-rerank fuse --meth<TAB>' 'lir-rerank|fuse|--method'
  'lir-rerank fuse --method bor<TAB>' 'lir-rerank|fuse|--method|borda'
  'lir-rerank --docs docs.<TAB>' 'lir-rerank|--docs|docs.tsv'
  'lir-eval --qr<TAB>' 'lir-eval|--qrels'
  'lir-eval --qrels qr<TAB>' 'lir-eval|--qrels|qrels.txt'
  'lir-eval --format lat<TAB>' 'lir-eval|--format|latex'
  'lir-train --con<TAB>' 'lir-train|--config'
  'lir-train --config docs.<TAB>' 'lir-train|--config|docs.tsv'
  'lir-train sample --sample-s<TAB>' 'lir-train|sample|--sample-size'
  'lir-tokenize --compress zs<TAB>' 'lir-tokenize|--compress|zstd'
  'lir-tokenize --log-format=js<TAB>' 'lir-tokenize|--log-format=json'
)
# A parameter that a type of index declares.
declared=$(lir-index types --parameters | awk -F'\t' '$2 == "build" { print $3; exit }')
if [ -n "$declared" ]; then
  cases+=("lir-index --$declared<TAB>" "lir-index|--$declared")
fi

cat lir-*.bash >all.bash
# shellcheck disable=SC2016  # the shell that is tried expands it
printf 'fpath=("$PWD/site" $fpath)\nautoload -Uz compinit\ncompinit -D -u\n' >all.zsh
mkdir site
for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
  cp "$tool.zsh" "site/_$tool"
done

lines=() wanted=()
for ((i = 0; i < ${#cases[@]}; i += 2)); do
  lines+=("${cases[i]}")
  wanted+=("${cases[i + 1]}")
done
printf '%s\n' "${wanted[@]}" >wanted
for shell in bash zsh; do
  if ! command -v python3 >/dev/null || ! command -v $shell >/dev/null; then
    note "nothing is typed in $shell"
    continue
  fi
  python3 "$CLI/type_in_shell.py" $shell "$PWD/all.$shell" "${lines[@]}" >typed
  # What a shell adds behind a word that is complete says nothing.
  diff wanted typed >&2 || fail "$shell completes otherwise"
done

# fish answers without a terminal: every candidate, with its description.
if command -v fish >/dev/null; then
  cat lir-*.fish >all.fish
  for ((i = 0; i < ${#cases[@]}; i += 2)); do
    line=${cases[i]%<TAB>} last=${cases[i + 1]##*|}
    HOME=$PWD fish --no-config -c "source all.fish; complete -C '$line'" >offered
    cut -f 1 offered | grep -qxF -- "$last" || {
      cat offered >&2
      fail "fish: no $last for $line"
    }
  done
  HOME=$PWD fish --no-config -c "source all.fish; complete -C 'lir-encode --model '" >offered
  grep -q queries.tsv offered && fail 'fish: a file as a model'
else
  note 'no fish'
fi

# Several candidates, asked by bash's own machinery.
# shellcheck disable=SC1091
source ./lir-encode.bash
COMP_WORDS=(lir-encode --role '') COMP_CWORD=2
_lir_encode 2>/dev/null
is 'candidates' 'query doc' "${COMPREPLY[*]}"
COMP_WORDS=(lir-encode doc) COMP_CWORD=1
_lir_encode 2>/dev/null
is 'candidates' 'docs.tsv docsets.txt' "${COMPREPLY[*]}"
COMP_WORDS=(lir-encode -q v) COMP_CWORD=2
_lir_encode 2>/dev/null
is 'candidates' 'view verify' "${COMPREPLY[*]}"

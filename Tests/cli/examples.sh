# shellcheck shell=bash
# Every ```sh example of the README and the manual pages runs, in a folder with small models.

export LIR_PIPELINES=$ROOT/pipelines

extract() { # extract FILE: its ```sh blocks as one script, each command with the line it stands at
  awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$1"
}

for page in "$ROOT/README.md" "$ROOT"/man/prose/*.md; do
  name=$(basename "$page" .md)
  mkdir -p "$name/models"
  ln -s "$MODELS/external/st_bert_mean/model" "$name/models/minilm"
  ln -s "$MODELS/native/splade_bert_00/model" "$name/models/splade"
  ln -s "$MODELS/native/mono_bert_00/model" "$name/models/cross"
  ln -s "$MODELS/native/col_short_hidden/model" "$name/models/colbert"
  cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} "$name"
  # What comes to an index later, and what goes.
  printf 'monday-1\tA text of Monday.\n' >"$name/monday.tsv"
  sed -n '1s/$/ Corrected./p' "$name/docs.tsv" >"$name/corrected.tsv"
  sed -n '2s/\t.*//p' "$name/docs.tsv" >"$name/withdrawn.txt"
  extract "$page" >"$name.sh"
  [ -s "$name.sh" ] || { note "$name has no examples"; continue; }
  status=0
  (cd "$name" && bash -euo pipefail -x "../$name.sh") >"$name.shown.log" 2>&1 || status=$?
  # A reader such as head may end a pipe early; that is not a failure of an example.
  [ $status = 0 ] || [ $status = 141 ] || { tail -n 20 "$name.shown.log" >&2; fail "an example of $page"; }
done
# Models are links into the checkout.
rm -rf ./*/models

# shellcheck shell=bash
# What a study is told: kinds of indexes, what may be found, measures by collection, what it refuses at once.

command -v make >/dev/null || skip 'make is not installed'
python3 -c 'import zstandard, yaml, ir_datasets' 2>/dev/null || skip 'python3 has no ir_datasets'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt,example.yml} .
dense=$MODELS/external/st_bert_mean/model
study() { # study OUT ARGUMENT...
  env -u MODELS make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN="$LIR_BIN" OUT="$1" COLLECTIONS=example.yml \
    RETRIEVERS=dense MODEL_dense="$dense" DEPTH=20 "${@:2}" >make.log 2>&1
}
makes() { study "$@" || { cat make.log >&2; fail "study $*"; }; }
refused() { # refused TEXT ARGUMENT...
  ! study wrong "${@:2}" || fail "no refusal: $1"
  grep -qF "$1" make.log || { cat make.log >&2; fail "no message: $1"; }
  [ ! -e wrong ] || fail "something was done before: $1"
}

# --- a kind of index is a type where nothing else is said, or refused
makes kinds INDEXES='exact ivf'
is 'types' 'flat ivf' "$(for kind in exact ivf; do lir-index info kinds/example/dense/$kind | jq -r .type; done | xargs)"
refused 'did you mean exact?' INDEXES=exat
refused 'did you mean ivf?' INDEXES_dense='exact ifv'
refused 'INDEXES: bm25: neither exact' INDEXES=bm25
rm -r kinds

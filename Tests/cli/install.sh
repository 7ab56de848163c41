# shellcheck shell=bash
# scripts/install puts everything where programs look for it.

exits 0 "$ROOT/scripts/install" --bin "$LIR_BIN" "$PWD/prefix"
for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
  for file in bin/$tool share/man/man1/$tool.1 share/bash-completion/completions/$tool \
    share/zsh/site-functions/_$tool share/fish/vendor_completions.d/$tool.fish; do
    [ -s "prefix/$file" ] || fail "$file is not installed"
  done
  is "$tool --version" "$tool $VERSION" "$(prefix/bin/$tool --version)"
done
for page in stream records run index model; do
  [ -s prefix/share/man/man5/lir-$page.5 ] || fail "no manual page lir-$page(5)"
done
for page in lightning-ir guide pyserini sentence-transformers reliability; do
  [ -s prefix/share/man/man7/lir-$page.7 ] || fail "no manual page lir-$page(7)"
done
printf 'q Q0 d 1 2.5 t\n' >one.run
printf 'd\ta text\n' >one.tsv
is 'a run that is shown' '  1. d  (2.500)      a text' \
  "$(prefix/bin/lir-show-run --docs one.tsv one.run | tr '\n' ' ' | sed 's/ $//')"
printf '{"query_id":"q","doc_id":"d","rank":1,"score":2.5,"query":"ask","text":"a text"}\n' >one.jsonl
is 'a run of JSON lines' 'q: ask   1. d  (2.500)      a text' \
  "$(prefix/bin/lir-show-run - <one.jsonl | tr '\n' ' ' | sed 's/ $//')"
refuses 65 'not a run' prefix/bin/lir-show-run one.tsv
for script in fetch-model fetch-dataset model-zoo study-table pack-index fetch-index plan; do
  prefix/bin/lir-$script --help >help.log || fail "lir-$script does not run"
done
[ -s prefix/share/lir/pipelines/datasets.tsv ] || fail 'no table of datasets'
for file in settings.mk options.mk task jobs join-runs slurm/task.sbatch pbs/task.pbs sge/task.sge lsf/task.lsf \
  parallel/tasks; do
  [ -s "prefix/share/lir/pipelines/$file" ] || fail "pipelines/$file is not installed"
done
refuses 64 'where to' "$ROOT/scripts/install"
refuses 66 'build it first' "$ROOT/scripts/install" --bin "$PWD" "$PWD/other"
[ ! -e other ] || fail 'half an installation'
rm -r prefix

# The Makefile on top, with a folder in front of the prefix.
if command -v make >/dev/null; then
  exits 0 make -s -C "$ROOT" install BIN="$LIR_BIN" PREFIX=/usr DESTDIR="$PWD/stage"
  [ -x stage/usr/bin/lir-search ] || fail 'make install put nothing below DESTDIR'
  rm -r stage
fi

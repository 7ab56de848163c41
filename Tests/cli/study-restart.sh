# shellcheck shell=bash
# A study that is killed anywhere and started again: by the death of a tool before it begins, in the middle of what it
# writes, of all makes while their tool goes on, and of everything at once. No finished stage runs again, and the
# bytes are those of an undisturbed study.

command -v make >/dev/null || skip 'make is not installed'
python3 -c 'import zstandard, yaml, ir_datasets' 2>/dev/null || skip 'python3 has no ir_datasets'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt,example.yml} .
build_faults
mkdir wrapped
for tool in tokenize encode index search rerank eval; do
  # Writes down what is made; the N-th of a round that makes something comes to grief where GRIEF is KIND:N.
  cat >wrapped/lir-$tool <<SH
#!/bin/bash
makes() { # the makes that this was called by
  local pid=\$\$ line
  while [ "\$pid" -gt 1 ]; do
    line=\$(cat /proc/\$pid/stat) || break
    case \$line in *' (make) '*) echo \$pid ;; esac
    pid=\$(cut -d ' ' -f 2 <<<"\${line##*) }")
  done
}
kind=''
if [ -n "\${GRIEF-}" ] && [[ " \$* " = *' -o '* ]]; then
  for ((i = 1; i <= \${GRIEF#*:}; i++)); do
    mkdir step.\$i 2>/dev/null || continue
    [ \$i != \${GRIEF#*:} ] || kind=\${GRIEF%:*}
    break
  done
fi
[ "\$kind" = tool ] || echo "lir-$tool \$*" >>ran
case \$kind in
  tool) kill -9 \$\$ ;;
  middle) LD_PRELOAD=$FAULTS LIR_TEST_STOP=3 exec "$LIR_BIN/lir-$tool" "\$@" ;;
  makes) kill -9 \$(makes) ;;
  all) kill -9 0 ;;
esac
exec "$LIR_BIN/lir-$tool" "\$@"
SH
  chmod +x wrapped/lir-$tool
done
study() { # study OUT ARGUMENT...
  env -u MODELS setsid -w make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN=wrapped OUT="$1" COLLECTIONS=example.yml SHARDS=2 \
    RETRIEVERS='dense sparse' RERANKERS=cross MODEL_dense="$MODELS/external/st_bert_mean/model" \
    MODEL_sparse="$MODELS/native/splade_bert_00/model" MODEL_cross="$MODELS/native/mono_bert_00/model" \
    INDEXES_dense='exact parted' CODEBOOK_FLAGS_parted='--type ivf --num-centroids 4' RERANK_DEPTH=5 DEPTH=20 "${@:2}" >make.log 2>&1
}
undisturbed=0
study one || undisturbed=$?
[ $undisturbed = 0 ] || { cat make.log >&2; fail 'an undisturbed study'; }
rm ran
# Files that are finished, and folders of indexes that are.
finished() {
  [ -d two ] || return 0
  find two -type f ! -path '*/settings/*' ! -path '*/logs/*' ! -name '.*' ! -name '*.part' 2>/dev/null | sed 's,/manifest.json$,,' | sort
}
kinds=(tool middle makes all)
rounds=0 happened=''
while true; do
  finished >finished.log
  rm -rf step.* ran
  touch ran
  kind=${kinds[rounds % 4]}
  status=0
  # In pairs, one by one and two at a time.
  (GRIEF=$kind:$((2 + rounds % 3)) study two -j $((1 + rounds / 4 % 2))) 2>killed.log || status=$?
  # What a stage writes, by what was started in this round.
  sed -nE 's/.* -o ([^ ]+).*/\1/p' ran | sort -u >made.log
  again=$(comm -12 finished.log made.log)
  [ -z "$again" ] || { cat make.log >&2; fail "round $rounds, after $happened: finished, and made again: $again"; }
  [ $status != 0 ] || [ -d "step.$((2 + rounds % 3))" ] || break
  happened+=" $kind"
  rounds=$((rounds + 1))
  [ $rounds -lt 40 ] || { cat make.log >&2; fail 'a study that does not end'; }
done
[ $rounds -ge 8 ] || fail "stopped $rounds times alone"
# A tool whose makes were killed may still be there.
for _ in {1..100}; do
  pgrep -f "$LIR_BIN/lir-.* two/" >/dev/null || break
  sleep 0.1
done
rm ran
study two || { cat make.log >&2; fail 'a finished study fails'; }
[ ! -e ran ] || { cat ran >&2; fail 'a finished study does something'; }
for file in one/table.* one/mteb.txt one/mteb/*/*/*.json one/example/*.tsv one/example/*.run one/example/*/*.run one/example/*/*.lirt* \
  one/example/*/docs/* one/example/*/rerank/second/* one/example/*/*/manifest.json; do
  same "$file" "two/${file#one/}"
done
diff -r one/example/dense/parted two/example/dense/parted || fail 'another index'
# A kill between the end of a stage and that of its shell leaves a lock beside what is finished: nobody has it.
find two -name '*.held' >held.log
while read -r held; do
  is "the lock $held" held "$(timeout 60 "$ROOT/pipelines/holding" "$held" </dev/null)"
done <held.log
is 'what is left behind' '' "$(find two -name '*.held' -o -name '*.part' -o -name '*.partial*' | paste -sd ' ')"
rm -rf one two wrapped datasets ran held.log step.*

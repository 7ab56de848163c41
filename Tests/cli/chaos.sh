# shellcheck shell=bash
# scripts/chaos: two rounds of it end with the bytes of an undisturbed run, and a pipeline that does not is found.
# Hundreds of rounds are run by hand: lir-reliability(7).

for command in make cc; do command -v $command >/dev/null || skip "$command is not installed"; done
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv} .
chaos() { "$ROOT/scripts/chaos" --rounds 2 --bin "$LIR_BIN" "$@" >chaos.log; }
exits 0 chaos --seed 5 --only call,group -- "$ROOT/pipelines/retrieve.mk" SHARDS=2 DOCS=docs.tsv \
  QUERIES=queries.tsv MODEL="$MODELS/external/st_bert_mean/model"
grep -q '^chaos: rounds=2 .* wrong=0 left=[0-9]* seed=5$' chaos.log || fail "$(cat chaos.log)"
# One that takes what a killed job has left for whole.
cat >careless.mk <<'END_OF_MAKEFILE'
$(OUT)/copy.tsv: ; for i in 1 2 3 4 5 6 7 8 9; do echo $$i >>$@; sleep 0.02; done
END_OF_MAKEFILE
exits 1 chaos --only group -- careless.mk
grep -q '^chaos: round [12]: group.* copy.tsv$' chaos.log || fail "$(cat chaos.log)"
rm -rf "$(sed -n 's/^chaos: see //p' chaos.log)"

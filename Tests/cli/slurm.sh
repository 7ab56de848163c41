# shellcheck shell=bash
# A pipeline whose shards are an array of a real Slurm: the same bytes as by processes of this machine, also
# where tasks stop at a checkpoint, are cancelled, or lose their node. With LIR_TEST_SLOW=yes one loses its
# slurmstepd, too, which Slurm notices after two minutes.

for command in slurmctld slurmd sbatch make pgrep; do
  PATH=$PATH:/usr/sbin command -v $command >/dev/null || skip "$command is not installed"
done
timed cluster.env  # folders of the run
texts 400 >docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv .
pipeline() { # pipeline OUT ARGUMENT...
  make --no-print-directory -f "$ROOT/pipelines/retrieve.mk" OUT="$1" SHARDS=5 DOCS=docs.tsv \
    MODEL="$MODELS/external/st_bert_mean/model" QUERIES=queries.tsv BIN="$PWD/bin" "${@:2}"
}
submit() { pipeline there RUN=slurm JOB_CPUS=1 JOB_MEMORY=1000 JOB_TIME=10 "$@"; }

# Tools that come to grief once: shard 1 is told by Slurm that its time is over, 2 is cancelled, 3 loses its node,
# 4 stops at a checkpoint, 5 loses its slurmstepd.
build_faults
mkdir bin grief
ln -s "$LIR_BIN"/lir-* bin
rm bin/lir-encode
cat >bin/lir-encode <<END_OF_TOOL
#!/bin/bash
shard=\$(sed -n 's|.*--shard \([0-9]*\)/.*|\1|p' <<<"\$*")
if [ -n "\$shard" ] && [ -n "\${SLURM_JOB_ID-}" ] && mkdir "$PWD/grief/\$shard" 2>/dev/null; then
  id=\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID
  case \$shard in
    1) trap 'exit 75' TERM && scancel --batch --signal=USR1 "\$id" && for i in {1..600}; do sleep 0.1; done ;;
    2) scancel "\$id" && sleep 60 ;;
    3) echo "\$SLURMD_NODENAME" >"$PWD/grief/node" && exec "$ROOT/scripts/slurm-local" kill "\$SLURMD_NODENAME" "$PWD/cluster" ;;
    4) LD_PRELOAD=$FAULTS LIR_TEST_STOP=1 LIR_TEST_SIGNAL=10 exec "$LIR_BIN/lir-encode" "\$@" ;;
    5) [ '${LIR_TEST_SLOW-no}' = no ] || kill -9 \$(pgrep -f "slurmstepd: \[\$SLURM_JOB_ID[.]batch\]") ;;
  esac
fi
exec "$LIR_BIN/lir-encode" "\$@"
END_OF_TOOL
chmod +x bin/lir-encode

exits 0 pipeline here >here.log
export WAIT_SECONDS=0.3
trap '"$ROOT/scripts/slurm-local" down "$PWD/cluster"' EXIT
exits 0 "$ROOT/scripts/slurm-local" up --nodes 5 --cpus 1 --memory 4000 cluster >cluster.env
eval "$(cat cluster.env)"

# Slurm would notice by itself that a node is silent, half a minute later.
notice() {
  if [ -s grief/node ]; then
    scontrol update NodeName="$(cat grief/node)" State=DOWN Reason=silent
    rm grief/node
  fi
}
submitted() { sed 's/job [0-9]*/job N/' submit.log | xargs; }
status() { pipeline there status >status.log 2>said.log || fail "status: $(cat said.log)"; }
shows() { grep -qE -- "$1" status.log || fail "status lacks $1: $(cat status.log)"; }

status
shows '^docs +0/5 +0 +0 +0 +5$'
exits 0 submit >submit.log
is 'submitted' 'tokens: job N docs: job N, shards 1-5 of 5 first: job N' "$(submitted)"
exits 2 submit
says 'jobs of there are not done yet'
settle notice
# The shard that was cancelled is missing, and what waited for it was not begun; the others went on.
status
shows '^docs +4/5 +0 +0 +1 +0$'
shows 'docs 2: failed status 143, there/jobs/docs.2.log'
shows '^first +0/1 +0 +0 +0 +1$'
for shard in 1 3 4 ${LIR_TEST_SLOW:+5}; do
  is "begins of shard $shard" 2 "$(grep -c "shard $shard/5, host n[1-5], begin [12]," "there/jobs/docs.$shard.log")"
done
for shard in 1 4; do
  grep -q '^task: queued again' "there/jobs/docs.$shard.log" || fail "shard $shard was not queued again by its script"
done
# What joins the shards names the one that is missing, and does not make it.
refuses 66 'docs: shards 2 of 5 are missing' "$ROOT/pipelines/jobs" join there 5 'docs there/docs/%.lirt.zst' \
  -- make -s -f "$ROOT/pipelines/retrieve.mk" OUT=there SHARDS=5 DOCS=docs.tsv QUERIES=queries.tsv \
  MODEL="$MODELS/external/st_bert_mean/model" BIN="$PWD/bin" there/first.run

# The same submission does what is missing, and the bytes are those of the local run.
exits 0 submit >submit.log
is 'submitted' 'docs: job N, shards 2 of 5 first: job N' "$(submitted)"
settle
status
shows '^docs +5/5 +0 +0 +0 +0$'
shows '^first +1/1 +0 +0 +0 +0$'
for file in docs.tokens.zst queries.lirt docs.lirt.zst first.run index/manifest.json; do
  same "here/$file" "there/$file"
done
is 'shards that were made' 5 "$(cat there/jobs/docs.*.log | grep -c 'lir-encode: done')"
exits 0 submit >submit.log
is 'submitted when all is done' 'there: nothing to be done' "$(cat submit.log)"

# One job learns a codebook, an array builds parts of the index with it, and they are joined.
coded=(CODEBOOK_FLAGS='--type ivf --num-centroids 8' SEARCH_FLAGS='--nprobe 3')
exits 0 pipeline here "${coded[@]}" >here.log
exits 0 submit "${coded[@]}" >submit.log
is 'submitted' 'codebook: job N parts: job N, shards 1-5 of 5 first: job N' "$(submitted)"
settle
for part in codebook index; do diff -r here/$part there/$part || fail "another $part"; done
same here/first.run there/first.run
rm -r there/parts/3
exits 0 submit "${coded[@]}" >submit.log
is 'submitted' 'parts: job N, shards 3 of 5 first: job N' "$(submitted)"
settle
diff -r here/index there/index || fail 'another index after a part was lost'
exits 0 pipeline there "${coded[@]}" status >status.log
shows '^parts +5/5 +0 +0 +0 +0$'

# A shard that is there twice is named by what joins, and the job says so.
cp there/docs/1.lirt.zst there/docs/2.lirt.zst
exits 2 submit WAIT=yes >submit.log
grep -q 'first: failed status 65' submit.log || { cat submit.log >&2; fail 'no status of the join'; }
grep -q 'expected shard 2/5, found 1/5' there/jobs/first.log || fail 'the shard that is there twice is not named'
exits 2 submit MODEL=nowhere
"$ROOT/scripts/slurm-local" down cluster
# What ends takes a moment.
for _ in {1..100}; do
  pgrep -f "$PWD/cluster" >/dev/null || break
  sleep 0.1
done
is 'daemons that are left' '' "$(pgrep -f "$PWD/cluster" || true)"
trap - EXIT
refuses 66 'no such file' "$ROOT/scripts/slurm-local" down nowhere
refuses 64 'expected a number' "$ROOT/scripts/slurm-local" up --nodes none cluster
rm -rf cluster here there bin grief

# shellcheck shell=bash
# A pipeline whose shards are an array of a real Slurm: the same bytes as by processes of this machine, also
# where tasks stop at a checkpoint, are cancelled, or lose their node.

for command in slurmctld slurmd sbatch make pgrep; do
  PATH=$PATH:/usr/sbin command -v $command >/dev/null || skip "$command is not installed"
done
texts 400 >docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv .
pipeline() { # pipeline OUT ARGUMENT...
  make --no-print-directory -f "$ROOT/pipelines/retrieve.mk" OUT="$1" SHARDS=4 DOCS=docs.tsv \
    MODEL="$MODELS/external/st_bert_mean/model" QUERIES=queries.tsv BIN="$PWD/bin" "${@:2}"
}
submit() { pipeline there RUN=slurm JOB_CPUS=1 JOB_MEMORY=1000 JOB_TIME=10 "$@"; }

# Tools that come to grief once: shard 1 is asked to stop, 2 is cancelled, 3 loses its node.
build_faults
mkdir bin grief
ln -s "$LIR_BIN"/lir-* bin
rm bin/lir-encode
cat >bin/lir-encode <<END_OF_TOOL
#!/usr/bin/env bash
shard=\$(sed -n 's|.*--shard \([0-9]*\)/.*|\1|p' <<<"\$*")
if [ -n "\$shard" ] && [ -n "\${SLURM_JOB_ID-}" ] && mkdir "$PWD/grief/\$shard" 2>/dev/null; then
  case \$shard in
    1) LD_PRELOAD=$FAULTS LIR_TEST_STOP=1 LIR_TEST_SIGNAL=10 exec "$LIR_BIN/lir-encode" "\$@" ;;
    2) scancel "\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID" && sleep 60 ;;
    3) echo "\$SLURMD_NODENAME" >"$PWD/grief/node" && exec "$ROOT/scripts/slurm-local" kill "\$SLURMD_NODENAME" "$PWD/cluster" ;;
  esac
fi
exec "$LIR_BIN/lir-encode" "\$@"
END_OF_TOOL
chmod +x bin/lir-encode

exits 0 pipeline here >here.log
export WAIT_SECONDS=0.3
trap '"$ROOT/scripts/slurm-local" down "$PWD/cluster"' EXIT
exits 0 "$ROOT/scripts/slurm-local" up --nodes 4 --cpus 1 --memory 4000 cluster >cluster.env
eval "$(cat cluster.env)"

# Waits for the jobs. Slurm puts off for two minutes what is queued again; more than a second is enough for
# its node to tell the old job from the new one.
settle() {
  local tries=600 id node
  while [ "$(squeue -h -t pending,running,completing | wc -l)" != 0 ]; do
    for id in $(squeue -h -r -t pending -o '%i %r' | sed -n 's/ BeginTime$//p'); do
      sleep 1.5
      scontrol update JobId="$id" StartTime=now 2>/dev/null || true
    done
    # Slurm would notice by itself that the node is silent, half a minute later.
    if [ -s grief/node ]; then
      node=$(cat grief/node) && rm grief/node
      scontrol update NodeName="$node" State=DOWN Reason=silent
    fi
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { cat there/jobs/*.log >&2; fail 'the jobs do not end'; }
    sleep 0.2
  done
}
status() { pipeline there status >status.log 2>said.log || fail "status: $(cat said.log)"; }
shows() { grep -qE -- "$1" status.log || fail "status lacks $1: $(cat status.log)"; }

status
shows '^docs +0/4 +0 +0 +0 +4$'
exits 0 submit >submit.log
is 'submitted' 'tokens: job 1 docs: job 2, shards 1-4 of 4 first: job 3' "$(xargs <submit.log)"
exits 2 submit
says 'jobs of there are not done yet'
settle
# The shard that was cancelled is missing, and what waited for it was not begun; the others went on.
status
shows '^docs +3/4 +0 +0 +1 +0$'
shows 'docs 2: failed status 143, there/jobs/docs.2.log'
shows '^first +0/1 +0 +0 +0 +1$'
for shard in 1 3; do
  is "begins of shard $shard" 2 "$(grep -c "shard $shard/4, host n[1-4], begin [12]," there/jobs/docs.$shard.log)"
done
grep -q '^task: queued again' there/jobs/docs.1.log || fail 'shard 1 was not queued again by its script'
# What joins the shards names the one that is missing, and does not make it.
refuses 66 'docs: shards 2 of 4 are missing' "$ROOT/pipelines/jobs" join there 4 'docs there/docs/%.lirt.zst' \
  -- make -s -f "$ROOT/pipelines/retrieve.mk" OUT=there SHARDS=4 DOCS=docs.tsv QUERIES=queries.tsv \
  MODEL="$MODELS/external/st_bert_mean/model" BIN="$PWD/bin" there/first.run

# The same submission does what is missing, and the bytes are those of the local run.
exits 0 submit >submit.log
is 'submitted' 'docs: job N, shards 2 of 4 first: job N' "$(sed 's/job [0-9]*/job N/' submit.log | xargs)"
settle
status
shows '^docs +4/4 +0 +0 +0 +0$'
shows '^first +1/1 +0 +0 +0 +0$'
for file in docs.tokens.zst queries.lirt docs.lirt.zst first.run index/manifest.json; do
  same "here/$file" "there/$file"
done
is 'shards that were made' 4 "$(cat there/jobs/docs.*.log | grep -c 'lir-encode: done')"
exits 0 submit >submit.log
is 'submitted when all is done' 'there: nothing to be done' "$(cat submit.log)"

# A shard that is there twice is named by what joins, and the job says so.
cp there/docs/1.lirt.zst there/docs/2.lirt.zst
exits 2 submit WAIT=yes >submit.log
grep -q 'first 1\?: failed status 65\|first: failed status 65' submit.log || { cat submit.log >&2; fail 'no status of the join'; }
grep -q 'expected shard 2/4, found 1/4' there/jobs/first.log || fail 'the shard that is there twice is not named'
exits 2 submit MODEL=nowhere
"$ROOT/scripts/slurm-local" down cluster
is 'daemons that are left' '' "$(pgrep -f "$PWD/cluster" || true)"
trap - EXIT
refuses 66 'no such file' "$ROOT/scripts/slurm-local" down nowhere
refuses 64 'expected a number' "$ROOT/scripts/slurm-local" up --nodes none cluster
rm -rf cluster here there bin grief

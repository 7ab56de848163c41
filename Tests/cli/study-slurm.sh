# shellcheck shell=bash
# A study as jobs of a real Slurm: the bytes of a local one, also where tasks stop at a checkpoint, die or are cancelled;
# a cell that fails leaves the others alone, and the same command again submits what is missing, no more.

for command in slurmctld slurmd sbatch make pgrep; do
  PATH=$PATH:/usr/sbin command -v $command >/dev/null || skip "$command is not installed"
done
python3 -c 'import zstandard, yaml, ir_datasets' 2>/dev/null || skip 'python3 has no ir_datasets'
timed cluster.env join.sh  # folders of the run
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt,example.yml} .
head -n 4 queries.tsv >few.tsv
printf 'docs: docs.tsv\nqueries: few.tsv\nqrels: qrels.txt\n' >few.yml
study() { # study OUT ARGUMENT...
  env -u MODELS make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN="$PWD/bin" OUT="$1" SHARDS=3 SHARDS_few.yml=2 \
    COLLECTIONS='few.yml example.yml' SAME_DOCS=few.yml=example.yml RETRIEVERS='dense sparse' RERANKERS=cross \
    MODEL_dense="$MODELS/external/st_bert_mean/model" MODEL_sparse="$MODELS/native/splade_bert_00/model" \
    MODEL_cross="$MODELS/native/mono_bert_00/model" INDEXES_dense='exact parted' RERANK_DEPTH=5 DEPTH=20 \
    CODEBOOK_FLAGS_parted='--type ivf --num-centroids 4' SEARCH_FLAGS= "${@:2}"
}
submit() { study there RUN=slurm JOB_CPUS=1 JOB_MEMORY=1000 JOB_TIME=10 JOB_MEMORY_docs=1500 "$@"; }

# Tools that write down that they ran, and come to grief once: shard 1 of the dense model stops at a checkpoint, 2 dies;
# shard 2 of the re-ranking of few is cancelled.
build_faults
mkdir bin grief
ln -s "$LIR_BIN"/lir-* bin
for tool in encode rerank index search tokenize; do
  rm bin/lir-$tool
  cat >bin/lir-$tool <<END_OF_TOOL
#!/bin/bash
[ "\${1-}" = types ] || echo "lir-$tool \$*" >>"$PWD/ran"
grief=''
case "lir-$tool \$*" in
  'lir-encode '*there/example/dense/docs/1.*) grief=stop ;;
  'lir-encode '*there/example/dense/docs/2.*) grief=die ;;
  'lir-rerank '*there/few/cross/rerank/second/2.*) grief=cancel ;;
esac
if [ -n "\$grief" ] && mkdir "$PWD/grief/\$grief" 2>/dev/null; then
  case \$grief in
    stop) LD_PRELOAD=$FAULTS LIR_TEST_STOP=1 LIR_TEST_SIGNAL=15 exec "$LIR_BIN/lir-$tool" "\$@" ;;
    die) kill -9 \$\$ ;;
    cancel) scancel "\${SLURM_ARRAY_JOB_ID}_\$SLURM_ARRAY_TASK_ID" && sleep 60 ;;
  esac
fi
exec "$LIR_BIN/lir-$tool" "\$@"
END_OF_TOOL
  chmod +x bin/lir-$tool
done

exits 0 study here >here.log
sed 's/here/there/g' ran | sort >ran-here.log
rm ran
export WAIT_SECONDS=0.3
trap '"$ROOT/scripts/slurm-local" down "$PWD/cluster"' EXIT
exits 0 "$ROOT/scripts/slurm-local" up --nodes 2 --cpus 2 --memory 6000 cluster >cluster.env
eval "$(cat cluster.env)"

submitted() { sed 's/job [0-9]*/job N/' submit.log | paste -sd ';'; }
status() { study there status >status.log 2>said.log || fail "status: $(cat said.log)"; }
shows() { grep -qE -- "$1" status.log || fail "status lacks $1: $(cat status.log)"; }

status
shows '^docs +0/6 +0 +0 +0 +6$'
[ ! -e there ] || fail 'status makes something'
exits 0 submit >submit.log
cp submit.log first.log
for line in 'prepare: job N' 'docs.example.dense: job N, shards 1-3 of 3' 'second.few.cross: job N, shards 1-2 of 2' \
  'codebook.example.dense.parted: job N' 'parts.example.dense.parted: job N, shards 1-3 of 3' \
  'search.few.dense.exact: job N' 'table: job N'; do
  grep -qxF "$line" <(sed 's/job [0-9]*/job N/' submit.log) || { cat submit.log >&2; fail "not submitted: $line"; }
done
! grep -q '^docs.few' submit.log || fail 'documents of another collection are encoded twice'
job=$(sed -n 's/^docs.example.dense: job \([0-9]*\),.*/\1/p' submit.log)
scontrol show job "${job}" >job.log
grep -q 'mem=1500M\|MinMemoryNode=1500M' job.log || { cat job.log >&2; fail 'no memory of the stage'; }
exits 2 submit
says 'jobs of there are not done yet'
settle
# What died and what was cancelled is named, what waits for it was not begun; all other cells are done.
status
shows '^docs +5/6 +0 +0 +1 +0$'
shows '^second +4/5 +0 +0 +1 +0$'
shows 'docs.example.dense 2: failed status 137, there/jobs/docs.example.dense.2.log'
shows 'second.few.cross 2: failed status 143, there/jobs/second.few.cross.2.log'
shows '^join +1/2 +0 +0 +0 +1$'
shows '^bm25 +2/2 +0 +0 +0 +0$'
shows '^search +2/6 +0 +0 +0 +4$'
shows '^rerank +1/2 +0 +0 +0 +1$'
shows '^table +0/1 +0 +0 +0 +1$'
grep -q "shard 1/3, host n[12], begin 2," there/jobs/docs.example.dense.1.log || fail 'what stopped was not begun again'
grep -q '^task: queued again' there/jobs/docs.example.dense.1.log || fail 'shard 1 was not queued again by its script'
is 'statuses of the shard that stopped' '75 0' \
  "$(sed -n 's/^task: .*: end, status \([0-9]*\),.*/\1/p' there/jobs/docs.example.dense.1.log | xargs)"
[ -s there/example/sparse/exact.run ] || fail 'another cell was not made'
# What joins the shards names those that are missing, and makes nothing.
exits 0 study there -s jobs >listed.log
is 'jobs' "$(cut -d : -f 1 first.log | sort | xargs)" "$(cut -f 1 listed.log | sort | xargs)"
join_of() { # join_of NAME: what the job of that name runs
  local array count pattern goals
  goals=$(awk -F '\t' -v name="$1" '$1 == name { print $4 }' listed.log)
  array=$(awk -F '\t' -v name="$1" '$1 == name { print $3 }' listed.log)
  count=$(awk -F '\t' -v name="$array" '$1 == name { print $2 }' listed.log)
  pattern=$(awk -F '\t' -v name="$array" '$1 == name { print $4 }' listed.log)
  sed -n "s|^.*jobs submit there .*-- |exec \"$ROOT/pipelines/jobs\" join there $count '$array $pattern' -- |p" dry.log |
    sed "s|\$| $goals|" >join.sh
  bash join.sh
}
exits 0 study there -n RUN=slurm >dry.log
refuses 66 'docs.example.dense: shards 2 of 3 are missing' join_of join.example.dense
refuses 66 'second.few.cross: shards 2 of 2 are missing' join_of rerank.few.cross
[ ! -e there/example/dense/docs.lirt.zst ] || fail 'missing shards are joined'

# The same command does what is missing, no more, and the bytes are those of the local study.
exits 0 submit >submit.log
is 'submitted' "$(cat <<'END'
docs.example.dense: job N, shards 2 of 3
join.example.dense: job N
index.example.dense.exact: job N
codebook.example.dense.parted: job N
parts.example.dense.parted: job N, shards 1-3 of 3
index.example.dense.parted: job N
search.example.dense.exact: job N
search.example.dense.parted: job N
search.few.dense.exact: job N
search.few.dense.parted: job N
second.few.cross: job N, shards 2 of 2
rerank.few.cross: job N
table: job N
END
)" "$(sed 's/job [0-9]*/job N/' submit.log)"
settle
status
! grep -qvE '^(job|[a-z0-9]+ +([0-9]+)/\2 +0 +0 +0 +0)' status.log || fail "not all is done: $(cat status.log)"
same_bytes() { # same_bytes OUT: all that a study is, but for what tells of time
  local file
  for file in here/table.* here/mteb.txt here/mteb/*/*/*.json here/*/*.run here/*/*/*.run here/*/*.tsv here/*/*/*.lirt* here/*/*/docs/* \
    here/*/*/*/manifest.json here/*/*/rerank/second/*; do
    same "$file" "$1/${file#here/}"
  done
}
same_bytes there
# Each command once, but for what stopped or died.
sort ran | sed 's/ --label [^ ]*//g' >ran-there.log
{ cat ran-here.log; grep 'lir-encode --.*-o there/example/dense/docs/[12][.]' ran-here.log; grep 'lir-rerank .*-o there/few/cross/rerank/second/2[.]' ran-here.log; } | sort >wanted.log
same wanted.log ran-there.log
exits 0 submit >submit.log
is 'submitted when all is done' 'there: nothing to be done' "$(cat submit.log)"
# What is changed alone is submitted.
exits 0 submit RERANK_DEPTH=4 >submit.log
is 'submitted' 'second.few.cross: job N, shards 1-2 of 2;rerank.few.cross: job N;second.example.cross: job N, shards 1-3 of 3;rerank.example.cross: job N;table: job N' \
  "$(submitted)"
settle
exits 0 submit WAIT=yes >submit.log
grep -q '^table  *1/1' submit.log || fail "no status at the end: $(cat submit.log)"
same_bytes there
# A shard that is there twice is named by what joins, and the job says so.
cp there/few/cross/rerank/second/1.run there/few/cross/rerank/second/2.run
exits 2 submit WAIT=yes >submit.log
grep -q 'rerank.few.cross: failed status 65' submit.log || { cat submit.log >&2; fail 'no status of the join'; }
grep -q 'is in .*second/1.run, too: a shard is there twice' there/jobs/rerank.few.cross.log || fail 'the shard is not named'
# What is wrong is said before anything is submitted.
exits 2 submit MODEL_dense=nowhere
exits 2 submit SHARDS_few.yml=none
says "SHARDS_few.yml: 'none': expected a number from 1"
trap - EXIT
"$ROOT/scripts/slurm-local" down cluster
rm -rf cluster here there bin grief ran datasets

# shellcheck shell=bash
# Templates of tasks for PBS, SGE, LSF and GNU parallel: each does its shard, says what it is, and has work that
# stopped behind a checkpoint begun again.

command -v pgrep >/dev/null || skip 'pgrep is not installed'
export LIR_PIPELINES=$ROOT/pipelines
model=$MODELS/external/st_bert_mean/model
texts 30 >docs.tsv
exits 0 lir-encode --model "$model" --role doc docs.tsv -o whole.lirt
encode=(lir-encode --model "$model" --role doc --shard auto/3 --resume -o 'part-{#}.lirt' docs.tsv)
LIR_COMMAND=${encode[*]}
export LIR_COMMAND
# What a task of each scheduler finds in its environment, whose template takes the command as it does.
under() { # under SCHEDULER TASK COMMAND...
  local name=$1 task=$2
  shift 2
  case $name in
    pbs) env PBS_JOBID="7[$task].host" PBS_ARRAY_INDEX="$task" PBS_O_WORKDIR="$PWD" NCPUS=1 \
      bash "$LIR_PIPELINES/pbs/task.pbs" ;;
    sge) env SGE_TASK_ID="$task" SGE_TASK_FIRST=1 SGE_TASK_STEPSIZE=1 JOB_ID=7 NSLOTS=1 \
      bash "$LIR_PIPELINES/sge/task.sge" "$@" ;;
    lsf) env LSB_JOBID=7 LSB_JOBINDEX="$task" bash "$LIR_PIPELINES/lsf/task.lsf" ;;
  esac
}
for name in pbs sge lsf; do
  for task in 1 2 3; do
    exits 0 under $name $task "${encode[@]}"
    says "task: task: job 7_$task, shard $task, host $(uname -n), begin 1, " 'task: task: end, status 0, '
  done
  exits 0 lir-encode cat part-1.lirt part-2.lirt part-3.lirt -o joined.lirt
  same whole.lirt joined.lirt
  rm part-?.lirt joined.lirt
done

# Work that was kept: SGE begins a task again by 99, LSF by 75, PBS where it is asked; then it goes on.
mkdir path
printf '#!/bin/sh\necho "$@" >>"%s/requeued.txt"\n' "$PWD" >path/qrerun
chmod +x path/qrerun
build_faults
printf '#!/bin/sh\nLD_PRELOAD=%s LIR_TEST_STOP=1 LIR_TEST_SIGNAL=15 exec %s/lir-encode "$@"\n' "$FAULTS" \
  "$LIR_BIN" >path/lir-encode
chmod +x path/lir-encode
for name in pbs:75 sge:99 lsf:75; do
  PATH=$PWD/path:$PATH exits ${name#*:} under ${name%:*} 2 "${encode[@]}"
  says 'task: task: end, status 75, '
  exits 0 under ${name%:*} 2 "${encode[@]}"
  exits 0 lir-encode --model "$model" --role doc --shard 2/3 docs.tsv -o two.lirt
  same two.lirt part-2.lirt
  rm part-2.lirt two.lirt
done
is 'what PBS was asked' '7[2].host' "$(cat requeued.txt)"
rm -r path
# Make's status is not the tool's: the task tells which one it was.
cat >stops.mk <<END
OUT := out
SHARDS := 1
include $ROOT/pipelines/settings.mk
all:
	exit 75
END
exits 75 "$ROOT/pipelines/task" make -s -f stops.mk all
exits 1 "$ROOT/pipelines/task" sh -c 'exit 1'
refuses 64 'no scheduler says which task this is' "$ROOT/pipelines/task" echo '{#}'
refuses 64 'which command' "$ROOT/pipelines/task"

# A task that is told to end tells its tools, waits for what they keep, and is not begun again.
cat >lir-waits <<'END_OF_TOOL'
#!/bin/bash
trap 'echo kept >kept.txt; exit 75' TERM
echo $$ >waiting.pid
for ((i = 0; i < 600; i++)); do sleep 0.1; done
END_OF_TOOL
chmod +x lir-waits
printf 'wait:\n\t./lir-waits\n' >>stops.mk
for signal in TERM:143 USR1:75; do
  rm -f waiting.pid kept.txt
  "$ROOT/pipelines/task" make -s -f stops.mk wait >task.log 2>&1 &
  task=$!
  for ((tries = 0; tries < 600; tries++)); do
    [ ! -s waiting.pid ] || break
    sleep 0.05
  done
  kill -"${signal%:*}" $task
  status=0
  wait $task || status=$?
  is "status after $signal" "${signal#*:}" $status
  is 'what was kept' kept "$(cat kept.txt)"
done

# Runs of shards are joined where no query is in two.
printf '1 Q0 a 1 2 t\n1 Q0 b 2 1 t\n' >1.run
printf '2 Q0 a 1 2 t\n' >2.run
is 'lines' 3 "$("$ROOT/pipelines/join-runs" 1.run 2.run | wc -l)"
exits 65 "$ROOT/pipelines/join-runs" 1.run 2.run 1.run >joined.log
says '1.run: query 1 is in 1.run, too: a shard is there twice'

command -v parallel >/dev/null || { note 'GNU parallel is not installed'; exit 0; }
encode[6]='{#}/3'
tasks() { "$ROOT/pipelines/parallel/tasks" --jobs 2 --log "$@"; }
exits 0 tasks encode.log 3 "${encode[@]}"
says 'shard 3/3, host'
exits 0 lir-encode cat part-1.lirt part-2.lirt part-3.lirt -o joined.lirt
same whole.lirt joined.lirt
# A task that failed is the only one that is begun again.
timed begun.txt
exits 1 tasks fail.log 3 sh -c 'echo {#} >>begun.txt; [ {#} != 2 ] || [ -e mended ]'
is 'tasks' '1 2 2 2 3' "$(sort begun.txt | xargs)"
touch mended
exits 0 tasks fail.log 3 sh -c 'echo {#} >>begun.txt; [ {#} != 2 ] || [ -e mended ]'
is 'tasks' '1 2 2 2 2 3' "$(sort begun.txt | xargs)"
refuses 64 'expected the number of tasks' tasks x.log many echo

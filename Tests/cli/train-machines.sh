# shellcheck shell=bash
# Four machines train as four processes of one machine do: network namespaces with addresses of their own
# and names of their own, which reach each other by TCP alone. With LIR_TEST_SLOW=yes, by root.

[ "${LIR_TEST_SLOW-no}" = yes ] || skip 'LIR_TEST_SLOW is not yes'
[ "$(id -u)" = 0 ] || skip 'only root can make network namespaces'
for program in ip mpirun unshare; do command -v $program >/dev/null || skip "$program is not installed"; done
train=$LIR_BIN/lir-train
has_mpi() { [ -x "$1" ] && "$1" --version -v | grep -q ' MPI '; }
has_mpi "$train" || train=$ROOT/.build/mpi/release/lir-train
has_mpi "$train" ||
  skip 'no build with MPI: swift build -c release --traits MPI --scratch-path .build/mpi'

name=lir$$ bridge=lirb$$ net=10.213.$(($$ % 250))
clean() {
  local i
  for i in 1 2 3 4; do ip netns del $name-$i 2>/dev/null || true; done
  ip link del $bridge 2>/dev/null || true
}
trap clean EXIT
{ ip link add $bridge type bridge && ip link set $bridge up; } 2>ip.log || skip "no bridge here: $(cat ip.log)"
for i in 1 2 3 4; do
  ip netns add $name-$i 2>ip.log || skip "no network namespaces here: $(cat ip.log)"
  { ip link add v$i-$$ type veth peer name eth0 netns $name-$i && ip link set v$i-$$ master $bridge up &&
    ip -n $name-$i addr add "$net.$i/24" dev eth0 && ip -n $name-$i link set eth0 up &&
    ip -n $name-$i link set lo up; } 2>ip.log || skip "no virtual network here: $(cat ip.log)"
done
# on I COMMAND...: runs it on machine I, which has files of its own for what processes share there.
on() {
  mkdir -p "$PWD/tmp-$1"
  # shellcheck disable=SC2016  # for the inner shell
  ip netns exec $name-"$1" unshare --uts bash -c 'hostname "$0" && exec "$@"' "machine$1" \
    env TMPDIR="$PWD/tmp-$1" "${@:2}"
}
cat >agent <<END
#!/usr/bin/env bash
# In the place of ssh: HOST COMMAND...
i=\${1##*.}
shift
mkdir -p "$PWD/tmp-\$i"
exec ip netns exec $name-\$i unshare --uts bash -c "hostname machine\$i; export TMPDIR=$PWD/tmp-\$i; cd '$PWD'; \$*"
END
chmod +x agent
# Nothing of one machine is heard on another but by the network.
on 1 bash -c "exec 9<>/dev/tcp/$net.2/9" 2>said.log && fail 'a port that nobody has'
machines() { # machines COMMAND...: on all four
  on 1 mpirun --allow-run-as-root -n 4 --host "$net.1,$net.2,$net.3,$net.4" --mca plm_rsh_agent "$PWD/agent" \
    --mca btl tcp,self --mca btl_tcp_if_include "$net.0/24" --mca oob_tcp_if_include "$net.0/24" \
    -x PATH -x LIR_THREADS "$@"
}
local4() { mpirun --allow-run-as-root --oversubscribe -n 4 "$@"; }
exits 0 machines hostname >hosts.log
is 'machines' 'machine1 machine2 machine3 machine4' "$(sort hosts.log | xargs)"

texts 100 3 | cut -f2 | grep . | paste - - - | awk -F'\t' 'NF == 3' | sed -n 1,25p >triples.tsv
for kind in dpr_bert_01:InBatchCrossEntropy mono_bert_00:RankNet splade_bert_00:InBatchCrossEntropy; do
  cat >train.yml <<END
model: $MODELS/native/${kind%:*}/model
data: {tuples: triples.tsv}
batch_size: 8
max_steps: 12
losses: [{name: ${kind#*:}}]
optimizer: {lr: 1.0e-3}
clip: 1.0
dropout: 0.1
checkpoint: {every: 4}
validate: [{tuples: triples.tsv, measures: [RR, loss], every: 5}]
END
  exits 0 local4 "$train" --config train.yml -o here
  exits 0 machines "$train" --config train.yml -o there
  is 'summaries' 1 "$(grep -c ': done' said.log)"
  for file in model.safetensors best/model.safetensors checkpoints/step-8/state.safetensors; do
    [ ! -e here/$file ] || same here/$file there/$file
  done
  same <(jq -c 'del(.tokens_per_second)' here/metrics.jsonl) <(jq -c 'del(.tokens_per_second)' there/metrics.jsonl)
  rm -r here there
done
# A machine that dies ends the job; the last checkpoint goes on to the same bytes.
long() { "$1" "$train" --config train.yml --set max_steps=60 -o "$2" "${@:3}"; }
exits 0 long local4 here
(long machines there 2>down.log; echo $? >status.log) &
until [ -e there/checkpoints/step-4/DONE ] || [ -e status.log ]; do sleep 0.02; done
ip netns pids $name-3 | xargs -r kill -KILL
wait
[ "$(cat status.log)" != 0 ] || fail 'a job without one of its machines ends well'
[ ! -e there/DONE ] || fail 'a dead job is marked as done'
exits 0 long machines there --resume
same here/model.safetensors there/model.safetensors
rm -rf here there tmp-?

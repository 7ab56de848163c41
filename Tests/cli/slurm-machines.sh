# shellcheck shell=bash
# Three machines of other instruction sets share an array of a real Slurm: network namespaces with names and addresses
# of their own. One of them loses its network and its power in the middle. In single precision the bytes are those of
# one machine; in another precision whoever joins the shards refuses them, and names one. With LIR_TEST_SLOW=yes, by root.

[ "${LIR_TEST_SLOW-no}" = yes ] || skip 'LIR_TEST_SLOW is not yes'
[ "$(id -u)" = 0 ] || skip 'only root can make network namespaces'
for command in slurmctld slurmd sbatch make ip nsenter unshare; do
  PATH=$PATH:/usr/sbin command -v $command >/dev/null || skip "$command is not installed"
done
grep -qw avx2 /proc/cpuinfo || skip 'this processor has no second instruction set'
texts 400 >docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv .
pipeline() { # pipeline OUT ARGUMENT...
  make --no-print-directory -f "$ROOT/pipelines/retrieve.mk" OUT="$1" SHARDS=6 DOCS=docs.tsv \
    MODEL="$MODELS/external/st_bert_mean/model" QUERIES=queries.tsv BIN="$PWD/bin" "${@:2}"
}
submit() { pipeline "$1" RUN=slurm JOB_CPUS=1 JOB_MEMORY=1000 JOB_TIME=10 "${@:2}"; }

# On n1 tools have the plain instructions, on n2 AVX2, on n3 what there is. The first shard that begins on n2 never ends
# there: its machine is lost.
mkdir bin grief
ln -s "$LIR_BIN"/lir-* bin
rm bin/lir-encode
cat >bin/lir-encode <<END_OF_TOOL
#!/bin/bash
isa=''
if [ -n "\${SLURM_JOB_ID-}" ]; then
  [[ " \$* " != *' --shard '* ]] || case \$(hostname) in n1) isa=portable ;; n2) isa=avx2 ;; esac
  if [ -e "$PWD/grief/wanted" ] && [ "\$isa" = avx2 ] && mkdir "$PWD/grief/here" 2>/dev/null; then
    exec "$ROOT/scripts/slurm-local" kill n2 "$PWD/cluster"
  fi
  sed -n 's|.*--shard \([0-9]*\)/.*|\1|p' <<<"\$*" | sed "s/\$/ \$(hostname)/" >>"$PWD/grief/where"
fi
exec "$LIR_BIN/lir-encode" "\$@" \${isa:+--isa "\$isa"}
END_OF_TOOL
chmod +x bin/lir-encode

exits 0 pipeline here >here.log
export WAIT_SECONDS=0.3
trap '"$ROOT/scripts/slurm-local" down "$PWD/cluster"' EXIT
"$ROOT/scripts/slurm-local" up --nodes 3 --cpus 1 --memory 4000 --machines cluster >cluster.env 2>said.log ||
  skip "no machines here: $(tail -n 1 said.log)"
eval "$(cat cluster.env)"

touch grief/wanted
exits 0 submit there >submit.log
settle
[ -d grief/here ] || fail 'no machine was lost'
is 'the lost machine' down "$(sinfo -h -N -n n2 -o %T | tr -d '*')"
exits 0 pipeline there status >status.log
grep -qE '^docs +6/6 +0 +0 +0 +0$' status.log || fail "$(cat status.log)"
is 'shards' '1 2 3 4 5 6' "$(cut -d ' ' -f 1 grief/where | sort -un | xargs)"
for node in n1 n3; do grep -q " $node\$" grief/where || fail "nothing was encoded on $node"; done
for file in docs.tokens.zst queries.lirt docs.lirt.zst first.run index/manifest.json; do
  same "here/$file" "there/$file"
done

# It comes back, and takes its part of the next array, whose precision depends on the instructions.
rm grief/wanted grief/where
exits 0 "$ROOT/scripts/slurm-local" start n2 cluster
exits 0 submit mixed ENCODE_FLAGS='--precision bf16' >submit.log
settle
for node in n1 n2 n3; do grep -q " $node\$" grief/where || fail "nothing was encoded on $node"; done
exits 0 pipeline mixed ENCODE_FLAGS='--precision bf16' status >status.log
grep -qE '^docs +6/6 ' status.log || fail "$(cat status.log)"
grep -q '^  first: failed status 78, ' status.log || fail "shards of other instruction sets were joined: $(cat status.log)"
grep -E 'error: .*mixed/docs/[2-6][.]lirt[.]zst' mixed/jobs/first.log | grep -qi 'instruction' ||
  fail "the shard is not named: $(cat mixed/jobs/first.log)"
"$ROOT/scripts/slurm-local" down cluster
trap - EXIT
is 'networks that are left' '' "$(ip -o link | grep -o 'lir[0-9]*-[1-3]' || true)"
rm -rf cluster here there mixed bin grief

# shellcheck shell=bash
# A Linux that is a process of its own (user-mode-linux): its disk is a file, and its power is cut by SIGKILL. What was
# said to be done before a cut is whole after it, whatever of it was in memory alone, and who changed an index is known
# to be no more. A disk of it is mounted by NFS, which the case `leases` runs over. With LIR_TEST_SLOW=yes, by root;
# LIR_TEST_CUTS says how often the power is cut.

[ "${LIR_TEST_SLOW-no}" = yes ] || skip 'LIR_TEST_SLOW is not yes'
[ "$(id -u)" = 0 ] || skip 'only root can mount disks'
PATH=$PATH:/usr/sbin
for command in linux.uml modprobe mkfs.ext4 rpc.nfsd rpc.mountd rpcbind exportfs mount.nfs4; do
  command -v $command >/dev/null || skip "$command is not installed"
done
build_faults
texts 10 9 >docs.tsv
mkdir -p parts disk net modules/lib/modules
cuts=${LIR_TEST_CUTS-3} RANDOM=20
count=$((20 + 6 * cuts))
for i in $(seq $count); do texts 5 "$i" | sed "s/^d/w$i-/" >"parts/$i.tsv"; done
for version in /usr/lib/uml/modules/*; do ln -s "$version" modules/lib/modules; done
truncate -s 1G disk.img
mkfs.ext4 -q -F disk.img

# The beginning of all that runs there; what it sees as / is this system's. Renames are not made safe by the file system.
cat >begin <<END_OF_SCRIPT
#!/bin/bash
cd "$PWD"
exec >>inside.log 2>&1
export PATH='$PATH' LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ln -s /proc/self/fd /dev/fd
hostname inside
mount -t ext4 -o noauto_da_alloc /dev/ubda disk || exit
END_OF_SCRIPT
finish='umount disk; touch ended; halt -f'

# boot SCRIPT: starts it with that script, whose process is $machine and all others' leader.
boot() {
  { cat begin "$1"; echo "$finish"; } >init
  chmod +x init
  setsid linux.uml mem=1G ubd0=disk.img root=/dev/root rootfstype=hostfs rootflags=/ rw init="$PWD/init" con=null \
    con0=null </dev/null >console.log 2>&1 &
  machine=$!
}
cut_power() {
  kill -KILL -- "-$machine"
  { wait "$machine" || true; } 2>/dev/null
}
# wait_for CONDITION...: waits until a command ends well, as long as the machine runs.
wait_for() {
  while ! "$@"; do
    kill -0 "$machine" 2>/dev/null || fail "it has ended: $(tail -n 20 inside.log console.log)"
    sleep 0.05
  done
}

# Appends to an index and writes vectors without end, and says so to this system when a file has its name.
model=$MODELS/external/st_bert_mean/model
cat >changes <<END_OF_SCRIPT
[ -e disk/docs.index ] || lir-index build -q --threads 1 --type bm25 docs.tsv -o disk/docs.index
lir-index verify disk/docs.index || { echo 'a damaged index'; exit; }
documents=\$(jq .documents disk/docs.index/manifest.json)
told=\$(wc -l <told)
[ \$documents -ge \$((10 + 5 * told)) ] || { echo "\$documents documents where \$told parts were told"; exit; }
for i in \$(seq \$told); do cmp parts/\$i.lirt.zst disk/\$i.lirt.zst || exit; done
echo "\$told parts" >>intact
for i in \$(seq \$(((documents - 10) / 5 + 1)) $count); do
  lir-encode -q --threads 1 --model "$model" --role doc parts/\$i.tsv -o disk/\$i.lirt.zst || exit
  lir-index append -q --threads 1 disk/docs.index parts/\$i.tsv || exit
  echo \$i >>told
done
END_OF_SCRIPT
for i in $(seq $count); do exits 0 lir-encode --model "$model" --role doc "parts/$i.tsv" -o "parts/$i.lirt.zst"; done
touch told intact
more_than() { [ "$(wc -l <"$1")" -gt "$2" ]; }
for cut in $(seq 0 "$cuts"); do
  before=$(wc -l <told)
  boot changes
  wait_for more_than intact "$cut"
  [ "$cut" != "$cuts" ] || { cut_power && break; }
  wait_for more_than told $((before + RANDOM % 3))
  sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
  cut_power
done
# Something was going on whenever the power was cut.
! more_than told $((count - 1)) || fail 'all was done before the last cut'
timed told intact

# The same by NFS.
rm -f disk.img inside.log
truncate -s 1G disk.img
mkfs.ext4 -q -F disk.img
for version in 4.2 3; do
  cat >served <<END_OF_SCRIPT
ip link set lo up
for module in nfsd nfs nfsv3 nfsv4; do modprobe -d "$PWD/modules" \$module || exit; done
mount -t tmpfs state /var/lib/nfs
mkdir -p /var/lib/nfs/{rpc_pipefs,v4recovery,sm,sm.bak}
touch /var/lib/nfs/{etab,rmtab,state}
mount -t rpc_pipefs sunrpc /var/lib/nfs/rpc_pipefs
mount -t nfsd nfsd /proc/fs/nfsd
rpcbind -w
exportfs -o rw,no_root_squash,insecure,no_subtree_check,fsid=0 127.0.0.1:"$PWD/disk"
rpc.mountd
rpc.nfsd 4
mount -t nfs -o vers=$version,nolock 127.0.0.1:$([ $version = 3 ] && echo "$PWD/disk" || echo /) net || exit
stat -f -c 'file system: %T' net
TMPDIR="$PWD/net" "$CLI/run" --jobs 1 --bin "$LIR_BIN" leases
umount net
exportfs -ua
rpc.nfsd 0
END_OF_SCRIPT
  rm -f ended
  boot served
  wait_for [ -e ended ]
  { wait "$machine" || true; } 2>/dev/null
  grep -qx 'file system: nfs' inside.log || fail "no NFS: $(cat inside.log)"
  grep -qx '1 passed, 0 failed, 0 skipped' inside.log || fail "NFS $version: $(cat inside.log)"
  rm inside.log
done
rm -r ./*

# shellcheck shell=bash
# The lock of the pipelines: one at a time has it, what its holder began keeps it, and it is taken over from the dead.

holding=$ROOT/pipelines/holding
cat >add.sh <<END
coproc HELD { exec "$holding" lock; }
read -r _ <&"\${HELD[0]}"
exec 9>"/proc/self/fd/\${HELD[1]}"
value=\$(cat value)
sleep 0.02
echo \$((value + 1)) >value
END
echo 0 >value
for _ in {1..20}; do bash add.sh & done
wait
is 'additions' 20 "$(cat value)"
gone() { # gone: waits until nobody has the lock
  for _ in {1..200}; do
    [ -L lock ] || return 0
    sleep 0.05
  done
  fail 'the lock is held for ever'
}
gone

# What the holder began keeps it when the holder is killed, until that ends, too.
cat >child.sh <<END
coproc HELD { exec "$holding" lock; }
read -r _ <&"\${HELD[0]}"
exec 9>"/proc/self/fd/\${HELD[1]}"
sleep 600 >&- 2>&- &
echo \$! >child.pid
echo \$\$ >parent.pid
wait
END
bash child.sh 2>/dev/null &
until [ -s parent.pid ]; do sleep 0.05; done
{ kill -9 "$(cat parent.pid)" && wait $!; } 2>killed.log || true
refuses 73 "of $(uname -n) has it" "$holding" --try lock </dev/null
kill "$(cat child.pid)"
gone

# A holder that is killed itself leaves the link, which the next one takes over at once.
"$holding" lock >held.log < <(sleep 600) &
until grep -q held held.log; do sleep 0.05; done
{ kill -9 $! && wait $!; } 2>killed.log || true
[ -L lock ] || fail 'no link is left'
is 'after a death' held "$("$holding" --try lock </dev/null)"
[ ! -L lock ] || fail 'the lock stays'

# Of another machine, and of another start of this one, age tells: two minutes by the clock of the file system.
ln -s "elsewhere:$(cat /proc/sys/kernel/random/boot_id):$(readlink /proc/self/ns/pid):1:1" lock
refuses 73 'lock: process 1 of elsewhere has it' "$holding" --try lock </dev/null
touch -h -d '3 minutes ago' lock
is 'after two minutes' held "$("$holding" --try lock </dev/null)"
is 'what is left' '' "$(find . -name 'lock.*')"

# What it cannot make is said.
refuses 64 'pipelines/holding [--try] LOCK' "$holding"
refuses 73 'cannot be made' "$holding" nowhere/lock </dev/null
rm -f add.sh child.sh value ./*.pid

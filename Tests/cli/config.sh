# shellcheck shell=bash
# --config and --print-config.

for name in $(tools); do
  # shellcheck disable=SC2046  # several words
  set -- "$name" $(required "$name")
  exits 0 "$@" --print-config --threads 2 >first.yml
  exits 0 "$@" --print-config --config first.yml >second.yml
  same first.yml second.yml
  grep -qx 'threads: 2' first.yml || fail "$name: the flag is not in force"

  # The command line beats the file beats the default; - and _ are the same.
  printf 'seed: 7\nlog_format: json\n' >some.yml
  exits 0 "$@" --print-config --config some.yml >third.yml
  grep -qx 'seed: 7' third.yml || fail "$name: the file is not in force"
  grep -qx 'log-format: "json"' third.yml || fail "$name: log_format is not log-format"
  exits 0 "$@" --print-config --config <(cat some.yml) >piped.yml
  same third.yml piped.yml
  exits 0 "$@" --print-config --config some.yml --seed 8 >third.yml
  grep -qx 'seed: 8' third.yml || fail "$name: the flag does not win"

  echo 'thread: 2' >wrong.yml
  refuses 78 'unknown key thread' "$@" --config wrong.yml
  says 'did you mean threads?'
  echo 'log-fo: text' >short.yml
  refuses 78 'unknown key log-fo' "$@" --config short.yml
  says 'did you mean log-format?'
  refuses 66 'missing.yml' "$@" --config missing.yml
  echo 'threads: [1' >broken.yml
  refuses 65 'broken.yml' "$@" --config broken.yml
  echo 'threads: many' >text.yml
  refuses 64 'threads' "$@" --config text.yml
  # A list for what is said once, or for a flag, would leave all but the last unsaid.
  for line in 'seed: [7]' 'seed: [7, 8]' 'verbose: [true]'; do
    echo "$line" >list.yml
    refuses 78 'expected one value, found a list' "$@" --config list.yml
  done
done

# shellcheck shell=bash
# What the cases of the command line share. Sourced by Tests/cli/run.
set -euo pipefail

MODELS=$FIXTURES/models
export MODELS

# skip REASON: this case cannot run here.
skip() { echo "$*" >&3; exit 77; }

# note REASON: a part of this case cannot run here.
note() { echo "$*" >&3; }

# timed PATTERN...: files of the case whose content depends on time, or on who is first.
timed() { printf '%s\n' "$@" >>../timed; }

# fail MESSAGE: says where the case stands, and stops it.
fail() {
  local depth=1
  while [ "${BASH_SOURCE[$depth]}" = "${BASH_SOURCE[0]}" ]; do depth=$((depth + 1)); done
  echo "$(basename "${BASH_SOURCE[$depth]}"):${BASH_LINENO[$((depth - 1))]}: $*${crash_point:+
  ($crash_point)}" >&2
  exit 1
}

# exits STATUS COMMAND...: the command ends with this status. Its messages are in said.log.
exits() {
  local wanted=$1 status=0
  shift
  "$@" 2>said.log || status=$?
  [ "$status" = "$wanted" ] && return
  sed 's/^/  /' said.log >&2
  fail "expected exit $wanted, found $status: $*"
}

# says TEXT...: the messages of the last `exits` hold each text.
says() {
  local text
  for text; do
    grep -qF -- "$text" said.log && continue
    sed 's/^/  /' said.log >&2
    fail "expected a message with: $text"
  done
}

# refuses STATUS TEXT COMMAND...: the command ends with the status, prints nothing, and says the text.
refuses() {
  local status=$1 text=$2
  shift 2
  exits "$status" "$@" >printed.log
  [ ! -s printed.log ] || fail "printed something: $*"
  says "$text"
}

# faults NAME=VALUE... COMMAND...: runs the command with faults.c in front of its tool; the names are
# those that the file documents, such as LIR_TEST_STOP. The command may be a function.
faults() {
  build_faults
  (
    while [[ ${1-} == LIR_TEST_*=* ]]; do export "${1?}" && shift; done
    export LD_PRELOAD=$FAULTS
    "$@"
  )
}

# build_faults: makes the library of faults.c, once for all cases.
FAULTS=$ROOT/.build/faults.so
build_faults() {
  [ ! "$FAULTS" -nt "$CLI/faults.c" ] || return 0
  local compiler
  for compiler in cc clang none; do ! command -v $compiler >/dev/null || break; done
  [ $compiler != none ] || skip 'no C compiler for faults.c'
  mkdir -p "$(dirname "$FAULTS")"
  $compiler -shared -fPIC -O1 -Wall -Wextra -o "$FAULTS.$$" "$CLI/faults.c" -ldl >&2
  mv "$FAULTS.$$" "$FAULTS"
}

# list_points COMMAND...: runs the command, which must end well; points.log lists its crash points.
list_points() {
  rm -f points.log
  exits 0 faults "LIR_TEST_POINTS=$PWD/points.log" "$@"
  [ -s points.log ] || fail "no crash point: $*"
}

# point_of PATTERN [N]: the number of the N-th crash point in points.log that matches, 1 without N.
point_of() {
  local found
  found=$(grep -nE -- "$1" points.log | sed -n "${2:-1}{s/:.*//;p;}")
  [ -n "$found" ] || fail "points.log has no crash point $1"
  echo "$found"
}

# killed_at N COMMAND...: kills the command at its crash point N, by the signal that `stop_signal`
# names, KILL without it. That the command does not die of it fails the case.
killed_at() {
  local number status=0
  number=$(kill -l "${stop_signal:-KILL}")
  # In a shell of its own, whose message about the kill nobody needs to read.
  (faults "LIR_TEST_STOP=$1" "LIR_TEST_SIGNAL=$number" "${@:2}" 2>said.log; exit $?) \
    2>killed.log || status=$?
  [ $status != $((128 + number)) ] || return 0
  sed 's/^/  /' said.log >&2
  fail "expected to be killed, found status $status: ${*:2}"
}

# every_stop [MOST] PREPARE COMMAND CHECK: for every crash point of COMMAND runs PREPARE, then COMMAND,
# killed at that point (see `killed_at`), then CHECK. The three are functions; COMMAND runs one tool, by one thread,
# and ends with its status. If there are more points than MOST, a fixed stride chooses some, and a
# note says so.
every_stop() {
  local most=1000000
  if [[ $1 =~ ^[0-9]+$ ]]; then most=$1 && shift; fi
  local prepare=$1 command=$2 check=$3 count stride point
  $prepare
  list_points "$command"
  mapfile -t lines <points.log
  count=${#lines[@]}
  # Odd, so that both halves of writes are among the chosen.
  stride=$(((count + most - 1) / most | 1))
  [ $stride = 1 ] || note "$command: stopped at one in $stride of $count crash points"
  for ((point = 1; point <= count; point += stride)); do
    crash_point="crash point $point of $count: ${lines[$((point - 1))]}"
    $prepare
    killed_at "$point" "$command"
    $check
  done
  crash_point=
}
crash_point=

# every_failure CODE PREPARE COMMAND CHECK: for every crash point of COMMAND runs PREPARE, then COMMAND,
# whose call at that point fails with CODE, such as ENOSPC, then CHECK with COMMAND's status.
every_failure() {
  local code=$1 prepare=$2 command=$3 check=$4 count point status
  $prepare
  list_points "$command"
  mapfile -t lines <points.log
  count=${#lines[@]}
  for ((point = 1; point <= count; point++)); do
    crash_point="$code at point $point of $count: ${lines[$((point - 1))]}"
    $prepare
    status=0
    faults "LIR_TEST_FAIL=$point:$code" "$command" 2>said.log || status=$?
    $check $status
  done
  crash_point=
}

# stopped_often LEAST N COMMAND...: kills the command at its N-th crash point, then at the one after
# that, and so on, until it ends before; fails if it was killed fewer than LEAST times.
stopped_often() {
  local least=$1 status=137 kills=0
  while true; do
    status=0
    (faults "LIR_TEST_STOP=$(($2 + kills))" "${@:3}" 2>said.log; exit $?) 2>killed.log || status=$?
    [ $status = 137 ] || break
    kills=$((kills + 1))
    [ $kills -lt 1000 ] || fail "no end: ${*:3}"
  done
  [ $status = 0 ] || fail "expected exit 0, found $status: $(cat said.log)"
  [ $kills -ge "$least" ] || fail "stopped $kills times instead of $least or more: ${*:3}"
}

# asked_at N SIGNAL COMMAND...: sends the command a signal at its crash point N; it ends with 75.
asked_at() { exits 75 faults "LIR_TEST_STOP=$1" "LIR_TEST_SIGNAL=$(kill -l "$2")" "${@:3}"; }

# same A B...: the files are the same bytes as the first.
same() {
  local first=$1 file
  shift
  for file; do cmp -s "$first" "$file" || fail "$first and $file differ"; done
}

# differ A B: the files are not the same bytes.
differ() { ! cmp -s "$1" "$2" || fail "$1 and $2 are the same"; }

# is WHAT EXPECTED FOUND
is() { [ "$2" = "$3" ] || fail "$1: expected $2, found $3"; }

# texts N [SEED]: N text records of 0 to 59 words, the same on every machine.
texts() {
  awk -v n="$1" -v state="${2:-1}" 'BEGIN {
    OFS = "\t"
    count = split("the key a value object is of to method class returns and if Python 3.11 " \
      "function descriptor beethoven symphony no. 9 map list tallest Café naïve (test) " \
      "北京 ! argument operator types left right guard case subject __get__ unseen zyxwv", word, " ")
    for (i = 1; i <= n; i++) {
      state = (state * 16807) % 2147483647
      length_ = state % 60
      line = ""
      for (j = 0; j < length_; j++) {
        state = (state * 16807) % 2147483647
        line = line (j ? " " : "") word[state % count + 1]
      }
      print "d" i, line
    }
  }'
}

# on_terminal COMMAND: runs a command line whose three streams are a terminal; prints what it shows.
on_terminal() { script -qec "$1" /dev/null | tr -d '\r'; }

# summary KEY: a value of the summary line in said.log.
summary() { sed -n "s/.*: done .*\\b$1=\\([^ ]*\\).*/\\1/p" said.log | tail -n 1; }

# flip FILE OFFSET [MASK]: turns over the bits of one byte.
flip() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059  # the format is an octal escape
  printf "\\$(printf %03o $((byte ^ ${3:-255})))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# has_tool NAME: whether a tool is built and not a placeholder.
has_tool() { "$1" --version 2>/dev/null | grep -q "^$1 "; }

# tools: the tools that are built; says which are not.
tools() {
  local tool
  for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
    if has_tool "$tool"; then echo "$tool"; else note "$tool is not built"; fi
  done
}

VERSION=$(sed -n 's/^VERSION=//p' "$ROOT/scripts/release.env")
export VERSION

# encode MODEL ROLE ARGUMENT...: lir-encode with a model of the fixtures.
encode() {
  local model=$1 role=$2
  shift 2
  lir-encode --model "$MODELS/$model/model" --role "$role" "$@"
}

# required TOOL: options that a tool cannot do without.
required() {
  case $1 in
    lir-index) echo '--output made.index' ;;
    lir-search) echo '--index docs.index' ;;
    # Without a command --config is the training's, another thing.
    lir-train) echo 'sample' ;;
    *) ;;
  esac
}

# example_tuples N: the texts, queries and judgements of the example; tuples.jsonl with N documents for each of its
# queries; and bare, a backbone without a head, which training begins with.
example_tuples() {
  cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt} .
  mkdir bare
  cp "$FIXTURES"/adapter/model/{config.json,model.safetensors,tokenizer.json,tokenizer_config.json,vocab.txt} bare
  exits 0 lir-index build --type bm25 -o bm25.index docs.tsv
  exits 0 lir-search --index bm25.index -k 10 queries.tsv -o bm25.run
  exits 0 lir-train sample --qrels qrels.txt --queries queries.tsv --docs docs.tsv --sample-size "$1" \
    --add-docs-not-in-ranking bm25.run -o tuples.jsonl
}

# settle [EACH_TIME]: waits until Slurm has no job left; what they say is in there/jobs. It puts off for two minutes
# what is queued again; more than a second is enough for its node to tell the old job from the new one. EACH_TIME is
# called while it waits.
settle() {
  local tries=2000 id
  while [ "$(squeue -h -t pending,running,completing | wc -l)" != 0 ]; do
    for id in $(squeue -h -r -t pending -o '%i %r' | sed -n 's/ BeginTime$//p'); do
      sleep 1.5
      scontrol update JobId="$id" StartTime=now 2>/dev/null || true
    done
    ${1:-:}
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { cat there/jobs/*.log >&2; fail 'the jobs do not end'; }
    sleep 0.2
  done
}

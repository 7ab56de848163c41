# shellcheck shell=bash
# What the cases of the command line share. Sourced by Tests/cli/run.
set -euo pipefail

MODELS=$FIXTURES/models
export MODELS

# skip REASON: this case cannot run here.
skip() { echo "$*" >&3; exit 77; }

# note REASON: a part of this case cannot run here.
note() { echo "$*" >&3; }

# fail MESSAGE: says where the case stands, and stops it.
fail() {
  local depth=1
  while [ "${BASH_SOURCE[$depth]}" = "${BASH_SOURCE[0]}" ]; do depth=$((depth + 1)); done
  echo "$(basename "${BASH_SOURCE[$depth]}"):${BASH_LINENO[$((depth - 1))]}: $*" >&2
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

# killed_after SECONDS COMMAND...: kills the command then; whether it was done before. Another
# outcome than either fails the case.
killed_after() {
  local status=0
  # In a shell of its own, which says of the kill what nobody needs to read.
  (timeout -s KILL "$@" 2>said.log; exit $?) 2>killed.log || status=$?
  [ "$status" = 0 ] || [ "$status" = 137 ] || {
    cat said.log >&2
    fail "expected to be killed, found status $status: $*"
  }
  [ "$status" = 0 ]
}

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

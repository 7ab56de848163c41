# shellcheck shell=bash
# The instructions of small jobs are those recorded, by scripts/instructions.

# They are counted on one thread, so that another time tells nothing.
[ "$LIR_THREADS" = 1 ] || exit 0
status=0
"$ROOT/scripts/instructions" --bin "$LIR_BIN" >counted.log 2>said.log || status=$?
[ "$status" != 77 ] || skip "$(sed -n 's/^instructions: skipped: //p' said.log)"
grep '^instructions: note: ' said.log >notes.log && note "$(sed 's/^instructions: note: //' notes.log)"
cat counted.log said.log >&2
[ "$status" = 0 ] || fail 'other instructions than recorded'

# shellcheck shell=bash
# Vectors in a file outside of the folder of their index: where it is, what happens without it, and that
# a kill at any moment leaves an index whose vectors are found.

texts 300 >docs.tsv
texts 20 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/dpr_bert_01
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build --codes f16 docs.lirt -o kept.index
exits 0 lir-search --index kept.index -k 10 --tag t queries.lirt -o kept.run

mkdir -p disk
exits 0 lir-index build --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index
[ -s disk/docs.vectors ] || fail 'no vectors'
! ls docs.index/vectors* 2>/dev/null || fail 'vectors in the folder'
lir-index info docs.index | jq -e '.originals.file == "../disk/docs.vectors" and .originals.bytes > 0
  and (.bytes | has("vectors") | not)' >parsed.log || fail info
for flag in '' --exact; do
  # shellcheck disable=SC2086
  exits 0 lir-search --index docs.index $flag -k 10 --tag t queries.lirt -o docs.run
  same kept.run docs.run
done

# The folder and the file are moved together.
mkdir moved && cp -r docs.index disk moved
exits 0 lir-search --index moved/docs.index --exact -k 10 --tag t queries.lirt -o docs.run
same kept.run docs.run

# Resuming knows where they are to be.
exits 0 lir-index build --codes f16 --originals disk/docs.vectors --resume docs.lirt -o docs.index
says 'nothing is left to do'
exits 0 lir-index build --codes f16 --originals disk/other.vectors --resume docs.lirt -o docs.index
says 'its vectors lie elsewhere'
[ "$(ls disk)" = other.vectors ] || fail "left: $(ls disk)"
exits 0 lir-index build --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index

# Missing, cut and changed.
mv disk/docs.vectors away
exits 78 lir-search --index docs.index --exact -k 10 queries.lirt
says docs.vectors missing
exits 78 lir-index verify docs.index
exits 0 lir-index info docs.index >printed.log
exits 0 lir-search --index docs.index --approximate -k 10 --tag t queries.lirt -o codes.run
exits 0 lir-search --index kept.index --approximate -k 10 --tag t queries.lirt -o kept-codes.run
same kept-codes.run codes.run
head -c -1 away >disk/docs.vectors
exits 65 lir-search --index docs.index -k 10 queries.lirt
says docs.vectors 'expected'
cp kept.index/vectors* disk/docs.vectors
exits 65 lir-search --index docs.index -k 10 queries.lirt
says docs.vectors
{ head -c -1 away && printf '\377'; } >disk/docs.vectors
exits 65 lir-index verify docs.index
says docs.vectors checksum
mv away disk/docs.vectors

# What is not to be overwritten.
exits 73 lir-index build --codes f16 --originals docs.lirt docs.lirt -o other.index
exits 73 lir-index build --codes f16 --originals disk docs.lirt -o other.index
# Nor are another index's vectors replaced.
exits 0 lir-index build --codes f16 --originals mine.vectors docs.lirt -o mine.index
refuses 73 'the vectors of another index are here' \
  lir-index build --codes f16 --originals mine.vectors docs.lirt -o other.index
exits 0 lir-index verify mine.index
exits 0 lir-index build --codes f16 --originals mine.vectors docs.lirt -o mine.index
exits 64 lir-index build --codes f16 --originals other.index/v docs.lirt -o other.index
exits 64 lir-index build --originals disk/x docs.lirt -o other.index
says 'without codes'
if [ -e other.index ] || [ -e disk/x ]; then fail 'something was left'; fi

# A kill at any moment of a change leaves vectors that are found, and the same command again leaves
# nothing else beside them.
head -n 200 docs.tsv >first.tsv
tail -n +201 docs.tsv >second.tsv
for part in first second; do exits 0 encode $model doc $part.tsv -o $part.lirt; done
rm -rf disk/* ./docs.index
exits 0 lir-index build --codes f16 --originals disk/docs.vectors first.lirt -o docs.index
mkdir first second && cp -r docs.index disk first
append() { lir-index append --threads 1 --resume docs.index second.lirt; }
exits 0 append
cp -r docs.index disk second
compact() { lir-index compact --threads 1 docs.index; }
rebuild() { lir-index build --threads 1 --codes f16 --originals disk/docs.vectors docs.lirt -o docs.index; }
before=first
prepare() { rm -rf disk docs.index && cp -r "$before"/* .; }
after_kill() {
  exits 0 lir-index verify docs.index
  exits 0 lir-search --index docs.index --exact -k 10 --tag t queries.lirt -o docs.run
  exits 0 "$command"
  exits 0 lir-search --index docs.index --exact -k 10 --tag t queries.lirt -o docs.run
  same kept.run docs.run
  # Nobody comes any more to a file that vectors left: a lease of the killed process may stay there.
  is 'files of vectors' "$files" "$(find disk -type f ! -name .docs.vectors.lease | wc -l)"
}
# Vectors that move leave nothing where they were.
keep() { lir-index build --threads 1 --codes f16 docs.lirt -o docs.index; }
move() { lir-index build --threads 1 --codes f16 --originals disk/other docs.lirt -o docs.index; }
for step in append:first:2 compact:second:1 rebuild:second:1 keep:second:0 move:second:1; do
  IFS=: read -r command before files <<<"$step"
  every_stop 20 prepare "$command" after_kill
done

# Whoever comes to one file at the same time: the vectors of one index are there, and every index that is
# there is whole.
many() { lir-index build --threads 1 --codes f16 --originals "$1" "$2.lirt" -o "$3"; } # FILE DOCUMENTS INDEX
free() { rm -rf disk one.index two.index && mkdir disk; }
# stop_at N FUNCTION ARGUMENT...: begins a command, and waits until it stands still at its crash point N.
stop_at() {
  env LIR_TEST_STOP="$1" LIR_TEST_SIGNAL=19 LD_PRELOAD="$FAULTS" "${@:2}" 2>first.log &
  pid=$!
  until [ "$(cut -d' ' -f3 "/proc/$pid/stat")" = T ]; do
    kill -0 $pid 2>/dev/null || fail "it did not stop at $1: $(cat first.log)"
    sleep 0.01
  done
}
# whole: the indexes that are there are whole; nothing lies beside the file.
whole() {
  local index
  for index in one.index two.index; do [ ! -e $index ] || exits 0 lir-index verify $index; done
  is 'what lies on the disk' v "$(ls -A disk)"
}
# Two indexes: the first stops before it is at the file, while it is there, and after.
free
list_points many disk/v first one.index
placing=$(point_of '[.]v[.]lease')
last=$(wc -l <points.log)
for point in 3 $((placing - 1)) $(seq $((placing + 1)) 3 $((last - 1))); do
  free
  stop_at "$point" lir-index build --threads 1 --codes f16 --originals disk/v first.lirt -o one.index
  many disk/v second two.index 2>second.log &
  second=$!
  if [ "$point" -lt "$placing" ]; then wait $second || fail "$(cat second.log)"; fi
  kill -CONT $pid
  statuses=
  for process in "$pid" "$second"; do
    status=0
    wait "$process" || status=$?
    statuses+=" $status"
  done
  expected=' 0 73'
  [ "$point" -ge "$placing" ] || expected=' 73 0'
  is "statuses, the first stopped at $point of $last ($(cat first.log second.log))" "$expected" "$statuses"
  whole
done
# Six at once: one has the file.
for round in 1 2; do
  free
  pids=()
  for i in 1 2 3 4 5 6; do
    many disk/v "$([ $((i % 2)) = 0 ] && echo first || echo second)" "six-$i.index" 2>"six-$i.log" &
    pids+=($!)
  done
  statuses=
  for process in "${pids[@]}"; do
    status=0
    wait "$process" || status=$?
    statuses+="$status "
  done
  is "statuses of round $round" '0 73 73 73 73 73' "$(tr ' ' '\n' <<<"$statuses" | sort -n | xargs)"
  for index in six-*.index; do exits 0 lir-index verify "$index"; done
  is 'what lies on the disk' v "$(ls -A disk)"
  rm -rf six-*
done
# Two that replace one index: both end well, and the last one counts.
free
exits 0 many disk/v docs one.index
list_points many disk/v first one.index
last=$(wc -l <points.log)
placing=$(point_of 'one[.]index/[.]lease')
for point in 3 $((placing + 1)) $(((placing + last) / 2)) "$last"; do
  free
  exits 0 many disk/v docs one.index
  stop_at "$point" lir-index build --threads 1 --codes f16 --originals disk/v first.lirt -o one.index
  many disk/v second one.index 2>second.log &
  second=$!
  if [ "$point" -lt "$placing" ]; then wait $second || fail "$(cat second.log)"; fi
  kill -CONT $pid
  wait $pid || fail "the first: $(cat first.log)"
  [ "$point" -lt "$placing" ] || wait $second || fail "the second: $(cat second.log)"
  whole
done

# A build that is killed at any moment leaves nothing that another index's takes: whose vectors they are is
# known. The same command again ends well.
for other in second first; do
  before=none
  free
  prepare() { free; }
  command() { many disk/v first one.index; }
  after_kill() {
    local status=0
    many disk/v "$other" two.index 2>said.log || status=$?
    case $status in 0) ;; 73) says 'vectors of' ;; *) fail "status $status: $(cat said.log)" ;; esac
    for index in one.index two.index; do [ ! -e $index ] || exits 0 lir-index verify $index; done
    if [ $status = 73 ]; then
      exits 0 command
      whole
    fi
  }
  every_stop 12 prepare command after_kill
done

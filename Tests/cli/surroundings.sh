# shellcheck shell=bash
# What a tool does where its surroundings are unusual: closed streams, links, FIFOs, signals.

texts 40 >docs.tsv
model=$MODELS/native/dpr_bert_01/model
encode() { lir-encode --model "$model" --role doc "$@"; }
exits 0 encode docs.tsv -o docs.lirt

# Messages do not end up in the output where the standard error is closed.
printf 'a\tone\nbroken\nb\ttwo\n' >bad.tsv
lir-tokenize --model "$model" --role doc --on-error skip bad.tsv -o quiet.lirt 2>&-
exits 0 lir-encode verify quiet.lirt

# A link stays a link, and its file gets the output; descriptors are written to, not replaced.
echo old >real.lirt
ln -s real.lirt link.lirt
exits 0 encode docs.tsv -o link.lirt
[ -L link.lirt ] || fail 'the link was replaced'
same docs.lirt real.lirt
exits 0 encode docs.tsv -o /dev/stdout >stdout.lirt
same docs.lirt stdout.lirt

# A FIFO is read once, from its beginning; all of it.
mkfifo pipe
(cat docs.tsv && sed 's/^/x/' docs.tsv) >pipe &
exits 0 encode pipe -o fifo.lirt
wait
is 'records of a FIFO' 80 "$(summary records)"
refuses 64 'read again' encode --resume -o resumed.lirt <(cat docs.tsv)
[ ! -e .resumed.lirt.partial ] || fail 'a refused resume leaves a partial output'

# Signals: without --resume the tool dies of it, whenever it comes, and leaves nothing.
texts 3000 >many.tsv
exits 0 encode many.tsv -o many.lirt
die() { encode --threads 1 many.tsv -o dead.lirt; }
prepare() { rm -f dead.lirt; }
# From the moment that it has its name, the output is whole.
leaves_nothing() {
  [ -z "$(find . -name '.dead.lirt*')" ] || fail "SIG$signal leaves something behind"
  [ ! -e dead.lirt ] || same many.lirt dead.lirt
}
for signal in TERM INT HUP USR1 USR2 XCPU; do
  stop_signal=$signal every_stop prepare die leaves_nothing
done
# With --resume it ends with 75 once a segment is whole, and the work goes on.
going() { encode --threads 1 --resume many.tsv -o going.lirt; }
list_points going
first=$(point_of '^write .*/.going.lirt.partial')
for signal in TERM USR1; do
  rm going.lirt
  asked_at "$first" $signal going
  asked_at 6 $signal going # behind its lease, and with a digest there, its first write
  exits 0 going
  is 'records of the rest' 952 "$(summary records)"
  same many.lirt going.lirt
done

# Skipped records are counted, and the first is named, wherever texts are read.
printf 'q1\tone\nbroken\n' >queries.tsv
printf 'q1 Q0 a 1 1.0 t\n' >first.run
exits 0 lir-rerank --model "$model" --queries queries.tsv --docs bad.tsv --on-error skip first.run \
  -o second.run
is 'skipped records' 2 "$(summary skipped)"
says 'warning' 'queries.tsv:2'
exits 0 lir-index -o docs.index docs.lirt
exits 0 lir-search --index docs.index --model "$model" --on-error skip -k 1 queries.tsv -o found.run
says 'warning' 'queries.tsv:2'

# A pipe that somebody types into is answered line by line, however short the lines are.
mkfifo typed answers
lir-search --index docs.index --model "$model" -k 1 <typed >answers 2>said.log &
exec 7>typed 8<answers
for id in 8 x 1; do
  printf '%s\ta\n' $id >&7
  read -r -t 20 found _ <&8 || fail "no answer to query $id"
  is 'query' $id "$found"
done
exec 7>&- 8<&-
wait

# Queries that come through a pipe have their own tag.
exits 0 lir-encode --model "$model" --role query queries.tsv --on-error skip -o a.lirt
printf 'q1\ttwo\n' >other.tsv
exits 0 lir-encode --model "$model" --role query other.tsv -o b.lirt
tag() { lir-search --index docs.index -k 1 -q <"$1" | awk '{ print $6; exit }'; }
[ "$(tag a.lirt)" != "$(tag b.lirt)" ] || fail 'two sets of queries have one tag'

# shellcheck shell=bash
# --resume on an output that stands in its place: whole and of the same work, it is left as it is; any
# other is made again, with a message; a partial one of other work names what differs.

texts 60 >docs.tsv
texts 12 >queries.tsv
model=$MODELS/native/dpr_bert_01/model
exits 0 lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
exits 0 lir-encode --model "$model" --role query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o docs.index
exits 0 lir-search --index docs.index -k 4 --tag t queries.lirt -o first.run
tokenize() { lir-tokenize --model "$model" --role doc --resume "$@"; }
encode() { lir-encode --model "$model" --role doc --resume "$@"; }
search() { lir-search --index docs.index -k 4 --resume "$@"; }
rerank() { lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv --resume "$@"; }
join() { lir-encode cat --resume "$@"; }
fuse() { lir-rerank fuse --resume "$@"; }
sample() { lir-train sample --resume --qrels qrels.txt --sample-size 2 "$@"; }
awk '$4 == 1 { print $1, 0, $3, 1 }' first.run >qrels.txt
for i in 1 2; do
  exits 0 lir-encode --model "$model" --role doc --shard $i/2 docs.tsv -o half-$i.lirt
  exits 0 lir-tokenize --model "$model" --role doc --shard $i/2 docs.tsv -o half-$i.tokens.lirt
done

settled() { # settled FILE COMMAND...: the command leaves the file as it is, and says so
  local before
  before=$(stat -c '%i %Y %Z' "$1")
  exits 0 "${@:2}" -o "$1"
  says 'whole and of the same work'
  is 'records of nothing to do' 0 "$(summary records)"
  is "$1" "$before" "$(stat -c '%i %Y %Z' "$1")"
}
again() { # again TEXT FILE COMMAND...: the command makes the file again, and says why
  local before
  before=$(stat -c %i "$2")
  exits 0 "${@:3}" -o "$2"
  says 'made again' "$1"
  [ "$before" != "$(stat -c %i "$2")" ] || fail "the same file: ${*:3}"
}
exits 0 tokenize docs.tsv -o tokens.lirt
for made in 'tokens.lirt tokenize docs.tsv' 'out.lirt encode docs.tsv' 'out.lirt.zst encode docs.tsv' \
  'both.lirt encode tokens.lirt' 'part.lirt encode --shard 2/3 docs.tsv' 'out.run search queries.lirt' \
  'out.run.zst search queries.lirt' 'out.run.lz4 search queries.lirt' 'tag.run.zst search --tag x queries.lirt' \
  'text.run search --model '"$model"' queries.tsv' 'part.run search --shard 2/3 queries.lirt' \
  're.run rerank first.run' 're.run.zst rerank --shard 1/2 first.run' \
  'tokens.jsonl.zst tokenize --format jsonl docs.tsv' 'tokens.txt.zst tokenize --format tokens --shard 2/3 docs.tsv' \
  'out.jsonl.zst encode --format jsonl docs.tsv' 'part.jsonl.zst encode --format jsonl --shard 1/3 tokens.lirt' \
  'run.jsonl.zst search --format jsonl queries.lirt' \
  'part.jsonl.zst search --format jsonl --shard 1/2 queries.lirt' \
  're.jsonl.zst rerank --format jsonl first.run' 'joined.lirt join half-1.lirt half-2.lirt' \
  'fused.run fuse first.run re.run' 'fused.run.zst fuse -k 3 first.run re.run' 'tuples.zst sample first.run'; do
  # shellcheck disable=SC2086
  set -- $made
  [ "$1" = tokens.lirt ] || exits 0 "${@:2}" -o "$1"
  settled "$@"
  cp "$1" kept
  # Damage is not taken for whole where it can be seen.
  head -c -3 kept >"$1"
  again '' "$@"
  same kept "$1"
done

# The bytes are those that there are without it.
for made in 'lir-search --index docs.index -k 4 --shard 2/3 queries.lirt' \
  "lir-rerank --model $model --queries queries.tsv --docs docs.tsv --shard 1/2 first.run"; do
  # shellcheck disable=SC2086
  exits 0 $made -o without.run.zst
  # shellcheck disable=SC2086
  exits 0 $made --resume -o with.run.zst
  same without.run.zst with.run.zst
  rm without.run.zst with.run.zst
done

# A run without a checksum tells by ranks, scores and the number of documents that it is not whole.
for made in 'out.run search queries.lirt' 're.run rerank first.run' 're.run rerank --depth 3 first.run'; do
  # shellcheck disable=SC2086
  set -- $made
  exits 0 "${@:2}" -o "$1"
  cp "$1" kept
  # shellcheck disable=SC2016
  for edit in '$d' '4,5d' 2d 1d '2s/^\([^ ]* Q0 [^ ]*\) 2 /\1 3 /' '2s/^\([^ ]* Q0 [^ ]* 2\) [^ ]* /\1 9999 /'; do
    sed "$edit" kept >"$1"
    ! cmp -s kept "$1" || fail "no change by $edit"
    again '' "$@"
    same kept "$1"
  done
done
head -n -1 out.run >fewer.run
cp fewer.run out.run
again '3 documents of at most 4' out.run search queries.lirt
settled out.run search queries.lirt

# Other options, inputs, models, shards.
again 'max-length is 8, was not given' out.lirt encode --max-length 8 docs.tsv
again 'max-length is not given, was 8' out.lirt encode docs.tsv
head -n 50 docs.tsv >fewer.tsv
again 'fewer.tsv is another' out.lirt encode fewer.tsv
again 'the model is another' out.lirt lir-encode --role doc --resume fewer.tsv \
  --model "$MODELS/native/dpr_bert_03/model"
again 'does not say what made it' out.lirt encode --no-provenance docs.tsv
again 'does not say what made it' out.lirt encode docs.tsv
again 'shard is 1/2, was not given' out.lirt encode --shard 1/2 docs.tsv
again 'shard is not given, was 1/2' out.lirt encode docs.tsv
exits 0 search --tag x queries.lirt -o tag.run
again 'chosen by hand' tag.run search --tag x queries.lirt
again 'other queries' out.run search --shard 1/2 queries.lirt
again 'other queries' out.run search queries.lirt
again 'its tag is' out.run lir-search --index docs.index -k 3 --resume queries.lirt
again 'drop-self' out.run.zst search --drop-self queries.lirt
echo text >out.lirt
again 'no whole stream' out.lirt encode docs.tsv

# Texts, and what tools make that are done in one go.
again 'max-length is 8, was not given' tokens.jsonl.zst tokenize --format jsonl --max-length 8 docs.tsv
again 'the model is another' tokens.jsonl.zst lir-tokenize --role doc --resume --format jsonl --max-length 8 docs.tsv \
  --model "$MODELS/native/dpr_bert_03/model"
again 'shard is 1/2, was not given' out.jsonl.zst encode --format jsonl --shard 1/2 docs.tsv
again 'shard is not given, was 1/2' out.jsonl.zst encode --format jsonl docs.tsv
exits 0 encode --format jsonl half-1.tokens.lirt -o half.jsonl.zst
again 'other records' half.jsonl.zst encode --format jsonl half-2.tokens.lirt
again 'does not say what made it' run.jsonl.zst search --format jsonl --docs docs.tsv queries.lirt
exits 0 search queries.lirt -o run.jsonl.zst
again 'another form' run.jsonl.zst search --format jsonl queries.lirt
again 'another form' run.jsonl.zst search --format jsonl --mark-end queries.lirt
again 'another form' run.jsonl.zst search --format jsonl queries.lirt
again 'no whole run' run.jsonl.zst search queries.lirt
again 'does not say what made it' run.jsonl.zst search --format jsonl --no-provenance queries.lirt
for made in 'plain.jsonl tokenize --format jsonl docs.tsv' 'plain.jsonl encode --format jsonl docs.tsv' \
  'out.npy encode --format npy docs.tsv' 'plain.jsonl search --format jsonl queries.lirt' \
  'plain.jsonl rerank --format jsonl first.run' 'text.tsv tokenize --decode tokens.lirt' \
  'view.jsonl lir-encode view --resume docs.lirt' 'tuples.tsv sample first.run' \
  'values.tsv lir-eval --resume --qrels qrels.txt first.run'; do
  # shellcheck disable=SC2086
  set -- $made
  exits 0 "${@:2}" -o "$1"
  again 'does not say what made it' "$@"
done
again 'other records' joined.lirt join half-1.lirt
again 'its tag is' fused.run fuse -k 3 first.run re.run
again 'sample-size is 3, was 2' tuples.zst sample --sample-size 3 first.run
refuses 64 'needs inputs that can be read again' join half-1.lirt - -o joined.lirt
refuses 64 'needs -o FILE' fuse first.run re.run

# An index.
index() { lir-index build --resume "$@" -o kept.index; }
inode() { stat -c %i kept.index/manifest.json; }
exits 0 lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
exits 0 index docs.lirt
before=$(inode)
exits 0 index docs.lirt
says 'whole and of the same work'
is 'the index' "$before" "$(inode)"
exits 0 lir-encode --model "$model" --role doc fewer.tsv -o fewer.lirt
exits 0 index fewer.lirt
says 'made again: it is of other documents'
exits 0 index --seed 7 fewer.lirt
says 'made again'
texts 40 7 >some.tsv
texts 40 8 >others.tsv
for name in some others; do exits 0 lir-encode --model "$model" --role doc $name.tsv -o $name.lirt; done
exits 0 index some.lirt
exits 0 lir-index build some.lirt -o some.index
exits 0 index others.lirt
says 'other documents'
printf x | dd of="$(echo kept.index/vectors.*)" bs=1 seek=900 conv=notrunc status=none
exits 0 index others.lirt
says 'not whole'
exits 0 lir-index verify kept.index
exits 64 index - <docs.lirt

# A joined index: of one origin, of several, without some documents.
for i in 1 2; do exits 0 lir-index build --shard $i/2 some.lirt -o part-$i.index; done
merge() { lir-index merge --resume "$@" -o joined.index; }
joined() { stat -c %i joined.index/manifest.json; }
head -n 3 some.tsv | cut -f1 >gone.txt
head -n 2 gone.txt >fewer.txt
for inputs in 'part-1.index part-2.index' 'part-1.index part-2.index --without gone.txt'; do
  # shellcheck disable=SC2086
  exits 0 merge $inputs
  before=$(joined)
  # shellcheck disable=SC2086
  exits 0 merge $inputs
  says 'whole and of the same work'
  is 'the joined index' "$before" "$(joined)"
done
exits 0 merge part-1.index part-2.index
says 'made again: it is of other indexes'
exits 0 merge part-1.index part-2.index --without fewer.txt
says 'made again: it is of other indexes'
exits 0 merge some.index
exits 0 merge some.index --seed 9
says 'whole and of the same work'
exits 0 merge part-1.index part-2.index
says 'whole and of the same work'
printf x | dd of="$(echo joined.index/vectors.*)" bs=1 seek=900 conv=notrunc status=none
exits 0 merge part-1.index part-2.index
says 'not whole'

# A compact index, and one that was learned anew.
exits 0 lir-index build --type ivf some.lirt -o lists.index
exits 0 lir-encode --model "$model" --role doc others.tsv -o more.lirt
sed 's/^d/e/' others.tsv >more.tsv
exits 0 lir-encode --model "$model" --role doc more.tsv -o more.lirt
exits 0 lir-index append lists.index more.lirt
lists() { stat -c %i lists.index/manifest.json; }
for flags in '' --retrain; do
  [ -z "$flags" ] || before=$(lists)
  # shellcheck disable=SC2086
  exits 0 lir-index compact --resume $flags lists.index
  [ -z "$flags" ] || [ "$before" != "$(lists)" ] || fail 'learned nothing anew'
  before=$(lists)
  # shellcheck disable=SC2086
  exits 0 lir-index compact --resume $flags lists.index
  says 'nothing is left to do'
  is "the index compacted with '$flags'" "$before" "$(lists)"
done
exits 0 lir-index compact --retrain lists.index
[ "$before" != "$(lists)" ] || fail 'without --resume it is learned anew'

# Pairs that are tokens.
cross=$MODELS/native/mono_bert_00/model
awk -F'\t' -v OFS='\t' 'FNR == NR { if ($2 != "") doc[++count] = $0; next }
  $2 != "" { for (i = 1; i <= 5; i++) { split(doc[FNR * 7 % (count - 5) + i], d, FS); print "q" $1, d[1], $2, d[2] } }' \
  docs.tsv queries.tsv >pairs.tsv
exits 0 lir-tokenize --model "$cross" --pairs pairs.tsv -o pairs.lirt
pairs() { lir-rerank --model "$cross" --threads 1 --resume pairs.lirt "$@"; }
exits 0 lir-rerank --model "$cross" pairs.lirt -o plain-pairs.run
for name in pairs.run pairs.run.zst; do
  exits 0 pairs -o $name
  settled $name pairs
  cp $name kept
  head -c -3 kept >$name
  again '' $name pairs
  same kept $name
done
same plain-pairs.run pairs.run
again 'its tag is' pairs.run lir-rerank --model "$cross" --score logit --resume pairs.lirt
refuses 64 'needs inputs that can be read again' lir-rerank --model "$cross" --resume -o x.run - <pairs.lirt
# Killed between two windows of pairs, it goes on behind the last query that is whole.
awk -F'\t' -v OFS='\t' '{ for (i = 1; i <= 12; i++) print $1 "-" i, $2, $3, $4 }' pairs.tsv | sort -s -k 1,1 >many-pairs.tsv
exits 0 lir-tokenize --model "$cross" --pairs many-pairs.tsv -o pairs.lirt
exits 0 lir-rerank --model "$cross" pairs.lirt -o plain-pairs.run
rm pairs.run
list_points pairs -o pairs.run
rm pairs.run
killed_at "$(point_of '^write .*[.]pairs[.]run[.]partial$' 3)" pairs -o pairs.run
[ -s .pairs.run.partial ] || fail 'nothing is left of a run that was killed'
exits 0 pairs -o pairs.run
[ "$(summary records)" -lt "$(wc -l <many-pairs.tsv)" ] || fail 'all pairs were scored again'
same plain-pairs.run pairs.run

# What comes through a pipe is not known again.
exits 0 lir-tokenize --model "$model" --role doc -o tokens.lirt <docs.tsv
exits 0 encode tokens.lirt -o piped.lirt
again 'does not say what made it' piped.lirt encode tokens.lirt

# A partial output of other work.
texts 3000 >many.tsv
partial() {
  rm -f many.lirt .many.lirt.*
  list_points encode --threads 1 many.tsv -o many.lirt
  rm -f many.lirt
  killed_at "$(point_of '^write .*/.many.lirt.partial$' 2)" encode --threads 1 many.tsv -o many.lirt
}
partial
refuses 78 '--max-length is 8, was not given' encode --max-length 8 many.tsv -o many.lirt
refuses 78 'fewer.tsv is another' encode fewer.tsv -o many.lirt
refuses 78 'the model is another' lir-encode --role doc --resume many.tsv -o many.lirt \
  --model "$MODELS/native/dpr_bert_03/model"
refuses 78 '--shard is 1/2, was not given' encode --shard 1/2 many.tsv -o many.lirt

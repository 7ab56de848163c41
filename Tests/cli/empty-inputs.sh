# shellcheck shell=bash
# Not one byte of input is an error in every tool, unless it is said to be none; marks, and damage at
# the beginning of inputs.

texts 30 >docs.tsv
texts 6 >queries.tsv
model=$MODELS/native/dpr_bert_01/model
exits 0 lir-encode --model "$model" --role doc docs.tsv -o docs.lirt
exits 0 lir-encode --model "$model" --role query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o docs.index
exits 0 lir-search --index docs.index -k 3 --tag t queries.lirt -o first.run
awk '$4 == 1 { print $1, 0, $3, 1 }' first.run >qrels.txt
cut -d ' ' -f 3 first.run | sort -u >filter.txt
: >nothing
while IFS='|' read -r command; do
  refuses 65 nothing eval "${command//@/nothing}"
  refuses 65 '-: ' eval "${command//@/-} </dev/null"
  refuses 65 '-: ' eval "cat nothing | ${command//@/-}"
done <<'COMMANDS'
lir-tokenize --model "$model" --role doc @
lir-encode --model "$model" --role doc @
lir-encode cat @
lir-encode verify @
lir-encode view @
lir-index build -o none.index @
lir-search --index docs.index --model "$model" @
lir-search --index docs.index --filter @ queries.lirt
lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv @
lir-rerank --model "$model" --queries @ --docs docs.tsv first.run
lir-rerank --model "$model" --queries queries.tsv --docs @ first.run
lir-rerank fuse first.run @
lir-eval --qrels @ first.run
lir-eval --qrels qrels.txt @
lir-train sample --qrels @ first.run
lir-train sample --qrels qrels.txt @
COMMANDS
refuses 65 nothing lir-search --config nothing --index docs.index queries.lirt
[ ! -e none.index ] || fail 'an index of nothing at all'

# Said to be none, it is.
exits 0 lir-tokenize --model "$model" --role doc --allow-empty nothing -o none.lirt
exits 0 lir-encode verify none.lirt
exits 0 lir-search --index docs.index --allow-empty nothing -o none.run
[ ! -s none.run ] || fail 'answers to no queries'
# What is there is read all the same, by an index of texts, too.
exits 0 lir-index build --type bm25 docs.tsv -o words.index
exits 0 lir-search --index words.index --tag t queries.tsv -o words.run
exits 0 lir-search --index words.index --tag t --allow-empty queries.tsv -o allowed.run
same words.run allowed.run
exits 0 lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv --allow-empty none.run -o two.run
[ ! -s two.run ] || fail 'documents of no run'
exits 0 lir-eval --allow-empty --qrels qrels.txt --average-over qrels -m RR --format tsv none.run -o none.tsv
grep -q 'all.0.0' none.tsv || fail "the mean of no run: $(cat none.tsv)"
# What has an empty form is no error.
exits 0 lir-search --index docs.index -q --allow-empty nothing -o none.run.lz4
exits 0 lir-rerank --model "$model" --queries queries.tsv --docs docs.tsv none.run.lz4 -o two.run
exits 0 lir-encode --model "$model" --role doc none.lirt -o empty.lirt
exits 0 lir-encode verify empty.lirt

# A byte order mark in front of whatever is read.
for file in docs.tsv queries.tsv first.run qrels.txt filter.txt; do
  (printf '\xef\xbb\xbf' && cat $file) >bom-$file
done
same <(lir-encode -q --model "$model" --role doc --no-provenance docs.tsv) \
  <(lir-encode -q --model "$model" --role doc --no-provenance bom-docs.tsv)
judge() { lir-eval -q --format json "$@" | jq -c '[.[] | [.measure, .value]]'; }
same <(judge --qrels qrels.txt first.run) <(judge --qrels bom-qrels.txt bom-first.run)
same <(judge --qrels qrels.txt first.run) <(lir-eval -q --qrels bom-qrels.txt --format json - <bom-first.run |
  jq -c '[.[] | [.measure, .value]]')
same <(lir-eval trec_eval qrels.txt first.run) <(lir-eval trec_eval bom-qrels.txt bom-first.run)
filtered() { lir-search -q --index docs.index -k 2 --tag t --filter "$1" queries.lirt; }
same <(filtered filter.txt) <(filtered bom-filter.txt)
sampled() { lir-train sample -q --qrels "$2" --queries "$3" --docs "$4" --sample-size 2 "$1"; }
same <(sampled first.run qrels.txt queries.tsv docs.tsv) \
  <(sampled bom-first.run bom-qrels.txt bom-queries.tsv bom-docs.tsv)
printf '\xef\xbb\xbfk: 2\ntag: t\n' >search.yml
same <(lir-search -q --index docs.index -k 2 --tag t queries.lirt) \
  <(lir-search -q --index docs.index --config search.yml queries.lirt)

# Files with one that were joined have another in front of a later line: it is part of no id.
joined() { cat "bom-$1" "bom-$1"; }
lines() { wc -l <"$1"; }
for file in docs.tsv queries.tsv first.run qrels.txt filter.txt; do joined $file >joined-$file; done
joined_at() { # joined_at FILE COMMAND...: it is refused at the first line of the second part
  local file=$1
  shift
  refuses 65 "joined-$file:$(($(lines "$file") + 1)): expected a line, found a byte order mark" "$@"
}
joined_at docs.tsv lir-encode --model "$model" --role doc joined-docs.tsv -o joined.lirt
joined_at queries.tsv lir-search --index docs.index --model "$model" joined-queries.tsv
joined_at first.run lir-eval --qrels qrels.txt joined-first.run
joined_at first.run lir-rerank fuse first.run joined-first.run
joined_at qrels.txt lir-eval --qrels joined-qrels.txt first.run
joined_at filter.txt lir-search --index docs.index --filter joined-filter.txt queries.lirt
joined_at docs.tsv lir-train sample --qrels qrels.txt --queries queries.tsv --docs joined-docs.tsv first.run
(printf '\xef\xbb\xbf' && cat bom-first.run) >twice.run
refuses 65 'twice.run:1: expected a line, found a byte order mark' lir-eval --qrels qrels.txt twice.run
# Inside a line it is a character as others are.
printf 'd1\tb\xef\xbb\xbfee\nd2\t\xef\xbb\xbfsky\n' >inside.tsv
exits 0 lir-encode --model "$model" --role doc inside.tsv -o inside.lirt

# A stream that is damaged in its first bytes is no text.
for place in 0 3 7 8 9 20; do
  cp queries.lirt damaged.lirt
  printf '\xff' | dd of=damaged.lirt bs=1 seek=$place conv=notrunc status=none
  refuses 65 damaged.lirt lir-search --index docs.index damaged.lirt
  refuses 65 damaged.lirt lir-search --index docs.index --model "$model" damaged.lirt
  refuses 65 damaged.lirt lir-encode --model "$model" --role query damaged.lirt
  refuses 65 '-: ' lir-search --index docs.index - <damaged.lirt
done
refuses 65 'text' lir-index build --type flat docs.tsv -o none.index
says 'lir-encode make'

# Compressed by others.
for tool in bzip2:bz2 xz:xz gzip:gz; do
  command -v ${tool%:*} >/dev/null || { note "${tool%:*} is not installed" && continue; }
  ${tool%:*} -kf docs.tsv
  timed '*.gz'
  same <(lir-encode -q --model "$model" --role doc --no-provenance docs.tsv) \
    <(lir-encode -q --model "$model" --role doc --no-provenance docs.tsv.${tool#*:})
  head -c 100 docs.tsv.${tool#*:} >cut.tsv.${tool#*:}
  refuses 65 cut.tsv lir-encode --model "$model" --role doc cut.tsv.${tool#*:}
done

# shellcheck shell=bash
# Codes of vectors: the run of the vectors themselves, byte for byte, and what happens without them.

texts 2500 >docs.tsv
texts 60 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
model=native/dpr_bert_01
exits 0 encode $model doc docs.tsv -o docs.lirt
exits 0 encode $model query queries.tsv -o queries.lirt
exits 0 lir-index build docs.lirt -o plain.index
exits 0 lir-index build --codes int8 docs.lirt -o coded.index
exits 0 lir-index build --codes f16 docs.lirt -o f16.index
exits 0 lir-index build --codes bf16 docs.lirt -o bf16.index
for index in coded f16 bf16; do exits 0 lir-index verify $index.index; done
for k in 1 10 3000; do
  exits 0 lir-search --index plain.index -k $k --tag t queries.lirt -o whole.run
  for index in coded f16 bf16; do
    for threads in 1 2; do
      exits 0 lir-search --index $index.index -k $k --tag t --threads $threads queries.lirt -o coded.run
      same whole.run coded.run
    done
    exits 0 lir-search --index $index.index --exact -k $k --tag t queries.lirt -o exact.run
    same whole.run exact.run
  done
done
# Vectors of an untrained model are too near each other for bytes; halves exclude most of them.
exits 0 lir-search --index f16.index -k 10 --tag t queries.lirt -o coded.run
[ "$(summary survivors_p50)" -lt 1000 ] || fail "$(summary survivors_p50) survivors of 2500"
[ "$(summary survivors_max)" -ge "$(summary survivors_p50)" ] || fail 'the figures of the summary'

# One query at a time, and those of a filter.
head -n 1 queries.tsv >one.tsv
exits 0 encode $model query one.tsv -o one.lirt
cut -f 1 docs.tsv | awk 'NR % 7 == 0' >allowed.txt
for index in plain coded; do
  exits 0 lir-search --index $index.index -k 5 --tag t one.lirt -o $index.run
  exits 0 lir-search --index $index.index -k 5 --tag t --filter allowed.txt queries.lirt -o $index.filter.run
done
same plain.run coded.run
same plain.filter.run coded.filter.run

# The least score of a document, between those that are found.
exits 0 lir-search --index plain.index -k 50 --tag t queries.lirt -o whole.run
least=$(awk '$4 == 20 {print $5; exit}' whole.run)
for index in plain coded f16; do
  exits 0 lir-search --index $index.index -k 50 --min-score "$least" --tag t queries.lirt -o $index.run
  same plain.run $index.run
done
[ "$(wc -l <plain.run)" -lt "$(wc -l <whole.run)" ] || fail "no document is below $least"

# Without the proof the best are mostly the same, even of vectors that differ by little more than codes.
exits 0 lir-search --index coded.index --approximate -k 10 --tag t queries.lirt -o approximate.run
exits 0 lir-search --index plain.index -k 10 --tag t queries.lirt -o whole.run
shared=$(cut -d ' ' -f 1,3 whole.run | sort | comm -12 - <(cut -d ' ' -f 1,3 approximate.run | sort) | wc -l)
[ "$shared" -ge $(($(wc -l <whole.run) / 2)) ] || fail "$shared of $(wc -l <whole.run)"

# Shards joined are one build.
for i in 1 2 3; do
  exits 0 encode $model doc --shard $i/3 docs.tsv -o part.lirt
  exits 0 lir-index build --codes int8 part.lirt -o part-$i.index
done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index
for file in coded.index/codes*; do same "$file" "merged.index/${file##*/}"; done

# Bits: with all documents compared the run of the vectors, and with some of them most of it.
exits 0 lir-index build --codes b1 docs.lirt -o bits.index
exits 0 lir-index verify bits.index
exits 0 lir-search --index plain.index -k 10 --tag t queries.lirt -o whole.run
exits 0 lir-search --index bits.index --oversample 250 -k 10 --tag t queries.lirt -o bits.run
same whole.run bits.run
exits 0 lir-search --index bits.index --exact -k 10 --tag t queries.lirt -o bits.run
same whole.run bits.run
for threads in 1 2; do
  exits 0 lir-search --index bits.index -k 10 --tag t --threads $threads queries.lirt -o bits-$threads.run
done
same bits-1.run bits-2.run
shared=$(cut -d ' ' -f 1,3 whole.run | sort | comm -12 - <(cut -d ' ' -f 1,3 bits-1.run | sort) | wc -l)
[ "$shared" -ge $(($(wc -l <whole.run) * 3 / 4)) ] || fail "$shared of $(wc -l <whole.run)"
exits 64 lir-search --index plain.index --oversample 2 -k 10 queries.lirt
says 'no codes b1'
for i in 1 2 3; do
  exits 0 encode $model doc --shard $i/3 docs.tsv -o part.lirt
  exits 0 lir-index build --codes b1 part.lirt -o part-$i.index
done
exits 0 lir-index merge -o merged.index part-1.index part-2.index part-3.index
for file in bits.index/bits*; do same "$file" "merged.index/${file##*/}"; done

# Vectors that are cut, here or by the model: the same index, which takes queries that are cut, too.
exits 0 encode $model doc --dims 8 docs.tsv -o short.lirt
exits 0 encode $model query --dims 8 queries.tsv -o short-queries.lirt
exits 0 lir-index build --codes f16 short.lirt -o short.index
exits 0 lir-index build --codes f16 --dims 8 docs.lirt -o cut.index
exits 0 lir-index verify cut.index
for index in short cut; do
  exits 0 lir-search --index $index.index -k 5 --tag t short-queries.lirt -o $index.run
done
same short.run cut.run
exits 78 lir-search --index cut.index -k 5 queries.lirt
says 'expected dimension 8'
# A search cuts both, and queries for an index that is cut.
exits 0 lir-search --index cut.index --exact -k 5 --tag t short-queries.lirt -o cut.run
for index in plain coded f16 bits; do
  exits 0 lir-search --index $index.index --dims 8 -k 5 --tag t queries.lirt -o $index.run
  same cut.run $index.run
  exits 0 lir-search --index $index.index --dims 8 -k 5 --tag t short-queries.lirt -o $index.run
  same cut.run $index.run
done
exits 0 lir-search --index cut.index --dims 8 -k 5 --tag t queries.lirt -o other.run
same cut.run other.run
exits 0 lir-search --index plain.index --dims 8 --model "$MODELS/$model/model" -k 5 --tag t queries.tsv -o other.run
same cut.run other.run
exits 64 lir-search --index plain.index --dims 4000 -k 5 queries.lirt
says 'expected 1 to'
exits 64 lir-search --index coded.index --dims 8 --approximate -k 5 queries.lirt
says 'goes without --approximate'
exits 78 lir-search --index plain.index --dims 16 -k 5 short-queries.lirt
says 'found 8'
exits 64 lir-index build --dims 4000 docs.lirt -o other.index
says 'expected 1 to'

# Codes alone.
exits 0 lir-index build --codes int8 --originals none docs.lirt -o small.index
! ls small.index/vectors* 2>/dev/null || fail 'the vectors were kept'
exits 0 lir-search --index small.index -k 10 --tag t queries.lirt -o small.run
exits 78 lir-search --index small.index --exact -k 10 queries.lirt
says 'codes alone'
exits 64 lir-search --index plain.index --approximate -k 10 queries.lirt
says 'no codes'
exits 64 lir-index build --originals none docs.lirt -o other.index
exits 64 lir-index build --codes int4 docs.lirt -o other.index
says 'expected int8 or f16 or bf16 or b1'

# Vectors of half the bytes beside codes: the scores of a stream of such vectors, here or when searched.
exits 0 encode $model doc --dtype f16 docs.tsv -o halves.lirt
exits 0 lir-index build halves.lirt -o halves.index
exits 0 lir-index build --codes b1 --originals f16 docs.lirt -o rounded.index
exits 0 lir-index verify rounded.index
jq -n --argjson whole "$(lir-index info bits.index)" --argjson half "$(lir-index info rounded.index)" \
  -e '$half.bytes.vectors < $whole.bytes.vectors * 0.6' >parsed.log || fail 'rounded vectors in info'
exits 0 lir-search --index halves.index -k 10 --tag t queries.lirt -o halves.run
for index in rounded bits; do
  exits 0 lir-search --index $index.index --rescore f16 --oversample 250 -k 10 --tag t queries.lirt -o rounded.run
  same halves.run rounded.run
done
refuses 78 'keeps rounded vectors' lir-search --index rounded.index --rescore f32 -k 10 queries.lirt
refuses 78 'the codes prove' lir-search --index coded.index --rescore f16 -k 10 queries.lirt
refuses 64 'has no codes' lir-search --index plain.index --rescore f32 -k 10 queries.lirt
refuses 64 'goes without --rescore' lir-search --index rounded.index --dims 8 --rescore f16 -k 10 queries.lirt
refuses 64 'what is stored' lir-index merge --originals keep -o other.index rounded.index

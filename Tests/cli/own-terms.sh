# shellcheck shell=bash
# Sparse vectors as JSON lines whose terms are texts, without a vocabulary: the index keeps its own.

cat >docs.jsonl <<'E'
{"id":"d1","contents":"x","vector":{"pear":1.5,"apple":0.25,"größe":2}}
{"id":"d2","contents":"x","vector":{"fig":0.5,"apple":3}}
{"id":"d3","contents":"x","vector":{}}
{"id":"d4","contents":"x","vector":{"zebra":1,"pear":0.75}}
E
cat >queries.jsonl <<'E'
{"id":"q1","vector":{"apple":1,"pear":2}}
{"id":"q2","vector":{"größe":1,"nowhere":7}}
{"id":"q3","vector":{"nowhere":7}}
E
printf 'apple\nfig\ngröße\npear\nzebra\n' >terms.txt
for type in sparse seismic; do
  flags=(--type "$type" --model-label m)
  exits 0 lir-index build "${flags[@]}" docs.jsonl -o own.index
  exits 0 lir-index build "${flags[@]}" --vocabulary terms.txt docs.jsonl -o said.index
  exits 0 lir-index verify own.index
  sed 's/,"nowhere":7//; s/"nowhere":7//' queries.jsonl >known.jsonl
  exits 0 lir-search --index own.index --model-label m -k 5 --tag t queries.jsonl -o own.run
  exits 0 lir-search --index said.index --model-label m --vocabulary terms.txt -k 5 --tag t known.jsonl -o said.run
  same said.run own.run
  is "q1's best" "d1 3.25" "$(awk '$1 == "q1" && $4 == 1 {print $3, $5 + 0}' own.run)"
  is "q2's documents" d1 "$(awk '$1 == "q2" {print $3}' own.run)"
  for file in said.index/postings* said.index/lists* said.index/vectors*; do
    [ ! -e "$file" ] || same "$file" "own.index/${file##*/}"
  done
done

# The names of terms in explanations.
exits 0 lir-search --index own.index --model-label m -k 1 --explain --format jsonl queries.jsonl -o own.jsonl
grep -q '"term":"pear"' own.jsonl || fail 'no names of terms'

# Changes keep the list; terms that it does not have are an error.
exits 0 lir-index build --model-label m docs.jsonl -o own.index
echo '{"id":"e1","vector":{"fig":4}}' >more.jsonl
exits 0 lir-index append --model-label m own.index more.jsonl
echo '{"id":"e2","vector":{"kiwi":4}}' >other.jsonl
exits 65 lir-index append --model-label m own.index other.jsonl
says "'kiwi'"
cut -d '"' -f 4 docs.jsonl >gone.txt
exits 0 lir-index delete own.index --ids gone.txt
exits 0 lir-index compact own.index
exits 0 lir-index verify own.index
echo '{"id":"q","vector":{"fig":1}}' >query.jsonl
exits 0 lir-search --index own.index --model-label m -k 5 --tag t query.jsonl -o own.run
is 'what is left' 'e1 4' "$(awk '{print $3, $5 + 0}' own.run)"

# Shards number terms of the whole.
for i in 1 2; do exits 0 lir-index build --model-label m --shard $i/2 docs.jsonl -o part-$i.index; done
exits 0 lir-index merge -o merged.index part-1.index part-2.index
exits 0 lir-index build --model-label m docs.jsonl -o own.index
for file in own.index/*.safetensors; do same "$file" "merged.index/${file##*/}"; done

# Lists that differ do not go together, and a pipe cannot be read twice.
cat docs.jsonl other.jsonl >more.jsonl
exits 0 lir-index build --model-label m more.jsonl -o other.index
exits 78 lir-index merge -o no.index own.index other.index
says 'disagree'
exits 64 lir-index build --type sparse --model-label m -o no.index - <docs.jsonl

# shellcheck shell=bash
# lir-tokenize: streams that lir-encode takes, and forms that people read.

texts 1500 >docs.tsv
for model in native/dpr_bert_00 external/st_bert_mean native/splade_bert_01; do
  for role in query doc; do
    folder=$MODELS/$model/model
    exits 0 lir-tokenize --model "$folder" --role $role docs.tsv -o tokens.lirt
    is records 1500 "$(summary records)"
    exits 0 lir-encode verify tokens.lirt
    # Through tokens or not, the vectors are the same; only their provenance differs.
    exits 0 encode $model $role --no-provenance docs.tsv -o direct.lirt
    exits 0 encode $model $role --no-provenance tokens.lirt -o from-tokens.lirt
    same direct.lirt from-tokens.lirt
    exits 0 encode $model $role --no-provenance \
      < <(lir-tokenize --model "$folder" --role $role docs.tsv 2>tokenize.log) >piped.lirt
    same direct.lirt piped.lirt
  done
done

# Threads, shards.
folder=$MODELS/native/dpr_bert_00/model
exits 0 lir-tokenize --model "$folder" --role doc docs.tsv -o whole.lirt
for threads in 1 2 3; do
  exits 0 lir-tokenize --model "$folder" --role doc --threads $threads docs.tsv -o other.lirt
  same whole.lirt other.lirt
done
for i in 1 2 3; do
  exits 0 lir-tokenize --model "$folder" --role doc --shard $i/3 docs.tsv -o "part-$i.lirt"
  exits 0 lir-tokenize --model "$folder" --role doc --shard $i/3 --format tokens docs.tsv \
    -o "part-$i.txt"
done
exits 0 lir-encode cat part-[123].lirt -o joined.lirt
same whole.lirt joined.lirt
exits 0 lir-tokenize --model "$folder" --role doc --format tokens docs.tsv -o whole.txt
same whole.txt <(cat part-[123].txt)
# Shards of a token stream, too.
for i in 1 2 3; do
  exits 0 encode native/dpr_bert_00 doc --shard $i/3 whole.lirt -o "vectors-$i.lirt"
done
exits 0 encode native/dpr_bert_00 doc whole.lirt -o vectors.lirt
exits 0 lir-encode cat vectors-[123].lirt -o joined.lirt
same vectors.lirt joined.lirt

# Another role's or another model's tokens are refused.
refuses 78 'role' encode native/dpr_bert_00 query whole.lirt
refuses 78 'tokenizer' encode native/splade_bert_00 doc whole.lirt

# What people read.
printf 'a\tthe method of Python\nb\t\n' >two.tsv
lir-tokenize --model "$folder" --format tokens two.tsv 2>said.log
lir-tokenize --model "$folder" --role query --format tokens two.tsv 2>said.log
lir-tokenize --model "$folder" --format jsonl two.tsv 2>said.log |
  jq -c '[.id, (.input_ids | length), (.attention_mask | length), (.token_type_ids | length)]'
lir-tokenize --model "$folder" --max-length 4 --format tokens two.tsv 2>said.log
is truncated 1 "$(summary truncated)"
printf 'q\td\tthe key\tvalue of object\n' >pairs.tsv
lir-tokenize --model "$MODELS/native/mono_bert_00/model" --pairs --format tokens pairs.tsv 2>said.log

# A folder that holds a tokenizer alone. Pairs are cut longest first; a window starts every three
# tokens, so that the first of each, and what the last one holds, are the text.
mkdir alone
cp "$MODELS/native/mono_bert_00/model"/tokenizer*.json alone/
printf 'q\td\tthe key\tvalue of object and more\n' >pairs.tsv
lir-tokenize --model alone --pairs --format jsonl pairs.tsv 2>said.log >whole.jsonl
lir-tokenize --model "$MODELS/native/mono_bert_00/model" --pairs --format jsonl pairs.tsv \
  2>said.log | same whole.jsonl -
length=$(jq '.input_ids | length' whole.jsonl)
is 'a pair cut' "$(jq -c '.input_ids | .[:-2] + .[-1:]' whole.jsonl)" \
  "$(lir-tokenize --model alone --pairs --max-length $((length - 1)) --format jsonl pairs.tsv \
    2>said.log | jq -c .input_ids)"
is 'the tokens of windows' "$(lir-tokenize --model alone --format jsonl two.tsv 2>said.log |
  jq -c 'select(.id == "a").input_ids[1:-1]')" \
  "$(lir-tokenize --model alone --window 6:3 --format jsonl two.tsv 2>said.log |
    jq -sc 'map(select(.id | startswith("a#")).input_ids[1:-1]) | map(.[:3]) + [.[-1][3:]] | add')"
lir-tokenize --model "$folder" --role doc --window 6:3 --format tokens docs.tsv 2>said.log | grep -c '^d1#'
lir-tokenize --model "$folder" --stats docs.tsv 2>said.log | jq -e '.records == 1500 and .tokens > 0'
exits 0 lir-tokenize --model "$folder" two.tsv -o two.lirt
lir-tokenize --model "$folder" --decode two.lirt 2>said.log
rm -f ./*.lirt

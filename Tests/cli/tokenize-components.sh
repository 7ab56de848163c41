# shellcheck shell=bash
# lir-tokenize with tokenizers that are not BERT's: BPE on bytes, refusals, damaged texts.

folder=$FIXTURES/tokenizers/roberta_bpe/model
printf 'a\tthe café\nb\t\xe4\xb8\xad <mask> it'"'"'s\n' >two.tsv
lir-tokenize --model "$folder" --format tokens two.tsv 2>said.log
lir-tokenize --model "$folder" -o tokens.lirt two.tsv 2>said.log
lir-tokenize --model "$folder" --decode tokens.lirt 2>said.log
lir-tokenize --model "$FIXTURES/tokenizers/modernbert_bpe/model" --format tokens two.tsv 2>said.log

# The same bytes for any number of threads; documents of a megabyte, with and without spaces.
{
  texts 500
  printf 'long\t%s\n' "$(yes ab | head -n 500000 | tr -d '\n')"
  printf 'wide\t%s\n' "$(yes 中文 | head -n 150000 | tr '\n' ' ')"
} >docs.tsv
exits 0 lir-tokenize --model "$folder" --threads 1 docs.tsv -o one.lirt
exits 0 lir-tokenize --model "$folder" --threads 3 docs.tsv -o three.lirt
same one.lirt three.lirt
is records 502 "$(summary records)"

# A lone surrogate is no text; a pair is a character.
printf '{"id":"a","text":"x\\ud83d\\ude00"}\n{"id":"b","text":"x\\ud83d y"}\n' >lone.jsonl
refuses 65 'lone.jsonl:2' lir-tokenize --model "$folder" lone.jsonl
refuses 65 'lone surrogate' lir-tokenize --model "$folder" lone.jsonl

# What is not known is named.
changed() { # WHAT TO
  rm -rf changed
  cp -r "$folder" changed
  chmod -R u+w changed
  sed -i "s/$1/$2/" changed/tokenizer.json
}
changed '"type": *"ByteLevel"' '"type":"Syllables"'
refuses 78 'pre_tokenizer Syllables' lir-tokenize --model changed two.tsv
changed '"dropout": *null' '"dropout":0.5'
refuses 78 'dropout' lir-tokenize --model changed two.tsv
changed '"type": *"BPE"' '"type":"Morphemes"'
refuses 78 'Morphemes' lir-tokenize --model changed two.tsv

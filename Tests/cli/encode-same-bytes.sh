# shellcheck shell=bash
# Same texts, same bytes: for every number of threads, batch size and instruction set.

texts 300 >docs.tsv
for model in native/dpr_bert_04 external/st_bert_mean native/splade_bert_00; do
  exits 0 encode "$model" doc docs.tsv -o reference.lirt
  is records 300 "$(summary records)"
  for threads in 1 2 3; do
    exits 0 encode "$model" doc --threads "$threads" docs.tsv -o other.lirt
    same reference.lirt other.lirt
  done
  for batch in 1 16 64 512 65536; do
    exits 0 encode "$model" doc --batch-tokens "$batch" docs.tsv -o other.lirt
    same reference.lirt other.lirt
  done
  for isa in portable avx2 avx512; do
    if encode "$model" doc --isa "$isa" docs.tsv -o other.lirt 2>said.log; then
      same reference.lirt other.lirt
    else
      says 'this processor does not run it'
      note "--isa $isa: this processor does not run it"
    fi
  done
  # A pipe at either end changes nothing but the digest of the input in the provenance.
  exits 0 encode "$model" doc --no-provenance docs.tsv -o plain.lirt
  exits 0 encode "$model" doc --no-provenance <docs.tsv >piped.lirt
  same plain.lirt piped.lirt
  mv reference.lirt "$(basename "$model").lirt"
done
rm -f other.lirt

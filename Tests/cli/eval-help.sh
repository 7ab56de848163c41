# shellcheck shell=bash
# What explains itself, and where a file came from.
lir-eval --list-measures | grep -c . >/dev/null
lir-eval --list-measures | sed -n 's,^nDCG[^ ]* NDCG  *,nDCG: ,p'
lir-eval --explain 'nDCG@10'
refuses 64 'no measure is called' lir-eval --explain nope
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
refuses 1 'run.txt: expected a note of what made it' lir-eval provenance run.txt
mkdir index
echo '{"by":[{"tool":"lir-index"}],"type":"flat"}' >index/manifest.json
lir-eval provenance index

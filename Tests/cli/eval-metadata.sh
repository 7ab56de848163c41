# shellcheck shell=bash
# What runs say of themselves in comments at their heads.
cp "$FIXTURES"/eval/tiny/{run,qrels}.txt .
{
  printf '# made by hand\n# ir_metadata.start\n# schema-version: 0.2\n# method:\n#   automatic: true\n'
  printf '#\n# ir_metadata.end\n'
  cat run.txt
} >described
lir-eval --metadata described
lir-eval --metadata <described | tail -n 1
same <(lir-eval -q --qrels qrels.txt described | cut -f 2-) <(lir-eval -q --qrels qrels.txt run.txt | cut -f 2-)
same <(lir-eval trec_eval qrels.txt described) <(lir-eval trec_eval qrels.txt run.txt)
same <(lir-rerank fuse --tag t described run.txt) <(lir-rerank fuse --tag t run.txt run.txt)
refuses 1 'run.txt: expected ir_metadata' lir-eval --metadata run.txt
sed '/end$/d' described >unfinished
refuses 65 'unfinished:7: expected a comment with ir_metadata.end' lir-eval --metadata unfinished
head -n 4 described >unfinished
refuses 65 'unfinished: expected a comment with ir_metadata.end' lir-eval --metadata unfinished
refuses 66 'absent' lir-eval --metadata absent

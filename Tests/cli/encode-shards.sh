# shellcheck shell=bash
# Shards 1..n of n, joined, are the unsharded stream; also compressed.

# More than two segments, so that shards do not end where segments do.
texts 2500 >docs.tsv
for suffix in lirt lirt.zst lirt.lz4; do
  exits 0 encode native/dpr_bert_01 doc docs.tsv -o "whole.$suffix"
  for shards in 1 2 5; do
    parts=()
    for i in $(seq "$shards"); do
      exits 0 encode native/dpr_bert_01 doc --shard "$i/$shards" docs.tsv -o "part-$i.$suffix"
      parts+=("part-$i.$suffix")
    done
    exits 0 lir-encode cat "${parts[@]}" -o "joined.$suffix"
    same "whole.$suffix" "joined.$suffix"
    is records 2500 "$(summary records)"
  done
done

# Over several operands, and with sparse vectors.
head -n 1200 docs.tsv >a.tsv
tail -n +1201 docs.tsv >b.tsv
exits 0 encode native/splade_bert_02 doc a.tsv b.tsv -o whole.lirt
exits 0 encode native/splade_bert_02 doc --shard 1/2 a.tsv b.tsv -o part-1.lirt
exits 0 encode native/splade_bert_02 doc --shard 2/2 a.tsv b.tsv -o part-2.lirt
exits 0 lir-encode cat part-1.lirt part-2.lirt -o joined.lirt
same whole.lirt joined.lirt

# More shards than records: some are empty, and valid.
head -n 3 docs.tsv >few.tsv
exits 0 encode native/dpr_bert_01 doc few.tsv -o whole.lirt
for i in 1 2 3 4 5; do
  exits 0 encode native/dpr_bert_01 doc --shard "$i/5" few.tsv -o "few-$i.lirt"
  exits 0 lir-encode verify "few-$i.lirt"
done
exits 0 lir-encode cat few-[1-5].lirt -o joined.lirt
same whole.lirt joined.lirt

# A shard that is missing, doubled or out of order is not joined.
refuses 65 'expected shard 2/5' lir-encode cat few-1.lirt few-3.lirt
refuses 65 'expected shard 2/5' lir-encode cat few-1.lirt few-1.lirt
refuses 65 'expected shard 1/5' lir-encode cat few-2.lirt few-1.lirt
rm -f printed.log

refuses 64 'shard' encode native/dpr_bert_01 doc --shard 0/5 docs.tsv
refuses 64 'shard' encode native/dpr_bert_01 doc --shard 6/5 docs.tsv
refuses 64 'shard' encode native/dpr_bert_01 doc --shard 1 docs.tsv
# What comes through a pipe cannot be counted first.
exits 64 encode native/dpr_bert_01 doc --shard 1/2 < <(cat docs.tsv)
says 'hint: '

# auto takes its number from the scheduler.
exits 0 env SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=5 \
  lir-encode --model "$MODELS/native/dpr_bert_01/model" --role doc --shard auto/5 few.tsv -o auto.lirt
same few-2.lirt auto.lirt
refuses 64 'auto' encode native/dpr_bert_01 doc --shard auto/5 few.tsv

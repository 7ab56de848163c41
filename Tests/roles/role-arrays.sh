# shellcheck shell=bash
# A user of a cluster encodes and re-ranks by job arrays, whose tasks are killed and submitted again.
#
# What still hurts:
# * Who changes the number of tasks half-way throws away what was encoded: shards of another number are
#   other shards, and are refused by name.
# * How far a task is, only its own log tells; `make status` knows what is done, running, failed and missing.

model=$MODELS/external/st_bert_mean/model cross=$MODELS/native/mono_bert_00/model
texts 2500 >docs.tsv
cp "$ROOT"/pipelines/example/queries.tsv .
exits 0 lir-encode --model "$model" --role doc docs.tsv -o whole.lirt.zst

# The tasks of an array: the scheduler says which one this is.
task() { # task NUMBER
  SLURM_ARRAY_TASK_ID=$1 lir-encode --model "$model" --role doc --shard auto/3 --resume --threads 1 \
    docs.tsv -o "part-$1.lirt.zst"
}
exits 0 task 1
# The second is killed at its time limit, again and again, and submitted as it was.
task_two() { task 2; }
list_points task_two
rm -f part-2.lirt.zst
killed_at "$(point_of '^rename')" task_two
killed_at "$(point_of '^rename')" task_two
exits 0 task 2
exits 0 task 3
exits 0 lir-encode cat part-1.lirt.zst part-2.lirt.zst part-3.lirt.zst -o joined.lirt.zst
same whole.lirt.zst joined.lirt.zst
# Under another scheduler, and by number.
PBS_ARRAYID=3 exits 0 lir-encode --model "$model" --role doc --shard auto/3 docs.tsv -o other.lirt.zst
same part-3.lirt.zst other.lirt.zst
exits 0 lir-encode --model "$model" --role doc --shard 3/3 docs.tsv -o other.lirt.zst
same part-3.lirt.zst other.lirt.zst

# What goes wrong: a task too many, a shard that is missing or there twice, shards of another number.
SLURM_ARRAY_TASK_ID=4 exits 64 lir-encode --model "$model" --role doc --shard auto/3 docs.tsv -o x.lirt
exits 64 lir-encode --model "$model" --role doc --shard auto/3 docs.tsv -o x.lirt
refuses 65 '2/3' lir-encode cat part-1.lirt.zst part-3.lirt.zst -o x.lirt
exits 65 lir-encode cat part-1.lirt.zst part-1.lirt.zst part-3.lirt.zst -o x.lirt
exits 0 lir-encode --model "$model" --role doc --shard 2/4 docs.tsv -o quarter.lirt.zst
exits 65 lir-encode cat part-1.lirt.zst quarter.lirt.zst part-3.lirt.zst -o x.lirt
head -c 3000 part-2.lirt.zst >cut.lirt.zst
exits 65 lir-encode verify part-1.lirt.zst cut.lirt.zst
says cut.lirt.zst
[ ! -e x.lirt ] || fail 'a refusal leaves an output'
# Tasks without records are whole.
head -n 2 docs.tsv >two.tsv
for i in 1 2 3; do exits 0 lir-encode --model "$model" --role doc --shard $i/3 two.tsv -o few-$i.lirt; done
exits 0 lir-encode cat few-1.lirt few-2.lirt few-3.lirt -o few.lirt
is 'records' 2 "$(lir-encode view few.lirt | wc -l)"

# Indexes of shards, built by tasks, are merged: the same answers as of one index.
for i in 1 2 3; do exits 0 lir-index build part-$i.lirt.zst -o part-$i.index; done
exits 0 lir-index merge part-1.index part-2.index part-3.index -o merged.index
exits 0 lir-index build whole.lirt.zst -o whole.index
for index in merged whole; do
  exits 0 lir-search --index $index.index --model "$model" -k 20 --tag t queries.tsv -o $index.run
done
same whole.run merged.run
# Re-ranking cuts the queries; uncompressed runs are joined by cat.
rerank() { lir-rerank --model "$cross" --queries queries.tsv --docs docs.tsv --depth 5 --tag t "$@"; }
exits 0 rerank whole.run -o one.run
for i in 1 2 3; do exits 0 rerank --shard $i/3 --resume whole.run -o ranked-$i.run; done
same one.run <(cat ranked-1.run ranked-2.run ranked-3.run)

# The same by make, two jobs at a time: every message tells its shard.
command -v make >/dev/null || { note 'make is not installed'; exit 0; }
exits 0 make -s -j 2 -f "$ROOT/pipelines/retrieve.mk" MODEL="$model" SHARDS=3
says 'out/docs/2.lirt.zst (2/3): lir-encode: done'
same <(lir-encode view whole.lirt.zst) <(lir-encode view out/docs.lirt.zst)
rm -rf ./*.index ./*.lirt* out

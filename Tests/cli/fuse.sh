# shellcheck shell=bash
# Runs become one: any order of lines, compressed or not, the order and the ranks of every run.
printf '%s\n' '2 Q0 c 1 5 a' '1 Q0 y 9 8 a' '1 Q0 x 9 9 a' '2 Q0 d 1 5 a' >a.run
printf '%s\n' '# a comment' '3 Q0 z 1 3 b' '1 Q0 y 1 0.5 b' '1 Q0 w 2 0.25 b' >b.run
lir-rerank fuse --tag t a.run b.run
lir-rerank fuse --tag t --method sum --weights 1,2 -k1 a.run b.run
lir-rerank fuse --tag t --method borda a.run b.run | head -n 5
lir-rerank fuse --tag t --method mnz --normalize none --depth 1 - b.run <a.run
lir-rerank fuse a.run b.run -o fused.run.zst
if type zstd >/dev/null 2>&1; then
  zstd -q a.run
  same <(lir-rerank fuse --tag t a.run.zst b.run) <(lir-rerank fuse --tag t a.run b.run)
  zstd -dqc fused.run.zst | cut -d ' ' -f 6 | sort -u | grep -cx 'lir-rerank-[0-9a-f]\{8\}' >/dev/null
else
  note "zstd is not installed"
fi
lir-eval provenance fused.run.zst | jq -r '.[].tool, (.[].inputs | keys[])'

printf '1 Q0 a 1 nan t\n' >nan
printf '1 Q0 a 1 2 t\n1 Q0 a 2 1 t\n' >twice
: >empty
refuses 65 'nan:1: expected a finite score' lir-rerank fuse a.run nan
refuses 65 'twice:2: expected each document once' lir-rerank fuse twice a.run
refuses 65 'empty: expected data' lir-rerank fuse a.run empty
printf '\n' >blank
refuses 65 'blank: expected a run' lir-rerank fuse a.run blank
exits 0 lir-rerank fuse --allow-empty a.run empty >printed.log
printf '1 Q0 a 1 3e38 t\n' >huge
refuses 65 'document a: expected a finite fused score' lir-rerank fuse --method sum huge huge
refuses 66 'absent' lir-rerank fuse a.run absent
refuses 64 'at least two runs, found 1' lir-rerank fuse a.run
refuses 64 "one a run, 2, found 3" lir-rerank fuse --weights 1,2,3 a.run b.run
refuses 64 "found 'x'" lir-rerank fuse --weights 1,x a.run b.run
refuses 64 "found '-1'" lir-rerank fuse --weights=-1,1 a.run b.run
refuses 64 "found 'nan'" lir-rerank fuse --weights 1,nan a.run b.run
refuses 64 'one above 0' lir-rerank fuse --weights 0,0 a.run b.run
refuses 64 '--depth' lir-rerank fuse --depth 0 a.run b.run
refuses 64 '--normalize is for' lir-rerank fuse --method sum --normalize zscore a.run b.run
refuses 64 'expected - once' lir-rerank fuse - - <a.run
refuses 64 'mnz2' lir-rerank fuse --method mnz2 a.run b.run
rm fused.run.zst  # the tag names this version

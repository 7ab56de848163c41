"""The weights that `lir-rerank fuse --tune-weights` must find, by trying the whole grid.

    fusion_weights.py METHOD K FOLDS SEED QRELS RUN RUN...

Prints, as the tool says them: the values of the runs alone and of equal weights, a line a part, the values on
training and on held-out queries, and the weights.
"""

import collections
import functools
import itertools
import math
import struct
import sys
from typing import Callable, Dict, List, Sequence, Tuple

Scores = Dict[str, float]
METHOD, K, FOLDS, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])


def single(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def read(path: str, doc: int, value: int, kind: Callable[[str], float]) -> Dict[str, Scores]:
    table: Dict[str, Scores] = collections.defaultdict(dict)
    for line in open(path):
        fields = line.split()
        table[fields[0]][fields[doc]] = kind(fields[value])
    return table


qrels = read(sys.argv[5], 2, 3, int)
runs = [read(path, 2, 4, lambda text: single(float(text))) for path in sys.argv[6:]]
UNITS = (20 + len(runs) - 1) // len(runs) * len(runs)


def order(scores: Scores) -> List[str]:
    by_id = sorted(scores, reverse=True)
    return sorted(by_id, key=lambda doc: -scores[doc])


@functools.lru_cache(None)
def shares_of(run: int, query: str) -> Scores:
    return shares(runs[run][query]) if query in runs[run] else {}


def shares(scores: Scores) -> Scores:
    ranking = order(scores)
    if METHOD == "rrf":
        return {doc: 1 / (60 + rank + 1) for rank, doc in enumerate(ranking)}
    if METHOD == "sum":
        return scores
    low, high = min(scores.values()), max(scores.values())  # minmax, mnz
    return {doc: (score - low) / max(high - low, 1e-9) for doc, score in scores.items()}


def fused(query: str, weights: Sequence[int]) -> Scores:
    sums: Scores = collections.defaultdict(float)
    counts: Dict[str, int] = collections.Counter()
    for run, weight in enumerate(weights):
        for doc, share in shares_of(run, query).items():
            sums[doc] += weight * share
            counts[doc] += 1
    return {doc: single(s * counts[doc] if METHOD == "mnz" else s) for doc, s in sums.items()}


def gains(grades: Sequence[float]) -> float:
    return sum(max(0, grade) / math.log2(rank + 2) for rank, grade in enumerate(grades[:10]))


def ndcg(query: str, scores: Scores) -> float:
    judged = qrels[query]
    ideal = gains(sorted(judged.values(), reverse=True))
    return gains([judged.get(doc, 0) for doc in order(scores)[:K]]) / ideal if ideal else 0


def philox(index: int) -> int:
    mask = (1 << 32) - 1
    x, k = [index // 4, 0, 0, 0], [SEED & mask, SEED >> 32]
    for _ in range(10):
        first, second = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
        x = [(second >> 32) ^ x[1] ^ k[0], second & mask, (first >> 32) ^ x[3] ^ k[1], first & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return x[index % 4]


queries = sorted(q for q in set().union(*runs) if q in qrels)
dealt = sorted(range(len(queries)), key=lambda i: (philox(i), i))
part = {queries[place]: turn % FOLDS for turn, place in enumerate(dealt)}


def mean(values: List[float]) -> float:
    return sum(values) / len(values)


grid = set()
for steps in itertools.product(range(UNITS + 1), repeat=len(runs)):
    if sum(steps) == UNITS:
        grid.add(tuple(step // math.gcd(*steps) for step in steps))
table = {weights: {q: ndcg(q, fused(q, weights)) for q in queries} for weights in grid}


def best(chosen: List[str]) -> Tuple[int, ...]:
    def key(weights: Tuple[int, ...]) -> Tuple[object, ...]:
        equal = len(set(weights)) == 1
        value = round(mean([table[weights][q] for q in chosen]) / 1e-9)
        return (-value, not equal, sum(weights), sum(w * w for w in weights), [-w for w in weights])
    return min(grid, key=key)


def text(weights: Sequence[int]) -> str:
    return ",".join(map(str, weights))


for path, run in zip(sys.argv[6:], runs):
    alone = [gains([qrels[q].get(d, 0) for d in order(run.get(q, {}))])
             / (gains(sorted(qrels[q].values(), reverse=True)) or 1) for q in queries]
    print(f"{path} alone: {mean(alone):.4f}")
print(f"equal weights: {mean(list(table[(1,) * len(runs)].values())):.4f}")
held: Scores = {}
training: List[float] = []
for number in range(FOLDS):
    inside = [q for q in queries if part[q] != number]
    out = [q for q in queries if part[q] == number]
    weights = best(inside)
    held.update({q: table[weights][q] for q in out})
    training.append(mean([table[weights][q] for q in inside]))
    print(f"weights {text(weights)}, found without part {number + 1} of {FOLDS}: {training[-1]:.4f} on training"
          f" queries, {mean([held[q] for q in out]):.4f} on {len(out)} held-out ones")
print(f"of all parts: {mean(training):.4f} on training queries, {mean(list(held.values())):.4f} on held-out ones")
weights = best(queries)
print(f"weights {text(weights)}, found on all of them: {mean(list(table[weights].values())):.4f} on training queries")
print(f"--weights {text(weights)}")

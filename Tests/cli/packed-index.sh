# shellcheck shell=bash
# Indexes in one file: packed, served on 127.0.0.1, fetched with interruptions, and refused where anything is
# not what its description says.

python3 -c 'import zstandard' 2>/dev/null || command -v zstd >/dev/null || skip 'no zstd'
exits 0 lir-index build --type bm25 -o words "$ROOT/pipelines/example/docs.tsv"
exits 0 lir-search --index words -k 5 "$ROOT/pipelines/example/queries.tsv" -o words.run
mkdir served
pack=$ROOT/scripts/pack-index fetch=$ROOT/scripts/fetch-index
exits 0 "$pack" words served/words.tar.zst --note 'thirty passages'
exits 0 "$pack" words again.tar.zst --note 'thirty passages'
same served/words.tar.zst again.tar.zst
is 'documents' 30 "$(jq .index.documents served/words.tar.zst.json)"
is 'provenance' lir-index "$(jq -r '.provenance[-1].tool' served/words.tar.zst.json)"
is 'digest' "$(sha256sum <served/words.tar.zst | cut -d ' ' -f 1)" "$(jq -r .archive.sha256 served/words.tar.zst.json)"
is 'files' "$(find words -type f | wc -l)" "$(jq '.files | length' served/words.tar.zst.json)"
is 'files of the archive' "$(cd words && find . -type f | sed 's|./||' | sort)" \
  "$(zstd -qdc served/words.tar.zst | tar t | sort)"

python3 "$CLI/dataset_home.py" serve served >address.log 2>served.log &
server=$!
trap '[ -z "$server" ] || kill $server 2>/dev/null' EXIT
until [ -s address.log ] || ! kill -0 $server; do sleep 0.05; done
export no_proxy='*'
address=$(cat address.log)/words.tar.zst
fetched() { "$fetch" --retries 1 --backoff 0 "$@"; }

exits 0 fetched "$address" got
same words/manifest.json got/manifest.json
exits 0 lir-search --index got -k 5 "$ROOT/pipelines/example/queries.tsv" -o got.run
same words.run got.run
is 'files beside the index' '' "$(diff <(ls -A words) <(ls -A got))"
is 'what it is' bm25 "$(fetched --show "$address" | jq -r .index.type)"
# It is there: nothing is fetched again. Another folder's content is not touched.
: >served.log
exits 0 fetched "$address" got
says 'got is there'
! grep -q 'GET /words.tar.zst HTTP' served.log || fail 'an index that is there is fetched'
mkdir other && echo mine >other/file
# Not so where a file is not what it was, though as long: it is fetched again.
cp -r got flipped
file=$(find flipped -name 'postings.*' | sort | sed -n 1p)
flip "$file" 900
exits 0 fetched "$address" flipped
says "$(basename "$file") is missing or damaged: fetching again"
is 'a mended index' '' "$(diff -r words flipped)"
rm "$file"
exits 0 fetched "$address" flipped
is 'a mended index' '' "$(diff -r words flipped)"
# An index that has gone its own way is not.
sed -i 's/"documents": 30/"documents": 31/' flipped/manifest.json
refuses 73 'holds something else' fetched "$address" flipped
refuses 73 'holds something else' fetched "$address" other
is 'the other folder' file "$(ls -A other)"
# An interrupted download goes on; one of another file begins anew or is refused.
mkdir -p half/.fetch
head -c 700 served/words.tar.zst >half/.fetch/archive.tar.zst
exits 0 fetched "$address" half
grep -q 'range from 700' served.log || fail 'the download begins anew'
same words/manifest.json half/manifest.json
mkdir -p wrong/.fetch
head -c 700 /dev/zero >wrong/.fetch/archive.tar.zst
refuses 65 'is not that of the description' fetched "$address" wrong
[ ! -e wrong ] || fail 'a folder of nothing is left'
[ ! -e wrong/manifest.json ] || fail 'an index of something else'
exits 0 fetched "$address" wrong
# Killed while files move into their place: run again.
mkdir -p moved/.fetch && touch moved/.fetch/moving
find words -type f ! -name manifest.json | sed -n 1p | xargs -I F cp F moved
exits 0 fetched "$address" moved
exits 0 lir-index verify moved

# The hub, where a token goes, and nowhere else; the table of names.
mkdir -p served/datasets/owner/name/resolve/v1
cp served/words.tar.zst* served/datasets/owner/name/resolve/v1
HF_ENDPOINT=$(cat address.log) exits 0 fetched --revision v1 datasets/owner/name/words.tar.zst hub
timed table.tsv  # the port
printf 'name\taddress\tnote\nexample\t%s\tthirty\n' "$address" >table.tsv
exits 0 fetched --table table.tsv example named
same words/manifest.json named/manifest.json
refuses 64 'nor in the table' fetched nobody nowhere
refuses 64 'expected http' fetched file:///etc/passwd nowhere
refuses 66 'not.json: not found' fetched "$address.not" nowhere
! grep -q hub said.log || fail 'a server is called the hub'
refuses 64 'into which folder' fetched "$address"
[ ! -e nowhere ] || fail 'a folder of nothing'

# --- archives that want something else
python3 - served <<'END_OF_EVIL'
import hashlib, io, json, subprocess, sys, tarfile
from pathlib import Path
served = Path(sys.argv[1])
words = json.loads((served / "words.tar.zst.json").read_text())
raw = subprocess.run(["zstd", "-qdc", served / "words.tar.zst"], capture_output=True, check=True).stdout

def evil(name, change, describe=lambda d: None):
    """A pack whose members `change` gives; its description says what is in the archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(raw)) as source, tarfile.open(fileobj=out, mode="w") as target:
        for member in source:
            target.addfile(member, source.extractfile(member))
        change(target)
    path = served / f"{name}.tar.zst"
    subprocess.run(["zstd", "-qf", "-", "-o", path], input=out.getvalue(), check=True)
    described = json.loads(json.dumps(words))
    data = path.read_bytes()
    described["archive"] = {"name": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    describe(described)
    Path(f"{path}.json").write_text(json.dumps(described))

def member(name, content=b"evil", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return lambda target: target.addfile(info, io.BytesIO(content))

evil("outside", member("../escaped"))
evil("absolute", member("/tmp/lir-escaped"))
evil("link", member("link", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"))
evil("more", member("more"))
evil("twice", member(words["files"][0]["name"], b"x" * words["files"][0]["bytes"]))
evil("listed", lambda t: None, lambda d: d["files"].append({"name": "../x", "bytes": 1, "sha256": "0" * 64}))
evil("lacking", lambda t: None, lambda d: d["files"].append({"name": "x", "bytes": 1, "sha256": "0" * 64}))
evil("digest", lambda t: None, lambda d: d["files"][0].update(sha256="0" * 64))
evil("size", lambda t: None, lambda d: d["files"][0].update(bytes=5))
evil("format", lambda t: None, lambda d: d.update(format="other/1"))
evil("nested", lambda t: None, lambda d: d["files"].append(
    {"name": words["files"][0]["name"] + "/x", "bytes": 1, "sha256": "0" * 64}))
evil("untold", lambda t: None, lambda d: d.update(index=None))

def damage(name, data):
    """A pack whose description has the digest of an archive that is damaged."""
    (served / f"{name}.tar.zst").write_bytes(data)
    described = dict(words, archive={
        "name": f"{name}.tar.zst", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    (served / f"{name}.tar.zst.json").write_text(json.dumps(described))

def squeezed(data):
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout

def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1:]

packed = (served / "words.tar.zst").read_bytes()
for number in range(12):
    damage(f"damaged{number}", flipped(packed, len(packed) * number // 12))
damage("damaged12", packed[:len(packed) // 2])
damage("damaged13", b"no archive")
damage("damaged14", b"")
damage("damaged15", squeezed(b"no archive" * 1000))
damage("damaged16", squeezed(raw[:-3000]))
damage("damaged17", squeezed(raw + b"more"))
for number in range(18, 34):  # heads of the archive's files
    damage(f"damaged{number}", squeezed(flipped(raw, (number - 18) * 37)))
END_OF_EVIL
everything() { find . -type f ! -name '*.log' | sort; }
before=$(everything)
for name in outside absolute link more twice listed lacking digest size format nested untold damaged{0..33}; do
  refuses 65 'fetch-index: error' fetched "${address%/*}/$name.tar.zst" evil
  [ ! -e evil/manifest.json ] || fail "$name: an index"
  ! grep -q Traceback said.log || fail "$name: a traceback"
  rm -rf evil
done
is 'files elsewhere' "$before" "$(everything)"
for file in escaped /tmp/lir-escaped; do [ ! -e $file ] || fail 'a file outside the folder'; done
# An index that is damaged under right digests is found by lir-index; it is packed only whole.
cp -r words damaged
file=$(find damaged -name 'postings.*' | sort | sed -n 1p)
flip "$file" 900
refuses 65 'lir-index verify' "$pack" damaged served/damaged.tar.zst
[ ! -e served/damaged.tar.zst ] || fail 'a damaged index is packed'
# Vectors in a file elsewhere are not packed; nor does a pack lead to such a file, be it there or not.
vectors=$MODELS/external/st_bert_mean/model
exits 0 lir-encode --model "$vectors" --role doc "$ROOT/pipelines/example/docs.tsv" -o docs.lirt
exits 0 lir-index build --codes int8 --originals beside.vec -o led docs.lirt
refuses 78 'its vectors lie in a file elsewhere' "$pack" led served/led.tar.zst
says '--originals keep'
[ ! -e served/led.tar.zst ] || fail 'an index without its vectors is packed'
exits 0 lir-index merge led --originals keep -o whole
exits 0 "$pack" whole served/whole.tar.zst
exits 0 fetched "${address%/*}/whole.tar.zst" whole-again
is 'an index with its vectors' '' "$(diff -r whole whole-again)"
python3 - "$ROOT/scripts" <<'END_OF_LED'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from importlib.machinery import SourceFileLoader
import json
from pathlib import Path
packer = SourceFileLoader("pack_index", sys.argv[1] + "/pack-index").load_module()
packer.check_manifest = lambda folder, *_: json.loads((folder / "manifest.json").read_text())
packer.pack(Path("led"), Path("served/led.tar.zst"), "")
END_OF_LED
refuses 65 'its vectors lie in a file elsewhere' fetched "${address%/*}/led.tar.zst" astray
rm beside.vec
refuses 65 'its vectors lie in a file elsewhere' fetched "${address%/*}/led.tar.zst" astray
[ ! -e astray/manifest.json ] || fail 'an index that leads elsewhere'
refuses 66 'no manifest.json' "$pack" other x.tar.zst
refuses 64 'expected a name with .tar.zst' "$pack" words x.zip

# shellcheck shell=bash
# The zoo of models: its tables, and what is fetched by name and verified.

zoo=$ROOT/scripts/model-zoo
tables=$ROOT/pipelines

# --- the tables: every checkpoint that the tools know, and no score without a source
"$zoo" list >list.log
for name in $(sed -n '/static let all/,/^  \]/p' "$ROOT/Sources/Models/Loading/KnownCheckpoint.swift" |
  grep -oE '"[A-Za-z0-9_-]+/[A-Za-z0-9._-]+"' | tr -d '"' | grep -v '\.bin$'); do
  is "settings of $name" "{\"checkpoint\": \"$name\"}" "$("$zoo" settings "$name")"
done
is 'names' "$(grep -vc '^#' "$tables/models.tsv")" "$(grep -v '^#' "$tables/models.tsv" | cut -f 1 | sort -u | wc -l)"
for table in models-scores models-pairs; do
  ! grep -vP '(^#)|\thttps://\S+$|^model\t' "$tables/$table.tsv" || fail "a row of $table without its source"
  while read -r model; do "$zoo" hub "$model" >/dev/null || fail "$table: no model $model"; done \
    < <(grep -v '^#' "$tables/$table.tsv" | tail -n +2 | cut -f 1 | sort -u)
done
awk -F '\t' '!/^#/ && $1 != "model" && !($5 > 0 && $5 < 1) { exit 1 }' "$tables/models-scores.tsv" ||
  fail 'a score that is none'
# The means over NanoBEIR are those of its thirteen collections, but for one that its source has otherwise.
awk -F '\t' '$3 == "nano-beir" { mean[$1] = $5 } $3 ~ "^nano-beir/" { sum[$1] += $5; n[$1]++ }
  END { for (m in mean) { d = mean[m] - sum[m] / n[m]; if (n[m] != 13 || (d * d > 1e-6 && m != "gte-moderncolbert-v1")) exit 1 } }' \
  "$tables/models-scores.tsv" || fail 'a mean that is none'
is 'webis/splade' 'rerank msmarco-passage/trec-dl-2019/judged nDCG@10 0.736 1000 official' \
  "$("$zoo" scores webis/splade | sed -n 1p | cut -f 1-6 | tr '\t' ' ')"
is 'by name' naver/splade-v3 "$("$zoo" hub splade-v3)"
# Prompts are JSON, of models of the table, by role and task; those that the tools put there are not asked for.
python3 - "$tables/models-prompts.tsv" <<'END_OF_PROMPTS' || fail 'a row of models-prompts'
import json, sys
lines = [line.rstrip("\n").split("\t") for line in open(sys.argv[1], encoding="utf-8") if line[0] != "#"]
assert lines[0] == ["model", "task", "query", "doc", "by", "source"]
assert len({tuple(row[:2]) for row in lines}) == len(lines)
for model, task, query, doc, by, source in lines[1:]:
    assert isinstance(json.loads(query), str) and isinstance(json.loads(doc), str) and by in ("folder", "user"), model
    assert source.startswith("https://"), model
END_OF_PROMPTS
while read -r model; do "$zoo" hub "$model" >/dev/null || fail "models-prompts: no model $model"; done \
  < <(grep -v '^#' "$tables/models-prompts.tsv" | tail -n +2 | cut -f 1 | sort -u)
is 'a prompt' 'search_document: .' "$("$zoo" prompt nomic-ai/nomic-embed-text-v1.5 doc)."
is 'a prompt of a task' 'clustering: .' "$("$zoo" prompt nomic-embed-text-v1 query --task clustering)."
is 'a prompt of the folder' '' "$("$zoo" prompt embeddinggemma-300m query)"
is 'a prompt as a flag' "--prompt 'search_query: '" "$("$zoo" prompt nomic-embed-text-v1.5 query --flag)"
is 'no flag' '' "$("$zoo" prompt embeddinggemma-300m query --flag)"
is 'prompts' 7 "$("$zoo" prompts google/embeddinggemma-300m | wc -l)"
refuses 66 'no prompts of poetry' "$zoo" prompt nomic-embed-text-v1 query --task poetry
refuses 64 'expected query or doc' "$zoo" prompt nomic-embed-text-v1 passage
refuses 66 'did you mean splade-v3?' "$zoo" hub splade-v33
refuses 64 'settings: what?' "$zoo" settings

# --- a model from a hub on 127.0.0.1, whose known scores are Lightning IR's
mkdir tables
python3 - "$MODELS/native/mono_bert_00" tables <<'END_OF_TABLES'
import json, struct, sys
case, out = sys.argv[1:]
inputs = json.load(open(f"{case}/inputs.json", encoding="utf-8"))
data = open(f"{case}/expected.safetensors", "rb").read()
size = struct.unpack("<Q", data[:8])[0]
begin, end = json.loads(data[8:8 + size])["scores"]["data_offsets"]
scores = struct.unpack(f"<{(end - begin) // 4}f", data[8 + size + begin:8 + size + end])
with open(f"{out}/models.tsv", "w") as file:
    file.write("name\thub\tkind\tsettings\tquery_prompt\tdoc_prompt\n")
    file.write("tiny\towner/model\tmono\t{\"query_length\": 10}\t\t\n")
    file.write("other\towner/other\tsplade\t\t\t\n")
with open(f"{out}/models-pairs.tsv", "w", encoding="utf-8") as file:
    file.write("model\tscore\tquery\tdoc\tvalue\twithin\tsource\n")
    docs = [(q, d) for q, ds in zip(inputs["queries"], inputs["docs"]) for d in ds]
    for (query, doc), score in list(zip(docs, scores))[:3]:
        file.write(f"tiny\tmodel\t{query}\t{doc}\t{score}\t0.0001\there\n")
with open(f"{out}/models-scores.tsv", "w") as file:
    file.write("model\ttask\tdataset\tmeasure\tvalue\tdepth\tfirst\tsource\n")
END_OF_TABLES
length=$(jq .query_length "$MODELS/native/mono_bert_00/model/config.json")
sed -i "s/\"query_length\": 10/\"query_length\": $length/" tables/models.tsv
PYTHONPATH=$ROOT/Tests/scripts python3 - "$MODELS/native/mono_bert_00/model" >address.log 2>hub.log <<'END_OF_HUB' &
import sys, time
from pathlib import Path
from test_fetch_model import FakeHub
top = Path(sys.argv[1])
print(FakeHub({p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}).url, flush=True)
time.sleep(600)
END_OF_HUB
hub=$!
trap '[ -z "$hub" ] || kill $hub 2>/dev/null' EXIT
until [ -s address.log ] || ! kill -0 $hub 2>/dev/null; do sleep 0.05; done
[ -s address.log ] || { cat hub.log >&2; fail 'no hub'; }
model() { # model NAME ARGUMENT...
  HF_ENDPOINT=$(cat address.log) no_proxy='*' make --no-print-directory -f "$tables/models.mk" TABLES=tables MODELS=models \
    MODEL="$1" "${@:2}" >make.log 2>&1
}
# What models.mk cannot understand it says before it does anything, and -n changes nothing.
made() { make --no-print-directory -f "$tables/models.mk" TABLES=tables "$@" >make.log 2>&1; }
for slip in 'MODEL=|MODEL is empty' 'MODLE=tiny|did you mean MODEL?' 'MODEL=none|none: not in the table' \
  'MODEL=tiny MODELSS=x|did you mean MODELS?' 'MODEL=tiny BIN=nowhere|no such folder'; do
  # shellcheck disable=SC2086
  ! made ${slip%|*} || fail "make ${slip%|*}"
  grep -qF "${slip#*|}" make.log || { cat make.log >&2; fail "nothing about ${slip%|*}"; }
done
! made MODEL=tiny MODELS='a b' || fail 'a folder with a space'
made help || fail 'make help'
grep -q 'MODELS = .*models' make.log || { cat make.log >&2; fail 'no options in make help'; }
made -n MODEL=tiny || fail 'make -n'
[ ! -e models ] || fail 'make -n made something'
model tiny || { cat make.log >&2; fail 'make MODEL=tiny'; }
grep -q 'owner/model: a mono, 3 known scores' models/owner/model.verified || fail 'not verified'
is 'settings' "$length" "$(jq .query_length models/owner/model.json)"
# Nothing is fetched or computed twice.
before=$(stat -c %Y%i models/owner/model/model.safetensors models/owner/model.verified)
kill $hub
hub=
model owner/model || { cat make.log >&2; fail 'a second make'; }
is 'files' "$before" "$(stat -c %Y%i models/owner/model/model.safetensors models/owner/model.verified)"
# By its name the tools find it, with its settings, and compare it with what was fetched.
inspect() { lir-encode --model "$@" --inspect; }
exits 0 inspect owner/model >named.json
is 'settings by name' "$length" "$(jq .query_length models/owner/model.json)"
exits 0 inspect models/owner/model --model-config models/owner/model.json >folder.json
same folder.json named.json
exits 0 inspect owner/model --model-config '{"query_length": 7}' >said.json
[ "$(jq .model said.json)" != "$(jq .model named.json)" ] || fail 'settings of the table, not the ones that were said'
printf 'q1\thow to fix a puncture\n' >queries.tsv
printf 'd1\ta patch and glue\nd2\tthe wheel\n' >docs.tsv
printf 'q1 Q0 d1 1 2 t\nq1 Q0 d2 2 1 t\n' >first.run
rank() { lir-rerank --queries queries.tsv --docs docs.tsv first.run "$@"; }
exits 0 rank --model models/owner/model --model-config models/owner/model.json -o by-folder.run
exits 0 rank --model owner/model -o by-name.run
same by-folder.run by-name.run
exits 0 lir-tokenize --model owner/model --format jsonl docs.tsv -o by-name.jsonl
exits 0 lir-tokenize --model models/owner/model --format jsonl docs.tsv -o by-folder.jsonl
same by-folder.jsonl by-name.jsonl
mkdir elsewhere
(cd elsewhere && LIR_MODELS=$PWD/../models inspect owner/model) >elsewhere.json || fail 'LIR_MODELS'
same named.json elsewhere.json
(cd elsewhere && refuses 66 "fetch-model owner/model models/owner/model" inspect owner/model)
LIR_MODELS=elsewhere/ refuses 66 "fetch-model owner/model elsewhere/owner/model" inspect owner/model
# A folder of that name in the current folder wins.
mkdir owner
cp -r "$MODELS/native/dpr_bert_01/model" owner/model
exits 0 inspect owner/model >own.json
exits 0 inspect ./owner/model >path.json
same path.json own.json
rm -r owner
# What is not what was fetched is refused, by whatever it is.
for tool in 'rank --model owner/model' 'inspect owner/model' 'lir-tokenize --model owner/model --role doc docs.tsv -o t.lirt'; do
  printf '\001' | dd of=models/owner/model/model.safetensors bs=1 conv=notrunc status=none \
    seek=$(($(stat -c %s models/owner/model/model.safetensors) - 5))
  # shellcheck disable=SC2086
  refuses 65 'models/owner/model/model.safetensors: damaged or changed' $tool
  says 'fetch-model owner/model models/owner/model fetches it again'
  cp "$MODELS/native/mono_bert_00/model/model.safetensors" models/owner/model
done
# So is what looks like another model's for that: the name of a tensor.
flip models/owner/model/model.safetensors "$(($(grep -abom 1 'attention.self.value.bias' \
  models/owner/model/model.safetensors | sed -n '1s/:.*//p') + 3))" 1
for tool in 'rank --model owner/model' 'inspect owner/model'; do
  # shellcheck disable=SC2086
  refuses 65 'models/owner/model/model.safetensors: damaged or changed' $tool
done
cp "$MODELS/native/mono_bert_00/model/model.safetensors" models/owner/model
sed -i 's/"the"/"thf"/' models/owner/model/tokenizer.json
refuses 65 'models/owner/model/tokenizer.json: damaged or changed' lir-tokenize --model owner/model docs.tsv -o t.lirt
cp "$MODELS/native/mono_bert_00/model/tokenizer.json" models/owner/model
echo '{}' >models/owner/model/chat_template.jinja
refuses 65 'chat_template.jinja: is not among the files that were fetched' inspect owner/model
rm models/owner/model/chat_template.jinja
mv models/owner/model/tokenizer.json kept.json
refuses 65 'tokenizer.json: was fetched, and is not there' inspect owner/model
cp kept.json models/owner/model/tokenizer.json
mv models/owner/model.digests kept.digests
refuses 78 'models/owner/model.digests' inspect owner/model
exits 0 inspect models/owner/model >folder.json
head -c 60 kept.digests >models/owner/model.digests
refuses 65 'models/owner/model.digests:2: expected a digest, two spaces' inspect owner/model
mv kept.digests models/owner/model.digests
# Training begins with it, too.
for i in 1 2 3 4; do printf 'puncture %s\ta patch\twheel %s\n' $i $i; done >tuples.tsv
cat >train.yml <<END
data: {tuples: tuples.tsv}
batch_size: 2
max_steps: 2
losses: [{name: RankNet}]
END
train() { # train MODEL FOLDER ARGUMENT...
  lir-train --config train.yml --model "$1" -o "$2" "${@:3}"
}
exits 0 train owner/model by-name
exits 0 train models/owner/model by-folder --set model_config.query_length="$length"
same by-folder/model.safetensors by-name/model.safetensors
refuses 66 'fetch-model owner/none models/owner/none' train owner/none nothing

# Another model under the name is found by its scores, and another kind by --inspect.
cp -r models/owner/model models/owner/other
refuses 65 'expected a splade, as owner/other is, found a mono' "$zoo" --tables tables verify other models/owner/other
exits 0 "$zoo" --tables tables verify tiny models/owner/other >verified.log
is 'scores that are right' 3 "$(grep -c '^ok' verified.log)"
awk -F '\t' -v OFS='\t' '$6 == "0.0001" { $5 += 0.01 } 1' tables/models-pairs.tsv >moved.tsv
mv moved.tsv tables/models-pairs.tsv
exits 65 "$zoo" --tables tables verify tiny models/owner/model >printed.log
says '3 of 3 scores are not those of here'
rm models/owner/model.verified
! model tiny || fail 'wrong scores are verified'
[ ! -e models/owner/model.verified ] || fail 'a model that is not verified is marked'
! model nobody || fail 'a model that is none'
grep -q 'did you mean' make.log || fail 'no hint'
rm -rf models

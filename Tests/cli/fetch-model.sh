# shellcheck shell=bash
# scripts/fetch-model from a hub on 127.0.0.1: what it fetches opens, whatever its weights are.

serve() { # serve CASE: a hub with a model of the fixtures; its address goes to address.log
  rm -f address.log
  PYTHONPATH=$ROOT/Tests/scripts python3 - "$MODELS/external/$1/model" >address.log 2>hub.log <<'END' &
import sys, time
from pathlib import Path
from test_fetch_model import FakeHub
top = Path(sys.argv[1])
files = {p.relative_to(top).as_posix(): p.read_bytes() for p in top.rglob("*") if p.is_file()}
files.update({"training_args.bin": b"args", "tf_model.h5": b"tf", "README.md": b"read me"})
print(FakeHub(files).url, flush=True)
time.sleep(600)
END
  hub=$!
  until [ -s address.log ] || ! kill -0 $hub 2>/dev/null; do sleep 0.05; done
  [ -s address.log ] || { cat hub.log >&2; fail 'no hub'; }
}
trap '[ -z "${hub-}" ] || kill $hub 2>/dev/null' EXIT
printf 'd1\ta key of a list\n' >docs.tsv
dense='{"model_type":"lir-dpr","pooling_strategy":"mean","projection":null}'
for model in dpr_pytorch_bin coil st_bert_concat_dense2; do
  serve $model
  HF_ENDPOINT=$(cat address.log) no_proxy='*' exits 0 "$ROOT/scripts/fetch-model" owner/model $model
  kill $hub
  wait $hub 2>/dev/null || true
  hub=
  flags=()
  [ $model != dpr_pytorch_bin ] || flags=(--model-config "$dense")
  exits 0 lir-encode --model $model "${flags[@]}" --role doc docs.tsv -o fetched.lirt
  exits 0 encode external/$model doc "${flags[@]}" docs.tsv -o here.lirt
  same here.lirt fetched.lirt
  [ ! -e $model/training_args.bin ] || fail 'what is no weight is fetched'
  [ ! -e $model/tf_model.h5 ] || fail 'weights of another framework are fetched'
done
rm -rf dpr_pytorch_bin coil st_bert_concat_dense2

# shellcheck shell=bash
# Every family of models: the same bytes in one process, through token files, in shards, and on every
# instruction set; the same run from texts, from stored vectors and from tokens of pairs.

texts 60 >docs.tsv
texts 9 7 | sed 's/^d/q/' | awk -F'\t' '$2 != ""' >queries.tsv
awk -F'\t' 'BEGIN { s = 3 } { for (r = 1; r <= 12; r++) { s = (s * 16807) % 2147483647
  print $1, "Q0", "d" (s % 4) * 12 + r, r, 13 - r, "first" } }' queries.tsv >first.run

splade='{"model_type": "splade", "query_weighting": "static", "query_expansion": false}'
families=(
  native/dpr_bert_04 native/dpr_t5_encoder native/splade_bert_00 native/col_bert_03 native/col_short_hidden
  native/col_short_attended native/mvr_bert_1 native/mvr_short native/coil_bert_1
  native_wheel/splade_distilbert_static external/colbertv2 external/coil external/unicoil
  external/st_sparse_router external/st_sparse_splade "external/splade_opensearch_doc_v3 $splade"
)
isas=(portable)
for isa in avx2 avx512; do
  lir-encode --isa $isa --model "$MODELS/native/dpr_bert_04/model" --role doc docs.tsv \
    >probe.lirt 2>said.log && isas+=("$isa")
done

for family in "${families[@]}"; do
  model=(--model "$MODELS/${family%% *}/model")
  [ "$family" = "${family#* }" ] || model+=(--model-config "${family#* }")
  for role in query doc; do
    input=docs.tsv
    [ $role = doc ] || input=queries.tsv
    exits 0 lir-encode "${model[@]}" --role $role --no-provenance $input -o $role.lirt
    exits 0 lir-tokenize "${model[@]}" --role $role $input -o tokens.lirt
    exits 0 lir-encode "${model[@]}" --role $role --no-provenance tokens.lirt -o other.lirt
    same $role.lirt other.lirt
    lir-tokenize "${model[@]}" --role $role $input 2>said.log |
      lir-encode "${model[@]}" --role $role --no-provenance 2>said.log >other.lirt ||
      fail "$family: the pipe"
    same $role.lirt other.lirt
    for i in 1 2 3 4; do
      exits 0 lir-encode "${model[@]}" --role $role --shard $i/4 $input -o part-$i.lirt
    done
    exits 0 lir-encode cat --no-provenance part-{1,2,3,4}.lirt -o other.lirt
    same $role.lirt other.lirt
    for isa in "${isas[@]}"; do
      exits 0 lir-encode "${model[@]}" --role $role --no-provenance --isa "$isa" --threads 2 \
        --batch-tokens 40 $input -o other.lirt
      same $role.lirt other.lirt
    done
  done
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t first.run -o text.run
  same <(cut -d' ' -f1,3 first.run | sort) <(cut -d' ' -f1,3 text.run | sort)
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs doc.lirt --tag t first.run -o other.run
  same text.run other.run
  exits 0 lir-rerank "${model[@]}" --queries query.lirt --docs doc.lirt --tag t --threads 2 first.run \
    -o other.run
  same text.run other.run
  exits 0 lir-encode "${model[@]}" --role doc --format jsonl docs.tsv -o docs.jsonl
  jq -e '.id and (.vector or .vectors)' docs.jsonl >parsed.log || fail "$family: jsonl"
done

# Sparse vectors under other similarities than the dot product: -1 to 1, and not above 0.
for similarity in cosine l2; do
  model=(--model "$MODELS/native/splade_bert_00/model"
    --model-config "{\"similarity_function\": \"$similarity\"}")
  exits 0 lir-encode "${model[@]}" --role doc docs.tsv -o doc.lirt
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t first.run -o text.run
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs doc.lirt --tag t first.run -o other.run
  same text.run other.run
  awk -v most="$([ $similarity = cosine ] && echo 1.000001 || echo 0)" \
    '$5 > most || $5 == 0 { exit 1 }' text.run || fail "scores under $similarity"
  case $similarity in
    cosine)
      exits 0 lir-encode "${model[@]}" --role query queries.tsv -o query.lirt
      exits 0 lir-index build doc.lirt -o docs.index
      exits 0 lir-search --index docs.index -k 1000 --tag t query.lirt -o found.run
      # What a search finds has the scores of re-ranking, to the last digit.
      awk 'NR == FNR { score[$1, $3] = $5; next }
        ($1, $3) in score && score[$1, $3] != $5 { exit 1 }' text.run found.run ||
        fail 'scores of the index and of re-ranking differ'
      ;;
    l2) refuses 78 "$similarity" lir-index build -o other.index doc.lirt ;;
  esac
done

# Cross-encoders: from texts and from tokens of pairs.
awk -F'\t' 'FILENAME == ARGV[1] { q[$1] = $2; next } FILENAME == ARGV[2] { d[$1] = $2; next }
  { split($0, f, " "); printf "%s\t%s\t%s\t%s\n", f[1], f[3], q[f[1]], d[f[3]] }' \
  queries.tsv docs.tsv first.run >pairs.tsv
for name in native/mono_bert_02 native/mono_t5_1 native/set_bert_2 external/st_ce_bert_sigmoid; do
  model=(--model "$MODELS/$name/model")
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t first.run -o text.run
  exits 0 lir-tokenize "${model[@]}" --pairs pairs.tsv -o pairs.lirt
  for isa in "${isas[@]}"; do
    exits 0 lir-rerank "${model[@]}" --isa "$isa" --batch-tokens 100 --tag t pairs.lirt -o other.run
    same text.run other.run
  done
done

# A Set-Encoder: the same documents in other sets have other scores; drawn states come from the seed.
model=(--model "$MODELS/native/set_bert_2/model")
exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t --depth 3 first.run \
  -o three.run
! cmp -s <(awk '{ print $1, $3, $5 }' three.run | sort) \
  <(awk '{ print $1, $3, $5 }' text.run | sort) || fail 'documents of a set do not see each other'
for seed in 1 1 2; do
  exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t --depth 3 \
    --sample-missing-docs --seed $seed first.run -o "sampled-$seed.run"
  [ ! -e kept.run ] || [ $seed = 2 ] || same kept.run "sampled-$seed.run"
  cp "sampled-$seed.run" kept.run
done
! cmp -s sampled-1.run sampled-2.run || fail 'the seed changes nothing'
! cmp -s sampled-1.run three.run || fail 'no states were drawn'
exits 0 lir-rerank "${model[@]}" --queries queries.tsv --docs docs.tsv --tag t --depth 3 --shard 2/3 \
  --sample-missing-docs --seed 1 --threads 2 first.run -o part.run
same part.run <(grep -F -f <(cut -d' ' -f1 part.run | sort -u | sed 's/$/ /') sampled-1.run)
refuses 64 'set-encoders' lir-rerank --model "$MODELS/native/mono_bert_02/model" \
  --queries queries.tsv --docs docs.tsv --sample-missing-docs first.run

# Another model for queries; an adapter.
exits 0 lir-encode --model "$MODELS/native/dpr_bert_04/model" --role doc docs.tsv -o doc.lirt
two=(--model "$MODELS/native/dpr_bert_04/model" --query-model "$MODELS/native/dpr_bert_03/model")
refuses 78 'were made by a model' lir-rerank "${two[@]}" --queries queries.tsv --docs doc.lirt first.run
exits 0 lir-encode "${two[@]}" --role doc docs.tsv -o doc.lirt
exits 0 lir-encode "${two[@]}" --role query --no-provenance queries.tsv -o query.lirt
exits 0 lir-encode --model "$MODELS/native/dpr_bert_03/model" --role query queries.tsv -o own.lirt
same <(lir-encode view query.lirt 2>said.log) <(lir-encode view own.lirt 2>said.log)
exits 0 lir-rerank "${two[@]}" --queries queries.tsv --docs docs.tsv --tag t first.run -o text.run
exits 0 lir-rerank "${two[@]}" --queries query.lirt --docs doc.lirt --tag t first.run -o other.run
same text.run other.run
adapted=(--model "$FIXTURES/adapter/model" --adapter "$FIXTURES/adapter/plain")
exits 0 lir-encode "${adapted[@]}" --role doc docs.tsv -o adapted.lirt
exits 0 lir-encode --model "$FIXTURES/adapter/model" --role doc docs.tsv -o own.lirt
! cmp -s adapted.lirt own.lirt || fail 'the adapter changes nothing'
digest() { lir-encode view --header "$1" 2>said.log | sed -n 1p | jq -r .model; }
[ "$(digest adapted.lirt)" != "$(digest own.lirt)" ] || fail 'the adapter is not in the digest'
refuses 78 'which the adapter updates' lir-encode --model "$MODELS/native/splade_distilbert_06/model" \
  --adapter "$FIXTURES/adapter/plain" --role doc docs.tsv

# shellcheck shell=bash
# What a study is told: kinds of indexes, what may be found, measures by collection, what it refuses at once.

command -v make >/dev/null || skip 'make is not installed'
python3 -c 'import zstandard, yaml, ir_datasets' 2>/dev/null || skip 'python3 has no ir_datasets'
cp "$ROOT"/pipelines/example/{docs.tsv,queries.tsv,qrels.txt,example.yml} .
dense=$MODELS/external/st_bert_mean/model
study() { # study OUT ARGUMENT...
  env -u MODELS make --no-print-directory -f "$ROOT/pipelines/study.mk" BIN="$LIR_BIN" OUT="$1" COLLECTIONS=example.yml \
    RETRIEVERS=dense MODEL_dense="$dense" DEPTH=20 "${@:2}" >make.log 2>&1
}
makes() { study "$@" || { cat make.log >&2; fail "study $*"; }; }
refused() { # refused TEXT ARGUMENT...
  ! study wrong "${@:2}" || fail "no refusal: $1"
  grep -qF "$1" make.log || { cat make.log >&2; fail "no message: $1"; }
  [ ! -e wrong ] || fail "something was done before: $1"
}

# --- a kind of index is a type where nothing else is said, or refused
makes kinds INDEXES='exact ivf'
is 'types' 'flat ivf' "$(for kind in exact ivf; do lir-index info kinds/example/dense/$kind | jq -r .type; done | xargs)"
refused 'did you mean exact?' INDEXES=exat
refused 'did you mean ivf?' INDEXES_dense='exact ifv'
refused 'INDEXES: bm25: neither exact' INDEXES=bm25
rm -r kinds

# --- what may not be found: documents of grade -100, and a query's own, in every row
head -n 4 docs.tsv >>queries.tsv # queries whose documents have their ids
ranks() { cut -d ' ' -f 1-4 "$1"; }
awk '{ print } $1 != last { last = $1; print $1, 0, "sky-blue", -100 }' qrels.txt | awk '!seen[$1, $3]++' >judged.txt
head -n 4 docs.tsv | awk -F '\t' '{ print $1, 0, $1, 1 }' >>judged.txt
exits 0 lir-index build --type bm25 -o bm25 docs.tsv
exits 0 lir-search --index bm25 -k 30 queries.tsv -o all.run
printf 'docs: docs.tsv\nqueries: queries.tsv\nqrels: judged.txt\nrun: all.run\n' >example.yml
# Documents in their order, without those that may not be found; 20 of each query.
allowed() { awk 'FILENAME == "judged.txt" { if ($4 == -100) out[$1, $3]; next }
  !(($1, $3) in out || $1 == $3) && n[$1]++ < 20 { print $1, $2, $3, n[$1] }' judged.txt "$1"; }
makes found DROP_SELF=example.yml EXCLUDING=example.yml RERANKERS=dense
same <(allowed all.run) <(ranks found/example/bm25.run)
exits 0 lir-encode --model "$dense" --role doc docs.tsv -o docs.lirt
exits 0 lir-index build -o dense docs.lirt
exits 0 lir-search --index dense --model "$dense" -k 30 queries.tsv -o dense.run
same <(allowed dense.run) <(ranks found/example/dense/exact.run)
! cmp -s <(allowed dense.run) <(awk '$4 <= 20' dense.run | ranks /dev/stdin) || fail 'nothing was to be left out'
same <(ranks found/example/bm25.run | cut -d ' ' -f 1,3 | sort) <(ranks found/example/dense/rerank.run | cut -d ' ' -f 1,3 | sort)
# Candidates of the dataset, too, of which no search has left out any.
makes found DROP_SELF=example.yml EXCLUDING=example.yml RERANKERS=dense FIRST=dataset
same <(allowed <(awk '{ print }' all.run) | cut -d ' ' -f 1,3 | sort) \
  <(awk '{ n[$1]++ } n[$1] <= 20 { print $1, $3 }' found/example/candidates.run | sort)
is 'of all' "$(grep -c . found/example/candidates.run)" "$(grep -c . found/example/dense/rerank.run)"
makes found DROP_SELF=example.yml EXCLUDING=
[ -z "$(awk '$1 == $3' found/example/bm25.run found/example/dense/exact.run)" ] ||
  fail 'a query finds itself'
grep -q '^q02 .* sky-blue ' found/example/bm25.run || fail 'documents are excluded that nobody asked to exclude'
same <(awk '$1 != $3 && n[$1]++ < 20' dense.run | cut -d ' ' -f 1,3) <(cut -d ' ' -f 1,3 found/example/dense/exact.run)
# Judgements that exclude nothing are no list.
grep -v -- -100 judged.txt >kept.txt && mv kept.txt judged.txt
makes found EXCLUDING=example.yml
! grep -q 'filter-out' make.log || fail 'an empty list'
# By the names of the lists, where nobody says it.
makes dry -n COLLECTIONS='bright/biology beir/quora/test nano-beir/quora'
is 'searches without own documents' 2 "$(grep -c 'lir-search.*beir-quora-test.* --drop-self' make.log)"
is 'searches without excluded ones' 2 "$(grep -c 'lir-search.*--filter-out dry/bright-biology/excluded.tsv' make.log)"
is 'searches' 6 "$(grep -c '^lir-search' make.log)"
rm -r found

# --- costs are those of the last run of a stage: what is made anew counts once, what is not made anew stays
makes costs RERANKERS=dense SHARDS=3
done_in() { cat "$@" | grep -o ' seconds=[0-9.]*' | awk -F = '{ sum += $2 } END { printf "%.3f", sum }'; }
cost() { awk -F '\t' -v stage="$1" '$2 == "dense" && $3 == stage { print $4 }' costs/costs.tsv; }
is 'logs of shards' 3 "$(find costs/example/dense/logs -name 'encode.docs-*' | wc -l)"
is 'encoding' 7 "$(cat costs/example/dense/logs/encode.*.log | grep -c ' done ')"
is 'encoding' "$(done_in costs/example/dense/logs/encode.*.log)" "$(cost encode)"
cp -r costs/example/dense/logs before
makes costs RERANKERS=dense SHARDS=3 "QUERY_FLAGS_dense=--prompt 'find '" DEPTH=10
is 'searches' 1 "$(grep -c ' done ' costs/example/dense/logs/exact.search.log)"
is 're-rankings' 3 "$(cat costs/example/dense/logs/rerank.* | grep -c ' done ')"
same before/encode.join.log costs/example/dense/logs/encode.join.log
makes costs RERANKERS=dense SHARDS=1
is 'logs of one shard' 1 "$(find costs/example/dense/logs -name 'encode.docs-*' | wc -l)"
is 'encoding' "$(done_in costs/example/dense/logs/encode.*.log)" "$(cost encode)"
rm -r costs before

# --- what is wrong is said before any work
refused 'did you mean dense:exact?' BASELINE=dense:exat
refused 'BASELINE: bm25: no row of the table' BASELINE=bm25 BM25=
refused 'FIRST: dens: expected bm25, dataset or one of RETRIEVERS; did you mean dense?' FIRST=dens RERANKERS=dense
! study misspelt MEASURES='nDCG@10 nDG@3' || fail 'a measure that there is not'
grep -q 'did you mean nDCG?' make.log || { cat make.log >&2; fail 'no message of a measure'; }
[ ! -e misspelt/example ] || fail 'a measure that there is not is found after the work'
# Without BM25 the first row is what others are compared with.
makes rest BM25= RERANKERS=dense FIRST=dense
grep -q '^nDCG@10.dense:exact.dense:rerank.randomisation_p_holm' rest/example/tests.tsv || fail 'no tests against the first row'
# Grades that a measure cannot take are a note, not the end.
sed 's/ 2$/ 1.5/' qrels.txt >floats.txt
printf 'docs: docs.tsv\nqueries: queries.tsv\nqrels: floats.txt\n' >floats.yml
makes rest COLLECTIONS='example.yml floats.yml'
is 'columns' 'model index example floats mean' "$(sed -n 2p rest/table.txt | tr -s ' ')"
value=$(lir-eval -q --qrels floats.txt -m nDCG@10 --average-over qrels --digits 4 rest/floats/bm25.run | cut -f 4)
is 'nDCG' "$value" "$(awk '$1 == "bm25" { print $3; exit }' rest/table.txt)"
is 'RR' '- -' "$(awk '/^RR@10/ { found = 1 } found && $1 == "bm25" { print $3, $4; exit }' rest/table.txt)"
grep -q '^(floats: .*expected an integer grade.*RR@10 cannot take)$' rest/table.txt || fail 'no note'
rm -r rest misspelt

# --- means of lists, and which rows are of the protocol of published values
makes dry -n COLLECTIONS='beir trec-dl' INDEXES='exact flat ivf'
lists=$(grep -m 1 -o -- "--lists '[^']*'" make.log)
is 'lists' 'beir beir-13 trec-dl' "$(grep -oE '[a-z0-9-]+=' <<<"$lists" | tr -d = | xargs)"
is 'collections' '14 13 2' "$(tr ' ' '\n' <<<"${lists//\'/}" | grep '=' | sed 's/.*=//' | awk -F , '{ print NF }' | xargs)"
grep -qF -- "--exact 'exact flat'" make.log || fail 'which kinds are exact'
makes dry -n COLLECTIONS='beir/nq nano-beir/nq'
grep -qF -- "--lists ''" make.log || fail 'a list that is not all there'

# --- documents that collections share are encoded once, as their owner says or the links of what is fetched
printf 'docs: vaswani\nqueries: queries.tsv\nqrels: qrels.txt\n' >same.yml
makes dry -n COLLECTIONS='beir/fiqa/test beir/fiqa/dev beir/scifact/test vaswani same.yml'
is 'homes' 'beir-fiqa-test beir-scifact-test vaswani' \
  "$(sed -n 's|^lir-index build --type bm25 .* -o dry/\(.*\)/bm25 .*|\1|p' make.log | xargs)"
makes dry -n COLLECTIONS='beir/fiqa/test beir/fiqa/dev' SAME_DOCS=none
is 'homes' 2 "$(grep -c '^lir-index build --type bm25' make.log)"
refused 'did you mean beir/fiqa/test?' COLLECTIONS='beir/scifact/test bier/fiqa/test'
mkdir -p linked/one linked/two linked/three
for part in docs queries qrels; do : >linked/one/$part.zst; done
cp linked/one/q* linked/two && ln -s ../one/docs.zst linked/two/docs.zst && cp linked/one/* linked/three
makes dry -n DATASETS=linked COLLECTIONS='one two three'
is 'homes' 'one three' "$(sed -n 's|^lir-index build --type bm25 .* -o dry/\(.*\)/bm25 .*|\1|p' make.log | xargs)"
rm -r linked

# --- measures by collection: those of two grades take 2 for relevant in TREC DL, as trec_eval -l 2 does
makes dry -n COLLECTIONS='msmarco-passage/trec-dl-2019/judged vaswani' MEASURES='nDCG@10 RR@10 AP AP(rel=3) P@5'
grep -q "^lir-eval .*trec-dl.* -m 'nDCG@10' -m 'RR(rel=2)@10' -m 'AP(rel=2)' -m 'AP(rel=3)' -m 'P(rel=2)@5' --av" make.log ||
  { cat make.log >&2; fail 'measures of TREC DL'; }
grep -q "^lir-eval .*vaswani.* -m 'nDCG@10' -m 'RR@10' -m 'AP' -m 'AP(rel=3)' -m 'P@5' --average" make.log || fail 'measures of others'
cp "$ROOT"/pipelines/example/{queries.tsv,qrels.txt,example.yml} .
makes rated RELEVANT_FROM=example.yml=2 MEASURES='nDCG@10 RR@10'
awk '{ $4 = $4 >= 2 ? 1 : 0; print }' qrels.txt >two.txt
value=$(lir-eval -q --qrels two.txt -m RR@10 --average-over qrels --digits 4 rated/example/bm25.run | cut -f 4)
is 'RR' "$value" "$(awk '/^RR@10/ { found = 1 } found && $1 == "bm25" { print $2; exit }' rated/table.txt)"
grep -qF '(example: RR(rel=2)@10)' rated/table.txt || fail 'no note of the measure'
makes rated MEASURES='nDCG@10 RR@10' MEASURES_example.yml='nDCG@5 RR(rel=2)@10'
is 'tables' 'nDCG@10 RR@10 nDCG@5' "$(grep -E '^[A-Za-z]+@[0-9]+$' rated/table.txt | xargs)"
! study misspelt MEASURES_example.yml='nDG@3' || fail 'a measure that there is not'
rm -rf rated misspelt

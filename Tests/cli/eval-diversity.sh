# shellcheck shell=bash
# Measures of diversity look at subtopics; others see the same judgements if their grades agree.
cp "$FIXTURES"/eval/diversity/{run,qrels}.txt .
exits 0 lir-eval -q --qrels qrels.txt --average-over qrels -m alpha_nDCG@10 -m 'α_nDCG@10' \
  -m ERR_IA@10 -m nERR_IA@10 -m alpha_DCG@10 -m NRBP -m nNRBP -m AP_IA -m MAP_IA -m P_IA@10 \
  -m StRecall@10 -m 'alpha_nDCG(alpha=0.3)@5' -m pyndeval:AP_IA --format table run.txt
refuses 65 'expected one grade for a document of a query' lir-eval --qrels qrels.txt run.txt
says 'hint: iterations are subtopics'
printf '1 1 a 1\n1 2 a 1\n1 1 b 0\n' >agreeing
printf '1 Q0 b 1 2 t\n1 Q0 a 2 1 t\n' >one
lir-eval -q --qrels agreeing -m AP -m NumRel -m StRecall@1 -m StRecall@2 one
refuses 65 'agreeing:2: expected one grade' lir-eval trec_eval agreeing one
# One subtopic alone is likely a mistake.
printf '1 0 a 1\n' >plain
exits 0 lir-eval --qrels plain -m StRecall@1 one >printed.log
says 'warning: plain: there is one subtopic alone'
refuses 64 'alpha from 0 to 1' lir-eval --qrels plain -m 'alpha_nDCG(alpha=2)@5' one
printf '{"query_id":"1","doc_id":"a","score":1,"relevance":1}\n' >run.jsonl
refuses 65 'expected judgements with subtopics' lir-eval -m StRecall@1 run.jsonl

# Collections that are studied together, by the names that study.mk takes, of ids that ir_datasets has.

override list_trec-dl := $(foreach y,2019 2020,msmarco-passage/trec-dl-$y/judged)
override list_nano-beir := $(addprefix nano-beir/,arguana climate-fever dbpedia-entity fever fiqa hotpotqa \
  msmarco nfcorpus nq quora scidocs scifact webis-touche2020)
override list_beir := $(addprefix beir/,arguana climate-fever dbpedia-entity/test fever/test fiqa/test \
  hotpotqa/test msmarco/dev nfcorpus/test nq quora/test scidocs scifact/test trec-covid webis-touche2020/v2)
# What SPLADE and its successors publish means of: without MS MARCO.
override list_beir-13 := $(filter-out beir/msmarco/dev,$(list_beir))
override list_bright := $(addprefix bright/,aops biology earth-science economics leetcode pony psychology \
  robotics stackoverflow sustainable-living theoremqa-questions theoremqa-theorems)
# Collections of these whose documents are those of another.
override same_docs := msmarco-passage/trec-dl-2020/judged=msmarco-passage/trec-dl-2019/judged
# Collections of whose queries the document with the query's own id may not be found, as mteb 2.26.0 has it by
# ignore_identical_ids (mteb/tasks/retrieval/eng/{argu_ana,fever,fi_qa2018,msmarco,quora}_retrieval.py; none of the
# nano_ ones). Its TREC DL has that, too, which trec_eval, the measure of what is published there, has not.
override drop_self := beir/arguana $(addsuffix /%,$(addprefix beir/,fever fiqa msmarco quora))
# Those whose judgements of grade -100 are documents that may not be found, which mteb 2.26.0 takes from what is
# ranked (mteb/tasks/retrieval/eng/bright_v1_1_retrieval.py, excluded_ids).
override excluding := bright/%
# Collections whose grades are relevant from which one on, where a measure knows two grades: TREC takes 2 for passages of
# its deep learning tracks (trec_eval -l 2).
override relevant_from := $(foreach v,msmarco-passage msmarco-passage-v2,$v/trec-dl-%=2)

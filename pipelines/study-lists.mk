# Collections that are studied together, by the names that study.mk takes, of ids that ir_datasets has.

override list_trec-dl := $(foreach y,2019 2020,msmarco-passage/trec-dl-$y/judged)
override list_nano-beir := $(addprefix nano-beir/,arguana climate-fever dbpedia-entity fever fiqa hotpotqa \
  msmarco nfcorpus nq quora scidocs scifact webis-touche2020)
override list_beir := $(addprefix beir/,arguana climate-fever dbpedia-entity/test fever/test fiqa/test \
  hotpotqa/test msmarco/dev nfcorpus/test nq quora/test scidocs scifact/test trec-covid webis-touche2020/v2)
override list_bright := $(addprefix bright/,aops biology earth-science economics leetcode pony psychology \
  robotics stackoverflow sustainable-living theoremqa-questions theoremqa-theorems)
# Collections of these whose documents are those of another.
override same_docs := msmarco-passage/trec-dl-2020/judged=msmarco-passage/trec-dl-2019/judged

# shellcheck shell=bash
# Plots and the report: whole, escaped, the same bytes each time; a browser uses the page.
strange='<script>alert(1)</script>'
cat >qrels <<END
q1 0 d1 1
q2 0 d1 2
q2 0 d3 0
q10 0 d2 1
$strange 0 d1 1
END
cat >base <<END
q1 Q0 d2 1 2 t
q1 Q0 d1 2 1 t
q2 Q0 d3 1 3 t
q2 Q0 d2 2 2 t
q2 Q0 d1 3 1 t
q10 Q0 d2 1 1 t
$strange Q0 d1 1 2 t
$strange Q0 d2 2 1 t
END
cat >'<b>new' <<END
# ir_metadata.start
# method:
#   name: <i>sparse</i>
# ir_metadata.end
q1 Q0 d1 1 2 t
q2 Q0 d1 1 3 t
q2 Q0 d2 2 2 t
q2 Q0 </script><i>d4 3 1 t
q10 Q0 d2 1 1 t
$strange Q0 d2 1 2 t
$strange Q0 d1 2 1 t
END
printf 'q1\tfirst\nq2\tsecond <em>query</em>\nq10\ttenth\n%s\tlast\n' "$strange" >queries.tsv
printf 'd1\t<img src=x onerror=alert(2)> & "one"\nd2\ttwo\nd3\tthree\n' >docs.tsv
report() { # report NAME
  lir-eval --qrels qrels -m RR -m P@1 --plot "$1.svg" --report "$1.html" --queries queries.tsv \
    --docs docs.tsv base '<b>new' >"$1.tsv" 2>said.log
}
report two
is 'values beside the report' 4 "$(wc -l <two.tsv)"
says 'docs.tsv: 1 of 4 documents of the report are not there'
report again
same two.svg again.svg
same two.html again.html
lir-eval -q --qrels qrels -m RR --plot one.svg --report one.html --report-docs 1 --report-queries 1 \
  base >/dev/null

# Nothing is fetched, and no id or text becomes markup.
if grep -oE '(https?:)?//[a-z][^"]*' two.html two.svg | grep -v 'http://www.w3.org/2000/svg'; then
  fail 'names something outside'
fi
if grep -nE '<(i|em|img|b)[ >]' two.html | grep -vE '<i class="key k[0-9]">|<b>[0-9.]+</b>'; then
  fail 'holds markup of the data'
fi
python3 - two.svg one.svg <<'END'
import sys
from xml.etree import ElementTree
two, one = (ElementTree.parse(name).getroot() for name in sys.argv[1:])
space = "{http://www.w3.org/2000/svg}"
texts = [[e.text for e in svg.iter(space + "text")] for svg in (two, one)]
titles = [[e.text for e in svg.iter(space + "title")] for svg in (two, one)]
assert "<b>new against base" in texts[0], texts[0]
assert any(text.startswith("RR +0.167 [") and text.endswith("] · 2 wins, 1 ties, 1 losses")
           for text in texts[0]), texts[0]
# The queries' bars, from the greatest difference to the least.
assert titles[0][1:5] == ["q2: +0.6667", "q1: +0.5000", "q10: 0.0000",
                          "<script>alert(1)</script>: -0.5000"], titles[0]
# trec_eval -m iprec_at_recall: with one relevant document precision is the same at all recalls.
assert "base: 0.7083 at recall 0.5" in titles[0] and "<b>new: 0.8750 at recall 1.0" in titles[0]
assert "RR of every query, mean 0.708" in texts[1], texts[1]
assert titles[1][4] == "q2: 0.3333", titles[1]
END

if type zstd >/dev/null 2>&1; then
  lir-eval -q --qrels qrels -m RR --plot two.svg.zst base >/dev/null
  [ "$(zstd -dqc two.svg.zst | head -c 5)" = '<?xml' ] || fail 'the suffix does not compress'
  rm two.svg.zst
fi
refuses 64 '--queries and --docs are for --report' lir-eval --qrels qrels --docs docs.tsv base
refuses 64 'found two.svg twice' lir-eval --qrels qrels --plot two.svg --report two.svg base
refuses 64 '--report-docs' lir-eval --qrels qrels --report r.html --report-docs 0 base
# The page is made last: the values are there all the same.
exits 65 lir-eval --qrels qrels --report r.html --docs docs.tsv --docs docs.tsv base >values.tsv
says 'occurs twice'
refuses 73 'base/r.html' lir-eval --qrels qrels --report base/r.html base
refuses 64 'at least two runs' lir-eval --qrels qrels --report r.html --plot r.svg --compare base
refuses 64 '--margin' lir-eval --qrels qrels --report r.html --plot r.svg --margin 0 base
[ ! -e r.svg ] || fail 'left a plot behind'
[ ! -e r.html ] || fail 'left a report behind'
# Nor do the values stand in their file where another one cannot be written.
for files in '--report base/r.html' '--plot base/r.svg' '--plot p.svg --report base/r.html'; do
  # shellcheck disable=SC2086  # options and their values
  refuses 73 'base/r' lir-eval --qrels qrels -o values.out $files base
  for left in values.out p.svg; do [ ! -e $left ] || fail "$files: left $left"; done
done

for check in two one; do
  status=0
  python3 "$CLI/drive_report.py" "$check.html" "$check" || status=$?
  [ "$status" != 77 ] || { note 'Chromium is not installed: nobody used the page'; break; }
  [ "$status" = 0 ] || fail "the page fails: $check"
done

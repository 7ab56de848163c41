# shellcheck shell=bash
# Indexes that earlier releases wrote: they open, and give the runs that they gave then, to the byte
# and with the same tags; so does an index of the same stream that this release builds.

cp -rL "$FIXTURES/indexes" old
chmod -R u+w old
for format in old/format-*; do
  for index in "$format"/*.index; do
    name=$(basename "$index" .index)
    # The vectors of int8 and flat answer the same queries.
    queries=$format/${name/int8/flat}.queries.lirt
    exits 0 lir-index verify "$index"
    lir-index info "$index" | jq -e ".documents == 40 and .format == ${format##*-}" >parsed.log || fail "info $index"
    exits 0 lir-search --index "$index" -k 10 "$queries" -o found.run
    same "$format/$name.run" found.run

    # The same stream, indexed now; and in the place of the old index. A sparse one has files of its
    # own now, and so is another input.
    stream=old/$name.docs.lirt
    rm -rf new.index replaced.index
    exits 0 lir-index build "$stream" -o new.index
    exits 0 lir-search --index new.index -k 10 "$queries" -o found.run
    if [ "$name" = sparse ]; then
      cut -d ' ' -f 1-5 "$format/$name.run" >old.columns
      cut -d ' ' -f 1-5 found.run >new.columns
      same old.columns new.columns
    else
      same "$format/$name.run" found.run
    fi
    cp -r "$index" replaced.index
    exits 0 lir-index build "$stream" -o replaced.index
    diff -r new.index replaced.index || fail "$index replaced is another index"

    # Joined with another of the format or of this one; the documents are other ones.
    exits 65 lir-index merge -o joined.index "$index" new.index
    says 'occurs twice'
    exits 0 lir-index merge -o joined.index "$index"
    diff -r new.index joined.index || fail "$index merged is another index"
    rm -r joined.index

    # Own documents and filters are looked up by ids.
    sed -n '2s/ .*//p' "$format/$name.run" >self.txt
    awk '{ print $3 }' "$format/$name.run" | sort -u | sed -n 1,3p >filter.txt
    exits 0 lir-search --index "$index" -k 10 --tag t --filter filter.txt "$queries" -o old.run
    exits 0 lir-search --index new.index -k 10 --tag t --filter filter.txt "$queries" -o new.run
    same old.run new.run
    [ "$(awk '{ print $3 }' new.run | sort -u | wc -l)" -le 3 ] || fail 'the filter leaves more'
  done
done

# A format of the future is refused by its number.
sed 's/"format": [0-9][0-9]*/"format": 99/' new.index/manifest.json >later.json
cp later.json new.index/manifest.json
refuses 78 'format 99' lir-index verify new.index

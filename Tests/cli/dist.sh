# shellcheck shell=bash
# scripts/dist packs the same bytes twice, and no tool that needs Swift's libraries.

for command in zstd strip ldd; do
  command -v $command >/dev/null || skip "$command is not installed"
done

# Programs that link the C library alone stand for the tools.
mkdir fake
for tool in lir-tokenize lir-encode lir-index lir-search lir-rerank lir-train lir-eval; do
  cp "$(type -P true)" fake/$tool
done
exits 0 "$ROOT/scripts/dist" --bin fake --out one >one.log
sleep 1
(umask 077; exits 0 "$ROOT/scripts/dist" --bin fake --out two >two.log)
name=lir-$VERSION-linux-$(uname -m)
is 'what it prints' "$PWD/one/$name.tar.zst" "$(cat one.log)"
same "one/$name.tar.zst" "two/$name.tar.zst"
is 'what it leaves' "$name.tar.zst" "$(ls one)"
zstd -q -dc "one/$name.tar.zst" | tar --list >list.log
for file in LICENSE README.md bin/lir-search bin/lir-fetch-model share/man/man1/lir-search.1 \
  share/bash-completion/completions/lir-search share/lir/lirt.py share/lir/pipelines/rerank.mk; do
  grep -qxF "$name/$file" list.log || fail "$file is not in the tarball"
done

# Released tools have Swift's libraries inside; one that has not is refused.
case $LIR_BIN in
  */debug) ;;
  *) ! ldd "$LIR_BIN/lir-eval" | grep libswift || fail "lir-eval needs Swift's libraries" ;;
esac
compiler=$(command -v cc clang | sed -n 1,1p)
if [ -n "$compiler" ]; then
  echo 'int swift(void) { return 0; }' | "$compiler" -shared -fPIC -x c - -o libswiftCore.so
  echo 'int swift(void); int main(void) { return swift(); }' |
    "$compiler" -x c - -o fake/lir-eval -L. -lswiftCore -Wl,-rpath,"$PWD"
  refuses 1 'needs libraries it should not' "$ROOT/scripts/dist" --bin fake --out dynamic
  says libswiftCore
  is 'what a failure leaves' '' "$(ls dynamic)"
else
  note 'no C compiler for a program that needs a library'
fi
refuses 64 'unknown argument' "$ROOT/scripts/dist" --nonsense
refuses 66 'build it first' "$ROOT/scripts/dist" --bin "$CLI" --out empty
rm -rf fake one two dynamic empty libswiftCore.so

# shellcheck shell=bash
# scripts/packages installs what is missing, as root only; scripts/quickstart asks it to.

mkdir path
fake() { printf '#!/bin/sh\n%s\n' "$2" >"path/$1" && chmod +x "path/$1"; }
# shellcheck disable=SC2016  # the dollars are those of the programs
fake dpkg-query 'case "$4" in make|python3) printf installed ;; *) exit 1 ;; esac'
# shellcheck disable=SC2016
fake apt-get 'echo "apt-get $*" >>"$APT_LOG"'
export APT_LOG=$PWD/apt.txt
PATH=$PWD/path:$PATH
packages() { "$ROOT/scripts/packages" "$@"; }

is 'missing' 'python3-pip ca-certificates libstemmer0d libopenblas0' "$(packages --missing run | xargs)"
fake id 'echo 1000'
refuses 73 'sudo apt-get install python3-pip ca-certificates libstemmer0d libopenblas0' packages --install run
[ ! -e apt.txt ] || fail 'called apt-get without being root'
refuses 73 'only root can install' "$ROOT/scripts/quickstart" --out out
[ ! -e out ] || fail 'went on without its packages'
fake id 'echo 0'
exits 0 packages --install run
is 'calls of apt-get' 'apt-get update -qq
apt-get install -y -qq --no-install-recommends python3-pip ca-certificates libstemmer0d libopenblas0' "$(cat apt.txt)"
rm apt.txt
fake dpkg-query 'printf installed'
exits 0 packages --install
[ ! -e apt.txt ] || fail 'called apt-get with nothing to install'
rm -r path

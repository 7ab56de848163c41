# What everybody types; the scripts do it, and take more options.
#
#   make                            build the tools in release mode; scripts/test uses the same build
#   make install PREFIX=/usr/local  install tools, manual pages and completions; DESTDIR is honoured
#   make test                       install what is missing, build, run every test
#   make dist                       a tarball for machines without Swift
#   make quickstart                 rank Debian's package descriptions with real models

PREFIX  ?= /usr/local
DESTDIR ?=
BIN     ?= .build/release

export DESTDIR

.PHONY: all install test dist quickstart
all:
	swift build -c release

# What was built is installed, so that root builds nothing.
install:
	scripts/install --bin $(BIN) $(PREFIX)

test:
	scripts/test

dist:
	scripts/dist

quickstart:
	scripts/quickstart

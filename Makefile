# What everybody types; the scripts do it, and take more options.
#
#   make                            build the tools in release mode; scripts/test uses the same build
#   make install PREFIX=/usr/local  install tools, manual pages and completions; DESTDIR is honoured
#   make test                       install what is missing, build, run every test
#   make dist                       a tarball for machines without Swift
#   make model MODEL=webis/splade   fetch a model of the zoo to models/ and verify it
#   make quickstart                 rank Debian's package descriptions with real models

PREFIX  ?= /usr/local
DESTDIR ?=
BIN     ?= .build/release

export DESTDIR

.PHONY: all install test dist quickstart model
all:
	swift build -c release

# What was built is installed, so that root builds nothing.
install:
	scripts/install --bin $(BIN) $(PREFIX)

test:
	scripts/test

dist:
	scripts/dist

# MODELS is the folder, and the tools are those of BIN.
model:
	@$(MAKE) --no-print-directory -f pipelines/models.mk BIN=$(BIN)

quickstart:
	scripts/quickstart

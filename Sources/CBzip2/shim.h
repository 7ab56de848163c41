#pragma once
// The types alone: Streams opens the library when it meets such data, so that others need not load it.
#include <bzlib.h>

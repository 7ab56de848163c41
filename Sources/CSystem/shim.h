#pragma once
// Calls of the C library that Swift's module of it leaves out.
#include <fcntl.h>
#include <malloc.h>

// A file without a name in a folder, which `linkat` may give one.
static const int O_UNNAMED = __O_TMPFILE;

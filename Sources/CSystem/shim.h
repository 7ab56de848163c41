#pragma once
// Calls of the C library that Swift's module of it leaves out.
#include <malloc.h>
#include <sys/vfs.h>

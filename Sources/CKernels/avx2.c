// AVX2 and FMA: two ymm registers for sixteen lanes.

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define CK_AVX2 1
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "families/all.h"
#pragma clang attribute pop

const ck_table ck_table_avx2 = CK_TABLE_OF("avx2");

#endif

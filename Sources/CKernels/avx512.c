// AVX-512 F, BW, VL and DQ: one zmm register for sixteen lanes.

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define CK_AVX512 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#include "families/all.h"
#pragma clang attribute pop

const ck_table ck_table_avx512 = CK_TABLE_OF("avx512");

#endif

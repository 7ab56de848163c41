// AVX2, FMA and F16C: two ymm registers for sixteen lanes. Besides, AVX-VNNI for the product of bytes.

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define CK_AVX2 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "families/all.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "families/vnni.h"
#pragma clang attribute pop

const ck_table ck_table_avx2 = CK_TABLE_OF("avx2", bf16, s8);
const ck_table ck_table_avx2_vnni = CK_TABLE_OF("avx2-vnni", bf16, s8_vnni);

#endif

// AVX-512 F, BW, VL and DQ: one zmm register for sixteen lanes. Besides, VNNI for the product of
// bytes and BF16 for that of bfloat16.

#include "tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define CK_AVX512 1
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), apply_to = function)
#include "families/all.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,avx512vnni"))), apply_to = function)
#include "families/vnni.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,avx512bf16"))), apply_to = function)
#include "families/bf16_native.h"
#pragma clang attribute pop

const ck_table ck_table_avx512 = CK_TABLE_OF("avx512", bf16, s8);
const ck_table ck_table_avx512_vnni = CK_TABLE_OF("avx512-vnni", bf16, s8_vnni);
const ck_table ck_table_avx512_bf16 = CK_TABLE_OF("avx512-bf16", bf16_native, s8_vnni);

#endif

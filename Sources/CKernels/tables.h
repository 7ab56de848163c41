// The instances, for dispatch.c only.

#pragma once

#include "include/ckernels.h"

#define CK_HIDDEN __attribute__((visibility("hidden")))

extern CK_HIDDEN const ck_table ck_table_portable;
#if defined(__x86_64__)
extern CK_HIDDEN const ck_table ck_table_avx2;
extern CK_HIDDEN const ck_table ck_table_avx2_vnni;
extern CK_HIDDEN const ck_table ck_table_avx512;
extern CK_HIDDEN const ck_table ck_table_avx512_vnni;
extern CK_HIDDEN const ck_table ck_table_avx512_bf16;
#endif

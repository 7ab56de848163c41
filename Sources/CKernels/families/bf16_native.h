// The product of bfloat16 by AVX-512 BF16: one instruction for two of them.

CK_INLINE vf ck_add_products_bf16_native(vf sum, vi a, vi w) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)w);
}

#define CK_NARROW(name) ck_##name##_bf16_native
#define CK_NARROW_SUM vf
#define CK_NARROW_STEP ck_add_products_bf16_native
#define CK_NARROW_BYTES 0
#define CK_NARROW_SPLITS 0
#define CK_NARROW_ENTER ck_flush_native
#define CK_NARROW_LEAVE ck_flush_leave
CK_INLINE size_t CK_NARROW(depth)(size_t k) { return (k + 1) / 2; }
#include "tile_narrow.h"
#include "gemm_narrow.h"

// The product of bytes by VNNI: one instruction for four of them.

CK_INLINE vi ck_add_products_s8_vnni(vi sum, vi a, vi w) {
#if CK_AVX512
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)w);
#else
    vi r;
    r.lo = (vi8)_mm256_dpbusd_avx_epi32((__m256i)sum.lo, (__m256i)a.lo, (__m256i)w.lo);
    r.hi = (vi8)_mm256_dpbusd_avx_epi32((__m256i)sum.hi, (__m256i)a.hi, (__m256i)w.hi);
    return r;
#endif
}

#define CK_NARROW(name) ck_##name##_s8_vnni
#define CK_NARROW_SUM vi
#define CK_NARROW_STEP ck_add_products_s8_vnni
#define CK_NARROW_BYTES 1
#define CK_NARROW_FLUSHES 0
#define CK_NARROW_SPLITS 0
#define CK_NARROW_ENTER ck_flush_native
#define CK_NARROW_LEAVE ck_flush_leave
CK_INLINE size_t CK_NARROW(depth)(size_t k) { return (k + 3) / 4; }
#include "tile_narrow.h"
#include "gemm_narrow.h"

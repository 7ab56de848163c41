// The product of bfloat16 by AVX-512 BF16: one instruction for two of them.

CK_INLINE vf ck_add_products_bf16_native(vf sum, vi a, vi w) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)w);
}

// Element i to word i / 2, an even one to its upper half.
CK_INLINE void ck_scaled_words_native(size_t n, const float *x, float by, int32_t *words) {
    for (size_t j = 0; j < n; j += 32) {
        size_t rest = n - j;
        vf a = ck_load_some(x + j, rest, 0.0f), b = ck_set(0.0f);
        if (rest > 16) b = ck_load_some(x + j + 16, rest - 16, 0.0f);
        __m512i halves =
            (__m512i)_mm512_cvtne2ps_pbh((__m512)(b * ck_set(by)), (__m512)(a * ck_set(by)));
        ck_store_words(words + j / 2, (vi)_mm512_rol_epi32(halves, 16));
    }
}

CK_INLINE void ck_bf16_words_native(size_t k, const float *x, int32_t *words) {
    ck_scaled_words_native(k, x, 1.0f, words);
}

// x in the upper halves, y in the lower ones.
CK_INLINE void ck_pair_words_native(vf x, vf y, size_t stride, int32_t *words) {
    (void)stride;
    const __m512i beside = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4,
        19, 3, 18, 2, 17, 1, 16, 0);
    __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)x, (__m512)y);
    ck_store_words(words, (vi)_mm512_permutexvar_epi16(beside, halves));
}

#define CK_NARROW(name) ck_##name##_bf16_native
#define CK_NARROW_SUM vf
#define CK_NARROW_STEP ck_add_products_bf16_native
#define CK_NARROW_BYTES 0
#define CK_NARROW_FLUSHES 0
#define CK_NARROW_SPLITS 0
#define CK_NARROW_ROW ck_bf16_words_native
#define CK_NARROW_ENTER ck_flush_native
#define CK_NARROW_LEAVE ck_flush_leave
CK_INLINE size_t CK_NARROW(depth)(size_t k) { return (k + 1) / 2; }
#include "tile_narrow.h"
#include "gemm_narrow.h"

#define CK_DOT(name) ck_##name##_bf16_native
#define CK_DOT_EACH 2
#define CK_DOT_STEP ck_add_products_bf16_native
#define CK_DOT_ROW ck_scaled_words_native
#define CK_DOT_PAIRS ck_pair_words_native
#define CK_DOT_ENTER ck_flush_native
#define CK_DOT_LEAVE ck_flush_leave
#include "attention_narrow.h"

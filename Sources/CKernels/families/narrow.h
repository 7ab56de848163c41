// Products of bfloat16 and of bytes for the instruction set at hand: what tile_narrow.h and
// gemm_narrow.h are included with, and what they share.
//
// bfloat16: both factors rounded, then fma in single precision over K ascending from 0, where
// numbers below 2^-126 are zeros, whether they go into an fma or come out. That is what vdpbf16ps
// does (two fma's, upper halves first; measured on a Zen 4 and documented by Intel), and what
// others do with the processor told to flush.
//
// Bytes: exact integers, whatever the instruction. Activations are unsigned and weights signed, so
// AVX2's vpmaddubsw would saturate; its two products of one 16-bit pair are made apart.

#include "narrow_rows.h"
#include "pack_narrow.h"

enum {
    CK_SCAN_FEW = 8,       // queries that stored bytes are multiplied with along K
    CK_SCAN_ROW = 1 << 13, // bytes of such a query at most
};

// Words from one narrowed row to the next.
CK_INLINE size_t ck_narrow_stride(size_t k) { return ck_round_up((k + 1) / 2, 16); }

// Rows that are narrowed at a time.
CK_INLINE size_t ck_narrow_block(size_t m) {
    size_t blocks = (m + CK_BLOCK - 1) / CK_BLOCK;
    return blocks ? ck_round_up((m + blocks - 1) / blocks, 24) : 24;
}

// What comes behind the sums of a tile, which is in the first-level cache.
#define CK_FINISH_LOOP(EXPRESSION) \
    for (size_t i = 0; i < rows; i++) \
        CK_EACH_REST(columns, j, rest, { \
            vf x = ck_load_some(c + i * ldc + j, rest, 0.0f); \
            if (bias) x = x + ck_load_some(bias + j, rest, 0.0f); \
            ck_store_some(c + i * ldc + j, rest, EXPRESSION); \
        })

static void ck_finish(int activation, size_t rows, size_t columns, const float *bias,
                      const float *residual, size_t ldr, float *c, size_t ldc) {
    if (residual) {
        CK_FINISH_LOOP(ck_load_some(residual + i * ldr + j, rest, 0.0f) + x)
        return;
    }
    switch (activation) {
    case CK_GELU: CK_FINISH_LOOP(ck_gelu_coarse(x)) break;
    case CK_GELU_TANH: CK_FINISH_LOOP(ck_gelu_tanh(x)) break;
    case CK_RELU: CK_FINISH_LOOP(ck_max(ck_set(0.0f), x)) break;
    case CK_TANH: CK_FINISH_LOOP(ck_tanh(x)) break;
    case CK_SILU: CK_FINISH_LOOP(ck_silu(x)) break;
    default:
        if (bias) CK_FINISH_LOOP(x)
        break;
    }
}

// Denormal numbers are zeros between these two. Only calls through pointers stand between them, so
// that no arithmetic moves across.
#if defined(__x86_64__)
CK_INLINE unsigned long ck_flush_on(void) {
    unsigned mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | 0x8040);
    return mode;
}
CK_INLINE void ck_flush_off(unsigned long mode) { __builtin_ia32_ldmxcsr((unsigned)mode); }
#elif defined(__aarch64__)
CK_INLINE unsigned long ck_flush_on(void) {
    unsigned long mode = __builtin_arm_rsr64("FPCR");
    __builtin_arm_wsr64("FPCR", mode | (1ul << 24));
    return mode;
}
CK_INLINE void ck_flush_off(unsigned long mode) { __builtin_arm_wsr64("FPCR", mode); }
#else
#error "how does this processor flush denormal numbers?"
#endif
CK_INLINE unsigned long ck_flush_native(void) { return 0; }
CK_INLINE void ck_flush_leave(unsigned long mode) { (void)mode; }

CK_INLINE vf ck_add_products_bf16(vf sum, vi a, vi w) {
    const vi high = (vi)(int32_t)0xffff0000;
    sum = ck_fma((vf)(a & high), (vf)(w & high), sum);
    return ck_fma((vf)(a << 16), (vf)(w << 16), sum);
}

CK_INLINE vi ck_add_products_s8(vi sum, vi a, vi w) {
#if CK_AVX512
    __m512i x = (__m512i)a, y = (__m512i)w;
    __m512i even = _mm512_madd_epi16(_mm512_and_si512(x, _mm512_set1_epi16(0xff)),
                                     _mm512_srai_epi16(_mm512_slli_epi16(y, 8), 8));
    __m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(x, 8), _mm512_srai_epi16(y, 8));
    return sum + (vi)even + (vi)odd;
#elif CK_AVX2
    __m256i part[2];
    for (int i = 0; i < 2; i++) {
        __m256i x = (__m256i)(i ? a.hi : a.lo), y = (__m256i)(i ? w.hi : w.lo);
        __m256i even = _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(0xff)),
                                         _mm256_srai_epi16(_mm256_slli_epi16(y, 8), 8));
        __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(y, 8));
        part[i] = _mm256_add_epi32(even, odd);
    }
    vi products;
    products.lo = (vi8)part[0];
    products.hi = (vi8)part[1];
    return sum + products;
#else
    for (int t = 0; t < 32; t += 8) sum = sum + ((a >> t) & 0xff) * ((w << (24 - t)) >> 24);
    return sum;
#endif
}

#define CK_NARROW(name) ck_##name##_bf16
#define CK_NARROW_SUM vf
#define CK_NARROW_STEP ck_add_products_bf16
#define CK_NARROW_BYTES 0
#define CK_NARROW_FLUSHES 1
#define CK_NARROW_SPLITS 1
#define CK_NARROW_ROW ck_bf16_words
#define CK_NARROW_ENTER ck_flush_on
#define CK_NARROW_LEAVE ck_flush_off
CK_INLINE size_t CK_NARROW(depth)(size_t k) { return (k + 1) / 2; }
#include "tile_narrow.h"
#include "gemm_narrow.h"

#define CK_NARROW(name) ck_##name##_s8
#define CK_NARROW_SUM vi
#define CK_NARROW_STEP ck_add_products_s8
#define CK_NARROW_BYTES 1
#define CK_NARROW_FLUSHES 0
#define CK_NARROW_SPLITS 1
#define CK_NARROW_ENTER ck_flush_native
#define CK_NARROW_LEAVE ck_flush_leave
CK_INLINE size_t CK_NARROW(depth)(size_t k) { return (k + 3) / 4; }
#include "tile_narrow.h"
#include "gemm_narrow.h"

#include "attention_lanes.h"

#define CK_DOT(name) ck_##name##_bf16
#define CK_DOT_EACH 1
#define CK_DOT_STEP ck_add_float_products
#define CK_DOT_ROW ck_float_row
#define CK_DOT_PAIRS ck_float_pairs
#define CK_DOT_ENTER ck_flush_on
#define CK_DOT_LEAVE ck_flush_off
#include "attention_narrow.h"

// Sixteen floats, whatever the registers: one zmm, two ymm, four xmm or NEON registers.
//
// Included once for each instruction set, inside a region that sets the target attribute, so that
// the same source becomes different code with the same results.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF
// Vectors are passed only to functions that are inlined: there is no ABI to change.
#pragma clang diagnostic ignored "-Wpsabi"

#define CK_INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((ext_vector_type(16)));
typedef float vf_unaligned __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t vi __attribute__((ext_vector_type(16)));

CK_INLINE vf ck_set(float x) { return (vf)(x); }
CK_INLINE vf ck_load(const float *p) { return *(const vf_unaligned *)p; }
CK_INLINE void ck_store(float *p, vf x) { *(vf_unaligned *)p = x; }
// Asks for base[offset], which need not exist, to be brought into the second-level cache.
CK_INLINE void ck_prefetch(const float *base, size_t offset) {
    __builtin_prefetch((const void *)((uintptr_t)base + offset * sizeof(float)), 0, 2);
}
CK_INLINE vf ck_fma(vf a, vf b, vf c) { return __builtin_elementwise_fma(a, b, c); }
CK_INLINE vf ck_abs(vf x) { return (vf)((vi)x & (vi)(0x7fffffff)); }
CK_INLINE vf ck_sqrt(vf x) { return __builtin_elementwise_sqrt(x); }
CK_INLINE vf ck_select(vi mask, vf a, vf b) { return mask ? a : b; }

// The second operand where either is NaN or both are equal: put the variable there.
CK_INLINE vf ck_max(vf a, vf b) { return a > b ? a : b; }
CK_INLINE vf ck_min(vf a, vf b) { return a < b ? a : b; }
// A NaN in either operand is kept.
CK_INLINE vf ck_max_or_nan(vf a, vf b) { return a != a ? a : ck_max(a, b); }

// The first n < 16 elements; the others are `rest`.
CK_INLINE vf ck_load_tail(const float *p, size_t n, float rest) {
#if CK_AVX512
    return (vf)_mm512_mask_loadu_ps((__m512)ck_set(rest), (__mmask16)((1u << n) - 1), p);
#else
    float t[16];
    for (size_t i = 0; i < 16; i++) t[i] = rest;
    for (size_t i = 0; i < n; i++) t[i] = p[i];
    return ck_load(t);
#endif
}

CK_INLINE void ck_store_tail(float *p, size_t n, vf x) {
#if CK_AVX512
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)x);
#else
    float t[16];
    ck_store(t, x);
    for (size_t i = 0; i < n; i++) p[i] = t[i];
#endif
}

CK_INLINE vf ck_load_some(const float *p, size_t n, float rest) {
    return n >= 16 ? ck_load(p) : ck_load_tail(p, n, rest);
}

CK_INLINE void ck_store_some(float *p, size_t n, vf x) {
    if (n >= 16) ck_store(p, x);
    else ck_store_tail(p, n, x);
}

typedef float vf8 __attribute__((ext_vector_type(8)));
typedef float vf4 __attribute__((ext_vector_type(4)));
typedef int32_t vi8 __attribute__((ext_vector_type(8)));

// The one tree from sixteen lanes to a number: i and i + 8, then 4, 2, 1.
CK_INLINE float ck_sum_lanes(vf x) {
    vf8 a = x.lo + x.hi;
    vf4 b = a.lo + a.hi;
    return (b.x + b.z) + (b.y + b.w);
}

CK_INLINE float ck_max_lanes(vf x) {
    vf8 a = x.lo > x.hi ? x.lo : x.hi;
    vf4 b = a.lo > a.hi ? a.lo : a.hi;
    float c = b.x > b.z ? b.x : b.z, d = b.y > b.w ? b.y : b.w;
    return c > d ? c : d;
}

// What follows for J = 0, 16, … < N; REST elements are left there, a constant but at the end.
#define CK_EACH_REST(N, J, REST, ...) \
    { \
        size_t J = 0; \
        for (; J + 16 <= (N); J += 16) { \
            const size_t REST = 16; \
            __VA_ARGS__ \
        } \
        if (J < (N)) { \
            size_t REST = (N)-J; \
            __VA_ARGS__ \
        } \
    }

CK_INLINE size_t ck_round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }
CK_INLINE size_t ck_least(size_t a, size_t b) { return a < b ? a : b; }

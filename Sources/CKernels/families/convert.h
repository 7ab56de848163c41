// Half-precision formats. Integer operations only, so nothing depends on the rounding mode or on
// how a processor treats subnormal numbers; the compiler vectorises the loops. Where there is an
// instruction that widens, it does so, too: it is exact, and takes subnormal numbers as they are.

CK_INLINE float ck_float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, 4);
    return f;
}

CK_INLINE uint32_t ck_bits_of(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

CK_INLINE uint32_t ck_widen_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = (uint32_t)(half & 0x7fff);
    uint32_t normal = (rest << 13) + (112u << 23);
    // 0x1p-14 + 0x1p-24 * mantissa is exact; so is taking 0x1p-14 away again.
    uint32_t subnormal = ck_bits_of(ck_float_of((113u << 23) + (rest << 13)) - 0x1p-14f);
    uint32_t special = 0x7f800000u | (rest << 13) | (rest > 0x7c00 ? 0x400000u : 0);
    uint32_t r = rest >= 0x7c00 ? special : normal;
    return sign | (rest < 0x0400 ? subnormal : r);
}

CK_INLINE uint16_t ck_narrow_f16(uint32_t bits) {
    uint32_t sign = (bits >> 16) & 0x8000, rest = bits & 0x7fffffff;
    uint32_t normal = (rest + 0xfff + ((rest >> 13) & 1) - (112u << 23)) >> 13;
    // Adding one half lines the subnormal result up with the last bits of the sum.
    uint32_t subnormal = ck_bits_of(ck_float_of(rest) + 0.5f) - 0x3f000000u;
    uint32_t special = rest > 0x7f800000u ? 0x7e00 | ((rest >> 13) & 0x3ff) : 0x7c00;
    uint32_t r = rest >= 0x477ff000u ? special : normal; // 65520 and above round to infinity
    return (uint16_t)(sign | (rest < 0x38800000u ? subnormal : r));
}

CK_INLINE uint32_t ck_widen_bf16(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    return bits | ((bits & 0x7fffffff) > 0x7f800000u ? 0x400000u : 0);
}

CK_INLINE uint16_t ck_narrow_bf16(uint32_t bits) {
    uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    uint32_t nan = (bits >> 16) | 0x40;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000u ? nan : rounded);
}

static void ck_f16_to_f32_run(size_t n, const uint16_t *x, float *y) {
    size_t i = 0;
#if CK_AVX512
    for (; i + 16 <= n; i += 16)
        ck_store(y + i, (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(x + i))));
#elif CK_AVX2
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(x + i))));
#endif
    for (; i < n; i++) y[i] = ck_float_of(ck_widen_f16(x[i]));
}

static void ck_bf16_to_f32_run(size_t n, const uint16_t *x, float *y) {
    for (size_t i = 0; i < n; i++) y[i] = ck_float_of(ck_widen_bf16(x[i]));
}

static void ck_f32_to_f16_run(size_t n, const float *x, uint16_t *y) {
    for (size_t i = 0; i < n; i++) y[i] = ck_narrow_f16(ck_bits_of(x[i]));
}

static void ck_f32_to_bf16_run(size_t n, const float *x, uint16_t *y) {
    for (size_t i = 0; i < n; i++) y[i] = ck_narrow_bf16(ck_bits_of(x[i]));
}

// Rows of activations as the narrow products take them: words of 32 bits that hold two bfloat16 or
// four bytes, zeros behind the last element.

typedef uint8_t ck_v16b __attribute__((ext_vector_type(16)));
typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef int32_t vi_unaligned __attribute__((ext_vector_type(16), aligned(4)));

CK_INLINE vi ck_load_words(const int32_t *p) { return *(const vi_unaligned *)p; }
CK_INLINE void ck_store_words(int32_t *p, vi x) { *(vi_unaligned *)p = x; }

// To nearest, ties to even, in the upper half; a number below 2^-126 becomes a zero of its sign, as
// the instructions that round and multiply take it.
CK_INLINE vi ck_round_bf16(vf x) {
    vi bits = (vi)x;
    vi rounded = bits + 0x7fff + ((bits >> 16) & 1);
    vi quiet = bits | 0x400000;
    vi r = (x == x ? rounded : quiet) & (vi)(int32_t)0xffff0000;
    return (bits & 0x7f800000) == 0 ? bits & INT32_MIN : r;
}

// Word i holds element 2 i in its upper half and element 2 i + 1 in its lower one: the processor
// adds the product of the upper halves first.
CK_INLINE void ck_bf16_words(size_t k, const float *x, int32_t *words) {
    for (size_t j = 0; j < k; j += 32) {
        size_t rest = k - j;
        vf a = ck_load_some(x + j, rest, 0.0f);
        vf b = rest > 16 ? ck_load_some(x + j + 16, rest - 16, 0.0f) : ck_set(0.0f);
        vf even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26,
                                          28, 30);
        vf odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27,
                                         29, 31);
        ck_store_words(words + j / 2,
                       ck_round_bf16(even) | ((ck_round_bf16(odd) >> 16) & 0xffff));
    }
}

// A range below this is as good as zero; its inverse is still finite.
#define CK_LEAST_RANGE 0x1p-100f

// Rounds, clamps and stores as many groups of 64 elements as there are; returns where they end.
CK_INLINE size_t ck_u8_groups(size_t k, const float *x, vf by, vf from, int32_t *words) {
    size_t j = 0;
#if CK_AVX512
    // Steps stand in the lower halves of the words, of which -1 and 256 saturate.
    const __m512i halves = _mm512_set_epi16(
        62, 60, 58, 56, 54, 52, 50, 48, 30, 28, 26, 24, 22, 20, 18, 16, 46, 44, 42, 40, 38, 36, 34,
        32, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i order = _mm512_set_epi64(7, 3, 5, 1, 6, 2, 4, 0);
    for (; j + 64 <= k; j += 64) {
        __m512i u[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++) u[i] = (__m512i)ck_fma(ck_load(x + j + 16 * i), by, from);
        __m512i low = _mm512_permutex2var_epi16(u[0], halves, u[1]);
        __m512i high = _mm512_permutex2var_epi16(u[2], halves, u[3]);
        __m512i bytes = _mm512_permutexvar_epi64(order, _mm512_packus_epi16(low, high));
        ck_store_words(words + j / 4, (vi)bytes);
    }
#else
    (void)x, (void)by, (void)from, (void)words, (void)k;
#endif
    return j;
}

// Word i holds elements 4 i ..< 4 i + 4 as u = round(x / scale) + zero, 0 <= u <= 255, the first one
// in the lowest byte: zero's range goes from the least element or 0 to the greatest or 0.
// A row that is not finite has the scale NaN.
static void ck_u8_words(size_t k, const float *x, int32_t *words, float *scale, int32_t *zero) {
    // As integers: positive numbers in their order, negative ones behind them in the order of size.
    vi high = (vi)(0), high2 = (vi)(0);
    vu low = (vu)(0), low2 = (vu)(0);
    for (size_t j = 0; j < k; j += 32) {
        vf v = ck_load_some(x + j, k - j, 0.0f), w = ck_set(0.0f);
        if (k - j > 16) w = ck_load_some(x + j + 16, k - j - 16, 0.0f);
        high = __builtin_elementwise_max(high, (vi)v);
        low = __builtin_elementwise_max(low, (vu)v);
        high2 = __builtin_elementwise_max(high2, (vi)w);
        low2 = __builtin_elementwise_max(low2, (vu)w);
    }
    float most = ck_float_of(
        (uint32_t)__builtin_reduce_max(__builtin_elementwise_max(high, high2)));
    uint32_t last = __builtin_reduce_max(__builtin_elementwise_max(low, low2));
    float least = last > INT32_MAX ? ck_float_of(last) : 0.0f, range = most - least;
    float finite = (most - most) + (least - least); // 0, or NaN
    float inverse = range >= CK_LEAST_RANGE ? 255.0f / range : 0.0f;
    *scale = finite == 0.0f && range < __builtin_inff() ? range / 255.0f : __builtin_nanf("");
    float shifted = -least * inverse + CK_ROUNDER;
    *zero = ck_bits_of(shifted) - CK_ROUNDER_BITS;
    vf by = ck_set(inverse), from = ck_set(CK_ROUNDER + (float)*zero);
    for (size_t j = ck_u8_groups(k, x, by, from, words); j < k; j += 16) {
        vf v = ck_load_some(x + j, k - j, 0.0f);
        vi u = (vi)ck_fma(v, by, from) - CK_ROUNDER_BITS;
        u = u < 0 ? 0 : u;
        u = u > 255 ? 255 : u;
        ck_v16b bytes = __builtin_convertvector(u, ck_v16b);
        memcpy((uint8_t *)words + j, &bytes, 16);
    }
}

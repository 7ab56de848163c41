// Sums of coded impacts: postings of a term are added to the sums of a window of documents, and then
// the sums that may matter are picked out.
//
// What a code c, 1 ..< 256, adds is base + (c - 1) * factor / 512, rounded down, in sixteen bits
// without regard to carries: integers, the same whatever the instruction.

typedef int16_t vh __attribute__((ext_vector_type(16)));
typedef int16_t vh_unaligned __attribute__((ext_vector_type(16), aligned(2)));
typedef uint8_t vb __attribute__((ext_vector_type(16)));
typedef uint8_t vb_unaligned __attribute__((ext_vector_type(16), aligned(1)));

CK_INLINE vh ck_impact_load(const int16_t *p) { return *(const vh_unaligned *)p; }
CK_INLINE void ck_impact_store(int16_t *p, vh x) { *(vh_unaligned *)p = x; }

// The upper half of the product of numbers of sixteen bits.
CK_INLINE vh ck_impact_high(vh a, vh b) {
#if CK_AVX2 || CK_AVX512
    return (vh)_mm256_mulhi_epi16((__m256i)a, (__m256i)b);
#else
    vi product = __builtin_convertvector(a, vi) * __builtin_convertvector(b, vi);
    return __builtin_convertvector(product >> 16, vh);
#endif
}

// What sixteen codes add; nonsense for a code of 0.
CK_INLINE vh ck_impact_values(const uint8_t *codes, vh base, vh factor) {
    vh steps = __builtin_convertvector(*(const vb_unaligned *)codes, vh) - (vh)(1);
    return base + ck_impact_high(steps << 7, factor);
}

CK_INLINE int16_t ck_impact_value(uint8_t code, int16_t base, int16_t factor) {
    int32_t product = (int32_t)((code - 1) * 128) * factor;
    return (int16_t)(base + (product >> 16));
}

static void ck_add_impacts_at_run(size_t n, const uint8_t *places, const uint8_t *codes,
                                  int16_t base, int16_t factor, int16_t *sums) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        int16_t values[16] __attribute__((aligned(32)));
        ck_impact_store(values, ck_impact_values(codes + i, (vh)(base), (vh)(factor)));
#pragma clang loop unroll(full)
        for (int j = 0; j < 16; j += 4) {
            uint64_t four;
            memcpy(&four, places + 2 * (i + j), 8);
            sums[four & 0xffff] += values[j];
            sums[four >> 16 & 0xffff] += values[j + 1];
            sums[four >> 32 & 0xffff] += values[j + 2];
            sums[four >> 48] += values[j + 3];
        }
    }
    for (; i < n; i++) {
        uint16_t place;
        memcpy(&place, places + 2 * i, 2);
        sums[place] += ck_impact_value(codes[i], base, factor);
    }
}

static void ck_add_impacts_run(size_t n, const uint8_t *codes, int16_t base, int16_t factor,
                               int16_t *sums) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vh absent = __builtin_convertvector(*(const vb_unaligned *)(codes + i), vh) == (vh)(0);
        vh values = ck_impact_values(codes + i, (vh)(base), (vh)(factor));
        ck_impact_store(sums + i, ck_impact_load(sums + i) + (values & ~absent));
    }
    for (; i < n; i++)
        if (codes[i]) sums[i] += ck_impact_value(codes[i], base, factor);
}

// Which of sixteen sums are not below a threshold: a bit each.
CK_INLINE unsigned ck_impact_hits(vh sums, vh threshold) {
    vh below = sums < threshold;
#if CK_AVX512
    return ~(unsigned)_mm256_movepi16_mask((__m256i)below) & 0xffffu;
#elif CK_AVX2
    __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128((__m256i)below),
                                    _mm256_extracti128_si256((__m256i)below, 1));
    return ~(unsigned)_mm_movemask_epi8(bytes) & 0xffffu;
#else
    unsigned hits = 0;
    for (int i = 0; i < 16; i++) hits |= (unsigned)(below[i] == 0) << i;
    return hits;
#endif
}

static size_t ck_take_impacts_run(size_t n, int16_t *sums, int16_t threshold, int16_t flip,
                                  int32_t *found, int16_t *values) {
    size_t count = 0, i = 0;
    for (; i + 16 <= n; i += 16) {
        vh x = ck_impact_load(sums + i) ^ (vh)(flip);
        ck_impact_store(sums + i, (vh)(0));
        for (unsigned hits = ck_impact_hits(x, (vh)(threshold)); hits; hits &= hits - 1, count++) {
            int j = __builtin_ctz(hits);
            found[count] = (int32_t)i + j;
            values[count] = x[j] ^ flip;
        }
    }
    for (; i < n; i++) {
        int16_t x = sums[i] ^ flip;
        sums[i] = 0;
        if (x < threshold) continue;
        found[count] = (int32_t)i;
        values[count++] = x ^ flip;
    }
    return count;
}

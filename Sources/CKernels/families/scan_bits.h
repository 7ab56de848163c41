// Which documents a query may be answered by: codes of one bit a number, looked up four at a time.
//
// A query is a table for each four numbers: what their sixteen combinations of signs add, from 0 to
// CK_BITS_MOST. Codes lie in blocks of 32 documents, so that one instruction looks up all of them.
// Sums are exact integers, whatever the instruction.

enum {
    CK_BITS_DEPTH = 512,  // bytes of a code whose sum fits 16 bits: 2 * 512 * 63 < 65536
    CK_BITS_TOGETHER = 4, // queries that share a look at a block
};

// sums[n][32] of one block: the products of `depth` bytes, an even number.
#if CK_AVX2 || CK_AVX512
CK_INLINE void ck_bits_part(const int n, const uint8_t *codes, size_t depth, const uint8_t *tables,
                            size_t ldt, uint16_t sums[][CK_BITS_BLOCK]) {
    const __m256i low = _mm256_set1_epi8(15);
    __m256i all[CK_BITS_TOGETHER], odd[CK_BITS_TOGETHER];
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) all[j] = odd[j] = _mm256_setzero_si256();
    for (size_t g = 0; g < depth; g += 2) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(codes + 32 * g));
        __m256i b = _mm256_loadu_si256((const __m256i *)(codes + 32 * g + 32));
        __m256i a0 = _mm256_and_si256(a, low), b0 = _mm256_and_si256(b, low);
        __m256i a1 = _mm256_and_si256(_mm256_srli_epi16(a, 4), low);
        __m256i b1 = _mm256_and_si256(_mm256_srli_epi16(b, 4), low);
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) {
            const __m128i *t = (const __m128i *)(tables + j * ldt + 32 * g);
            __m256i x = _mm256_add_epi8(
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(t)), a0),
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(t + 1)), a1));
            __m256i y = _mm256_add_epi8(
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(t + 2)), b0),
                _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(t + 3)), b1));
            x = _mm256_add_epi8(x, y); // four times 63 fit
            // Pairs as numbers of 16 bits: what the odd ones put above is taken off at the end.
            all[j] = _mm256_add_epi16(all[j], x);
            odd[j] = _mm256_add_epi16(odd[j], _mm256_srli_epi16(x, 8));
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) {
        __m256i even = _mm256_sub_epi16(all[j], _mm256_slli_epi16(odd[j], 8));
        __m256i first = _mm256_unpacklo_epi16(even, odd[j]);
        __m256i last = _mm256_unpackhi_epi16(even, odd[j]);
        _mm256_storeu_si256((__m256i *)sums[j], _mm256_permute2x128_si256(first, last, 0x20));
        _mm256_storeu_si256((__m256i *)(sums[j] + 16),
                            _mm256_permute2x128_si256(first, last, 0x31));
    }
}
#else
CK_INLINE void ck_bits_part(const int n, const uint8_t *codes, size_t depth, const uint8_t *tables,
                            size_t ldt, uint16_t sums[][CK_BITS_BLOCK]) {
    for (int j = 0; j < n; j++) {
        const uint8_t *t = tables + j * ldt;
        memset(sums[j], 0, sizeof sums[j]);
        for (size_t g = 0; g < depth; g++)
            for (int i = 0; i < CK_BITS_BLOCK; i++) {
                uint8_t code = codes[32 * g + i];
                sums[j][i] += t[32 * g + (code & 15)] + t[32 * g + 16 + (code >> 4)];
            }
    }
}
#endif

// One block for n queries from `column` on; of it `rest` documents exist, the first being `row`.
CK_INLINE size_t ck_bits_block(const int n, const ck_bits *s, size_t row, size_t rest, size_t column,
                               size_t found) {
    int32_t totals[CK_BITS_TOGETHER][CK_BITS_BLOCK] __attribute__((aligned(64))) = {{0}};
    size_t ldt = 32 * s->depth;
    const uint8_t *codes = s->codes + row * s->depth, *tables = s->tables + column * ldt;
    for (size_t g = 0; g < s->depth; g += CK_BITS_DEPTH) {
        uint16_t sums[CK_BITS_TOGETHER][CK_BITS_BLOCK];
        ck_bits_part(n, codes + 32 * g, ck_least(CK_BITS_DEPTH, s->depth - g), tables + 32 * g, ldt,
                     sums);
        for (int j = 0; j < n; j++)
            for (int i = 0; i < CK_BITS_BLOCK; i++) totals[j][i] += sums[j][i];
    }
    for (int j = 0; j < n; j++)
        for (size_t i = 0; i < CK_BITS_BLOCK && i < rest; i += 16) {
            vf sum = __builtin_convertvector(*(const vi *)(totals[j] + i), vf);
            vf y = ck_fma(ck_fma(sum, ck_set(s->steps[column + j]), ck_set(s->bases[column + j])),
                          ck_load_some(s->scales + row + i, rest - i, 0.0f),
                          ck_load_some(s->offsets + row + i, rest - i, 0.0f));
            unsigned hits =
                ck_select_hits(y, ck_set(s->found.thresholds[column + j]), rest - i);
            if (hits) found = ck_scan_note(&s->found, hits, y, row + i, column + j, 1, found);
        }
    return found;
}

static size_t ck_bits_run(const ck_bits *s) {
    size_t found = 0;
    for (size_t column = 0; column < s->n; column += CK_BITS_TOGETHER)
        for (size_t row = 0; row < s->found.m; row += CK_BITS_BLOCK) {
            size_t rest = s->found.m - row;
            switch (ck_least(CK_BITS_TOGETHER, s->n - column)) {
            case 1: found = ck_bits_block(1, s, row, rest, column, found); break;
            case 2: found = ck_bits_block(2, s, row, rest, column, found); break;
            case 3: found = ck_bits_block(3, s, row, rest, column, found); break;
            default: found = ck_bits_block(4, s, row, rest, column, found); break;
            }
        }
    return found;
}

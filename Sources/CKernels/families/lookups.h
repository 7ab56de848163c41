// Sums of what a query's tables say of the halves of a code's bytes, for blocks of 32 codes: of codes
// of one bit a number, cut into fours, and of product quantisers of four bits.
//
// Sums are modulo 2^16, whatever the instruction. Where no number of a table is beyond CK_BITS_MOST,
// those of four halves are added before they are widened (scan_bits.h).

// sums[32] of one block, added to.
#if CK_AVX2 || CK_AVX512
CK_INLINE void ck_lookups_add(const int blocks, const uint8_t *codes, size_t depth, size_t ldc,
                              const uint8_t *tables, uint16_t *sums) {
    const __m256i low = _mm256_set1_epi8(15);
    __m256i all[2], odd[2];
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) all[b] = odd[b] = _mm256_setzero_si256();
    for (size_t g = 0; g < depth; g++) {
        const __m128i *t = (const __m128i *)(const void *)(tables + 32 * g);
        __m256i lower = _mm256_broadcastsi128_si256(_mm_loadu_si128(t));
        __m256i upper = _mm256_broadcastsi128_si256(_mm_loadu_si128(t + 1));
#pragma clang loop unroll(full)
        for (int b = 0; b < blocks; b++) {
            __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(codes + b * ldc + 32 * g));
            __m256i x = _mm256_shuffle_epi8(lower, _mm256_and_si256(code, low));
            __m256i y = _mm256_shuffle_epi8(
                upper, _mm256_and_si256(_mm256_srli_epi16(code, 4), low));
            // Pairs as numbers of 16 bits: what the odd ones put above is taken off at the end.
            all[b] = _mm256_add_epi16(all[b], _mm256_add_epi16(x, y));
            odd[b] = _mm256_add_epi16(odd[b], _mm256_add_epi16(_mm256_srli_epi16(x, 8),
                                                               _mm256_srli_epi16(y, 8)));
        }
    }
#pragma clang loop unroll(full)
    for (int b = 0; b < blocks; b++) {
        __m256i even = _mm256_sub_epi16(all[b], _mm256_slli_epi16(odd[b], 8));
        __m256i first = _mm256_unpacklo_epi16(even, odd[b]);
        __m256i last = _mm256_unpackhi_epi16(even, odd[b]);
        __m256i *out = (__m256i *)(void *)(sums + b * CK_BITS_BLOCK);
        _mm256_storeu_si256(out, _mm256_add_epi16(_mm256_loadu_si256(out),
                                                  _mm256_permute2x128_si256(first, last, 0x20)));
        _mm256_storeu_si256(out + 1, _mm256_add_epi16(_mm256_loadu_si256(out + 1),
                                                      _mm256_permute2x128_si256(first, last, 0x31)));
    }
}
#else
CK_INLINE void ck_lookups_add(const int blocks, const uint8_t *codes, size_t depth, size_t ldc,
                              const uint8_t *tables, uint16_t *sums) {
    for (int b = 0; b < blocks; b++)
        for (size_t g = 0; g < depth; g++)
            for (int i = 0; i < CK_BITS_BLOCK; i++) {
                uint8_t code = codes[b * ldc + 32 * g + i];
                sums[b * CK_BITS_BLOCK + i] +=
                    tables[32 * g + (code & 15)] + tables[32 * g + 16 + (code >> 4)];
            }
}
#endif

static void ck_lookups_run(size_t blocks, size_t depth, const uint8_t *codes,
                           const uint8_t *tables, int most, uint16_t *sums) {
    size_t block = 32 * depth, even = most <= CK_BITS_MOST ? depth / 2 * 2 : 0;
    memset(sums, 0, blocks * CK_BITS_BLOCK * sizeof *sums);
    for (size_t b = 0; even && b < blocks; b++)
        for (size_t g = 0; g < even; g += CK_BITS_DEPTH) {
            uint16_t part[1][CK_BITS_BLOCK];
            ck_bits_part(1, codes + b * block + 32 * g, ck_least(CK_BITS_DEPTH, even - g),
                         tables + 32 * g, 0, part);
            for (int i = 0; i < CK_BITS_BLOCK; i++) sums[b * CK_BITS_BLOCK + i] += part[0][i];
        }
    if (even == depth) return;
    size_t b = 0;
    codes += 32 * even, tables += 32 * even;
    for (; b + 2 <= blocks; b += 2)
        ck_lookups_add(2, codes + b * block, depth - even, block, tables, sums + b * CK_BITS_BLOCK);
    if (b < blocks)
        ck_lookups_add(1, codes + b * block, depth - even, block, tables, sums + b * CK_BITS_BLOCK);
}

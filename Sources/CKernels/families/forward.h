// Products of one sparse query with coded sparse documents: a table has the query's weight at each
// term's number, as an integer of sixteen bits, and a document's entries look there.
//
// Sums of integers, the same whatever the instruction.

// Documents whose records, and whose places, are fetched before they are needed.
enum { CK_FORWARD_AHEAD = 4, CK_FORWARD_FAR = 12, CK_FORWARD_LINES = 10 };

typedef struct {
    const uint8_t *record;
    size_t entries;
} ck_forward_record;

CK_INLINE size_t ck_forward_offset(const ck_forward *f, int32_t document) {
    int64_t offset;
    memcpy(&offset, f->offsets + 8 * (size_t)document, 8);
    return offset < 0 ? 0 : (size_t)offset > f->entries ? f->entries : (size_t)offset;
}

CK_INLINE ck_forward_record ck_forward_find(const ck_forward *f, int32_t document) {
    size_t start = ck_forward_offset(f, document), end = ck_forward_offset(f, document + 1);
    size_t entry = f->wide ? 5 : 3;
    ck_forward_record found = {f->records + 4 * (size_t)document + entry * start,
                               end > start ? end - start : 0};
    return found;
}

CK_INLINE int32_t ck_forward_one(uint32_t weight, int32_t code) {
    return (int32_t)(int16_t)weight * code;
}

// The sum over n entries: numbers of 16 or 32 bits, then codes with or without a sign.
CK_INLINE int32_t ck_forward_entries(size_t n, const uint8_t *terms, int wide, int negative,
                                     const uint32_t *table, uint32_t mask) {
    const uint8_t *codes = terms + (wide ? 4 : 2) * n;
    int32_t sum = 0;
    size_t i = 0;
#if CK_AVX2 || CK_AVX512
    __m256i sums = _mm256_setzero_si256();
    for (; i + 8 <= n; i += 8) {
        __m256i numbers =
            wide ? _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(terms + 4 * i)),
                                    _mm256_set1_epi32((int)mask))
                 : _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(terms + 2 * i)));
        __m256i weights = _mm256_i32gather_epi32((const int *)table, numbers, 4);
        __m128i bytes = _mm_loadl_epi64((const __m128i *)(codes + i));
        __m256i values = negative ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
        // The upper half of a weight is zero, so that of a code with a sign adds nothing.
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(weights, values));
    }
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    sum = _mm_cvtsi128_si32(half);
#endif
    for (; i < n; i++) {
        uint32_t number = 0;
        memcpy(&number, terms + (wide ? 4 : 2) * i, wide ? 4 : 2);
        sum += ck_forward_one(table[wide ? number & mask : number],
                              negative ? (int8_t)codes[i] : codes[i]);
    }
    return sum;
}

static void ck_forward_sums_run(const ck_forward *f, size_t n, const int32_t *documents,
                                const uint32_t *table, int32_t *sums, float *scales) {
    for (size_t i = 0; i < n + CK_FORWARD_AHEAD; i++) {
        if (i + CK_FORWARD_FAR < n)
            __builtin_prefetch(f->offsets + 8 * (size_t)documents[i + CK_FORWARD_FAR]);
        if (i < n) {
            ck_forward_record next = ck_forward_find(f, documents[i]);
            size_t lines = (4 + (f->wide ? 5 : 3) * next.entries + 63) / 64;
            if (lines > CK_FORWARD_LINES) lines = CK_FORWARD_LINES;
            for (size_t line = 0; line < lines; line++) __builtin_prefetch(next.record + 64 * line);
        }
        if (i < CK_FORWARD_AHEAD) continue;
        size_t own = i - CK_FORWARD_AHEAD;
        ck_forward_record record = ck_forward_find(f, documents[own]);
        uint32_t bits;
        memcpy(&bits, record.record, 4);
        int negative = bits >> 31 != 0;
        bits &= 0x7fffffff;
        memcpy(scales + own, &bits, 4);
        sums[own] = f->wide ? ck_forward_entries(record.entries, record.record + 4, 1, negative,
                                                 table, f->mask)
                            : ck_forward_entries(record.entries, record.record + 4, 0, negative,
                                                 table, f->mask);
    }
}

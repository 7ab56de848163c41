// Which products may reach their queries' thresholds: a bound on each is added to it, and those that
// stay below are excluded. What is found is listed.
//
// Products are made by scan_bytes.h, or were made before (ck_select_run).

// Which of sixteen scores may reach their thresholds: a bit each. What cannot be compared may.
CK_INLINE unsigned ck_scan_hits(vf upper, vf threshold) {
    vi below = upper < threshold;
#if CK_AVX512
    return ~(unsigned)_mm512_movepi32_mask((__m512i)below) & 0xffffu;
#elif CK_AVX2
    return ~((unsigned)_mm256_movemask_ps((__m256)below.lo) |
             (unsigned)_mm256_movemask_ps((__m256)below.hi) << 8) & 0xffffu;
#else
    unsigned hits = 0;
    for (int i = 0; i < 16; i++) hits |= (unsigned)(below[i] == 0) << i;
    return hits;
#endif
}

// Takes note of products whose bits are set: the first stands at [row, column], and each of the
// others one row or one column further.
CK_INLINE size_t ck_scan_note(const ck_scan *s, unsigned hits, vf y, size_t row, size_t column,
                              int by_row, size_t found) {
    float scores[16] __attribute__((aligned(64)));
    ck_store(scores, y);
    for (; hits; hits &= hits - 1, found++) {
        int i = __builtin_ctz(hits);
        s->found_rows[found] = (int32_t)row + (by_row ? i : 0);
        s->found_columns[found] = (int32_t)column + (by_row ? 0 : i);
        s->found_scores[found] = scores[i];
    }
    return found;
}

// Sixteen queries of one row; those from `rest` on do not exist.
CK_INLINE size_t ck_scan_columns(const ck_scan *s, vf y, size_t row, size_t column, size_t rest,
                                 size_t found) {
    vf bound = ck_fma(ck_set(s->errors[row]), ck_load_some(s->by_error + column, rest, 0.0f),
                      ck_fma(ck_set(s->norms[row]), ck_load_some(s->by_norm + column, rest, 0.0f),
                             ck_load_some(s->by_none + column, rest, 0.0f)));
    vf upper = y + bound;
    if (s->offsets) upper = upper + ck_set(s->offsets[row]);
    unsigned hits = ck_scan_hits(upper, ck_load_some(s->thresholds + column, rest, 0.0f));
    if (rest < 16) hits &= (1u << rest) - 1;
    return hits ? ck_scan_note(s, hits, y, row, column, 0, found) : found;
}

// Sixteen rows of one query; those from `rest` on do not exist.
CK_INLINE size_t ck_scan_rows(const ck_scan *s, vf y, size_t row, size_t column, size_t rest,
                              size_t found) {
    vf bound = ck_fma(ck_load_some(s->errors + row, rest, 0.0f), ck_set(s->by_error[column]),
                      ck_fma(ck_load_some(s->norms + row, rest, 0.0f), ck_set(s->by_norm[column]),
                             ck_set(s->by_none[column])));
    vf upper = y + bound;
    if (s->offsets) upper = upper + ck_load_some(s->offsets + row, rest, 0.0f);
    unsigned hits = ck_scan_hits(upper, ck_set(s->thresholds[column]));
    if (rest < 16) hits &= (1u << rest) - 1;
    return hits ? ck_scan_note(s, hits, y, row, column, 1, found) : found;
}

// Which of sixteen scores reach their thresholds, and which are no finite numbers.
CK_INLINE unsigned ck_select_hits(vf y, vf threshold, size_t rest) {
    const vf most = ck_set(__builtin_inff());
    unsigned hits = ck_scan_hits(y > -most ? y : most, threshold);
    return rest < 16 ? hits & ((1u << rest) - 1) : hits;
}

// Of one query, rows that follow each other.
static size_t ck_select_one(const ck_scan *s, const float *products) {
    size_t found = 0;
    for (size_t row = 0; row < s->m; row += 16) {
        size_t rest = ck_least(16, s->m - row);
        vf y = ck_load_some(products + row, rest, 0.0f);
        if (s->errors) {
            found = ck_scan_rows(s, y, row, 0, rest, found);
            continue;
        }
        unsigned hits = ck_select_hits(y, ck_set(s->thresholds[0]), rest);
        if (hits) found = ck_scan_note(s, hits, y, row, 0, 1, found);
    }
    return found;
}

static size_t ck_select_run(const ck_scan *s, const float *products, size_t ldp, size_t n) {
    if (n == 1 && ldp == 1) return ck_select_one(s, products);
    size_t found = 0;
    for (size_t row = 0; row < s->m; row++)
        for (size_t column = 0; column < n; column += 16) {
            size_t rest = ck_least(16, n - column);
            vf y = ck_load_some(products + row * ldp + column, rest, 0.0f);
            if (s->errors) {
                found = ck_scan_columns(s, y, row, column, rest, found);
                continue;
            }
            vf threshold = ck_load_some(s->thresholds + column, rest, 0.0f);
            unsigned hits = ck_select_hits(y, threshold, rest);
            if (hits) found = ck_scan_note(s, hits, y, row, column, 0, found);
        }
    return found;
}

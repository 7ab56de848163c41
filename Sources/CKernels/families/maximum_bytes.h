// What the rows of a sequence may be at most for each of some columns: of stored bytes that are
// multiplied with queries of bytes, as in scan_bytes.h, which includes this once for each
// tile_narrow.h of bytes. No product is stored.

// Sums of some columns of one panel for `rows` rows from `row` on, finished and compared with what
// their sequences have so far.
CK_INLINE void CK_NARROW(most_tile)(const ck_most *g, const ck_scan *s, const ck_narrow_weights *q,
                                    size_t row, size_t rows, size_t column, size_t *sequence) {
    size_t panel = column / CK_PANEL * CK_PANEL, depth = (q->k + 3) / 4;
    size_t width = ck_round_up(ck_least(CK_PANEL, q->n - panel), 16);
    const int32_t *w = q->packed + panel * depth + (column - panel);
    size_t vectors = ck_least(CK_SCAN_VECTORS, (panel + width - column) / 16);
    vi sum[CK_SCAN_ROWS][4];
    if (rows < CK_SCAN_ROWS)
        for (size_t i = 0; i < rows; i++)
            CK_NARROW(scan_some)(1, vectors, s, row + i, w, width, q->k, sum + i);
    else
        CK_NARROW(scan_some)(CK_SCAN_ROWS, vectors, s, row, w, width, q->k, sum);
    for (size_t i = 0; i < rows; i++) {
        while (g->starts[*sequence + 1] <= row + i) ++*sequence;
        float *out = g->out + *sequence * g->ldo + column;
        vf scale = ck_set(g->scales[row + i]);
        vf error = ck_set(g->errors[row + i]), norm = ck_set(g->norms[row + i]);
        vf offset = ck_set(g->offsets ? g->offsets[row + i] : 0.0f);
        const float *added = g->added ? g->added + g->lines[row + i] * g->lda + column : NULL;
        for (size_t j = 0; j < vectors; j++) {
            size_t at = column + 16 * j;
            vi whole = sum[i][j] - ck_load_words(q->sums + at) * CK_SCAN_ZERO;
            vf y = __builtin_convertvector(whole, vf) * (ck_load(q->scales + at) * scale);
            vf bound = ck_fma(error, ck_load(g->by_error + at), norm * ck_load(g->by_norm + at));
            y = added ? (y + bound + ck_load(added + 16 * j)) * ck_set(g->factors[row + i]) + offset
                      : y + bound + offset;
            ck_store(out + 16 * j, ck_max(y, ck_load(out + 16 * j)));
        }
    }
}

static void CK_NARROW(most_run)(const ck_most *g, const ck_narrow_weights *q) {
    size_t width = ck_round_up(q->n, 16), rows = g->starts[g->sequences];
    for (size_t i = 0; i < g->sequences; i++)
        for (size_t j = 0; j < width; j += 16)
            ck_store(g->out + i * g->ldo + j, ck_set(-__builtin_inff()));
    ck_scan s = {.codes = g->codes, .ld = g->ld};
    for (size_t column = 0; column < q->n; column += 16 * CK_SCAN_VECTORS) {
        size_t sequence = 0;
        for (size_t row = 0; row < rows; row += CK_SCAN_ROWS)
            CK_NARROW(most_tile)(g, &s, q, row, ck_least(CK_SCAN_ROWS, rows - row), column,
                                 &sequence);
    }
}

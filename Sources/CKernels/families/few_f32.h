// c[M,N] = a[M,K] · W[N,K]ᵀ for N so small that a tile would multiply zeros most of the time, as
// when a single query meets a collection: the lanes are sixteen rows of `a`, transposed on the way.
//
// An element is fma over k ascending, as everywhere.

enum {
    CK_FEW_OUTPUTS = 8, // from there on a tile is as fast
    CK_FEW_AHEAD = 64,  // rows
};

// x[16][16] in place.
CK_INLINE void ck_transpose16(vf x[16]) {
    vf y[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 2) {
        y[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12,
                                       28, 13, 29);
        y[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11,
                                           27, 14, 30, 15, 31);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i += 4)
#pragma clang loop unroll(full)
        for (int j = 0; j < 2; j++) {
            vf a = y[i + j], b = y[i + j + 2];
            x[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25,
                                                   12, 13, 28, 29);
            x[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26,
                                                       27, 14, 15, 30, 31);
        }
    // Quarter q of x[4 i + j] is rows 4 i ..< 4 i + 4 of column 4 q + j.
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        vf a = x[j], b = x[4 + j], c = x[8 + j], d = x[12 + j];
        y[j] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22,
                                       23);
        y[4 + j] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28,
                                           29, 30, 31);
        y[8 + j] = __builtin_shufflevector(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22,
                                           23);
        y[12 + j] = __builtin_shufflevector(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28,
                                            29, 30, 31);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
        x[j].lo = y[j].lo, x[j].hi = y[8 + j].lo;
        x[4 + j].lo = y[j].hi, x[4 + j].hi = y[8 + j].hi;
        x[8 + j].lo = y[4 + j].lo, x[8 + j].hi = y[12 + j].lo;
        x[12 + j].lo = y[4 + j].hi, x[12 + j].hi = y[12 + j].hi;
    }
}

// Sixteen rows; w[K,width] is the only panel.
CK_INLINE void ck_few_body(const int n, const int width, size_t k, const float *a, size_t lda,
                           const float *w, vf *sums) {
    vf sum[CK_FEW_OUTPUTS];
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) sum[j] = ck_set(0.0f);
    size_t whole = k / 16 * 16;
    for (size_t i = 0; i < k; i += 16) {
        vf x[16];
        if (i < whole) {
            // Rows ahead, in the order of memory: sixteen streams are too many for the processor.
#pragma clang loop unroll(full)
            for (int r = 0; r < 16; r++) ck_prefetch(a, CK_FEW_AHEAD * lda + 16 * i + 16 * r);
#pragma clang loop unroll(full)
            for (int r = 0; r < 16; r++) x[r] = ck_load(a + r * lda + i);
        } else {
            for (int r = 0; r < 16; r++) x[r] = ck_load_tail(a + r * lda + i, k - i, 0.0f);
        }
        ck_transpose16(x);
        if (i < whole) {
#pragma clang loop unroll(full)
            for (int t = 0; t < 16; t++)
#pragma clang loop unroll(full)
                for (int j = 0; j < n; j++)
                    sum[j] = ck_fma(x[t], ck_set(w[(i + t) * width + j]), sum[j]);
        } else {
            for (size_t t = 0; t < k - i; t++)
                for (int j = 0; j < n; j++)
                    sum[j] = ck_fma(x[t], ck_set(w[(i + t) * width + j]), sum[j]);
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) sums[j] = sum[j];
}

static void ck_few_rows(const ck_gemm_f32 *g, size_t m, vf *sums) {
    const float *a = g->a + m * g->lda;
    switch (g->n) {
    case 1: ck_few_body(1, 16, g->k, a, g->lda, g->packed, sums); break;
    case 2: ck_few_body(2, 16, g->k, a, g->lda, g->packed, sums); break;
    case 3: ck_few_body(3, 16, g->k, a, g->lda, g->packed, sums); break;
    case 4: ck_few_body(4, 16, g->k, a, g->lda, g->packed, sums); break;
    case 5: ck_few_body(5, 16, g->k, a, g->lda, g->packed, sums); break;
    case 6: ck_few_body(6, 16, g->k, a, g->lda, g->packed, sums); break;
    case 7: ck_few_body(7, 16, g->k, a, g->lda, g->packed, sums); break;
    default: ck_few_body(8, 16, g->k, a, g->lda, g->packed, sums); break;
    }
}

// All rows, sixteen at a time; returns the first that is left over.
static size_t ck_gemm_few(const ck_gemm_f32 *g) {
    size_t m = 0;
    for (; m + 16 <= g->m; m += 16) {
        vf sums[CK_FEW_OUTPUTS];
        ck_few_rows(g, m, sums);
        float *c = g->c + m * g->ldc;
        for (size_t j = 0; j < g->n; j++) {
            vf x = sums[j];
            if (g->bias) x = x + ck_set(g->bias[j]);
            float column[16];
            ck_store(column, x);
            for (size_t i = 0; i < 16; i++) c[i * g->ldc + j] = column[i];
        }
        ck_epilogue(g->activation, 16, g->n, c, g->ldc);
        if (g->residual)
            ck_add_residual(16, g->n, g->residual + m * g->ldr, g->ldr, c, g->ldc);
    }
    return m;
}

// q · x of sixteen rows, an element of which is fma over k ascending, as if a product of matrices were
// computed. Meanwhile sixteen rows are asked for that come next.
CK_INLINE void ck_chains16(size_t k, const float *q, const float *const *x, const float *const *next,
                           float *out) {
    vf sum = ck_set(0.0f);
    size_t whole = k / 16 * 16;
    for (size_t i = 0; i < whole; i += 16) {
        vf v[16];
#pragma clang loop unroll(full)
        for (int r = 0; r < 16; r++) {
            ck_prefetch(next[r], i);
            v[r] = ck_load(x[r] + i);
        }
        ck_transpose16(v);
#pragma clang loop unroll(full)
        for (int t = 0; t < 16; t++) sum = ck_fma(v[t], ck_set(q[i + t]), sum);
    }
    if (whole < k) {
        vf v[16];
        for (int r = 0; r < 16; r++) v[r] = ck_load_tail(x[r] + whole, k - whole, 0.0f);
        ck_transpose16(v);
        for (size_t t = 0; t < k - whole; t++) sum = ck_fma(v[t], ck_set(q[whole + t]), sum);
    }
    ck_store(out, sum);
}

// Which rows sixteen places from `i` on are; behind the last one it is that once more.
CK_INLINE void ck_chain_rows(size_t i, size_t n, const float *rows, size_t ld, const int32_t *at,
                             const float **x) {
    for (size_t r = 0; r < 16; r++) {
        size_t place = ck_least(i + r, n - 1);
        x[r] = rows + (at ? (size_t)at[place] : place) * ld;
    }
}

// q · x of rows x[at[i]], of those that follow each other where `at` is NULL: the bits of ck_gemm_f32.
static void ck_chains_run(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                          const int32_t *at, float *out) {
    size_t first = 0;
    for (; !at && first + 16 <= n; first += 16) {
        vf sum;
        ck_few_body(1, 1, k, rows + first * ld, ld, q, &sum);
        ck_store(out + first, sum);
    }
    if (first == n) return;
    const float *x[2][16];
    ck_chain_rows(first, n, rows, ld, at, x[0]);
    if (at)
        for (size_t i = 0; i < k; i += 16)
            for (int r = 0; r < 16; r++) ck_prefetch(x[0][r], i);
    for (size_t i = first, turn = 0; i < n; i += 16, turn ^= 1) {
        ck_chain_rows(i + 16, n, rows, ld, at, x[turn ^ 1]);
        float sums[16];
        ck_chains16(k, q, (const float *const *)x[turn], (const float *const *)x[turn ^ 1], sums);
        memcpy(out + i, sums, ck_least(16, n - i) * sizeof(float));
    }
}

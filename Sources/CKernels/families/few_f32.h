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

// Sixteen rows; w[K,16] is the only panel.
CK_INLINE void ck_few_body(const int n, size_t k, const float *a, size_t lda, const float *w,
                           vf *sums) {
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
                    sum[j] = ck_fma(x[t], ck_set(w[(i + t) * 16 + j]), sum[j]);
        } else {
            for (size_t t = 0; t < k - i; t++)
                for (int j = 0; j < n; j++)
                    sum[j] = ck_fma(x[t], ck_set(w[(i + t) * 16 + j]), sum[j]);
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) sums[j] = sum[j];
}

static void ck_few_rows(const ck_gemm_f32 *g, size_t m, vf *sums) {
    const float *a = g->a + m * g->lda;
    switch (g->n) {
    case 1: ck_few_body(1, g->k, a, g->lda, g->packed, sums); break;
    case 2: ck_few_body(2, g->k, a, g->lda, g->packed, sums); break;
    case 3: ck_few_body(3, g->k, a, g->lda, g->packed, sums); break;
    case 4: ck_few_body(4, g->k, a, g->lda, g->packed, sums); break;
    case 5: ck_few_body(5, g->k, a, g->lda, g->packed, sums); break;
    case 6: ck_few_body(6, g->k, a, g->lda, g->packed, sums); break;
    case 7: ck_few_body(7, g->k, a, g->lda, g->packed, sums); break;
    default: ck_few_body(8, g->k, a, g->lda, g->packed, sums); break;
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

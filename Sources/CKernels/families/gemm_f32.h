// c[M,N] = a[M,K] · W[N,K]ᵀ with W in panels, and what is fused to it.
//
// An element is fma over k ascending from 0, then + bias, then the activation or residual +.
// Blocking over M, N and K changes nothing: a stored and reloaded sum has the same bits.

enum {
    CK_BLOCK_DEPTH = 1024, // longest k of a pass: rows of a tile stay in the first-level cache
    CK_COPY_ROWS = 24,     // from as many on, copying a part of the weights is worth it
};

// Rows m0..<m1 of the columns that `t` says, beginning with n0, for k from k0 on.
static void ck_gemm_columns(const ck_gemm_f32 *g, ck_tile t, size_t m0, size_t m1, size_t k0,
                            size_t n0) {
    size_t step = ck_tile_rows(ck_least((t.columns + 15) / 16, CK_TILE_VECTORS));
    int last = k0 + t.depth == g->k;
    t.bias = last && g->bias ? g->bias + n0 : 0;
    for (size_t m = m0; m < m1; m += step) {
        size_t rows = ck_least(step, m1 - m);
        t.a = g->a + m * g->lda + k0;
        t.c = g->c + m * g->ldc + n0;
        ck_panel_tile(rows, &t);
        if (!last) continue;
        ck_epilogue(g->activation, rows, t.columns, t.c, g->ldc);
        if (g->residual)
            ck_add_residual(rows, t.columns, g->residual + m * g->ldr + n0, g->ldr, t.c, g->ldc);
    }
}

// Rows m0..<m1 of one panel and one range of k.
static void ck_gemm_panel(const ck_gemm_f32 *g, size_t m0, size_t m1, size_t k0, size_t k1,
                          size_t n0) {
    size_t columns = ck_least(CK_PANEL, g->n - n0), width = ck_round_up(columns, 16);
    ck_tile t = {.depth = k1 - k0,
                 .lda = g->lda,
                 .w = g->packed + n0 * g->k + k0 * width,
                 .width = width,
                 .ldc = g->ldc,
                 .columns = columns,
                 .resume = k0 > 0 || g->accumulate};
    if (CK_TILE_VECTORS > 1 || width == 16 || m1 - m0 < CK_COPY_ROWS) {
        ck_gemm_columns(g, t, m0, m1, k0, n0);
        return;
    }
    // A tile takes a quarter of the panel: side by side its weights fill whole sets of the cache.
    float copy[CK_BLOCK_DEPTH * 16] __attribute__((aligned(64)));
    const float *w = t.w;
    for (size_t j = 0; j < columns; j += 16) {
        for (size_t k = 0; k < t.depth; k++) ck_store(copy + 16 * k, ck_load(w + k * width + j));
        t.w = copy;
        t.width = 16;
        t.columns = ck_least(16, columns - j);
        ck_gemm_columns(g, t, m0, m1, k0, n0 + j);
    }
}

static void ck_gemm_f32_run(const ck_gemm_f32 *g) {
    size_t first = g->n <= CK_FEW_OUTPUTS && !g->accumulate ? ck_gemm_few(g) : 0, left = g->m - first;
    size_t passes = (g->k + CK_BLOCK_DEPTH - 1) / CK_BLOCK_DEPTH;
    size_t depth = passes ? (g->k + passes - 1) / passes : 0;
    size_t blocks = (left + CK_BLOCK - 1) / CK_BLOCK;
    size_t height = blocks ? ck_round_up((left + blocks - 1) / blocks, CK_TILE_ROWS_WIDE) : 0;
    for (size_t m = first; m < g->m; m += height)
        for (size_t k = 0; k < g->k; k += depth)
            for (size_t n = g->n0; n < g->n1; n += CK_PANEL)
                ck_gemm_panel(g, m, ck_least(g->m, m + height), k, ck_least(g->k, k + depth), n);
}

// The panel is the outer loop: W is large (a vocabulary), the rows of a batch are few.
static void ck_colmax_sequence(const ck_gemm_colmax_f32 *g, size_t r0, size_t r1, size_t n0,
                               float *out) {
    float most[CK_PANEL] __attribute__((aligned(64)));
    size_t columns = ck_least(CK_PANEL, g->n - n0), width = ck_round_up(columns, 16);
    size_t step = ck_tile_rows(ck_least(width / 16, CK_TILE_VECTORS));
    for (int j = 0; j < CK_PANEL; j += 16) ck_store(most + j, ck_set(-__builtin_inff()));
    ck_tile t = {.depth = g->k,
                 .lda = g->lda,
                 .w = g->packed + n0 * g->k,
                 .width = width,
                 .columns = width,
                 .most = most};
    for (size_t r = r0; r < r1; r += step) {
        size_t rows = ck_least(step, r1 - r);
        t.a = g->a + r * g->lda;
        ck_panel_tile(rows, &t);
    }
    // Rounding is monotone: max(x) + bias has the bits of max(x + bias).
    for (size_t j = 0; j < columns; j += 16) {
        vf x = ck_load(most + j);
        if (g->bias) x = x + ck_load_some(g->bias + n0 + j, columns - j, 0.0f);
        ck_store_some(out + n0 + j, columns - j, x);
    }
}

static void ck_gemm_colmax_f32_run(const ck_gemm_colmax_f32 *g) {
    for (size_t n = g->n0; n < g->n1; n += CK_PANEL)
        for (size_t s = 0; s < g->sequences; s++)
            ck_colmax_sequence(g, g->offsets[s], g->offsets[s + 1], n, g->out + s * g->ldo);
}

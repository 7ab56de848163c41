// c[M,N] = a[M,K] · W[N,K]ᵀ with W in panels, and what is fused to it.
//
// An element is fma over k ascending from 0, then + bias, then the activation or residual +.
// Blocking over M, N and K changes nothing: a stored and reloaded sum has the same bits.

// Rows of a tile, by the vectors of sixteen columns that it spans. Registers decide.
#if CK_AVX512
enum { CK_TILE_VECTORS = 4, CK_TILE_ROWS_WIDE = 6, CK_TILE_ROWS_NARROW = 8 };
#else
enum { CK_TILE_VECTORS = 1, CK_TILE_ROWS_WIDE = 6, CK_TILE_ROWS_NARROW = 6 };
#endif
enum {
    CK_TILE_ROWS = 8,      // no tile has more
    CK_BLOCK_ROWS = 96,    // rows of `a` that stay in the second-level cache
    CK_BLOCK_DEPTH = 1024, // longest k of a pass: rows of a tile stay in the first-level cache
};

typedef struct {
    size_t depth;
    const float *a;
    size_t lda;
    const float *w;
    size_t width; // of the panel: floats from one k to the next
    float *c;
    size_t ldc;
    size_t columns; // to store, at most the vectors of the tile
    const float *bias;
    int resume; // start from c instead of 0
} ck_tile;

CK_INLINE void ck_tile_body(const int rows, const int vectors, const ck_tile *t) {
    const float *a = t->a, *w = t->w;
    const size_t lda = t->lda, depth = t->depth;
    const size_t width = vectors == CK_TILE_VECTORS && vectors > 1 ? vectors * 16 : t->width;
    vf sum[CK_TILE_ROWS][CK_TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = t->resume && 16u * j < t->columns
                ? ck_load_some(t->c + i * t->ldc + 16 * j, t->columns - 16 * j, 0.0f)
                : ck_set(0.0f);
    for (size_t k = 0; k < depth; k++, w += width) {
        vf b[CK_TILE_VECTORS];
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) b[j] = ck_load(w + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            vf x = ck_set(a[i * lda + k]);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) sum[i][j] = ck_fma(x, b[j], sum[i][j]);
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) {
        if (16u * j >= t->columns) break;
        size_t rest = t->columns - 16 * j;
        if (t->bias) {
            vf bias = ck_load_some(t->bias + 16 * j, rest, 0.0f);
#pragma clang loop unroll(full)
            for (int i = 0; i < rows; i++) sum[i][j] = sum[i][j] + bias;
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) ck_store_some(t->c + i * t->ldc + 16 * j, rest, sum[i][j]);
    }
}

typedef void (*ck_tile_function)(const ck_tile *);

#define CK_TILE(ROWS, VECTORS) \
    static void ck_tile_##ROWS##_##VECTORS(const ck_tile *t) { ck_tile_body(ROWS, VECTORS, t); }
#define CK_TILES(VECTORS) \
    CK_TILE(1, VECTORS) CK_TILE(2, VECTORS) CK_TILE(3, VECTORS) CK_TILE(4, VECTORS) \
    CK_TILE(5, VECTORS) CK_TILE(6, VECTORS)
#define CK_TILE_LIST(VECTORS) \
    0, ck_tile_1_##VECTORS, ck_tile_2_##VECTORS, ck_tile_3_##VECTORS, ck_tile_4_##VECTORS, \
        ck_tile_5_##VECTORS, ck_tile_6_##VECTORS

CK_TILES(1)
#if CK_AVX512
CK_TILE(7, 1) CK_TILE(8, 1)
CK_TILES(2) CK_TILE(7, 2) CK_TILE(8, 2)
CK_TILES(3) CK_TILE(7, 3) CK_TILE(8, 3)
CK_TILES(4)
#endif

static const ck_tile_function ck_tiles[CK_TILE_VECTORS + 1][CK_TILE_ROWS + 1] = {
    [1] = {CK_TILE_LIST(1),
#if CK_AVX512
           ck_tile_7_1, ck_tile_8_1},
    [2] = {CK_TILE_LIST(2), ck_tile_7_2, ck_tile_8_2},
    [3] = {CK_TILE_LIST(3), ck_tile_7_3, ck_tile_8_3},
    [4] = {CK_TILE_LIST(4)
#endif
    },
};

CK_INLINE size_t ck_tile_rows(size_t vectors) {
    return vectors == CK_TILE_VECTORS ? CK_TILE_ROWS_WIDE : CK_TILE_ROWS_NARROW;
}

// Multiplies `t->columns` columns of one panel for `rows` rows, at most ck_tile_rows of them.
CK_INLINE void ck_panel_tile(size_t rows, const ck_tile *panel) {
    ck_tile t = *panel;
    size_t columns = panel->columns;
    for (size_t j = 0; j < columns; j += 16 * CK_TILE_VECTORS) {
        t.w = panel->w + j;
        t.c = panel->c + j;
        t.bias = panel->bias ? panel->bias + j : 0;
        t.columns = ck_least(columns - j, 16 * CK_TILE_VECTORS);
        ck_tiles[(t.columns + 15) / 16][rows](&t);
    }
}

#define CK_EPILOGUE_LOOP(EXPRESSION) \
    for (size_t i = 0; i < rows; i++) \
        for (size_t j = 0; j < columns; j += 16) { \
            float *p = c + i * ldc + j; \
            vf x = ck_load_some(p, columns - j, 0.0f); \
            ck_store_some(p, columns - j, EXPRESSION); \
        }

// Applied while the tile is in the first-level cache.
static void ck_epilogue(int activation, size_t rows, size_t columns, float *c, size_t ldc) {
    switch (activation) {
    case CK_GELU: CK_EPILOGUE_LOOP(ck_gelu(x)); break;
    case CK_GELU_TANH: CK_EPILOGUE_LOOP(ck_gelu_tanh(x)); break;
    case CK_RELU: CK_EPILOGUE_LOOP(ck_max(ck_set(0.0f), x)); break;
    case CK_TANH: CK_EPILOGUE_LOOP(ck_tanh(x)); break;
    default: break;
    }
}

static void ck_add_residual(size_t rows, size_t columns, const float *r, size_t ldr, float *c,
                            size_t ldc) {
    CK_EPILOGUE_LOOP(ck_load_some(r + i * ldr + j, columns - j, 0.0f) + x)
}

// Rows m0..<m1 of one panel and one range of k.
static void ck_gemm_panel(const ck_gemm_f32 *g, size_t m0, size_t m1, size_t k0, size_t k1,
                          size_t n0) {
    size_t columns = ck_least(CK_PANEL, g->n - n0), width = ck_round_up(columns, 16);
    size_t step = ck_tile_rows(ck_least(width / 16, CK_TILE_VECTORS));
    int last = k1 == g->k;
    ck_tile t = {.depth = k1 - k0,
                 .lda = g->lda,
                 .w = g->packed + n0 * g->k + k0 * width,
                 .width = width,
                 .ldc = g->ldc,
                 .columns = columns,
                 .bias = last && g->bias ? g->bias + n0 : 0,
                 .resume = k0 > 0};
    for (size_t m = m0; m < m1; m += step) {
        size_t rows = ck_least(step, m1 - m);
        t.a = g->a + m * g->lda + k0;
        t.c = g->c + m * g->ldc + n0;
        ck_panel_tile(rows, &t);
        if (!last) continue;
        ck_epilogue(g->activation, rows, columns, t.c, g->ldc);
        if (g->residual)
            ck_add_residual(rows, columns, g->residual + m * g->ldr + n0, g->ldr, t.c, g->ldc);
    }
}

static void ck_gemm_f32_run(const ck_gemm_f32 *g) {
    size_t passes = (g->k + CK_BLOCK_DEPTH - 1) / CK_BLOCK_DEPTH;
    size_t depth = passes ? (g->k + passes - 1) / passes : 0;
    size_t blocks = (g->m + CK_BLOCK_ROWS - 1) / CK_BLOCK_ROWS;
    size_t height = blocks ? ck_round_up((g->m + blocks - 1) / blocks, CK_TILE_ROWS_WIDE) : 0;
    for (size_t m = 0; m < g->m; m += height)
        for (size_t k = 0; k < g->k; k += depth)
            for (size_t n = g->n0; n < g->n1; n += CK_PANEL)
                ck_gemm_panel(g, m, ck_least(g->m, m + height), k, ck_least(g->k, k + depth), n);
}

// The panel is the outer loop: W is large (a vocabulary), the rows of a batch are few.
static void ck_colmax_sequence(const ck_gemm_colmax_f32 *g, size_t r0, size_t r1, size_t n0,
                               float *out) {
    float c[CK_TILE_ROWS * CK_PANEL];
    size_t columns = ck_least(CK_PANEL, g->n - n0), width = ck_round_up(columns, 16);
    size_t step = ck_tile_rows(ck_least(width / 16, CK_TILE_VECTORS));
    vf most[CK_PANEL / 16];
    for (int j = 0; j < CK_PANEL / 16; j++) most[j] = ck_set(-__builtin_inff());
    ck_tile t = {.depth = g->k,
                 .lda = g->lda,
                 .w = g->packed + n0 * g->k,
                 .width = width,
                 .c = c,
                 .ldc = CK_PANEL,
                 .columns = width,
                 .bias = 0,
                 .resume = 0};
    for (size_t r = r0; r < r1; r += step) {
        size_t rows = ck_least(step, r1 - r);
        t.a = g->a + r * g->lda;
        ck_panel_tile(rows, &t);
        for (size_t j = 0; j < width / 16; j++)
            for (size_t i = 0; i < rows; i++)
                most[j] = ck_max_or_nan(most[j], ck_load(c + i * CK_PANEL + 16 * j));
    }
    // Rounding is monotone: max(x) + bias has the bits of max(x + bias).
    for (size_t j = 0; j < columns; j += 16) {
        vf x = most[j / 16];
        if (g->bias) x = x + ck_load_some(g->bias + n0 + j, columns - j, 0.0f);
        ck_store_some(out + n0 + j, columns - j, x);
    }
}

static void ck_gemm_colmax_f32_run(const ck_gemm_colmax_f32 *g) {
    for (size_t n = g->n0; n < g->n1; n += CK_PANEL)
        for (size_t s = 0; s < g->sequences; s++)
            ck_colmax_sequence(g, g->offsets[s], g->offsets[s + 1], n, g->out + s * g->ldo);
}

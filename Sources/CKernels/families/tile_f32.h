// A few rows of a[M,K] times a few vectors of one panel of W, with the sums in registers; and what
// is done to them while they are in the first-level cache.

// Rows of a tile, by the vectors of sixteen columns that it spans. Registers decide.
#if CK_AVX512
enum { CK_TILE_VECTORS = 4, CK_TILE_ROWS_WIDE = 6, CK_TILE_ROWS_NARROW = 8 };
#else
enum { CK_TILE_VECTORS = 1, CK_TILE_ROWS_WIDE = 6, CK_TILE_ROWS_NARROW = 6 };
#endif
enum {
    CK_TILE_ROWS = 8,   // no tile has more
    CK_TILE_LENGTH = 4, // nor more vectors
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
    float *most; // of every column the maximum so far, which the rows join in the place of c, or NULL
} ck_tile;

// The maximum of a vector so far and of the sums of rows.
CK_INLINE void ck_join_most(float *most, const int rows, const vf *sums, size_t stride) {
    vf x = ck_load(most);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) x = ck_max_or_nan(x, sums[i * stride]);
    ck_store(most, x);
}

CK_INLINE void ck_tile_body(const int rows, const int vectors, const ck_tile *t) {
    const float *a = t->a, *w = t->w;
    const size_t lda = t->lda, depth = t->depth;
    const size_t width = vectors == CK_TILE_VECTORS && vectors > 1 ? vectors * 16 : t->width;
    vf sum[CK_TILE_ROWS][CK_TILE_LENGTH];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
            sum[i][j] = t->resume && 16u * j < t->columns
                ? ck_load_some(t->c + i * t->ldc + 16 * j, t->columns - 16 * j, 0.0f)
                : ck_set(0.0f);
    for (size_t k = 0; k < depth; k++, w += width) {
        vf b[CK_TILE_LENGTH];
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
        if (t->most) {
            ck_join_most(t->most + 16 * j, rows, &sum[0][j], CK_TILE_LENGTH);
            continue;
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

#if CK_AVX2
// Few rows have too few sums for the time that an operation takes: they take more columns at once.
CK_TILE(1, 2) CK_TILE(1, 3) CK_TILE(1, 4) CK_TILE(2, 2)

static const ck_tile_function ck_long_tiles[3][CK_TILE_LENGTH + 1] = {
    [1] = {0, ck_tile_1_1, ck_tile_1_2, ck_tile_1_3, ck_tile_1_4},
    [2] = {0, ck_tile_2_1, ck_tile_2_2},
};
#endif

CK_INLINE size_t ck_tile_rows(size_t vectors) {
    return vectors == CK_TILE_VECTORS ? CK_TILE_ROWS_WIDE : CK_TILE_ROWS_NARROW;
}

// Multiplies `t->columns` columns of one panel for `rows` rows, at most ck_tile_rows of them.
CK_INLINE void ck_panel_tile(size_t rows, const ck_tile *panel) {
    ck_tile t = *panel;
    size_t columns = panel->columns, vectors = CK_TILE_VECTORS;
    const ck_tile_function *tiles = 0;
#if CK_AVX2
    if (rows <= 2) vectors = CK_TILE_LENGTH / rows, tiles = ck_long_tiles[rows];
#endif
    for (size_t j = 0; j < columns; j += 16 * vectors) {
        t.w = panel->w + j;
        t.c = panel->c + j;
        t.bias = panel->bias ? panel->bias + j : 0;
        t.most = panel->most ? panel->most + j : 0;
        t.columns = ck_least(columns - j, 16 * vectors);
        size_t length = (t.columns + 15) / 16;
        (tiles ? tiles[length] : ck_tiles[length][rows])(&t);
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
    case CK_SILU: CK_EPILOGUE_LOOP(ck_silu(x)); break;
    default: break;
    }
}

static void ck_add_residual(size_t rows, size_t columns, const float *r, size_t ldr, float *c,
                            size_t ldc) {
    CK_EPILOGUE_LOOP(ck_load_some(r + i * ldr + j, columns - j, 0.0f) + x)
}

// A few rows of words times a few vectors of one panel of words, with the sums in registers.
//
// Included once for each element type and instruction that multiplies words; the includer defines
//   CK_NARROW(name)             the name with a suffix
//   CK_NARROW_SUM               vf or vi
//   CK_NARROW_STEP(sum, a, w)   the sums with the products of sixteen words added
//   CK_NARROW_BYTES             1 where words hold bytes
//   CK_NARROW_FLUSHES           1 where denormal numbers are zeros, but only in the products
//   CK_NARROW_SPLITS            1 where a step takes words apart, which needs registers

// Rows of a tile: registers decide.
#if CK_AVX512 && CK_NARROW_SPLITS
#define CK_NARROW_VECTORS 4
#define CK_NARROW_ROWS_WIDE 4
#define CK_NARROW_ROWS_NARROW 4
#elif CK_AVX512
#define CK_NARROW_VECTORS 4
#define CK_NARROW_ROWS_WIDE 6
#define CK_NARROW_ROWS_NARROW 8
#else
#define CK_NARROW_VECTORS 1
#define CK_NARROW_ROWS_WIDE 4
#define CK_NARROW_ROWS_NARROW 4
#endif

typedef struct {
    size_t depth; // words
    const int32_t *a;
    size_t lda;
    const int32_t *w;
    size_t width; // of the panel: words from one of K to the next
    float *c;
    size_t ldc;
    size_t columns;   // to store, at most the vectors of the tile
    int resume;       // start from c instead of 0; not for bytes
    const float *row_scales, *scales; // of bytes: for every row, for every output
    const int32_t *zeros, *sums;
    const float *bias, *residual; // behind the sum; may be NULL
    size_t ldr;
    float *most; // as in tile_f32.h
} CK_NARROW(tile);

CK_INLINE void CK_NARROW(tile_body)(const int rows, const int vectors,
                                    const CK_NARROW(tile) *t) {
    const int32_t *a = t->a, *w = t->w;
    const size_t lda = t->lda, depth = t->depth;
    const size_t width = vectors == CK_NARROW_VECTORS && vectors > 1 ? vectors * 16 : t->width;
    CK_NARROW_SUM sum[8][CK_NARROW_VECTORS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) {
            sum[i][j] = (CK_NARROW_SUM)(0);
#if !CK_NARROW_BYTES
            if (t->resume && 16u * j < t->columns)
                sum[i][j] = ck_load_some(t->c + i * t->ldc + 16 * j, t->columns - 16 * j, 0.0f);
#endif
        }
    for (size_t k = 0; k < depth; k++, w += width) {
        vi b[CK_NARROW_VECTORS];
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) b[j] = ck_load_words(w + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            vi x = (vi)(a[i * lda + k]);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) sum[i][j] = CK_NARROW_STEP(sum[i][j], x, b[j]);
        }
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) {
        if (16u * j >= t->columns) break;
        size_t rest = t->columns - 16 * j;
#if CK_NARROW_BYTES
        vf scale = ck_load(t->scales + 16 * j);
        vi total = ck_load_words(t->sums + 16 * j);
#endif
        vf bias = t->bias ? ck_load_some(t->bias + 16 * j, rest, 0.0f) : ck_set(0.0f);
        vf most = t->most ? ck_load(t->most + 16 * j) : ck_set(0.0f);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
#if CK_NARROW_BYTES
            vi whole = sum[i][j] - total * t->zeros[i];
            vf y = __builtin_convertvector(whole, vf) * (scale * ck_set(t->row_scales[i]));
#else
            vf y = sum[i][j];
#endif
            if (t->most) {
                most = ck_max_or_nan(most, y);
                continue;
            }
            if (t->bias) y = y + bias;
            if (t->residual)
                y = ck_load_some(t->residual + i * t->ldr + 16 * j, rest, 0.0f) + y;
            ck_store_some(t->c + i * t->ldc + 16 * j, rest, y);
        }
        if (t->most) ck_store(t->most + 16 * j, most);
    }
}

#define CK_NARROW_TILE(ROWS, VECTORS) \
    static void CK_NARROW(tile_##ROWS##_##VECTORS)(const CK_NARROW(tile) *t) { \
        CK_NARROW(tile_body)(ROWS, VECTORS, t); \
    }
#define CK_NARROW_TILES(VECTORS) \
    CK_NARROW_TILE(1, VECTORS) CK_NARROW_TILE(2, VECTORS) CK_NARROW_TILE(3, VECTORS) \
    CK_NARROW_TILE(4, VECTORS)
#define CK_NARROW_LIST(VECTORS) \
    0, CK_NARROW(tile_1_##VECTORS), CK_NARROW(tile_2_##VECTORS), CK_NARROW(tile_3_##VECTORS), \
        CK_NARROW(tile_4_##VECTORS)

CK_NARROW_TILES(1)
#if CK_AVX512
#define CK_NARROW_MORE(VECTORS) \
    CK_NARROW_TILE(5, VECTORS) CK_NARROW_TILE(6, VECTORS) CK_NARROW_TILE(7, VECTORS) \
    CK_NARROW_TILE(8, VECTORS)
#define CK_NARROW_LIST_MORE(VECTORS) \
    CK_NARROW_LIST(VECTORS), CK_NARROW(tile_5_##VECTORS), CK_NARROW(tile_6_##VECTORS), \
        CK_NARROW(tile_7_##VECTORS), CK_NARROW(tile_8_##VECTORS)
CK_NARROW_MORE(1)
CK_NARROW_TILES(2) CK_NARROW_MORE(2)
CK_NARROW_TILES(3) CK_NARROW_MORE(3)
CK_NARROW_TILES(4) CK_NARROW_TILE(5, 4) CK_NARROW_TILE(6, 4)
#endif

static void (*const CK_NARROW(tiles)[CK_NARROW_VECTORS + 1][9])(const CK_NARROW(tile) *) = {
#if CK_AVX512
    [1] = {CK_NARROW_LIST_MORE(1)},
    [2] = {CK_NARROW_LIST_MORE(2)},
    [3] = {CK_NARROW_LIST_MORE(3)},
    [4] = {CK_NARROW_LIST(4), CK_NARROW(tile_5_4), CK_NARROW(tile_6_4)},
#else
    [1] = {CK_NARROW_LIST(1)},
#endif
};

CK_INLINE size_t CK_NARROW(step_rows)(size_t columns) {
    size_t vectors = ck_least((columns + 15) / 16, CK_NARROW_VECTORS);
    return vectors == CK_NARROW_VECTORS ? CK_NARROW_ROWS_WIDE : CK_NARROW_ROWS_NARROW;
}

// Multiplies `t->columns` columns of one panel for `rows` rows, a step's at most.
CK_INLINE void CK_NARROW(panel_tile)(size_t rows, const CK_NARROW(tile) *panel) {
#if CK_AVX512
    CK_NARROW(tiles)[(panel->columns + 15) / 16][rows](panel); // as wide as a panel
#else
    CK_NARROW(tile) t = *panel;
    for (size_t j = 0; j < panel->columns; j += 16 * CK_NARROW_VECTORS) {
        t.w = panel->w + j;
        t.c = panel->c + j;
        if (t.bias) t.bias = panel->bias + j;
        if (t.residual) t.residual = panel->residual + j;
        if (t.most) t.most = panel->most + j;
#if CK_NARROW_BYTES
        t.scales = panel->scales + j;
        t.sums = panel->sums + j;
#endif
        t.columns = ck_least(panel->columns - j, 16 * CK_NARROW_VECTORS);
        CK_NARROW(tiles)[(t.columns + 15) / 16][rows](&t);
    }
#endif
}

#undef CK_NARROW_TILE
#undef CK_NARROW_TILES
#undef CK_NARROW_LIST
#undef CK_NARROW_MORE
#undef CK_NARROW_LIST_MORE
#undef CK_NARROW_VECTORS
#undef CK_NARROW_ROWS_WIDE
#undef CK_NARROW_ROWS_NARROW

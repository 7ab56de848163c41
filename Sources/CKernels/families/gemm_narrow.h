// c[M,N] = a[M,K] · W[N,K]ᵀ with narrow elements, and what is fused to it.
//
// A block of rows is narrowed into scratch memory, multiplied with every panel, and finished while
// it is in the cache. An element is the sum of tile_narrow.h, then + bias, then the activation, then
// residual +. Included once for each tile_narrow.h, behind it.

typedef struct {
    int32_t *words; // [rows, stride]
    size_t stride;
    float *scales;  // of bytes: [rows]
    int32_t *zeros; // of bytes: [rows]
} CK_NARROW(rows);

static CK_NARROW(rows) CK_NARROW(narrowed)(size_t m, size_t k, const float *a, size_t lda,
                                         void *scratch) {
    CK_NARROW(rows) r;
    r.stride = ck_narrow_stride(k);
    r.words = (int32_t *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
    r.zeros = r.words + m * r.stride;
    r.scales = (float *)(r.zeros + ck_round_up(m, 16));
    for (size_t i = 0; i < m; i++) {
#if CK_NARROW_BYTES
        ck_u8_words(k, a + i * lda, r.words + i * r.stride, r.scales + i, r.zeros + i);
#else
        CK_NARROW_ROW(k, a + i * lda, r.words + i * r.stride);
#endif
    }
    return r;
}

// A tile of the rows r0 on, for the panel that begins with output n0 and for words k0 ..< k0 + depth.
static CK_NARROW(tile) CK_NARROW(tile_at)(const CK_NARROW(rows) *r, const ck_narrow_weights *w,
                                          size_t n0, size_t k0, size_t depth) {
    size_t columns = ck_least(CK_PANEL, w->n - n0), width = ck_round_up(columns, 16);
    CK_NARROW(tile) t = {.depth = depth, .a = r->words + k0, .lda = r->stride, .width = width,
                         .columns = columns};
    t.w = (const int32_t *)w->packed + n0 * CK_NARROW(depth)(w->k) + k0 * width;
#if CK_NARROW_BYTES
    t.scales = w->scales + n0;
    t.sums = w->sums + n0;
#endif
    return t;
}

CK_INLINE void CK_NARROW(set_row)(CK_NARROW(tile) *t, const CK_NARROW(rows) *r, size_t i,
                                  const int32_t *a) {
    t->a = a + i * r->stride;
#if CK_NARROW_BYTES
    t->row_scales = r->scales + i;
    t->zeros = r->zeros + i;
#endif
}

// The block of c that begins at [m, n], and whether its sums end with this pass.
typedef struct {
    const ck_gemm_f32 *g;
    size_t m, n, rows;
    int last;
} CK_NARROW(block);

static void CK_NARROW(gemm_columns)(const CK_NARROW(block) *b, const CK_NARROW(rows) *r,
                                    CK_NARROW(tile) t) {
    const ck_gemm_f32 *g = b->g;
    size_t step = CK_NARROW(step_rows)(t.columns);
    const int32_t *a = t.a;
    const float *bias = b->last && g->bias ? g->bias + b->n : 0;
    for (size_t i = 0; i < b->rows; i += step) {
        size_t rows = ck_least(step, b->rows - i), m = b->m + i;
        const float *residual = b->last && g->residual ? g->residual + m * g->ldr + b->n : 0;
        CK_NARROW(set_row)(&t, r, i, a);
        t.c = g->c + m * g->ldc + b->n;
#if !CK_NARROW_FLUSHES
        t.bias = bias;
        t.residual = residual;
#endif
        unsigned long mode = CK_NARROW_ENTER();
        CK_NARROW(panel_tile)(rows, &t);
        CK_NARROW_LEAVE(mode);
        if (!b->last) continue;
#if CK_NARROW_FLUSHES
        ck_finish(g->activation, rows, t.columns, bias, residual, g->ldr, t.c, g->ldc);
#else
        ck_finish(g->activation, rows, t.columns, 0, 0, 0, t.c, g->ldc);
#endif
    }
}

static void CK_NARROW(gemm_panel)(CK_NARROW(block) b, const CK_NARROW(rows) *r,
                                  CK_NARROW(tile) t) {
#if !CK_AVX512
    // As in gemm_f32.h: a tile takes a quarter of the panel.
    if (t.width > 16 && b.rows >= CK_COPY_ROWS && t.depth <= CK_BLOCK_DEPTH) {
        int32_t copy[CK_BLOCK_DEPTH * 16] __attribute__((aligned(64)));
        CK_NARROW(tile) part = t;
        part.w = copy;
        part.width = 16;
        for (size_t j = 0; j < t.columns; j += 16, b.n += 16) {
            for (size_t k = 0; k < t.depth; k++)
                ck_store_words(copy + 16 * k, ck_load_words(t.w + k * t.width + j));
            part.columns = ck_least(16, t.columns - j);
#if CK_NARROW_BYTES
            part.scales = t.scales + j;
            part.sums = t.sums + j;
#endif
            CK_NARROW(gemm_columns)(&b, r, part);
        }
        return;
    }
#endif
    CK_NARROW(gemm_columns)(&b, r, t);
}

static void CK_NARROW(gemm_run)(const ck_gemm_f32 *g, const ck_narrow_weights *w, void *scratch) {
    size_t words = CK_NARROW(depth)(w->k), height = ck_narrow_block(g->m);
    size_t most = CK_NARROW_BYTES ? words : CK_BLOCK_DEPTH;
    size_t passes = (words + most - 1) / most;
    size_t depth = passes ? (words + passes - 1) / passes : 0;
    CK_NARROW(block) b = {.g = g};
    for (b.m = 0; b.m < g->m; b.m += height) {
        b.rows = ck_least(height, g->m - b.m);
        CK_NARROW(rows) r = CK_NARROW(narrowed)(b.rows, w->k, g->a + b.m * g->lda, g->lda, scratch);
        for (b.n = g->n0; b.n < g->n1; b.n += CK_PANEL)
            for (size_t k = 0; k < words; k += depth) {
                size_t now = ck_least(depth, words - k);
                CK_NARROW(tile) t = CK_NARROW(tile_at)(&r, w, b.n, k, now);
                t.resume = k > 0 || g->accumulate;
                t.ldc = g->ldc;
                t.ldr = g->ldr;
                b.last = k + now == words;
                CK_NARROW(gemm_panel)(b, &r, t);
            }
    }
}

// One panel and the rows r0 ..< r1.
static void CK_NARROW(colmax_sequence)(const ck_gemm_colmax_f32 *g, const ck_narrow_weights *w,
                                       const CK_NARROW(rows) *r, size_t r0, size_t r1, size_t n0,
                                       float *out) {
    float most[CK_PANEL] __attribute__((aligned(64)));
    size_t words = CK_NARROW(depth)(w->k);
    CK_NARROW(tile) t = CK_NARROW(tile_at)(r, w, n0, 0, words);
    const int32_t *a = t.a;
    size_t columns = t.columns, step = CK_NARROW(step_rows)(t.width);
    for (int j = 0; j < CK_PANEL; j += 16) ck_store(most + j, ck_set(-__builtin_inff()));
    t.columns = t.width;
    t.most = most;
    for (size_t i = r0; i < r1; i += step) {
        size_t rows = ck_least(step, r1 - i);
        CK_NARROW(set_row)(&t, r, i, a);
        unsigned long mode = CK_NARROW_ENTER();
        CK_NARROW(panel_tile)(rows, &t);
        CK_NARROW_LEAVE(mode);
    }
    for (size_t j = 0; j < columns; j += 16) {
        vf x = ck_load(most + j);
        if (g->bias) x = x + ck_load_some(g->bias + n0 + j, columns - j, 0.0f);
        ck_store_some(out + n0 + j, columns - j, x);
    }
}

static void CK_NARROW(gemm_colmax_run)(const ck_gemm_colmax_f32 *g, const ck_narrow_weights *w,
                                       void *scratch) {
    size_t first = g->offsets[0], rows = g->offsets[g->sequences] - first;
    CK_NARROW(rows) r = CK_NARROW(narrowed)(rows, w->k, g->a + first * g->lda, g->lda, scratch);
    for (size_t n = g->n0; n < g->n1; n += CK_PANEL)
        for (size_t s = 0; s < g->sequences; s++)
            CK_NARROW(colmax_sequence)(g, w, &r, g->offsets[s] - first,
                                       g->offsets[s + 1] - first, n, g->out + s * g->ldo);
}

#if CK_NARROW_BYTES
#include "scan_bytes.h"
#endif

#undef CK_NARROW
#undef CK_NARROW_SUM
#undef CK_NARROW_STEP
#undef CK_NARROW_BYTES
#undef CK_NARROW_SPLITS
#undef CK_NARROW_FLUSHES
#undef CK_NARROW_ROW
#undef CK_NARROW_ENTER
#undef CK_NARROW_LEAVE

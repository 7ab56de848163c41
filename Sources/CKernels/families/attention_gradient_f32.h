// The adjoint of attention_f32.h, one head at a time, in blocks of queries: the probabilities are
// made again, so that none are kept from the forward pass.
//
// With P = softmax(scale · Q Kᵀ), kept and scaled by dropout as P', and G the same of dO Vᵀ:
// dV = P'ᵀ dO, dS = P ∘ (G - Σ P G), dQ = scale · dS K, dK = scale · dSᵀ Q; what a distance adds
// has the derivative Σ dS over the pairs at that distance.
// dK and dV are sums over the queries ascending, whatever the blocks; over those of one head after
// the other where several share keys and values.

static size_t ck_attention_gradient_scratch_run(size_t queries, size_t keys, size_t head_width,
                                                size_t reach) {
    size_t block = ck_query_block(queries, keys, reach);
    size_t padded = ck_round_up(ck_attention_span(keys, block, reach), 16);
    size_t width = ck_round_up(head_width, 16), rows = ck_round_up(block, 16);
    return ck_attention_scratch_run(queries, keys, head_width, reach) // keys twice, probabilities
        + padded * head_width // values, packed over the keys
        + width * rows        // queries or outputs, packed
        + padded * block      // derivatives of probabilities
        + padded * rows;      // one of the two, transposed
}

typedef struct {
    ck_attention_buffers base; // `values` holds the keys, packed over the width of the head
    float *values, *rows, *slopes, *turned;
    size_t turned_stride;
} ck_attention_gradient_buffers;

// Row by row: scores to probabilities, their derivatives to those of the scores, and dropout.
static void ck_attention_slopes(const ck_attention_gradient_f32 *t,
                                const ck_attention_gradient_buffers *b,
                                const ck_attention_block *k, size_t h) {
    const ck_attention_f32 *f = t->forward;
    size_t padded = ck_round_up(k->high - k->low, 16);
    for (size_t i = 0; i < k->rows; i++) {
        float *p = b->base.scores + i * padded, *g = b->slopes + i * padded;
        float sum = ck_attention_query(f, &b->base, k, h, i);
        if (sum == 0.0f) __builtin_trap(); // a query without keys: the caller has none
        ck_divide_row(padded, sum, p);
        uint64_t index = ck_dropout_index(f, h, k->m + i);
        if (f->dropout) ck_dropout_f32_run(f->dropout, index, padded, g, g);
        vf mean = ck_set(ck_dot_f32_run(padded, p, g)), by = ck_set(f->scale);
        for (size_t j = 0; j < padded; j += 16) {
            vf x = ck_load(p + j);
            ck_store(g + j, x * (ck_load(g + j) - mean));
        }
        if (t->drelative) {
            ptrdiff_t distance = (ptrdiff_t)k->low - (ptrdiff_t)(f->first + k->m + i);
            ck_axpy_f32_run(k->high - k->low, 1.0f, g, t->drelative + h * t->lddr + distance);
        }
        for (size_t j = 0; j < padded; j += 16) ck_store(g + j, ck_load(g + j) * by);
        if (f->dropout) ck_dropout_f32_run(f->dropout, index, padded, p, p);
    }
}

// out[span,E] += weights[rows,span]ᵀ · x[rows,E]
static void ck_attention_turned(const ck_attention_gradient_f32 *t,
                                const ck_attention_gradient_buffers *b,
                                const ck_attention_block *k, const float *weights, const float *x,
                                size_t ldx, float *out, size_t ldo) {
    size_t width = t->forward->head_width, span = k->high - k->low;
    ck_transpose_f32_run(k->rows, span, weights, ck_round_up(span, 16), b->turned,
                         b->turned_stride);
    ck_pack_f32_run(width, k->rows, x, 1, ldx, b->rows);
    ck_gemm_f32 g = {.m = span, .n = width, .k = k->rows,
                     .a = b->turned, .lda = b->turned_stride, .packed = b->rows,
                     .c = out + k->low * ldo, .ldc = ldo, .n1 = width, .accumulate = 1};
    ck_gemm_f32_run(&g);
}

static void ck_attention_gradient_head(const ck_attention_gradient_f32 *t,
                                       const ck_attention_gradient_buffers *b, size_t h) {
    const ck_attention_f32 *f = t->forward;
    size_t width = f->head_width, column = h * width, shared = ck_key_column(f, h);
    for (size_t j = 0; j < f->keys && h % (f->heads / f->key_heads) == 0; j++) {
        memset(t->dk + j * t->lddk + shared, 0, width * sizeof(float));
        memset(t->dv + j * t->lddv + shared, 0, width * sizeof(float));
    }
    for (size_t m = 0; m < f->queries; m += b->base.block) {
        ck_attention_block k = ck_attention_block_at(f, m, b->base.block);
        size_t span = k.high - k.low, padded = ck_round_up(span, 16);
        if (ck_attention_packs(f, m, b->base.block, h)) {
            const float *keys = f->k + k.low * f->ldk + shared;
            ck_pack_f32_run(span, width, keys, f->ldk, 1, b->base.keys);
            ck_pack_f32_run(width, span, keys, 1, f->ldk, b->base.values);
            ck_pack_f32_run(span, width, f->v + k.low * f->ldv + shared, f->ldv, 1, b->values);
        }
        const float *q = f->q + m * f->ldq + column, *d = t->dout + m * t->lddout + column;
        ck_gemm_f32 scores = {.m = k.rows, .n = padded, .k = width,
                              .a = q, .lda = f->ldq, .packed = b->base.keys,
                              .c = b->base.scores, .ldc = padded, .n1 = padded};
        ck_gemm_f32_run(&scores);
        ck_gemm_f32 slopes = {.m = k.rows, .n = padded, .k = width,
                              .a = d, .lda = t->lddout, .packed = b->values,
                              .c = b->slopes, .ldc = padded, .n1 = padded};
        ck_gemm_f32_run(&slopes);
        ck_attention_slopes(t, b, &k, h);
        ck_gemm_f32 dq = {.m = k.rows, .n = width, .k = span,
                          .a = b->slopes, .lda = padded, .packed = b->base.values,
                          .c = t->dq + m * t->lddq + column, .ldc = t->lddq, .n1 = width};
        ck_gemm_f32_run(&dq);
        ck_attention_turned(t, b, &k, b->base.scores, d, t->lddout, t->dv + shared, t->lddv);
        ck_attention_turned(t, b, &k, b->slopes, q, f->ldq, t->dk + shared, t->lddk);
    }
}

static void ck_attention_gradient_f32_run(const ck_attention_gradient_f32 *t) {
    const ck_attention_f32 *f = t->forward;
    ck_attention_gradient_buffers b = {.base = ck_attention_layout(f)};
    size_t block = b.base.block, width = ck_round_up(f->head_width, 16);
    size_t padded = ck_round_up(ck_attention_span(f->keys, block, f->reach), 16);
    b.turned_stride = ck_round_up(block, 16);
    b.values = b.base.end;
    b.rows = b.values + padded * f->head_width;
    b.slopes = b.rows + width * b.turned_stride;
    b.turned = b.slopes + padded * block;
    for (size_t h = 0; h < f->heads; h++) ck_attention_gradient_head(t, &b, h);
}

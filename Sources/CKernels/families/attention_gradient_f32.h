// The adjoint of attention_f32.h, one head at a time, in blocks of queries: the probabilities are
// made again, so that none are kept from the forward pass.
//
// With P = softmax(scale · Q Kᵀ), kept and scaled by dropout as P', and G the same of dO Vᵀ:
// dV = P'ᵀ dO, dS = scale · P ∘ (G - Σ P G), dQ = dS K, dK = dSᵀ Q.
// dK and dV are sums over the queries ascending, whatever the blocks.

static size_t ck_attention_gradient_scratch_run(size_t queries, size_t keys, size_t head_width) {
    size_t padded = ck_round_up(keys, 16), width = ck_round_up(head_width, 16);
    size_t block = ck_query_block(queries, keys);
    return ck_attention_scratch_run(queries, keys, head_width) // keys twice, probabilities
        + padded * head_width                                  // values, packed over the keys
        + width * ck_round_up(block, 16)                       // queries or outputs, packed
        + padded * block                                       // derivatives of probabilities
        + padded * ck_round_up(block, 16);                     // one of the two, transposed
}

typedef struct {
    ck_attention_buffers base; // `values` holds the keys, packed over the width of the head
    float *values, *rows, *slopes, *turned;
    size_t turned_stride;
} ck_attention_gradient_buffers;

// Row by row: scores to probabilities, their derivatives to those of the scores, and dropout.
static void ck_attention_slopes(const ck_attention_gradient_f32 *t,
                                const ck_attention_gradient_buffers *b, size_t h, size_t first,
                                size_t rows) {
    const ck_attention_f32 *f = t->forward;
    size_t padded = b->base.padded;
    for (size_t i = 0; i < rows; i++) {
        float *p = b->base.scores + i * padded, *g = b->slopes + i * padded;
        float sum = ck_attention_weights(padded, f->scale, b->base.added, p);
        ck_divide_row(padded, sum, p);
        uint64_t index = ck_dropout_index(f, h, first + i);
        if (f->dropout) ck_dropout_f32_run(f->dropout, index, padded, g, g);
        vf mean = ck_set(ck_dot_f32_run(padded, p, g)), by = ck_set(f->scale);
        for (size_t j = 0; j < padded; j += 16) {
            vf x = ck_load(p + j);
            ck_store(g + j, (x * (ck_load(g + j) - mean)) * by);
        }
        if (f->dropout) ck_dropout_f32_run(f->dropout, index, padded, p, p);
    }
}

// out[keys,E] (+)= weights[rows,keys]ᵀ · x[rows,E]
static void ck_attention_turned(const ck_attention_gradient_f32 *t,
                                const ck_attention_gradient_buffers *b, const float *weights,
                                size_t rows, const float *x, size_t ldx, float *out, size_t ldo,
                                int accumulate) {
    const ck_attention_f32 *f = t->forward;
    ck_transpose_f32_run(rows, f->keys, weights, b->base.padded, b->turned, b->turned_stride);
    ck_pack_f32_run(f->head_width, rows, x, 1, ldx, b->rows);
    ck_gemm_f32 g = {.m = f->keys, .n = f->head_width, .k = rows,
                     .a = b->turned, .lda = b->turned_stride, .packed = b->rows,
                     .c = out, .ldc = ldo, .n1 = f->head_width, .accumulate = accumulate};
    ck_gemm_f32_run(&g);
}

static void ck_attention_gradient_head(const ck_attention_gradient_f32 *t,
                                       const ck_attention_gradient_buffers *b, size_t h) {
    const ck_attention_f32 *f = t->forward;
    size_t width = f->head_width, column = h * width, padded = b->base.padded;
    ck_pack_f32_run(f->keys, width, f->k + column, f->ldk, 1, b->base.keys);
    ck_pack_f32_run(width, f->keys, f->k + column, 1, f->ldk, b->base.values);
    ck_pack_f32_run(f->keys, width, f->v + column, f->ldv, 1, b->values);
    for (size_t m = 0; m < f->queries; m += b->base.block) {
        size_t rows = ck_least(b->base.block, f->queries - m);
        const float *q = f->q + m * f->ldq + column, *d = t->dout + m * t->lddout + column;
        ck_gemm_f32 scores = {.m = rows, .n = padded, .k = width,
                              .a = q, .lda = f->ldq, .packed = b->base.keys,
                              .c = b->base.scores, .ldc = padded, .n1 = padded};
        ck_gemm_f32_run(&scores);
        ck_gemm_f32 slopes = {.m = rows, .n = padded, .k = width,
                              .a = d, .lda = t->lddout, .packed = b->values,
                              .c = b->slopes, .ldc = padded, .n1 = padded};
        ck_gemm_f32_run(&slopes);
        ck_attention_slopes(t, b, h, m, rows);
        ck_gemm_f32 dq = {.m = rows, .n = width, .k = f->keys,
                          .a = b->slopes, .lda = padded, .packed = b->base.values,
                          .c = t->dq + m * t->lddq + column, .ldc = t->lddq, .n1 = width};
        ck_gemm_f32_run(&dq);
        ck_attention_turned(t, b, b->base.scores, rows, d, t->lddout, t->dv + column, t->lddv,
                            m > 0);
        ck_attention_turned(t, b, b->slopes, rows, q, f->ldq, t->dk + column, t->lddk, m > 0);
    }
}

static void ck_attention_gradient_f32_run(const ck_attention_gradient_f32 *t) {
    const ck_attention_f32 *f = t->forward;
    ck_attention_gradient_buffers b;
    b.base = ck_attention_layout(f);
    size_t block = b.base.block, width = ck_round_up(f->head_width, 16);
    b.turned_stride = ck_round_up(block, 16);
    b.values = b.base.end;
    b.rows = b.values + b.base.padded * f->head_width;
    b.slopes = b.rows + width * b.turned_stride;
    b.turned = b.slopes + b.base.padded * block;
    for (size_t h = 0; h < f->heads; h++) ck_attention_gradient_head(t, &b, h);
}

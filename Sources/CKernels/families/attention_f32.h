// Softmax attention of one sequence, one head at a time, in blocks of queries.
//
// score = (q · k) * scale by the GEMM's order over the width of a head; weight = exp(score - max),
// their sum in sixteen lanes over the keys; context = (fma over the keys ascending) / sum.
// A key that is not attended has the score -inf, hence the weight 0.

enum { CK_SCORE_FLOATS = 128 * 1024 }; // scores of a block of queries: half of a 1 MiB cache

CK_INLINE size_t ck_query_block(size_t queries, size_t keys) {
    size_t rows = CK_SCORE_FLOATS / ck_round_up(keys, 16) / CK_TILE_ROWS_WIDE * CK_TILE_ROWS_WIDE;
    if (rows < CK_TILE_ROWS_WIDE) rows = CK_TILE_ROWS_WIDE;
    if (rows > CK_BLOCK_ROWS) rows = CK_BLOCK_ROWS;
    return ck_least(rows, queries);
}

static size_t ck_attention_scratch_run(size_t queries, size_t keys, size_t head_width) {
    size_t padded = ck_round_up(keys, 16), block = ck_query_block(queries, keys);
    return padded * head_width                   // keys, packed
        + ck_round_up(head_width, 16) * keys     // values, packed
        + padded                                 // what to add to the scores
        + padded * block + ck_round_up(block, 16) // scores and their sums
        + 16;                                    // to align the start
}

// x[padded] becomes exp(x * scale + added - max); returns their sum.
static float ck_attention_weights(size_t padded, float scale, const float *added, float *x) {
    vf most = ck_set(-__builtin_inff()), by = ck_set(scale);
    for (size_t j = 0; j < padded; j += 16) {
        vf s = ck_load(x + j) * by;
        if (added) s = s + ck_load(added + j);
        ck_store(x + j, s);
        most = ck_max(most, s);
    }
    vf top = ck_set(ck_max_lanes(most)), sum = ck_set(0.0f);
    for (size_t j = 0; j < padded; j += 16) {
        vf e = ck_exp_not_positive(ck_load(x + j) - top);
        ck_store(x + j, e);
        sum = sum + e;
    }
    return ck_sum_lanes(sum);
}

CK_INLINE void ck_divide_row(size_t n, float by, float *x) {
    for (size_t j = 0; j < n; j += 16)
        ck_store_some(x + j, n - j, ck_load_some(x + j, n - j, 0.0f) / ck_set(by));
}

typedef struct {
    float *keys, *values, *added, *scores, *sums, *end;
    size_t padded, block;
} ck_attention_buffers;

// Where the dropout of a query's weights begins: rows of a head begin with whole groups of 64.
CK_INLINE uint64_t ck_dropout_index(const ck_attention_f32 *t, size_t h, size_t query) {
    return t->dropout_index + (h * t->queries + query) * ck_round_up(t->keys, 64);
}

static void ck_attention_head(const ck_attention_f32 *t, const ck_attention_buffers *b, size_t h) {
    size_t width = t->head_width, column = h * width;
    ck_pack_f32_run(t->keys, width, t->k + column, t->ldk, 1, b->keys);
    ck_pack_f32_run(width, t->keys, t->v + column, 1, t->ldv, b->values);
    for (size_t m = 0; m < t->queries; m += b->block) {
        size_t rows = ck_least(b->block, t->queries - m);
        float *out = t->out + m * t->ldo + column;
        // The padding of the last panel is multiplied too: its scores are 0, then -inf.
        ck_gemm_f32 scores = {.m = rows, .n = b->padded, .k = width,
                              .a = t->q + m * t->ldq + column, .lda = t->ldq, .packed = b->keys,
                              .c = b->scores, .ldc = b->padded, .n1 = b->padded};
        ck_gemm_f32_run(&scores);
        for (size_t i = 0; i < rows; i++) {
            float *weights = b->scores + i * b->padded;
            b->sums[i] = ck_attention_weights(b->padded, t->scale, b->added, weights);
            if (t->dropout)
                ck_dropout_f32_run(t->dropout, ck_dropout_index(t, h, m + i), b->padded, weights,
                                   weights);
        }
        ck_gemm_f32 context = {.m = rows, .n = width, .k = t->keys,
                               .a = b->scores, .lda = b->padded, .packed = b->values,
                               .c = out, .ldc = t->ldo, .n1 = width};
        ck_gemm_f32_run(&context);
        for (size_t i = 0; i < rows; i++) ck_divide_row(width, b->sums[i], out + i * t->ldo);
    }
}

static ck_attention_buffers ck_attention_layout(const ck_attention_f32 *t) {
    ck_attention_buffers b;
    b.padded = ck_round_up(t->keys, 16);
    b.block = ck_query_block(t->queries, t->keys);
    b.keys = (float *)(((uintptr_t)t->scratch + 63) & ~(uintptr_t)63);
    b.values = b.keys + b.padded * t->head_width;
    b.scores = b.values + ck_round_up(t->head_width, 16) * t->keys;
    b.sums = b.scores + b.padded * b.block;
    float *added = b.sums + ck_round_up(b.block, 16);
    b.added = t->keep || b.padded > t->keys ? added : 0;
    for (size_t j = 0; b.added && j < b.padded; j++)
        added[j] = j < t->keys && (!t->keep || t->keep[j]) ? 0.0f : -__builtin_inff();
    b.end = added + b.padded;
    return b;
}

static void ck_attention_f32_run(const ck_attention_f32 *t) {
    ck_attention_buffers b = ck_attention_layout(t);
    for (size_t h = 0; h < t->heads; h++) ck_attention_head(t, &b, h);
}

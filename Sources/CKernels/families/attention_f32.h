// Softmax attention of one sequence, one head at a time, in blocks of queries.
//
// score = (q · k) * scale (+ what its distance adds) by the GEMM's order over the width of a head;
// weight = exp(score - max), their sum in sixteen lanes over the keys; context = (fma over the keys
// ascending) / sum. A key that is not attended has the score -inf, hence the weight 0.
//
// Where attention reaches so far only, a block of queries sees the keys around it, from a multiple
// of 16 on: lanes and order are those of all keys, so the bits do not depend on the blocks.

enum { CK_SCORE_FLOATS = 128 * 1024 }; // scores of a block of queries: half of a 1 MiB cache

// Most keys that a block of queries meets.
CK_INLINE size_t ck_attention_span(size_t keys, size_t block, size_t reach) {
    return reach < keys ? ck_least(keys, block + 2 * reach + 15) : keys;
}

CK_INLINE size_t ck_query_block(size_t queries, size_t keys, size_t reach) {
    size_t span = ck_round_up(ck_attention_span(keys, CK_BLOCK, reach), 16);
    size_t rows = CK_SCORE_FLOATS / span / CK_TILE_ROWS_WIDE * CK_TILE_ROWS_WIDE;
    if (rows < CK_TILE_ROWS_WIDE) rows = CK_TILE_ROWS_WIDE;
    if (rows > CK_BLOCK) rows = CK_BLOCK;
    return ck_least(rows, queries);
}

static size_t ck_attention_scratch_run(size_t queries, size_t keys, size_t head_width,
                                       size_t reach) {
    size_t block = ck_query_block(queries, keys, reach);
    size_t span = ck_attention_span(keys, block, reach), padded = ck_round_up(span, 16);
    return padded * head_width                    // keys, packed
        + ck_round_up(head_width, 16) * span      // values, packed
        + ck_round_up(keys, 16)                   // what a mask adds to the scores
        + padded * block + ck_round_up(block, 16) // scores and their sums
        + 16;                                     // to align the start
}

// The keys begin ..< end that a query attends to, of `padded` scores.
typedef struct {
    size_t begin, end, padded;
    float scale;
    const float *relative, *mask; // of the first score; may be NULL
} ck_score_row;

// x[padded] becomes exp(x * scale + what is added - max); returns their sum.
static float ck_attention_weights(const ck_score_row *r, float *x) {
    vf most = ck_set(-__builtin_inff()), by = ck_set(r->scale);
    for (size_t j = 0; j < r->begin; j++) x[j] = -__builtin_inff();
    for (size_t j = r->end; j < r->padded; j++) x[j] = -__builtin_inff();
    for (size_t j = 0; j < r->padded; j += 16) {
        vf s = ck_load(x + j) * by;
        if (r->relative && j < r->end) s = s + ck_load_some(r->relative + j, r->end - j, 0.0f);
        if (r->mask && j < r->end) s = s + ck_load_some(r->mask + j, r->end - j, 0.0f);
        ck_store(x + j, s);
        most = ck_max(most, s);
    }
    vf top = ck_set(ck_max_lanes(most)), sum = ck_set(0.0f);
    for (size_t j = 0; j < r->padded; j += 16) {
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
    float *keys, *values, *mask, *scores, *sums, *end;
    size_t block;
} ck_attention_buffers;

// A block of queries and the keys that it meets.
typedef struct {
    size_t m, rows, low, high;
} ck_attention_block;

// Whether a query attends to keys at some distances only.
CK_INLINE int ck_is_limited(const ck_attention_f32 *t) {
    return t->reach < t->keys || t->ahead < t->keys;
}

// The first column of the keys and values of a head of queries.
CK_INLINE size_t ck_key_column(const ck_attention_f32 *t, size_t h) {
    return h / (t->heads / t->key_heads) * t->head_width;
}

CK_INLINE ck_attention_block ck_attention_block_at(const ck_attention_f32 *t, size_t m,
                                                   size_t block) {
    ck_attention_block b = {.m = m, .rows = ck_least(block, t->queries - m), .high = t->keys};
    if (!ck_is_limited(t)) return b;
    size_t place = t->first + m;
    if (place > t->reach) b.low = (place - t->reach) / 16 * 16;
    b.high = ck_least(t->keys, place + b.rows + t->ahead);
    return b;
}

// Whether a head packs its keys and values for this block: those of all keys stay for all blocks,
// and for the heads that share them.
CK_INLINE int ck_attention_packs(const ck_attention_f32 *t, size_t m, size_t block, size_t h) {
    if (ck_is_limited(t) && t->queries > block) return 1;
    return m == 0 && h % (t->heads / t->key_heads) == 0;
}

CK_INLINE int ck_any_attended(const uint8_t *keep, size_t begin, size_t end) {
    if (!keep) return begin < end;
    for (size_t j = begin; j < end; j++)
        if (keep[j]) return 1;
    return 0;
}

// The weights of one query; 0 instead of their sum where there is no key.
static float ck_attention_query(const ck_attention_f32 *t, const ck_attention_buffers *b,
                                const ck_attention_block *k, size_t h, size_t i) {
    size_t padded = ck_round_up(k->high - k->low, 16), place = t->first + k->m + i;
    float *x = b->scores + i * padded;
    size_t begin = k->low, end = k->high;
    if (place > t->reach && place - t->reach > begin) begin = place - t->reach;
    if (t->ahead < t->keys) end = ck_least(end, place + t->ahead + 1);
    if (!ck_any_attended(t->keep, begin, end)) {
        memset(x, 0, padded * sizeof(float));
        return 0.0f;
    }
    ptrdiff_t distance = (ptrdiff_t)k->low - (ptrdiff_t)place;
    ck_score_row r = {.begin = begin - k->low,
                      .end = end - k->low,
                      .padded = padded,
                      .scale = t->scale,
                      .relative = t->relative ? t->relative + h * t->ldr + distance : 0,
                      .mask = t->keep ? b->mask + k->low : 0};
    return ck_attention_weights(&r, x);
}

// out[n] = the mean of all values: what is left of a softmax over equal scores.
static void ck_mean_values(const ck_attention_f32 *t, size_t column, float *out) {
    for (size_t e = 0; e < t->head_width; e += 16) {
        size_t rest = t->head_width - e;
        vf sum = ck_set(0.0f);
        for (size_t j = 0; j < t->keys; j++)
            sum = sum + ck_load_some(t->v + j * t->ldv + column + e, rest, 0.0f);
        ck_store_some(out + e, rest, sum / ck_set((float)t->keys));
    }
}

// Where the dropout of a query's weights begins: rows of a head begin with whole groups of 64.
CK_INLINE uint64_t ck_dropout_index(const ck_attention_f32 *t, size_t h, size_t query) {
    return t->dropout_index + (h * t->queries + query) * ck_round_up(t->keys, 64);
}

static void ck_attention_head(const ck_attention_f32 *t, const ck_attention_buffers *b, size_t h) {
    size_t width = t->head_width, column = h * width, shared = ck_key_column(t, h);
    for (size_t m = 0; m < t->queries; m += b->block) {
        ck_attention_block k = ck_attention_block_at(t, m, b->block);
        size_t span = k.high - k.low, padded = ck_round_up(span, 16);
        if (ck_attention_packs(t, m, b->block, h)) {
            const float *v = t->v + k.low * t->ldv + shared;
            ck_pack_f32_run(span, width, t->k + k.low * t->ldk + shared, t->ldk, 1, b->keys);
            ck_pack_f32_run(width, span, v, 1, t->ldv, b->values);
        }
        float *out = t->out + m * t->ldo + column;
        // The padding of the last panel is multiplied too: its scores are 0, then -inf.
        ck_gemm_f32 scores = {.m = k.rows, .n = padded, .k = width,
                              .a = t->q + m * t->ldq + column, .lda = t->ldq, .packed = b->keys,
                              .c = b->scores, .ldc = padded, .n1 = padded};
        ck_gemm_f32_run(&scores);
        for (size_t i = 0; i < k.rows; i++) {
            b->sums[i] = ck_attention_query(t, b, &k, h, i);
            float *weights = b->scores + i * padded;
            if (t->dropout)
                ck_dropout_f32_run(t->dropout, ck_dropout_index(t, h, m + i), padded, weights,
                                   weights);
        }
        ck_gemm_f32 context = {.m = k.rows, .n = width, .k = span,
                               .a = b->scores, .lda = padded, .packed = b->values,
                               .c = out, .ldc = t->ldo, .n1 = width};
        ck_gemm_f32_run(&context);
        for (size_t i = 0; i < k.rows; i++) {
            if (b->sums[i] == 0.0f) ck_mean_values(t, shared, out + i * t->ldo);
            else ck_divide_row(width, b->sums[i], out + i * t->ldo);
        }
    }
}

static ck_attention_buffers ck_attention_layout(const ck_attention_f32 *t) {
    ck_attention_buffers b;
    b.block = ck_query_block(t->queries, t->keys, t->reach);
    size_t span = ck_attention_span(t->keys, b.block, t->reach), padded = ck_round_up(span, 16);
    b.keys = (float *)(((uintptr_t)t->scratch + 63) & ~(uintptr_t)63);
    b.values = b.keys + padded * t->head_width;
    b.scores = b.values + ck_round_up(t->head_width, 16) * span;
    b.sums = b.scores + padded * b.block;
    b.mask = b.sums + ck_round_up(b.block, 16);
    for (size_t j = 0; t->keep && j < t->keys; j++)
        b.mask[j] = t->keep[j] ? 0.0f : -__builtin_inff();
    b.end = b.mask + ck_round_up(t->keys, 16);
    return b;
}

static void ck_attention_f32_run(const ck_attention_f32 *t) {
    ck_attention_buffers b = ck_attention_layout(t);
    for (size_t h = 0; h < t->heads; h++) ck_attention_head(t, &b, h);
}

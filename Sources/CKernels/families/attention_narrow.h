// Softmax attention of one sequence with products of bfloat16, for models whose linear layers are
// narrow.
//
// Sixteen queries are the lanes: scores and weights of a key are one vector, so that nothing is
// summed across lanes and every key is one step. score = q · k of q * scale * log2(e), k rounded to
// bfloat16 (+ what its distance adds); weight = 2^(score - max), rounded; context = (weights · v)
// / (sum of the weights). Products are those of gemm_narrow.h, over the width of a head or over the
// keys ascending. Sums of weights: keys of even and of odd number apart.
//
// Where no instruction multiplies bfloat16, its numbers stand as floats: fma over them in the same
// order, with the processor told to flush, gives the same bits. Included once for each way; the
// includer defines
//   CK_DOT(name)                the name with a suffix
//   CK_DOT_EACH                 elements in a word
//   CK_DOT_STEP(sum, a, w)      the sums with the products of sixteen words added
//   CK_DOT_ROW(n, x, by, to)    x[n] * by, rounded, as words; writes whole vectors
//   CK_DOT_PAIRS(x, y, stride, to)  x and y, rounded: as words of both, or `stride` floats apart
//   CK_DOT_ENTER, CK_DOT_LEAVE  flush

#define CK_DOT_PAIR (2 / CK_DOT_EACH) // words of two elements

// rows × lanes: c[i] = sum over d of a[i * across + d * along] * b[d].
typedef struct {
    const int32_t *a;
    size_t across, along;
    const int32_t *b;
    size_t depth;
    float *c;
} CK_DOT(strip);

CK_INLINE void CK_DOT(strip_body)(const int rows, const size_t across, const size_t along,
                                  const CK_DOT(strip) *t) {
    const int32_t *a = t->a, *b = t->b;
    vf sum[16];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i] = ck_set(0.0f);
    for (size_t d = 0; d < t->depth; d++, a += along, b += 16) {
        vi x = ck_load_words(b);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) sum[i] = CK_DOT_STEP(sum[i], x, (vi)(a[i * across]));
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) ck_store(t->c + 16 * i, sum[i]);
}

// Usual widths of heads are constants, so that addresses are.
#define CK_DOT_STRIP(ROWS) \
    static void CK_DOT(strip_##ROWS)(const CK_DOT(strip) *t) { \
        if (t->across == 1) CK_DOT(strip_body)(ROWS, 1, t->along, t); \
        else if (t->across == 16) CK_DOT(strip_body)(ROWS, 16, 1, t); \
        else if (t->across == 32) CK_DOT(strip_body)(ROWS, 32, 1, t); \
        else if (t->across == 64) CK_DOT(strip_body)(ROWS, 64, 1, t); \
        else CK_DOT(strip_body)(ROWS, t->across, t->along, t); \
    }
CK_DOT_STRIP(4)
#if CK_AVX512
CK_DOT_STRIP(8)
CK_DOT_STRIP(16)
#endif

static void (*const CK_DOT(strips)[])(const CK_DOT(strip) *) = {
    CK_DOT(strip_4),
#if CK_AVX512
    CK_DOT(strip_8), CK_DOT(strip_16),
#endif
};

// `rows` is a multiple of 4.
static void CK_DOT(strip_run)(CK_DOT(strip) t, size_t rows) {
    unsigned long mode = CK_DOT_ENTER();
    for (size_t i = 0; i < rows;) {
        int size = 0;
#if CK_AVX512
        size = rows - i >= 16 ? 2 : rows - i >= 8 ? 1 : 0;
#endif
        CK_DOT(strips)[size](&t);
        size_t done = (size_t)4 << size;
        t.a += done * t.across;
        t.c += done * 16;
        i += done;
    }
    CK_DOT_LEAVE(mode);
}

typedef struct {
    int32_t *keys;   // [keys to a multiple of 4, head_words]
    int32_t *values; // [pairs of keys, CK_DOT_PAIR, value_width]
    int32_t *queries; // [head_words, lanes]
    int32_t *rows;    // [lanes, head_words to a multiple of 16]
    float *scores;    // [keys of a block to a multiple of 4, lanes]; then the weights
    float *context;   // [head_width to a multiple of 16, lanes]
    size_t head_words, value_width;
} CK_DOT(head);

static CK_DOT(head) CK_DOT(head_at)(const ck_attention_f32 *t) {
    CK_DOT(head) b;
    size_t keys = ck_round_up(t->keys, 4);
    b.head_words = ck_round_up(t->head_width, 2) / CK_DOT_EACH;
    b.value_width = ck_round_up(t->head_width, 16);
    b.scores = (float *)(((uintptr_t)t->scratch + 63) & ~(uintptr_t)63);
    b.context = b.scores + ck_round_up(ck_attention_span(t->keys, 16, t->reach) + 1, 4)
        * 16;
    b.queries = (int32_t *)b.context + ck_round_up(t->head_width, 16) * 16;
    b.rows = b.queries + ck_round_up(b.head_words, 16) * 16;
    b.keys = b.rows + ck_round_up(b.head_words, 16) * 16;
    // A vector more behind both: whole vectors are written.
    b.values = b.keys + keys * b.head_words + 16;
    return b;
}

static void CK_DOT(pack_head)(const ck_attention_f32 *t, const CK_DOT(head) *b, size_t column) {
    for (size_t j = 0; j < t->keys; j++)
        CK_DOT_ROW(t->head_width, t->k + j * t->ldk + column, 1.0f, b->keys + j * b->head_words);
    size_t more = ck_round_up(t->keys, 4) - t->keys;
    memset(b->keys + t->keys * b->head_words, 0, more * b->head_words * sizeof(int32_t));
    for (size_t j = 0; j < t->keys; j += 2) {
        const float *v = t->v + j * t->ldv + column;
        int32_t *to = b->values + j / CK_DOT_EACH * b->value_width;
        for (size_t e = 0; e < t->head_width; e += 16) {
            size_t rest = t->head_width - e;
            vf odd = ck_set(0.0f);
            if (j + 1 < t->keys) odd = ck_load_some(v + t->ldv + e, rest, 0.0f);
            CK_DOT_PAIRS(ck_load_some(v + e, rest, 0.0f), odd, b->value_width, to + e);
        }
    }
}

static void CK_DOT(pack_queries)(const ck_attention_f32 *t, const CK_DOT(head) *b, size_t m,
                                 size_t queries, size_t column) {
    size_t stride = ck_round_up(b->head_words, 16);
    float by = t->scale * CK_LOG2E;
    for (size_t i = 0; i < queries; i++)
        CK_DOT_ROW(t->head_width, t->q + (m + i) * t->ldq + column, by, b->rows + i * stride);
    memset(b->rows + queries * stride, 0, (16 - queries) * stride * sizeof(int32_t));
    for (size_t w = 0; w < stride; w += 16) {
        vf x[16];
        for (int i = 0; i < 16; i++) x[i] = ck_load((float *)b->rows + i * stride + w);
        ck_transpose16(x);
        for (int i = 0; i < 16; i++) ck_store((float *)b->queries + (w + i) * 16, x[i]);
    }
}

// Scores become weights; returns their sums.
static vf CK_DOT(weights)(size_t keys, float *scores) {
    vf top = ck_set(-__builtin_inff()), even = ck_set(0.0f), odd = ck_set(0.0f);
    for (size_t j = 0; j < keys; j++) top = ck_max(top, ck_load(scores + 16 * j));
    for (size_t j = 0; j < keys; j += 2) {
        vf x = ck_exp2_coarse(ck_load(scores + 16 * j) - top), y = ck_set(0.0f);
        if (j + 1 < keys) y = ck_exp2_coarse(ck_load(scores + 16 * (j + 1)) - top);
        even = even + x;
        odd = odd + y;
        CK_DOT_PAIRS(x, y, 16, (int32_t *)scores + j / CK_DOT_EACH * 16);
    }
    return even + odd;
}

static void CK_DOT(store_context)(const ck_attention_f32 *t, const CK_DOT(head) *b, vf sums,
                                  size_t queries, float *out) {
    vf by = ck_set(1.0f) / sums;
    for (size_t e = 0; e < t->head_width; e += 16) {
        vf x[16];
        for (int i = 0; i < 16; i++) x[i] = ck_load(b->context + (e + i) * 16) * by;
        ck_transpose16(x);
        for (size_t i = 0; i < queries; i++)
            ck_store_some(out + i * t->ldo + e, t->head_width - e, x[i]);
    }
}

static void CK_DOT(attention_head)(const ck_attention_f32 *t, const CK_DOT(head) *b, size_t h) {
    size_t column = h * t->head_width, shared = ck_key_column(t, h);
    if (h % (t->heads / t->key_heads) == 0) CK_DOT(pack_head)(t, b, shared);
    for (size_t m = 0; m < t->queries; m += 16) {
        ck_lane_block k = ck_lane_block_at(t, m);
        size_t keys = k.high - k.low;
        CK_DOT(pack_queries)(t, b, m, k.queries, column);
        CK_DOT(strip) scores = {.a = b->keys + k.low * b->head_words, .across = b->head_words,
                                .along = 1, .b = b->queries, .depth = b->head_words,
                                .c = b->scores};
        CK_DOT(strip_run)(scores, ck_round_up(keys, 4));
        ck_lane_mask(t, &k, h, b->scores);
        vf sums = CK_DOT(weights)(keys, b->scores);
        CK_DOT(strip) context = {.a = b->values + k.low / CK_DOT_EACH * b->value_width, .across = 1,
                                 .along = b->value_width, .b = (int32_t *)b->scores,
                                 .depth = (keys + 1) / 2 * CK_DOT_PAIR, .c = b->context};
        CK_DOT(strip_run)(context, ck_round_up(t->head_width, 4));
        float *out = t->out + m * t->ldo + column;
        CK_DOT(store_context)(t, b, sums, k.queries, out);
        for (size_t i = 0; t->keep && i < k.queries; i++)
            if (!ck_lane_attends(t, &k, i)) ck_mean_values(t, shared, out + i * t->ldo);
    }
}

static void CK_DOT(attention)(const ck_attention_f32 *t) {
    CK_DOT(head) b = CK_DOT(head_at)(t);
    for (size_t h = 0; h < t->heads; h++) CK_DOT(attention_head)(t, &b, h);
}

#undef CK_DOT
#undef CK_DOT_PAIR
#undef CK_DOT_EACH
#undef CK_DOT_STEP
#undef CK_DOT_ROW
#undef CK_DOT_PAIRS
#undef CK_DOT_ENTER
#undef CK_DOT_LEAVE

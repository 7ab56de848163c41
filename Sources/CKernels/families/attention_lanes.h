// What attention_narrow.h shares between its two ways: blocks of sixteen queries, what is added to
// their scores, and bfloat16 as floats.

// The queries m ..< m + queries and the keys low ..< high that any of them meets; low is a multiple of 4.
typedef struct {
    size_t m, queries, low, high;
} ck_lane_block;

static ck_lane_block ck_lane_block_at(const ck_attention_f32 *t, size_t m) {
    ck_lane_block k = {.m = m, .queries = ck_least(16, t->queries - m), .high = t->keys};
    if (!ck_is_limited(t)) return k;
    size_t place = t->first + m;
    if (place > t->reach) k.low = (place - t->reach) / 4 * 4;
    k.high = ck_least(t->keys, place + k.queries + t->ahead);
    return k;
}

static int ck_lane_attends(const ck_attention_f32 *t, const ck_lane_block *k, size_t lane) {
    size_t place = t->first + k->m + lane, begin = k->low, end = k->high;
    if (place > t->reach && place - t->reach > begin) begin = place - t->reach;
    if (t->ahead < t->keys) end = ck_least(end, place + t->ahead + 1);
    return ck_any_attended(t->keep, begin, end);
}

// What head h adds to the scores of key j.
CK_INLINE vf ck_lane_relative(const ck_attention_f32 *t, const ck_lane_block *k, size_t h,
                              size_t j) {
    const float *at = t->relative + h * t->ldr + ((ptrdiff_t)j - (ptrdiff_t)(t->first + k->m));
    vf r = ck_set(0.0f);
    if (k->queries == 16)
        r = __builtin_shufflevector(ck_load(at - 15), r, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3,
                                    2, 1, 0);
    else
        for (size_t i = 0; i < k->queries; i++) r[i] = at[-(ptrdiff_t)i];
    return r * ck_set(CK_LOG2E);
}

static void ck_lane_mask(const ck_attention_f32 *t, const ck_lane_block *k, size_t h,
                         float *scores) {
    if (!t->keep && !t->relative && !ck_is_limited(t)) return;
    const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const vf none = ck_set(-__builtin_inff());
    int32_t reach = (int32_t)ck_least(t->reach, INT32_MAX);
    int32_t ahead = (int32_t)ck_least(t->ahead, INT32_MAX);
    for (size_t j = k->low; j < k->high; j++, scores += 16) {
        vf s = ck_load(scores);
        if (t->relative) s = s + ck_lane_relative(t, k, h, j);
        if (ck_is_limited(t)) {
            vi distance = (int32_t)((ptrdiff_t)j - (ptrdiff_t)(t->first + k->m)) - lane;
            s = ck_select(distance > ahead, none, ck_select(distance < -reach, none, s));
        }
        ck_store(scores, t->keep && !t->keep[j] ? none : s);
    }
}

// 2^x for x <= 0 to 8e-5, a fiftieth of what rounding to bfloat16 loses; 0 from -150 on.
CK_INLINE vf ck_exp2_coarse(vf x) {
    x = ck_max(ck_set(-160.0f), x);
    vf shifted = x + ck_set(CK_ROUNDER);
    vf n = shifted - ck_set(CK_ROUNDER), r = x - n;
    vf p = ck_set(0x1.c3f760p-5f);
    p = ck_fma(p, r, ck_set(0x1.f0de1cp-3f));
    p = ck_fma(p, r, ck_set(0x1.62f31ap-1f));
    p = ck_fma(p, r, ck_set(0x1.fff692p-1f));
    return ck_scale_by_power(p, n, shifted);
}

// Floats in either way: bfloat16 as words takes half of the keys and values.
static size_t ck_attention_bf16_scratch_run(size_t keys, size_t head_width, size_t reach) {
    size_t width = ck_round_up(head_width, 16), span = ck_attention_span(keys, 16, reach);
    return ck_round_up(span + 1, 4) * 16           // scores
        + 3 * width * 16                           // context, queries, rows of queries
        + 2 * (ck_round_up(keys, 4) * width + 16)  // keys and values
        + 16;                                      // to align the start
}

CK_INLINE void ck_float_row(size_t n, const float *x, float by, int32_t *to) {
    for (size_t j = 0; j < n; j += 16)
        ck_store_words(to + j, ck_round_bf16(ck_load_some(x + j, n - j, 0.0f) * ck_set(by)));
}

CK_INLINE void ck_float_pairs(vf x, vf y, size_t stride, int32_t *to) {
    ck_store_words(to, ck_round_bf16(x));
    ck_store_words(to + stride, ck_round_bf16(y));
}

CK_INLINE vf ck_add_float_products(vf sum, vi a, vi w) { return ck_fma((vf)a, (vf)w, sum); }

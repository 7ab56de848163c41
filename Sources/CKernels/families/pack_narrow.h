// W[N,K] in words of 32 bits, each two bfloat16 or four bytes of one output, in the panels of
// pack_f32.h: in a panel, for every word of K, its outputs side by side; zeros for what does not
// exist.

static void ck_pack_bf16_run(size_t n, size_t k, const float *w, size_t sn, size_t sk,
                             int32_t *packed) {
    size_t depth = (k + 1) / 2;
    for (size_t p = 0; p < n; p += CK_PANEL) {
        size_t columns = ck_least(CK_PANEL, n - p), width = ck_round_up(columns, 16);
        int32_t *to = packed + p * depth;
        for (size_t i = 0; i < depth; i++, to += width)
            for (size_t j = 0; j < width; j += 16) {
                vf high = ck_set(0.0f), low = ck_set(0.0f);
                for (size_t t = j; t < ck_least(j + 16, columns); t++) {
                    const float *x = w + (p + t) * sn + 2 * i * sk;
                    high[t - j] = x[0];
                    if (2 * i + 1 < k) low[t - j] = x[sk];
                }
                ck_store_words(to + j, ck_round_bf16(high) | ((ck_round_bf16(low) >> 16) & 0xffff));
            }
    }
}

// One output: q = round(w / scale), -127 <= q <= 127, into byte 4 of every `width` words.
static void ck_pack_s8_output(size_t k, const float *w, size_t sk, size_t width, int8_t *to,
                              float *scale, int32_t *sum) {
    float most = 0.0f;
    for (size_t i = 0; i < k; i++) {
        float x = __builtin_fabsf(w[i * sk]);
        if (x > most) most = x;
    }
    float inverse = most >= CK_LEAST_RANGE ? 127.0f / most : 0.0f;
    *scale = most / 127.0f;
    int32_t total = 0;
    for (size_t i = 0; i < k; i++) {
        float shifted = w[i * sk] * inverse + CK_ROUNDER;
        int32_t q = (int32_t)ck_bits_of(shifted) - CK_ROUNDER_BITS;
        q = q < -127 ? -127 : q > 127 ? 127 : q;
        to[i / 4 * 4 * width + i % 4] = (int8_t)q;
        total += q;
    }
    *sum = total;
}

static void ck_pack_s8_run(size_t n, size_t k, const float *w, size_t sn, size_t sk,
                           int32_t *packed, float *scales, int32_t *sums) {
    size_t depth = (k + 3) / 4;
    memset(packed, 0, ck_round_up(n, 16) * depth * sizeof(int32_t));
    for (size_t j = 0; j < n; j++) {
        size_t p = j / CK_PANEL * CK_PANEL;
        size_t width = ck_round_up(ck_least(CK_PANEL, n - p), 16);
        int8_t *to = (int8_t *)(packed + p * depth + (j - p));
        ck_pack_s8_output(k, w + j * sn, sk, width, to, scales + j, sums + j);
    }
}

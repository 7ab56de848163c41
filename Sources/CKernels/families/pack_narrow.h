// W[N,K] in words of 32 bits, each two bfloat16 or four bytes of one output, in the panels of
// pack_f32.h: in a panel, for every word of K, its outputs side by side; zeros for what does not
// exist.

// One panel where its outputs lie side by side in memory.
CK_INLINE void ck_pack_bf16_beside(size_t columns, size_t k, const float *w, size_t sk,
                                   int32_t *to) {
    size_t width = ck_round_up(columns, 16);
    for (size_t i = 0; i < k; i += 2, w += 2 * sk, to += width)
        for (size_t j = 0; j < width; j += 16) {
            vf high = ck_set(0.0f), low = ck_set(0.0f);
            if (j < columns) high = ck_load_some(w + j, columns - j, 0.0f);
            if (j < columns && i + 1 < k) low = ck_load_some(w + sk + j, columns - j, 0.0f);
            ck_store_words(to + j, ck_round_bf16(high) | ((ck_round_bf16(low) >> 16) & 0xffff));
        }
}

enum { CK_PACK_WORDS = 64 }; // of K that are turned at a time

// One panel where the elements of an output lie side by side: rows of words are made, then turned.
static void ck_pack_bf16_rows(size_t columns, size_t k, const float *w, size_t sn, int32_t *to) {
    size_t width = ck_round_up(columns, 16), whole = ck_round_up(columns, 4);
    int32_t words[CK_PANEL * CK_PACK_WORDS] __attribute__((aligned(64)));
    memset(words, 0, sizeof words);
    for (size_t i = 0; i < (k + 1) / 2; i += CK_PACK_WORDS) {
        size_t depth = ck_least(CK_PACK_WORDS, (k + 1) / 2 - i), deep = depth / 4 * 4;
        for (size_t n = 0; n < columns; n++)
            ck_bf16_words(ck_least(2 * CK_PACK_WORDS, k - 2 * i), w + n * sn + 2 * i,
                          words + n * CK_PACK_WORDS);
        for (size_t l = 0; l < deep; l += 4)
            for (size_t n = 0; n < whole; n += 4)
                ck_transpose4((const float *)words + n * CK_PACK_WORDS + l, CK_PACK_WORDS,
                              (float *)to + (i + l) * width + n, width);
        for (size_t l = deep; l < depth; l++)
            for (size_t n = 0; n < whole; n++)
                to[(i + l) * width + n] = words[n * CK_PACK_WORDS + l];
    }
    if (whole < width)
        for (size_t i = 0; i < (k + 1) / 2; i++)
            memset(to + i * width + whole, 0, (width - whole) * sizeof(int32_t));
}

// Either the outputs or the elements of an output lie side by side.
static void ck_pack_bf16_run(size_t n, size_t k, const float *w, size_t sn, size_t sk,
                             int32_t *packed) {
    for (size_t p = 0; p < n; p += CK_PANEL) {
        size_t columns = ck_least(CK_PANEL, n - p);
        int32_t *to = packed + p * ((k + 1) / 2);
        if (sk == 1)
            ck_pack_bf16_rows(columns, k, w + p * sn, sn, to);
        else
            ck_pack_bf16_beside(columns, k, w + p, sk, to);
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

// W[N,K] into panels of 64 outputs: panel p starts at 64*p*K; in it, for every k, its outputs side
// by side, zeros in the place of outputs that do not exist. The last panel is narrowed to the
// next multiple of 16.

typedef float ck_f4 __attribute__((ext_vector_type(4)));
typedef float ck_f4_unaligned __attribute__((ext_vector_type(4), aligned(4)));

CK_INLINE ck_f4 ck_load4(const float *p) { return *(const ck_f4_unaligned *)p; }
CK_INLINE void ck_store4(float *p, ck_f4 x) { *(ck_f4_unaligned *)p = x; }

// to[4 k, width] from four rows of four.
CK_INLINE void ck_transpose4(const float *w, size_t sn, float *to, size_t width) {
    ck_f4 a = ck_load4(w), b = ck_load4(w + sn), c = ck_load4(w + 2 * sn), d = ck_load4(w + 3 * sn);
    ck_f4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    ck_f4 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    ck_f4 ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    ck_f4 cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    ck_store4(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
    ck_store4(to + width, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
    ck_store4(to + 2 * width, __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5));
    ck_store4(to + 3 * width, __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7));
}

CK_INLINE void ck_pack_element(const float *w, size_t sn, size_t sk, size_t n0, size_t n1,
                               size_t k, float *row) {
    for (size_t n = n0; n < n1; n++) row[n] = w[n * sn + k * sk];
}

static void ck_pack_panel(size_t columns, size_t k, const float *w, size_t sn, size_t sk,
                          float *to) {
    size_t width = ck_round_up(columns, 16);
    if (sn == 1) {
        for (size_t i = 0; i < k; i++)
            for (size_t n = 0; n < width; n += 16) {
                vf x = ck_set(0.0f);
                if (n < columns) x = ck_load_some(w + i * sk + n, columns - n, 0.0f);
                ck_store(to + i * width + n, x);
            }
        return;
    }
    size_t whole = sk == 1 ? columns / 4 * 4 : 0, deep = sk == 1 ? k / 4 * 4 : 0;
    for (size_t i = 0; i < deep; i += 4) {
        for (size_t n = 0; n < whole; n += 4)
            ck_transpose4(w + n * sn + i, sn, to + i * width + n, width);
        for (size_t j = i; j < i + 4; j++)
            ck_pack_element(w, sn, sk, whole, columns, j, to + j * width);
    }
    for (size_t j = deep; j < k; j++) ck_pack_element(w, sn, sk, 0, columns, j, to + j * width);
    if (columns < width)
        for (size_t i = 0; i < k; i++)
            memset(to + i * width + columns, 0, (width - columns) * sizeof(float));
}

static void ck_pack_f32_run(size_t n, size_t k, const float *w, size_t sn, size_t sk,
                            float *packed) {
    for (size_t p = 0; p < n; p += CK_PANEL)
        ck_pack_panel(ck_least(CK_PANEL, n - p), k, w + p * sn, sn, sk, packed + p * k);
}

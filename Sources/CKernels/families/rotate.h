// A random rotation in place: signs, the orthogonal Hadamard transform of a window of 2^n >= 64 numbers, from
// either end by turns, and a turn of each number of the first half with one of the second.

// Sums and differences of the lanes that differ in one bit.
#define CK_BUTTERFLY(X, A, B, SIGNS) \
    { \
        vf a = __builtin_shufflevector(X, X, A), b = __builtin_shufflevector(X, X, B); \
        X = a + (vf)((vi)b ^ SIGNS); \
    }

CK_INLINE vf ck_hadamard_lanes(vf x) {
    const int32_t m = (int32_t)0x80000000;
#define CK_LIST(...) __VA_ARGS__
    const vi one = {0, m, 0, m, 0, m, 0, m, 0, m, 0, m, 0, m, 0, m};
    const vi two = {0, 0, m, m, 0, 0, m, m, 0, 0, m, m, 0, 0, m, m};
    const vi four = {0, 0, 0, 0, m, m, m, m, 0, 0, 0, 0, m, m, m, m};
    const vi eight = {0, 0, 0, 0, 0, 0, 0, 0, m, m, m, m, m, m, m, m};
    CK_BUTTERFLY(x, CK_LIST(0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14),
                 CK_LIST(1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15), one)
    CK_BUTTERFLY(x, CK_LIST(0, 1, 0, 1, 4, 5, 4, 5, 8, 9, 8, 9, 12, 13, 12, 13),
                 CK_LIST(2, 3, 2, 3, 6, 7, 6, 7, 10, 11, 10, 11, 14, 15, 14, 15), two)
    CK_BUTTERFLY(x, CK_LIST(0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11),
                 CK_LIST(4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15), four)
    CK_BUTTERFLY(x, CK_LIST(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7),
                 CK_LIST(8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15), eight)
#undef CK_LIST
    return x;
}

static void ck_hadamard(size_t window, float *x) {
    for (size_t i = 0; i < window; i += 16) ck_store(x + i, ck_hadamard_lanes(ck_load(x + i)));
    for (size_t half = 16; half < window; half *= 2)
        for (size_t first = 0; first < window; first += 2 * half)
            for (size_t i = first; i < first + half; i += 16) {
                vf a = ck_load(x + i), b = ck_load(x + i + half);
                ck_store(x + i, a + b);
                ck_store(x + i + half, a - b);
            }
    vf scale = ck_set(1.0f / __builtin_sqrtf((float)window));
    for (size_t i = 0; i < window; i += 16) ck_store(x + i, ck_load(x + i) * scale);
}

static void ck_rotate_run(size_t width, size_t window, size_t rounds, const float *signs, float *x) {
    size_t half = width / 2;
    vf root = ck_set(0.70710678f);
    for (size_t round = 0; round < rounds; round++, signs += width) {
        for (size_t i = 0; i < width; i += 16)
            ck_store(x + i, ck_load(x + i) * ck_load(signs + i));
        ck_hadamard(window, x + (round % 2 ? width - window : 0));
        if (window < width)
            for (size_t i = 0; i < half; i += 16) {
                vf a = ck_load(x + i), b = ck_load(x + i + half);
                ck_store(x + i, (a + b) * root);
                ck_store(x + i + half, (a - b) * root);
            }
    }
}

// Dropout by Philox4x32-10 (Salmon et al., SC 2011): whether an element is kept is a function of
// (seed, stream, its index) alone, so that forward, backward and any split into threads agree.
//
// Element 64 g + 16 w + b takes word w of block 16 g + b, so that no word has to change its lane.

typedef uint32_t vu __attribute__((ext_vector_type(16)));
typedef uint64_t vul __attribute__((ext_vector_type(16)));

CK_INLINE vu ck_high_product(vu x, uint32_t by, vu *low) {
    vul p = __builtin_convertvector(x, vul) * (vul)((uint64_t)by);
    *low = __builtin_convertvector(p, vu);
    return __builtin_convertvector(p >> 32, vu);
}

// Sixteen blocks from `first` on.
CK_INLINE void ck_philox(uint64_t seed, uint64_t stream, uint64_t first, vu words[4]) {
    const vu lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    // `first` is a multiple of 16: the lanes do not carry into the upper half.
    vu a = (vu)((uint32_t)first) + lane, b = (vu)((uint32_t)(first >> 32));
    vu c = (vu)((uint32_t)stream), d = (vu)((uint32_t)(stream >> 32));
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        vu low0, low1;
        vu high0 = ck_high_product(a, 0xD2511F53u, &low0);
        vu high1 = ck_high_product(c, 0xCD9E8D57u, &low1);
        a = high1 ^ b ^ (vu)(k0);
        b = low1;
        c = high0 ^ d ^ (vu)(k1);
        d = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = a, words[1] = b, words[2] = c, words[3] = d;
}

// y[n] = x / (1 - rate) where the element is kept, else 0; `y` may be `x`.
static void ck_dropout_f32_run(const ck_dropout *t, uint64_t index, size_t n, const float *x,
                               float *y) {
    vu words[4];
    for (size_t j = 0; j < n; j += 16) {
        if (j % 64 == 0) ck_philox(t->seed, t->stream, (index + j) / 4, words);
        vi kept = words[j / 16 % 4] >= (vu)(t->threshold);
        vf v = ck_load_some(x + j, n - j, 0.0f) * ck_set(t->factor);
        ck_store_some(y + j, n - j, ck_select(kept, v, ck_set(0.0f)));
    }
}

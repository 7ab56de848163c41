// What a vertex of a graph knows of its neighbours: signs of their differences from it, and what makes
// estimates of a query's distances of them.
//
// Neighbours lie in blocks of 32: a byte of each, then the next byte of each (scan_bits.h), then what is
// added and what the sums are multiplied by, 32 floats each.

enum { CK_NEIGHBOUR_FLOATS = 2 * CK_BITS_BLOCK * sizeof(float) };

static void ck_neighbours_run(const ck_neighbours *s) {
    size_t block = CK_BITS_BLOCK * s->depth;
    for (size_t b = 0; b < s->blocks; b++) {
        const uint8_t *codes = s->rows + b * (block + CK_NEIGHBOUR_FLOATS);
        int32_t totals[CK_BITS_BLOCK] __attribute__((aligned(64))) = {0};
        for (size_t g = 0; g < s->depth; g += CK_BITS_DEPTH) {
            uint16_t sums[1][CK_BITS_BLOCK];
            ck_bits_part(1, codes + CK_BITS_BLOCK * g, ck_least(CK_BITS_DEPTH, s->depth - g),
                         s->tables + 32 * g, 0, sums);
            for (int i = 0; i < CK_BITS_BLOCK; i++) totals[i] += sums[0][i];
        }
        uint32_t near = 0;
        for (size_t i = 0; i < CK_BITS_BLOCK; i += 16) {
            float offsets[16], scales[16];
            memcpy(offsets, codes + block + i * sizeof(float), sizeof offsets);
            memcpy(scales, codes + block + (CK_BITS_BLOCK + i) * sizeof(float), sizeof scales);
            vf sum = __builtin_convertvector(*(const vi *)(totals + i), vf);
            vf signs = ck_fma(sum, ck_set(s->step), ck_set(s->base));
            vf y = ck_fma(ck_load(scales), signs, ck_load(offsets)) + ck_set(s->distance);
            ck_store(s->out + CK_BITS_BLOCK * b + i, y);
            near |= (uint32_t)ck_scan_hits(ck_set(s->limit), y) << i;
        }
        s->near[b] = near;
    }
}

// Of each four of q[k] what the sixteen combinations of their signs add beyond the least, in steps that make
// the most CK_BITS_MOST; Σ s · q is the tables' sum times the step, and the base.
static void ck_sign_tables_run(size_t k, const float *q, float *sums, uint8_t *tables, float *step,
                               float *base) {
    const vi bits = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    vf most = ck_set(0.0f);
    float sizes = 0;
    for (size_t j = 0; j < k; j += 4) {
        float least = 0;
        for (int i = 0; i < 4; i++) {
            sizes += __builtin_fabsf(q[j + i]);
            least += q[j + i] < 0 ? q[j + i] : 0;
        }
        // Beyond the least sum a sign that is set adds twice its number.
        vf sum = ck_set(-2 * least);
#pragma clang loop unroll(full)
        for (int i = 0; i < 4; i++)
            sum = ck_select((bits & (vi)(1 << i)) != (vi)(0), sum + ck_set(2 * q[j + i]), sum);
        most = ck_max(most, sum);
        ck_store(sums + 4 * j, sum);
    }
    float largest = ck_max_lanes(most);
    *base = -sizes;
    *step = largest / CK_BITS_MOST;
    if (!(*step >= __FLT_MIN__)) {
        *step = 0;
        memset(tables, 0, 4 * k);
        return;
    }
    vf by = ck_set(CK_BITS_MOST / largest);
    for (size_t j = 0; j < 4 * k; j += 16) {
        // A number below 2^22 and 2^23 make a float whose last bits are the rounded number.
        vf shifted = ck_max(ck_set(0.0f), ck_load(sums + j) * by) + ck_set(0x1p23f);
        vi number = (vi)shifted & (vi)(0xff);
        number = number < (vi)(CK_BITS_MOST) ? number : (vi)(CK_BITS_MOST);
        uint8_t bytes[16];
        for (int i = 0; i < 16; i++) bytes[i] = (uint8_t)number[i];
        memcpy(tables + j, bytes, sizeof bytes);
    }
}

// Codes of n vectors beside that of a vertex, n up to CK_BITS_BLOCK; what is left of the block is zero.
// With r = x - p, s the signs of r: ‖q - x‖² = ‖q - p‖² + ‖r‖² - 2 ⟨q - p, r⟩, and ⟨q - p, r⟩ is taken
// for ⟨s, q - p⟩ ‖r‖² / ‖r‖₁.
static void ck_neighbour_codes_run(size_t n, size_t k, const float *p, const float *rows, size_t ld,
                                   const int32_t *at, uint8_t *block) {
    size_t depth = k / 8, size = CK_BITS_BLOCK * depth;
    float floats[2][CK_BITS_BLOCK] = {{0}};
    memset(block, 0, size);
    for (size_t i = 0; i < n; i++) {
        const float *x = rows + (size_t)at[i] * ld;
        vf sizes = ck_set(0.0f), squares = ck_set(0.0f), along = ck_set(0.0f);
        for (size_t j = 0; j < k; j += 16) {
            vf own = ck_load(p + j), r = ck_load(x + j) - own;
            unsigned signs = ck_scan_hits(r, ck_set(0.0f));
            block[CK_BITS_BLOCK * (j / 8) + i] = (uint8_t)signs;
            block[CK_BITS_BLOCK * (j / 8 + 1) + i] = (uint8_t)(signs >> 8);
            sizes = sizes + ck_abs(r);
            squares = ck_fma(r, r, squares);
            along = along + ck_select(r < ck_set(0.0f), -own, own);
        }
        float sum = ck_sum_lanes(sizes), square = ck_sum_lanes(squares);
        float by = sum > 0 ? square / sum : 0;
        floats[0][i] = __builtin_fmaf(2 * by, ck_sum_lanes(along), square);
        floats[1][i] = -2 * by;
    }
    memcpy(block + size, floats, sizeof floats);
}

// ‖q - x‖² or q · x of rows x[at[i]], in sixteen lanes. Four rows at a time, whose sums do not wait for
// each other.
CK_INLINE void ck_compare_rows(const int products, const int rows, size_t k, const float *q,
                               const float *const *x, float *out) {
    vf sum[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i] = ck_set(0.0f);
    CK_EACH_REST(k, j, rest, {
        vf own = ck_load_some(q + j, rest, 0.0f);
        for (int i = 0; i < rows; i++) {
            vf other = ck_load_some(x[i] + j, rest, 0.0f), r = own - other;
            sum[i] = products ? ck_fma(own, other, sum[i]) : ck_fma(r, r, sum[i]);
        }
    })
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) out[i] = ck_sum_lanes(sum[i]);
}

CK_INLINE void ck_compare_places(const int products, size_t n, size_t k, const float *q,
                                 const float *rows, size_t ld, const int32_t *at, float *out) {
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float *x[4];
        for (int t = 0; t < 4; t++) x[t] = rows + (size_t)at[i + t] * ld;
        ck_compare_rows(products, 4, k, q, x, out + i);
    }
    for (; i < n; i++) {
        const float *x[1] = {rows + (size_t)at[i] * ld};
        ck_compare_rows(products, 1, k, q, x, out + i);
    }
}

static void ck_squares_run(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                           const int32_t *at, float *out) {
    ck_compare_places(0, n, k, q, rows, ld, at, out);
}

static void ck_products_run(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                            const int32_t *at, float *out) {
    ck_compare_places(1, n, k, q, rows, ld, at, out);
}

enum { CK_KEYS_TOGETHER = 32 };

// Of up to CK_KEYS_TOGETHER values those that may be among the least, as keys in their order.
CK_INLINE size_t ck_fresh_keys(const ck_keys *s, uint32_t near, const float *values,
                               const int32_t *names, uint64_t *fresh) {
    static const uint32_t none[1] = {0};
    const uint64_t last = s->count == s->width ? s->keys[s->width - 1] : UINT64_MAX;
    // Where nothing is marked, no number is 1.
    const uint32_t *marks = s->marks ? s->marks : none, mark = s->marks ? s->mark : 1;
    const size_t any = s->marks ? SIZE_MAX : 0;
    size_t n = 0;
    // Nothing depends on what a key is but where the next one goes.
    for (; near; near &= near - 1) {
        size_t i = (size_t)__builtin_ctz(near);
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        bits ^= (uint32_t)((int32_t)bits >> 31) | 0x80000000u;
        uint64_t key = (uint64_t)bits << 32 | (uint64_t)(uint32_t)names[i] << 1;
        fresh[n] = key;
        n += (size_t)(key < last) & (size_t)(marks[(size_t)names[i] & any] != mark);
    }
    return n;
}

// Keys in ascending order; those that are equal keep theirs. Of each, how many go in front of it is its place.
CK_INLINE void ck_sort_keys(size_t n, uint64_t *keys, uint64_t *sorted) {
#if CK_AVX512
    for (size_t i = n; i < (n + 7) / 8 * 8; i++) keys[i] = UINT64_MAX;
#endif
    for (size_t i = 0; i < n; i++) {
#if CK_AVX512
        const __m512i own = _mm512_set1_epi64((long long)keys[i]);
        uint32_t less = 0, same = 0;
        for (size_t j = 0; j < n; j += 8) {
            const __m512i some = _mm512_loadu_si512(keys + j);
            less |= (uint32_t)_mm512_cmplt_epu64_mask(some, own) << j;
            same |= (uint32_t)_mm512_cmpeq_epu64_mask(some, own) << j;
        }
        size_t place = (size_t)__builtin_popcount(less | (same & ((1u << i) - 1)));
#else
        size_t place = 0;
        for (size_t j = 0; j < n; j++) place += (keys[j] < keys[i]) | ((keys[j] == keys[i]) & (j < i));
#endif
        sorted[place] = keys[i];
    }
}

// Merges n ascending keys into `old` others, with room for them; returns how many of those stay where they are.
#if CK_AVX512
CK_INLINE size_t ck_merge_keys(uint64_t *keys, size_t old, const uint64_t *sorted, size_t n) {
    // From the end on eight at a time; what is stored is not read again.
    while (n > 0 && old > 0) {
        const size_t base = old < 8 ? 0 : old - 8;
        unsigned left = 0xffu >> (8 - (old - base));
        const __m512i some = _mm512_maskz_loadu_epi64((__mmask8)left, keys + base);
        do {
            const __m512i own = _mm512_set1_epi64((long long)sorted[n - 1]);
            const unsigned larger = _mm512_mask_cmpgt_epu64_mask((__mmask8)left, some, own);
            _mm512_mask_storeu_epi64(keys + base + n, (__mmask8)larger, some);
            left ^= larger;
            if (left == 0) break;
            n--;
            keys[base + (size_t)__builtin_popcount(left) + n] = sorted[n];
        } while (n > 0);
        old = base + (size_t)__builtin_popcount(left);
    }
    memcpy(keys, sorted, n * sizeof *keys);
    return old;
}
#else
CK_INLINE size_t ck_merge_keys(uint64_t *keys, size_t old, const uint64_t *sorted, size_t n) {
    for (; n > 0; n--) {
        // How many are not larger, without a branch that depends on them.
        const uint64_t *base = keys;
        for (size_t left = old; left > 0;) {
            size_t half = (left + 1) / 2;
            base += (base[half - 1] <= sorted[n - 1]) * half;
            left -= half;
        }
        size_t place = (size_t)(base - keys);
        memmove(keys + place + n, keys + place, (old - place) * sizeof *keys);
        keys[place + n - 1] = sorted[n - 1];
        old = place;
    }
    return old;
}
#endif

// All at once: one after the other, each would wait for what the one before has moved.
CK_INLINE void ck_offer_some(ck_keys *s, uint32_t near, const float *values, const int32_t *names) {
    uint64_t fresh[CK_KEYS_TOGETHER + 1], sorted[CK_KEYS_TOGETHER];
    size_t n = ck_fresh_keys(s, near, values, names, fresh), old = s->count;
    if (n == 0) return;
    ck_sort_keys(n, fresh, sorted);
    while (n + old > s->width) {
        if (old == 0 || s->keys[old - 1] <= sorted[n - 1]) n--;
        else old--;
    }
    s->count = n + old;
    if (n == 0) return;
    old = ck_merge_keys(s->keys, old, sorted, n);
    if (old < s->first) s->first = old;
}

static void ck_offer_keys_run(ck_keys *s, size_t n, const uint32_t *near, const float *values,
                              const int32_t *names) {
    for (size_t i = 0; i < n; i += CK_KEYS_TOGETHER) {
        uint32_t some = near ? near[i / CK_KEYS_TOGETHER] : UINT32_MAX;
        if (n - i < CK_KEYS_TOGETHER) some &= (1u << (n - i)) - 1;
        if (some) ck_offer_some(s, some, values + i, names + i);
    }
}

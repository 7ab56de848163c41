// Vectors as the number of a centroid and a code of what is left: codes that are taken apart, scores of
// centroids as bytes, and what documents may be at most by their centroids alone (PLAID,
// arXiv:2205.09707). Included behind impacts.h, for its vectors of bytes.

// Bytes for which codes of `bits` bits stand. A code has `size` bytes; byte j of it holds the numbers
// j, j + size, j + 2 size and so on, the first in its lowest bits. out[rows, size * 8 / bits].
static void ck_expand_run(size_t rows, int bits, size_t size, const uint8_t *codes,
                          const int8_t *values, int8_t *out) {
    const int planes = 8 / bits, mask = (1 << bits) - 1;
    for (size_t row = 0; row < rows; row++, codes += size, out += size * planes) {
        size_t j = 0;
#if CK_AVX2 || CK_AVX512
        const __m128i table = _mm_loadu_si128((const __m128i *)(const void *)values);
        const __m256i both = _mm256_broadcastsi128_si256(table), low = _mm256_set1_epi8((char)mask);
        for (; j + 32 <= size; j += 32) {
            __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(codes + j));
            for (int p = 0; p < planes; p++) {
                __m256i part = _mm256_and_si256(_mm256_srli_epi16(code, p * bits), low);
                _mm256_storeu_si256((__m256i *)(void *)(out + p * size + j),
                                    _mm256_shuffle_epi8(both, part));
            }
        }
        for (; j + 16 <= size; j += 16) {
            __m128i code = _mm_loadu_si128((const __m128i *)(const void *)(codes + j));
            for (int p = 0; p < planes; p++) {
                __m128i part = _mm_and_si128(_mm_srli_epi16(code, p * bits),
                                             _mm_set1_epi8((char)mask));
                _mm_storeu_si128((__m128i *)(void *)(out + p * size + j),
                                 _mm_shuffle_epi8(table, part));
            }
        }
#endif
        for (; j < size; j++)
            for (int p = 0; p < planes; p++)
                out[p * size + j] = values[codes[j] >> (p * bits) & mask];
    }
}

// Codes of bits each for x[rows, k], as ck_expand_run has them: of a number, how many of the cutoffs,
// 2^bits - 1, it exceeds. Numbers behind k have the code 0.
static void ck_compress_run(size_t rows, size_t k, int bits, const float *x, const float *cutoffs,
                            size_t size, uint8_t *out) {
    const int planes = 8 / bits, count = (1 << bits) - 1;
    for (size_t row = 0; row < rows; row++, x += k, out += size) {
        memset(out, 0, size);
        for (int p = 0; p < planes; p++) {
            size_t first = p * size;
            if (first >= k) break;
            size_t own = ck_least(size, k - first);
            for (size_t j = 0; j < own; j += 16) {
                size_t rest = ck_least(16, own - j);
                vf y = ck_load_some(x + first + j, rest, 0.0f);
                vi level = (vi)(0);
                for (int c = 0; c < count; c++) level -= y > ck_set(cutoffs[c]);
                for (size_t i = 0; i < rest; i++) out[j + i] |= (uint8_t)(level[i] << (p * bits));
            }
        }
    }
}

// out[rows, width] = (x[rows, ldx] - lows) * inverse to the nearest, ties to even, from 0 to 255: of
// columns up to n, a multiple of 16, and 0 behind them.
static void ck_levels_run(size_t rows, size_t n, const float *x, size_t ldx, const float *lows,
                          float inverse, size_t width, uint8_t *out) {
    // Added to a number from 0 to 255, this rounds it as it is asked for.
    const vf magic = ck_set(0x1.8p23f);
    for (size_t row = 0; row < rows; row++, x += ldx, out += width) {
        for (size_t j = 0; j < n; j += 16) {
            vf y = (ck_load(x + j) - ck_load(lows + j)) * ck_set(inverse);
            y = ck_min(ck_set(255.0f), ck_max(ck_set(0.0f), y)) + magic;
            *(vb_unaligned *)(out + j) = __builtin_convertvector((vi)y & 0xff, vb);
        }
        if (n < width) memset(out + n, 0, width - n);
    }
}

// The least and the largest number of each column; n is a multiple of 16. Infinities of no rows.
static void ck_column_ranges_run(size_t rows, size_t n, const float *x, size_t ldx, float *lows,
                                 float *highs) {
    for (size_t j = 0; j < n; j += 16) {
        vf low = ck_set(__builtin_inff()), high = ck_set(-__builtin_inff());
        for (size_t row = 0; row < rows; row++) {
            vf y = ck_load(x + row * ldx + j);
            low = ck_min(y, low), high = ck_max(y, high);
        }
        ck_store(lows + j, low);
        ck_store(highs + j, high);
    }
}

// out[row] = whether a number of the row is not below its column's threshold; n is a multiple of 16.
static void ck_reaching_run(size_t rows, size_t n, const float *x, size_t ldx,
                            const float *thresholds, uint8_t *out) {
    for (size_t row = 0; row < rows; row++, x += ldx) {
        vi any = (vi)(0);
        for (size_t j = 0; j < n; j += 16) any |= ck_load(x + j) >= ck_load(thresholds + j);
        out[row] = __builtin_reduce_or(any) != 0;
    }
}

// best[16 * vectors] = the largest of a document's levels in some columns.
CK_INLINE void ck_best_levels(const int vectors, const ck_levels *g, int64_t row, int64_t end,
                              size_t column, vb *best) {
#pragma clang loop unroll(full)
    for (int j = 0; j < vectors; j++) best[j] = (vb)(0);
    for (; row < end; row++) {
        size_t centroid = g->wide ? (uint32_t)g->wide[row] : g->narrow[row];
        if (g->kept && !g->kept[centroid]) continue;
        const uint8_t *own = g->levels + centroid * g->width + column;
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
            best[j] = __builtin_elementwise_max(best[j], *(const vb_unaligned *)(own + 16 * j));
    }
}

static void ck_interact_run(const ck_levels *g) {
    for (size_t i = 0; i < g->documents; i++) {
        if (i + 4 < g->documents) {
            int64_t row = g->firsts[i + 4];
            const char *next = g->wide ? (const char *)(g->wide + row)
                                       : (const char *)(g->narrow + row);
            for (int line = 0; line < 4; line++) __builtin_prefetch(next + 64 * line);
        }
        int64_t end = g->firsts[i] + g->counts[i];
        int32_t sum = 0, most = 0;
        for (size_t column = 0; column < g->width;) {
            vb best[2] = {(vb)(0), (vb)(0)};
            int vectors = column + 32 <= g->width ? 2 : 1;
            if (vectors == 2) ck_best_levels(2, g, g->firsts[i], end, column, best);
            else ck_best_levels(1, g, g->firsts[i], end, column, best);
            column += 16 * vectors;
            for (int j = 0; j < vectors; j++) {
                vi own = __builtin_convertvector(best[j], vi);
                sum += __builtin_reduce_add(own);
                int32_t largest = __builtin_reduce_max(own);
                if (largest > most) most = largest;
            }
        }
        g->out[i] = g->takes_largest ? most : sum;
    }
}

// The rows with the largest numbers of each column, best first; of equal ones those with the lower
// number come first. places[n, count] and best[n, count] hold rows < count of them, the rest is -1.
static void ck_leaders_run(size_t rows, size_t n, const float *x, size_t ldx, size_t count,
                           int32_t *places, float *best) {
    for (size_t i = 0; i < n * count; i++) places[i] = -1, best[i] = -__builtin_inff();
    for (size_t column = 0; column < n; column += 16) {
        size_t width = ck_least(16, n - column);
        vf least = ck_set(-__builtin_inff());
        for (size_t row = 0; row < rows; row++) {
            const float *own = x + row * ldx + column;
            vf y = ck_load_some(own, width, -__builtin_inff());
            if (!__builtin_reduce_or(y > least)) continue;
            for (size_t j = 0; j < width; j++) {
                float *scores = best + (column + j) * count;
                if (!(own[j] > scores[count - 1])) continue;
                int32_t *numbers = places + (column + j) * count;
                size_t at = count - 1;
                for (; at > 0 && own[j] > scores[at - 1]; at--)
                    scores[at] = scores[at - 1], numbers[at] = numbers[at - 1];
                scores[at] = own[j], numbers[at] = (int32_t)row;
                least[j] = scores[count - 1];
            }
        }
    }
}

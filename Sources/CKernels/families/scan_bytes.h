// Which documents a query may be answered by: products of stored bytes with queries of bytes, and of
// these products those that a bound cannot exclude (scan_select.h).
//
// The documents' bytes are signed and lie as they were written; a query's are packed. A product is
// an exact integer, whatever the instruction, and so is what is found. Included once for each
// tile_narrow.h of bytes, in front of the end of gemm_narrow.h.

#if CK_AVX2 && CK_NARROW_SPLITS
// Codes reach from -127 to 127 on both sides, so that the sum of two products fits 16 bits: the
// instruction for unsigned times signed bytes takes the size of one and the sign with the other.
#define CK_SCAN_FLIP 0
#define CK_SCAN_ZERO 0
CK_INLINE vi ck_scan_products_s8(vi sum, vi x, vi w) {
    vi products;
    for (int i = 0; i < 2; i++) {
        __m256i a = (__m256i)(i ? x.hi : x.lo), b = (__m256i)(i ? w.hi : w.lo);
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
        vi8 part = (vi8)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
        if (i) products.hi = part;
        else products.lo = part;
    }
    return sum + products;
}
#define CK_SCAN_STEP ck_scan_products_s8
#else
// Added to four signed bytes without carries, this makes unsigned ones of them, 128 more.
#define CK_SCAN_FLIP ((int32_t)0x80808080)
#define CK_SCAN_ZERO 128
#define CK_SCAN_STEP CK_NARROW_STEP
#endif

// A word of a row, whose last one may be shorter.
CK_INLINE int32_t CK_NARROW(scan_word)(const int8_t *row, size_t k, size_t word) {
    int32_t x = 0;
    memcpy(&x, row + 4 * word, ck_least(4, k - 4 * word));
    return x ^ CK_SCAN_FLIP;
}

// `rows` rows and the sixteen columns of a panel that begin with `column`.
CK_INLINE void CK_NARROW(scan_body)(const int rows, const int vectors, const ck_scan *s, size_t row,
                                    const int32_t *w, size_t width, size_t k, vi sum[][4]) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) sum[i][j] = (vi)(0);
    const int8_t *a = s->codes + row * s->ld;
    size_t whole = k / 4;
    for (size_t word = 0; word < whole; word++, w += width) {
        vi b[4];
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++) b[j] = ck_load_words(w + 16 * j);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            int32_t bytes;
            memcpy(&bytes, a + i * s->ld + 4 * word, 4);
            vi x = (vi)(bytes) ^ CK_SCAN_FLIP;
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) sum[i][j] = CK_SCAN_STEP(sum[i][j], x, b[j]);
        }
    }
    if (whole * 4 == k) return;
    for (int i = 0; i < rows; i++) {
        vi x = (vi)(CK_NARROW(scan_word)(a + i * s->ld, k, whole));
        for (int j = 0; j < vectors; j++)
            sum[i][j] = CK_SCAN_STEP(sum[i][j], x, ck_load_words(w + 16 * j));
    }
}

#if CK_AVX512 && !CK_NARROW_SPLITS
#define CK_SCAN_ROWS 6
#define CK_SCAN_VECTORS 4
#elif CK_AVX512
#define CK_SCAN_ROWS 4
#define CK_SCAN_VECTORS 2
#else
#define CK_SCAN_ROWS 4
#define CK_SCAN_VECTORS 1
#endif

// Up to four vectors of columns.
CK_INLINE void CK_NARROW(scan_some)(const int rows, size_t vectors, const ck_scan *s, size_t row,
                                    const int32_t *w, size_t width, size_t k, vi sum[][4]) {
    switch (vectors) {
    case 1: CK_NARROW(scan_body)(rows, 1, s, row, w, width, k, sum); break;
#if CK_SCAN_VECTORS > 1
    case 2: CK_NARROW(scan_body)(rows, 2, s, row, w, width, k, sum); break;
#endif
#if CK_SCAN_VECTORS > 2
    case 3: CK_NARROW(scan_body)(rows, 3, s, row, w, width, k, sum); break;
    default: CK_NARROW(scan_body)(rows, 4, s, row, w, width, k, sum); break;
#endif
    }
}

// Products of some columns of one panel, for `rows` rows from `row` on.
static size_t CK_NARROW(scan_tile)(const ck_scan *s, const ck_narrow_weights *q, size_t row,
                                   size_t rows, size_t column, size_t found) {
    size_t panel = column / CK_PANEL * CK_PANEL, depth = (q->k + 3) / 4;
    size_t width = ck_round_up(ck_least(CK_PANEL, q->n - panel), 16);
    const int32_t *w = q->packed + panel * depth + (column - panel);
    size_t vectors = ck_least(CK_SCAN_VECTORS, (panel + width - column) / 16);
    vi sum[CK_SCAN_ROWS][4];
    if (rows < CK_SCAN_ROWS)
        for (size_t i = 0; i < rows; i++)
            CK_NARROW(scan_some)(1, vectors, s, row + i, w, width, q->k, sum + i);
    else
        CK_NARROW(scan_some)(CK_SCAN_ROWS, vectors, s, row, w, width, q->k, sum);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < vectors; j++) {
            size_t at = column + 16 * j;
            if (at >= q->n) break;
            vi whole = sum[i][j] - ck_load_words(q->sums + at) * CK_SCAN_ZERO;
            vf y = __builtin_convertvector(whole, vf) *
                   (ck_load(q->scales + at) * ck_set(s->scales[row + i]));
            found = ck_scan_columns(s, y, row + i, at, q->n - at, found);
        }
    return found;
}

// Products of one row with n queries, sixteen words at a time.
CK_INLINE void CK_NARROW(scan_row)(const int n, const int8_t *a, size_t k, const int32_t *words,
                                   size_t lines, int32_t *sums) {
    vi sum[CK_SCAN_FEW];
    size_t whole = k / 64;
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) sum[j] = (vi)(0);
    for (size_t i = 0; i < whole; i++) {
        vi x = ck_load_words((const int32_t *)(const void *)(a + 64 * i)) ^ CK_SCAN_FLIP;
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++)
            sum[j] = CK_SCAN_STEP(sum[j], x, ck_load_words(words + j * lines + 16 * i));
    }
    if (whole * 64 < k) {
        int32_t last[16] = {0};
        memcpy(last, a + 64 * whole, k - 64 * whole);
        vi x = ck_load_words(last) ^ CK_SCAN_FLIP;
        for (int j = 0; j < n; j++)
            sum[j] = CK_SCAN_STEP(sum[j], x, ck_load_words(words + j * lines + 16 * whole));
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < n; j++) sums[16 * j] = __builtin_reduce_add(sum[j]);
}

// A few queries: a row is read once, and nothing is multiplied in vain.
CK_INLINE size_t CK_NARROW(scan_few)(const int n, const ck_scan *s, const ck_narrow_weights *q) {
    size_t depth = (q->k + 3) / 4, lines = ck_round_up(depth, 16), found = 0;
    int32_t words[CK_SCAN_FEW * CK_SCAN_ROW / 4] __attribute__((aligned(64)));
    memset(words, 0, n * lines * sizeof(int32_t));
    for (int j = 0; j < n; j++)
        for (size_t i = 0; i < depth; i++) words[j * lines + i] = q->packed[i * 16 + j];
    int32_t sums[CK_SCAN_FEW * 16] __attribute__((aligned(64))) = {0};
    for (size_t row = 0; row < s->m; row += 16) {
        size_t rest = ck_least(16, s->m - row);
        for (size_t i = 0; i < rest; i++) {
            const int8_t *a = s->codes + (row + i) * s->ld;
            for (size_t byte = 0; byte < s->ld; byte += 64)
                __builtin_prefetch(a + CK_FEW_AHEAD * s->ld + byte);
            CK_NARROW(scan_row)(n, a, q->k, words, lines, sums + i);
        }
        vf scales = ck_load_some(s->scales + row, rest, 0.0f);
#pragma clang loop unroll(full)
        for (int j = 0; j < n; j++) {
            vi whole = ck_load_words(sums + 16 * j) - q->sums[j] * CK_SCAN_ZERO;
            vf y = __builtin_convertvector(whole, vf) * (ck_set(q->scales[j]) * scales);
            found = ck_scan_rows(s, y, row, j, rest, found);
        }
    }
    return found;
}

static size_t CK_NARROW(scan_run)(const ck_scan *s, const ck_narrow_weights *q) {
    if (q->k <= CK_SCAN_ROW) switch (q->n) {
        case 1: return CK_NARROW(scan_few)(1, s, q);
        case 2: return CK_NARROW(scan_few)(2, s, q);
        case 3: return CK_NARROW(scan_few)(3, s, q);
        case 4: return CK_NARROW(scan_few)(4, s, q);
        case 5: return CK_NARROW(scan_few)(5, s, q);
        case 6: return CK_NARROW(scan_few)(6, s, q);
        case 7: return CK_NARROW(scan_few)(7, s, q);
        case 8: return CK_NARROW(scan_few)(8, s, q);
        }
    size_t found = 0;
    for (size_t column = 0; column < q->n; column += 16 * CK_SCAN_VECTORS)
        for (size_t row = 0; row < s->m; row += CK_SCAN_ROWS)
            found = CK_NARROW(scan_tile)(s, q, row, ck_least(CK_SCAN_ROWS, s->m - row), column,
                                         found);
    return found;
}

#include "maximum_bytes.h"

#undef CK_SCAN_FLIP
#undef CK_SCAN_ZERO
#undef CK_SCAN_STEP
#undef CK_SCAN_ROWS
#undef CK_SCAN_VECTORS

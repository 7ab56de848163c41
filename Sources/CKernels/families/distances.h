// out[M,N] = -‖a[M,K] - W[N,K]‖ of all pairs, W in panels: squares of differences in double
// precision, summed over K ascending without fma, the root rounded to single precision.

typedef double vd8 __attribute__((ext_vector_type(8)));

enum { CK_DISTANCE_ROWS = 4 };

// Some rows and eight columns of a panel, whose numbers of one k are `width` apart.
CK_INLINE void ck_distance_tile(const int rows, size_t k, const float *a, size_t lda, const float *w,
                                size_t width, float out[][8]) {
    vd8 sum[CK_DISTANCE_ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) sum[i] = (vd8)(0.0);
    for (size_t t = 0; t < k; t++, w += width) {
        typedef float vf8_unaligned __attribute__((ext_vector_type(8), aligned(4)));
        vd8 b = __builtin_convertvector(*(const vf8_unaligned *)w, vd8);
#pragma clang loop unroll(full)
        for (int i = 0; i < rows; i++) {
            vd8 difference = (vd8)((double)a[i * lda + t]) - b;
            sum[i] = sum[i] + difference * difference;
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
        vd8 root = __builtin_elementwise_sqrt(sum[i]);
        vf8 y = -__builtin_convertvector(root, vf8);
        memcpy(out[i], &y, sizeof y);
    }
}

static void ck_distances_run(size_t m, size_t n, size_t k, const float *a, size_t lda,
                             const float *packed, float *out, size_t ldo) {
    for (size_t panel = 0; panel < n; panel += CK_PANEL) {
        size_t columns = ck_least(CK_PANEL, n - panel), width = ck_round_up(columns, 16);
        const float *w = packed + panel * k;
        for (size_t j = 0; j < columns; j += 8)
            for (size_t row = 0; row < m; row += CK_DISTANCE_ROWS) {
                float y[CK_DISTANCE_ROWS][8];
                size_t rows = ck_least(CK_DISTANCE_ROWS, m - row);
                const float *first = a + row * lda;
                if (rows == CK_DISTANCE_ROWS)
                    ck_distance_tile(CK_DISTANCE_ROWS, k, first, lda, w + j, width, y);
                else
                    for (size_t i = 0; i < rows; i++)
                        ck_distance_tile(1, k, first + i * lda, lda, w + j, width, y + i);
                for (size_t i = 0; i < rows; i++)
                    for (size_t c = 0; c < ck_least(8, columns - j); c++)
                        out[(row + i) * ldo + panel + j + c] = y[i][c];
            }
    }
}

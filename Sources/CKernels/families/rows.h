// One row at a time: layer norm, embeddings, softmax, normalisation; and reductions over rows.
//
// Sums along a row run in sixteen lanes and end in the one tree of vector.h.

#define CK_EACH(N, J) for (size_t J = 0; J < (N); J += 16)

static float ck_row_sum(size_t n, const float *x) {
    vf sum = ck_set(0.0f);
    CK_EACH(n, j) sum = sum + ck_load_some(x + j, n - j, 0.0f);
    return ck_sum_lanes(sum);
}

static float ck_dot_f32_run(size_t n, const float *x, const float *y) {
    vf sum = ck_set(0.0f);
    CK_EACH(n, j) {
        vf a = ck_load_some(x + j, n - j, 0.0f), b = ck_load_some(y + j, n - j, 0.0f);
        sum = ck_fma(a, b, sum);
    }
    return ck_sum_lanes(sum);
}

enum { CK_NORM_ROWS = 4 }; // side by side: an addition takes four cycles

// 1 / sqrt(variance + epsilon) from the sum of squares.
CK_INLINE float ck_norm_factor(float squares, size_t n, float epsilon) {
    float variance = squares / (float)n;
    return 1.0f / __builtin_sqrtf(variance + epsilon);
}

typedef struct {
    float mean, factor; // factor = 1 / sqrt(variance + epsilon)
} ck_moments;

// Both moments divide by n.
CK_INLINE ck_moments ck_row_moments(size_t n, const float *x, float epsilon) {
    float mean = ck_row_sum(n, x) / (float)n;
    vf sum = ck_set(0.0f), middle = ck_set(mean);
    CK_EACH(n, j) {
        // Absent elements stand at the mean, so that they add nothing to the variance.
        vf d = ck_load_some(x + j, n - j, mean) - middle;
        sum = ck_fma(d, d, sum);
    }
    return (ck_moments){mean, ck_norm_factor(ck_sum_lanes(sum), n, epsilon)};
}

// 1 / sqrt(mean of x² + epsilon)
CK_INLINE float ck_rms_factor(size_t n, const float *x, float epsilon) {
    return 1.0f / __builtin_sqrtf(ck_dot_f32_run(n, x, x) / (float)n + epsilon);
}

// out = (x - mean) / sqrt(variance + epsilon) * gamma + beta of several rows side by side, so that
// one's sums do not wait for themselves.
CK_INLINE void ck_layernorm_rows(const int rows, const ck_layernorm_f32 *t, const float *x,
                                 float *out) {
    size_t n = t->width, ldx = t->ldx;
    vf sum[CK_NORM_ROWS], middle[CK_NORM_ROWS], by[CK_NORM_ROWS];
    for (int i = 0; i < rows; i++) sum[i] = ck_set(0.0f);
    CK_EACH_REST(n, j, rest, {
        for (int i = 0; i < rows; i++) sum[i] = sum[i] + ck_load_some(x + i * ldx + j, rest, 0.0f);
    })
    for (int i = 0; i < rows; i++) {
        middle[i] = ck_set(ck_sum_lanes(sum[i]) / (float)n);
        sum[i] = ck_set(0.0f);
    }
    CK_EACH_REST(n, j, rest, {
        for (int i = 0; i < rows; i++) {
            vf d = ck_load_some(x + i * ldx + j, rest, middle[i][0]) - middle[i];
            sum[i] = ck_fma(d, d, sum[i]);
        }
    })
    for (int i = 0; i < rows; i++)
        by[i] = ck_set(ck_norm_factor(ck_sum_lanes(sum[i]), n, t->epsilon));
    CK_EACH_REST(n, j, rest, {
        vf g = ck_load_some(t->gamma + j, rest, 0.0f), b = g;
        if (t->beta) b = ck_load_some(t->beta + j, rest, 0.0f);
        for (int i = 0; i < rows; i++) {
            vf y = (ck_load_some(x + i * ldx + j, rest, 0.0f) - middle[i]) * by[i];
            ck_store_some(out + i * t->ldo + j, rest, t->beta ? ck_fma(y, g, b) : y * g);
        }
    })
}

static void ck_layernorm_f32_run(const ck_layernorm_f32 *t) {
    size_t m = 0;
    for (; m + CK_NORM_ROWS <= t->rows; m += CK_NORM_ROWS)
        ck_layernorm_rows(CK_NORM_ROWS, t, t->x + m * t->ldx, t->out + m * t->ldo);
    for (; m < t->rows; m++)
        ck_layernorm_rows(1, t, t->x + m * t->ldx, t->out + m * t->ldo);
}

static void ck_embedding_f32_run(const ck_embedding_f32 *t) {
    size_t d = t->width;
    for (size_t m = 0; m < t->rows; m++) {
        const float *word = t->word + (size_t)t->word_ids[m] * d;
        const float *type = t->type ? t->type + (size_t)t->type_ids[m] * d : 0;
        const float *position = t->position ? t->position + (size_t)t->position_ids[m] * d : 0;
        CK_EACH(d, j) {
            vf x = ck_load_some(word + j, d - j, 0.0f);
            if (type) x = x + ck_load_some(type + j, d - j, 0.0f);
            if (position) x = x + ck_load_some(position + j, d - j, 0.0f);
            ck_store_some(t->out + m * t->ldo + j, d - j, x);
        }
    }
}

static void ck_softmax_rows_f32_run(size_t rows, size_t n, const float *x, size_t ldx, float *y,
                                    size_t ldy) {
    for (size_t m = 0; m < rows; m++, x += ldx, y += ldy) {
        vf most = ck_set(-__builtin_inff()), sum = ck_set(0.0f);
        // A NaN need not survive this maximum: it comes back from its own exp.
        CK_EACH(n, j) most = ck_max(most, ck_load_some(x + j, n - j, -__builtin_inff()));
        vf top = ck_set(ck_max_lanes(most));
        CK_EACH(n, j) {
            vf e = ck_exp_not_positive(ck_load_some(x + j, n - j, -__builtin_inff()) - top);
            ck_store_some(y + j, n - j, e);
            sum = sum + e;
        }
        vf by = ck_set(ck_sum_lanes(sum));
        CK_EACH(n, j) ck_store_some(y + j, n - j, ck_load_some(y + j, n - j, 0.0f) / by);
    }
}

static void ck_l2_normalize_rows_f32_run(size_t rows, size_t n, const float *x, size_t ldx,
                                         float epsilon, float *y, size_t ldy) {
    for (size_t m = 0; m < rows; m++, x += ldx, y += ldy) {
        vf norm = ck_sqrt(ck_set(ck_dot_f32_run(n, x, x)));
        vf by = ck_max(ck_set(epsilon), norm);
        CK_EACH(n, j) ck_store_some(y + j, n - j, ck_load_some(x + j, n - j, 0.0f) / by);
    }
}

static void ck_reduce_rows_f32_run(int reduction, size_t rows, size_t n, const float *x, size_t ldx,
                                   float *out) {
    CK_EACH(n, j) {
        vf r = ck_load_some(x + j, n - j, 0.0f);
        if (reduction == CK_REDUCE_MAX) {
            for (size_t m = 1; m < rows; m++)
                r = ck_max_or_nan(r, ck_load_some(x + m * ldx + j, n - j, 0.0f));
        } else {
            for (size_t m = 1; m < rows; m++) r = r + ck_load_some(x + m * ldx + j, n - j, 0.0f);
        }
        if (reduction == CK_REDUCE_MEAN) r = r / ck_set((float)rows);
        ck_store_some(out + j, n - j, r);
    }
}

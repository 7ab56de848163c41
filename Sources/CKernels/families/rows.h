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
    float variance = ck_sum_lanes(sum) / (float)n;
    return (ck_moments){mean, 1.0f / __builtin_sqrtf(variance + epsilon)};
}

// 1 / sqrt(mean of x² + epsilon)
CK_INLINE float ck_rms_factor(size_t n, const float *x, float epsilon) {
    return 1.0f / __builtin_sqrtf(ck_dot_f32_run(n, x, x) / (float)n + epsilon);
}

// out = (x - mean) / sqrt(variance + epsilon) * gamma + beta.
static void ck_layernorm_row(size_t n, const float *x, const float *gamma, const float *beta,
                             float epsilon, float *out) {
    ck_moments moments = ck_row_moments(n, x, epsilon);
    vf middle = ck_set(moments.mean), by = ck_set(moments.factor);
    CK_EACH(n, j) {
        vf y = (ck_load_some(x + j, n - j, 0.0f) - middle) * by;
        vf g = ck_load_some(gamma + j, n - j, 0.0f);
        y = beta ? ck_fma(y, g, ck_load_some(beta + j, n - j, 0.0f)) : y * g;
        ck_store_some(out + j, n - j, y);
    }
}

static void ck_layernorm_f32_run(const ck_layernorm_f32 *t) {
    for (size_t m = 0; m < t->rows; m++) {
        const float *x = t->x + m * t->ldx;
        float *out = t->out + m * t->ldo;
        if (t->residual) {
            const float *r = t->residual + m * t->ldr;
            CK_EACH(t->width, j) {
                size_t rest = t->width - j;
                vf sum = ck_load_some(x + j, rest, 0.0f) + ck_load_some(r + j, rest, 0.0f);
                ck_store_some(out + j, rest, sum);
            }
            x = out;
        }
        ck_layernorm_row(t->width, x, t->gamma, t->beta, t->epsilon, out);
    }
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

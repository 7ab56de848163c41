// Adjoints of what rows.h, maps.h and the epilogues do, for training.
//
// dx, dy are derivatives of the loss by x, y. What has the shape of a parameter is summed over the
// rows in their order, onto what is there, so that any split over columns gives the same bits.

// dx = dy * f'(x) for one function.
#define CK_GRADIENT_LOOP(EXPRESSION) \
    for (size_t j = 0; j < n; j += 16) { \
        vf v = ck_load_some(x + j, n - j, 0.0f); \
        vf d = ck_load_some(dy + j, n - j, 0.0f); \
        ck_store_some(dx + j, n - j, d * (EXPRESSION)); \
    }

CK_INLINE vf ck_tanh_slope(vf x) {
    vf t = ck_tanh(x);
    return ck_fma(-t, t, ck_set(1.0f));
}

static void ck_map_gradient_f32_run(int map, size_t n, const float *x, const float *dy, float *dx) {
    const vf zero = ck_set(0.0f), one = ck_set(1.0f);
    switch (map) {
    case CK_MAP_EXP: CK_GRADIENT_LOOP(ck_exp(v)); break;
    case CK_MAP_GELU: CK_GRADIENT_LOOP(ck_gelu_slope(v)); break;
    case CK_MAP_GELU_TANH: CK_GRADIENT_LOOP(ck_gelu_tanh_slope(v)); break;
    case CK_MAP_RELU: CK_GRADIENT_LOOP(ck_select(v > zero, one, v != v ? v : zero)); break;
    case CK_MAP_TANH: CK_GRADIENT_LOOP(ck_tanh_slope(v)); break;
    case CK_MAP_SIGMOID: CK_GRADIENT_LOOP(ck_sigmoid_slope(v)); break;
    case CK_MAP_SILU: CK_GRADIENT_LOOP(ck_silu_slope(v)); break;
    case CK_MAP_LOG1P_RELU:
        CK_GRADIENT_LOOP(ck_select(v > zero, one / (one + v), v != v ? v : zero));
        break;
    default: __builtin_trap();
    }
}

// y[n,m] = x[m,n]ᵀ
static void ck_transpose_f32_run(size_t m, size_t n, const float *x, size_t ldx, float *y,
                                 size_t ldy) {
    size_t rows = m / 4 * 4, columns = n / 4 * 4;
    for (size_t i = 0; i < rows; i += 4) {
        for (size_t j = 0; j < columns; j += 4)
            ck_transpose4(x + i * ldx + j, ldx, y + j * ldy + i, ldy);
        for (size_t j = columns; j < n; j++)
            for (size_t k = i; k < i + 4; k++) y[j * ldy + k] = x[k * ldx + j];
    }
    for (size_t i = rows; i < m; i++)
        for (size_t j = 0; j < n; j++) y[j * ldy + i] = x[i * ldx + j];
}

static void ck_add_rows_f32_run(size_t rows, size_t n, const float *x, size_t ldx, float *sum) {
    CK_EACH(n, j) {
        vf s = ck_load_some(sum + j, n - j, 0.0f);
        for (size_t m = 0; m < rows; m++) s = s + ck_load_some(x + m * ldx + j, n - j, 0.0f);
        ck_store_some(sum + j, n - j, s);
    }
}

CK_INLINE ck_moments ck_gradient_moments(const ck_layernorm_gradient_f32 *t, const float *x) {
    if (t->means) return ck_row_moments(t->width, x, t->epsilon);
    return (ck_moments){0.0f, ck_rms_factor(t->width, x, t->epsilon)};
}

// With g = dy * gamma and h = (x - mean) * by: dx = by * (g - (Σ g + h Σ g h) / n); without means
// dx = by * (g - h Σ g h / n).
static void ck_layernorm_gradient_row(const ck_layernorm_gradient_f32 *t, size_t m) {
    const float *x = t->x + m * t->ldx, *dy = t->dy + m * t->lddy;
    float *dx = t->dx + m * t->lddx;
    size_t n = t->width;
    ck_moments s = ck_gradient_moments(t, x);
    if (t->means) t->means[m] = s.mean;
    t->factors[m] = s.factor;
    vf middle = ck_set(s.mean), by = ck_set(s.factor), plain = ck_set(0.0f), along = ck_set(0.0f);
    CK_EACH(n, j) {
        vf g = ck_load_some(dy + j, n - j, 0.0f) * ck_load_some(t->gamma + j, n - j, 0.0f);
        plain = plain + g;
        along = ck_fma(g, (ck_load_some(x + j, n - j, s.mean) - middle) * by, along);
    }
    vf first = ck_set(t->means ? ck_sum_lanes(plain) / (float)n : 0.0f);
    vf second = ck_set(ck_sum_lanes(along) / (float)n);
    CK_EACH(n, j) {
        vf g = ck_load_some(dy + j, n - j, 0.0f) * ck_load_some(t->gamma + j, n - j, 0.0f);
        vf h = (ck_load_some(x + j, n - j, s.mean) - middle) * by;
        ck_store_some(dx + j, n - j, by * (g - ck_fma(h, second, first)));
    }
}

static void ck_layernorm_gradient_f32_run(const ck_layernorm_gradient_f32 *t) {
    for (size_t m = 0; m < t->rows; m++) ck_layernorm_gradient_row(t, m);
}

static void ck_layernorm_parameters_f32_run(const ck_layernorm_gradient_f32 *t, float *dgamma,
                                            float *dbeta) {
    size_t n = t->width;
    CK_EACH(n, j) {
        vf gamma = ck_load_some(dgamma + j, n - j, 0.0f);
        vf beta = dbeta ? ck_load_some(dbeta + j, n - j, 0.0f) : ck_set(0.0f);
        for (size_t m = 0; m < t->rows; m++) {
            vf d = ck_load_some(t->dy + m * t->lddy + j, n - j, 0.0f);
            vf x = ck_load_some(t->x + m * t->ldx + j, n - j, 0.0f);
            vf mean = ck_set(t->means ? t->means[m] : 0.0f);
            gamma = ck_fma(d, (x - mean) * ck_set(t->factors[m]), gamma);
            beta = beta + d;
        }
        ck_store_some(dgamma + j, n - j, gamma);
        if (dbeta) ck_store_some(dbeta + j, n - j, beta);
    }
}

// With y = x / ‖x‖: dx = (dy - y (y · dy)) / ‖x‖; where the norm is not above epsilon, dy / epsilon.
static void ck_l2_normalize_gradient_f32_run(size_t rows, size_t n, const float *x, size_t ldx,
                                             float epsilon, const float *dy, size_t lddy,
                                             float *dx, size_t lddx) {
    for (size_t m = 0; m < rows; m++, x += ldx, dy += lddy, dx += lddx) {
        float norm = __builtin_sqrtf(ck_dot_f32_run(n, x, x));
        vf by = ck_max(ck_set(epsilon), ck_set(norm));
        float along = norm > epsilon ? ck_dot_f32_run(n, x, dy) / norm : 0.0f;
        CK_EACH(n, j) {
            vf y = ck_load_some(x + j, n - j, 0.0f) / by;
            vf d = ck_fma(-y, ck_set(along), ck_load_some(dy + j, n - j, 0.0f));
            ck_store_some(dx + j, n - j, d / by);
        }
    }
}

// out[n] = max over the rows, at[n] = the first row that has it. A NaN gives NaN, the first one.
static void ck_argmax_rows_f32_run(size_t rows, size_t n, const float *x, size_t ldx, float *out,
                                   int32_t *at) {
    CK_EACH(n, j) {
        vf most = ck_load_some(x + j, n - j, 0.0f);
        vi row = (vi)(0);
        for (size_t m = 1; m < rows; m++) {
            vf v = ck_load_some(x + m * ldx + j, n - j, 0.0f);
            vi better = (v > most) | ((v != v) & (most == most));
            most = ck_select(better, v, most);
            row = better ? (vi)((int32_t)m) : row;
        }
        ck_store_some(out + j, n - j, most);
        int32_t rows_of[16];
        memcpy(rows_of, &row, sizeof rows_of);
        for (size_t i = 0; i < 16 && j + i < n; i++) at[j + i] = rows_of[i];
    }
}

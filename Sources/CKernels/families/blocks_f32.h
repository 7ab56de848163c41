// What newer encoders put between their products: root-mean-square norm, gates, rotary positions.

static void ck_rmsnorm_f32_run(size_t rows, size_t n, const float *x, size_t ldx,
                               const float *gamma, float epsilon, float *out, size_t ldo) {
    for (size_t m = 0; m < rows; m++, x += ldx, out += ldo) {
        vf by = ck_set(ck_rms_factor(n, x, epsilon));
        CK_EACH(n, j) {
            vf y = ck_load_some(x + j, n - j, 0.0f) * by;
            ck_store_some(out + j, n - j, y * ck_load_some(gamma + j, n - j, 0.0f));
        }
    }
}

#define CK_GATE_LOOP(EXPRESSION) \
    for (size_t m = 0; m < rows; m++, x += ldx, y += ldy) \
        CK_EACH(n, j) { \
            vf v = ck_load_some(x + j, n - j, 0.0f); \
            vf gate = ck_load_some(x + n + j, n - j, 0.0f); \
            ck_store_some(y + j, n - j, (EXPRESSION) * gate); \
        }

static void ck_gate_f32_run(int activation, size_t rows, size_t n, const float *x, size_t ldx,
                            float *y, size_t ldy) {
    switch (activation) {
    case CK_GELU: CK_GATE_LOOP(ck_gelu(v)); break;
    case CK_GELU_TANH: CK_GATE_LOOP(ck_gelu_tanh(v)); break;
    case CK_RELU: CK_GATE_LOOP(ck_max(ck_set(0.0f), v)); break;
    case CK_TANH: CK_GATE_LOOP(ck_tanh(v)); break;
    case CK_SILU: CK_GATE_LOOP(ck_silu(v)); break;
    default: CK_GATE_LOOP(v); break;
    }
}

// By the left half dy * f'(left) * right, by the right one dy * f(left).
#define CK_GATE_GRADIENT_LOOP(VALUE, SLOPE) \
    for (size_t m = 0; m < rows; m++, x += ldx, dy += lddy, dx += lddx) \
        CK_EACH(n, j) { \
            vf v = ck_load_some(x + j, n - j, 0.0f), d = ck_load_some(dy + j, n - j, 0.0f); \
            vf gate = ck_load_some(x + n + j, n - j, 0.0f); \
            ck_store_some(dx + j, n - j, d * gate * (SLOPE)); \
            ck_store_some(dx + n + j, n - j, d * (VALUE)); \
        }

static void ck_gate_gradient_f32_run(int activation, size_t rows, size_t n, const float *x,
                                     size_t ldx, const float *dy, size_t lddy, float *dx,
                                     size_t lddx) {
    const vf zero = ck_set(0.0f), one = ck_set(1.0f);
    switch (activation) {
    case CK_GELU: CK_GATE_GRADIENT_LOOP(ck_gelu(v), ck_gelu_slope(v)); break;
    case CK_GELU_TANH: CK_GATE_GRADIENT_LOOP(ck_gelu_tanh(v), ck_gelu_tanh_slope(v)); break;
    case CK_RELU:
        CK_GATE_GRADIENT_LOOP(ck_max(zero, v), ck_select(v > zero, one, v != v ? v : zero));
        break;
    case CK_TANH: CK_GATE_GRADIENT_LOOP(ck_tanh(v), ck_tanh_slope(v)); break;
    case CK_SILU: CK_GATE_GRADIENT_LOOP(ck_silu(v), ck_silu_slope(v)); break;
    default: CK_GATE_GRADIENT_LOOP(v, one); break;
    }
}

static void ck_rotary_f32_run(const ck_rotary_f32 *t) {
    size_t half = t->head_width / 2;
    for (size_t m = 0; m < t->rows; m++) {
        const float *c = t->cosine + (size_t)t->positions[m] * half;
        const float *s = t->sine + (size_t)t->positions[m] * half;
        for (size_t h = 0; h < t->heads; h++) {
            const float *x = t->x + m * t->ldx + h * t->head_width;
            float *y = t->out + m * t->ldo + h * t->head_width;
            CK_EACH(half, j) {
                size_t rest = half - j;
                vf a = ck_load_some(x + j, rest, 0.0f), b = ck_load_some(x + half + j, rest, 0.0f);
                vf cosine = ck_load_some(c + j, rest, 0.0f), sine = ck_load_some(s + j, rest, 0.0f);
                ck_store_some(y + j, rest, ck_fma(a, cosine, -(b * sine)));
                ck_store_some(y + half + j, rest, ck_fma(b, cosine, a * sine));
            }
        }
    }
}

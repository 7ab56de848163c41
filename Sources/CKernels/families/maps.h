// One element at a time: elementary functions, scaling, axpy.

#define CK_MAP_LOOP(EXPRESSION) \
    for (size_t j = 0; j < n; j += 16) { \
        vf v = ck_load_some(x + j, n - j, 0.0f); \
        ck_store_some(y + j, n - j, EXPRESSION); \
    }

static void ck_map_f32_run(int map, size_t n, const float *x, float *y) {
    switch (map) {
    case CK_MAP_EXP: CK_MAP_LOOP(ck_exp(v)); break;
    case CK_MAP_GELU: CK_MAP_LOOP(ck_gelu(v)); break;
    case CK_MAP_GELU_TANH: CK_MAP_LOOP(ck_gelu_tanh(v)); break;
    case CK_MAP_RELU: CK_MAP_LOOP(ck_max(ck_set(0.0f), v)); break;
    case CK_MAP_TANH: CK_MAP_LOOP(ck_tanh(v)); break;
    case CK_MAP_SIGMOID: CK_MAP_LOOP(ck_sigmoid(v)); break;
    case CK_MAP_LOG1P_RELU: CK_MAP_LOOP(ck_log1p_relu(v)); break;
    case CK_MAP_SILU: CK_MAP_LOOP(ck_silu(v)); break;
    default: __builtin_trap();
    }
}

static void ck_scale_f32_run(size_t n, float alpha, const float *x, float *y) {
    CK_MAP_LOOP(v * ck_set(alpha))
}

static void ck_axpy_f32_run(size_t n, float alpha, const float *x, float *y) {
    CK_MAP_LOOP(ck_fma(ck_set(alpha), v, ck_load_some(y + j, n - j, 0.0f)))
}

// exp, GELU, tanh, sigmoid and log1p in single precision, to about two units in the last place.
//
// Polynomials are minimax fits with coefficients rounded one after the other; the order of every
// operation is written out, so that all instruction sets agree. NaN in, NaN out.

// 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits.
#define CK_ROUNDER 12582912.0f
#define CK_ROUNDER_BITS 0x4B400000
#define CK_LOG2E 0x1.715476p+0f
#define CK_LN2_HIGH 0x1.62e400p-1f // few enough bits that n * CK_LN2_HIGH is exact
#define CK_LN2_LOW 0x1.7f7d1cp-20f

// 2^n for n + CK_ROUNDER in `shifted`, -126 <= n <= 127.
CK_INLINE vf ck_power_of_two(vi n) { return (vf)((n + 127) << 23); }

// x * 2^n with one rounding, through overflow and subnormal results; -252 <= n <= 254.
// n is given twice: as a float and, plus CK_ROUNDER, in the low bits of one.
CK_INLINE vf ck_scale_by_power(vf x, vf whole, vf shifted) {
#if CK_AVX512
    (void)shifted;
    return (vf)_mm512_scalef_ps((__m512)x, (__m512)whole);
#else
    (void)whole;
    vi n = (vi)shifted - CK_ROUNDER_BITS;
    vi half = n >> 1;
    // The first product is exact, so the pair rounds once.
    return (x * ck_power_of_two(half)) * ck_power_of_two(n - half);
#endif
}

// The n of y = n * log(2) + r, plus CK_ROUNDER.
CK_INLINE vf ck_exp_shifted(vf y) { return ck_fma(y, ck_set(CK_LOG2E), ck_set(CK_ROUNDER)); }

CK_INLINE vf ck_exp_reduced(vf y, vf n) {
    vf r = ck_fma(n, ck_set(-CK_LN2_HIGH), y);
    return ck_fma(n, ck_set(-CK_LN2_LOW), r);
}

// exp(r) for |r| <= log(2) / 2 and a little.
CK_INLINE vf ck_exp_polynomial(vf r) {
    vf p = ck_set(0x1.6a4154p-10f);
    p = ck_fma(p, r, ck_set(0x1.1239c6p-7f));
    p = ck_fma(p, r, ck_set(0x1.5558bcp-5f));
    p = ck_fma(p, r, ck_set(0x1.555492p-3f));
    p = ck_fma(p, r, ck_set(0x1.fffffcp-2f));
    p = ck_fma(r * r, p, r);
    return p + ck_set(1.0f);
}

// exp(x) for x <= 0: what ck_exp gives, without the upper bound.
CK_INLINE vf ck_exp_not_positive(vf x) {
    x = ck_max(ck_set(-105.0f), x);
    vf shifted = ck_exp_shifted(x);
    vf n = shifted - ck_set(CK_ROUNDER);
    return ck_scale_by_power(ck_exp_polynomial(ck_exp_reduced(x, n)), n, shifted);
}

// exp(-inf) = 0, exp(inf) = inf, subnormal results are rounded correctly.
CK_INLINE vf ck_exp(vf x) { return ck_exp_not_positive(ck_min(ck_set(90.0f), x)); }

// Phi(-a) = exp(-a*a/2) * P(a)/Q(a) for 0 <= a <= 15; the square is carried in two parts, and the
// exponential comes back too.
CK_INLINE vf ck_normal_tail(vf a, vf *exponential) {
    vf square = a * a;
    vf error = ck_fma(a, a, -square);
    vf y = square * ck_set(-0.5f); // not below -112.5
    vf shifted = ck_exp_shifted(y);
    vf n = shifted - ck_set(CK_ROUNDER);
    vf r = ck_fma(error, ck_set(-0.5f), ck_exp_reduced(y, n));
    vf e = ck_scale_by_power(ck_exp_polynomial(r), n, shifted);
    vf p = ck_set(0x1.0b38b4p-8f);
    p = ck_fma(p, a, ck_set(0x1.4ab9a8p-5f));
    p = ck_fma(p, a, ck_set(0x1.75ad54p-3f));
    p = ck_fma(p, a, ck_set(0x1.bfbdecp-2f));
    p = ck_fma(p, a, ck_set(0x1p-1f));
    vf q = ck_set(0x1.4ee884p-7f);
    q = ck_fma(q, a, ck_set(0x1.9e87cep-4f));
    q = ck_fma(q, a, ck_set(0x1.dea41cp-2f));
    q = ck_fma(q, a, ck_set(0x1.33041ap+0f));
    q = ck_fma(q, a, ck_set(0x1.ac2126p+0f));
    q = ck_fma(q, a, ck_set(0x1p+0f));
    *exponential = e;
    return e * (p / q);
}

// x * Phi(x), as max(x, 0) - |x| * Phi(-|x|) so that nothing cancels in the lower tail.
CK_INLINE vf ck_gelu(vf x) {
    vf a = ck_min(ck_set(15.0f), ck_abs(x)), e; // Phi(-15) is zero in single precision
    vf tail = ck_normal_tail(a, &e);
    return ck_max(ck_set(0.0f), x) - a * tail;
}

// x * Phi(x) to 2e-4, for what is rounded to a narrow element next: an odd polynomial for Phi - 1/2
// up to 4, where it reaches 1/2; zero below.
CK_INLINE vf ck_gelu_coarse(vf x) {
    vf above = ck_max(ck_set(-4.0f), x), inner = ck_min(ck_set(4.0f), above);
    vf square = inner * inner;
    vf p = ck_set(0x1.840ff6p-26f);
    p = ck_fma(p, square, ck_set(-0x1.aa7f58p-20f));
    p = ck_fma(p, square, ck_set(0x1.90ac28p-15f));
    p = ck_fma(p, square, ck_set(-0x1.a9d1f4p-11f));
    p = ck_fma(p, square, ck_set(0x1.1f2b2ap-7f));
    p = ck_fma(p, square, ck_set(-0x1.086a36p-4f));
    p = ck_fma(p, square, ck_set(0x1.976b4ep-2f));
    return above * ck_fma(inner, p, ck_set(0.5f));
}

// The derivative of x * Phi(x), Phi(x) + x * phi(x): g below zero and 1 - g above.
CK_INLINE vf ck_gelu_slope(vf x) {
    vf a = ck_min(ck_set(15.0f), ck_abs(x)), e;
    vf tail = ck_normal_tail(a, &e);
    vf g = ck_fma(a * ck_set(-0x1.988454p-2f), e, tail); // 1 / sqrt(2 pi)
    return ck_select(x < ck_set(0.0f), g, ck_set(1.0f) - g);
}


// e^-|x| in the denominator only: exact to the last places on both sides of zero.
CK_INLINE vf ck_sigmoid(vf x) {
    vf e = ck_exp_not_positive(-ck_abs(x));
    vf top = ck_select(x < ck_set(0.0f), e, ck_set(1.0f));
    return top / (ck_set(1.0f) + e);
}

// x * sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
CK_INLINE vf ck_gelu_tanh(vf x) {
    x = ck_max(ck_set(-15.0f), x); // below, the result is zero; and -inf * 0 would be NaN
    vf inner = ck_fma(x * x, ck_set(0.044715f), ck_set(1.0f));
    vf u = (x * inner) * ck_set(0x1.988454p+0f);
    return x * ck_sigmoid(u);
}

// x * sigmoid(x).
CK_INLINE vf ck_silu(vf x) {
    x = ck_max(ck_set(-110.0f), x); // below, the result is zero; and -inf * 0 would be NaN
    return x * ck_sigmoid(x);
}

// s (1 - s), in the form that does not cancel; even in x.
CK_INLINE vf ck_sigmoid_slope(vf x) {
    vf e = ck_exp_not_positive(-ck_abs(x));
    vf below = ck_set(1.0f) + e;
    return e / (below * below);
}

// The derivative of ck_silu: s + x s (1 - s).
CK_INLINE vf ck_silu_slope(vf x) {
    x = ck_min(ck_set(110.0f), ck_max(ck_set(-110.0f), x)); // beyond, the derivative is 0 or 1
    return ck_fma(x, ck_sigmoid_slope(x), ck_sigmoid(x));
}

// The derivative of ck_gelu_tanh: s + x s (1 - s) (2u)'.
CK_INLINE vf ck_gelu_tanh_slope(vf x) {
    x = ck_min(ck_set(15.0f), ck_max(ck_set(-15.0f), x)); // beyond, the derivative is 0 or 1
    vf square = x * x;
    vf inner = ck_fma(square, ck_set(0.044715f), ck_set(1.0f));
    vf u = (x * inner) * ck_set(0x1.988454p+0f);
    vf slope = ck_fma(square, ck_set(0.134145f), ck_set(1.0f)) * ck_set(0x1.988454p+0f);
    return ck_fma(x * slope, ck_sigmoid_slope(u), ck_sigmoid(u));
}

// expm1(2|x|) / (expm1(2|x|) + 2), with the sign of x.
CK_INLINE vf ck_tanh(vf x) {
    vf y = ck_min(ck_set(20.0f), ck_abs(x) * ck_set(2.0f)); // tanh(10) rounds to one
    vf shifted = ck_exp_shifted(y);
    vf r = ck_exp_reduced(y, shifted - ck_set(CK_ROUNDER));
    vf p = ck_set(0x1.9e7cf2p-13f);
    p = ck_fma(p, r, ck_set(0x1.6d3a84p-10f));
    p = ck_fma(p, r, ck_set(0x1.1112d4p-7f));
    p = ck_fma(p, r, ck_set(0x1.5554f8p-5f));
    p = ck_fma(p, r, ck_set(0x1.555554p-3f));
    p = ck_fma(p, r, ck_set(0x1p-1f));
    p = ck_fma(r * r, p, r);
    vf power = ck_power_of_two((vi)shifted - CK_ROUNDER_BITS);
    vf em1 = ck_fma(power, p, power - ck_set(1.0f));
    vf t = em1 / (em1 + ck_set(2.0f));
    return (vf)((vi)t | ((vi)x & (vi)(INT32_MIN)));
}

// log(1 + max(x, 0)); 1 + x is split as 2^k (1 + f) with f in [sqrt(1/2) - 1, sqrt(2) - 1].
CK_INLINE vf ck_log1p_relu(vf x) {
    x = ck_max(ck_set(0.0f), x);
    vf finite = ck_min(ck_set(0x1.fffffep+127f), x);
    vf u = finite + ck_set(1.0f);
    vf lost = finite - (u - ck_set(1.0f)); // what the sum rounded away
    vi bits = (vi)u + (0x3f800000 - 0x3f3504f3);
    vi k = (bits >> 23) - 127;
    vf m = (vf)((bits & 0x007fffff) + 0x3f3504f3);
    // Nothing is lost from k = 26 on, where any finite power will do.
    vf f = ck_fma(lost, ck_power_of_two(-(k & 63)), m - ck_set(1.0f));
    vf kf = __builtin_convertvector(k, vf);
    vf p = ck_set(-0x1.37ee70p-4f);
    p = ck_fma(p, f, ck_set(0x1.085610p-3f));
    p = ck_fma(p, f, ck_set(-0x1.0f4aa8p-3f));
    p = ck_fma(p, f, ck_set(0x1.227038p-3f));
    p = ck_fma(p, f, ck_set(-0x1.5424fep-3f));
    p = ck_fma(p, f, ck_set(0x1.99a400p-3f));
    p = ck_fma(p, f, ck_set(-0x1.000434p-2f));
    p = ck_fma(p, f, ck_set(0x1.555550p-2f));
    p = ck_fma(p, f, ck_set(-0x1.fffff8p-2f));
    vf low = ck_fma(kf, ck_set(CK_LN2_LOW), (f * f) * p);
    vf result = ck_fma(kf, ck_set(CK_LN2_HIGH), f + low);
    result = ck_select(x > ck_set(0x1.fffffep+127f), x, result);
    return ck_select(x != x, x, result);
}

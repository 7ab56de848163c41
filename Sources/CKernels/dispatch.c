// Which instance runs is decided here, once, at run time.

#include "tables.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
static int ck_runs_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("fma");
}

// F16C is bit 29 of CPUID leaf 1, ECX.
static int ck_runs_avx2(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
        && __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 29));
}

// Of CPUID leaf 7, subleaf 1, EAX.
static int ck_runs_avx_vnni(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4));
}
#endif

int ck_isa_supported(int isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = ck_runs_avx2();
    switch (isa) {
    case CK_PORTABLE: return 1;
    case CK_AVX2: return avx2;
    case CK_AVX2_VNNI: return avx2 && ck_runs_avx_vnni();
    case CK_AVX512: return ck_runs_avx512();
    case CK_AVX512_VNNI: return ck_runs_avx512() && __builtin_cpu_supports("avx512vnni");
    case CK_AVX512_BF16:
        return ck_runs_avx512() && __builtin_cpu_supports("avx512vnni")
            && __builtin_cpu_supports("avx512bf16");
    default: return 0;
    }
#else
    return isa == CK_PORTABLE;
#endif
}

int ck_best_isa(void) {
    int isa = CK_AVX512_BF16;
    while (!ck_isa_supported(isa)) isa--;
    return isa;
}

const ck_table *ck_table_for(int isa) {
    if (!ck_isa_supported(isa)) return 0;
#if defined(__x86_64__)
    switch (isa) {
    case CK_AVX2: return &ck_table_avx2;
    case CK_AVX2_VNNI: return &ck_table_avx2_vnni;
    case CK_AVX512: return &ck_table_avx512;
    case CK_AVX512_VNNI: return &ck_table_avx512_vnni;
    case CK_AVX512_BF16: return &ck_table_avx512_bf16;
    }
#endif
    return &ck_table_portable;
}

size_t ck_packed_f32_count(size_t n, size_t k) { return (n + 15) / 16 * 16 * k; }

size_t ck_packed_bf16_count(size_t n, size_t k) { return (n + 15) / 16 * 16 * ((k + 1) / 2); }
size_t ck_packed_s8_count(size_t n, size_t k) { return (n + 15) / 16 * 16 * ((k + 3) / 4); }

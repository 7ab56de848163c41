// Which instance runs is decided here, once, at run time.

#include "tables.h"

int ck_isa_supported(int isa) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    switch (isa) {
    case CK_PORTABLE: return 1;
    case CK_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CK_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("fma");
    default: return 0;
    }
#else
    return isa == CK_PORTABLE;
#endif
}

int ck_best_isa(void) {
    int isa = CK_AVX512;
    while (!ck_isa_supported(isa)) isa--;
    return isa;
}

const ck_table *ck_table_for(int isa) {
    if (!ck_isa_supported(isa)) return 0;
#if defined(__x86_64__)
    if (isa == CK_AVX512) return &ck_table_avx512;
    if (isa == CK_AVX2) return &ck_table_avx2;
#endif
    return &ck_table_portable;
}

size_t ck_packed_f32_count(size_t n, size_t k) { return (n + 15) / 16 * 16 * k; }

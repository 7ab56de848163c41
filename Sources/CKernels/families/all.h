// One instance of every kernel: included with the target attribute set, once for each set.

#include "../vector.h"
#include "../elementary.h"
#include "pack_f32.h"
#include "tile_f32.h"
#include "few_f32.h"
#include "gemm_f32.h"
#include "dropout.h"
#include "attention_f32.h"
#include "rows.h"
#include "maps.h"
#include "gradients.h"
#include "attention_gradient_f32.h"
#include "blocks_f32.h"
#include "convert.h"
#include "scan_select.h"
#include "scan_bits.h"
#include "lookups.h"
#include "neighbours.h"
#include "rotate.h"
#include "distances.h"
#include "impacts.h"
#include "forward.h"
#include "residuals.h"
#include "narrow.h"

static size_t ck_narrow_scratch_run(size_t m, size_t k) {
    size_t words = m * ck_narrow_stride(k) + 2 * ck_round_up(m, 16) + 16;
    return words * sizeof(int32_t);
}

// Suffixes of the functions that multiply bfloat16 and bytes.
#define CK_TABLE_OF(NAME, BF16, S8) \
    { \
        .name = NAME, \
        .pack_f32 = ck_pack_f32_run, \
        .gemm_f32 = ck_gemm_f32_run, \
        .gemm_colmax_f32 = ck_gemm_colmax_f32_run, \
        .pack_bf16 = ck_pack_bf16_run, \
        .pack_s8 = ck_pack_s8_run, \
        .narrow_scratch = ck_narrow_scratch_run, \
        .gemm_bf16 = ck_gemm_run_##BF16, \
        .gemm_s8 = ck_gemm_run_##S8, \
        .gemm_colmax_bf16 = ck_gemm_colmax_run_##BF16, \
        .gemm_colmax_s8 = ck_gemm_colmax_run_##S8, \
        .scan_s8 = ck_scan_run_##S8, \
        .select_f32 = ck_select_run, \
        .scan_bits = ck_bits_run, \
        .lookup_sums = ck_lookups_run, \
        .neighbours = ck_neighbours_run, \
        .sign_tables = ck_sign_tables_run, \
        .neighbour_codes = ck_neighbour_codes_run, \
        .squares_f32 = ck_squares_run, \
        .products_f32 = ck_products_run, \
        .chains_f32 = ck_chains_run, \
        .offer_keys = ck_offer_keys_run, \
        .rotate_f32 = ck_rotate_run, \
        .distances_f32 = ck_distances_run, \
        .most_s8 = ck_most_run_##S8, \
        .add_impacts_at = ck_add_impacts_at_run, \
        .add_impacts = ck_add_impacts_run, \
        .take_impacts = ck_take_impacts_run, \
        .forward_sums = ck_forward_sums_run, \
        .expand = ck_expand_run, \
        .compress_f32 = ck_compress_run, \
        .levels_f32 = ck_levels_run, \
        .column_ranges_f32 = ck_column_ranges_run, \
        .reaching_f32 = ck_reaching_run, \
        .interact = ck_interact_run, \
        .leaders_f32 = ck_leaders_run, \
        .attention_scratch = ck_attention_scratch_run, \
        .attention_f32 = ck_attention_f32_run, \
        .attention_bf16_scratch = ck_attention_bf16_scratch_run, \
        .attention_bf16 = ck_attention_##BF16, \
        .rotary_f32 = ck_rotary_f32_run, \
        .layernorm_f32 = ck_layernorm_f32_run, \
        .rmsnorm_f32 = ck_rmsnorm_f32_run, \
        .gate_f32 = ck_gate_f32_run, \
        .embedding_f32 = ck_embedding_f32_run, \
        .softmax_rows_f32 = ck_softmax_rows_f32_run, \
        .l2_normalize_rows_f32 = ck_l2_normalize_rows_f32_run, \
        .reduce_rows_f32 = ck_reduce_rows_f32_run, \
        .map_f32 = ck_map_f32_run, \
        .dot_f32 = ck_dot_f32_run, \
        .scale_f32 = ck_scale_f32_run, \
        .axpy_f32 = ck_axpy_f32_run, \
        .f16_to_f32 = ck_f16_to_f32_run, \
        .bf16_to_f32 = ck_bf16_to_f32_run, \
        .f32_to_f16 = ck_f32_to_f16_run, \
        .f32_to_bf16 = ck_f32_to_bf16_run, \
        .attention_gradient_scratch = ck_attention_gradient_scratch_run, \
        .attention_gradient_f32 = ck_attention_gradient_f32_run, \
        .map_gradient_f32 = ck_map_gradient_f32_run, \
        .gate_gradient_f32 = ck_gate_gradient_f32_run, \
        .layernorm_gradient_f32 = ck_layernorm_gradient_f32_run, \
        .layernorm_parameters_f32 = ck_layernorm_parameters_f32_run, \
        .l2_normalize_gradient_f32 = ck_l2_normalize_gradient_f32_run, \
        .argmax_rows_f32 = ck_argmax_rows_f32_run, \
        .add_rows_f32 = ck_add_rows_f32_run, \
        .transpose_f32 = ck_transpose_f32_run, \
        .dropout_f32 = ck_dropout_f32_run, \
    }

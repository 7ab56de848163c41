// SIMD kernels for neural ranking, in single precision.
//
// Letters: M rows (tokens, documents), N outputs, K inputs, L sequence length, D width,
// H heads, E width of one head, S sequences. All matrices are row-major; `ld*` are row strides in
// elements. Pointers need the alignment of their element only.
//
// Every function gives the same bits on every instruction set, and the same bits for a row
// whatever its neighbours, the blocking or the thread; README.md says by which rules.

#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Slowest first. VNNI multiplies bytes, BF16 (which has VNNI) bfloat16; the rest is the same.
enum ck_isa {
    CK_PORTABLE = 0,
    CK_AVX2 = 1,
    CK_AVX2_VNNI = 2,
    CK_AVX512 = 3,
    CK_AVX512_VNNI = 4,
    CK_AVX512_BF16 = 5,
};

enum ck_activation {
    CK_NONE = 0,
    CK_GELU = 1,      // x * Phi(x), by the error function
    CK_GELU_TANH = 2, // the approximation 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
    CK_RELU = 3,
    CK_TANH = 4,
    CK_SILU = 5, // x / (1 + exp(-x))
};

enum ck_map {
    CK_MAP_EXP = 0,
    CK_MAP_GELU = 1,
    CK_MAP_GELU_TANH = 2,
    CK_MAP_RELU = 3,
    CK_MAP_TANH = 4,
    CK_MAP_SIGMOID = 5,
    CK_MAP_LOG1P_RELU = 6, // log(1 + max(x, 0))
    CK_MAP_SILU = 7,
};

enum ck_reduction { CK_REDUCE_SUM = 0, CK_REDUCE_MEAN = 1, CK_REDUCE_MAX = 2 };

// Columns of a full panel of packed weights; the last panel has 16, 32, 48 or 64.
enum { CK_PANEL = 64 };

// Rows that are multiplied at a time: a block of them stays in the second-level cache.
enum { CK_BLOCK = 96 };

// c[M,N] = act(a[M,K] · W[N,K]ᵀ + bias[N]), or residual[M,N] + (a · Wᵀ + bias).
// `bias` and `residual` may be NULL. `c` overlaps neither `a` nor `residual`.
// Columns n0..<n1 only are computed; n0 is a multiple of CK_PANEL, n1 too unless it is n.
typedef struct {
    size_t m, n, k;
    const float *a;
    size_t lda;
    const float *packed; // by pack_f32
    const float *bias;
    const float *residual;
    size_t ldr;
    float *c;
    size_t ldc;
    size_t n0, n1;
    int activation; // ck_activation; CK_NONE where there is a residual
    int accumulate; // sums start from c instead of 0; not those of bytes
} ck_gemm_f32;

// out[s,N] = max over the rows offsets[s]..<offsets[s+1] of (a · Wᵀ + bias). M×N is never stored.
// A NaN among the rows gives NaN. No sequence may be empty.
typedef struct {
    size_t sequences, n, k;
    const size_t *offsets; // [sequences + 1]
    const float *a;
    size_t lda;
    const float *packed;
    const float *bias;
    float *out;
    size_t ldo;
    size_t n0, n1; // as in ck_gemm_f32
} ck_gemm_colmax_f32;

// Which elements are dropped: word w of a Philox block drops one where it is below `threshold`;
// the others are multiplied by `factor`. families/dropout.h says which word belongs to an element.
typedef struct {
    uint64_t seed, stream;
    uint32_t threshold; // rate * 2^32
    float factor;       // 1 / (1 - rate)
} ck_dropout;

// W[N,K] of narrow elements: bfloat16, or bytes with a scale for every output.
typedef struct {
    size_t n, k;           // k <= 65536 of bytes, so that sums fit 32 bits
    const int32_t *packed; // by pack_bf16 or pack_s8
    // By pack_s8, for the outputs up to the next multiple of 16: what a step is worth, and the sum
    // of the weights in steps.
    const float *scales;
    const int32_t *sums;
} ck_narrow_weights;

// Documents, of bytes or without their numbers, and what excludes them as answers of queries: a score is at most
// product + offset + error * by_error + norm * by_norm + by_none, and it is found unless that is below
// the query's threshold. Documents are rows, queries columns.
typedef struct {
    size_t m;
    const int8_t *codes; // [m, ld]
    size_t ld;           // bytes, at least K
    const float *scales, *errors, *norms; // [m]
    const float *offsets;                 // [m], or NULL for zeros
    const float *by_error, *by_norm, *by_none, *thresholds; // [n]
    // What is found, with its product: room for m * n each. Of one column rows ascend.
    int32_t *found_rows, *found_columns;
    float *found_scores;
} ck_scan;

// Documents of a code, and of queries' tables, in scan_bits: documents of a block, the largest number
// of a table.
enum { CK_BITS_BLOCK = 32, CK_BITS_MOST = 63 };

// Documents of one bit a number, and queries as tables of what four bits add. The score of document i
// for query j is (sum * steps[j] + bases[j]) * scales[i] + offsets[i].
typedef struct {
    ck_scan found;        // m, thresholds and what is found; nothing else is read
    size_t n, depth;      // bytes of a code, an even number
    const uint8_t *codes; // [blocks, depth, CK_BITS_BLOCK], documents behind m are anything
    const float *scales, *offsets; // [m]
    const uint8_t *tables;         // [n, depth, 2, 16], of the lower and of the upper half of a byte
    const float *steps, *bases;    // [n]
} ck_bits;

// A query, and the neighbours of a vertex as codes of one bit a number beside it:
// out[i] = scales[i] * (sum * step + base) + offsets[i] + distance.
typedef struct {
    size_t blocks, depth; // of CK_BITS_BLOCK neighbours; bytes of a code, an even number
    // [blocks]: codes[depth, CK_BITS_BLOCK], then offsets and scales, CK_BITS_BLOCK floats each,
    // unaligned; by neighbour_codes.
    const uint8_t *rows;
    const uint8_t *tables; // [depth, 2, 16] of numbers up to CK_BITS_MOST
    float step, base;
    float distance; // ‖q - p‖² of the query and the vertex
    float *out;     // [blocks, CK_BITS_BLOCK]
    float limit;
    uint32_t *near; // [blocks]: bit i is set unless out[i] is above the limit
} ck_neighbours;

// The least of some keys, in order. A key is a float, in the order of its value, above twice the number
// that it is named by; the lowest bit is a mark of the caller's.
typedef struct {
    uint64_t *keys;
    size_t count, width; // how many there are, and at most
    size_t first; // the place of the first key that was put in, if that is in front of it
    // What is marked `mark` is passed over; NULL for nothing.
    const uint32_t *marks;
    uint32_t mark;
} ck_keys;

// Rows of bytes in sequences, and what bounds their scores as in `ck_scan`:
// out[sequence, column] = max over the rows of product + (error * by_error + norm * by_norm) + offset,
// -inf of a sequence without rows. Where there is a table of numbers to be added, a row is what is left
// of a centroid, whose scores are in the line that the row names:
// (product + bound + added) * factor + offset.
typedef struct {
    size_t sequences;
    const size_t *starts; // [sequences + 1], ascending from 0: the row at which each begins
    const int8_t *codes;  // [starts[sequences], ld]
    size_t ld;            // bytes, at least K
    const float *scales, *errors, *norms; // of each row
    const float *offsets;                 // of each row, or NULL for zeros
    const float *by_error, *by_norm;      // [N to the next multiple of 16]
    const float *added;     // [lines, lda], or NULL for zeros
    const int32_t *lines;   // of each row
    const float *factors;   // of each row
    size_t lda;             // at least N to the next multiple of 16
    float *out; // [sequences, ldo]; columns up to the next multiple of 16 are written
    size_t ldo;
} ck_most;

// Coded sparse documents. Where a document's entries start is a number of 64 bits, unaligned; there is
// one more for the end of the last. A record is a scale of 32 bits, whose sign says whether codes have
// one, then the numbers of all terms, 16 bits or where `wide` 32, then a code of a byte for each.
// Records follow each other: that of document d starts at byte 4 d + entries before it * 3, or 5.
typedef struct {
    const uint8_t *offsets, *records;
    size_t entries;
    int wide;
    uint32_t mask;
} ck_forward;

// Scores of centroids as levels, and documents as the centroids of their vectors:
// out[document] = sum or maximum over the columns of the largest level of its vectors. Vectors of
// centroids that are not kept do not count; the level of no vector is 0.
typedef struct {
    size_t documents;
    const int64_t *firsts, *counts; // the vectors of each document
    const uint16_t *narrow;         // the centroid of each vector, unless they are `wide`
    const int32_t *wide;
    const uint8_t *levels; // [centroids, width]
    size_t width;          // a multiple of 16
    const uint8_t *kept;   // [centroids], or NULL for all
    int takes_largest;     // the maximum and not the sum
    int32_t *out;
} ck_levels;

// Softmax attention of one sequence: for every head h,
// out[q, h*E ..] = softmax over keys of (scale * q_h · k_hᵀ + relative) · v_h.
// q[queries, ldq], k[keys, ldk], v[keys, ldv], out[queries, ldo]; head h at column h*E of each, but
// key_heads, which divides heads, are those of keys and values: heads / key_heads heads of queries,
// one after the other, share one.
// `keep[keys]` may be NULL; a key with keep == 0 is not attended.
// Query i stands at key first + i. Keys of which it stands more than `reach` behind, or more than
// `ahead` before, are not attended; a large number for all. `ahead` is not above `reach`.
// `relative` may be NULL; relative[h*ldr + d] is added for a key at the distance
// d = key - query, -(first + queries - 1) <= d < keys - first: it points to the distance 0.
// A query without keys gets the mean of all values, as if all scores were equal.
typedef struct {
    size_t queries, keys, heads, key_heads, head_width;
    const float *q;
    size_t ldq;
    const float *k;
    size_t ldk;
    const float *v;
    size_t ldv;
    const uint8_t *keep;
    const float *relative;
    size_t ldr;
    size_t first, reach, ahead;
    float scale; // positive
    float *out;
    size_t ldo;
    float *scratch; // attention_scratch(queries, keys, head_width, reach) floats
    // Dropout of the weights, or NULL; indices from `dropout_index` on, a multiple of 64.
    const ck_dropout *dropout;
    uint64_t dropout_index;
} ck_attention_f32;

// The adjoint of `forward`, whose `out` is not used, which leaves no query without keys, and whose
// scratch has attention_gradient_scratch(queries, keys, head_width, reach) floats.
typedef struct {
    const ck_attention_f32 *forward;
    const float *dout; // [queries, lddout]
    size_t lddout;
    float *dq, *dk, *dv; // written, not added to
    size_t lddq, lddk, lddv;
    // By what distances add, laid out like `relative` and added to; NULL where nothing is wanted.
    float *drelative;
    size_t lddr;
} ck_attention_gradient_f32;

// Rotary embedding of `heads` heads of even width E side by side: elements e and e + E/2 of a head
// are turned by the angle whose cosine and sine are cosine[position, e] and sine[position, e].
// cosine[P, E/2], sine[P, E/2]; positions[rows]. `out` may be `x`.
typedef struct {
    size_t rows, heads, head_width;
    const float *x;
    size_t ldx;
    const float *cosine, *sine;
    const int32_t *positions;
    float *out;
    size_t ldo;
} ck_rotary_f32;

// out[m,D] = layernorm(x[m]) * gamma (+ beta). `out` may be `x`.
typedef struct {
    size_t rows, width;
    const float *x;
    size_t ldx;
    const float *gamma;
    const float *beta; // may be NULL
    float epsilon;
    float *out;
    size_t ldo;
} ck_layernorm_f32;

// The adjoint of layer norm by x; mean and factor of each row are left for the parameters.
// Without `means` that of the root-mean-square norm, whose rows have no mean taken out.
typedef struct {
    size_t rows, width;
    const float *x;
    size_t ldx;
    const float *gamma;
    float epsilon;
    const float *dy;
    size_t lddy;
    float *dx;
    size_t lddx;
    float *means, *factors; // [rows]
} ck_layernorm_gradient_f32;

// out[m,D] = (word[word_ids[m]] + type[type_ids[m]]) + position[position_ids[m]], contiguous rows.
// `type` and `position` may be NULL. Ids are not checked here.
typedef struct {
    size_t rows, width;
    const float *word, *type, *position;
    const int32_t *word_ids, *type_ids, *position_ids;
    float *out;
    size_t ldo;
} ck_embedding_f32;

// One instance of every kernel. All entries are set.
typedef struct {
    const char *name;

    // Packs w[n*sn + k*sk] into panels; `packed` holds ck_packed_f32_count(n, k) floats.
    void (*pack_f32)(size_t n, size_t k, const float *w, size_t sn, size_t sk, float *packed);
    void (*gemm_f32)(const ck_gemm_f32 *);
    void (*gemm_colmax_f32)(const ck_gemm_colmax_f32 *);

    // The same of narrow elements; sn or sk is 1 for bfloat16. `packed` holds ck_packed_bf16_count
    // or ck_packed_s8_count words, `scales` and `sums` as many as ck_narrow_weights says.
    void (*pack_bf16)(size_t n, size_t k, const float *w, size_t sn, size_t sk, int32_t *packed);
    void (*pack_s8)(size_t n, size_t k, const float *w, size_t sn, size_t sk, int32_t *packed,
                    float *scales, int32_t *sums);
    // Bytes of `scratch` for m rows, or for a block of 96 where there is no maximum.
    size_t (*narrow_scratch)(size_t m, size_t k);
    // `packed` of the first argument is not read. Rows of `a` are rounded to bfloat16.
    void (*gemm_bf16)(const ck_gemm_f32 *, const ck_narrow_weights *, void *scratch);
    void (*gemm_colmax_bf16)(const ck_gemm_colmax_f32 *, const ck_narrow_weights *, void *scratch);
    // Rows of `a` become bytes, with a scale and a zero each. A row that is not finite gives NaN.
    void (*gemm_s8)(const ck_gemm_f32 *, const ck_narrow_weights *, void *scratch);
    void (*gemm_colmax_s8)(const ck_gemm_colmax_f32 *, const ck_narrow_weights *, void *scratch);

    // The number of those found; queries are weights of bytes.
    size_t (*scan_s8)(const ck_scan *, const ck_narrow_weights *queries);
    // The same of products[m, ldp] of n queries that were made before; codes and scales are not read.
    // Without errors a product is the score, and one that is no finite number is found.
    size_t (*select_f32)(const ck_scan *, const float *products, size_t ldp, size_t n);
    // The number of those found, and of scores that are no finite numbers.
    size_t (*scan_bits)(const ck_bits *);
    // sums[blocks, CK_BITS_BLOCK] = Σ tables[g, 0, code & 15] + tables[g, 1, code >> 4] over the bytes
    // g of codes[blocks, depth, CK_BITS_BLOCK], modulo 2^16; tables[depth, 2, 16] of numbers up to
    // `most`, faster up to CK_BITS_MOST.
    void (*lookup_sums)(size_t blocks, size_t depth, const uint8_t *codes, const uint8_t *tables,
                        int most, uint16_t *sums);
    void (*neighbours)(const ck_neighbours *);
    // tables[k / 4, 16] of q[k], a multiple of 4, for `neighbours`, with their step and base; sums[4 k] is
    // scratch memory.
    void (*sign_tables)(size_t k, const float *q, float *sums, uint8_t *tables, float *step,
                        float *base);
    // A block of ck_neighbours: codes of rows[at[i], k], i < n <= CK_BITS_BLOCK, beside p[k]; k is a
    // multiple of 16. Sums of signs of a query's numbers times the scale, and the offset, give
    // ‖q - x‖² - ‖q - p‖² without bias.
    void (*neighbour_codes)(size_t n, size_t k, const float *p, const float *rows, size_t ld,
                            const int32_t *at, uint8_t *block);
    // out[i] = ‖q[k] - rows[at[i], k]‖², i < n.
    void (*squares_f32)(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                        const int32_t *at, float *out);
    // Puts those of values[n], named names[n], among the keys that belong there: all of them, or those
    // whose bit is set in near[n / 32].
    void (*offer_keys)(ck_keys *, size_t n, const uint32_t *near, const float *values,
                       const int32_t *names);
    // out[i] = q[k] · rows[at[i], k], i < n, each the bits of dot_f32.
    void (*products_f32)(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                         const int32_t *at, float *out);

    // q · x of rows x[at[i]], of those that follow each other where `at` is NULL: the bits of gemm_f32.
    void (*chains_f32)(size_t n, size_t k, const float *q, const float *rows, size_t ld,
                       const int32_t *at, float *out);
    // Rotates x[width] in place: in each round signs[round, width], the Hadamard transform of `window`
    // numbers, and a turn of the halves unless the window is all. width is a multiple of 64, window the
    // largest power of two that is not above it.
    void (*rotate_f32)(size_t width, size_t window, size_t rounds, const float *signs, float *x);
    // out[M,N] = -‖a[M,K] - W[N,K]‖: squares summed in double precision over K ascending.
    void (*distances_f32)(size_t m, size_t n, size_t k, const float *a, size_t lda,
                          const float *packed, float *out, size_t ldo);
    // Queries are weights of bytes.
    void (*most_s8)(const ck_most *, const ck_narrow_weights *queries);

    // sums[p] += base + ((code - 1) * factor >> 9) for n postings: places p, 16 bits each and
    // unaligned, with a code from 1 to 255. `sums` has 65536 elements; they wrap around.
    void (*add_impacts_at)(size_t n, const uint8_t *places, const uint8_t *codes, int16_t base,
                           int16_t factor, int16_t *sums);
    // The same with a code for each of n places; 0 for none.
    void (*add_impacts)(size_t n, const uint8_t *codes, int16_t base, int16_t factor,
                        int16_t *sums);
    // Finds the places whose sums, with the bits of `flip` inverted, are not below the threshold, and
    // sets all sums to 0. Room for n each; returns their number.
    size_t (*take_impacts)(size_t n, int16_t *sums, int16_t threshold, int16_t flip,
                           int32_t *found, int16_t *values);

    // Products of a query with n documents, in units of the codes, and the scales of these. A weight of
    // the query is an integer of sixteen bits in the lower half of the table's number; sums stay
    // within 32 bits. The table has 65536 numbers, or mask + 1 where terms are wide.
    void (*forward_sums)(const ck_forward *, size_t n, const int32_t *documents,
                         const uint32_t *table, int32_t *sums, float *scales);

    // See families/residuals.h. `values` has sixteen bytes.
    void (*expand)(size_t rows, int bits, size_t size, const uint8_t *codes, const int8_t *values,
                   int8_t *out);
    void (*compress_f32)(size_t rows, size_t k, int bits, const float *x, const float *cutoffs,
                         size_t size, uint8_t *out);
    void (*levels_f32)(size_t rows, size_t n, const float *x, size_t ldx, const float *lows,
                       float inverse, size_t width, uint8_t *out);
    void (*column_ranges_f32)(size_t rows, size_t n, const float *x, size_t ldx, float *lows,
                              float *highs);
    void (*reaching_f32)(size_t rows, size_t n, const float *x, size_t ldx,
                         const float *thresholds, uint8_t *out);
    void (*interact)(const ck_levels *);
    void (*leaders_f32)(size_t rows, size_t n, const float *x, size_t ldx, size_t count,
                        int32_t *places, float *best);

    size_t (*attention_scratch)(size_t queries, size_t keys, size_t head_width, size_t reach);
    void (*attention_f32)(const ck_attention_f32 *);
    // The same with queries, keys, weights and values rounded to bfloat16; no dropout.
    size_t (*attention_bf16_scratch)(size_t keys, size_t head_width, size_t reach);
    void (*attention_bf16)(const ck_attention_f32 *);
    void (*rotary_f32)(const ck_rotary_f32 *);

    void (*layernorm_f32)(const ck_layernorm_f32 *);
    // out[rows,n] = x / sqrt(mean of x² + epsilon) * gamma of each row; `out` may be `x`.
    void (*rmsnorm_f32)(size_t rows, size_t n, const float *x, size_t ldx, const float *gamma,
                        float epsilon, float *out, size_t ldo);
    // y[rows,n] = act(x[rows, 0 ..< n]) * x[rows, n ..< 2n]; `y` does not overlap `x`.
    void (*gate_f32)(int activation, size_t rows, size_t n, const float *x, size_t ldx, float *y,
                     size_t ldy);
    void (*embedding_f32)(const ck_embedding_f32 *);
    // y[rows,n] = softmax of each row of x; `y` may be `x`.
    void (*softmax_rows_f32)(size_t rows, size_t n, const float *x, size_t ldx, float *y,
                             size_t ldy);
    // y[rows,n] = x / max(‖x‖₂, epsilon) of each row; `y` may be `x`.
    void (*l2_normalize_rows_f32)(size_t rows, size_t n, const float *x, size_t ldx,
                                  float epsilon, float *y, size_t ldy);
    // out[n] = sum, mean or max over the rows, in row order. A NaN gives NaN. rows > 0.
    void (*reduce_rows_f32)(int reduction, size_t rows, size_t n, const float *x, size_t ldx,
                            float *out);

    // y[n] = f(x[n]); `y` may be `x`.
    void (*map_f32)(int map, size_t n, const float *x, float *y);
    // Σ x[i] y[i]
    float (*dot_f32)(size_t n, const float *x, const float *y);
    // y[n] = alpha * x[n]; `y` may be `x`.
    void (*scale_f32)(size_t n, float alpha, const float *x, float *y);
    // y[n] = fma(alpha, x[n], y[n])
    void (*axpy_f32)(size_t n, float alpha, const float *x, float *y);

    // Exact widening; a signalling NaN becomes quiet.
    void (*f16_to_f32)(size_t n, const uint16_t *x, float *y);
    void (*bf16_to_f32)(size_t n, const uint16_t *x, float *y);
    // To nearest, ties to even; overflow gives infinity.
    void (*f32_to_f16)(size_t n, const float *x, uint16_t *y);
    void (*f32_to_bf16)(size_t n, const float *x, uint16_t *y);

    // Adjoints, for training. What is summed over rows goes onto what is there.
    size_t (*attention_gradient_scratch)(size_t queries, size_t keys, size_t head_width,
                                         size_t reach);
    void (*attention_gradient_f32)(const ck_attention_gradient_f32 *);
    // dx[n] = dy[n] * f'(x[n]); `dx` may be `dy`.
    void (*map_gradient_f32)(int map, size_t n, const float *x, const float *dy, float *dx);
    // The adjoint of gate_f32; dx[rows,2n] does not overlap the others.
    void (*gate_gradient_f32)(int activation, size_t rows, size_t n, const float *x, size_t ldx,
                              const float *dy, size_t lddy, float *dx, size_t lddx);
    void (*layernorm_gradient_f32)(const ck_layernorm_gradient_f32 *);
    // Of `width` columns; reads x, dy, means and factors. `dbeta` may be NULL.
    void (*layernorm_parameters_f32)(const ck_layernorm_gradient_f32 *, float *dgamma,
                                     float *dbeta);
    void (*l2_normalize_gradient_f32)(size_t rows, size_t n, const float *x, size_t ldx,
                                      float epsilon, const float *dy, size_t lddy, float *dx,
                                      size_t lddx);
    // out[n] = max over the rows and at[n] the first row that has it; a NaN is the maximum.
    void (*argmax_rows_f32)(size_t rows, size_t n, const float *x, size_t ldx, float *out,
                            int32_t *at);
    // sum[n] += x[m,n], row by row.
    void (*add_rows_f32)(size_t rows, size_t n, const float *x, size_t ldx, float *sum);
    // y[n,m] = x[m,n]
    void (*transpose_f32)(size_t m, size_t n, const float *x, size_t ldx, float *y, size_t ldy);
    // y[n] = x / (1 - rate) or 0, by the elements' indices from `index`, a multiple of 64, on;
    // `y` may be `x`.
    void (*dropout_f32)(const ck_dropout *, uint64_t index, size_t n, const float *x, float *y);
} ck_table;

// The kernels for `isa`, or NULL where the build or the processor lacks it.
const ck_table *ck_table_for(int isa);
int ck_isa_supported(int isa);
// The fastest that the processor runs.
int ck_best_isa(void);

// Asks for some bytes, which need not exist, to be brought into the cache.
static inline void ck_fetch(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i += 64) __builtin_prefetch((const char *)bytes + i, 0, 3);
}

// Floats in a packed W[n,k], and words of 32 bits.
size_t ck_packed_f32_count(size_t n, size_t k);
size_t ck_packed_bf16_count(size_t n, size_t k);
size_t ck_packed_s8_count(size_t n, size_t k);

#ifdef __cplusplus
}
#endif

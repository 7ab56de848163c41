// What the CPU's multiply-add instructions give at most: the roof that scripts/bench sets the linear
// layers against.
//
//   bench-peak f32|bf16|int8 THREADS [--cpu]
//
// In C, as these instructions have no other names.
//
// Output: 1e9 operations a second of all threads together, a multiplication and an addition being two;
// nothing where the CPU lacks the instructions. --cpu counts the time that each thread had a processor.

#if defined(__x86_64__)
#include <immintrin.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Latency 4 to 5 at two instructions a cycle: 16 chains keep both ports busy, and fit the registers.
enum { CHAINS = 16, STEPS = 4096, BLOCKS = 8 };

static clockid_t clock_id = CLOCK_MONOTONIC;

static double now(void) {
  struct timespec time;
  clock_gettime(clock_id, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

// One block: STEPS instructions in each chain. What is computed stays alive in `sink`.
#define BLOCK(NAME, TARGET, VECTOR, ZERO, STEP)                                  \
  __attribute__((target(TARGET), noinline)) static void NAME(void) {             \
    VECTOR sums[CHAINS];                                                         \
    for (int i = 0; i < CHAINS; i++) sums[i] = ZERO;                             \
    VECTOR a = ZERO, b = ZERO;                                                   \
    __asm__ volatile("" : "+v"(a), "+v"(b));                                     \
    for (int step = 0; step < STEPS; step++)                                     \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS; i++)        \
          sums[i] = STEP;                                                        \
    for (int i = 0; i < CHAINS; i++) __asm__ volatile("" : : "v"(sums[i]));      \
  }

BLOCK(f32_512, "avx512f", __m512, _mm512_setzero_ps(), _mm512_fmadd_ps(a, b, sums[i]))
BLOCK(bf16_512, "avx512f,avx512bf16", __m512, _mm512_setzero_ps(),
      _mm512_dpbf16_ps(sums[i], (__m512bh)a, (__m512bh)b))
BLOCK(int8_512, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512(),
      _mm512_dpbusd_epi32(sums[i], a, b))

// Eight chains and two operands fit the sixteen registers of AVX2.
__attribute__((target("avx2,fma"), noinline)) static void f32_256(void) {
  __m256 sums[CHAINS / 2], a = _mm256_setzero_ps(), b = a;
  for (int i = 0; i < CHAINS / 2; i++) sums[i] = a;
  __asm__ volatile("" : "+x"(a), "+x"(b));
  for (int step = 0; step < 2 * STEPS; step++)
    _Pragma("clang loop unroll(full)") for (int i = 0; i < CHAINS / 2; i++)
        sums[i] = _mm256_fmadd_ps(a, b, sums[i]);
  for (int i = 0; i < CHAINS / 2; i++) __asm__ volatile("" : : "x"(sums[i]));
}

static void (*block)(void);
static double operations;  // of one block

static void choose(const char *precision) {
  const int wide = __builtin_cpu_supports("avx512f");
  int each = 0;
  if (!strcmp(precision, "f32") && wide) block = f32_512, each = 32;
  else if (!strcmp(precision, "f32") && __builtin_cpu_supports("fma")) block = f32_256, each = 16;
  else if (!strcmp(precision, "bf16") && wide && __builtin_cpu_supports("avx512bf16"))
    block = bf16_512, each = 64;
  else if (!strcmp(precision, "int8") && wide && __builtin_cpu_supports("avx512vnni"))
    block = int8_512, each = 128;
  operations = (double)each * CHAINS * STEPS;
}

// A thread's rate over a fifth of a second, the first blocks left out: clocks rise.
static void *work(void *rate) {
  double start = now(), time = 0;
  while (now() - start < 0.05) block();
  start = now();
  long blocks = 0;
  for (; time < 0.2; time = now() - start, blocks += BLOCKS)
    for (int i = 0; i < BLOCKS; i++) block();
  *(double *)rate = blocks * operations / time;
  return NULL;
}

int main(int count, char **arguments) {
  const int threads = count >= 3 ? atoi(arguments[2]) : 0;
  if (threads < 1 || threads > 1024) return 64;
  if (count >= 4 && !strcmp(arguments[3], "--cpu")) clock_id = CLOCK_THREAD_CPUTIME_ID;
  __builtin_cpu_init();
  choose(arguments[1]);
  if (!block) return 0;
  pthread_t started[1024];
  double rates[1024], sum = 0;
  for (int i = 0; i < threads; i++)
    if (pthread_create(&started[i], NULL, work, &rates[i])) return 71;
  for (int i = 0; i < threads; i++) pthread_join(started[i], NULL), sum += rates[i];
  printf("%.1f\n", sum * 1e-9);
  return 0;
}

#else

int main(void) { return 0; }

#endif

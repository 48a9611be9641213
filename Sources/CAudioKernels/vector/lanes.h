// Vectors of LANES floats, and how streams are dealt out to them and collected: included once per backend, after LANES
// and FUSED, which says whether the target multiplies and adds with one rounding.

#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")

typedef float floats __attribute__((ext_vector_type(LANES)));
typedef float unaligned_floats __attribute__((ext_vector_type(LANES), aligned(4)));
typedef float four_floats __attribute__((ext_vector_type(4)));
typedef float unaligned_four_floats __attribute__((ext_vector_type(4), aligned(4)));

INLINE floats load(const float *p) { return *(const unaligned_floats *)p; }
INLINE void store(float *p, floats v) { *(unaligned_floats *)p = v; }

// a * b + c
INLINE floats multiplied_added(floats a, floats b, floats c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The sum of all lanes: halves onto each other.
INLINE float folded(floats v) {
#if LANES == 16
  typedef float eight_floats __attribute__((ext_vector_type(8)));
  eight_floats eight = v.lo + v.hi;
  four_floats four = eight.lo + eight.hi;
#elif LANES == 8
  four_floats four = v.lo + v.hi;
#else
  four_floats four = v;
#endif
  return (four.x + four.z) + (four.y + four.w);
}

// Indices of lanes in two vectors a, b (those of b counted on from LANES) and, where three are shuffled, in a, b and
// then in the result and c. -1 is a lane of no meaning. Processors with 8 lanes move lanes cheaply only within blocks
// of four, so that blocks are put where they belong as they are loaded and stored.
#if LANES == 4
#define BLOCK_EVENS 0, 2, 4, 6
#define BLOCK_ODDS 1, 3, 5, 7
#define BLOCK_LOWER_PAIRS 0, 4, 1, 5
#define BLOCK_UPPER_PAIRS 2, 6, 3, 7
#define THIRDS_0_AB 0, 3, 6, -1
#define THIRDS_0_C 0, 1, 2, 5
#define THIRDS_1_AB 1, 4, 7, -1
#define THIRDS_1_C 0, 1, 2, 6
#define THIRDS_2_AB 2, 5, -1, -1
#define THIRDS_2_C 0, 1, 4, 7
#define TRIPLES_0_AB 0, 4, -1, 1
#define TRIPLES_0_C 0, 1, 4, 3
#define TRIPLES_1_AB 5, -1, 2, 6
#define TRIPLES_1_C 0, 5, 2, 3
#define TRIPLES_2_AB -1, 3, 7, -1
#define TRIPLES_2_C 6, 1, 2, 7
#elif LANES == 8
#define BLOCK_EVENS 0, 2, 8, 10, 4, 6, 12, 14
#define BLOCK_ODDS 1, 3, 9, 11, 5, 7, 13, 15
#define BLOCK_LOWER_PAIRS 0, 8, 1, 9, 4, 12, 5, 13
#define BLOCK_UPPER_PAIRS 2, 10, 3, 11, 6, 14, 7, 15
#define THIRDS_0_AB 0, 3, 6, 9, 12, 15, -1, -1
#define THIRDS_0_C 0, 1, 2, 3, 4, 5, 10, 13
#define THIRDS_1_AB 1, 4, 7, 10, 13, -1, -1, -1
#define THIRDS_1_C 0, 1, 2, 3, 4, 8, 11, 14
#define THIRDS_2_AB 2, 5, 8, 11, 14, -1, -1, -1
#define THIRDS_2_C 0, 1, 2, 3, 4, 9, 12, 15
#define TRIPLES_0_AB 0, 8, -1, 1, 9, -1, 2, 10
#define TRIPLES_0_C 0, 1, 8, 3, 4, 9, 6, 7
#define TRIPLES_1_AB -1, 3, 11, -1, 4, 12, -1, 5
#define TRIPLES_1_C 10, 1, 2, 11, 4, 5, 12, 7
#define TRIPLES_2_AB 13, -1, 6, 14, -1, 7, 15, -1
#define TRIPLES_2_C 0, 13, 2, 3, 14, 5, 6, 15
#elif LANES == 16
#define EVENS 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODDS 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOWER_PAIRS 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER_PAIRS 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define THIRDS_0_AB 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, -1, -1, -1, -1, -1
#define THIRDS_0_C 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29
#define THIRDS_1_AB 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, -1, -1, -1, -1, -1
#define THIRDS_1_C 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30
#define THIRDS_2_AB 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, -1, -1, -1, -1, -1, -1
#define THIRDS_2_C 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31
#define TRIPLES_0_AB 0, 16, -1, 1, 17, -1, 2, 18, -1, 3, 19, -1, 4, 20, -1, 5
#define TRIPLES_0_C 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15
#define TRIPLES_1_AB 21, -1, 6, 22, -1, 7, 23, -1, 8, 24, -1, 9, 25, -1, 10, 26
#define TRIPLES_1_C 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15
#define TRIPLES_2_AB -1, 11, 27, -1, 12, 28, -1, 13, 29, -1, 14, 30, -1, 15, 31, -1
#define TRIPLES_2_C 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31
#endif

#define SHUFFLED(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)

#if LANES < 16
// Blocks of four lanes, the second from `stride` floats behind the first.
INLINE floats load_blocks(const float *p, size_t stride) {
  four_floats first = *(const unaligned_four_floats *)p;
#if LANES == 8
  four_floats second = *(const unaligned_four_floats *)(p + stride);
  return SHUFFLED(first, second, 0, 1, 2, 3, 4, 5, 6, 7);
#else
  (void)stride;
  return first;
#endif
}
INLINE void store_blocks(float *p, size_t stride, floats v) {
#if LANES == 8
  *(unaligned_four_floats *)p = v.lo;
  *(unaligned_four_floats *)(p + stride) = v.hi;
#else
  (void)stride;
  *(unaligned_four_floats *)p = v;
#endif
}
// Rows and columns of each four blocks exchanged.
INLINE void transpose_blocks(floats v[4]) {
  floats ab_lower = SHUFFLED(v[0], v[1], BLOCK_LOWER_PAIRS), ab_upper = SHUFFLED(v[0], v[1], BLOCK_UPPER_PAIRS);
  floats cd_lower = SHUFFLED(v[2], v[3], BLOCK_LOWER_PAIRS), cd_upper = SHUFFLED(v[2], v[3], BLOCK_UPPER_PAIRS);
#if LANES == 8
  v[0] = SHUFFLED(ab_lower, cd_lower, 0, 1, 8, 9, 4, 5, 12, 13);
  v[1] = SHUFFLED(ab_lower, cd_lower, 2, 3, 10, 11, 6, 7, 14, 15);
  v[2] = SHUFFLED(ab_upper, cd_upper, 0, 1, 8, 9, 4, 5, 12, 13);
  v[3] = SHUFFLED(ab_upper, cd_upper, 2, 3, 10, 11, 6, 7, 14, 15);
#else
  v[0] = SHUFFLED(ab_lower, cd_lower, 0, 1, 4, 5);
  v[1] = SHUFFLED(ab_lower, cd_lower, 2, 3, 6, 7);
  v[2] = SHUFFLED(ab_upper, cd_upper, 0, 1, 4, 5);
  v[3] = SHUFFLED(ab_upper, cd_upper, 2, 3, 6, 7);
#endif
}
#endif

// Deals `count` vectors of neighbours out to as many vectors, of which the c-th gets the members c, c + count ...
INLINE void deal_2(const float *p, floats v[2]) {
#if LANES == 16
  floats a = load(p), b = load(p + LANES);
  v[0] = SHUFFLED(a, b, EVENS);
  v[1] = SHUFFLED(a, b, ODDS);
#else
  floats a = load_blocks(p, 8), b = load_blocks(p + 4, 8);
  v[0] = SHUFFLED(a, b, BLOCK_EVENS);
  v[1] = SHUFFLED(a, b, BLOCK_ODDS);
#endif
}
INLINE void deal_3(const float *p, floats v[3]) {
  floats a = load(p), b = load(p + LANES), c = load(p + 2 * LANES);
  v[0] = SHUFFLED(SHUFFLED(a, b, THIRDS_0_AB), c, THIRDS_0_C);
  v[1] = SHUFFLED(SHUFFLED(a, b, THIRDS_1_AB), c, THIRDS_1_C);
  v[2] = SHUFFLED(SHUFFLED(a, b, THIRDS_2_AB), c, THIRDS_2_C);
}
INLINE void deal_4(const float *p, floats v[4]) {
#if LANES == 16
  floats ab[2], cd[2];
  deal_2(p, ab);
  deal_2(p + 2 * LANES, cd);
  v[0] = SHUFFLED(ab[0], cd[0], EVENS);
  v[1] = SHUFFLED(ab[1], cd[1], EVENS);
  v[2] = SHUFFLED(ab[0], cd[0], ODDS);
  v[3] = SHUFFLED(ab[1], cd[1], ODDS);
#else
  UNROLLED for (size_t i = 0; i < 4; i++) { v[i] = load_blocks(p + 4 * i, 16); }
  transpose_blocks(v);
#endif
}
INLINE void deal_8(const float *p, floats v[8]) {
#if LANES == 16
  floats a[4], b[4];
  deal_4(p, a);
  deal_4(p + 4 * LANES, b);
  UNROLLED for (size_t i = 0; i < 4; i++) {
    v[i] = SHUFFLED(a[i], b[i], EVENS);
    v[i + 4] = SHUFFLED(a[i], b[i], ODDS);
  }
#else
  UNROLLED for (size_t i = 0; i < 4; i++) {
    v[i] = load_blocks(p + 8 * i, 32);
    v[i + 4] = load_blocks(p + 8 * i + 4, 32);
  }
  transpose_blocks(v);
  transpose_blocks(v + 4);
#endif
}

// The opposite: writes the members of the vectors in turn.
INLINE void collect_2(float *p, const floats v[2]) {
#if LANES == 16
  store(p, SHUFFLED(v[0], v[1], LOWER_PAIRS));
  store(p + LANES, SHUFFLED(v[0], v[1], UPPER_PAIRS));
#else
  store_blocks(p, 8, SHUFFLED(v[0], v[1], BLOCK_LOWER_PAIRS));
  store_blocks(p + 4, 8, SHUFFLED(v[0], v[1], BLOCK_UPPER_PAIRS));
#endif
}
INLINE void collect_3(float *p, const floats v[3]) {
  store(p, SHUFFLED(SHUFFLED(v[0], v[1], TRIPLES_0_AB), v[2], TRIPLES_0_C));
  store(p + LANES, SHUFFLED(SHUFFLED(v[0], v[1], TRIPLES_1_AB), v[2], TRIPLES_1_C));
  store(p + 2 * LANES, SHUFFLED(SHUFFLED(v[0], v[1], TRIPLES_2_AB), v[2], TRIPLES_2_C));
}
INLINE void collect_4(float *p, const floats v[4]) {
#if LANES == 16
  floats lower[2] = {SHUFFLED(v[0], v[2], LOWER_PAIRS), SHUFFLED(v[1], v[3], LOWER_PAIRS)};
  floats upper[2] = {SHUFFLED(v[0], v[2], UPPER_PAIRS), SHUFFLED(v[1], v[3], UPPER_PAIRS)};
  collect_2(p, lower);
  collect_2(p + 2 * LANES, upper);
#else
  floats rows[4] = {v[0], v[1], v[2], v[3]};
  transpose_blocks(rows);
  UNROLLED for (size_t i = 0; i < 4; i++) { store_blocks(p + 4 * i, 16, rows[i]); }
#endif
}

// Compares every kernel of a backend with the scalar one: plain C, so that it can be compiled for another processor
// and run under an emulator. One file per topic holds the comparisons of its kernels and, beside each, wrong kernels
// that the comparison has to notice.

#ifndef KERNEL_EQUALITY_H
#define KERNEL_EQUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CAudioKernels.h"

typedef void (*any_function)(void);

// A scalar kernel with one mistake in it.
typedef struct wrong_kernel {
  const char *mistake; // NULL ends a list
  any_function function;
} wrong_kernel;

typedef struct kernel_test {
  const char *name; // NULL ends a list
  size_t member;    // offset in ak_kernels
  // Whether the kernel of `tested` gives what that of `scalar` does. Where not, it has said so by `differs`. NULL for a
  // member that is no kernel.
  bool (*agrees)(const ak_kernels *scalar, const ak_kernels *tested);
  const wrong_kernel *wrong;
} kernel_test;

#define KERNEL_TEST(kernel) {#kernel, offsetof(ak_kernels, kernel), kernel##_agrees, kernel##_wrong}
#define NOT_A_KERNEL(member) {#member, offsetof(ak_kernels, member), NULL, NULL}
#define WRONG(mistake, function) {mistake, (any_function)(function)}

extern const kernel_test base64_tests[], features_tests[], network_tests[], resampling_tests[], sample_tests[],
    suppression_tests[], transform_tests[];

// MARK: Random numbers

uint64_t random_bits(void);
size_t random_below(size_t count);
// least ... most
size_t random_between(size_t least, size_t most);
// -1 ..< 1
float random_sample(void);

// MARK: Buffers

// Each between two pages that cannot be touched.
typedef enum buffer {
  FIRST_INPUT, SECOND_INPUT, THIRD_INPUT, OUTPUT, SECOND_OUTPUT, SCRATCH, TWIDDLES, UNTANGLING
} buffer;
enum { buffer_size = 1 << 18 };

typedef enum place {
  AT_START, // what reads or writes before the first byte is stopped
  AT_END,   // what reads or writes after the last byte is stopped
  BETWEEN,  // at any multiple of the alignment; as in AT_START and AT_END, what writes beside it is seen afterwards
} place;
place random_place(void);

// `size` bytes, at most 3/4 of buffer_size, of changing contents. `alignment` divides 128, and `size` where AT_END.
void *placed(buffer buffer, place place, size_t size, size_t alignment);
// Whether the bytes beside what was placed last are what they were. Says so where not.
bool margins_intact(buffer buffer);

// Sets the bytes of the first input apart, and whether they are the same still. Says so where not.
void remember_input(void);
bool input_intact(void);
static inline bool unharmed(void) { return margins_intact(OUTPUT) && input_intact(); }

// MARK: Cases

// Every size from 0 to 200 at each end and in between, then random sizes up to `most`.
typedef struct cases {
  size_t most, index;
  size_t count;
  place input_place, output_place;
} cases;
static inline cases cases_up_to(size_t most) { return (cases){.most = most}; }
bool next_case(cases *cases);

// What is compared now, for the message should it differ or crash: up to six numbers, each for a %zu.
#define NOW(format, ...) now(format, (size_t[6]){__VA_ARGS__})
void now(const char *format, const size_t values[6]);

// Prints the case and how it differs; false, for the caller to return.
__attribute__((format(printf, 1, 2))) bool differs(const char *format, ...);

// Whether `count` elements of `size` bytes (1, 2 or 4) are the same bit for bit.
bool same(const char *what, const void *expected, const void *actual, size_t count, size_t size);

// Whether a float is within `bound` of what it should be: both not a number, the same infinity, or close.
bool within(const char *what, size_t index, double expected, double actual, double bound);
// The greatest error as a part of its bound since this was last called, or a negative number for none.
double take_worst_error(void);

// MARK: Values

// Samples of one of many kinds: ordinary, exact ties, any bit pattern, one special value among ordinary ones.
void fill_floats(float *values, size_t count);
// As above, finite and of ordinary magnitude.
void fill_ordinary_floats(float *values, size_t count);

#endif

// Counts the calls that one thread makes to the C library's allocation functions.
//
// Works on glibc, by defining these functions in the program itself; everything in the program then comes through them,
// the Swift runtime and shared libraries included. Where that cannot be (another C library, or a sanitizer, which
// defines them itself) the counter is not available and counts nothing. Memory from mmap or sbrk is not seen.

#ifndef C_ALLOCATION_COUNTER_H
#define C_ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// Whether this build counts.
bool allocation_counter_is_available(void);

// Counts from 0 on this thread until allocation_counter_stop.
void allocation_counter_start(void);

// How many calls this thread has made since allocation_counter_start, which ends the count. 0 where the counter is not
// available.
size_t allocation_counter_stop(void);

// The most bytes that this thread held at once of what it had allocated since allocation_counter_start, and until
// allocation_counter_stop. What it frees that was allocated before, or by another thread, counts as less than nothing.
size_t allocation_counter_most_bytes(void);

// The functions that are counted, each call once.
typedef enum allocation_function {
  ALLOCATION_MALLOC,
  ALLOCATION_CALLOC,
  ALLOCATION_REALLOC,
  ALLOCATION_ALIGNED_ALLOC,
  ALLOCATION_POSIX_MEMALIGN,
  ALLOCATION_MEMALIGN, // malloc where the C library is not glibc
} allocation_function;

// Calls the function once, in a way that no optimiser removes, and frees what it gave: a canary for the counter.
void allocation_counter_probe(allocation_function function);

#ifdef __cplusplus
}
#endif

#endif

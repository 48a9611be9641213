// posix_memalign is hidden under -std=c11 without it.
#define _GNU_SOURCE

#include "CAllocationCounter.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(IS_SANITIZED)

// Initial-exec, because the dynamic model may allocate a thread's block on its first use, inside of malloc.
#define THREAD_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

THREAD_LOCAL bool is_counting;
THREAD_LOCAL size_t call_count;

// glibc's own functions, under the names that it exports for this. `free` stays glibc's: the blocks are.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static inline void count_call(void) { call_count += is_counting; }

void *malloc(size_t size) {
  count_call();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  count_call();
  return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  count_call();
  return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
  count_call();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  count_call();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  count_call();
  if (alignment == 0 || alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
  // POSIX: the error is returned, and errno left alone.
  int saved = errno;
  void *block = __libc_memalign(alignment, size);
  errno = saved;
  if (block == NULL) return ENOMEM;
  *result = block;
  return 0;
}

bool allocation_counter_is_available(void) { return true; }

void allocation_counter_start(void) {
  call_count = 0;
  is_counting = true;
}

size_t allocation_counter_stop(void) {
  is_counting = false;
  return call_count;
}

#else

bool allocation_counter_is_available(void) { return false; }
void allocation_counter_start(void) {}
size_t allocation_counter_stop(void) { return 0; }

#endif

void allocation_counter_probe(allocation_function function) {
  // A volatile pointer escapes, so the call must be made.
  void *volatile block = NULL;
  void *given = NULL;
  switch (function) {
  case ALLOCATION_MALLOC:
    block = malloc(64);
    break;
  case ALLOCATION_CALLOC:
    block = calloc(4, 16);
    break;
  case ALLOCATION_REALLOC:
    block = realloc(NULL, 64);
    break;
  case ALLOCATION_ALIGNED_ALLOC:
    block = aligned_alloc(64, 64);
    break;
  case ALLOCATION_POSIX_MEMALIGN:
    if (posix_memalign(&given, 64, 64) == 0) block = given;
    break;
  case ALLOCATION_MEMALIGN:
#if defined(__GLIBC__)
    block = memalign(64, 64);
#else
    block = malloc(64);
#endif
    break;
  }
  free(block);
}

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
THREAD_LOCAL ptrdiff_t held_bytes;
THREAD_LOCAL ptrdiff_t most_bytes;

// glibc's own functions, under the names that it exports for this.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *block);

static inline void *counted(void *block) {
  if (is_counting) {
    call_count++;
    held_bytes += (ptrdiff_t)malloc_usable_size(block);
    if (held_bytes > most_bytes) most_bytes = held_bytes;
  }
  return block;
}

static inline void count_release(void *block) {
  if (is_counting) held_bytes -= (ptrdiff_t)malloc_usable_size(block);
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }

void *realloc(void *block, size_t size) {
  size_t before = is_counting ? malloc_usable_size(block) : 0;
  void *result = __libc_realloc(block, size);
  // The old block is gone, unless there was no memory for the new one.
  if (is_counting && (result != NULL || size == 0)) held_bytes -= (ptrdiff_t)before;
  return counted(result);
}

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment == 0 || alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) {
    call_count += is_counting;
    return EINVAL;
  }
  // POSIX: the error is returned, and errno left alone.
  int saved = errno;
  void *block = counted(__libc_memalign(alignment, size));
  errno = saved;
  if (block == NULL) return ENOMEM;
  *result = block;
  return 0;
}

void free(void *block) {
  count_release(block);
  __libc_free(block);
}

bool allocation_counter_is_available(void) { return true; }

void allocation_counter_start(void) {
  call_count = 0;
  held_bytes = 0;
  most_bytes = 0;
  is_counting = true;
}

size_t allocation_counter_stop(void) {
  is_counting = false;
  return call_count;
}

size_t allocation_counter_most_bytes(void) { return (size_t)most_bytes; }

#else

bool allocation_counter_is_available(void) { return false; }
void allocation_counter_start(void) {}
size_t allocation_counter_stop(void) { return 0; }
size_t allocation_counter_most_bytes(void) { return 0; }

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

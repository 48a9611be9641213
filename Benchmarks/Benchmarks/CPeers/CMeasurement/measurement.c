#include "CMeasurement.h"

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void cm_keep_freed_memory(void) {
#if defined(__GLIBC__)
  // The largest buffer of an engine is a copy of half a minute at 48 kHz in double precision: 12 MB.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

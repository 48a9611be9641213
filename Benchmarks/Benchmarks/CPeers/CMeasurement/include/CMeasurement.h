#ifndef CMEASUREMENT_H
#define CMEASUREMENT_H

/// Makes the compiler take what `pointer` leads to for read and written, so that it cannot drop the work that filled it.
static inline void cm_keep(const void *pointer) { __asm__ volatile("" : : "r"(pointer) : "memory"); }

/// Has the allocator keep the memory that is freed to it, so that no engine is charged for page faults because the one
/// before it let go of its buffers. Does nothing where the C library has no such setting.
void cm_keep_freed_memory(void);

#endif

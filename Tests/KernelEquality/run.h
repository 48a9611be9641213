// What main.c needs of support.c beyond what the comparisons do.

#ifndef KERNEL_EQUALITY_RUN_H
#define KERNEL_EQUALITY_RUN_H

#include "equality.h"

void seed_random(uint64_t seed);
void make_buffers(void);

// How many random sizes follow the fixed ones in a comparison.
extern size_t random_case_count;
// How many cases were compared.
extern size_t case_count;
// No messages from `differs`.
extern bool quiet;

// Where an address lies by the buffers.
void describe_crash(char *text, size_t size, const void *address);

#endif

// The resampling kernels for the x86-64 baseline: 4 lanes, no fused multiply-add.

#if defined(__x86_64__)

#include "../resampling.h"

#pragma STDC FP_CONTRACT OFF

#define LANES 4
#define FUSED 0
#define KERNEL(name) ak_sse2_##name

#include "../vector/resampling.h"

#endif

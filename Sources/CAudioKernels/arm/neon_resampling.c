// The resampling kernels for NEON: 4 lanes.

#if defined(__aarch64__)

#include "../resampling.h"

#pragma STDC FP_CONTRACT OFF

#define LANES 4
#define FUSED 1
#define KERNEL(name) ak_neon_##name

#include "../vector/resampling.h"

#endif

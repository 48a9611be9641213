// The kernels of a small network for NEON: 4 lanes.

#if defined(__aarch64__)

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

#define LANES 4
#define FUSED 1
#define KERNEL(name) ak_neon_##name

#include "../vector/lanes.h"
#include "../vector/network.h"
#include "../vector/suppression.h"
#include "../vector/transform.h"

#endif

// The kernels of a small network for the x86-64 baseline, without fused multiply-add: 4 lanes.

#if defined(__x86_64__)

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

#define LANES 4
#define FUSED 0
#define KERNEL(name) ak_sse2_##name

#include "../vector/lanes.h"
#include "../vector/network.h"
#include "../vector/suppression.h"
#include "../vector/transform.h"

#endif

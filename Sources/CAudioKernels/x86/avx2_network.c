// The kernels of a small network for AVX2 and FMA: 8 lanes.

#if defined(__x86_64__)

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define LANES 8
#define FUSED 1
#define KERNEL(name) ak_avx2_##name

#include "../vector/lanes.h"
#include "../vector/network.h"
#include "../vector/suppression.h"
#include "../vector/transform.h"

#pragma clang attribute pop

#endif

// The kernels of a small network for AVX-512: 16 lanes.

#if defined(__x86_64__)

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)

#define LANES 16
#define FUSED 1
#define KERNEL(name) ak_avx512_##name

#include "../vector/lanes.h"
#include "../vector/network.h"
#include "../vector/suppression.h"
#include "../vector/transform.h"

#pragma clang attribute pop

#endif

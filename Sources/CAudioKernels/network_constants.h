// Polynomials of the approximations, the same in every backend.

#ifndef AK_NETWORK_CONSTANTS_H
#define AK_NETWORK_CONSTANTS_H

// log2(1 + f) = f * (AK_LOG2_0 + AK_LOG2_1 * f + ...) for 1 + f from sqrt(1/2) to sqrt(2): off by 5.3e-8 at most,
// before rounding. Minimax for the absolute error.
#define AK_LOG2_0 1.4426948f
#define AK_LOG2_1 -0.72135717f
#define AK_LOG2_2 0.48093945f
#define AK_LOG2_3 -0.36008722f
#define AK_LOG2_4 0.28670743f
#define AK_LOG2_5 -0.25006905f
#define AK_LOG2_6 0.23689047f
#define AK_LOG2_7 -0.14574452f

// 2^f = 1 + f * (AK_EXP2_0 + AK_EXP2_1 * f + ...) for f from -1/2 to 1/2: off by 1.1e-7 of the value at most, before
// rounding; exact at 0. Minimax for the relative error.
#define AK_EXP2_0 0.693147f
#define AK_EXP2_1 0.24022242f
#define AK_EXP2_2 0.055507336f
#define AK_EXP2_3 0.009671513f
#define AK_EXP2_4 0.0013264727f

#define AK_LOG2_E 1.44269504f

#endif

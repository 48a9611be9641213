// The transform of the power spectrum: of 512 real samples by way of 256 complex ones.

#ifndef AK_SPECTRUM_TABLES_H
#define AK_SPECTRUM_TABLES_H

#include "CAudioKernels.h"

extern const float ak_spectrum_twiddles[792];
extern const float ak_spectrum_untangling[256];

static const ak_transform ak_spectrum_transform = {
    .twiddles = ak_spectrum_twiddles, .untangling = ak_spectrum_untangling, .point_count = AK_SPECTRUM_INPUT / 2};

#endif

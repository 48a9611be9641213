// Twiddle factors of the power spectrum, of 512 real samples by way of 256 complex ones.

#ifndef AK_SPECTRUM_TABLES_H
#define AK_SPECTRUM_TABLES_H

// For the three passes with factors: exp(-2 pi i * j * (r / stride) / size) for size 256, 64, 16 and stride 1, 4, 16,
// [pass][j - 1][real, imaginary][r].
extern const float ak_spectrum_twiddles[3][3][2][64];
// -i * exp(-2 pi i * k / 512) for k = 1 ... 128, [real, imaginary][k - 1].
extern const float ak_spectrum_untangling[2][128];

#endif

// Recursive filters: cascades of second-order sections.

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

// `n` sections in turn over a block, in place. With a constant `n` all that they remember stays in registers, and as a
// section waits for nothing but its own last output, the sections of neighbouring samples are computed at once.
static inline __attribute__((always_inline)) void run(
    const ak_section *restrict sections, size_t n, ak_section_memory *restrict memory, double *restrict block,
    size_t count) {
  ak_section_memory m[4];
  for (size_t k = 0; k < n; k++) {
    m[k] = memory[k];
  }
  for (size_t i = 0; i < count; i++) {
    double x = block[i];
    for (size_t k = 0; k < n; k++) {
      const ak_section *s = &sections[k];
      double forward = s->b0 * x + s->b1 * m[k].x1 + s->b2 * m[k].x2;
      // What depends on the last output comes last.
      double y = (forward - s->a2 * m[k].y2) - s->a1 * m[k].y1;
      m[k].x2 = m[k].x1;
      m[k].x1 = x;
      m[k].y2 = m[k].y1;
      m[k].y1 = y;
      x = y;
    }
    block[i] = x;
  }
  for (size_t k = 0; k < n; k++) {
    memory[k] = m[k];
  }
}

// -600 dBFS. A filter that remembers less in every place forgets it, and becomes exactly silent. Not one place at a
// time: the difference of neighbours is what a low filter swings by, and a place alone set to 0 would set it swinging
// for ever. The slowest decay is e^-1 in some 10^5 samples and the fastest 0.4 to the power of a block, 1e-102: so no
// place gets near 1e-308, where arithmetic with subnormal numbers is a hundred times slower.
static void forget_little(ak_section_memory *memory, size_t section_count) {
  const double least = 1e-30;
  double greatest = 0;
  for (size_t k = 0; k < section_count; k++) {
    const double all[4] = {memory[k].x1, memory[k].x2, memory[k].y1, memory[k].y2};
    for (size_t j = 0; j < 4; j++) {
      double magnitude = all[j] < 0 ? -all[j] : all[j];
      greatest = magnitude > greatest ? magnitude : greatest;
    }
  }
  if (greatest < least) {
    for (size_t k = 0; k < section_count; k++) {
      memory[k] = (ak_section_memory){0, 0, 0, 0};
    }
  }
}

void ak_filter_sections(
    const ak_section *sections, size_t section_count, ak_section_memory *memory, size_t position, float *samples,
    size_t count) {
  double block[AK_SECTION_BLOCK];
  while (count > 0) {
    // Blocks end where the position in the stream is a multiple of their length, whatever the call's cuts.
    size_t length = AK_SECTION_BLOCK - position % AK_SECTION_BLOCK;
    length = length < count ? length : count;
    for (size_t i = 0; i < length; i++) {
      float x = samples[i];
      // x - x is 0 for a finite x and NaN for the others.
      block[i] = x - x == 0.0f ? (double)x : 0.0;
    }
    // Each sample goes through the same operations in any grouping of the sections.
    for (size_t k = 0; k < section_count; k += 4) {
      size_t left = section_count - k;
      if (left >= 4) {
        run(sections + k, 4, memory + k, block, length);
      } else if (left == 3) {
        run(sections + k, 3, memory + k, block, length);
      } else if (left == 2) {
        run(sections + k, 2, memory + k, block, length);
      } else {
        run(sections + k, 1, memory + k, block, length);
      }
    }
    const double greatest = 0x1.fffffep127, smallest = 0x1p-126;
    for (size_t i = 0; i < length; i++) {
      // The range of floats, subnormal ones left out: what is near its ends stays finite, or becomes 0.
      double y = block[i];
      y = y < greatest ? y : greatest;
      y = y > -greatest ? y : -greatest;
      y = y < smallest && y > -smallest ? 0 : y;
      samples[i] = (float)y;
    }
    position += length;
    samples += length;
    count -= length;
    if (position % AK_SECTION_BLOCK == 0) {
      forget_little(memory, section_count);
    }
  }
}

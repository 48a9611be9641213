// Recursive filters: cascades of second-order sections.

#include "../backends.h"

#pragma STDC FP_CONTRACT OFF

// One sample through one section.
static inline double step(const ak_section *s, ak_section_memory *m, double x) {
  double forward = (s->b1 * m->x1 + s->b2 * m->x2) + s->b0 * x;
  // What depends on the last output comes last.
  double y = (forward - s->a2 * m->y2) - s->a1 * m->y1;
  m->x2 = m->x1;
  m->x1 = x;
  m->y2 = m->y1;
  m->y1 = y;
  return y;
}

// How many samples a section is behind the one before it, so that it need not wait for what that one gives.
enum { lag = 4 };

// `n` sections over a block, in place, in the lanes of a vector, with the same operations as in `step`. What a section
// gives stands in the block for the next one. At the ends of the block, where not all of them have a sample, they go
// one by one.
#define AK_RUN_SECTIONS(n, LANES, AT)                                                                                  \
  typedef double lanes_##n __attribute__((vector_size(n * sizeof(double))));                                           \
  static void edge_##n(                                                                                                \
      const ak_section *sections, ak_section_memory *memory, double *block, size_t count, size_t time) {               \
    for (size_t k = 0; k < n; k++) {                                                                                   \
      if (time >= lag * k && time - lag * k < count) {                                                                 \
        block[time - lag * k] = step(&sections[k], &memory[k], block[time - lag * k]);                                 \
      }                                                                                                                \
    }                                                                                                                  \
  }                                                                                                                    \
  static void run_##n(const ak_section *sections, ak_section_memory *memory, double *block, size_t count) {            \
    const size_t last = lag * (n - 1);                                                                                 \
    size_t time = 0;                                                                                                   \
    for (; time < last; time++) {                                                                                      \
      edge_##n(sections, memory, block, count, time);                                                                  \
    }                                                                                                                  \
    if (count > last) {                                                                                                \
      const lanes_##n b0 = LANES(sections, b0), b1 = LANES(sections, b1), b2 = LANES(sections, b2),                    \
                      a1 = LANES(sections, a1), a2 = LANES(sections, a2);                                              \
      lanes_##n x1 = LANES(memory, x1), x2 = LANES(memory, x2), y1 = LANES(memory, y1), y2 = LANES(memory, y2);        \
      for (; time < count; time++) {                                                                                   \
        double *place = block + time;                                                                                  \
        lanes_##n x = AT(place);                                                                                       \
        lanes_##n forward = (b1 * x1 + b2 * x2) + b0 * x;                                                              \
        lanes_##n y = (forward - a2 * y2) - a1 * y1;                                                                   \
        x2 = x1;                                                                                                       \
        x1 = x;                                                                                                        \
        y2 = y1;                                                                                                       \
        y1 = y;                                                                                                        \
        for (int k = 0; k < n; k++) {                                                                                  \
          place[-lag * k] = y[k];                                                                                      \
        }                                                                                                              \
      }                                                                                                                \
      for (size_t k = 0; k < n; k++) {                                                                                 \
        memory[k] = (ak_section_memory){x1[k], x2[k], y1[k], y2[k]};                                                   \
      }                                                                                                                \
    }                                                                                                                  \
    for (; time < count + last; time++) {                                                                              \
      edge_##n(sections, memory, block, count, time);                                                                  \
    }                                                                                                                  \
  }

#define AK_TWO(array, member) {array[0].member, array[1].member}
#define AK_FOUR(array, member) {array[0].member, array[1].member, array[2].member, array[3].member}
#define AK_AT_TWO(place) {place[0], place[-lag]}
#define AK_AT_FOUR(place) {place[0], place[-lag], place[-2 * lag], place[-3 * lag]}

AK_RUN_SECTIONS(2, AK_TWO, AK_AT_TWO)
AK_RUN_SECTIONS(4, AK_FOUR, AK_AT_FOUR)

static void run_1(const ak_section *section, ak_section_memory *memory, double *block, size_t count) {
  ak_section_memory m = *memory;
  for (size_t i = 0; i < count; i++) {
    block[i] = step(section, &m, block[i]);
  }
  *memory = m;
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
    size_t k = 0;
    for (; section_count - k >= 4; k += 4) {
      run_4(sections + k, memory + k, block, length);
    }
    for (; section_count - k >= 2; k += 2) {
      run_2(sections + k, memory + k, block, length);
    }
    for (; k < section_count; k++) {
      run_1(sections + k, memory + k, block, length);
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

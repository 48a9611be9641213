// Random numbers, guarded buffers and cases.

#define _GNU_SOURCE

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "equality.h"
#include "run.h"

// MARK: Random numbers: SplitMix64 (Steele, Lea, Flood 2014)

static uint64_t random_state;

void seed_random(uint64_t seed) { random_state = seed; }

uint64_t random_bits(void) {
  uint64_t z = random_state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

size_t random_below(size_t count) { return (size_t)(((random_bits() >> 32) * (uint64_t)count) >> 32); }
size_t random_between(size_t least, size_t most) { return least + random_below(most - least + 1); }
float random_sample(void) { return (float)((int32_t)(random_bits() >> 40) - 0x800000) * 0x1p-23f; }

// MARK: Buffers

enum { buffer_count = UNTANGLING + 1, margin = 64 };

typedef struct region {
  uint8_t *bytes;
  uint8_t *start; // of what was placed last
  size_t size;
  size_t before, after; // bytes of the margins
  uint8_t margins[margin];
} region;

static region regions[buffer_count];
static uint8_t remembered[buffer_size];

void make_buffers(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < buffer_count; i++) {
    uint8_t *all = mmap(NULL, buffer_size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all + page, buffer_size, PROT_READ | PROT_WRITE) != 0) {
      perror("kernel-equality: memory");
      exit(1);
    }
    regions[i].bytes = all + page;
  }
}

place random_place(void) { return (place)random_below(3); }

// Bytes that differ from one call to the next, so that what a kernel leaves as it was does not pass for its result.
static void fill_bytes(uint8_t *bytes, size_t size) {
  uint64_t word = random_bits();
  for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word, word += 0x9E3779B97F4A7C15u) {
    memcpy(bytes, &word, sizeof word);
  }
  memcpy(bytes, &word, size);
}

void *placed(buffer buffer, place place, size_t size, size_t alignment) {
  region *r = &regions[buffer];
  size_t room = buffer_size - size, start = 0;
  if (place == AT_END) start = room;
  if (place == BETWEEN) start = margin + random_below(4096) / alignment * alignment;
  r->start = r->bytes + start;
  r->size = size;
  r->before = start < margin ? start : margin;
  r->after = room - start < margin ? room - start : margin;
  fill_bytes(r->margins, margin);
  memcpy(r->start - r->before, r->margins, r->before);
  memcpy(r->start + size, r->margins, r->after);
  fill_bytes(r->start, size);
  return r->start;
}

bool margins_intact(buffer buffer) {
  const region *r = &regions[buffer];
  const uint8_t *before = r->start - r->before, *after = r->start + r->size;
  if (memcmp(before, r->margins, r->before) == 0 && memcmp(after, r->margins, r->after) == 0) return true;
  for (size_t i = r->before; i > 0; i--) {
    if (before[i - 1] != r->margins[i - 1]) return differs("byte %zu before the start was written", r->before - i + 1);
  }
  size_t i = 0;
  while (after[i] == r->margins[i]) i++;
  return differs("byte %zu after the end was written", i);
}

void remember_input(void) { memcpy(remembered, regions[FIRST_INPUT].start, regions[FIRST_INPUT].size); }

bool input_intact(void) {
  return memcmp(remembered, regions[FIRST_INPUT].start, regions[FIRST_INPUT].size) == 0
         || differs("the input was written to");
}

// MARK: Cases

size_t random_case_count = 300;
size_t case_count;

bool next_case(cases *c) {
  static const place places[][2] = {
      {AT_START, AT_START}, {AT_END, AT_END}, {BETWEEN, BETWEEN}, {AT_END, AT_START}};
  const size_t place_count = sizeof places / sizeof *places;
  size_t i = c->index++;
  case_count++;
  if (i < 201 * place_count) {
    c->count = i / place_count;
    c->input_place = places[i % place_count][0];
    c->output_place = places[i % place_count][1];
    if (c->count <= c->most) return true;
    i = c->index = 201 * place_count, c->index++;
  }
  if (i >= 201 * place_count + random_case_count) {
    case_count--;
    return false;
  }
  // Half of them short, since there are more ways to be wrong near the ends.
  c->count = random_between(0, random_below(2) == 0 || c->most < 1000 ? c->most : 1000);
  c->input_place = random_place();
  c->output_place = random_place();
  return true;
}

static const char *now_format = "start";
static size_t now_values[6];

void now(const char *format, const size_t values[6]) {
  now_format = format;
  memcpy(now_values, values, sizeof now_values);
}

bool quiet;

static void print_case(void) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  printf(now_format, now_values[0], now_values[1], now_values[2], now_values[3], now_values[4], now_values[5]);
#pragma GCC diagnostic pop
  printf(": ");
}

bool differs(const char *format, ...) {
  if (!quiet) {
    printf("  ");
    print_case();
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
  }
  return false;
}

void describe_crash(char *text, size_t size, const void *address) {
  for (size_t i = 0; i < buffer_count; i++) {
    static const char *const names[buffer_count] = {
        "the first input", "the second input", "the third input", "the output", "the second output",
        "the scratch memory", "the twiddle factors", "the untangling factors"};
    const region *r = &regions[i];
    ptrdiff_t after = (const uint8_t *)address - (r->start + r->size), before = r->start - (const uint8_t *)address;
    if (r->start == NULL) continue;
    if (after >= 0 && after < 4096) {
      snprintf(text, size, "touches the byte %td after the end of %s", after, names[i]);
      return;
    }
    if (before > 0 && before <= 4096) {
      snprintf(text, size, "touches the byte %td before the start of %s", before, names[i]);
      return;
    }
  }
  snprintf(text, size, "touches memory at %p", address);
}

static uint32_t element(const void *values, size_t index, size_t size) {
  uint32_t value = 0;
  memcpy(&value, (const uint8_t *)values + index * size, size);
  return value;
}

bool same(const char *what, const void *expected, const void *actual, size_t count, size_t size) {
  if (memcmp(expected, actual, count * size) == 0) return true;
  size_t i = 0;
  while (element(expected, i, size) == element(actual, i, size)) i++;
  int digits = (int)(2 * size);
  return differs(
      "%s %zu is 0x%0*X, not 0x%0*X", what, i, digits, element(actual, i, size), digits, element(expected, i, size));
}

static double worst_error = -1;

bool within(const char *what, size_t index, double expected, double actual, double bound) {
  if (expected == actual || (isnan(expected) && isnan(actual))) {
    if (worst_error < 0) worst_error = 0;
    return true;
  }
  double error = fabs(expected - actual);
  if (!(error <= bound)) {
    return differs("%s %zu is %.9g, not %.9g: off by %.3g, allowed %.3g", what, index, actual, expected, error, bound);
  }
  if (error / bound > worst_error) worst_error = error / bound;
  return true;
}

double take_worst_error(void) {
  double taken = worst_error;
  worst_error = -1;
  return taken;
}

// MARK: Values

static float any_bits(void) {
  uint32_t bits = (uint32_t)random_bits();
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static float special(void) {
  static const float values[] = {
      0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN, -NAN, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN,
      0x1p-149f, -0x1p-149f, 0x1.fffffcp-127f, 0x1p-126f, 0x1p31f, -0x1p31f, 0x1.fffffep30f, 65536.0f, -65536.0f,
      32767.0f / 32768.0f, 32767.5f / 32768.0f, 32766.5f / 32768.0f, -32768.5f / 32768.0f, -32767.5f / 32768.0f,
      0.5f / 32768.0f, -0.5f / 32768.0f, 1.5f / 32768.0f, 2.5f / 32768.0f, 0x1p-16f, 0x1.fffffep-17f, 0x1p16f, -0x1p16f,
      0x1p100f, -0x1p100f, 0x1p-100f,
  };
  return values[random_below(sizeof values / sizeof *values)];
}

static float tie(void) { return ((float)(int32_t)random_below(65540) - 32770.0f + 0.5f) / 32768.0f; }

void fill_ordinary_floats(float *values, size_t count) {
  const float scales[] = {1.0f, 1.2f, 0x1p-10f, 0x1p-15f};
  float scale = scales[random_below(sizeof scales / sizeof *scales)];
  for (size_t i = 0; i < count; i++) values[i] = random_sample() * scale;
}

void fill_floats(float *values, size_t count) {
  size_t kind = random_below(6);
  switch (kind) {
  case 0:
    for (size_t i = 0; i < count; i++) values[i] = tie();
    return;
  case 1:
    for (size_t i = 0; i < count; i++) values[i] = any_bits();
    return;
  case 2:
    for (size_t i = 0; i < count; i++) values[i] = special();
    return;
  case 3: {
    // Denormals only, which must not be lost.
    for (size_t i = 0; i < count; i++) values[i] = random_sample() * 0x1p-127f;
    return;
  }
  default:
    fill_ordinary_floats(values, count);
    if (kind == 4 && count > 0) values[random_below(count)] = special();
  }
}

// kernel-equality [--seed N] [--cases N] [--only BACKEND]... [--require BACKEND]... [--wrong | --canary]
//
// Compares the kernels of every backend that this processor has with the scalar ones, bit for bit or within a stated
// bound, in memory whose ends cannot be passed, and prints a line for each. The scalar backend is compared with itself:
// it has to keep within its buffers too.
//
// --cases: random sizes for each kernel, besides the fixed ones. --only: these backends. --require: ends with 1 where
// this one is missing. --wrong: compares one deliberately wrong kernel of each kind, which must end with 1. --canary:
// compares all deliberately wrong kernels, and ends with 1 where one of them is not noticed.
// Ends with 0 where all agree, 1 where something differs, 64 for what it does not understand.

#define _GNU_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "equality.h"
#include "run.h"

static const kernel_test *const topics[] = {
    sample_tests, base64_tests, features_tests, resampling_tests, network_tests, transform_tests, suppression_tests};
enum { topic_count = sizeof topics / sizeof *topics, member_count = sizeof(ak_kernels) / sizeof(any_function) };

static const char *const backend_names[] = {"scalar", "sse2", "avx2", "avx512", "neon"};
enum { backend_count = sizeof backend_names / sizeof *backend_names };
_Static_assert(AK_BACKEND_NEON == backend_count - 1, "a name for each backend");

static any_function member_of(const ak_kernels *kernels, const kernel_test *test) {
  any_function function;
  memcpy(&function, (const char *)kernels + test->member, sizeof function);
  return function;
}

// MARK: One kernel

static sigjmp_buf after_crash;
static volatile sig_atomic_t crash_signal;
static void *volatile crash_address;

static void handle_crash(int signal, siginfo_t *information, void *context) {
  (void)context;
  crash_signal = signal;
  crash_address = information->si_addr;
  siglongjmp(after_crash, 1);
}

static bool agrees(const kernel_test *test, const ak_kernels *scalar, const ak_kernels *tested) {
  if (sigsetjmp(after_crash, 1) == 0) return test->agrees(scalar, tested);
  char text[128] = "an instruction that this processor lacks";
  if (crash_signal == SIGSEGV || crash_signal == SIGBUS) describe_crash(text, sizeof text, crash_address);
  return differs("%s (signal %d)", text, (int)crash_signal);
}

// MARK: Backends

// How many kernels differ.
static size_t compare(const char *name, const ak_kernels *tested, uint64_t seed) {
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  size_t kernels = 0, differing = 0, borrowed = 0;
  for (size_t topic = 0; topic < topic_count; topic++) {
    for (const kernel_test *test = topics[topic]; test->name != NULL; test++) {
      if (test->agrees == NULL) continue;
      // Of its own seed, so that a comparison can be repeated whatever came before it.
      seed_random(seed + kernels);
      kernels++;
      size_t cases_before = case_count;
      (void)take_worst_error();
      bool scalars_own = member_of(tested, test) == member_of(scalar, test);
      if (member_of(tested, test) == NULL) {
        printf("%s %s: missing\n", name, test->name);
        differing++;
        continue;
      }
      if (!agrees(test, scalar, tested)) {
        printf("%s %s: DIFFERS\n", name, test->name);
        differing++;
        continue;
      }
      printf("%s %s: agrees in %zu cases", name, test->name, case_count - cases_before);
      double worst = take_worst_error();
      if (worst > 0) printf(", errors up to %.2g of the bound", worst);
      if (scalars_own && tested != scalar) printf(" (the scalar kernel)");
      borrowed += scalars_own;
      printf("\n");
    }
  }
  printf("%s: %zu of %zu kernels agree", name, kernels - differing, kernels);
  if (tested != scalar) printf(", %zu of them not the scalar ones", kernels - differing - borrowed);
  printf("\n");
  return differing;
}

// How many wrong kernels are taken for right ones.
static size_t run_canaries(uint64_t seed) {
  const ak_kernels *scalar = ak_kernels_for(AK_BACKEND_SCALAR);
  size_t missed = 0, count = 0;
  quiet = true;
  for (size_t topic = 0; topic < topic_count; topic++) {
    for (const kernel_test *test = topics[topic]; test->name != NULL; test++) {
      if (test->agrees == NULL) continue;
      if (test->wrong[0].mistake == NULL) {
        printf("canary %s: none\n", test->name);
        missed++;
      }
      for (const wrong_kernel *wrong = test->wrong; wrong->mistake != NULL; wrong++) {
        ak_kernels tested = *scalar;
        memcpy((char *)&tested + test->member, &wrong->function, sizeof wrong->function);
        seed_random(seed + count++);
        if (agrees(test, scalar, &tested)) {
          printf("canary %s, %s: NOT NOTICED\n", test->name, wrong->mistake);
          missed++;
        }
      }
    }
  }
  quiet = false;
  printf("canary: %zu of %zu wrong kernels noticed\n", count - (missed < count ? missed : count), count);
  return missed;
}

static size_t compare_wrong(uint64_t seed) {
  ak_kernels tested = *ak_kernels_for(AK_BACKEND_SCALAR);
  for (size_t topic = 0; topic < topic_count; topic++) {
    for (const kernel_test *test = topics[topic]; test->name != NULL; test++) {
      if (test->agrees == NULL) continue;
      memcpy((char *)&tested + test->member, &test->wrong[0].function, sizeof(any_function));
    }
  }
  return compare("wrong", &tested, seed);
}

// Whether each member of the table has a test, so that a new one is not forgotten.
static bool covered(void) {
  bool seen[member_count] = {false};
  for (size_t topic = 0; topic < topic_count; topic++) {
    for (const kernel_test *test = topics[topic]; test->name != NULL; test++) {
      seen[test->member / sizeof(any_function)] = true;
    }
  }
  bool all = true;
  for (size_t i = 0; i < member_count; i++) {
    if (!seen[i]) printf("member %zu of ak_kernels is not compared\n", i);
    all = all && seen[i];
  }
  return all;
}

// MARK: Arguments

static _Noreturn void misused(const char *text, const char *argument) {
  fprintf(stderr, "kernel-equality: %s '%s'\n", text, argument);
  exit(64);
}

static uint64_t number(const char *text) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (*text < '0' || *text > '9' || *end != 0 || errno != 0) misused("not a number:", text);
  return value;
}

static size_t backend_named(const char *name) {
  for (size_t i = 0; i < backend_count; i++) {
    if (strcmp(name, backend_names[i]) == 0) return i;
  }
  misused("no backend", name);
}

int main(int count, char **arguments) {
  uint64_t seed = (uint64_t)time(NULL);
  bool canary = false, wrong = false, selective = false;
  bool only[backend_count] = {false}, required[backend_count] = {false};
  for (int i = 1; i < count; i++) {
    const char *option = arguments[i];
    if (strcmp(option, "--canary") == 0) {
      canary = true;
      continue;
    }
    if (strcmp(option, "--wrong") == 0) {
      wrong = true;
      continue;
    }
    if (i + 1 == count) misused("not understood, or without its value:", option);
    const char *value = arguments[++i];
    if (strcmp(option, "--seed") == 0) {
      seed = number(value);
    } else if (strcmp(option, "--cases") == 0) {
      random_case_count = (size_t)number(value);
    } else if (strcmp(option, "--only") == 0) {
      selective = only[backend_named(value)] = true;
    } else if (strcmp(option, "--require") == 0) {
      required[backend_named(value)] = true;
    } else {
      misused("not understood:", option);
    }
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("seed %llu\n", (unsigned long long)seed);

  make_buffers();
  struct sigaction action = {.sa_sigaction = handle_crash, .sa_flags = SA_SIGINFO};
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);

  bool good = covered();
  if (canary || wrong) {
    good = (canary ? run_canaries(seed) : compare_wrong(seed)) == 0 && good;
    return good ? 0 : 1;
  }
  for (size_t backend = 0; backend < backend_count; backend++) {
    const ak_kernels *tested = ak_kernels_for((ak_backend)backend);
    const char *name = backend_names[backend];
    if (tested == NULL) {
      printf("%s: not run, this build or this processor lacks it%s\n", name, required[backend] ? ": REQUIRED" : "");
      good = good && !required[backend];
    } else if (!selective || only[backend]) {
      good = compare(name, tested, seed) == 0 && good;
    } else {
      printf("%s: not run, not asked for\n", name);
    }
  }
  if (fflush(stdout) != 0) return 1;
  return good ? 0 : 1;
}

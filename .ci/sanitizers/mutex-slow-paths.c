// Tells ThreadSanitizer of what Synchronization.Mutex does where two threads want it at once.
//
// The fast path of a Mutex is compiled into the program, and seen; the slow paths are functions of Swift's library,
// which is not instrumented, so that on Linux every Mutex with a waiter looks like no lock at all. This defines these
// functions in the program, before the library's, calls the library's, and says what they did. The fast path's
// compare-and-exchange is of the same address, so that one sees what the other released.

#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern void __tsan_acquire(void *address);
extern void __tsan_release(void *address);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *handle

// Synchronization._MutexHandle: _lockSlow(_:), _tryLockSlow(), _unlockSlow(), as swift-demangle shows.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

static void *library_function(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (function == NULL) {
    fprintf(stderr, "mutex-slow-paths: Swift's library has no %s\n", name);
    abort();
  }
  return function;
}

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void lock_slow(uint32_t thread, SELF) {
  typedef SWIFT void function(uint32_t, SELF);
  ((function *)library_function(LOCK))(thread, handle);
  __tsan_acquire(handle);
}

SWIFT bool try_lock_slow(SELF) __asm__(TRY_LOCK);
SWIFT bool try_lock_slow(SELF) {
  typedef SWIFT bool function(SELF);
  bool is_locked = ((function *)library_function(TRY_LOCK))(handle);
  if (is_locked) __tsan_acquire(handle);
  return is_locked;
}

SWIFT void unlock_slow(SELF) __asm__(UNLOCK);
SWIFT void unlock_slow(SELF) {
  typedef SWIFT void function(SELF);
  __tsan_release(handle);
  ((function *)library_function(UNLOCK))(handle);
}

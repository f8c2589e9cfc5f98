/* The contract in C through cffi: the C half of the backend "cffi".

   cffi releases the GIL around every call; python/cffi_backend/_native.py is the half
   that holds it. */

#ifndef __APPLE__
/* For nanosleep() and clock_gettime() beside -std=c11. */
#define _POSIX_C_SOURCE 200809L
#endif

#include "double_list.h"

#include <stddef.h>
#include <time.h>

/* --- 3 Kernel: no Python object, GIL released ------------------------------------ */

bool double_values(const int64_t *source, int64_t *target, int64_t length,
                   int64_t passes) {
  /* The compiler must read it anew for each pass, so it cannot merge two. */
  const int64_t *volatile unknown_source = source;
  int64_t overflows = 0;
  for (int64_t n_done = 0; n_done < passes; n_done++) {
    const int64_t *source_now = unknown_source;
    for (int64_t index = 0; index < length; index++) {
      int64_t item = source_now[index];
      int64_t doubled = (int64_t)((uint64_t)item + (uint64_t)item);
      target[index] = doubled;
      /* The sign bit is set where the double has another sign than the item. */
      overflows |= doubled ^ item;
    }
  }
  return overflows >= 0;
}

/* --- 5 The contract: the region without the GIL ---------------------------------- */

/* Return the time of time.perf_counter_ns(). */
static int64_t read_clock_ns(void) {
#ifdef __APPLE__
  return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

void sleep_seconds(double seconds) {
  struct timespec rest = {.tv_sec = (time_t)seconds};
  rest.tv_nsec = (long)((seconds - (double)rest.tv_sec) * 1e9);
  while (seconds > 0 && nanosleep(&rest, &rest) < 0) {
  }
}

bool run_kernel(const int64_t *source, int64_t *target, int64_t length, int64_t passes,
                double released_sleep, int64_t *stamps) {
  if (stamps != NULL) {
    stamps[0] = read_clock_ns();
  }
  bool fits = double_values(source, target, length, passes);
  if (fits) {
    sleep_seconds(released_sleep);
  }
  if (stamps != NULL) {
    stamps[1] = read_clock_ns();
  }
  return fits;
}

/* --- 6 Build facts ---------------------------------------------------------------- */

const char *get_compiler(void) {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

const char *get_profile(void) {
#ifdef __OPTIMIZE__
  return "release";
#else
  return "debug";
#endif
}

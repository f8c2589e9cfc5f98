/* The contract in C through cffi: the C half of the backend "cffi".

   cffi releases the GIL around every call; python/cffi_backend/_native.py is the half
   that holds it. */

#if !defined(__APPLE__)
/* For nanosleep() and clock_gettime() beside -std=c11. */
#define _POSIX_C_SOURCE 200809L
#endif

#include "double_list.h"

#include <stddef.h>
#if defined(_WIN32)
#include <windows.h>
#else
#include <time.h>
#endif

/* --- 1 Bounds ------------------------------------------------------------------- */

#define VALUE_MIN INT64_MIN
#define VALUE_MAX INT64_MAX

/* --- 3 Kernel: no Python object, GIL released ------------------------------------ */

/* Return the index of the first item whose double overflows, or the length. */
static int64_t find_overflow(const int64_t *source, int64_t length) {
  for (int64_t index = 0; index < length; index++) {
    if (source[index] < VALUE_MIN / 2 || source[index] > VALUE_MAX / 2) {
      return index;
    }
  }
  return length;
}

int64_t double_values(const int64_t *source, int64_t *target, int64_t length,
                      int64_t passes) {
  /* Each pass starts from pointers that the compiler knows nothing about, so it can
     neither drop a pass nor merge two. */
  const int64_t *volatile unknown_source = source;
  int64_t *volatile unknown_target = target;
  int64_t overflows = 0;
  for (int64_t n_done = 0; n_done < passes; n_done++) {
    const int64_t *restrict source_now = unknown_source;
    int64_t *restrict target_now = unknown_target;
    for (int64_t index = 0; index < length; index++) {
      int64_t item = source_now[index];
      int64_t doubled = (int64_t)((uint64_t)item + (uint64_t)item);
      target_now[index] = doubled;
      /* The sign bit is set where the double has another sign than the item. */
      overflows |= doubled ^ item;
    }
  }
  return overflows < 0 ? find_overflow(source, length) : length;
}

/* --- 5 The contract: the region without the GIL ---------------------------------- */

/* Return the time on the clock of time.perf_counter_ns(). */
static int64_t read_clock_ns(void) {
#if defined(_WIN32)
  LARGE_INTEGER now, frequency;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&frequency);
  int64_t seconds = now.QuadPart / frequency.QuadPart;
  int64_t rest = now.QuadPart % frequency.QuadPart;
  return seconds * 1000000000 + rest * 1000000000 / frequency.QuadPart;
#elif defined(__APPLE__)
  return (int64_t)clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
#endif
}

void sleep_ns(int64_t duration_ns) {
  int64_t deadline = read_clock_ns() + duration_ns;
  int64_t rest;
  while (duration_ns > 0 && (rest = deadline - read_clock_ns()) > 0) {
#if defined(_WIN32)
    Sleep((DWORD)(rest / 1000000 < 1000000 ? rest / 1000000 + 1 : 1000000));
#else
    struct timespec span = {rest / 1000000000, rest % 1000000000};
    nanosleep(&span, NULL);
#endif
  }
}

int64_t run_kernel(const int64_t *source, int64_t *target, int64_t length,
                   int64_t passes, int64_t released_ns, int64_t *stamps) {
  if (stamps != NULL) {
    stamps[0] = read_clock_ns();
  }
  int64_t first_overflow = double_values(source, target, length, passes);
  if (first_overflow == length) {
    sleep_ns(released_ns);
  }
  if (stamps != NULL) {
    stamps[1] = read_clock_ns();
  }
  return first_overflow;
}

/* --- 6 Build facts ---------------------------------------------------------------- */

const char *get_compiler(void) {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#elif defined(_MSC_VER)
  return "msvc";
#else
  return "unknown";
#endif
}

const char *get_profile(void) {
#if defined(__OPTIMIZE__) || (defined(_MSC_VER) && !defined(_DEBUG))
  return "release";
#else
  return "debug";
#endif
}

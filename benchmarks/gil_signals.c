/* Counts the signals that the calling thread gives on each condition variable.
 *
 * CPython signals the GIL's one whenever a thread releases the GIL (Python/ceval_gil.c,
 * drop_gil). Preloaded into an interpreter, this counts them without any code of ours
 * in between. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

enum { N_ADDRESSES = 256 };

static __thread void *addresses[N_ADDRESSES];
static __thread long counts[N_ADDRESSES];
static __thread int n_addresses;

int pthread_cond_signal(pthread_cond_t *condition) {
  static int (*original)(pthread_cond_t *);
  if (original == NULL) {
    original = (int (*)(pthread_cond_t *))dlsym(RTLD_NEXT, "pthread_cond_signal");
  }
  int place = 0;
  while (place < n_addresses && addresses[place] != condition) {
    place++;
  }
  if (place < N_ADDRESSES) {
    if (place == n_addresses) {
      addresses[n_addresses++] = condition;
    }
    counts[place]++;
  }
  return original(condition);
}

int count_addresses(void) { return n_addresses; }

void *select_address(int place) { return addresses[place]; }

long count_signals(void *address) {
  for (int place = 0; place < n_addresses; place++) {
    if (addresses[place] == address) {
      return counts[place];
    }
  }
  return 0;
}

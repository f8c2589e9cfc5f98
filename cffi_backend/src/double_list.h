/* The C half of the backend "cffi"; it knows nothing of Python. */
#ifndef GILSCOPE_DOUBLE_LIST_H
#define GILSCOPE_DOUBLE_LIST_H
#include <stdint.h>

/* Double source into target, passes times over; return the index of the first item
   whose double overflows, or the length. */
int64_t double_values(const int64_t *source, int64_t *target, int64_t length,
                      int64_t passes);

/* Run the kernel and the sleep between two stamps, which nobody wants where stamps is
   NULL; return what the kernel does. */
int64_t run_kernel(const int64_t *source, int64_t *target, int64_t length,
                   int64_t passes, int64_t released_ns, int64_t *stamps);

/* Let the duration pass, asleep; a signal does not shorten it. */
void sleep_ns(int64_t duration_ns);

/* Return the compiler and its version. */
const char *get_compiler(void);

/* Return "release" or "debug". */
const char *get_profile(void);
#endif

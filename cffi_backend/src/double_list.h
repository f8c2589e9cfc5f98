/* The C half of the backend "cffi"; it knows nothing of Python. */
#ifndef GILSCOPE_DOUBLE_LIST_H
#define GILSCOPE_DOUBLE_LIST_H
#include <stdbool.h>
#include <stdint.h>

/* Double source into target, passes times over; return whether every double fits. */
bool double_values(const int64_t *source, int64_t *target, int64_t length,
                   int64_t passes);

/* Run the kernel, and the sleep if every double fits, between two stamps; return
   whether it does. Where stamps is NULL, nobody wants to know the time. */
bool run_kernel(const int64_t *source, int64_t *target, int64_t length, int64_t passes,
                double released_sleep, int64_t *stamps);

/* Let the seconds pass, asleep; a signal does not shorten it. */
void sleep_seconds(double seconds);

/* Return the compiler and its version. */
const char *get_compiler(void);

/* Return "release" or "debug". */
const char *get_profile(void);
#endif

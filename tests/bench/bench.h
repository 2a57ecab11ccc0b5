/* What every bench in C needs: its clock, and an end with a reason. */
#ifndef BT_TESTS_BENCH_H
#define BT_TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Of all threads of this process. */
static inline double cpu_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Ends the bench: what it measured would be nothing. */
static inline void stop(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

#endif

/* Random numbers for tests: seeded, so that a failure can be run again. BETRACE_SEED in the environment replaces the
 * seed. Only for tests. */
#ifndef BT_TESTS_RANDOM_H
#define BT_TESTS_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct test_random {
  uint64_t state;
} test_random;

/* Prints the seed that it uses. */
static inline test_random test_random_start(uint64_t seed) {
  const char *wanted = getenv("BETRACE_SEED");
  if (wanted) seed = strtoull(wanted, NULL, 10);
  printf("seed %llu\n", (unsigned long long)seed);
  return (test_random){seed * 2862933555777941757u + 3037000493u};
}

/* 0 … below − 1 */
static inline unsigned test_random_below(test_random *random, unsigned below) {
  random->state ^= random->state << 13;
  random->state ^= random->state >> 7;
  random->state ^= random->state << 17;
  return (unsigned)((random->state >> 11) % below);
}

#endif

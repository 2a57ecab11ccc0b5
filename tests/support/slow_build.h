/* How many rounds a random test makes. Under a sanitizer, and where nothing is optimised, one takes five to fifty times
 * as long: fewer of them there look at memory, and all of them, in an optimised build, at what comes out. */
#ifndef BETRACE_TESTS_SUPPORT_SLOW_BUILD_H
#define BETRACE_TESTS_SUPPORT_SLOW_BUILD_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define ROUNDS_OF(all, few) (few)
#else
#define ROUNDS_OF(all, few) (all)
#endif

#endif

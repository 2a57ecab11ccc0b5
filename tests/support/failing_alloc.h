/* Lets the n-th allocation of our own objects fail, through the linker's --wrap. Include it in tests that are built
 * with FAILING_ALLOC. */
#ifndef BT_TESTS_FAILING_ALLOC_H
#define BT_TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on allocation number `n` (from 0) and all later ones fail. */
void failing_alloc_after(size_t n);
/* Number `n` alone fails, and those after it work: what a moment without memory does, when others gave some back. The
 * harder of the two for an answer that has to say that something is missing in it. */
void failing_alloc_once(size_t n);
/* All allocations work again. True when one was refused since failing_alloc_after or failing_alloc_once. */
bool failing_alloc_stop(void);

#endif

/* Lets the n-th allocation of our own objects fail, through the linker's --wrap. Include it in tests that are built with FAILING_ALLOC. */
#ifndef BT_TESTS_FAILING_ALLOC_H
#define BT_TESTS_FAILING_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* From now on allocation number `n` (from 0) and all later ones fail. */
void failing_alloc_after(size_t n);
/* All allocations work again. True when one was refused since failing_alloc_after. */
bool failing_alloc_stop(void);

#endif

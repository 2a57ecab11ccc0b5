/* What test_source_conformance shows to each kind of store first: forty traces of two spans, with links, a violation
 * that BeTrace sent, and a trace of another tenant. Each kind takes them in its own way. One for the program. Thread:
 * its only one. */
#ifndef BT_TESTS_TEMPO_CONFORMANCE_SCENE_H
#define BT_TESTS_TEMPO_CONFORMANCE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/trace/trace.h"
#include "tests/tempo/conformance_store.h"

enum { TRACES = 40, ROUND_S = 10 };
/* Who has all but one trace; who has that one, where there are tenants. Both NULL where the store refuses tenants. */
extern const char *tenant_a, *tenant_b;

typedef struct conformance_scene {
  const store_row *kind;
  store store;
  bt_source *source; /* the store's */
  bt_trace_id ids[TRACES], own_id, foreign_id;
  int64_t base_ns; /* a whole second; trace i starts i rounds later */
} conformance_scene;

extern conformance_scene scene;

/* Gives the spans to a store of the kind, which is set, and opens it, before or after. */
void scene_set_up(void);
void scene_tear_down(void);

/* How many traces a search finds that filters nothing, or that asks for all. */
size_t all_of_scene(void);
/* When trace number i starts, and when its later span ends. Its root begins with it; the child begins later and ends
 * last. */
int64_t start_of(size_t trace);
int64_t end_of(size_t trace);
extern const int64_t root_ns, child_at_ns, child_ns;
/* The number of the trace that one links to. */
size_t linked_from(size_t trace);

#endif

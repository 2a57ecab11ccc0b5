/* What test_source_conformance shows to each kind of source: forty traces of two spans, with links, a violation that
 * BeTrace sent, and a trace of another tenant. Each kind takes them in its own way. One for the program. Thread: its
 * only one. */
#ifndef BT_TESTS_TEMPO_CONFORMANCE_SCENE_H
#define BT_TESTS_TEMPO_CONFORMANCE_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

enum { TRACES = 40, ROUND_S = 10 };
extern const int64_t second_ns;
extern const char tenant_a[], tenant_b[]; /* all but one trace; that one */

typedef struct kind {
  const char *name;
  bt_status (*open)(bt_source **out, bt_error *error);
  void (*push)(const char *tenant, const bt_export_resource *resource);
  bool has_tenants, keeps_own; /* keeps_own: a read with_own gives BeTrace's own traces */
  bool hides_own_tags;         /* their names are not among the tags */
  int64_t grain_ns;            /* search may find what lies that far beyond the range */
} kind;

typedef struct conformance_scene {
  const kind *kind;
  bt_source *source;
  bt_http_client *client; /* of tempo */
  bt_trace_id ids[TRACES], own_id, foreign_id;
  int64_t base_ns; /* a whole second; trace i starts i rounds later */
  char files[8][64];
  size_t file_count;
} conformance_scene;

extern conformance_scene scene;

/* The kind of that name; false: there is none. */
bool scene_choose(const char *name);
/* Gives the spans to a source of the kind and opens it, before or after. 0, or −1 where there is no HTTP client. */
int scene_set_up(void);
void scene_tear_down(void);

/* When trace number i starts, and when its later span ends. Its root begins with it; the child begins later and ends
 * last. */
int64_t start_of(size_t trace);
int64_t end_of(size_t trace);
extern const int64_t root_ns, child_at_ns, child_ns;
/* The number of the trace that one links to. */
size_t linked_from(size_t trace);

#endif

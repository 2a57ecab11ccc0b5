/* Putting probe traces together: traces, their resources and spans, one after another. For probes.c alone. Thread:
 * one. */
#ifndef BT_SERVER_DOCTOR_PROBE_BUILDER_H
#define BT_SERVER_DOCTOR_PROBE_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "dsl/trace/value.h"
#include "server/doctor/probes.h"
#include "tempo/wire/otlp_export.h"

typedef struct bt_probe_build {
  bt_probes *probes;
  bt_probe *probe;              /* the trace that is being built */
  bt_export_resource *resource; /* its last resource, */
  bt_export_span *spans;        /* and the spans of it; room for them was asked for */
  uint32_t span_number;         /* of the trace: from 1 */
  bt_span_id root;
  bool failed; /* no room */
} bt_probe_build;

typedef struct bt_probe_attributes {
  bt_attribute *items;
  uint32_t count;
} bt_probe_attributes;

/* The next trace; its ids follow from the run and its number. */
void bt_probe_begin(bt_probe_build *build, const char *label, bt_probe_trait trait);
/* The next resource of the trace, which is pushed with that part and has room for so many spans. service: NULL:
 * none. `more` are further attributes. */
void bt_probe_resource(bt_probe_build *build, unsigned part, const char *service, bt_probe_attributes more,
                       uint32_t spans);
/* The next span of the resource: internal, unset, 2 ms long, a child of the trace's first. To be changed by the
 * caller, owned by the build; never NULL. */
bt_export_span *bt_probe_span(bt_probe_build *build, const char *name);
/* One attribute; items NULL: no room. */
bt_probe_attributes bt_probe_attribute(bt_probe_build *build, const char *key, bt_value value);
/* The value under each key of the span, or of the resource; MISSING: no attributes. */
bt_probe_attributes bt_probe_under_keys(bt_probe_build *build, bool is_of_resource, bt_value value);
/* Everything is there: makes the traces as a reader sees them. BT_NO_MEMORY alone: the probes themselves are right. */
bt_status bt_probe_finish(bt_probe_build *build, bt_error *error) BT_MUST_CHECK;

#endif

/* Where the documents of a schema keep what is asked for: the seam between the schemas and asking. A schema is one
 * constant row. Asking (elastic_filter.c, elastic_search.c) knows no name of a field but from here; how an index maps a
 * field it asks the server (elastic_map.h). What a schema does not name cannot be asked for, and every span may have
 * it. Thread: constants. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_FIELDS_H
#define BT_TEMPO_ELASTIC_ELASTIC_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/plan/filter.h"

enum { BT_ELASTIC_PATHS = 2, BT_ELASTIC_PATH_BYTES = 320 };

/* Full names of fields that together hold one thing: a document has it in one of them at most. None: it cannot be
 * asked for. */
typedef struct bt_elastic_paths {
  const char *items[BT_ELASTIC_PATHS];
} bt_elastic_paths;

typedef struct bt_elastic_fields {
  const char *schema;                 /* for people: "Data Prepper" */
  const char *trace_id, *start, *end; /* end: NULL, it has none */
  bool start_is_number;               /* of units since 1970; else it is a date */
  int64_t start_unit_ns;              /* how finely its times are kept */
  bool has_short_ids;                 /* leading zeros may be left out of a trace id */
  const char *links;                  /* trace ids of links */
  const char *links_nested;           /* the nested object that has them, or NULL */
  bt_elastic_paths name, status_message;
  bt_elastic_paths kind, status;
  const char *const *kinds, *const *statuses; /* what a document has for each number of OTLP, as JSON: "\"x\"" or "1" */
  bt_elastic_paths duration;
  int64_t duration_ns; /* of 1; what an exporter cuts off of less than one of it is allowed for */
  /* Objects whose members are the attributes, key by key under their own names ("attributes", no dot at the end), and
   * keep each value with the type that it was sent in. NULL: they cannot be asked for by their keys. */
  const char *span, *resource;
} bt_elastic_fields;

extern const bt_elastic_fields bt_elastic_data_prepper, bt_elastic_jaeger, bt_elastic_otel_native;

/* The fields of a test. 0: it cannot be asked for. */
size_t bt_elastic_paths_of(const bt_elastic_fields *fields, const bt_filter_test *test,
                           char out[BT_ELASTIC_PATHS][BT_ELASTIC_PATH_BYTES]);

#endif

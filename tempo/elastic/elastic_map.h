/* How the indices map the fields that a filter asks for: each index as it does now. It is asked anew each time, as
 * a key is mapped when its first value comes. Within a point in time that was opened before, no document has a field
 * that the mapping does not have. Thread: plain values. Internal to tempo/. */
#ifndef BT_TEMPO_ELASTIC_ELASTIC_MAP_H
#define BT_TEMPO_ELASTIC_ELASTIC_MAP_H

#include "dsl/plan/plan.h"
#include "tempo/elastic/elastic_fields.h"
#include "tempo/elastic/elastic_query.h"

/* What an index makes of a value. */
typedef enum bt_elastic_form {
  BT_ELASTIC_KEYWORD,
  BT_ELASTIC_WHOLE,  /* numbers, cut to whole ones */
  BT_ELASTIC_DOUBLE, /* of 64 bits */
  BT_ELASTIC_FLOAT,  /* rounded to 32 bits */
  BT_ELASTIC_BOOLEAN,
  BT_ELASTIC_OTHER /* nothing that can be asked for */
} bt_elastic_form;

/* Indices that map one field in one way. */
typedef struct bt_elastic_mapped {
  size_t path; /* which */
  bt_elastic_form form;
  uint32_t ignore_above; /* of KEYWORD: longer texts are not indexed, and nothing shows it; 0: all are */
  bt_buffer indices;     /* their names as JSON, with commas between */
  size_t index_count;
} bt_elastic_mapped;

typedef struct bt_elastic_map {
  char (*paths)[BT_ELASTIC_PATH_BYTES]; /* full names */
  size_t path_count, path_capacity;
  bt_elastic_mapped *mapped;
  size_t mapped_count, mapped_capacity;
  size_t index_count;
  /* An attribute of the span, or of the resource, may be there and not be mapped. */
  bool hides_span, hides_resource;
} bt_elastic_map;

/* Asks for the fields that the query tests. BT_OK: look at the outcome. BT_CANCELLED, BT_NO_MEMORY. Dispose in every
 * case. */
bt_status bt_elastic_map_ask(bt_elastic *elastic, const bt_remote_question *ask, const bt_elastic_fields *fields,
                             bt_query query, bt_elastic_map *map, bt_remote_answer *answer,
                             bt_error *error) BT_MUST_CHECK;
void bt_elastic_map_dispose(bt_elastic_map *map);

#endif

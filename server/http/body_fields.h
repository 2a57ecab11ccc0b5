/* Fields that several calls read alike: times, durations, limits. A query string is read as the body that says the
 * same, so that GET and POST of one question share one reader. What is wrong is added to the errors by name. Thread:
 * workers. */
#ifndef BT_SERVER_HTTP_BODY_FIELDS_H
#define BT_SERVER_HTTP_BODY_FIELDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/call.h"
#include "server/http/service.h"
#include "tempo/wire/source.h"

/* The query as an object of strings; `list` (may be NULL) may stand several times and becomes the array `list_name`.
 * `names` are all that may stand (NULL-terminated, `list` among them); any other, and one that stands twice, is
 * answered with 400. New. NULL: answered. */
json_t *bt_query_body(bt_call *call, const char *const *names, const char *list, const char *list_name);

typedef struct bt_range_names {
  const char *start, *end;
  int64_t default_ns; /* without a start: so long before the end, or --max-range where that is shorter */
  int64_t most_ns;    /* 0: any length; --max-range holds besides */
} bt_range_names;
void bt_body_range(const bt_service *service, json_t *body, const bt_range_names *names, int64_t now_ns,
                   bt_time_range *out, bt_field_errors *errors);
/* Borrowed; NULL when it is not there, or null: everywhere the same. */
json_t *bt_body_value(json_t *body, const char *name);
/* A string; NULL when it is not there. */
const char *bt_body_text(json_t *body, const char *name, bt_field_errors *errors);
/* A duration of more than nothing and at most most_ns; *out stays when it is not there. */
void bt_body_duration(json_t *body, const char *name, int64_t most_ns, int64_t *out, bt_field_errors *errors);
/* A whole number from 1 to most, as a number or in digits; *out stays when it is not there. */
void bt_body_count(json_t *body, const char *name, size_t most, size_t *out, bt_field_errors *errors);
/* The number of the word in `words` (NULL-terminated); `otherwise` when it is not there. */
size_t bt_body_word(json_t *body, const char *name, const char *const *words, size_t otherwise,
                    bt_field_errors *errors);

#endif

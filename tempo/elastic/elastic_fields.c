/* The schemas, as far as they are asked. See elastic_fields.h. */
#include "tempo/elastic/elastic_fields.h"

#include <stdio.h>
#include <string.h>

static const char *const otlp_kinds[] = {"\"SPAN_KIND_UNSPECIFIED\"", "\"SPAN_KIND_INTERNAL\"",
                                         "\"SPAN_KIND_SERVER\"",      "\"SPAN_KIND_CLIENT\"",
                                         "\"SPAN_KIND_PRODUCER\"",    "\"SPAN_KIND_CONSUMER\""};
static const char *const numbers[] = {"0", "1", "2"};

const bt_elastic_fields bt_elastic_data_prepper = {.schema = "Data Prepper",
                                                   .trace_id = "traceId",
                                                   .start = "startTime",
                                                   .end = "endTime",
                                                   .start_unit_ns = 1,
                                                   .links = "links.traceId",
                                                   .links_nested = "links",
                                                   .name = {{"name"}},
                                                   .status_message = {{"status.message"}},
                                                   .kind = {{"kind"}},
                                                   .status = {{"status.code"}},
                                                   .kinds = otlp_kinds,
                                                   .statuses = numbers,
                                                   .duration = {{"durationInNanos"}},
                                                   .duration_ns = 1,
                                                   .span = "attributes",
                                                   .resource = "resource.attributes"};

static const char *const native_kinds[] = {"\"Unspecified\"", "\"Internal\"", "\"Server\"",
                                           "\"Client\"",      "\"Producer\"", "\"Consumer\""};

/* A status is left out where it is unset, and a name where it is empty. */
const bt_elastic_fields bt_elastic_otel_native = {.schema = "OTel-native",
                                                  .trace_id = "trace_id",
                                                  .start = "@timestamp",
                                                  .start_unit_ns = 1000000,
                                                  .links = "links.trace_id",
                                                  .kind = {{"kind"}},
                                                  .kinds = native_kinds,
                                                  .duration = {{"duration"}},
                                                  .duration_ns = 1,
                                                  .span = "attributes",
                                                  .resource = "resource.attributes"};

/* Kinds, statuses and tags stand among the tags, which are nested or not, as somebody chose. */
const bt_elastic_fields bt_elastic_jaeger = {.schema = "Jaeger",
                                             .trace_id = "traceID",
                                             .start = "startTime",
                                             .start_is_number = true,
                                             .start_unit_ns = 1000,
                                             .has_short_ids = true,
                                             .links = "references.traceID",
                                             .links_nested = "references",
                                             .name = {{"operationName"}},
                                             .duration = {{"duration"}},
                                             .duration_ns = 1000};

/* It goes into an address, and a star would be a pattern there. An empty part names nothing. */
static bool is_path(bt_str key) {
  if (!key.len || key.len > 200 || key.ptr[0] == '.' || key.ptr[key.len - 1] == '.') return false;
  for (size_t i = 0; i < key.len; i++) {
    char c = key.ptr[i], lower = (char)(c | 0x20);
    if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && !memchr("._-:@", c, 5)) return false;
  }
  return !bt_str_contains(key, BT_STR(".."));
}

static size_t attribute_path(const char *object, bt_str key, char out[BT_ELASTIC_PATH_BYTES]) {
  if (!object || !is_path(key)) return 0;
  int length = snprintf(out, BT_ELASTIC_PATH_BYTES, "%s.%.*s", object, BT_FMT(key));
  return length > 0 && length < BT_ELASTIC_PATH_BYTES;
}

size_t bt_elastic_paths_of(const bt_elastic_fields *fields, const bt_filter_test *test,
                           char out[BT_ELASTIC_PATHS][BT_ELASTIC_PATH_BYTES]) {
  const bt_elastic_paths *paths = NULL;
  size_t count = 0;
  switch (test->field) {
  case BT_FILTER_NAME: paths = &fields->name; break;
  case BT_FILTER_STATUS_MESSAGE: paths = &fields->status_message; break;
  case BT_FILTER_KIND: paths = &fields->kind; break;
  case BT_FILTER_STATUS: paths = &fields->status; break;
  case BT_FILTER_DURATION: paths = &fields->duration; break;
  case BT_FILTER_SPAN: return attribute_path(fields->span, test->key, out[0]);
  case BT_FILTER_RESOURCE: return attribute_path(fields->resource, test->key, out[0]);
  case BT_FILTER_EVENT_NAME: /* what a list holds is not asked for */
  case BT_FILTER_EVENT:
  case BT_FILTER_LINK:
  case BT_FILTER_SERVICE: /* a sampler's, as those that follow */
  case BT_FILTER_SCOPE_NAME:
  case BT_FILTER_SCOPE_VERSION:
  case BT_FILTER_SCOPE: return 0;
  }
  while (paths && count < BT_ELASTIC_PATHS && paths->items[count]) {
    snprintf(out[count], BT_ELASTIC_PATH_BYTES, "%s", paths->items[count]);
    count++;
  }
  return count;
}

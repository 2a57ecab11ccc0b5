/* Derived ids, and the traces that have them. See own_trace.h. */
#include "tempo/wire/own_trace.h"

#include <string.h>

static bt_own_digest own_digest;

void bt_own_trace_use(bt_own_digest digest) {
  own_digest = digest;
}

static bool derive_ids(const bt_str *fields, size_t count, bt_own_ids *out) {
  uint8_t digest[32];
  if (!own_digest || !own_digest(fields, count, digest)) return false;
  memcpy(out->trace_id.bytes, digest, 16);
  memcpy(out->span_id.bytes, digest + 16, 8);
  memcpy(out->retraction_id.bytes, digest + 24, 8);
  return true;
}

bool bt_own_violation_ids(bt_str tenant, bt_str rule_id, bt_str condition_hash, const bt_trace_id *violating,
                          bt_own_ids *out) {
  char hex[BT_TRACE_ID_HEX + 1];
  bt_trace_id_format(violating, hex);
  const bt_str fields[] = {tenant, rule_id, condition_hash, {hex, BT_TRACE_ID_HEX}};
  return derive_ids(fields, 4, out);
}

bool bt_own_record_ids(bt_str tenant, bt_str name, bt_str key, bt_own_ids *out) {
  const bt_str fields[] = {tenant, name, key};
  return derive_ids(fields, 3, out);
}

static bool find_text(const bt_span *span, const char *key, bt_str *out) {
  const bt_value *value = bt_attributes_find(&span->attributes, bt_str_from(key));
  if (!value || value->type != BT_VALUE_STRING) return false;
  *out = value->string;
  return true;
}

/* The ids that the span should have by what it says of itself. */
static bool ids_of(const bt_span *span, bt_str tenant, bt_own_ids *out) {
  bt_str rule_id, condition_hash, key;
  bt_trace_id violating;
  if (bt_str_equal(span->name, BT_STR(BT_OWN_VIOLATION)))
    return find_text(span, BT_OWN_RULE_ID, &rule_id) && find_text(span, BT_OWN_CONDITION_HASH, &condition_hash) &&
           find_text(span, BT_OWN_TRACE_ID, &key) && bt_trace_id_parse(key, &violating) &&
           bt_own_violation_ids(tenant, rule_id, condition_hash, &violating, out);
  if (bt_str_equal(span->name, BT_STR(BT_OWN_WATCH)))
    return find_text(span, BT_OWN_UNTIL, &key) && bt_own_record_ids(tenant, span->name, key, out);
  if (bt_str_equal(span->name, BT_STR(BT_OWN_REPORT)))
    return find_text(span, BT_OWN_REPORT_ID, &key) && bt_own_record_ids(tenant, span->name, key, out);
  return false;
}

static bool is_span_id(const bt_span_id *a, const bt_span_id *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_own_span(const bt_trace *trace, const bt_span *span, bt_str tenant) {
  bt_own_ids ids;
  return bt_str_equal(span->resource->service, BT_STR(BT_OWN_SERVICE)) && ids_of(span, tenant, &ids) &&
         bt_trace_id_compare(&trace->id, &ids.trace_id) == 0 &&
         (is_span_id(&span->id, &ids.span_id) || is_span_id(&span->id, &ids.retraction_id));
}

static bool is_own_of(const bt_trace *trace, bt_str tenant) {
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (!is_own_span(trace, &trace->spans[i], tenant)) return false;
  return true;
}

bool bt_trace_is_own(const bt_trace *trace, bt_str tenant) {
  if (trace->span_count < 1 || trace->span_count > 2) return false;
  for (;;) {
    const char *bar = tenant.len ? memchr(tenant.ptr, '|', tenant.len) : NULL;
    bt_str one = {tenant.ptr, bar ? (size_t)(bar - tenant.ptr) : tenant.len};
    if (is_own_of(trace, one)) return true;
    if (!bar) return false;
    tenant = (bt_str){bar + 1, tenant.len - one.len - 1};
  }
}

bool bt_trace_may_be_own(const bt_trace *trace) {
  if (trace->span_count == 0 || trace->span_count > 2) return false;
  const bt_span *span = &trace->spans[0];
  bt_str service = span->resource->service;
  return (!service.len || bt_str_equal(service, BT_STR(BT_OWN_SERVICE))) &&
         (bt_str_equal(span->name, BT_STR(BT_OWN_VIOLATION)) || bt_str_equal(span->name, BT_STR(BT_OWN_WATCH)) ||
          bt_str_equal(span->name, BT_STR(BT_OWN_REPORT)));
}

/* Tempo may count copies of a span, and of one that was sent again there are several. */
enum { OWN_SPANS_MAX = 64 };

void bt_found_list_keep_own(bt_found_list *list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i].span_count <= OWN_SPANS_MAX) list->items[kept++] = list->items[i];
  list->count = kept;
}

/* ---- searches ---- */

static const bt_filter own_service = {
    .kind = BT_FILTER_TEST,
    .test = {.field = BT_FILTER_RESOURCE,
             .key = {"service.name", sizeof "service.name" - 1},
             .op = BT_FILTER_EQUAL,
             .literal = {.type = BT_VALUE_STRING, .string = {BT_OWN_SERVICE, sizeof BT_OWN_SERVICE - 1}}}};
static const bt_filter names[] = {BT_FILTER_OF_NAME(BT_FILTER_EQUAL, BT_OWN_VIOLATION),
                                  BT_FILTER_OF_NAME(BT_FILTER_EQUAL, BT_OWN_WATCH),
                                  BT_FILTER_OF_NAME(BT_FILTER_EQUAL, BT_OWN_REPORT)},
                       other_names[] = {BT_FILTER_OF_NAME(BT_FILTER_NOT_EQUAL, BT_OWN_VIOLATION),
                                        BT_FILTER_OF_NAME(BT_FILTER_NOT_EQUAL, BT_OWN_WATCH),
                                        BT_FILTER_OF_NAME(BT_FILTER_NOT_EQUAL, BT_OWN_REPORT)};
static const bt_filter *all_names[] = {&names[0], &names[1], &names[2]},
                       *all_others[] = {&other_names[0], &other_names[1], &other_names[2]};
static const bt_filter any_name = {.kind = BT_FILTER_OR, .items = all_names, .item_count = 3},
                       other_name = {.kind = BT_FILTER_AND, .items = all_others, .item_count = 3};
static const bt_filter *of_kinds[][2] = {[BT_OWN_VIOLATIONS] = {&own_service, &names[0]},
                                         [BT_OWN_CHECKPOINTS] = {&own_service, &names[1]},
                                         [BT_OWN_REPORTS] = {&own_service, &names[2]},
                                         [BT_OWN_ANY] = {&own_service, &any_name}};
static const bt_filter of_service[] = {
    [BT_OWN_VIOLATIONS] = {.kind = BT_FILTER_AND, .items = of_kinds[BT_OWN_VIOLATIONS], .item_count = 2},
    [BT_OWN_CHECKPOINTS] = {.kind = BT_FILTER_AND, .items = of_kinds[BT_OWN_CHECKPOINTS], .item_count = 2},
    [BT_OWN_REPORTS] = {.kind = BT_FILTER_AND, .items = of_kinds[BT_OWN_REPORTS], .item_count = 2},
    [BT_OWN_ANY] = {.kind = BT_FILTER_AND, .items = of_kinds[BT_OWN_ANY], .item_count = 2}};

bt_query bt_own_traces_query(bt_own_kind kind) {
  return (bt_query){.filter = &of_service[kind]};
}

bt_query bt_other_traces_query(void) {
  return (bt_query){.filter = &other_name};
}

/* What the probe traces hold. See probes.h. The first twenty or so are one kind of value each, which lies under every
 * key at once: a span without it, and next to it another one, as in real traces. */
#include "server/doctor/probes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/doctor/probe_builder.h"

enum { RUN_DIGITS = 6 };
static const size_t arena_cap_bytes = (size_t)64 << 20;
static const int64_t second_ns = 1000000000;

#define ROOT  "doctor.root"
#define PROBE "doctor.probe"

/* ---- values ---- */

#define TEXT(s)                                                                                                        \
  {                                                                                                                    \
    .type = BT_VALUE_STRING, .string = { s, sizeof(s) - 1 }                                                            \
  }
#define INT(n)                                                                                                         \
  { .type = BT_VALUE_INT, .integer = (n) }
#define DOUBLE(d)                                                                                                      \
  { .type = BT_VALUE_DOUBLE, .decimal = (d) }
#define BOOL(b)                                                                                                        \
  { .type = BT_VALUE_BOOL, .boolean = (b) }
#define ARRAY(list)                                                                                                    \
  {                                                                                                                    \
    .type = BT_VALUE_ARRAY, .array = { list, sizeof(list) / sizeof *(list) }                                           \
  }

static const bt_value two_texts[] = {TEXT("GET"), TEXT("nil")};
static const bt_value text_last[] = {TEXT("POST"), TEXT("GET")};
static const bt_value one_text[] = {TEXT("GET")};
static const bt_value two_ints[] = {INT(200), INT(500)};
static const bt_value two_bools[] = {BOOL(true), BOOL(false)};
static const bt_value one_double[] = {DOUBLE(500.5)};
static const bt_value mixed[] = {TEXT("GET"), INT(500)};

/* No array of several doubles: beside a NaN Tempo 2.8 may overlook it (docs/RELIABILITY.md says so), which would be
 * seen or not by chance. */
static const struct {
  const char *label;
  bt_value value;
  bt_probe_trait trait;
} values[] = {
    {"missing", {.type = BT_VALUE_MISSING}, BT_PROBE_VALUE},
    {"text GET", TEXT("GET"), BT_PROBE_VALUE},
    {"text POST", TEXT("POST"), BT_PROBE_VALUE},
    {"text nil", TEXT("nil"), BT_PROBE_VALUE},
    {"text empty", TEXT(""), BT_PROBE_VALUE},
    {"text 500", TEXT("500"), BT_PROBE_VALUE},
    {"text with marks", TEXT("gr\u00f6\u00dfe \"q\" \\ \u2713\nend"), BT_PROBE_VALUE},
    {"int 500", INT(500), BT_PROBE_VALUE},
    {"int 200", INT(200), BT_PROBE_VALUE},
    {"int 0", INT(0), BT_PROBE_VALUE},
    {"int -1", INT(-1), BT_PROBE_VALUE},
    {"int 2^53+1", INT(INT64_C(9007199254740993)), BT_PROBE_VALUE},
    {"double 500", DOUBLE(500.0), BT_PROBE_VALUE},
    {"double 499.5", DOUBLE(499.5), BT_PROBE_VALUE},
    {"double 2^53", DOUBLE(9007199254740992.0), BT_PROBE_VALUE},
    {"NaN", DOUBLE(NAN), BT_PROBE_VALUE},
    {"true", BOOL(true), BT_PROBE_VALUE},
    {"false", BOOL(false), BT_PROBE_VALUE},
    {"mixed array", ARRAY(mixed), BT_PROBE_VALUE}, /* counts as missing */
    {"texts GET, nil", ARRAY(two_texts), BT_PROBE_ARRAY},
    {"texts POST, GET", ARRAY(text_last), BT_PROBE_ARRAY},
    {"one text GET", ARRAY(one_text), BT_PROBE_ARRAY},
    {"ints 200, 500", ARRAY(two_ints), BT_PROBE_ARRAY},
    {"bools true, false", ARRAY(two_bools), BT_PROBE_ARRAY},
    {"one double 500.5", ARRAY(one_double), BT_PROBE_ARRAY},
};

/* ---- fields of spans ---- */

static const struct {
  const char *label, *name, *message;
  bt_span_kind kind;
  bt_span_status status;
  int64_t duration_ns;
} fields[] = {
    {"server, ok", "doctor.first", "", BT_KIND_SERVER, BT_SPAN_STATUS_OK, INT64_C(10000000)},
    {"client, error", "doctor.first", "it \"broke\"", BT_KIND_CLIENT, BT_SPAN_STATUS_ERROR, INT64_C(1500000000)},
    {"producer, unset, 0 ns", "doctor.second", "", BT_KIND_PRODUCER, BT_SPAN_STATUS_UNSET, 0},
    {"consumer, error, 1 ns", "doctor.second", "", BT_KIND_CONSUMER, BT_SPAN_STATUS_ERROR, 1},
    {"internal, 1 s", "doctor.third", "", BT_KIND_INTERNAL, BT_SPAN_STATUS_OK, INT64_C(1000000000)},
    {"unspecified, 2 s", "doctor.third", "", BT_KIND_UNSPECIFIED, BT_SPAN_STATUS_UNSET, INT64_C(2000000000)},
    {"name with marks", "doctor gr\u00f6\u00dfe \"q\" \\ \u2713", "", BT_KIND_INTERNAL, BT_SPAN_STATUS_OK,
     INT64_C(3000000)},
    {"ends before it starts", "doctor.third", "", BT_KIND_INTERNAL, BT_SPAN_STATUS_OK, INT64_C(-5000000)},
};

/* ---- making them ---- */

static const bt_probe_attributes no_more = {0};

/* The span that every probe has. */
static void begin_rooted(bt_probe_build *build, const char *label, bt_probe_trait trait) {
  bt_probe_begin(build, label, trait);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
  bt_probe_span(build, ROOT);
}

static bt_export_span *span_with(bt_probe_build *build, const char *name, bt_probe_attributes attributes) {
  bt_export_span *span = bt_probe_span(build, name);
  span->attributes = attributes.items;
  span->attribute_count = attributes.count;
  return span;
}

static void make_values(bt_probe_build *build) {
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    begin_rooted(build, values[i].label, values[i].trait);
    bt_probe_resource(build, 0, BT_PROBE_SERVICE, bt_probe_under_keys(build, true, values[i].value), 1);
    span_with(build, PROBE, bt_probe_under_keys(build, false, values[i].value));
  }
}

static void make_fields(bt_probe_build *build) {
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    begin_rooted(build, fields[i].label, BT_PROBE_FIELDS);
    bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
    bt_export_span *span = bt_probe_span(build, fields[i].name);
    span->kind = fields[i].kind;
    span->status = fields[i].status;
    span->status_message = bt_str_from(fields[i].message);
    span->end_ns = span->start_ns + fields[i].duration_ns;
  }
}

static void make_services(bt_probe_build *build) {
  static const char *const services[] = {BT_PROBE_SERVICE "-other", NULL};
  static const char *const labels[] = {"another service", "no service"};
  for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
    begin_rooted(build, labels[i], BT_PROBE_FIELDS);
    bt_probe_resource(build, 0, services[i], no_more, 1);
    bt_probe_span(build, "doctor.served");
  }
}

/* An attribute of the span, of its resource, of both: the span's own goes first. */
static void make_scopes(bt_probe_build *build) {
  static const char *const labels[] = {"of the span", "of the resource", "of both"};
  for (unsigned i = 0; i < 3; i++) {
    begin_rooted(build, labels[i], BT_PROBE_FIELDS);
    bt_probe_attributes of_span = bt_probe_attribute(build, "betrace.either", (bt_value)TEXT("one"));
    bt_probe_attributes of_resource = bt_probe_attribute(build, "betrace.either", (bt_value)TEXT("two"));
    bt_probe_resource(build, 0, BT_PROBE_SERVICE, i == 0 ? no_more : of_resource, 1);
    span_with(build, PROBE, i == 1 ? no_more : of_span);
  }
}

/* Two attributes of one span, each of which may be right. */
static void make_pairs(bt_probe_build *build) {
  static const struct {
    const char *label, *first;
    int64_t second;
  } pairs[] = {{"pair a, 1", "a", 1}, {"pair a, 2", "a", 2}, {"pair b, 1", "b", 1}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    begin_rooted(build, pairs[i].label, BT_PROBE_FIELDS);
    bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
    bt_value text = {.type = BT_VALUE_STRING, .string = bt_str_from(pairs[i].first)};
    bt_attribute *both = bt_arena_array(&build->probes->arena, 2, sizeof *both);
    bt_probe_attributes attributes = {both, both ? 2 : 0};
    if (both) both[0] = (bt_attribute){BT_STR("betrace.first"), text};
    if (both) both[1] = (bt_attribute){BT_STR("betrace.second"), INT(pairs[i].second)};
    if (!both) build->failed = true;
    span_with(build, PROBE, attributes);
  }
}

static void make_split(bt_probe_build *build) {
  begin_rooted(build, "in two parts", BT_PROBE_SPLIT);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 2);
  bt_probe_span(build, "doctor.early");
  bt_probe_span(build, "doctor.early");
  bt_probe_resource(build, 1, BT_PROBE_SERVICE, no_more, 1);
  bt_probe_span(build, "doctor.late");
}

static void make_halves(bt_probe_build *build) {
  begin_rooted(build, "client and server with one id", BT_PROBE_HALVES);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
  bt_export_span *client = bt_probe_span(build, "doctor.call");
  client->kind = BT_KIND_CLIENT;
  bt_span_id id = client->span_id;
  bt_probe_resource(build, 0, BT_PROBE_SERVICE "-other", no_more, 1);
  bt_export_span *server = bt_probe_span(build, "doctor.call");
  server->kind = BT_KIND_SERVER;
  server->span_id = id;
}

static void make_many(bt_probe_build *build) {
  begin_rooted(build, "many spans", BT_PROBE_MANY);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, BT_PROBE_LARGE - 1);
  for (int i = 1; i < BT_PROBE_LARGE; i++)
    span_with(build, "doctor.step", bt_probe_attribute(build, "betrace.step", (bt_value)INT(i)));
}

static void make_long(bt_probe_build *build) {
  begin_rooted(build, "long", BT_PROBE_LONG);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
  bt_export_span *span = bt_probe_span(build, "doctor.long");
  span->start_ns -= BT_PROBE_LONG_NS;
}

static void make_events(bt_probe_build *build) {
  begin_rooted(build, "events and a link", BT_PROBE_EVENTS);
  bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
  bt_export_span *span = bt_probe_span(build, PROBE);
  bt_event *events = bt_arena_array(&build->probes->arena, 2, sizeof *events);
  bt_link *link = bt_arena_alloc(&build->probes->arena, sizeof *link);
  if (!events || !link) {
    build->failed = true;
    return;
  }
  bt_probe_attributes attribute = bt_probe_attribute(build, "betrace.kind", (bt_value)TEXT("nil"));
  events[0] = (bt_event){.name = BT_STR("doctor.opened"), .time_ns = span->start_ns};
  events[1] = (bt_event){BT_STR("doctor.closed"), span->end_ns, {.items = attribute.items, .count = attribute.count}};
  *link = (bt_link){.trace_id = build->probes->items[0].id, .span_id = build->root};
  span->events = events;
  span->event_count = 2;
  span->links = link;
  span->link_count = 1;
}

/* A span of a device without a clock, next to one that has one. Whatever a store says of such a trace, it is there. */
static void make_clockless(bt_probe_build *build, unsigned count) {
  static const char *const labels[] = {"a span at time 0", "a span of 1970"};
  for (unsigned i = 0; i < count; i++) {
    begin_rooted(build, labels[i], BT_PROBE_FIELDS);
    bt_probe_resource(build, 0, BT_PROBE_SERVICE, no_more, 1);
    bt_export_span *span = bt_probe_span(build, "doctor.clockless");
    span->start_ns = i * 5 * second_ns;
    span->end_ns = span->start_ns + i * second_ns;
  }
}

static void make_all(bt_probe_build *build, bool is_near) {
  make_values(build);
  make_fields(build);
  make_services(build);
  make_scopes(build);
  make_pairs(build);
  make_split(build);
  make_halves(build);
  make_many(build);
  make_long(build);
  make_events(build);
  make_clockless(build, is_near ? 1 : 2);
  begin_rooted(build, "ids with zeros", BT_PROBE_ZEROS);
}

/* ---- keys ---- */

static const bt_probe_key usual_keys[] = {{false, {"betrace.plain", 13}},    {false, {"odd \"key\" {x}", 13}},
                                          {true, {"betrace.place", 13}},     {false, {"http.method", 11}},
                                          {false, {"http.url", 8}},          {false, {"http.status_code", 16}},
                                          {true, {"k8s.namespace.name", 18}}};

static void add_key(bt_probes *probes, bt_probe_key key) {
  for (size_t i = 0; i < probes->key_count; i++)
    if (probes->keys[i].is_of_resource == key.is_of_resource && bt_str_equal(probes->keys[i].key, key.key)) return;
  if (probes->key_count < BT_PROBE_KEYS_MAX) probes->keys[probes->key_count++] = key;
}

bool bt_probe_key_parse(bt_str text, bt_probe_key *out) {
  const bt_str scopes[] = {BT_STR("span."), BT_STR("resource.")};
  for (size_t i = 0; i < 2; i++) {
    if (!bt_str_starts_with(text, scopes[i]) || text.len == scopes[i].len) continue;
    *out = (bt_probe_key){i == 1, {text.ptr + scopes[i].len, text.len - scopes[i].len}};
    return true;
  }
  return false;
}

/* ---- runs ---- */

bt_status bt_probe_run_new(int64_t now_ns, char run[BT_PROBE_RUN_SIZE], bt_error *error) {
  uint8_t bytes[RUN_DIGITS / 2];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return bt_error_set(error, BT_IO, "the system gives no random numbers for the name of the run");
  snprintf(run, BT_PROBE_RUN_SIZE, "%lld-%02x%02x%02x", (long long)(now_ns / second_ns), bytes[0], bytes[1], bytes[2]);
  return BT_OK;
}

bool bt_probe_run_is_valid(const char *run) {
  size_t digits = strspn(run, "0123456789");
  bool has_time = digits >= 9 && digits <= 10 && run[digits] == '-';
  return has_time && strspn(run + digits + 1, "0123456789abcdef") == RUN_DIGITS && !run[digits + 1 + RUN_DIGITS];
}

/* ---- the whole ---- */

bt_status bt_probes_make(bt_probes *probes, const char *run, const bt_probe_key *more_keys, size_t more_count,
                         bool is_near, bt_error *error) {
  *probes = (bt_probes){0};
  bt_arena_init(&probes->arena, arena_cap_bytes);
  if (!bt_probe_run_is_valid(run))
    return bt_error_set(error, BT_INVALID,
                        "\"%.60s\" is not the name of a run: seconds, a minus and six digits were expected, as in "
                        "1767225600-5f3a9c",
                        run);
  snprintf(probes->run, sizeof probes->run, "%s", run);
  /* The longest span that is no special case lasts 2 s: none ends in the future. */
  probes->base_ns = (strtoll(run, NULL, 10) - 3) * second_ns;
  for (size_t i = 0; i < sizeof usual_keys / sizeof *usual_keys; i++) add_key(probes, usual_keys[i]);
  for (size_t i = 0; i < more_count; i++) add_key(probes, more_keys[i]);
  bt_probe_build build = {.probes = probes};
  make_all(&build, is_near);
  return bt_probe_finish(&build, error);
}

void bt_probes_dispose(bt_probes *probes) {
  bt_span_batch_free(probes->batch);
  bt_buffer_dispose(&probes->encoded);
  bt_arena_dispose(&probes->arena);
  *probes = (bt_probes){0};
}

size_t bt_probes_find(const bt_probes *probes, const bt_trace_id *id) {
  size_t i = 0;
  while (i < probes->count && bt_trace_id_compare(&probes->items[i].id, id) != 0) i++;
  return i;
}

uint64_t bt_probes_all(const bt_probes *probes) {
  return probes->count == 64 ? UINT64_MAX : (UINT64_C(1) << probes->count) - 1;
}

uint64_t bt_probes_with(const bt_probes *probes, bt_probe_trait trait) {
  uint64_t bits = 0;
  for (size_t i = 0; i < probes->count; i++)
    if (probes->items[i].trait == trait) bits |= UINT64_C(1) << i;
  return bits;
}

/* Tests of rules as rule files write them (dsl.md §8). One table of keys per kind of mapping; defaults that need other
 * spans (parent, at) are left to whoever builds the trace, so that what was said and what was not stays apart. Thread:
 * no state. */
#include "server/rulefile/testcase.h"

#include "server/rulefile/yaml_reader.h"

typedef bt_yaml_document document;
typedef bt_yaml_node node;

/* A reader that stores a text (or a boolean, or a duration) in a member of the struct that is filled. */
#define TEXT_READER(name, type, member, key)                                                                           \
  static bt_status name(const document *d, const node *value, void *into, bt_error *error) {                           \
    return bt_yaml_get_string(d, value, key, &((type *)into)->member, error);                                          \
  }
#define DURATION_READER(name, type, member, key)                                                                       \
  static bt_status name(const document *d, const node *value, void *into, bt_error *error) {                           \
    return bt_yaml_get_duration(d, value, key, &((type *)into)->member, error);                                        \
  }

/* What OTLP counts in 32 bits. */
static bt_status read_count(const document *d, const node *value, const char *key, uint32_t *out, bt_error *error) {
  int64_t number = 0;
  char shown[BT_YAML_SHOWN_BYTES];
  bt_status status = bt_yaml_get_number(d, value, key, &number, error);
  if (status) return status;
  if (number > UINT32_MAX)
    return bt_yaml_fail(d, value, error, "%s: expected a number from 0 to 4294967295, got %s", key,
                        bt_yaml_show(value, shown));
  *out = (uint32_t)number;
  return BT_OK;
}
#define COUNT_READER(name, member, key)                                                                                \
  static bt_status name(const document *d, const node *value, void *into, bt_error *error) {                           \
    return read_count(d, value, key, &((bt_test_span *)into)->member, error);                                          \
  }

static bt_status read_scalar(const document *d, const node *value, bt_value *out, bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  if (bt_yaml_scalar_type(value, out) != BT_YAML_TOO_LARGE) return BT_OK;
  return bt_yaml_fail(d, value, error, "expected a number of at most 64 bits, got %s", bt_yaml_show(value, shown));
}

/* A list of one kind of scalars is an array; any other list counts as missing, as it does in a real trace (dsl.md §5).
 */
static bt_status read_array(const document *d, const node *list, bt_value *out, bt_error *error) {
  bt_value *items = bt_arena_array(d->arena, list->count, sizeof *items);
  uint32_t count = 0;
  if (!items) return bt_error_no_memory(error);
  *out = (bt_value){.type = BT_VALUE_OTHER};
  for (const node *item = list->first; item; item = item->next, count++) {
    if (item->kind != BT_YAML_SCALAR) return BT_OK;
    bt_status status = read_scalar(d, item, &items[count], error);
    if (status) return status;
    if (items[count].type == BT_VALUE_MISSING || items[count].type != items[0].type) return BT_OK;
  }
  if (count == 0) return BT_OK;
  *out = (bt_value){.type = BT_VALUE_ARRAY};
  out->array.items = items;
  out->array.count = count;
  return BT_OK;
}

static bt_status read_value(const document *d, const node *value, bt_value *out, bt_error *error) {
  if (value->kind == BT_YAML_LIST) return read_array(d, value, out, error);
  if (value->kind == BT_YAML_SCALAR) return read_scalar(d, value, out, error);
  *out = (bt_value){.type = BT_VALUE_OTHER};
  return BT_OK;
}

static bt_status read_attributes(const document *d, const node *map, const char *key, bt_attributes *out,
                                 bt_error *error) {
  bt_status status = bt_yaml_expect_map(d, map, key, error);
  if (status) return status;
  bt_attribute *items = bt_arena_array(d->arena, map->count, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  uint32_t count = 0;
  for (const node *name = map->first; !status && name; name = name->next->next, count++) {
    items[count].key = name->text;
    status = read_value(d, name->next, &items[count].value, error);
  }
  *out = (bt_attributes){.items = items, .count = count};
  return status;
}

TEXT_READER(read_event_name, bt_test_event, name, "name")
DURATION_READER(read_event_at, bt_test_event, at_ns, "at")
static bt_status read_event_attributes(const document *d, const node *value, void *into, bt_error *error) {
  return read_attributes(d, value, "attributes", &((bt_test_event *)into)->attributes, error);
}
static const bt_yaml_field event_fields[] = {
    {"name", read_event_name}, {"at", read_event_at}, {"attributes", read_event_attributes}, {0}};

TEXT_READER(read_link_trace, bt_test_link, trace, "trace")
TEXT_READER(read_link_span, bt_test_link, span, "span")
static bt_status read_link_attributes(const document *d, const node *value, void *into, bt_error *error) {
  return read_attributes(d, value, "attributes", &((bt_test_link *)into)->attributes, error);
}
static const bt_yaml_field link_fields[] = {
    {"trace", read_link_trace}, {"span", read_link_span}, {"attributes", read_link_attributes}, {0}};

TEXT_READER(read_span_name, bt_test_span, name, "span")
TEXT_READER(read_span_id, bt_test_span, id, "id")
TEXT_READER(read_span_parent, bt_test_span, parent, "parent")
TEXT_READER(read_span_service, bt_test_span, service, "service")
TEXT_READER(read_span_status_message, bt_test_span, status_message, "status_message")
TEXT_READER(read_span_trace_state, bt_test_span, trace_state, "trace_state")
DURATION_READER(read_span_at, bt_test_span, at_ns, "at")
DURATION_READER(read_span_duration, bt_test_span, duration_ns, "duration")
COUNT_READER(read_span_flags, flags, "flags")
COUNT_READER(read_dropped_attributes, dropped_attributes, "dropped_attributes_count")
COUNT_READER(read_dropped_events, dropped_events, "dropped_events_count")
COUNT_READER(read_dropped_links, dropped_links, "dropped_links_count")

/* The number of a word in a list, in any case. */
static bt_status read_word(const document *d, const node *value, const char *key, const char *const *words,
                           const char *expected, int *out, bt_error *error) {
  char shown[BT_YAML_SHOWN_BYTES];
  for (int i = 0; value->kind == BT_YAML_SCALAR && words[i]; i++)
    if (bt_str_equal_nocase(value->text, bt_str_from(words[i]))) return *out = i, BT_OK;
  return bt_yaml_fail(d, value, error, "%s: expected %s, got %s", key, expected, bt_yaml_show(value, shown));
}

static bt_status read_span_kind(const document *d, const node *value, void *into, bt_error *error) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer", NULL};
  int number = 0;
  bt_status status =
      read_word(d, value, "kind", kinds, "unspecified, internal, server, client, producer or consumer", &number, error);
  ((bt_test_span *)into)->kind = (bt_span_kind)number;
  return status;
}

static bt_status read_span_status(const document *d, const node *value, void *into, bt_error *error) {
  static const char *const statuses[] = {"unset", "ok", "error", NULL};
  int number = 0;
  bt_status status = read_word(d, value, "status", statuses, "unset, ok or error", &number, error);
  ((bt_test_span *)into)->status = (bt_span_status)number;
  return status;
}

static bt_status read_span_attributes(const document *d, const node *value, void *into, bt_error *error) {
  return read_attributes(d, value, "attributes", &((bt_test_span *)into)->attributes, error);
}

static bt_status read_span_resource(const document *d, const node *value, void *into, bt_error *error) {
  return read_attributes(d, value, "resource", &((bt_test_span *)into)->resource, error);
}

TEXT_READER(read_scope_name, bt_test_span, scope_name, "scope.name")
TEXT_READER(read_scope_version, bt_test_span, scope_version, "scope.version")
static bt_status read_scope_attributes(const document *d, const node *value, void *into, bt_error *error) {
  return read_attributes(d, value, "scope.attributes", &((bt_test_span *)into)->scope_attributes, error);
}
static bt_status read_span_scope(const document *d, const node *value, void *into, bt_error *error) {
  static const bt_yaml_field fields[] = {
      {"name", read_scope_name}, {"version", read_scope_version}, {"attributes", read_scope_attributes}, {0}};
  return bt_yaml_read_map(d, value, "a scope", fields, into, error);
}

static bt_status read_span_events(const document *d, const node *list, void *into, bt_error *error) {
  bt_test_span *span = into;
  bt_status status = bt_yaml_expect_list(d, list, "events", error);
  if (status) return status;
  bt_test_event *events = bt_arena_array(d->arena, list->count, sizeof *events);
  if (!events) return bt_error_no_memory(error);
  for (const node *item = list->first; item; item = item->next) {
    bt_test_event *event = &events[span->event_count++];
    event->at_ns = -1;
    status = bt_yaml_read_map(d, item, "an event", event_fields, event, error);
    if (status) return status;
    if (!event->name.ptr) return bt_yaml_fail(d, item, error, "an event: expected a name");
  }
  span->events = events;
  return BT_OK;
}

static bt_status read_link(const document *d, const node *map, bt_test_link *link, bt_error *error) {
  bt_status status = bt_yaml_read_map(d, map, "a link", link_fields, link, error);
  if (status) return status;
  link->line = map->line;
  if (!link->trace.len)
    return bt_yaml_fail(d, map, error,
                        "a link: expected the key trace with own, the name of a trace in others, or 32 hex digits");
  if (!link->span.len) return bt_yaml_fail(d, map, error, "a link: expected the key span with the id of a span");
  return BT_OK;
}

static bt_status read_span_links(const document *d, const node *list, void *into, bt_error *error) {
  bt_test_span *span = into;
  bt_status status = bt_yaml_expect_list(d, list, "links", error);
  if (status) return status;
  bt_test_link *links = bt_arena_array(d->arena, list->count, sizeof *links);
  if (!links) return bt_error_no_memory(error);
  span->links = links;
  for (const node *item = list->first; !status && item; item = item->next)
    status = read_link(d, item, &links[span->link_count++], error);
  return status;
}

static const bt_yaml_field span_fields[] = {{"span", read_span_name},
                                            {"id", read_span_id},
                                            {"parent", read_span_parent},
                                            {"service", read_span_service},
                                            {"at", read_span_at},
                                            {"duration", read_span_duration},
                                            {"kind", read_span_kind},
                                            {"status", read_span_status},
                                            {"status_message", read_span_status_message},
                                            {"trace_state", read_span_trace_state},
                                            {"flags", read_span_flags},
                                            {"dropped_attributes_count", read_dropped_attributes},
                                            {"dropped_events_count", read_dropped_events},
                                            {"dropped_links_count", read_dropped_links},
                                            {"attributes", read_span_attributes},
                                            {"resource", read_span_resource},
                                            {"scope", read_span_scope},
                                            {"events", read_span_events},
                                            {"links", read_span_links},
                                            {0}};

static bt_status read_span(const document *d, const node *map, bt_test_span *span, bt_error *error) {
  span->at_ns = span->duration_ns = -1;
  span->line = map->line;
  bt_status status = bt_yaml_read_map(d, map, "a span", span_fields, span, error);
  if (!status && !span->name.ptr) status = bt_yaml_fail(d, map, error, "a span: expected its name as the key span");
  if (!status && span->id.ptr && span->id.len == 0)
    status = bt_yaml_fail(d, map, error, "a span: expected an id that is not empty");
  return status;
}

static const bt_test_span *find_span(const bt_test_span *spans, uint32_t count, bt_str id) {
  for (uint32_t i = 0; i < count; i++)
    if (spans[i].id.ptr && bt_str_equal(spans[i].id, id)) return &spans[i];
  return NULL;
}

/* NOT_READ: the line of a span in which something is wrong, which was said. */
enum { MAX_SPANS = 2000, NOT_READ = 0 };

static bt_status read_spans(const document *d, const node *list, const char *key, const bt_test_span **out,
                            uint32_t *out_count, bt_error *error) {
  bt_status status = bt_yaml_expect_list(d, list, key, error);
  if (status) return status;
  if (list->count == 0) return bt_yaml_fail(d, list, error, "%s: expected at least one span", key);
  if (list->count > MAX_SPANS)
    return bt_yaml_fail(d, list, error, "%s: expected at most %d spans, got %zu; use a trace_file", key, MAX_SPANS,
                        list->count);
  bt_test_span *spans = bt_arena_array(d->arena, list->count, sizeof *spans);
  if (!spans) return bt_error_no_memory(error);
  uint32_t count = 0;
  for (const node *item = list->first; item; item = item->next, count++) {
    status = read_span(d, item, &spans[count], error);
    if (status) spans[count].line = NOT_READ;
    status = bt_yaml_go_on(d, status, error);
    if (status) return status;
  }
  *out = spans;
  *out_count = count;
  return BT_OK;
}

static bt_status read_trace(const document *d, const node *list, void *into, bt_error *error) {
  bt_rulefile_test *test = into;
  return read_spans(d, list, "trace", &test->spans, &test->span_count, error);
}

static bt_status read_negated(const document *d, const node *value, const char *key, bool *out, bt_error *error) {
  bool is_so = true;
  bt_status status = bt_yaml_get_bool(d, value, key, &is_so, error);
  *out = !is_so;
  return status;
}

static bt_status read_other_spans(const document *d, const node *list, void *into, bt_error *error) {
  bt_test_other *other = into;
  return read_spans(d, list, "spans", &other->spans, &other->span_count, error);
}
static bt_status read_other_complete(const document *d, const node *value, void *into, bt_error *error) {
  return read_negated(d, value, "complete", &((bt_test_other *)into)->incomplete, error);
}
static bt_status read_other_links_known(const document *d, const node *value, void *into, bt_error *error) {
  return read_negated(d, value, "links_known", &((bt_test_other *)into)->links_unknown, error);
}

/* A list of spans, or a map that says what is not known of the trace, too. */
static bt_status read_other(const document *d, const node *value, bt_test_other *other, bt_error *error) {
  static const bt_yaml_field fields[] = {
      {"spans", read_other_spans}, {"complete", read_other_complete}, {"links_known", read_other_links_known}, {0}};
  if (value->kind != BT_YAML_MAP) return read_spans(d, value, "others", &other->spans, &other->span_count, error);
  bt_status status = bt_yaml_read_map(d, value, "a trace of others", fields, other, error);
  if (!status && !other->spans)
    status = bt_yaml_fail(d, value, error, "a trace of others: expected the key spans with a list of spans");
  return status;
}

/* A map of names to traces. `own` is the test's own trace. */
static bt_status read_others(const document *d, const node *map, void *into, bt_error *error) {
  bt_rulefile_test *test = into;
  char shown[BT_YAML_SHOWN_BYTES];
  bt_status status = bt_yaml_expect_map(d, map, "others", error);
  if (status) return status;
  if (map->count > BT_TEST_MAX_OTHERS)
    return bt_yaml_fail(d, map, error, "others: expected at most %d traces, got %zu", BT_TEST_MAX_OTHERS, map->count);
  bt_test_other *others = bt_arena_array(d->arena, map->count, sizeof *others);
  if (!others) return bt_error_no_memory(error);
  test->others = others;
  for (const node *name = map->first; !status && name; name = name->next->next) {
    bt_test_other *other = &others[test->other_count++];
    *other = (bt_test_other){.name = name->text, .line = name->line};
    bt_trace_id id;
    bool is_id = name->text.len == BT_TRACE_ID_HEX && bt_trace_id_parse(name->text, &id);
    if (!name->text.len || is_id || bt_str_equal(name->text, BT_STR("own")))
      return bt_yaml_fail(d, name, error, "others: expected a name that is neither own nor 32 hex digits, got %s",
                          bt_yaml_show(name, shown));
    status = read_other(d, name->next, other, error);
  }
  return status;
}

TEXT_READER(read_test_name, bt_rulefile_test, name, "name")
TEXT_READER(read_trace_file, bt_rulefile_test, trace_file, "trace_file")
TEXT_READER(read_trace_id, bt_rulefile_test, trace_id, "trace_id")
DURATION_READER(read_test_skew, bt_rulefile_test, clock_skew_ns, "clock_skew")

static bt_status read_complete(const document *d, const node *value, void *into, bt_error *error) {
  return read_negated(d, value, "complete", &((bt_rulefile_test *)into)->incomplete, error);
}

static bt_status read_links_known(const document *d, const node *value, void *into, bt_error *error) {
  return read_negated(d, value, "links_known", &((bt_rulefile_test *)into)->links_unknown, error);
}

static bt_status read_verdict(const document *d, const node *value, bt_test_expectation *out, bt_error *error) {
  static const char *const verdicts[] = {"violated", "inconclusive", "satisfied", "not_applicable", NULL};
  int number = 0;
  bt_status status =
      read_word(d, value, "expect", verdicts, "violated, satisfied, not_applicable or inconclusive", &number, error);
  out->verdict = (bt_verdict)number;
  out->line = value->line;
  return status;
}

/* A verdict, or a map of rule id to verdict. */
static bt_status read_expect(const document *d, const node *value, void *into, bt_error *error) {
  bt_rulefile_test *test = into;
  char shown[BT_YAML_SHOWN_BYTES];
  bool is_map = value->kind == BT_YAML_MAP;
  bt_test_expectation *list = bt_arena_array(d->arena, is_map ? value->count : 1, sizeof *list);
  if (!list) return bt_error_no_memory(error);
  test->expectations = list;
  if (!is_map) return test->expectation_count = 1, read_verdict(d, value, list, error);
  if (value->count == 0)
    return bt_yaml_fail(d, value, error, "expect: expected a verdict, or rule ids with verdicts, got an empty mapping");
  for (const node *id = value->first; id; id = id->next->next) {
    bt_test_expectation *expectation = &list[test->expectation_count++];
    if (!bt_rule_id_is_valid(id->text))
      return bt_yaml_fail(d, id, error, "expect: expected the id of a rule, got %s", bt_yaml_show(id, shown));
    expectation->rule_id = id->text;
    bt_status status = read_verdict(d, id->next, expectation, error);
    if (status) return status;
  }
  return BT_OK;
}

static bt_status read_witness(const document *d, const node *map, void *into, bt_error *error) {
  bt_rulefile_test *test = into;
  bt_status status = bt_yaml_expect_map(d, map, "witness", error);
  if (status) return status;
  bt_test_witness *witnesses = bt_arena_array(d->arena, map->count, sizeof *witnesses);
  if (!witnesses) return bt_error_no_memory(error);
  test->witnesses = witnesses;
  for (const node *binding = map->first; !status && binding; binding = binding->next->next) {
    witnesses[test->witness_count].binding = binding->text;
    status = bt_yaml_get_string(d, binding->next, "witness", &witnesses[test->witness_count].span_id, error);
    test->witness_count++;
  }
  return status;
}

static const bt_yaml_field test_fields[] = {{"name", read_test_name},
                                            {"trace", read_trace},
                                            {"trace_file", read_trace_file},
                                            {"expect", read_expect},
                                            {"complete", read_complete},
                                            {"clock_skew", read_test_skew},
                                            {"witness", read_witness},
                                            {"others", read_others},
                                            {"trace_id", read_trace_id},
                                            {"links_known", read_links_known},
                                            {0}};

static bt_status check_trace_id(const document *d, const node *map, const bt_rulefile_test *test, bt_error *error) {
  bt_trace_id id;
  if (!test->trace_id.ptr) return BT_OK;
  if (!test->trace_file.ptr) return bt_yaml_fail(d, map, error, "trace_id: expected with trace_file, not with trace");
  if (bt_trace_id_parse(test->trace_id, &id)) return BT_OK;
  return bt_yaml_fail(d, map, error, "trace_id: expected 1 to 32 hex digits, got \"%.*s\"",
                      test->trace_id.len < 60 ? (int)test->trace_id.len : 60, test->trace_id.ptr);
}

static bt_status check_trace(const document *d, const node *map, const bt_rulefile_test *test, bt_error *error) {
  if (test->spans && test->trace_file.ptr)
    return bt_yaml_fail(d, map, error, "a test: expected trace or trace_file, got both");
  if (!test->spans && !test->trace_file.ptr)
    return bt_yaml_fail(d, map, error, "a test: expected trace or trace_file, got neither");
  if (test->trace_file.ptr && test->other_count)
    return bt_yaml_fail(d, map, error, "others: expected with trace, not with trace_file");
  if (test->trace_file.ptr && test->trace_file.len == 0)
    return bt_yaml_fail(d, map, error, "trace_file: expected the path of a file, got \"\"");
  return check_trace_id(d, map, test, error);
}

/* A witness that no span can be would make a test that always fails; better said here. Ids of a trace file are not
 * known yet. */
static bt_status check_witnesses(const document *d, const node *map, const bt_rulefile_test *test, bt_error *error) {
  for (uint32_t i = 0; test->spans && i < test->witness_count; i++)
    if (!find_span(test->spans, test->span_count, test->witnesses[i].span_id))
      return bt_yaml_fail(d, map, error, "witness: expected the id of a span of this test, got \"%.*s\"",
                          test->witnesses[i].span_id.len < 60 ? (int)test->witnesses[i].span_id.len : 60,
                          test->witnesses[i].span_id.ptr);
  return BT_OK;
}

/* The spans that a link's trace has; false: it has none here, and is known by its id alone. */
static bool find_linked(const bt_rulefile_test *test, bt_str name, const bt_test_span **spans, uint32_t *count) {
  *spans = test->spans;
  *count = test->span_count;
  if (bt_str_equal(name, BT_STR("own"))) return true;
  for (uint32_t i = 0; i < test->other_count; i++) {
    *spans = test->others[i].spans;
    *count = test->others[i].span_count;
    if (bt_str_equal(test->others[i].name, name)) return true;
  }
  return false;
}

/* A link to a span of a trace of the test names one that is there; 16 hex digits may name one that is not. */
static bt_status check_link(const document *d, const node *map, const bt_rulefile_test *test, const bt_test_link *link,
                            bt_error *error) {
  const bt_test_span *spans = NULL;
  uint32_t count = 0;
  bt_trace_id trace_id;
  bt_span_id id;
  bool is_id = link->span.len == BT_SPAN_ID_HEX && bt_span_id_parse(link->span, &id);
  if (find_linked(test, link->trace, &spans, &count)) {
    if (is_id || find_span(spans, count, link->span)) return BT_OK;
    return bt_yaml_fail(d, map, error,
                        "the link in line %u: expected the id of a span of that trace, or 16 hex digits, got \"%.*s\"",
                        link->line, link->span.len < 60 ? (int)link->span.len : 60, link->span.ptr);
  }
  if (!(link->trace.len == BT_TRACE_ID_HEX && bt_trace_id_parse(link->trace, &trace_id)))
    return bt_yaml_fail(d, map, error,
                        "the link in line %u: expected a trace that is own, a name in others, or 32 hex digits, got "
                        "\"%.*s\"",
                        link->line, link->trace.len < 60 ? (int)link->trace.len : 60, link->trace.ptr);
  if (is_id) return BT_OK;
  return bt_yaml_fail(d, map, error, "the link in line %u: expected the key span with 16 hex digits", link->line);
}

static bt_status check_links_of(const document *d, const node *map, const bt_rulefile_test *test,
                                const bt_test_span *spans, uint32_t count, bt_error *error) {
  bt_status status = BT_OK;
  for (uint32_t i = 0; i < count; i++)
    for (uint32_t l = 0; status == BT_OK && l < spans[i].link_count; l++)
      status = check_link(d, map, test, &spans[i].links[l], error);
  return status;
}

static bt_status check_links(const document *d, const node *map, const bt_rulefile_test *test, bt_error *error) {
  bt_status status = check_links_of(d, map, test, test->spans, test->span_count, error);
  for (uint32_t i = 0; status == BT_OK && i < test->other_count; i++)
    status = check_links_of(d, map, test, test->others[i].spans, test->others[i].span_count, error);
  return status;
}

static bool has_unread(const bt_test_span *spans, uint32_t count) {
  for (uint32_t i = 0; i < count; i++)
    if (spans[i].line == NOT_READ) return true;
  return false;
}

/* Names of spans are looked up only where each span could be read: an id with an error is no missing one. */
static bt_status check_names(const document *d, const node *map, const bt_rulefile_test *test, bt_error *error) {
  bool is_unread = has_unread(test->spans, test->span_count);
  for (uint32_t i = 0; i < test->other_count; i++)
    is_unread = is_unread || has_unread(test->others[i].spans, test->others[i].span_count);
  if (is_unread) return BT_OK;
  bt_status status = check_witnesses(d, map, test, error);
  return status == BT_OK ? check_links(d, map, test, error) : status;
}

static bt_status read_test(const document *d, const node *map, bt_rulefile_test *test, bt_error *error) {
  test->clock_skew_ns = -1;
  test->line = map->line;
  test->name = BT_STR("");
  bt_status status = bt_yaml_read_map(d, map, "a test", test_fields, test, error);
  if (!status) status = check_trace(d, map, test, error);
  if (!status) status = check_names(d, map, test, error);
  if (!status && test->expectation_count == 0)
    status = bt_yaml_fail(d, map, error,
                          "a test: expected the key expect with violated, satisfied, not_applicable or inconclusive");
  return status;
}

TEXT_READER(read_example_name, bt_rulefile_test, name, "description")
static const bt_yaml_field example_fields[] = {
    {"description", read_example_name}, {"trace", read_trace}, {"others", read_others}, {0}};

/* `example_violation:` is a test that expects a violation. */
static bt_status read_example(const document *d, const node *map, bt_rulefile_test *test, bt_error *error) {
  test->clock_skew_ns = -1;
  test->line = map->line;
  test->name = BT_STR("example_violation");
  bt_status status = bt_yaml_read_map(d, map, "an example_violation", example_fields, test, error);
  if (!status && !test->spans)
    return bt_yaml_fail(d, map, error, "an example_violation: expected the key trace with a list of spans");
  if (!status) status = check_names(d, map, test, error);
  bt_test_expectation *expectation = bt_arena_alloc(d->arena, sizeof *expectation);
  if (!status && !expectation) status = bt_error_no_memory(error);
  if (status) return status;
  *expectation = (bt_test_expectation){.verdict = BT_VIOLATED, .line = map->line};
  test->expectations = expectation;
  test->expectation_count = 1;
  return BT_OK;
}

bt_status bt_testcases_read(const bt_yaml_document *d, const bt_yaml_node *tests, const bt_yaml_node *example,
                            const bt_rulefile_test **out, uint32_t *count, bt_error *error) {
  bt_status status = tests ? bt_yaml_expect_list(d, tests, "tests", error) : BT_OK;
  if (status) return status;
  bt_rulefile_test *list = bt_arena_array(d->arena, (tests ? tests->count : 0) + (example ? 1 : 0), sizeof *list);
  if (!list) return bt_error_no_memory(error);
  *out = list;
  *count = 0;
  for (const node *item = tests ? tests->first : NULL; !status && item; item = item->next)
    status = bt_yaml_go_on(d, read_test(d, item, &list[(*count)++], error), error);
  if (!status && example) status = read_example(d, example, &list[(*count)++], error);
  return status;
}

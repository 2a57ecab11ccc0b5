/* Building the trace of a test. See test_trace.h. Ids that are texts become numbers under a prefix that no hex id of
 * the test has. */
#include "server/rulefile/test_trace.h"

static const int64_t TRACE_START_NS = INT64_C(1767225600000000000); /* 2026-01-01T00:00:00Z */
static const int64_t MS = 1000000;

typedef struct span_list { /* of one trace of the test */
  const bt_test_span *spans;
  uint32_t count;
  uint32_t first_id; /* so that no two traces have equal ids by chance */
} span_list;

typedef struct maker {
  const bt_rulefile_test *test;
  bt_arena *arena;
  uint32_t prefix; /* first half of the ids that are made */
  uint32_t number; /* of the trace that is made: 0 the test's own, then its others */
  span_list list;  /* its spans */
} maker;

/* Of the test's own trace (0), and of its others. */
static bt_trace_id id_of_trace(uint32_t number) {
  return (bt_trace_id){{0xBE, [15] = (uint8_t)(number + 1)}};
}

static span_list list_of_trace(const bt_rulefile_test *test, uint32_t number) {
  span_list list = {test->spans, test->span_count, 0};
  for (uint32_t i = 0; i < number; i++) {
    list.first_id += 2 * list.count; /* spans and orphans' parents */
    list.spans = test->others[i].spans;
    list.count = test->others[i].span_count;
  }
  return list;
}

static uint32_t number_of_trace(const bt_rulefile_test *test, bt_str name) {
  uint32_t number = 0;
  if (bt_str_equal(name, BT_STR("own"))) return 0;
  while (number < test->other_count && !bt_str_equal(test->others[number].name, name)) number++;
  return number + 1;
}

static bt_span_id made_id(uint32_t prefix, uint32_t number) {
  bt_span_id id;
  for (unsigned i = 0; i < 4; i++) {
    id.bytes[i] = (uint8_t)(prefix >> (24 - 8 * i));
    id.bytes[4 + i] = (uint8_t)(number >> (24 - 8 * i));
  }
  return id;
}

static bool is_hex_id(bt_str text, bt_span_id *out) {
  return text.len == BT_SPAN_ID_HEX && bt_span_id_parse(text, out) && !bt_span_id_is_zero(out);
}

static bool has_prefix(bt_str text, uint32_t prefix) {
  bt_span_id id;
  if (!is_hex_id(text, &id)) return false;
  bt_span_id made = made_id(prefix, 0);
  for (unsigned i = 0; i < 4; i++)
    if (id.bytes[i] != made.bytes[i]) return false;
  return true;
}

static bool has_links_with(const bt_test_span *span, uint32_t prefix) {
  for (uint32_t i = 0; i < span->link_count; i++)
    if (has_prefix(span->links[i].span, prefix)) return true;
  return false;
}

static bool any_has_prefix(const span_list *list, uint32_t prefix) {
  for (uint32_t i = 0; i < list->count; i++) {
    const bt_test_span *span = &list->spans[i];
    if (has_prefix(span->id, prefix) || has_prefix(span->parent, prefix) || has_links_with(span, prefix)) return true;
  }
  return false;
}

/* Ends: each id takes one prefix at most. */
static uint32_t free_prefix(const bt_rulefile_test *test) {
  uint32_t prefix = 0xBE000000;
  for (uint32_t number = 0; number <= test->other_count; number++) {
    span_list list = list_of_trace(test, number);
    if (!any_has_prefix(&list, prefix)) continue;
    prefix++;
    number = UINT32_MAX; /* from the first trace again */
  }
  return prefix;
}

/* The first span with the same id: itself, or the other half of it, or what it is a copy of. */
static uint32_t first_with_id(const span_list *list, uint32_t number) {
  bt_str id = list->spans[number].id;
  uint32_t first = 0;
  while (id.ptr && first < number && !(list->spans[first].id.ptr && bt_str_equal(list->spans[first].id, id))) first++;
  return id.ptr ? first : number;
}

static bt_span_id id_of_span(const maker *m, const span_list *list, uint32_t number) {
  bt_span_id id;
  number = first_with_id(list, number);
  return is_hex_id(list->spans[number].id, &id) ? id : made_id(m->prefix, list->first_id + number + 1);
}

/* The id behind a parent's name. One that no span has is an orphan's: equal names are the same missing parent. */
static bt_span_id id_of_parent(const maker *m, bt_str name) {
  bt_span_id id;
  uint32_t orphan = 0;
  for (uint32_t i = 0; i < m->list.count; i++)
    if (m->list.spans[i].id.ptr && bt_str_equal(m->list.spans[i].id, name)) return id_of_span(m, &m->list, i);
  if (is_hex_id(name, &id)) return id;
  while (!bt_str_equal(m->list.spans[orphan].parent, name)) orphan++;
  return made_id(m->prefix, m->list.first_id + m->list.count + orphan + 1);
}

static bt_span_id parent_of(const maker *m, uint32_t number) {
  bt_str parent = m->list.spans[number].parent;
  uint32_t half = first_with_id(&m->list, number);
  if (!parent.ptr && half < number) return parent_of(m, half); /* halves are siblings */
  if (parent.ptr && parent.len) return id_of_parent(m, parent);
  return !parent.ptr && number > 0 ? id_of_span(m, &m->list, 0) : (bt_span_id){{0}};
}

/* `service` is resource.service.name and comes first, so that it counts where both are said. */
static bool make_resource(const maker *m, const bt_test_span *from, const bt_resource **out) {
  bt_resource *resource = bt_arena_alloc(m->arena, sizeof *resource);
  bt_attribute *items = bt_arena_array(m->arena, from->resource.count + (size_t)1, sizeof *items);
  if (!resource || !items) return false;
  uint32_t count = 0;
  if (from->service.len)
    items[count++] = (bt_attribute){BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = from->service}};
  for (uint32_t i = 0; i < from->resource.count; i++) items[count++] = from->resource.items[i];
  resource->attributes = (bt_attributes){.items = items, .count = count};
  for (uint32_t i = 0; i < count; i++) {
    if (!bt_str_equal(items[i].key, BT_STR("service.name"))) continue;
    bool is_name = items[i].value.type == BT_VALUE_STRING && items[i].value.string.len > 0; /* an empty name is none */
    if (is_name) resource->service = items[i].value.string;
    break;
  }
  *out = resource;
  return true;
}

static bool make_scope(const maker *m, const bt_test_span *from, const bt_scope **out) {
  bt_scope *scope = bt_arena_alloc(m->arena, sizeof *scope);
  if (!scope) return false;
  *scope = (bt_scope){from->scope_name, from->scope_version, from->scope_attributes};
  *out = scope;
  return true;
}

static bool make_events(const maker *m, const bt_test_span *from, bt_span *span) {
  bt_event *events = bt_arena_array(m->arena, from->event_count, sizeof *events);
  if (!events) return false;
  for (uint32_t i = 0; i < from->event_count; i++) {
    const bt_test_event *event = &from->events[i];
    int64_t time_ns = event->at_ns < 0 ? span->start_ns : TRACE_START_NS + event->at_ns;
    events[i] = (bt_event){event->name, time_ns, event->attributes};
  }
  span->events = events;
  span->event_count = from->event_count;
  return true;
}

/* The reader of the file has checked that each of its ids is one. */
static bt_link make_link(const maker *m, const bt_test_link *from) {
  bt_link link = {.attributes = from->attributes};
  uint32_t number = number_of_trace(m->test, from->trace);
  bool is_here = number <= m->test->other_count;
  link.trace_id = id_of_trace(number);
  if (!is_here) (void)bt_trace_id_parse(from->trace, &link.trace_id);
  span_list list = list_of_trace(m->test, is_here ? number : 0);
  for (uint32_t i = 0; is_here && i < list.count; i++) {
    bt_str id = list.spans[i].id;
    if (id.ptr && bt_str_equal(id, from->span)) return link.span_id = id_of_span(m, &list, i), link;
  }
  (void)bt_span_id_parse(from->span, &link.span_id);
  return link;
}

static bool make_links(const maker *m, const bt_test_span *from, bt_span *span) {
  bt_link *links = bt_arena_array(m->arena, from->link_count, sizeof *links);
  if (!links) return false;
  for (uint32_t i = 0; i < from->link_count; i++) links[i] = make_link(m, &from->links[i]);
  span->links = links;
  span->link_count = from->link_count;
  return true;
}

static bool make_span(const maker *m, uint32_t number, int64_t at_ns, int64_t end_ns, bt_span *span) {
  const bt_test_span *from = &m->list.spans[number];
  *span = (bt_span){.id = id_of_span(m, &m->list, number),
                    .parent_id = parent_of(m, number),
                    .name = from->name,
                    .status_message = from->status_message.ptr ? from->status_message : BT_STR(""),
                    .trace_state = from->trace_state.ptr ? from->trace_state : BT_STR(""),
                    .flags = from->flags,
                    .dropped_attributes = from->dropped_attributes,
                    .dropped_events = from->dropped_events,
                    .dropped_links = from->dropped_links,
                    .kind = from->kind,
                    .status = from->status,
                    .start_ns = TRACE_START_NS + at_ns,
                    .end_ns = TRACE_START_NS + end_ns,
                    .attributes = from->attributes};
  return make_resource(m, from, &span->resource) && make_scope(m, from, &span->scope) && make_events(m, from, span) &&
         make_links(m, from, span);
}

static bt_status fail_time(const bt_test_span *span, bt_error *error) {
  return bt_error_set(error, BT_INVALID, "line %u: a span: expected times within 100 years of the trace's start",
                      span->line);
}

static bool is_far(int64_t ns) {
  return ns > INT64_C(3155760000000000000); /* 100 years: with the trace's start still within 64 bits */
}

static bt_status add_spans(maker *m, bt_trace_builder *builder, bt_error *error) {
  int64_t at_ns = -MS;
  for (uint32_t i = 0; i < m->list.count; i++) {
    const bt_test_span *from = &m->list.spans[i];
    int64_t duration_ns = from->duration_ns < 0 ? MS : from->duration_ns, end_ns;
    bt_span span;
    at_ns = from->at_ns < 0 ? at_ns + MS : from->at_ns;
    if (__builtin_add_overflow(at_ns, duration_ns, &end_ns) || is_far(end_ns)) return fail_time(from, error);
    for (uint32_t e = 0; e < from->event_count; e++)
      if (is_far(from->events[e].at_ns)) return fail_time(from, error);
    if (!make_span(m, i, at_ns, end_ns, &span) || !bt_trace_builder_add(builder, &span))
      return bt_error_no_memory(error);
  }
  return BT_OK;
}

static bt_status make_trace(maker *m, const bt_trace **out, bt_error *error) {
  bt_trace_id id = id_of_trace(m->number);
  bt_trace_builder *builder = bt_trace_builder_new(m->arena, &id);
  m->list = list_of_trace(m->test, m->number);
  bt_status status = builder ? add_spans(m, builder, error) : bt_error_no_memory(error);
  if (!status) *out = bt_trace_builder_finish(builder);
  return status;
}

bt_status bt_test_family_new(const bt_rulefile_test *test, bt_arena *arena, const bt_family **out, bt_error *error) {
  maker m = {.test = test, .arena = arena, .prefix = free_prefix(test)};
  uint32_t count = test->other_count + 1;
  bt_family *family = bt_arena_alloc(arena, sizeof *family);
  bt_family_trace *traces = bt_arena_array(arena, count, sizeof *traces);
  bt_status status = family && traces ? BT_OK : bt_error_no_memory(error);
  *out = NULL;
  for (uint32_t i = 0; status == BT_OK && i < count; i++) {
    m.number = i;
    bool is_unknown = i ? test->others[i - 1].links_unknown : test->links_unknown;
    traces[i] = (bt_family_trace){.is_incomplete = i && test->others[i - 1].incomplete,
                                  .asked_from_ns = is_unknown ? INT64_MAX : INT64_MIN,
                                  .asked_until_ns = is_unknown ? INT64_MIN : INT64_MAX};
    status = make_trace(&m, &traces[i].trace, error);
  }
  if (status) return status;
  *family = (bt_family){.traces = traces, .trace_count = count};
  *out = family;
  return BT_OK;
}

/* A record of a span that is there already: the trace has the first. */
static bool is_copy(const span_list *list, uint32_t number) {
  const bt_test_span *span = &list->spans[number];
  for (uint32_t i = 0; span->id.ptr && i < number; i++) {
    const bt_test_span *other = &list->spans[i];
    if (other->kind == span->kind && other->id.ptr && bt_str_equal(other->id, span->id)) return true;
  }
  return false;
}

/* The place in the test of a span of its trace; the number of all when there is none. */
static uint32_t place_in_test(const span_list *list, uint32_t span) {
  uint32_t place = 0;
  for (; place < list->count; place++)
    if (!is_copy(list, place) && span-- == 0) return place;
  return place;
}

bool bt_test_span_id(const bt_rulefile_test *test, const bt_trace *trace, bt_str id, bt_span_id *out) {
  uint32_t span = 0;
  span_list list = list_of_trace(test, 0);
  for (uint32_t place = 0; place < list.count && span < trace->span_count; place++) {
    bool is_meant = list.spans[place].id.ptr && bt_str_equal(list.spans[place].id, id);
    if (is_meant) return *out = trace->spans[span].id, true; /* the first of its id is no copy */
    span += !is_copy(&list, place);
  }
  return !test->span_count && bt_span_id_parse(id, out);
}

bt_str bt_test_span_name(const bt_rulefile_test *test, uint32_t trace, uint32_t span) {
  if (trace > test->other_count) return (bt_str){NULL, 0}; /* of a file */
  span_list list = list_of_trace(test, trace);
  uint32_t place = place_in_test(&list, span);
  return place < list.count ? list.spans[place].id : (bt_str){NULL, 0};
}

bt_str bt_test_trace_name(const bt_rulefile_test *test, uint32_t trace) {
  return trace && trace <= test->other_count ? test->others[trace - 1].name : BT_STR("own");
}

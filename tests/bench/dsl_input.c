/* Rules and traces for the bench. See dsl_input.h. */
#include "tests/bench/dsl_input.h"

#include <string.h>

static const char *const nouns[] = {"cart",     "checkout", "payment", "order",  "invoice", "user",
                                    "session",  "catalog",  "search",  "price",  "stock",   "refund",
                                    "coupon",   "email",    "fraud",   "audit",  "profile", "address",
                                    "shipping", "label",    "report",  "ledger", "token",   "review"};
static const char *const verbs[] = {"read", "write",  "check", "create", "delete",
                                    "list", "charge", "send",  "verify", "load"};
static const char *const regions[] = {"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"};
static const char *const classes[] = {"public", "internal", "PII", "secret"};
static const char *const methods[] = {"GET", "GET", "GET", "POST", "PUT", "DELETE"};
static const int64_t codes[] = {200, 200, 200, 200, 201, 204, 302, 400, 404, 409, 500, 503};

#define COUNT(table)       ((uint32_t)(sizeof(table) / sizeof *(table)))
#define ANY(random, table) ((table)[dsl_random_below(random, COUNT(table))])

uint32_t dsl_random_below(dsl_random *random, uint32_t below) {
  random->state = random->state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random->state >> 33) % below;
}

/* ---- rules ---- */

typedef struct rule_words {
  char one[32], other[32]; /* names of spans */
  char service[32], service2[32];
  uint32_t number;
} rule_words;

/* Room for the longest noun, the longest verb and what stands between. */
static void write_word(dsl_random *random, bool is_service, char word[32]) {
  bt_buffer text = {.maximum = 31};
  bt_buffer_append(&text, bt_str_from(ANY(random, nouns)));
  bt_buffer_append(&text, is_service ? BT_STR("-service") : BT_STR("."));
  if (!is_service) bt_buffer_append(&text, bt_str_from(ANY(random, verbs)));
  memset(word, 0, 32);
  memcpy(word, text.ptr, text.len);
  bt_buffer_dispose(&text);
}

static void write_simple_rule(dsl_random *random, uint32_t shape, const rule_words *w, bt_buffer *out) {
  switch (shape) {
  case 0:
    bt_buffer_printf(out, "when { %s.where(amount > %u) } always { %s }", w->one, w->number * 10, w->other);
    return;
  case 1:
    bt_buffer_printf(out,
                     "trace.has(span.name == \"%s\" and span.duration > %ums) and not trace.has(span.name == \"%s\")",
                     w->one, w->number * 2, w->other);
    return;
  case 2:
    bt_buffer_printf(out,
                     "trace.has(span.name == \"%s\" and span.status == error) and "
                     "trace.has(span.attributes[\"user.region\"] == \"%s\")",
                     w->one, ANY(random, regions));
    return;
  case 3:
    bt_buffer_printf(out, "trace.has(span.name == \"%s\") and not trace.has_before(span.name == \"%s\", \"%s\")",
                     w->one, w->other, w->one);
    return;
  case 4:
    bt_buffer_printf(
        out, "trace.has(span.attributes[\"data.classification\"] == \"%s\") and not trace.has(span.name == \"%s\")",
        ANY(random, classes), w->other);
    return;
  case 5: bt_buffer_printf(out, "count(span.name == \"%s\") > %u", w->one, w->number); return;
  case 6:
    bt_buffer_printf(out, "when { %s } always { %s } never { %s.where(http.status_code == 503) }", w->service, w->one,
                     w->service2);
    return;
  case 7:
    bt_buffer_printf(out, "trace.duration > %us and trace.has(span.service == \"%s\")", w->number, w->service);
    return;
  case 8: bt_buffer_printf(out, "count(%s) != count(%s)", w->one, w->other); return;
  case 9:
    bt_buffer_printf(out, "%s.where(http.route matches \"^/%s/.*\" and not verified)", w->one, ANY(random, nouns));
    return;
  default: bt_buffer_printf(out, "when { %s } always { max(%s, db.rows) < %u }", w->service, w->other, w->number * 9);
  }
}

static void write_related_rule(dsl_random *random, uint32_t shape, const rule_words *w, bt_buffer *out) {
  switch (shape) {
  case 11:
    bt_buffer_printf(
        out, "when { %s.where(amount > %u) as c } always { %s after c within 500ms where(order_id == c.order_id) }",
        w->one, w->number * 10, w->other);
    return;
  case 12:
    bt_buffer_printf(out, "when { %s as r } always { count(%s under r) <= %u }", w->one, w->other, w->number / 10);
    return;
  case 13:
    bt_buffer_printf(out, "when { %s as p } never { %s before p where(order_id == p.order_id) }", w->one, w->other);
    return;
  case 14:
    bt_buffer_printf(out, "when { %s as a } always { a.where(span.duration < %ums) }", w->one, w->number * 20);
    return;
  case 15:
    bt_buffer_printf(out, "%s as l and not (%s after l within 30ms where(order_id == l.order_id))", w->one, w->other);
    return;
  case 16:
    bt_buffer_printf(out, "when { %s.where(http.method in [POST, PUT]) } always { %s before %s }", w->one, w->other,
                     w->one);
    return;
  default:
    bt_buffer_printf(out, "trace.has(http.status_code >= 500 and customer.tier == \"tier-%u\") and not %s child of %s",
                     dsl_random_below(random, 20), w->one, w->other);
  }
}

void dsl_input_rule(dsl_random *random, uint32_t shape, bt_buffer *out) {
  rule_words words = {.number = 1 + dsl_random_below(random, 99)};
  write_word(random, false, words.one);
  write_word(random, false, words.other);
  write_word(random, true, words.service);
  write_word(random, true, words.service2);
  bt_buffer_clear(out);
  if (shape < 11)
    write_simple_rule(random, shape, &words, out);
  else
    write_related_rule(random, shape, &words, out);
}

/* ---- traces ---- */

typedef struct trace_maker {
  dsl_random *random;
  bt_arena *arena;
  bt_resource *resources[12]; /* of the services of this trace */
  const char *nouns[12];
  bool has_failed;
} trace_maker;

enum { SPAN_ATTRIBUTES = 9, RESOURCE_ATTRIBUTES = 5 };

static bt_str keep(trace_maker *m, bt_buffer *buffer) {
  bt_str copy = {0};
  if (buffer->failed || !bt_arena_copy(m->arena, bt_buffer_str(buffer), &copy)) m->has_failed = true;
  bt_buffer_dispose(buffer);
  return copy;
}

static bt_str join(trace_maker *m, const char *first, const char *second, const char *third) {
  bt_buffer buffer = {0};
  bt_buffer_printf(&buffer, "%s%s%s", first, second, third);
  return keep(m, &buffer);
}

/* "cart-pod-17" */
static bt_str numbered(trace_maker *m, const char *first, const char *second, uint32_t below) {
  bt_buffer buffer = {0};
  bt_buffer_printf(&buffer, "%s%s%u", first, second, dsl_random_below(m->random, below));
  return keep(m, &buffer);
}

static bt_str route(trace_maker *m, const char *noun) {
  bt_buffer buffer = {0};
  bt_buffer_printf(&buffer, "/%s/%s/%u", noun, ANY(m->random, verbs), dsl_random_below(m->random, 50));
  return keep(m, &buffer);
}

static bt_attribute string_attribute(const char *key, bt_str value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = value}};
}

static bt_attribute integer_attribute(const char *key, int64_t value) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_INT, .integer = value}};
}

static bt_resource *make_resource(trace_maker *m, const char *noun) {
  bt_resource *resource = bt_arena_alloc(m->arena, sizeof *resource);
  bt_attribute *items = bt_arena_array(m->arena, RESOURCE_ATTRIBUTES, sizeof *items);
  if (!resource || !items) return m->has_failed = true, resource;
  resource->service = join(m, noun, "-service", "");
  items[0] = string_attribute("service.name", resource->service);
  items[1] = string_attribute("service.version", BT_STR("1.4.2"));
  items[2] = string_attribute("host.name", numbered(m, noun, "-host-", 9));
  items[3] = string_attribute("k8s.pod.name", numbered(m, noun, "-pod-", 999));
  items[4] = string_attribute("deployment.environment", BT_STR("production"));
  resource->attributes = (bt_attributes){.items = items, .count = RESOURCE_ATTRIBUTES};
  return resource;
}

static bt_attributes make_attributes(trace_maker *m, const char *noun) {
  dsl_random *random = m->random;
  bt_attribute *items = bt_arena_array(m->arena, SPAN_ATTRIBUTES, sizeof *items);
  if (!items) return m->has_failed = true, (bt_attributes){0};
  items[0] = string_attribute("http.method", bt_str_from(ANY(random, methods)));
  items[1] = integer_attribute("http.status_code", ANY(random, codes));
  items[2] = string_attribute("http.route", route(m, noun));
  items[3] = string_attribute("user.region", bt_str_from(ANY(random, regions)));
  items[4] = integer_attribute("order_id", dsl_random_below(random, 50));
  items[5] = integer_attribute("amount", dsl_random_below(random, 1000));
  items[6] = string_attribute("customer.tier", numbered(m, "tier", "-", 20));
  items[7] = dsl_random_below(random, 4) ? integer_attribute("db.rows", dsl_random_below(random, 1000))
                                         : string_attribute("data.classification", bt_str_from(ANY(random, classes)));
  items[8] = integer_attribute("thread.id", dsl_random_below(random, 64));
  return (bt_attributes){.items = items, .count = SPAN_ATTRIBUTES};
}

static bt_span_id id_of(uint32_t number) {
  bt_span_id id = {{0}};
  number++;
  memcpy(id.bytes, &number, sizeof number);
  return id;
}

/* A call: of one of the latest spans, a little after it. */
static bt_span make_span(trace_maker *m, uint32_t number, const bt_span *before) {
  dsl_random *random = m->random;
  uint32_t service = dsl_random_below(random, COUNT(m->resources)), verb = dsl_random_below(random, COUNT(verbs));
  uint32_t back = number ? 1 + dsl_random_below(random, number < 20 ? number : 20) : 0;
  bt_span span = {.id = id_of(number), .resource = m->resources[service]};
  span.kind = (bt_span_kind)(1 + dsl_random_below(random, 3));
  span.status = dsl_random_below(random, 20) ? BT_SPAN_STATUS_UNSET : BT_SPAN_STATUS_ERROR;
  span.start_ns = 1700000000000000000;
  if (number) {
    span.parent_id = id_of(number - back);
    span.start_ns = before[number - back].start_ns + 1000000 * (int64_t)dsl_random_below(random, 30);
  }
  span.end_ns = span.start_ns + 1000000 * (int64_t)(1 + dsl_random_below(random, 200));
  /* Most calls go to few operations. */
  if (dsl_random_below(random, 2)) verb /= 2;
  span.name = join(m, m->nouns[service], ".", verbs[verb]);
  span.attributes = make_attributes(m, m->nouns[service]);
  return span;
}

/* As they come from Tempo: those of one resource together. */
static bool add_by_service(bt_trace_builder *builder, const trace_maker *m, const bt_span *spans, uint32_t count) {
  for (uint32_t service = 0; service < COUNT(m->resources); service++)
    for (uint32_t i = 0; i < count; i++)
      if (spans[i].resource == m->resources[service] && !bt_trace_builder_add(builder, &spans[i])) return false;
  return true;
}

const bt_trace *dsl_input_trace(dsl_random *random, uint32_t span_count, bt_arena *arena) {
  bt_trace_id id = {{7}};
  trace_maker m = {.random = random, .arena = arena};
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  bt_span *spans = bt_arena_array(arena, span_count, sizeof *spans);
  bt_scope *scope = bt_arena_alloc(arena, sizeof *scope);
  if (!builder || !spans || !scope) return NULL;
  scope->name = BT_STR("io.opentelemetry.http");
  for (uint32_t i = 0; i < COUNT(m.resources); i++) {
    m.nouns[i] = ANY(random, nouns);
    m.resources[i] = make_resource(&m, m.nouns[i]);
  }
  for (uint32_t i = 0; i < span_count; i++) {
    spans[i] = make_span(&m, i, spans);
    spans[i].scope = scope;
  }
  if (m.has_failed || !add_by_service(builder, &m, spans, span_count)) return NULL;
  return bt_trace_builder_finish(builder);
}

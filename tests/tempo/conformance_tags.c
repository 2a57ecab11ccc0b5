/* Names and values for completion are those of traces as they are read: of each scope the keys, and of each key the
 * values with their types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tempo/wire/tags.h"
#include "tempo/wire/tags_trace.h"
#include "tests/tempo/conformance_asking.h"
#include "tests/tempo/conformance_cases.h"
#include "tests/tempo/conformance_scene.h"

#define ATTRIBUTE(key, type, value) "{\"key\":\"" key "\",\"value\":{\"" type "\":" value "}}"
#define SPAN_ATTRIBUTES                                                                                                \
  ATTRIBUTE("text", "stringValue", "\"it's\"")                                                                         \
  "," ATTRIBUTE("count", "intValue", "\"7\"") "," ATTRIBUTE("share", "doubleValue", "0.5") "," ATTRIBUTE(              \
      "is.set", "boolValue", "true") "," ATTRIBUTE("a.b'c", "stringValue", "\"x\"")

static const bt_trace_id id = {{0x61, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

static const char document[] = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[" ATTRIBUTE(
    "service.name", "stringValue",
    "\"tagged\"") "," ATTRIBUTE("host.name", "stringValue",
                                "\"h1\"") "]},"
                                          "\"scopeSpans\":[{\"scope\":{\"name\":\"lib\",\"attributes\":[" ATTRIBUTE(
                                              "of.scope", "stringValue",
                                              "\"s\"") "]},"
                                                       "\"spans\":[{\"traceId\":\"610102030405060708090a0b0c0d0e0f\","
                                                       "\"spanId\":\"c000000000000001\","
                                                       "\"name\":\"tagged-span\",\"kind\":2,\"startTimeUnixNano\":\"%"
                                                       "lld\",\"endTimeUnixNano\":\"%lld\","
                                                       "\"status\":{\"code\":2,\"message\":\"it "
                                                       "broke\"},\"attributes\":[" SPAN_ATTRIBUTES "],"
                                                       "\"events\":[{\"timeUnixNano\":\"%lld\",\"name\":\"e\","
                                                       "\"attributes\":[" ATTRIBUTE(
                                                           "of.event", "stringValue",
                                                           "\"v\"") "]}],\"links\":[{\"traceId\":"
                                                                    "\"610102030405060708090a0b0c0d0eff\",\"spanId\":"
                                                                    "\"c0000000000000ff\","
                                                                    "\"attributes\":[" ATTRIBUTE(
                                                                        "of.link", "stringValue", "\"l\"") "]}]}]}]}]}";

static void push_trace(store *s, const char *tenant) {
  char json[4000];
  long long start_ns = (long long)(store_now_ns() - 60 * second_ns);
  snprintf(json, sizeof json, document, start_ns, start_ns + 500000, start_ns + 1000);
  store_push_json(s, tenant, json, 1);
}

typedef struct comparing {
  store *s;
  const char *tenant;
  const bt_trace *trace;
} comparing;

static void print_tags(const bt_tag_list *list, char *out, size_t size) {
  out[0] = '\0';
  for (size_t i = 0; i < list->count; i++) {
    size_t length = strlen(out);
    snprintf(out + length, size - length, "%.*s:%d ", BT_FMT(list->items[i].text), (int)list->items[i].type);
  }
}

/* What the source says, which is what the trace has. */
static bt_tag_list compare_tags(const comparing *c, bt_tag_scope scope, bt_str key) {
  bt_tag_request request = {
      .scope = scope, .key = key, .range = store_all_time(), .limit = 100, .timeout_ms = 20000, .tenant = c->tenant};
  bool is_names = !key.ptr && scope <= BT_TAG_ANY;
  bt_tag_list said = {0}, wanted = {0};
  bt_error error = {0};
  bt_status status = is_names ? bt_source_tag_names(c->s->source, &request, &said, &error)
                              : bt_source_tag_values(c->s->source, &request, &said, &error);
  char got[2000], expected[2000];
  if (status != BT_OK) fail_msg("scope %d: %s", (int)scope, error.message);
  bt_arena_init(&wanted.arena, 1 << 20);
  assert_true(bt_tags_of_trace(c->trace, &request, &wanted));
  print_tags(&said, got, sizeof got);
  print_tags(&wanted, expected, sizeof expected);
  assert_string_equal(got, expected);
  assert_false(said.is_cut);
  bt_tag_list_dispose(&wanted);
  return said;
}

/* How many values there are. */
static size_t compare_keys(const comparing *c, bt_tag_scope scope) {
  bt_tag_list names = compare_tags(c, scope, (bt_str){NULL, 0});
  size_t values = 0;
  for (size_t i = 0; i < names.count; i++) {
    bt_tag_list of_key = compare_tags(c, scope, names.items[i].text);
    values += of_key.count;
    bt_tag_list_dispose(&of_key);
  }
  bt_tag_list_dispose(&names);
  return values;
}

void test_tags_are_what_is_read(void **state) {
  const char *tenant = store_tenant(scene.kind, "conformance-tags");
  store s;
  (void)state;
  if (!scene.source->operations->tags) store_does_not_apply(scene.kind, "it knows no names and values for completion");
  store_begin(&s, scene.kind);
  push_trace(&s, tenant);
  store_show(&s, tenant);
  read_copy copy = ask_trace(s.source, tenant, &id, NULL);
  assert_true(copy.is_there);
  comparing c = {&s, tenant, &copy.trace};
  size_t values = 0;
  for (bt_tag_scope scope = BT_TAG_SPAN; scope <= BT_TAG_ANY; scope++) values += compare_keys(&c, scope);
  assert_true(values >= 2 * (5 + 2) + 1); /* of spans and resources, of both as any, and of the event */
  for (bt_tag_scope scope = BT_TAG_SPAN_NAME; scope < BT_TAG_SCOPES; scope++) {
    bt_tag_list texts = compare_tags(&c, scope, (bt_str){NULL, 0});
    assert_int_equal(texts.count, 1);
    bt_tag_list_dispose(&texts);
  }
  read_copy_dispose(&copy);
  store_end(&s);
}

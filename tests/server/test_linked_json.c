/* Which spans of a family link to which: each link under one trace, those of the asked trace first, and a batch that
 * stays small. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/json/linked_json.h"
#include "tests/support/failing_alloc.h"
#include "tests/support/trace_text.h"

enum { MOST_TRACES = 300, MOST_LINKS = 500, ARENA_BYTES = 16 * 1024 * 1024 };

typedef struct made_family {
  bt_arena arena;
  bt_trace traces[MOST_TRACES];
  bt_family_trace members[MOST_TRACES];
  bt_family family;
  char links[MOST_LINKS * 120]; /* as told_links writes them */
} made_family;

static int make_family(void **state) {
  static made_family made;
  memset(&made, 0, sizeof made);
  bt_arena_init(&made.arena, ARENA_BYTES);
  made.family.traces = made.members;
  *state = &made;
  return 0;
}

static int drop_family(void **state) {
  made_family *made = *state;
  bt_arena_dispose(&made->arena);
  return 0;
}

/* One more trace of the family: the first is the asked one. */
static bt_trace *add(made_family *made, const char *id, const char *text) {
  char message[200] = "";
  const bt_trace *trace = trace_text_read(&made->arena, text, message, sizeof message);
  if (!trace) fail_msg("%s", message);
  uint32_t number = made->family.trace_count++;
  assert_true(number < MOST_TRACES);
  made->traces[number] = *trace;
  assert_true(bt_trace_id_parse(bt_str_from(id), &made->traces[number].id));
  made->members[number] = (bt_family_trace){.trace = &made->traces[number]};
  return &made->traces[number];
}

static json_t *document_of(const made_family *made) {
  json_t *document = NULL;
  bt_error error = {0};
  assert_int_equal(bt_linked_json(&made->family, &document, &error), BT_OK);
  assert_int_equal(json_array_size(document), made->family.trace_count - 1 < BT_LINKED_TRACES_SHOWN
                                                  ? made->family.trace_count - 1
                                                  : BT_LINKED_TRACES_SHOWN);
  return document;
}

static const char *text_of(const json_t *link, const char *name) {
  const json_t *value = json_object_get(link, name);
  assert_true(json_is_string(value) || json_is_null(value));
  return json_is_null(value) ? "null" : json_string_value(value);
}

/* Ids without their leading zeros, after whose 32 or 16 digits were seen. */
static const char *short_id(const char *hex, size_t digits) {
  if (strcmp(hex, "null") == 0) return hex;
  assert_int_equal(strlen(hex), digits);
  while (*hex == '0' && hex[1]) hex++;
  return hex;
}

/* "f/61>a/62 …", and the number of all behind it. */
static const char *told_links(made_family *made, const json_t *item) {
  size_t at = 0, index;
  json_t *link;
  json_array_foreach(json_object_get(item, "links"), index, link) {
    assert_int_equal(json_object_size(link), 4);
    at += (size_t)snprintf(made->links + at, sizeof made->links - at, "%s/%s>%s/%s ",
                           short_id(text_of(link, "from_trace_id"), 32), short_id(text_of(link, "from_span_id"), 16),
                           short_id(text_of(link, "to_trace_id"), 32), short_id(text_of(link, "to_span_id"), 16));
  }
  snprintf(made->links + at, sizeof made->links - at, "%d",
           (int)json_integer_value(json_object_get(item, "link_count")));
  return made->links;
}

static void hold_links(made_family *made, const json_t *document, size_t number, const char *wanted) {
  assert_string_equal(told_links(made, json_array_get(document, number)), wanted);
}

/* ---- which link stands where ---- */

static void no_family_is_an_empty_list(void **state) {
  json_t *document = NULL;
  bt_error error = {0};
  made_family *made = *state;
  assert_int_equal(bt_linked_json(NULL, &document, &error), BT_OK);
  assert_true(json_is_array(document) && json_array_size(document) == 0);
  json_decref(document);
  add(made, "a", "a publish link=b/b");
  json_decref(document_of(made));
}

static void a_trace_is_told_as_it_was_before(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "b", "b process service=worker link=a/a\n. c charge");
  made->members[1].is_incomplete = true;
  json_t *document = document_of(made), *item = json_array_get(document, 0);
  json_t *links = json_incref(json_object_get(item, "links"));
  json_object_del(item, "links");
  json_t *wanted =
      json_pack("{s:s, s:i, s:O, s:O, s:s, s:s, s:b, s:i}", "trace_id", "0000000000000000000000000000000b",
                "span_count", 2, "start", json_object_get(item, "start"), "end", json_object_get(item, "end"),
                "root_name", "process", "root_service", "worker", "incomplete", 1, "link_count", 1);
  assert_true(json_is_string(json_object_get(item, "start")) && json_is_string(json_object_get(item, "end")));
  assert_true(json_equal(item, wanted));
  assert_int_equal(json_array_size(links), 1);
  json_decref(wanted);
  json_decref(links);
  json_decref(document);
}

static void a_link_of_the_asked_trace_stands_under_the_other_in_both_directions(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish link=f0/y\n. r retry");
  add(made, "e", "x process link=a/r");
  add(made, "f0", "y request");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>a/72 1");
  hold_links(made, document, 1, "a/61>f0/79 1");
  json_decref(document);
}

static void links_between_two_others_stand_under_the_linking_one(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "e", "x process link=f/y link=a/a");
  add(made, "f", "y answer link=e/x link=a/a");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>a/61 e/78>f/79 2");
  hold_links(made, document, 1, "f/79>a/61 f/79>e/78 2");
  json_decref(document);
}

static void links_to_the_own_trace_and_out_of_the_family_are_no_tie(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish link=a/b link=77/a link=/a\n. b commit");
  add(made, "e", "x process link=e/x link=78/x link=a/a link=/x");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>a/61 1");
  json_decref(document);
}

static void a_link_may_name_a_span_that_is_not_there_or_none(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "e", "x process link=a/00000000000000aa link=a/ link=a/0000000000000000 link=a/a");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>a/aa e/78>a/null e/78>a/null e/78>a/61 4");
  json_decref(document);
}

/* As Tempo sends them, some with fewer digits: told_links sees that all are there. Neighbours are not mixed up. */
static void ids_with_leading_zeros_are_told_whole(void **state) {
  made_family *made = *state;
  add(made, "00000000000000000000000000000010", "0000000000000001 publish");
  add(made, "1", "00000000000000f0 process link=10/0000000000000001");
  add(made, "00ff000000000000000000000000ff00",
      "0f00000000000000 process link=10/0000000000000001 link=1/00000000000000f0");
  add(made, "100", "0000000000000100 other");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "1/f0>10/1 1");
  hold_links(
      made, document, 1,
      "ff000000000000000000000000ff00/f00000000000000>10/1 ff000000000000000000000000ff00/f00000000000000>1/f0 2");
  hold_links(made, document, 2, "0");
  json_decref(document);
}

static void spans_that_share_an_id_each_have_their_links(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "e", "x call kind=client link=a/a\n. x call kind=server link=a/a");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>a/61 e/78>a/61 2");
  json_decref(document);
}

/* ---- many ---- */

/* A consumer of a batch: one span that links to so many traces, the asked one last. */
static void add_batch(made_family *made, const char *id, uint32_t others) {
  static bt_link links[MOST_LINKS];
  bt_trace *batch = add(made, id, "x process");
  static bt_span span;
  span = batch->spans[0];
  for (uint32_t i = 0; i < others; i++) links[i] = (bt_link){made->traces[i + 1].id, {{0, 0, 0, 0, 0, 0, 0, 'b'}}, {0}};
  links[others] = (bt_link){made->traces[0].id, {{0, 0, 0, 0, 0, 0, 0, 'a'}}, {0}};
  span.links = links;
  span.link_count = others + 1;
  batch->spans = &span;
}

static void add_others(made_family *made, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    char id[40];
    snprintf(id, sizeof id, "%08x%024x", (i * 7919) % 1000, i + 1);
    add(made, id, "b publish");
  }
}

static void hold_batch(made_family *made, uint32_t others, size_t shown, const char *count) {
  add(made, "a", "a publish");
  add_others(made, others);
  add_batch(made, "abc", others);
  json_t *document = document_of(made), *item = json_array_get(document, others);
  assert_int_equal(json_array_size(json_object_get(item, "links")), shown);
  assert_non_null(strstr(told_links(made, item), count));
  assert_int_equal(strncmp(made->links, "abc/78>a/61 abc/78>1/62 abc/78>", 31), 0);
  for (uint32_t i = 0; i < others; i++) hold_links(made, document, i, "0");
  json_decref(document);
}

static void a_batch_is_cut_and_the_link_to_the_asked_trace_comes_first(void **state) {
  hold_batch(*state, BT_MANY_LINKED_TRACES - 1, BT_LINKS_SHOWN, " 25");
}

static void of_many_traces_fewer_links_are_told(void **state) {
  hold_batch(*state, BT_MANY_LINKED_TRACES, BT_LINKS_SHOWN_OF_MANY, " 26");
}

static void fan_in_stands_under_each_message(void **state) {
  made_family *made = *state;
  add(made, "e", "x process");
  add_others(made, 40);
  static bt_span span;
  static bt_link links[40];
  span = made->traces[0].spans[0];
  for (uint32_t i = 0; i < 40; i++) links[i] = (bt_link){made->traces[i + 1].id, {{0, 0, 0, 0, 0, 0, 0, 'b'}}, {0}};
  span.links = links;
  span.link_count = 40;
  made->traces[0].spans = &span;
  json_t *document = document_of(made);
  for (uint32_t i = 0; i < 40; i++) {
    char id[BT_TRACE_ID_HEX + 1], wanted[100];
    bt_trace_id_format(&made->traces[i + 1].id, id);
    snprintf(wanted, sizeof wanted, "e/78>%s/62 1", short_id(id, 32));
    hold_links(made, document, i, wanted);
  }
  json_decref(document);
}

/* A listed trace may link to one that is not listed; what only the latter has is not told. */
static void traces_past_the_first_hundred_are_linked_to_and_not_listed(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "e", "x process link=ee/z");
  add_others(made, 110);
  add(made, "ee", "z process link=a/a link=e/x");
  json_t *document = document_of(made);
  hold_links(made, document, 0, "e/78>ee/7a 1");
  hold_links(made, document, 99, "0");
  json_decref(document);
}

/* As large as it gets: every listed trace has more links than are told. A tool of an assistant leaves out what is over
 * 400,000 bytes, and the verdicts stand beside this. */
static void the_largest_answer_is_small(void **state) {
  enum { LARGEST_BYTES = 150000 };
  made_family *made = *state;
  add(made, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "f0f1f2f3f4f5f6f7 publish");
  for (uint32_t i = 0; i < BT_LINKED_TRACES_SHOWN; i++) {
    char id[40];
    bt_buffer text = {0};
    bt_buffer_append(&text, BT_STR("f0f1f2f3f4f5f6f7 \"process orders of the day\" service=warehouse"));
    for (int link = 0; link < 10; link++)
      bt_buffer_append(&text, BT_STR(" link=f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff/f0f1f2f3f4f5f6f7"));
    bt_buffer_append(&text, (bt_str){"", 1});
    snprintf(id, sizeof id, "%032x", i + 1);
    add(made, id, text.ptr);
    bt_buffer_dispose(&text);
  }
  json_t *document = document_of(made);
  for (uint32_t i = 0; i < BT_LINKED_TRACES_SHOWN; i++) {
    const json_t *item = json_array_get(document, i);
    assert_int_equal(json_array_size(json_object_get(item, "links")), BT_LINKS_SHOWN_OF_MANY);
    assert_int_equal(json_integer_value(json_object_get(item, "link_count")), 10);
  }
  char *text = json_dumps(document, JSON_COMPACT);
  assert_in_range(strlen(text), LARGEST_BYTES / 2, LARGEST_BYTES);
  free(text);
  json_decref(document);
}

static void test_no_memory(void **state) {
  made_family *made = *state;
  add(made, "a", "a publish");
  add(made, "e", "x process link=a/a");
  for (size_t n = 0;; n++) {
    json_t *document = NULL;
    bt_error error = {0};
    assert_true(n < 50);
    failing_alloc_after(n);
    bt_status status = bt_linked_json(&made->family, &document, &error);
    if (failing_alloc_stop()) {
      assert_int_equal(status, BT_NO_MEMORY);
      assert_null(document);
      continue;
    }
    assert_int_equal(status, BT_OK);
    assert_true(n >= 2);
    json_decref(document);
    return;
  }
}

#define FAMILY(test) cmocka_unit_test_setup_teardown(test, make_family, drop_family)

int main(void) {
  const struct CMUnitTest tests[] = {FAMILY(no_family_is_an_empty_list),
                                     FAMILY(a_trace_is_told_as_it_was_before),
                                     FAMILY(a_link_of_the_asked_trace_stands_under_the_other_in_both_directions),
                                     FAMILY(links_between_two_others_stand_under_the_linking_one),
                                     FAMILY(links_to_the_own_trace_and_out_of_the_family_are_no_tie),
                                     FAMILY(a_link_may_name_a_span_that_is_not_there_or_none),
                                     FAMILY(ids_with_leading_zeros_are_told_whole),
                                     FAMILY(spans_that_share_an_id_each_have_their_links),
                                     FAMILY(a_batch_is_cut_and_the_link_to_the_asked_trace_comes_first),
                                     FAMILY(of_many_traces_fewer_links_are_told),
                                     FAMILY(fan_in_stands_under_each_message),
                                     FAMILY(traces_past_the_first_hundred_are_linked_to_and_not_listed),
                                     FAMILY(the_largest_answer_is_small),
                                     FAMILY(test_no_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

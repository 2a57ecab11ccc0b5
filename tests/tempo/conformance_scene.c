/* The spans that every kind of store is given first. See conformance_scene.h. */
#include "tests/tempo/conformance_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <string.h>

#include "tempo/wire/own_trace.h"

const char *tenant_a, *tenant_b;

conformance_scene scene;

/* ---- the spans ---- */

static bool digest_by_sum(const bt_str *fields, size_t count, uint8_t digest[32]) {
  uint64_t sum = 7;
  for (size_t i = 0; i < count; i++) sum = sum * 1000003 + bt_str_hash(fields[i]);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)((sum = sum * 6364136223846793005u + 1442695040888963407u) >> 56);
  return true;
}

static bt_trace_id random_id(uint64_t *state, bool leads_with_zeros) {
  bt_trace_id id;
  for (size_t b = 0; b < sizeof id.bytes; b++) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    id.bytes[b] = (uint8_t)(*state >> 56);
  }
  if (leads_with_zeros) id.bytes[0] = id.bytes[1] = 0;
  id.bytes[15] |= 1;
  return id;
}

static bt_span_id span_id(uint8_t number) {
  return (bt_span_id){{0xA0, 0, 0, 0, 0, 0, 0, number}};
}

int64_t start_of(size_t trace) {
  return scene.base_ns + (int64_t)trace * ROUND_S * second_ns;
}

const int64_t root_ns = 2000000000, child_at_ns = 500000000, child_ns = 3000000000; /* the child ends last */

int64_t end_of(size_t trace) {
  return start_of(trace) + child_at_ns + child_ns;
}

/* BeTrace's own trace is found by a store that does not know it from others. */
size_t all_of_scene(void) {
  return TRACES + scene.kind->lists_own;
}

static void push(const char *tenant, const char *service, const bt_export_span *spans, size_t count) {
  bt_attribute name = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = bt_str_from(service)}};
  bt_export_resource resource = {
      .attributes = &name, .attribute_count = 1, .scope_name = BT_STR("tests"), .spans = spans, .span_count = count};
  store_push(&scene.store, tenant, &resource, 1);
}

/* Every child has links to traces that nobody has and, last, to the trace of half its number; the id of number 0 has a
 * first byte of zero. */
size_t linked_from(size_t trace) {
  return trace / 2;
}

static void make_links(size_t trace, bt_link links[3]) {
  memset(links, 0, 3 * sizeof *links);
  memset(links[0].trace_id.bytes, 0xC0, sizeof links[0].trace_id.bytes);
  links[1].trace_id = scene.foreign_id;
  links[2].trace_id = scene.ids[linked_from(trace)];
  for (uint8_t i = 0; i < 3; i++) links[i].span_id = span_id(i + 1);
}

/* Roots in one push and children in another: a source has to put them together. */
static void push_traces(const char *tenant) {
  static bt_attribute amounts[TRACES];
  static bt_link links[TRACES][3];
  bt_export_span roots[TRACES], children[TRACES];
  for (size_t i = 0; i < TRACES; i++) {
    amounts[i] = (bt_attribute){BT_STR("amount"), {.type = BT_VALUE_INT, .integer = (int64_t)i}};
    make_links(i, links[i]);
    roots[i] = (bt_export_span){.trace_id = scene.ids[i],
                                .span_id = span_id(1),
                                .name = BT_STR("checkout"),
                                .kind = BT_KIND_SERVER,
                                .start_ns = start_of(i),
                                .end_ns = start_of(i) + root_ns};
    children[i] = (bt_export_span){.trace_id = scene.ids[i],
                                   .span_id = span_id(2),
                                   .parent_id = span_id(1),
                                   .name = BT_STR("charge"),
                                   .kind = BT_KIND_CLIENT,
                                   .status = BT_SPAN_STATUS_ERROR,
                                   .start_ns = start_of(i) + child_at_ns,
                                   .end_ns = end_of(i),
                                   .attributes = &amounts[i],
                                   .attribute_count = 1,
                                   .links = links[i],
                                   .link_count = 3};
  }
  push(tenant, "shop", roots, TRACES);
  push(tenant, "pay", children, TRACES);
}

/* A violation span as BeTrace sends it, at the time of trace 0. */
static void push_own(const char *tenant) {
  bt_own_ids ids;
  char hex[BT_TRACE_ID_HEX + 1];
  bt_str name = bt_str_from(scene.kind->has_tenants ? tenant : "");
  assert_true(bt_own_violation_ids(name, BT_STR("slow"), BT_STR("c0ffee"), &scene.ids[0], &ids));
  bt_trace_id_format(&scene.ids[0], hex);
  bt_attribute attributes[] = {{BT_STR(BT_OWN_RULE_ID), {.type = BT_VALUE_STRING, .string = BT_STR("slow")}},
                               {BT_STR(BT_OWN_CONDITION_HASH), {.type = BT_VALUE_STRING, .string = BT_STR("c0ffee")}},
                               {BT_STR(BT_OWN_TRACE_ID), {.type = BT_VALUE_STRING, .string = bt_str_from(hex)}}};
  bt_export_span span = {.trace_id = ids.trace_id,
                         .span_id = ids.span_id,
                         .name = BT_STR(BT_OWN_VIOLATION),
                         .kind = BT_KIND_INTERNAL,
                         .status = BT_SPAN_STATUS_ERROR,
                         .start_ns = start_of(0),
                         .end_ns = start_of(0) + 1000000,
                         .attributes = attributes,
                         .attribute_count = 3};
  scene.own_id = ids.trace_id;
  push(tenant, BT_OWN_SERVICE, &span, 1);
}

static void push_foreign(const char *tenant) {
  bt_export_span span = {.trace_id = scene.foreign_id,
                         .span_id = span_id(1),
                         .name = BT_STR("checkout"),
                         .kind = BT_KIND_SERVER,
                         .start_ns = start_of(1),
                         .end_ns = start_of(1) + root_ns};
  push(tenant, "shop", &span, 1);
}

/* ---- set up ---- */

/* Files are read when they are opened, the others are pushed to. */
void scene_set_up(void) {
  uint64_t seed = (uint64_t)store_now_ns();
  scene.base_ns = (store_now_ns() / second_ns - TRACES * ROUND_S - 60) * second_ns;
  for (size_t i = 0; i < TRACES; i++) scene.ids[i] = random_id(&seed, i % 8 == 0);
  scene.foreign_id = random_id(&seed, true);
  bt_own_trace_use(digest_by_sum);
  tenant_a = store_tenant(scene.kind, "conformance-a");
  tenant_b = store_tenant(scene.kind, "conformance-b");
  store_begin(&scene.store, scene.kind);
  push_traces(tenant_a);
  push_own(tenant_a);
  if (scene.kind->has_tenants) push_foreign(tenant_b);
  store_show(&scene.store, tenant_a);
  scene.source = scene.store.source;
}

void scene_tear_down(void) {
  store_end(&scene.store);
}

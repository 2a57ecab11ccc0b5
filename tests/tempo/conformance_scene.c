/* The three kinds of sources, and the spans that they are given. See conformance_scene.h. */
#include "tests/tempo/conformance_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tempo/api/tempo_source.h"
#include "tempo/files/file_source.h"
#include "tempo/files/memory_source.h"
#include "tempo/wire/own_trace.h"
#include "tests/tempo/pushed_otlp.h"

const int64_t second_ns = 1000000000;
const char tenant_a[] = "conformance-a", tenant_b[] = "conformance-b";

conformance_scene scene;

/* ---- the three kinds ---- */

static bt_status open_memory(bt_source **out, bt_error *error) {
  return bt_memory_source_new(0, out, error);
}

static void encode(const bt_export_resource *resource, bt_buffer *out) {
  bt_error error = {0};
  if (bt_otlp_encode(resource, 1, out, &error) != BT_OK) fail_msg("encode: %s", error.message);
}

static void push_to_memory(const char *tenant, const bt_export_resource *resource) {
  bt_buffer bytes = {0};
  bt_error error = {0};
  uint64_t count = 0;
  encode(resource, &bytes);
  bt_status status = push_otlp(scene.source, tenant, bt_buffer_str(&bytes), false, &count, &error);
  if (status != BT_OK) fail_msg("push: %s", error.message);
  assert_int_equal(count, resource->span_count);
  bt_buffer_dispose(&bytes);
}

/* Each push is a file of its own, so that traces lie in several. */
static void push_to_file(const char *tenant, const bt_export_resource *resource) {
  (void)tenant;
  bt_buffer bytes = {0};
  encode(resource, &bytes);
  char *path = scene.files[scene.file_count++];
  snprintf(path, sizeof scene.files[0], P_tmpdir "/betrace-conformance-XXXXXX");
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, bytes.ptr, bytes.len), bytes.len);
  close(descriptor);
  bt_buffer_dispose(&bytes);
}

static bt_status open_files(bt_source **out, bt_error *error) {
  const char *paths[8];
  for (size_t i = 0; i < scene.file_count; i++) paths[i] = scene.files[i];
  bt_status status = bt_file_source_open(paths, scene.file_count, 0, out, error);
  for (size_t i = 0; i < scene.file_count; i++) unlink(paths[i]);
  return status;
}

static bt_status open_tempo(bt_source **out, bt_error *error) {
  bt_tempo_options options = {.url = getenv("TEMPO_URL"), .search_limit = 7}; /* small, so that windows split */
  return bt_tempo_source_new(scene.client, &options, out, error);
}

static void push_to_tempo(const char *tenant, const bt_export_resource *resource) {
  bt_exporter_options options = {.url = getenv("OTLP_URL"), .tenant = tenant};
  bt_export_result result = {0};
  bt_error error = {0};
  if (bt_otlp_export(scene.client, &options, resource, 1, NULL, &result, &error) != BT_OK)
    fail_msg("%s", error.message);
  assert_int_equal(result.accepted, resource->span_count);
}

static const kind kinds[] = {
    {"files", open_files, push_to_file, false, false, true, 0},
    {"memory", open_memory, push_to_memory, true, true, true, 0},
    {"tempo", open_tempo, push_to_tempo, true, true, false, 1000000000},
};

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

static void push(const char *tenant, const char *service, const bt_export_span *spans, size_t count) {
  bt_attribute name = {BT_STR("service.name"), {.type = BT_VALUE_STRING, .string = bt_str_from(service)}};
  bt_export_resource resource = {
      .attributes = &name, .attribute_count = 1, .scope_name = BT_STR("tests"), .spans = spans, .span_count = count};
  scene.kind->push(tenant, &resource);
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

bool scene_choose(const char *name) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(name, kinds[i].name) == 0) scene.kind = &kinds[i];
  return scene.kind != NULL;
}

static void open_source(void) {
  bt_error error = {0};
  if (scene.kind->open(&scene.source, &error) != BT_OK) fail_msg("open: %s", error.message);
}

/* Files are read when they are opened, the others are pushed to. */
int scene_set_up(void) {
  bt_error error = {0};
  bool is_files = strcmp(scene.kind->name, "files") == 0;
  if (bt_http_client_new(NULL, &scene.client, &error) != BT_OK) return -1;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  scene.base_ns = ((int64_t)now.tv_sec - TRACES * ROUND_S - 60) * second_ns;
  uint64_t seed = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec;
  for (size_t i = 0; i < TRACES; i++) scene.ids[i] = random_id(&seed, i % 8 == 0);
  scene.foreign_id = random_id(&seed, true);
  bt_own_trace_use(digest_by_sum);
  if (!is_files) open_source();
  push_traces(tenant_a);
  push_own(tenant_a);
  if (scene.kind->has_tenants) push_foreign(tenant_b);
  if (is_files) open_source();
  return 0;
}

void scene_tear_down(void) {
  bt_source_free(scene.source);
  bt_http_client_free(scene.client);
}

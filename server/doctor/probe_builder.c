/* Putting probe traces together. See probe_builder.h. */
#include "server/doctor/probe_builder.h"

#include <string.h>

#include "server/base/sha256.h"

enum { RESOURCES_MAX = 256, ATTRIBUTES_MAX = BT_PROBE_KEYS_MAX + 2 };
static const int64_t ms_ns = 1000000;
static const size_t batch_cap_bytes = (size_t)64 << 20;

/* ---- ids ---- */

/* None begins with a zero, but where that is what the probe is for. */
static void set_ids(bt_probe_build *build, size_t number) {
  char text[24];
  bt_sha256 hash;
  bt_error error = {0};
  text[0] = (char)('0' + number / 10);
  text[1] = (char)('0' + number % 10);
  const bt_str fields[] = {BT_STR(BT_PROBE_SERVICE), bt_str_from(build->probes->run), {text, 2}};
  if (bt_sha256_fields(fields, 3, &hash, &error) != BT_OK) {
    build->failed = true;
    return;
  }
  memcpy(build->probe->id.bytes, hash.bytes, sizeof build->probe->id.bytes);
  memcpy(build->root.bytes, hash.bytes + sizeof build->probe->id.bytes, sizeof build->root.bytes);
  build->probe->id.bytes[0] |= 0x10;
  build->root.bytes[0] |= 0x10;
  if (build->probe->trait != BT_PROBE_ZEROS) return;
  build->probe->id.bytes[0] = build->probe->id.bytes[1] = 0;
  build->root.bytes[0] = 0;
}

static bt_span_id span_id(const bt_probe_build *build, uint32_t number) {
  bt_span_id id = build->root;
  id.bytes[6] = (uint8_t)(number >> 8);
  id.bytes[7] = (uint8_t)number;
  return id;
}

/* ---- parts of a trace ---- */

void bt_probe_begin(bt_probe_build *build, const char *label, bt_probe_trait trait) {
  bt_probes *probes = build->probes;
  if (probes->count == BT_PROBES_MAX) {
    build->failed = true;
    return;
  }
  size_t number = probes->count++;
  build->probe = &probes->items[number];
  *build->probe = (bt_probe){.label = label, .trait = trait};
  build->span_number = 0;
  set_ids(build, number);
}

static bt_attribute text_attribute(const char *key, const char *text) {
  return (bt_attribute){bt_str_from(key), {.type = BT_VALUE_STRING, .string = bt_str_from(text)}};
}

static bt_attribute *resource_attributes(bt_probe_build *build, const char *service, bt_probe_attributes more,
                                         uint32_t *count) {
  bt_attribute *items = bt_arena_array(&build->probes->arena, ATTRIBUTES_MAX, sizeof *items);
  *count = 0;
  if (!items || more.count > BT_PROBE_KEYS_MAX) return NULL;
  if (service) items[(*count)++] = text_attribute("service.name", service);
  items[(*count)++] = text_attribute("betrace.doctor.run", build->probes->run);
  for (uint32_t i = 0; i < more.count; i++) items[(*count)++] = more.items[i];
  return items;
}

void bt_probe_resource(bt_probe_build *build, unsigned part, const char *service, bt_probe_attributes more,
                       uint32_t spans) {
  bt_probes *probes = build->probes;
  uint32_t attribute_count = 0;
  bt_attribute *attributes = resource_attributes(build, service, more, &attribute_count);
  build->spans = bt_arena_array(&probes->arena, spans, sizeof *build->spans);
  if (!probes->resources[part])
    probes->resources[part] = bt_arena_array(&probes->arena, RESOURCES_MAX, sizeof(bt_export_resource));
  if (!attributes || !build->spans || !probes->resources[part] || probes->resource_counts[part] == RESOURCES_MAX) {
    build->failed = true;
    return;
  }
  build->resource = &probes->resources[part][probes->resource_counts[part]++];
  *build->resource = (bt_export_resource){.attributes = attributes,
                                          .attribute_count = attribute_count,
                                          .scope_name = BT_STR("betrace"),
                                          .scope_version = BT_STR("1"),
                                          .spans = build->spans};
}

bt_export_span *bt_probe_span(bt_probe_build *build, const char *name) {
  static bt_export_span nowhere; /* what cannot be kept: `failed` says so */
  if (build->failed) return &nowhere;
  uint32_t number = ++build->span_number;
  int64_t start_ns =
      build->probes->base_ns + (int64_t)(build->probe - build->probes->items) * ms_ns + (int64_t)number * 1000;
  bt_export_span *span = &build->spans[build->resource->span_count++];
  *span = (bt_export_span){.trace_id = build->probe->id,
                           .span_id = span_id(build, number),
                           .name = bt_str_from(name),
                           .kind = BT_KIND_INTERNAL,
                           .start_ns = start_ns,
                           .end_ns = start_ns + 2 * ms_ns};
  if (number > 1) span->parent_id = span_id(build, 1);
  return span;
}

bt_probe_attributes bt_probe_attribute(bt_probe_build *build, const char *key, bt_value value) {
  bt_attribute *item = bt_arena_alloc(&build->probes->arena, sizeof *item);
  if (!item) {
    build->failed = true;
    return (bt_probe_attributes){0};
  }
  *item = (bt_attribute){bt_str_from(key), value};
  return (bt_probe_attributes){item, 1};
}

bt_probe_attributes bt_probe_under_keys(bt_probe_build *build, bool is_of_resource, bt_value value) {
  const bt_probes *probes = build->probes;
  bt_probe_attributes out = {bt_arena_array(&build->probes->arena, BT_PROBE_KEYS_MAX, sizeof *out.items), 0};
  if (!out.items) build->failed = true;
  for (size_t i = 0; out.items && value.type != BT_VALUE_MISSING && i < probes->key_count; i++)
    if (probes->keys[i].is_of_resource == is_of_resource)
      out.items[out.count++] = (bt_attribute){probes->keys[i].key, value};
  return out;
}

/* ---- as a reader sees them ---- */

static bt_status encode_probes(bt_probes *probes, bt_error *error) {
  bt_status status = BT_OK;
  for (unsigned part = 0; status == BT_OK && part < BT_PROBE_PARTS; part++)
    status = bt_otlp_encode(probes->resources[part], probes->resource_counts[part], &probes->encoded, error);
  return status;
}

static bt_status take_traces(bt_probes *probes, bt_error *error) {
  for (size_t i = 0; i < bt_span_batch_trace_count(probes->batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(probes->batch, i);
    size_t number = bt_probes_find(probes, &trace->id);
    if (number < probes->count) probes->items[number].trace = trace;
  }
  for (size_t i = 0; i < probes->count; i++)
    if (!probes->items[i].trace)
      return bt_error_set(error, BT_INVALID, "the probe \"%s\" has no span", probes->items[i].label);
  return BT_OK;
}

bt_status bt_probe_finish(bt_probe_build *build, bt_error *error) {
  bt_probes *probes = build->probes;
  if (build->failed) return bt_error_no_memory(error);
  bt_status status = encode_probes(probes, error);
  if (status == BT_OK) status = bt_span_batch_new(batch_cap_bytes, &probes->batch, error);
  if (status == BT_OK) status = bt_otlp_decode_protobuf(bt_buffer_str(&probes->encoded), probes->batch, error);
  if (status == BT_OK) status = bt_span_batch_finish(probes->batch, error);
  return status == BT_OK ? take_traces(probes, error) : status;
}

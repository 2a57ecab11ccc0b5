/* What one decoder of OTLP reads the other reads too: each field of the definition alone, in a document of one span,
 * written as protobuf and as JSON with either kind of names. The documents are made from protobuf-c's descriptors, so a
 * field that is added to the definition is tried without anybody thinking of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "tempo/wire/proto/otlp.pb-c.h"
#include "tests/tempo/trace_text.h"

enum { MOST_STEPS = 14 };

typedef struct field_path {
  const ProtobufCFieldDescriptor *steps[MOST_STEPS];
  size_t count;
} field_path;

static bt_arena arena;
static size_t fields_tried, fields_read;

static bool is_named(const ProtobufCMessageDescriptor *message, const char *name) {
  return strcmp(message->name, name) == 0;
}

static void *make(size_t size) {
  void *made = bt_arena_alloc(&arena, size);
  assert_non_null(made);
  memset(made, 0, size);
  return made;
}

static char *make_text(const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(make(size), text, size);
}

/* ---- documents ---- */

static ProtobufCMessage *make_message(const ProtobufCMessageDescriptor *descriptor) {
  ProtobufCMessage *message = make(descriptor->sizeof_message);
  protobuf_c_message_init(descriptor, message);
  return message;
}

static void set_bytes(ProtobufCBinaryData *out, size_t length, uint8_t last) {
  out->len = length;
  out->data = make(length);
  out->data[length - 1] = last;
}

/* A value that is no default. */
static void set_scalar(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  void *at = (char *)message + field->offset;
  bool is_trace_id = strcmp(field->name, "trace_id") == 0;
  switch ((int)field->type) {
  case PROTOBUF_C_TYPE_STRING: *(char **)at = make_text("text!"); break;
  case PROTOBUF_C_TYPE_BYTES: set_bytes(at, is_trace_id ? 16 : 8, 7); break;
  case PROTOBUF_C_TYPE_DOUBLE: *(double *)at = 2.5; break;
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_FIXED64: *(uint64_t *)at = 5; break;
  case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = true; break;
  case PROTOBUF_C_TYPE_ENUM: *(int *)at = 2; break;
  case PROTOBUF_C_TYPE_UINT32:
  case PROTOBUF_C_TYPE_FIXED32: *(uint32_t *)at = 5; break;
  default: fail_msg("%s has a type that this test does not know", field->name);
  }
}

static void mark_oneof(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) *(int *)((char *)message + field->quantifier_offset) = (int)field->id;
}

/* One more of a repeated field, or the one of another. */
static void put_message(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field, ProtobufCMessage *value) {
  void *at = (char *)message + field->offset;
  mark_oneof(message, field);
  if (field->label != PROTOBUF_C_LABEL_REPEATED) {
    *(ProtobufCMessage **)at = value;
    return;
  }
  ProtobufCMessage **items = make(sizeof *items);
  *items = value;
  *(ProtobufCMessage ***)at = items;
  *(size_t *)((char *)message + field->quantifier_offset) = 1;
}

static ProtobufCMessage *make_along(const ProtobufCMessageDescriptor *descriptor, const field_path *path, size_t step);

/* What a document needs for its spans to be seen, beside the field that is tried. */
static void put_skeleton(ProtobufCMessage *message, const ProtobufCFieldDescriptor *tried) {
  static const field_path nothing = {.count = 0};
  const ProtobufCMessageDescriptor *descriptor = message->descriptor;
  const char *name =
      is_named(descriptor, "otlp.ExportTraceServiceRequest") ? "resource_spans"
      : is_named(descriptor, "otlp.ResourceSpans")           ? "scope_spans"
      : is_named(descriptor, "otlp.ScopeSpans") || is_named(descriptor, "otlp.InstrumentationLibrarySpans") ? "spans"
                                                                                                            : NULL;
  if (name && !(tried && tried->label == PROTOBUF_C_LABEL_REPEATED)) {
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(descriptor, name);
    put_message(message, field, make_along(field->descriptor, &nothing, 0));
  }
  if (is_named(descriptor, "otlp.Span")) {
    set_bytes(&((Otlp__Span *)message)->trace_id, 16, 1);
    set_bytes(&((Otlp__Span *)message)->span_id, 8, 1);
  }
  if (is_named(descriptor, "otlp.KeyValue")) ((Otlp__KeyValue *)message)->key = make_text("k");
}

static ProtobufCMessage *make_along(const ProtobufCMessageDescriptor *descriptor, const field_path *path, size_t step) {
  ProtobufCMessage *message = make_message(descriptor);
  const ProtobufCFieldDescriptor *field = step < path->count ? path->steps[step] : NULL;
  put_skeleton(message, field);
  if (!field) return message;
  if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
    put_message(message, field, make_along(field->descriptor, path, step + 1));
  } else {
    mark_oneof(message, field);
    set_scalar(message, field);
  }
  return message;
}

/* ---- as JSON ---- */

static void write_name(const char *name, bool is_camel, bt_buffer *out) {
  bt_buffer_append_char(out, '"');
  for (; *name; name++) {
    bool is_joined = is_camel && name[0] == '_' && name[1];
    if (is_joined) name++;
    bt_buffer_append_char(out, is_joined ? (char)toupper((unsigned char)*name) : *name);
  }
  bt_buffer_append(out, BT_STR("\":"));
}

static void write_message(const ProtobufCMessage *message, bool is_camel, bt_buffer *out);

static void write_value(const void *at, const ProtobufCFieldDescriptor *field, bool is_camel, bt_buffer *out) {
  const ProtobufCBinaryData *bytes = at;
  switch ((int)field->type) {
  case PROTOBUF_C_TYPE_STRING: bt_buffer_printf(out, "\"%s\"", *(char *const *)at); break;
  case PROTOBUF_C_TYPE_BYTES:
    bt_buffer_append_char(out, '"');
    for (size_t i = 0; i < bytes->len; i++) bt_buffer_printf(out, "%02x", bytes->data[i]);
    bt_buffer_append_char(out, '"');
    break;
  case PROTOBUF_C_TYPE_DOUBLE: bt_buffer_printf(out, "%g", *(const double *)at); break;
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_FIXED64: bt_buffer_printf(out, "\"%llu\"", (unsigned long long)*(const uint64_t *)at); break;
  case PROTOBUF_C_TYPE_BOOL:
    bt_buffer_append(out, *(const protobuf_c_boolean *)at ? BT_STR("true") : BT_STR("false"));
    break;
  case PROTOBUF_C_TYPE_MESSAGE: write_message(*(ProtobufCMessage *const *)at, is_camel, out); break;
  default: bt_buffer_printf(out, "%u", *(const uint32_t *)at); break;
  }
}

static bool is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field) {
  const char *at = (const char *)message + field->offset;
  if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
    return *(const int *)((const char *)message + field->quantifier_offset) == (int)field->id;
  if (field->type == PROTOBUF_C_TYPE_STRING) return **(char *const *)at != '\0';
  if (field->type == PROTOBUF_C_TYPE_BYTES) return ((const ProtobufCBinaryData *)at)->len > 0;
  if (field->type == PROTOBUF_C_TYPE_MESSAGE) return *(void *const *)at != NULL;
  if (field->type == PROTOBUF_C_TYPE_FIXED64 || field->type == PROTOBUF_C_TYPE_INT64) return *(const uint64_t *)at != 0;
  return *(const uint32_t *)at != 0;
}

static void write_message(const ProtobufCMessage *message, bool is_camel, bt_buffer *out) {
  const ProtobufCMessageDescriptor *descriptor = message->descriptor;
  const char *comma = "";
  bt_buffer_append_char(out, '{');
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
    const void *at = (const char *)message + field->offset;
    bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
    size_t count =
        is_list ? *(const size_t *)((const char *)message + field->quantifier_offset) : is_set(message, field);
    if (!count) continue;
    bt_buffer_append(out, bt_str_from(comma));
    write_name(field->name, is_camel, out);
    if (is_list) bt_buffer_append_char(out, '[');
    write_value(is_list ? (const void *)*(ProtobufCMessage *const *const *)at : at, field, is_camel, out);
    if (is_list) bt_buffer_append_char(out, ']');
    comma = ",";
  }
  bt_buffer_append_char(out, '}');
}

/* ---- what the decoders say ---- */

static char *spans_text(bt_str document, bool is_json) {
  bt_error error = {.message = ""};
  bt_span_batch *batch;
  text_lines lines = {0};
  assert_int_equal(bt_span_batch_new(1 << 20, &batch, &error), BT_OK);
  bt_status status =
      is_json ? bt_otlp_decode_json(document, batch, &error) : bt_otlp_decode_protobuf(document, batch, &error);
  if (status != BT_OK) fail_msg("%.*s: %s", BT_FMT(is_json ? document : BT_STR("protobuf")), error.message);
  assert_int_equal(bt_span_batch_finish(batch, &error), BT_OK);
  for (size_t i = 0; i < bt_span_batch_trace_count(batch); i++) {
    const bt_trace *trace = bt_span_batch_trace(batch, i);
    for (uint32_t j = 0; j < trace->span_count; j++) text_lines_add_span(&lines, &trace->id, &trace->spans[j]);
  }
  bt_span_batch_free(batch);
  return text_lines_join(&lines);
}

static char *text_of(const ProtobufCMessage *message) {
  size_t length = protobuf_c_message_get_packed_size(message);
  uint8_t *bytes = malloc(length + 1);
  assert_non_null(bytes);
  protobuf_c_message_pack(message, bytes);
  char *text = spans_text((bt_str){(char *)bytes, length}, false);
  for (int is_camel = 0; is_camel < 2; is_camel++) {
    bt_buffer json = {0};
    write_message(message, is_camel, &json);
    char *other = spans_text(bt_buffer_str(&json), true);
    if (strcmp(text, other) != 0)
      fail_msg("%.*s\nis read from protobuf as\n%s\nand from JSON as\n%s", BT_FMT(bt_buffer_str(&json)), text, other);
    free(other);
    bt_buffer_dispose(&json);
  }
  free(bytes);
  return text;
}

static bool is_of_span(const field_path *path) {
  return path->count > 1 && path->steps[path->count - 2]->descriptor == (const void *)&otlp__span__descriptor;
}

/* What no trace of ours has a place for: passed over by both. */
static bool is_left_out(const field_path *path) {
  static const char *const names[] = {"trace_state", "flags", "schema_url", "kvlist_value"};
  size_t values = 0;
  if (is_of_span(path)) return false;
  for (size_t i = 0; i < path->count; i++) {
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
      if (strcmp(path->steps[i]->name, names[k]) == 0) return true;
    values += path->steps[i]->descriptor == (const void *)&otlp__any_value__descriptor;
  }
  return values > 1 && strcmp(path->steps[path->count - 1]->name, "bytes_value") == 0; /* in a list */
}

static void try_field(const field_path *path) {
  field_path without = *path;
  without.count--;
  char *text = text_of(make_along(&otlp__export_trace_service_request__descriptor, path, 0));
  char *before = text_of(make_along(&otlp__export_trace_service_request__descriptor, &without, 0));
  const ProtobufCFieldDescriptor *last = path->steps[path->count - 1];
  bool is_read = strcmp(text, before) != 0;
  fields_tried++;
  fields_read += is_read;
  if (last->type != PROTOBUF_C_TYPE_MESSAGE && is_read == is_left_out(path))
    fail_msg("%s of %s is %s:\n%s", last->name, path->count > 1 ? path->steps[path->count - 2]->name : "the request",
             is_read ? "read, though no trace has a place for it" : "read by neither decoder", text);
  free(text);
  free(before);
}

static size_t times(const field_path *path, const void *descriptor) {
  size_t count = 0;
  for (size_t i = 0; i < path->count; i++)
    count += path->steps[i]->type == PROTOBUF_C_TYPE_MESSAGE && path->steps[i]->descriptor == descriptor;
  return count;
}

/* A list in a list is the deepest that is looked at. */
static void try_message(const ProtobufCMessageDescriptor *descriptor, field_path *path) {
  for (unsigned i = 0; i < descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
    bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (path->count == MOST_STEPS || (is_message && times(path, field->descriptor) > 1)) continue;
    path->steps[path->count++] = field;
    try_field(path);
    if (is_message) try_message(field->descriptor, path);
    path->count--;
  }
}

static void test_each_field_alone(void **state) {
  (void)state;
  field_path path = {.count = 0};
  bt_arena_init(&arena, SIZE_MAX);
  try_message(&otlp__export_trace_service_request__descriptor, &path);
  print_message("%zu fields in their places, of which %zu say something\n", fields_tried, fields_read);
  assert_true(fields_tried > 300 && fields_read > 140);
  bt_arena_dispose(&arena);
}

/* The old name beside the new one: each has its spans, and one that stands in both is one span. */
static void test_both_names(void **state) {
  (void)state;
  static const char span[] = "{\"traceId\":\"%032x\",\"spanId\":\"%016x\",\"name\":\"n%d\"}";
  for (int old = 1; old < 3; old++) {
    char spans[2][200], json[900];
    snprintf(spans[0], sizeof *spans, span, 1, 1, 1);
    snprintf(spans[1], sizeof *spans, span, 1, old, old);
    snprintf(json, sizeof json,
             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[%s]}],\"instrumentationLibrarySpans\":[{"
             "\"instrumentationLibrary\":{\"name\":\"\"},\"spans\":[%s]}]}]}",
             spans[0], spans[1]);
    char *text = spans_text(bt_str_from(json), true);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++) lines++;
    assert_int_equal(lines, old);
    free(text);
  }
}

/* What goes on to another receiver may not have the old field, which that one passes over. */
static void test_requests(void **state) {
  (void)state;
  bt_arena_init(&arena, SIZE_MAX);
  const ProtobufCMessageDescriptor *of_request = &otlp__export_trace_service_request__descriptor;
  const ProtobufCMessageDescriptor *of_resource = &otlp__resource_spans__descriptor;
  for (int is_old = 0; is_old < 2; is_old++) {
    const char *name = is_old ? "instrumentation_library_spans" : "scope_spans";
    field_path path = {{protobuf_c_message_descriptor_get_field_by_name(of_request, "resource_spans"),
                        protobuf_c_message_descriptor_get_field_by_name(of_resource, name)},
                       2};
    ProtobufCMessage *message = make_along(of_request, &path, 0);
    uint8_t bytes[400];
    size_t length = protobuf_c_message_pack(message, bytes);
    assert_true(length < sizeof bytes);
    bt_buffer json = {0};
    write_message(message, true, &json);
    bt_status expected = is_old ? BT_INVALID : BT_OK;
    for (int is_json = 0; is_json < 2; is_json++) {
      bt_error error = {.message = ""};
      bt_span_batch *batch;
      bool is_flat = false;
      assert_int_equal(bt_span_batch_new(1 << 20, &batch, &error), BT_OK);
      bt_status status = is_json ? bt_otlp_decode_json_request(bt_buffer_str(&json), batch, &is_flat, &error)
                                 : bt_otlp_decode_protobuf_request((bt_str){(char *)bytes, length}, batch, &error);
      assert_int_equal(status, expected);
      if (is_old) assert_non_null(strstr(error.message, "receivers of OTLP silently ignore"));
      bt_span_batch_free(batch);
    }
    bt_buffer_dispose(&json);
  }
  bt_arena_dispose(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_field_alone), cmocka_unit_test(test_both_names),
                                     cmocka_unit_test(test_requests)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How fast answers are decoded: ours against protobuf-c (unpacking a tree) and jansson (parsing one), over the same
 * generated documents, in one run. What counts are the ratios; absolute speeds belong to the machine. Ours also groups
 * spans by trace and checks UTF-8, and its result is complete; the others stop at a tree. Usage: bench_decode [traces
 * per document] [seconds for each] [part of a row's name]. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench.h"
#include "tests/tempo/otlp_generate.h"

typedef struct documents {
  bt_buffer otlp, otlp_json, search, search_json;
} documents;

static void decode_spans(bt_str document, bool is_json) {
  bt_error error = {.message = ""};
  bt_span_batch *batch;
  if (bt_span_batch_new(SIZE_MAX, &batch, &error) != BT_OK) stop(error.message);
  bt_status status =
      is_json ? bt_otlp_decode_json(document, batch, &error) : bt_otlp_decode_protobuf(document, batch, &error);
  if (status != BT_OK || bt_span_batch_finish(batch, &error) != BT_OK) stop(error.message);
  bt_span_batch_free(batch);
}

static bt_status count_row(void *context, const bt_search_row *row, bt_error *error) {
  (void)error;
  *(size_t *)context += row->span != NULL;
  return BT_OK;
}

static void decode_search(bt_str document, bool is_json, bool with_spans) {
  bt_error error = {.message = ""};
  bt_search_answer answer;
  size_t rows = 0;
  if (bt_tempo_decode_search(document, is_json, with_spans, count_row, &rows, &answer, &error) != BT_OK)
    stop(error.message);
}

static void ours_otlp(bt_str document) {
  decode_spans(document, false);
}

static void ours_otlp_json(bt_str document) {
  decode_spans(document, true);
}

static void ours_search(bt_str document) {
  decode_search(document, false, true);
}

static void ours_search_json(bt_str document) {
  decode_search(document, true, true);
}

static void ours_search_ids(bt_str document) {
  decode_search(document, false, false);
}

static void ours_search_json_ids(bt_str document) {
  decode_search(document, true, false);
}

static void protobuf_c_otlp(bt_str document) {
  Otlp__ExportTraceServiceRequest *tree =
      otlp__export_trace_service_request__unpack(NULL, document.len, (const uint8_t *)document.ptr);
  if (!tree) stop("protobuf-c cannot read it");
  otlp__export_trace_service_request__free_unpacked(tree, NULL);
}

static void protobuf_c_search(bt_str document) {
  Tempopb__SearchResponse *tree = tempopb__search_response__unpack(NULL, document.len, (const uint8_t *)document.ptr);
  if (!tree) stop("protobuf-c cannot read it");
  tempopb__search_response__free_unpacked(tree, NULL);
}

static void jansson_parse(bt_str document) {
  json_error_t problem;
  json_t *tree = json_loadb(document.ptr, document.len, 0, &problem);
  if (!tree) stop(problem.text);
  json_decref(tree);
}

/* MB of document a second of CPU, over some hundredths of a second. */
static double measure_slice(void (*decode)(bt_str), const bt_buffer *document) {
  const double slice_seconds = 0.02;
  double start = cpu_seconds(), taken = 0;
  size_t rounds = 0;
  for (; taken < slice_seconds; taken = cpu_seconds() - start, rounds++) decode(bt_buffer_str(document));
  return (double)document->len * (double)rounds / taken / 1e6;
}

/* The two take turns, and the best slice of each counts: what else the machine does hits both alike, and only ever
 * slows down. */
static void measure(void (*const decode[2])(bt_str), const bt_buffer *document, double seconds, double best[2]) {
  double end = cpu_seconds() + 2 * seconds;
  best[0] = best[1] = 0;
  for (int turn = 0; turn < 4 || cpu_seconds() < end; turn++) {
    double speed = measure_slice(decode[turn % 2], document);
    if (speed > best[turn % 2]) best[turn % 2] = speed;
  }
}

static void generate(documents *d, size_t traces) {
  bt_arena arena;
  bt_arena_init(&arena, SIZE_MAX);
  generator g = {.state = 4711, .arena = &arena, .is_plain = true};
  Otlp__ExportTraceServiceRequest *request = generate_request(&g, traces);
  Tempopb__SearchResponse *answer = generate_search(&g, traces);
  size_t length = otlp__export_trace_service_request__get_packed_size(request);
  uint8_t *bytes = malloc(length);
  if (!bytes) stop("out of memory");
  otlp__export_trace_service_request__pack(request, bytes);
  bt_buffer_append(&d->otlp, (bt_str){(char *)bytes, length});
  free(bytes);
  length = tempopb__search_response__get_packed_size(answer);
  bytes = malloc(length);
  if (!bytes) stop("out of memory");
  tempopb__search_response__pack(answer, bytes);
  bt_buffer_append(&d->search, (bt_str){(char *)bytes, length});
  free(bytes);
  write_request_json(request, &d->otlp_json);
  write_search_json(answer, &d->search_json);
  bt_arena_dispose(&arena);
}

int main(int argc, char **argv) {
  size_t traces = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
  double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
  documents d = {.otlp = {0}};
  generate(&d, traces);
  const struct {
    const char *name, *other_name;
    const bt_buffer *document;
    void (*decode[2])(bt_str); /* ours, the other */
  } table[] = {{"OTLP protobuf", "protobuf-c", &d.otlp, {ours_otlp, protobuf_c_otlp}},
               {"search protobuf", "protobuf-c", &d.search, {ours_search, protobuf_c_search}},
               {"search protobuf, ids", "protobuf-c", &d.search, {ours_search_ids, protobuf_c_search}},
               {"OTLP JSON", "jansson", &d.otlp_json, {ours_otlp_json, jansson_parse}},
               {"search JSON", "jansson", &d.search_json, {ours_search_json, jansson_parse}},
               {"search JSON, ids", "jansson", &d.search_json, {ours_search_json_ids, jansson_parse}}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    if (argc > 3 && !strstr(table[i].name, argv[3])) continue;
    double best[2];
    measure(table[i].decode, table[i].document, seconds, best);
    printf("%-22s %6.1f MB: ours %5.0f MB/s, %-10s %5.0f MB/s, ratio %.1f\n", table[i].name,
           (double)table[i].document->len / 1e6, best[0], table[i].other_name, best[1], best[0] / best[1]);
  }
  bt_buffer_dispose(&d.otlp);
  bt_buffer_dispose(&d.otlp_json);
  bt_buffer_dispose(&d.search);
  bt_buffer_dispose(&d.search_json);
  return 0;
}

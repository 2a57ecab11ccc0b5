/* Random OTLP documents as protobuf-c trees, the same documents as JSON text, and what they mean as lines of
 * trace_text.h: the reference that decoders are compared with, written without any of their code. Out of memory ends
 * the program. */
#ifndef BT_TESTS_OTLP_GENERATE_H
#define BT_TESTS_OTLP_GENERATE_H

#include "tempo/wire/proto/otlp.pb-c.h"
#include "tempo/wire/proto/tempopb.pb-c.h"
#include "tests/tempo/trace_text.h"

typedef struct generator {
  uint64_t state;  /* seed, not 0 */
  bt_arena *arena; /* of the trees */
  bool is_plain;   /* as exporters send: ASCII texts, few shapes; else everything that the format allows */
} generator;

uint64_t generate_number(generator *g, uint64_t below);
/* `traces` traces of 1 to 12 spans, in 1 to 4 resources, mixed. */
Otlp__ExportTraceServiceRequest *generate_request(generator *g, size_t traces);
Tempopb__SearchResponse *generate_search(generator *g, size_t traces);

void write_request_json(const Otlp__ExportTraceServiceRequest *request, bt_buffer *out);
void write_search_json(const Tempopb__SearchResponse *answer, bt_buffer *out);

void text_lines_add_request(text_lines *lines, const Otlp__ExportTraceServiceRequest *request);
void text_lines_add_search(text_lines *lines, const Tempopb__SearchResponse *answer, bool with_spans);

#endif

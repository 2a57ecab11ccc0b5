/* Spans for the memory source as a receiver gets them: an ExportTraceServiceRequest. Thread: any, at once. */
#ifndef BT_TESTS_TEMPO_PUSHED_OTLP_H
#define BT_TESTS_TEMPO_PUSHED_OTLP_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "tempo/wire/source.h"

/* As bt_memory_source_add. *span_count: how many spans were kept (records, copies too). */
bt_status push_otlp(bt_source *source, const char *tenant, bt_str body, bool is_json, uint64_t *span_count,
                    bt_error *error);

#endif

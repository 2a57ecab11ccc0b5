/* Making one report. See report_order.h. */
#include "server/compliance/report_order.h"

#include <string.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/compliance/report_builder.h"
#include "server/compliance/report_comparison.h"
#include "server/compliance/time_stamp_request.h"
#include "server/json/canonical_json.h"
#include "server/json/json_memory.h"

static bool is_stamped(const bt_reports_options *options) {
  return options->key && options->timestamp_url;
}

bt_report_turn bt_report_order_turn(const bt_report_order *order) {
  const bt_reports_options *options = order->options;
  return (bt_report_turn){.turns = order->turns,
                          .tenant = order->tenant,
                          .source = options->source,
                          .key = options->key,
                          .older_keys = options->older_keys,
                          .sends_spans = options->client && options->exporter,
                          .started_at_ns = options->started_at_ns,
                          .range_ns = order->range.end_ns - order->range.start_ns,
                          .cancel = order->cancel};
}

bt_status bt_report_order_build(const bt_report_order *order, bt_report_turn *turn, json_t **document,
                                bt_error *error) {
  const bt_reports_options *options = order->options;
  bt_report_request request = {.store = options->store,
                               .watch = order->source == options->source ? options->watch : NULL,
                               .metrics = options->metrics,
                               .version = options->version,
                               .started_at_ns = options->started_at_ns,
                               .key = options->key,
                               .is_stamped = is_stamped(options),
                               .report_id = order->report_id,
                               .framework = bt_str_from(order->framework),
                               .name_previous = bt_report_turn_take,
                               .previous_context = turn,
                               .hold = order->hold,
                               .elsewhere = options->elsewhere,
                               .elsewhere_context = options->elsewhere_context,
                               .is_store_said = order->is_store_said,
                               .measure = {.source = order->source,
                                           .range = order->range,
                                           .now_ns = bt_clock_wall_ns(),
                                           .assumptions = options->assumptions,
                                           .tenant = order->tenant[0] ? order->tenant : NULL,
                                           .seed = order->seed,
                                           .memory = options->memory,
                                           .priority = BT_PRIORITY_PEOPLE,
                                           .cancel = order->cancel,
                                           .progress = order->progress,
                                           .context = order->context}};
  return bt_report_build(&request, document, error);
}

bt_status bt_report_order_stamp(const bt_report_order *order, json_t *document, bool *has_failed, bt_error *error) {
  const bt_reports_options *options = order->options;
  char reason[BT_TIME_STAMP_REASON_BYTES];
  *has_failed = false;
  if (!is_stamped(options)) return BT_OK;
  bt_status status = bt_time_stamp_add(options->client, options->timestamp_url, document, order->cancel, reason, error);
  if (status) return status;
  *has_failed = reason[0] != '\0';
  bt_metrics_add_time_stamp(options->metrics, *has_failed ? BT_TIME_STAMPS_FAILED : BT_TIME_STAMPS_GIVEN);
  if (*has_failed) bt_log(BT_LOG_WARNING, "the report %s has no time stamp: %s", order->report_id, reason);
  return BT_OK;
}

bool bt_report_order_says_the_same(const bt_report_order *order, bt_str earlier, const json_t *document) {
  bt_memory_hold hold = {order->hold->account, order->hold->kind, 0};
  bt_json_memory_charge(&hold);
  bool is_same = bt_reports_say_the_same(earlier, document);
  bt_json_memory_charge(NULL);
  bt_memory_hold_shrink(&hold, 0);
  return is_same;
}

static bt_status say_no_room(const bt_report_order *order, bt_error *error) {
  return bt_error_set(error, BT_LIMIT,
                      "results_full: there is no room for the text of the report: what runs and what is kept fills the "
                      "%zu bytes of --memory-limit; wait for others to end, delete what nobody reads, or raise it",
                      bt_memory_limit(order->hold->account));
}

/* A text is shorter than its document, but for one of many control characters. */
bt_status bt_report_order_write(const bt_report_order *order, const json_t *document, bt_buffer *text,
                                bt_error *error) {
  size_t before = order->hold->bytes;
  if (!bt_memory_hold_grow(order->hold, before)) return say_no_room(order, error);
  bt_status status = bt_canonical_json(document, text, error);
  if (status) return status;
  return bt_memory_hold_set(order->hold, before + bt_heap_bytes(text->capacity)) ? BT_OK : say_no_room(order, error);
}

void bt_report_order_count(const bt_report_order *order, bt_status status, const json_t *document,
                           const bt_report_span_result *span, int64_t duration_ns) {
  bt_metrics *metrics = order->options->metrics;
  const json_t *report = json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
  bool is_whole = json_is_true(json_object_get(report, "complete"));
  bt_metrics_add_report(metrics,
                        status == BT_CANCELLED ? BT_REPORT_END_CANCELLED
                        : status               ? BT_REPORT_END_FAILED
                        : is_whole             ? BT_REPORT_END_COMPLETE
                                               : BT_REPORT_END_INCOMPLETE,
                        duration_ns);
  if (span->state)
    bt_metrics_add_report_span(metrics, strcmp(span->state, "sent") == 0     ? BT_REPORT_SPANS_SENT
                                        : strcmp(span->state, "failed") == 0 ? BT_REPORT_SPANS_FAILED
                                                                             : BT_REPORT_SPANS_NOT_SENT);
}

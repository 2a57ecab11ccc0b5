/* Sending for real. See watch_sink.h. */
#include "server/watch/watch_sink.h"

#include "server/watch/watch_checkpoint.h"

/* What is not taken stays in the queue: the second try is for the part of a receiver that hangs, all others come after
 * a pause in which others are sent. */
static bt_exporter_options exporter_of(const bt_watch_options *watch) {
  bt_exporter_options exporter = *watch->exporter;
  exporter.attempts = 2;
  exporter.comes_back = true;
  return exporter;
}

static bt_status emit_violation(void *context, const char *tenant, const bt_rule_definition *definition,
                                const bt_violation *const *violations, size_t count, bool retract,
                                const bt_cancel *cancel, bt_emission_result *result, bt_error *error) {
  const bt_watch_options *watch = context;
  const bt_exporter_options exporter = exporter_of(watch);
  bt_emission_options options = {.client = watch->client,
                                 .exporter = &exporter,
                                 .source = bt_watch_own(watch),
                                 .store = watch->source_name,
                                 .tenant = tenant[0] ? tenant : NULL,
                                 .origin = "watch",
                                 .at_original_time = watch->emit_at_original_time,
                                 .retracts = retract,
                                 .priority = BT_PRIORITY_WATCH,
                                 .cancel = cancel};
  return bt_emission_send(&options, definition, violations, count, result, error);
}

static bt_status send_checkpoint(void *context, const char *tenant, const bt_checkpoint *checkpoint,
                                 const bt_cancel *cancel, bt_error *error) {
  const bt_watch_options *watch = context;
  const bt_exporter_options exporter = exporter_of(watch);
  return bt_checkpoint_send(watch->client, &exporter, tenant, checkpoint, cancel, error);
}

static void tell_count(void *context, const char *tenant, const bt_rule_definition *definition, uint64_t count) {
  const bt_watch_options *watch = context;
  for (uint64_t i = 0; i < count; i++) bt_metrics_rule_violation(watch->metrics, tenant, definition->fields.id);
}

bt_watch_sink bt_watch_sink_of(const bt_watch_options *options) {
  return (bt_watch_sink){.context = (void *)(uintptr_t)options,
                         .emit = emit_violation,
                         .checkpoint = send_checkpoint,
                         .emitted = tell_count};
}

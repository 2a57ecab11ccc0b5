/* Violation spans (api.md): each violation is a trace of its own with one span. Its ids are derived, so repeating a
 * replay adds nothing. Looks ids up in the source before it sends, and reads back what it sent. Thread: the caller's;
 * blocks. */
#ifndef BT_SERVER_EMISSION_H
#define BT_SERVER_EMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

typedef struct bt_emission_options {
  bt_http_client *client;                  /* borrowed */
  const bt_exporter_options *exporter;     /* borrowed */
  bt_source *source;                       /* where to look ids up; NULL: do not */
  const char *store;                       /* that the traces are of; NULL: the only one, or the service's own */
  const char *tenant, *replay_id, *origin; /* origin: "watch", "replay", "manual" */
  bool at_original_time;
  bool retracts;        /* sends the second span of each, which takes the violation back */
  bt_priority priority; /* of what is looked up */
  const bt_cancel *cancel;
} bt_emission_options;

typedef struct bt_emission_result {
  uint64_t emitted, already_there, failed;
  char message[200]; /* of the last failure */
} bt_emission_result;

/* Emits the violations of one rule (provisional ones and shadow rules' are left out). Failures are counted, not
 * returned, but for BT_CANCELLED and BT_NO_MEMORY. */
bt_status bt_emission_send(const bt_emission_options *options, const bt_rule_definition *definition,
                           const bt_violation *const *violations, size_t count, bt_emission_result *result,
                           bt_error *error) BT_MUST_CHECK;

#endif

/* Turns of reports. See report_turn.h. The store is asked before the turn: nobody waits for that. What was made
 * meanwhile goes before what the store said. */
#include "server/compliance/report_turn.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/time_text.h"
#include "server/json/json_members.h"

static const int64_t LEAST_BACK_NS = INT64_C(8) * 86400 * 1000000000;

struct bt_report_turns {
  pthread_mutex_t turn;  /* held from naming to being named */
  pthread_mutex_t mutex; /* guards `last` */
  bt_last_reports *last;
};

bt_report_turns *bt_report_turns_new(void) {
  bt_report_turns *turns = calloc(1, sizeof *turns);
  if (!turns) return NULL;
  turns->last = bt_last_reports_new();
  if (!turns->last) return free(turns), NULL;
  pthread_mutex_init(&turns->turn, NULL);
  pthread_mutex_init(&turns->mutex, NULL);
  return turns;
}

void bt_report_turns_free(bt_report_turns *turns) {
  if (!turns) return;
  bt_last_reports_free(turns->last);
  pthread_mutex_destroy(&turns->turn);
  pthread_mutex_destroy(&turns->mutex);
  free(turns);
}

static bool find_own(const bt_report_turn *turn, bt_str framework, bt_previous_report *out) {
  pthread_mutex_lock(&turn->turns->mutex);
  bool is_found = bt_last_reports_find(turn->turns->last, turn->tenant, framework, out);
  pthread_mutex_unlock(&turn->turns->mutex);
  return is_found;
}

/* Why the store has nothing to say of earlier reports; NULL: it may have. */
static const char *why_not(const bt_report_turn *turn) {
  if (!turn->key) return "and reports that are not signed cannot be told from those of others";
  if (bt_source_known(turn->source).is_static) return "and files hold no spans of reports";
  if (!turn->sends_spans) return "and it sends no spans of reports, which would show those of before (--otlp)";
  if (strchr(turn->tenant, '|')) return "and a report of several tenants leaves no span";
  return NULL;
}

static bt_status find_earlier(const bt_report_turn *turn, bt_str framework, bt_previous_report *out, bt_error *error) {
  const char *reason = why_not(turn);
  char started[40];
  if (!reason) {
    bt_previous_question question = {.source = turn->source,
                                     .tenant = turn->tenant,
                                     .framework = framework,
                                     .key = turn->key,
                                     .older_keys = turn->older_keys,
                                     .now_ns = bt_clock_wall_ns(),
                                     .back_ns = turn->range_ns > LEAST_BACK_NS ? turn->range_ns : LEAST_BACK_NS,
                                     .cancel = turn->cancel};
    return bt_previous_report_ask(&question, out, error);
  }
  bt_time_format(turn->started_at_ns, started);
  *out = (bt_previous_report){.known_by = BT_KNOWN_BY_NOBODY};
  snprintf(out->reason, sizeof out->reason, "the service made none since it started at %s, %s", started, reason);
  return BT_OK;
}

bt_status bt_report_turn_take(void *context, bt_str framework, bt_previous_report *out, bt_error *error) {
  bt_report_turn *turn = context;
  bt_previous_report own;
  bt_status status = find_own(turn, framework, out) ? BT_OK : find_earlier(turn, framework, out, error);
  if (status) return status;
  pthread_mutex_lock(&turn->turns->turn);
  turn->is_taken = true;
  if (find_own(turn, framework, &own)) *out = own;
  return BT_OK;
}

bt_status bt_report_turn_end(bt_report_turn *turn, const json_t *document, bt_error *error) {
  const json_t *report = json_object_get(json_array_get(json_object_get(document, "entries"), 0), "body");
  bt_status status = BT_OK;
  if (!turn->is_taken) return BT_OK;
  if (document) {
    pthread_mutex_lock(&turn->turns->mutex);
    status = bt_last_reports_set(
        turn->turns->last, turn->tenant, bt_str_from(bt_json_text_at(json_object_get(report, "framework"), "name")),
        bt_json_text_at(report, "report_id"), bt_json_text_at(json_object_get(document, "evidence"), "head"), error);
    pthread_mutex_unlock(&turn->turns->mutex);
  }
  turn->is_taken = false;
  pthread_mutex_unlock(&turn->turns->turn);
  return status;
}

/* GET /v1/replays/{id}/events: a replay as server-sent events. A stream is a place in the list of violations by
 * arrival, which never changes what it has given. The id of an event is the number of violations given with it, so that
 * Last-Event-ID goes on exactly there, while the replay runs and after it. Progress comes when something changed; done
 * comes last. Nothing is kept for a stream but its place. Thread: one worker at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/http/routes.h"
#include "server/http/service.h"
#include "server/json/replay_json.h"

enum { AT_ONCE = 24 /* violations of one piece */ };
static const int64_t PROGRESS_NS = INT64_C(500) * 1000000;

typedef struct events {
  const bt_service *service;
  char *tenant, replay_id[BT_REPLAY_ID_BYTES];
  uint64_t given;         /* violations */
  int64_t progress_at_ns; /* monotonic: when it was shown last; 0: never */
  bt_job_state state;     /* as it was shown last */
  double progress;
  uint64_t queries, violations;
  bt_buffer *out;
} events;

/* ---- text ---- */

static int append_text(const char *text, size_t length, void *buffer) {
  bt_buffer_append(buffer, (bt_str){text, length});
  return ((bt_buffer *)buffer)->failed ? -1 : 0;
}

/* Takes the data. An event without an id leaves the reader's as it is. */
static void write_event(bt_buffer *out, const char *name, const char *id, json_t *data) {
  bt_buffer_printf(out, "event: %s\n", name);
  if (id) bt_buffer_printf(out, "id: %s\n", id);
  bt_buffer_append(out, BT_STR("data: "));
  if (!data || json_dump_callback(data, append_text, out, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0)
    out->failed = true;
  bt_buffer_append(out, BT_STR("\n\n"));
  json_decref(data);
}

static bt_status write_violation(void *context, const bt_rule_definition *definition, const bt_violation *violation) {
  events *e = context;
  char id[32];
  snprintf(id, sizeof id, "%llu", (unsigned long long)++e->given);
  write_event(e->out, "violation", id, bt_violation_json(definition, violation));
  return e->out->failed ? BT_NO_MEMORY : BT_OK;
}

/* Deleted, or forgotten to make room, while somebody listened. */
static bt_stream_step write_gone(events *e, const bt_error *why) {
  write_event(e->out, "gone", NULL, json_pack("{s:s, s:s}", "replay_id", e->replay_id, "detail", why->message));
  return BT_STREAM_END;
}

/* ---- state ---- */

static bool has_changed(const events *e, const bt_job_view *view) {
  uint64_t violations = 0;
  for (size_t i = 0; i < view->result.rule_count; i++) violations += view->result.rules[i].violations_found;
  bool is_new = !e->progress_at_ns || view->state != e->state;
  bool is_more = view->progress > e->progress || view->result.requests != e->queries || violations != e->violations;
  return is_new || (is_more && bt_clock_monotonic_ns() - e->progress_at_ns >= PROGRESS_NS);
}

static void note_shown(events *e, const bt_job_view *view) {
  e->progress_at_ns = bt_clock_monotonic_ns();
  e->state = view->state;
  e->progress = view->progress;
  e->queries = view->result.requests;
  e->violations = 0;
  for (size_t i = 0; i < view->result.rule_count; i++) e->violations += view->result.rules[i].violations_found;
}

/* All violations that are there were given. */
static bt_stream_step write_state(events *e, bool is_finished) {
  bt_job_view view;
  bt_error error = {0};
  bt_stream_step step = BT_STREAM_WAIT;
  bt_status status = bt_job_get(e->service->jobs, e->tenant, e->replay_id, &view, &error);
  if (status == BT_NOT_FOUND) return write_gone(e, &error);
  if (status != BT_OK) {
    e->out->failed = true;
    return BT_STREAM_END;
  }
  if (is_finished) {
    char id[40];
    snprintf(id, sizeof id, "%llu.done", (unsigned long long)e->given);
    write_event(e->out, "done", id, bt_job_json(&view));
    step = BT_STREAM_END;
  } else if (has_changed(e, &view)) {
    write_event(e->out, "progress", NULL, bt_job_json(&view));
    note_shown(e, &view);
    step = BT_STREAM_MORE;
  }
  bt_job_view_dispose(&view);
  return step;
}

static bt_stream_step next_events(void *context, bt_buffer *out) {
  events *e = context;
  bt_job_page page;
  bt_error error = {0};
  uint64_t before = e->given;
  e->out = out;
  bt_status status = bt_job_violations(e->service->jobs, e->tenant, e->replay_id, BT_JOB_BY_ARRIVAL, e->given, AT_ONCE,
                                       write_violation, e, &page, &error);
  if (status == BT_NOT_FOUND) return write_gone(e, &error);
  if (status != BT_OK) {
    out->failed = true;
    return BT_STREAM_END;
  }
  bool has_more = e->given < page.total;
  if (e->given > before && (has_more || !page.is_finished)) return BT_STREAM_MORE;
  return write_state(e, page.is_finished);
}

/* ---- beginning ---- */

/* "12", or "12.done" of a reader that has everything. */
static bool parse_last_id(bt_str text, uint64_t *given, bool *is_done) {
  *is_done = bt_str_ends_with(text, BT_STR(".done"));
  if (*is_done) text.len -= 5;
  *given = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    *given = *given * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  return text.len > 0 && text.len < 16;
}

static void free_events(void *context) {
  free(((events *)context)->tenant);
  free(context);
}

static void answer_events(bt_call *call, const bt_service *service, uint64_t given) {
  static const bt_stream_operations operations = {next_events, ": \n\n", free_events};
  events *e = calloc(1, sizeof *e);
  if (!e || !(e->tenant = strdup(bt_call_tenant(call)))) {
    free(e);
    bt_call_problem(call, 503, "no-memory", "There is not enough memory for this request.");
    return;
  }
  e->service = service;
  e->given = given;
  snprintf(e->replay_id, sizeof e->replay_id, "%s", bt_call_id(call));
  bt_call_stream(call, 200, "text/event-stream", &operations, e);
}

void bt_api_replay_events(void *context, bt_call *call) {
  const bt_service *service = context;
  bt_job_page page;
  bt_error error = {0};
  uint64_t given = 0;
  bool is_done = false;
  if (!bt_call_query_allows(call, (const char *const[]){NULL})) return;
  bt_status status = bt_job_violations(service->jobs, bt_call_tenant(call), bt_call_id(call), BT_JOB_BY_ARRIVAL, 0, 0,
                                       NULL, NULL, &page, &error);
  if (status)
    bt_call_error(call, status, &error);
  else if (call->last_event_id.len && (!parse_last_id(call->last_event_id, &given, &is_done) || given > page.total))
    bt_call_problem(call, 400, "invalid-header",
                    "Last-Event-ID has to be the id of an event of this replay; \"%.*s\" came.",
                    BT_FMT(call->last_event_id));
  else if (is_done && page.is_finished && given == page.total)
    bt_call_no_content(call); /* which tells an EventSource to stop asking */
  else
    answer_events(call, service, given);
}

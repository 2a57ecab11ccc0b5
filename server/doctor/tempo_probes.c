/* What doctor asks of a Tempo: what it says of itself, which its requests are, and which of its settings to change.
 * Nothing is concluded from what it says of itself. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/doctor/store_probes.h"
#include "tempo/api/tempo_source.h"

/* The version between quotes behind "version". */
static void read_version(const char *answer, char out[80]) {
  static const char key[] = "\"version\":\"";
  const char *found = strstr(answer, key);
  if (!found) return;
  found += strlen(key);
  size_t length = strcspn(found, "\"");
  for (size_t i = 0; i < length && i < 79; i++) out[i] = (char)(found[i] > ' ' && found[i] <= '~' ? found[i] : '_');
}

/* The first `key:` behind `section:` at the start of a line, and behind `part:` where there is one; NULL: it is not
 * there. */
static const char *find_setting(const char *config, const char *section, const char *part, const char *key) {
  char mark[64];
  snprintf(mark, sizeof mark, "\n%s:\n", section);
  const char *at = strstr(config, mark);
  const char *end = at ? at + 1 : NULL;
  while (end && (end = strchr(end, '\n')) && (end[1] == ' ' || end[1] == '-')) end++;
  snprintf(mark, sizeof mark, " %s:", part ? part : key);
  at = at ? strstr(at, mark) : NULL;
  snprintf(mark, sizeof mark, " %s: ", key);
  at = at ? strstr(at, mark) : NULL;
  return at && (!end || at < end) ? at + strlen(mark) : NULL;
}

static int64_t duration_setting(const char *value) {
  int64_t duration_ns = -1;
  bool is_one = value && bt_duration_parse((bt_str){value, strcspn(value, " \r\n")}, &duration_ns);
  return is_one ? duration_ns : -1;
}

static int64_t number_setting(const char *value) {
  char *end = NULL;
  errno = 0;
  long long number = value ? strtoll(value, &end, 10) : -1;
  return end != value && !errno ? number : -1;
}

static void read_config(const char *config, bt_doctor_report *report) {
  /* 2.10 shows the part of 3.x too, and does not use it. */
  const char *block = find_setting(config, "ingester", NULL, "max_block_duration");
  report->max_block_ns =
      duration_setting(block ? block : find_setting(config, "live_store", NULL, "max_block_duration"));
  report->max_range_ns = duration_setting(find_setting(config, "query_frontend", "search", "max_duration"));
  report->most_traces = number_setting(find_setting(config, "query_frontend", "search", "max_result_limit"));
  report->cut_bytes = number_setting(find_setting(config, "distributor", NULL, "max_attribute_bytes"));
}

static bt_status get_page(const bt_doctor *doctor, const char *path, bt_http_response *response, bt_error *error) {
  *response = (bt_http_response){0};
  return bt_tempo_source_get(doctor->options->store, path, doctor->options->cancel, response, error);
}

static bt_status look_at_tempo(const bt_doctor *doctor, bt_doctor_report *report, bt_error *error) {
  bt_http_response response;
  bt_status status = get_page(doctor, "/api/status/buildinfo", &response, error);
  if (status == BT_OK && response.status == 200 && response.body.ptr) read_version(response.body.ptr, report->version);
  bt_http_response_dispose(&response);
  if (status != BT_OK) return status;
  status = get_page(doctor, "/status/config", &response, error);
  if (status == BT_OK && response.status == 200 && response.body.ptr) read_config(response.body.ptr, report);
  bt_http_response_dispose(&response);
  return status == BT_CANCELLED ? status : BT_OK;
}

/* ---- requests ---- */

static int64_t read_number(const char *url, const char *name) {
  char *text = bt_exchange_parameter(url, name);
  int64_t value = text ? strtoll(text, NULL, 10) : 0;
  free(text);
  return value;
}

/* The path below the address, which may have one of its own. */
static const char *path_of(const char *url) {
  const char *const known[] = {"/api/", "/status/", "/v1/traces"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *found = strstr(url, known[i]);
    if (found) return found;
  }
  return "/";
}

static void read_question(const bt_http_request *request, bt_exchange *made) {
  const char *path = path_of(request->url);
  bool is_push = request->kind == BT_HTTP_EXPORT, is_search = !is_push && strncmp(path, "/api/search?", 12) == 0;
  made->what = is_push ? "push" : is_search ? "search" : strstr(path, "/traces/") ? "trace" : "other";
  made->query = is_search ? bt_exchange_parameter(path, "q") : strndup(path, strcspn(path, "?"));
  made->start_s = read_number(path, "start");
  made->end_s = read_number(path, "end");
  made->limit = read_number(path, "limit");
}

/* ---- advice ---- */

static void write_late_advice(const bt_doctor_report *report, bt_buffer *out) {
  bool is_two = strncmp(report->version, "2.", 2) == 0;
  const char *slack = is_two ? "storage.trace.wal.ingestion_time_range_slack"
                             : "live_store.wal.ingestion_time_range_slack and "
                               "block_builder.wal.ingestion_time_range_slack";
  const char *blocks = is_two ? "ingester.max_block_duration" : "block_builder.consume_cycle_duration";
  bt_buffer_printf(out,
                   "The wait is shorter with a longer %s (as long as --lateness), and for what is older than "
                   "query_frontend.search.query_backend_after with a shorter %s and storage.trace.blocklist_poll. ",
                   slack, blocks);
}

const bt_store_probes bt_tempo_probes = {.name = "tempo",
                                         .title = "Tempo",
                                         .cut_setting = "max_attribute_bytes",
                                         .has_blocks = true,
                                         .tells_doubles = true,
                                         .look = look_at_tempo,
                                         .read_question = read_question,
                                         .write_late_advice = write_late_advice};

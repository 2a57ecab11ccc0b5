/* What a store says of itself, for the report: nothing is concluded from it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/time_text.h"
#include "server/doctor/doctor_parts.h"
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
  return bt_tempo_source_get(doctor->options->tempo, path, doctor->options->cancel, response, error);
}

bt_status bt_doctor_look_at_store(bt_doctor *doctor, bt_error *error) {
  bt_doctor_report *report = doctor->report;
  bt_http_response response;
  report->max_block_ns = report->max_range_ns = report->hidden_tail_ns = -1;
  report->most_traces = report->cut_bytes = -1;
  bt_status status = get_page(doctor, "/api/status/buildinfo", &response, error);
  if (status == BT_OK && response.status == 200 && response.body.ptr) read_version(response.body.ptr, report->version);
  bt_http_response_dispose(&response);
  if (status != BT_OK) return status;
  status = get_page(doctor, "/status/config", &response, error);
  if (status == BT_OK && response.status == 200 && response.body.ptr) read_config(response.body.ptr, report);
  bt_http_response_dispose(&response);
  if (status == BT_OK) {
    bt_promises promises = bt_source_promises(doctor->options->tempo, BT_PROMISES_ALL, doctor->options->cancel);
    report->about = promises.about;
    report->hidden_tail_ns = promises.hidden_tail_ns;
  }
  return status == BT_CANCELLED ? status : BT_OK;
}

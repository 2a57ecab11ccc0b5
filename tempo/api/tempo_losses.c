/* What a Tempo takes away. See tempo_losses.h. */
#include "tempo/api/tempo_losses.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/time_sum.h"
#include "tempo/api/tempo_call.h"
#include "tempo/api/tempo_settings.h"
#include "tempo/api/tempo_version.h"
#include "tempo/wire/pause.h"
#include "tempo/wire/url.h"
#include "tempo/wire/wall_clock.h"

enum {
  ASK_TIMEOUT_MS = 2000,
  AGAIN_MS = 10000,        /* after an answer */
  AGAIN_UNSAID_MS = 60000, /* after none: a gateway that hides the path goes on doing so */
  BODY_BYTES = 8 << 20,    /* a line of 200 bytes for each job of the last hour */
  TENANTS_MAX = 10000      /* that are told apart; what is seen of others counts for all */
};
static const int64_t second_ns = 1000000000;
/* The tenant of a Tempo that has no tenants, whatever it is asked for. */
static const char ALONE[] = "single-tenant";

bool bt_tempo_losses_init(bt_tempo_losses *losses) {
  if (pthread_mutex_init(&losses->asking, NULL)) return false;
  if (!pthread_mutex_init(&losses->mutex, NULL)) return true;
  pthread_mutex_destroy(&losses->asking);
  return false;
}

void bt_tempo_losses_dispose(bt_tempo_losses *losses) {
  for (size_t i = 0; i < losses->count; i++) free(losses->items[i].tenant);
  free(losses->items);
  pthread_mutex_destroy(&losses->mutex);
  pthread_mutex_destroy(&losses->asking);
}

/* ---- what is written ---- */

/* 0: it does not say. */
static int64_t retention_at(const char *config, const char *const *path) {
  const char *said = bt_tempo_setting(config, path);
  int64_t out_ns = 0;
  return said && bt_tempo_read_duration(said, &out_ns) ? out_ns : 0;
}

#define PATH BT_TEMPO_PATH

bt_tempo_retention bt_tempo_retention_of_config(const char *config) {
  const char *const *const paths[] = {
      PATH("overrides", "defaults", "compaction", "block_retention"), PATH("overrides", "block_retention"),
      PATH("compactor", "compaction", "block_retention"),
      PATH("backend_worker", "compaction",
           "block_retention"), /* of 3.x; 2.x has it too, and its default is the other */
  };
  bt_tempo_retention out = {0};
  for (size_t i = 0; i < sizeof paths / sizeof *paths && !out.all_ns; i++) out.all_ns = retention_at(config, paths[i]);
  const char *file = bt_tempo_setting(config, PATH("overrides", "per_tenant_override_config"));
  out.may_have_tenants = file && *file && !strchr("\r\n\"", *file);
  return out;
}

/* The overrides that hold are the last that the page shows. Keys that end alike, as compacted_block_retention, are
 * others. */
int64_t bt_tempo_retention_of_overrides(const char *page) {
  static const char key[] = "block_retention:";
  const char *found = strstr(page, "Runtime overrides");
  int64_t out_ns = 0;
  do found = found ? strstr(found + 1, key) : NULL;
  while (found && found[-1] == '_');
  if (!found) return 0;
  found += strlen(key);
  return bt_tempo_read_duration(found + strspn(found, " "), &out_ns) ? out_ns : 0;
}

static int64_t number_of(const char *digits, size_t length) {
  int64_t number = 0;
  for (size_t i = 0; i < length; i++) {
    if (digits[i] < '0' || digits[i] > '9') return -1;
    number = number * 10 + (digits[i] - '0');
  }
  return number;
}

/* 2026-11-30T09:42:32Z, or with an offset in place of the Z. 0: no time, or one before 1970, which Go has for none. */
static int64_t time_of(bt_str text) {
  static const struct { size_t at, length; } parts[] = {{0, 4}, {5, 2}, {8, 2}, {11, 2}, {14, 2}, {17, 2}};
  int64_t said[6], offset_s = 0;
  if (text.len != 20 && text.len != 25) return 0;
  for (size_t i = 0; i < 6; i++)
    if ((said[i] = number_of(text.ptr + parts[i].at, parts[i].length)) < 0) return 0;
  if (text.len == 25) offset_s = number_of(text.ptr + 20, 2) * 3600 + number_of(text.ptr + 23, 2) * 60;
  if (text.len == 25 && text.ptr[19] == '-') offset_s = -offset_s;
  if (said[0] < 1970 || said[1] < 1 || said[1] > 12) return 0;
  int64_t days = bt_days_since_1970(said[0], said[1], said[2]);
  int64_t seconds = days * 86400 + said[3] * 3600 + said[4] * 60 + said[5] - offset_s;
  return seconds < INT64_MAX / second_ns ? seconds * second_ns : 0;
}

static bt_str take_until(bt_str *text, char end) {
  const char *found = text->len ? memchr(text->ptr, end, text->len) : NULL;
  bt_str taken = {text->ptr, found ? (size_t)(found - text->ptr) : text->len};
  size_t used = taken.len + (found != NULL);
  *text = (bt_str){text->ptr + used, text->len - used};
  return taken;
}

static bt_str take_cell(bt_str *line) {
  bt_str cell = take_until(line, '|');
  while (cell.len && cell.ptr[0] == ' ') cell = (bt_str){cell.ptr + 1, cell.len - 1};
  while (cell.len && cell.ptr[cell.len - 1] == ' ') cell.len--;
  return cell;
}

/* "| tenant | job | type | status | worker | created | start | end |"; of one that waits: "| block | batch |" behind
 * the type. */
static bool read_row(bt_str line, bt_tempo_redaction *out) {
  if (!line.len || line.ptr[0] != '|') return false;
  (void)take_cell(&line);
  out->tenant = take_cell(&line);
  out->at_ns = 0;
  (void)take_cell(&line);
  if (!bt_str_equal(take_cell(&line), BT_STR("JOB_TYPE_REDACTION"))) return false;
  while (line.len) out->at_ns = bt_time_later(out->at_ns, time_of(take_cell(&line)));
  return out->tenant.len > 0;
}

bool bt_tempo_next_redaction(bt_str *text, bt_tempo_redaction *out) {
  while (text->len)
    if (read_row(take_until(text, '\n'), out)) return true;
  return false;
}

/* ---- what is known; under the lock ---- */

static bt_tempo_loss *find_loss(bt_tempo_losses *losses, bt_str tenant) {
  for (size_t i = 0; i < losses->count; i++)
    if (bt_str_equal(bt_str_from(losses->items[i].tenant), tenant)) return &losses->items[i];
  return NULL;
}

/* NULL: there is no memory. */
static bt_tempo_loss *find_or_add(bt_tempo_losses *losses, bt_str tenant) {
  bt_tempo_loss *found = find_loss(losses, losses->count < TENANTS_MAX ? tenant : bt_str_from(ALONE));
  if (found) return found;
  if (losses->count >= TENANTS_MAX) tenant = bt_str_from(ALONE);
  bt_tempo_loss *items = bt_grow_array(losses->items, losses->count, &losses->capacity, sizeof *items);
  char *copy = items ? malloc(tenant.len + 1) : NULL;
  if (items) losses->items = items;
  if (!copy) return NULL;
  memcpy(copy, tenant.ptr, tenant.len);
  copy[tenant.len] = '\0';
  items[losses->count] = (bt_tempo_loss){.tenant = copy};
  return &items[losses->count++];
}

/* A job that waits, or runs, takes traces out now. */
static void learn_jobs(bt_tempo_losses *losses, bt_str text) {
  bt_tempo_redaction job;
  int64_t now_ns = bt_clock_wall_ns();
  pthread_mutex_lock(&losses->mutex);
  while (bt_tempo_next_redaction(&text, &job)) {
    bt_tempo_loss *of = find_or_add(losses, job.tenant);
    if (of) of->redacted_ns = bt_time_later(of->redacted_ns, job.at_ns ? job.at_ns : now_ns);
  }
  pthread_mutex_unlock(&losses->mutex);
}

/* ---- what is asked ---- */

/* False: it did not answer with a page. */
static bool ask_page(struct bt_tempo *tempo, const char *path, const bt_cancel *cancel, bt_http_response *response) {
  bt_error error = {0};
  int64_t timeout_ms = bt_time_earlier(tempo->timeout_ms, ASK_TIMEOUT_MS);
  bt_tempo_plain_request request = {path, BODY_BYTES, timeout_ms, cancel};
  return bt_tempo_ask_plainly(tempo, &request, response, &error) == BT_OK && response->status == 200 &&
         response->body.ptr;
}

static void ask_jobs(struct bt_tempo *tempo, const bt_cancel *cancel) {
  bt_tempo_losses *losses = &tempo->losses;
  bt_http_response response = {0};
  if (bt_monotonic_ms() < losses->jobs_next_ms) return;
  bool is_said = ask_page(tempo, "/status/backendscheduler", cancel, &response);
  if (is_said) learn_jobs(losses, bt_buffer_str(&response.body));
  losses->jobs_next_ms = bt_monotonic_ms() + (is_said ? AGAIN_MS : AGAIN_UNSAID_MS);
  bt_http_response_dispose(&response);
}

/* Whether it is time to ask for the tenant's own retention. */
static bool take_turn(bt_tempo_losses *losses, bt_str tenant) {
  int64_t now_ms = bt_monotonic_ms();
  pthread_mutex_lock(&losses->mutex);
  bt_tempo_loss *of = find_or_add(losses, tenant);
  bool is_time = of && now_ms >= of->retention_next_ms;
  if (is_time) of->retention_next_ms = now_ms + AGAIN_UNSAID_MS;
  pthread_mutex_unlock(&losses->mutex);
  return is_time;
}

static void learn_retention(bt_tempo_losses *losses, bt_str tenant, int64_t retention_ns) {
  pthread_mutex_lock(&losses->mutex);
  bt_tempo_loss *of = find_loss(losses, tenant);
  if (of) of->retention_ns = retention_ns;
  pthread_mutex_unlock(&losses->mutex);
}

static void ask_retention(struct bt_tempo *tempo, bt_str tenant, const bt_cancel *cancel) {
  bt_http_response response = {0};
  bt_buffer path = {0};
  if (!take_turn(&tempo->losses, tenant)) return;
  bt_buffer_append(&path, BT_STR("/status/overrides/"));
  bt_url_encode(&path, tenant);
  if (!path.failed && ask_page(tempo, path.ptr, cancel, &response))
    learn_retention(&tempo->losses, tenant, bt_tempo_retention_of_overrides(response.body.ptr));
  bt_http_response_dispose(&response);
  bt_buffer_dispose(&path);
}

/* Versions before 3 have no redaction, and answer 404. */
static bool may_redact(struct bt_tempo *tempo, const bt_cancel *cancel) {
  bt_source_about about;
  (void)bt_tempo_describe_version(tempo, cancel, &about);
  int major = bt_tempo_version_major(about.version);
  return major < 0 || major > 2;
}

static void ask_all(struct bt_tempo *tempo, bt_str tenants, bool has_own, const bt_cancel *cancel) {
  bool may_ask_jobs = may_redact(tempo, cancel);
  pthread_mutex_lock(&tempo->losses.asking);
  if (may_ask_jobs) ask_jobs(tempo, cancel);
  while (has_own && tenants.len) ask_retention(tempo, take_until(&tenants, '|'), cancel);
  pthread_mutex_unlock(&tempo->losses.asking);
}

/* ---- the answer ---- */

/* A question of several tenants is about the traces of each. */
static void add_losses(bt_tempo_losses *losses, bt_str tenant, int64_t of_all_ns, bt_losses *out) {
  const bt_tempo_loss *of = find_loss(losses, tenant);
  int64_t retention_ns = of && of->retention_ns ? of->retention_ns : of_all_ns;
  bool is_shorter = retention_ns && (!out->retention_ns || retention_ns < out->retention_ns);
  if (is_shorter) out->retention_ns = retention_ns;
  if (of) out->redacted_ns = bt_time_later(out->redacted_ns, of->redacted_ns);
}

bt_losses bt_tempo_losses_of(struct bt_tempo *tempo, const char *tenant, const bt_cancel *cancel) {
  bt_losses out = {0};
  bt_tempo_losses *losses = &tempo->losses;
  bt_str tenants = bt_str_from(tenant && *tenant ? tenant : ALONE);
  pthread_mutex_lock(&tempo->dating_mutex);
  bt_tempo_retention retention = tempo->retention;
  pthread_mutex_unlock(&tempo->dating_mutex);
  if (cancel) ask_all(tempo, tenants, retention.may_have_tenants, cancel);
  pthread_mutex_lock(&losses->mutex);
  while (tenants.len) add_losses(losses, take_until(&tenants, '|'), retention.all_ns, &out);
  const bt_tempo_loss *of_all = find_loss(losses, bt_str_from(ALONE));
  if (of_all) out.redacted_ns = bt_time_later(out.redacted_ns, of_all->redacted_ns);
  pthread_mutex_unlock(&losses->mutex);
  return out;
}

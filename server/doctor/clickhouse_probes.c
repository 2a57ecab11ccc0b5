/* What doctor asks of a ClickHouse: whether it can be used at all, and what its own tables say of how it is run. */
#include <stdio.h>
#include <string.h>

#include "server/doctor/clickhouse_facts.h"
#include "server/doctor/store_probes.h"
#include "tempo/clickhouse/clickhouse_look.h"

static const char no_grant_means[] =
    "not known: this user may not ask that. What it may not see is not \"none\": give it the grants of "
    "docs/howto/check-your-clickhouse.md for this, or look yourself";

/* ---- a fact ---- */

static bt_status open_fact(bt_doctor *doctor, const char *id, const char *title, const char *expected, bt_fact **out,
                           bt_error *error) {
  bt_status status = bt_fact_open_named(doctor, id, title, out, error);
  if (status == BT_OK) (*out)->expected = expected;
  return status;
}

/* Asking again does not undo it. */
static void close_fact(bt_doctor *doctor, bt_fact *fact, bt_fact_outcome outcome, const char *seen, const char *means) {
  bt_fact_close(doctor, fact, outcome, seen, means);
  bt_fact_now(doctor, fact)->is_final = true;
}

typedef struct rows {
  bt_doctor *doctor;
  bt_fact *fact;
  bt_fact_outcome worst;
  unsigned count; /* of those that are as bad as the worst */
  char seen[80];  /* of the first of them */
  bt_status status;
  bt_error error;
} rows;

static bool take_row(void *context, unsigned outcome, bt_str seen, bt_str finding) {
  rows *r = context;
  bt_fact_outcome now = outcome == BT_FACT_HOLDS || outcome == BT_FACT_FAILS ? outcome : BT_FACT_UNKNOWN;
  if (now > r->worst) r->count = 0;
  if (now > r->worst)
    snprintf(r->seen, sizeof r->seen, "%.*s", (int)(seen.len < 70 ? seen.len : 70), seen.ptr ? seen.ptr : "");
  r->count += now >= r->worst;
  if (now > r->worst) r->worst = now;
  if (finding.len) r->status = bt_fact_add(r->doctor, r->fact, NULL, (bt_str){0}, &r->error, "%.*s", BT_FMT(finding));
  return r->status == BT_OK;
}

static const char *seen_of(const rows *r) {
  if (r->count < 2) return bt_doctor_text(r->doctor, "%s", r->seen);
  return bt_doctor_text(r->doctor, "%s, and %u more", r->seen, r->count - 1);
}

/* What is no answer: whether that is a fault, or only not known. */
static bt_status close_refused(rows *r, const bt_clickhouse_fact *asked, bt_clickhouse_refusal why,
                               const bt_error *said, bt_error *error) {
  bool is_fault = asked->is_of_spans && why != BT_CLICKHOUSE_NO_ROOM;
  const char *seen = why == BT_CLICKHOUSE_NO_GRANT       ? "no grant to see it"
                     : why == BT_CLICKHOUSE_NO_ROOM      ? "more than a limit allows"
                     : why == BT_CLICKHOUSE_NO_SUCH_WORD ? "unknown to this version"
                                                         : "no answer";
  const char *means = is_fault                        ? asked->means
                      : why == BT_CLICKHOUSE_NO_GRANT ? no_grant_means
                                                      : bt_doctor_means_unknown;
  bt_status status = bt_fact_add(r->doctor, r->fact, NULL, (bt_str){0}, error, "%s", said->message);
  close_fact(r->doctor, r->fact, is_fault ? BT_FACT_FAILS : BT_FACT_UNKNOWN, seen, means);
  return status;
}

static bool is_stop(bt_status status) {
  return status == BT_CANCELLED || status == BT_NO_MEMORY;
}

static bt_status ask_fact(bt_doctor *doctor, const bt_clickhouse_fact *asked, bool sees_tables, bt_error *error) {
  rows r = {.doctor = doctor};
  bt_clickhouse_refusal why;
  bt_error said = {0};
  bt_status status = open_fact(doctor, asked->id, asked->title, asked->expected, &r.fact, error);
  if (status != BT_OK) return status;
  status = bt_clickhouse_source_ask(doctor->options->store, asked->sql, asked->is_of_spans, doctor->options->cancel,
                                    take_row, &r, &why, &said);
  if (r.status != BT_OK) return *error = r.error, r.status;
  if (is_stop(status)) return *error = said, status;
  if (status != BT_OK) return close_refused(&r, asked, why, &said, error);
  if (r.worst)
    close_fact(doctor, r.fact, r.worst, seen_of(&r), asked->means);
  else if (asked->none && (sees_tables || !asked->needs_tables))
    close_fact(doctor, r.fact, BT_FACT_HOLDS, asked->none, NULL);
  else
    close_fact(doctor, r.fact, BT_FACT_UNKNOWN, "not to be seen", no_grant_means);
  return BT_OK;
}

/* ---- whether it can be used ---- */

static bt_status check_settings(bt_doctor *doctor, bt_error *error) {
  static const char means[] = "the server keeps a setting with which an answer may lack rows and not say so, or does "
                              "not let this user in: every replay refuses it";
  bt_fact *fact = NULL;
  bt_error why = {0};
  bt_status status =
      open_fact(doctor, "operation/settings", "settings that hide rows can be set", "readonly 0 or 2", &fact, error);
  if (status != BT_OK) return status;
  status = bt_clickhouse_source_check_settings(doctor->options->store, doctor->options->cancel, &why);
  if (is_stop(status) || status == BT_UNAVAILABLE) return *error = why, status;
  if (status != BT_OK && bt_exchanges_last_status(doctor->options->exchanges) != 200)
    return bt_error_set(error, BT_UNAVAILABLE, "%s", why.message); /* it is no fact about a store */
  close_fact(doctor, fact, status == BT_OK ? BT_FACT_HOLDS : BT_FACT_FAILS, status == BT_OK ? "they can" : "refused",
             means);
  return status == BT_OK ? BT_OK : bt_fact_add(doctor, fact, NULL, (bt_str){0}, error, "%s", why.message);
}

static bt_status check_schema(bt_doctor *doctor, bool *is_known, bt_error *error) {
  static const char means[] = "BeTrace does not know how to read this table: every replay refuses it";
  bt_fact *fact = NULL;
  bt_error why = {0};
  bt_status status =
      open_fact(doctor, "operation/schema", "the table has a schema that is known", "one of four", &fact, error);
  if (status != BT_OK) return status;
  status = bt_source_check(doctor->options->store, doctor->options->cancel, &why);
  if (is_stop(status)) return *error = why, status;
  *is_known = status == BT_OK;
  const bt_promises promises = bt_source_known(doctor->options->store);
  const char *open = strstr(promises.about.version, " (");
  if (status == BT_OK)
    return close_fact(doctor, fact, BT_FACT_HOLDS,
                      bt_doctor_text(doctor, "%.*s", open ? (int)strcspn(open + 2, ")") : 0, open ? open + 2 : ""),
                      NULL),
           BT_OK;
  bt_fact_outcome settings = bt_fact_outcome_of(&doctor->report->facts[doctor->report->count - 2]);
  bool is_asked = settings == BT_FACT_HOLDS && status == BT_REFUSED;
  close_fact(doctor, fact, is_asked ? BT_FACT_FAILS : BT_FACT_UNKNOWN, is_asked ? "another" : "not asked",
             is_asked ? means : bt_doctor_means_unknown);
  return bt_fact_add(doctor, fact, NULL, (bt_str){0}, error, "%s", why.message);
}

/* ---- one shard's part ---- */

static bool take_byte(void *context, unsigned number, bt_str first, bt_str second) {
  (void)first, (void)second;
  *(bool *)context = number == 1;
  return true;
}

static bt_status check_part(bt_doctor *doctor, bool sees_tables, bt_error *error) {
  static const char means[] =
      "the table has some of the spans: every replay over it ends 'incomplete' and says so. Name "
      "the Distributed table";
  bt_fact *fact = NULL;
  bt_status status =
      open_fact(doctor, "operation/part", "the table is not one shard's part of another", "all spans", &fact, error);
  if (status != BT_OK) return status;
  const bt_promises promises = bt_source_known(doctor->options->store);
  bool is_distributed = strstr(promises.about.version, "Distributed)") != NULL;
  if (promises.lacks) {
    close_fact(doctor, fact, BT_FACT_FAILS, "some spans", means);
    return bt_fact_add(doctor, fact, NULL, (bt_str){0}, error, "%s", promises.lacks);
  }
  if (is_distributed || sees_tables)
    close_fact(doctor, fact, BT_FACT_HOLDS, is_distributed ? "Distributed" : "none over it", NULL);
  else
    close_fact(doctor, fact, BT_FACT_UNKNOWN, "not to be seen", no_grant_means);
  return BT_OK;
}

/* ---- all of it ---- */

static bt_status check_clickhouse(bt_doctor *doctor, bool *is_usable, bt_error *error) {
  bool is_known = false, sees_tables = false;
  bt_clickhouse_refusal why;
  bt_error ignored = {0};
  bt_status status = check_settings(doctor, error);
  if (status == BT_OK) status = check_schema(doctor, &is_known, error);
  *is_usable = is_known;
  if (status != BT_OK || !is_known) return status;
  status = bt_clickhouse_source_ask(doctor->options->store, bt_clickhouse_sees_tables_sql, false,
                                    doctor->options->cancel, take_byte, &sees_tables, &why, &ignored);
  if (is_stop(status)) return *error = ignored, status;
  status = check_part(doctor, sees_tables, error);
  for (const bt_clickhouse_fact *fact = bt_clickhouse_facts; status == BT_OK && fact->id; fact++)
    status = ask_fact(doctor, fact, sees_tables, error);
  return status;
}

static void read_question(const bt_http_request *request, bt_exchange *made) {
  bool is_push = request->kind == BT_HTTP_EXPORT;
  made->what = is_push                           ? "push"
               : request->kind == BT_HTTP_SEARCH ? "search"
               : request->kind == BT_HTTP_OTHER  ? "other"
                                                 : "trace";
  made->query = is_push ? NULL : bt_exchange_parameter(request->url, "query");
}

static void write_late_advice(const bt_doctor_report *report, bt_buffer *out) {
  (void)report;
  bt_buffer_printf(out, "The wait is shorter where the Collector sends sooner (batch, sending_queue), and where "
                        "asynchronous inserts and Buffer tables hold spans for less long. ");
}

const bt_store_probes bt_clickhouse_probes = {.name = "clickhouse",
                                              .title = "ClickHouse",
                                              .is_near = true,
                                              .check = check_clickhouse,
                                              .read_question = read_question,
                                              .write_late_advice = write_late_advice};

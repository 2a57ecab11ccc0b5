/* What is of no topic: by id, full answers, windows, and traces that are special as a whole. */
#include <string.h>

#include "server/doctor/store_probes.h"
#include "server/doctor/trace_comparison.h"
#include "server/doctor/doctor_parts.h"

static const bt_filter root_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.root"),
                       long_spans = BT_FILTER_OF_NAME(BT_FILTER_EQUAL, "doctor.long");
static const bt_query every_root = {.filter = &root_spans}, the_long_one = {.filter = &long_spans};

/* ---- by id ---- */

typedef struct by_id {
  bt_doctor *doctor;
  bt_fact *fact;
  uint64_t wrong, lacking;
} by_id;

static bt_status take_whole(void *context, const bt_read_trace *read, bt_error *error) {
  by_id *b = context;
  const bt_probe *probe = &b->doctor->report->probes.items[read->index];
  uint64_t bit = UINT64_C(1) << read->index;
  bt_buffer why = {0};
  if (!read->trace) return b->lacking |= bit, BT_OK;
  bt_status status = BT_OK;
  if (!bt_doctor_same_trace(probe->trace, read->trace, NULL, b->doctor->report->store->tells_doubles, &why)) {
    b->wrong |= bit;
    status = bt_fact_add(b->doctor, b->fact, NULL, (bt_str){0}, error, "trace \"%s\": %s", probe->label,
                         why.ptr ? why.ptr : "it differs");
  }
  bt_buffer_dispose(&why);
  return status;
}

static bt_status check_same(bt_doctor *doctor, bt_error *error) {
  by_id b = {.doctor = doctor};
  const bt_probes *probes = &doctor->report->probes;
  /* Of two spans with one id Tempo gives one another id: known, and no rule may rest on it (docs/DECISIONS.md 18). */
  uint64_t which = bt_probes_all(probes) & ~bt_probes_with(probes, BT_PROBE_HALVES);
  bt_doctor_read read = {.which = which, .sink = take_whole, .context = &b};
  bt_doctor_read_end end;
  bt_status status = bt_fact_open(doctor, NULL, BT_ASPECT_SAME_BY_ID, NULL, &b.fact, error);
  if (status != BT_OK || !b.fact) return status;
  status = bt_doctor_read_probes(doctor, &read, &end, error);
  if (status != BT_OK) return status;
  unsigned wrong = bt_doctor_count(b.wrong), lacking = bt_doctor_count(b.lacking);
  b.fact->expected = bt_doctor_text(doctor, "%u traces", bt_doctor_count(read.which));
  if (wrong || lacking)
    bt_fact_close(doctor, b.fact, BT_FACT_FAILS, bt_doctor_text(doctor, "%u wrong, %u not there", wrong, lacking),
                  bt_doctor_aspects[BT_ASPECT_SAME_BY_ID].means);
  else if (end.reason[0])
    bt_fact_close(doctor, b.fact, end.is_refused ? BT_FACT_FAILS : BT_FACT_UNKNOWN,
                  bt_doctor_text(doctor, "%.60s", end.reason),
                  end.is_refused ? bt_doctor_means_refused : bt_doctor_means_unknown);
  else
    bt_fact_close(doctor, b.fact, BT_FACT_HOLDS, "the same", NULL);
  if (wrong) bt_fact_now(doctor, b.fact)->is_final = true;
  return BT_OK;
}

static bt_status take_any(void *context, const bt_read_trace *read, bt_error *error) {
  (void)error;
  *(bool *)context = read->trace != NULL;
  return BT_OK;
}

/* The id of a probe with other digits at its end. */
static bt_status check_absent(bt_doctor *doctor, bt_error *error) {
  bt_fact *fact = NULL;
  bt_trace_id id = doctor->report->probes.items[0].id;
  bt_read_request request = {.ids = &id,
                             .count = 1,
                             .range = bt_doctor_wide(doctor),
                             .by_id = true,
                             .tenant = doctor->options->tenant,
                             .cancel = doctor->options->cancel,
                             .rule_id = "doctor",
                             .priority = BT_PRIORITY_PEOPLE};
  bt_source_account account = {0};
  bt_error why = {0};
  bool is_there = false;
  bt_status status = bt_fact_open(doctor, NULL, BT_ASPECT_ABSENT_BY_ID, NULL, &fact, error);
  if (status != BT_OK || !fact) return status;
  for (size_t i = 8; i < sizeof id.bytes; i++) id.bytes[i] ^= 0xA5;
  status = bt_source_read(doctor->options->store, &request, take_any, &is_there, &account, &why);
  bt_source_account_dispose(&account);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) return *error = why, status;
  fact->expected = "none";
  bt_fact_outcome outcome = status == BT_OK                ? (is_there ? BT_FACT_FAILS : BT_FACT_HOLDS)
                            : bt_doctor_is_refusal(doctor) ? BT_FACT_FAILS
                                                           : BT_FACT_UNKNOWN;
  const char *seen = status != BT_OK ? bt_doctor_text(doctor, "%.60s", why.message) : is_there ? "a trace" : "none";
  bt_fact_close(doctor, fact, outcome, seen, bt_doctor_aspects[BT_ASPECT_ABSENT_BY_ID].means);
  return BT_OK;
}

/* ---- searches ---- */

typedef struct asked_search {
  bt_doctor_aspect aspect;
  bt_source *source;
  bt_query query;
  bt_time_range range;
  uint64_t expected;
} asked_search;

static bt_status close_search(bt_doctor *doctor, bt_fact *fact, const asked_search *asked,
                              const bt_doctor_answer *answer, bt_error *error) {
  uint64_t lacking = asked->expected & ~answer->found;
  unsigned expected = bt_doctor_count(asked->expected);
  bt_status status = BT_OK;
  fact->expected = bt_doctor_text(doctor, "%u trace%s", expected, expected == 1 ? "" : "s");
  if (!answer->is_answered) {
    status = bt_fact_add(doctor, fact, NULL, bt_doctor_query_text(doctor, asked->query), error, "%s", answer->reason);
    bt_fact_close(doctor, fact, answer->is_refused ? BT_FACT_FAILS : BT_FACT_UNKNOWN,
                  answer->is_refused ? "refused" : "not answered",
                  answer->is_refused ? bt_doctor_means_refused : bt_doctor_means_unknown);
    return status;
  }
  if (!lacking) return bt_fact_close(doctor, fact, BT_FACT_HOLDS, "all", NULL), BT_OK;
  bt_buffer labels = {0};
  bt_doctor_write_labels(&doctor->report->probes, lacking, &labels);
  status = bt_fact_add(doctor, fact, NULL, bt_doctor_query_text(doctor, asked->query), error, "not found: %s",
                       labels.ptr ? labels.ptr : "");
  bt_buffer_dispose(&labels);
  bt_fact_close(doctor, fact, BT_FACT_FAILS, bt_doctor_text(doctor, "%u missing", bt_doctor_count(lacking)),
                bt_doctor_aspects[asked->aspect].means);
  return status;
}

static bt_status check_search(bt_doctor *doctor, const asked_search *asked, bt_error *error) {
  bt_fact *fact = NULL;
  bt_doctor_answer answer = {.query = asked->query};
  bt_status status = bt_fact_open(doctor, NULL, asked->aspect, NULL, &fact, error);
  if (status != BT_OK || !fact) return status;
  status = bt_doctor_search_at(doctor, asked->source, asked->range, &answer, error);
  return status == BT_OK ? close_search(doctor, fact, asked, &answer, error) : status;
}

bt_status bt_doctor_check_store(bt_doctor *doctor, bt_error *error) {
  const bt_doctor_options *options = doctor->options;
  const bt_probes *probes = &doctor->report->probes;
  int64_t inside_ns = probes->base_ns - BT_PROBE_LONG_NS / 2;
  const asked_search full = {BT_ASPECT_FULL, options->small_store, every_root, bt_doctor_narrow(doctor),
                             bt_probes_all(probes)};
  const asked_search window = {BT_ASPECT_WINDOW,
                               options->store,
                               the_long_one,
                               {inside_ns, inside_ns + 1000000000},
                               bt_probes_with(probes, BT_PROBE_LONG)};
  const asked_search shown = {BT_ASPECT_FOUND_BY_SEARCH, options->store, every_root, bt_doctor_narrow(doctor),
                              bt_probes_all(probes)};
  bt_status status = doctor->pass ? check_search(doctor, &shown, error) : BT_OK; /* the first time is the wait */
  if (status == BT_OK) status = check_same(doctor, error);
  if (status == BT_OK) status = check_absent(doctor, error);
  if (status == BT_OK) status = check_search(doctor, &full, error);
  return status == BT_OK ? check_search(doctor, &window, error) : status;
}

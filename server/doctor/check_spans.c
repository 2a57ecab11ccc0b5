/* What some spans of each trace decide: of rules whose verdict follows from a few spans a replay asks for these
 * alone. Nothing that violates may be decided so as something that does not. */
#include "dsl/dialect.h"
#include "server/doctor/doctor_parts.h"

typedef struct decided {
  const char *detail;
  uint64_t mask; /* probes that are looked at */
  bt_fact *fact; /* NULL: not looked at */
  size_t decided, wrong;
} decided;
enum { VALUES, ARRAYS, DECIDED };

typedef struct deciding {
  bt_doctor *doctor;
  const bt_doctor_rules *topic;
  const bt_doctor_rule *rule;
  decided shares[DECIDED];
  size_t refused;
  uint64_t given;
} deciding;

static decided *share_of(deciding *d, size_t number) {
  for (size_t i = 0; i < DECIDED; i++)
    if (d->shares[i].fact && d->shares[i].mask >> number & 1) return &d->shares[i];
  return NULL;
}

static bt_status say_undecided(const deciding *d, decided *share, size_t number, const char *what, bt_error *error) {
  share->wrong++;
  return bt_fact_add(d->doctor, share->fact, d->rule->text, bt_doctor_query_text(d->doctor, d->rule->plan->spans.asked),
                     error, "trace \"%s\" violates; %s", d->doctor->report->probes.items[number].label, what);
}

/* As a replay decides it (server/replay/project.c): only that it does not violate. */
static bt_status decide_probe(deciding *d, size_t number, const bt_trace *spans, const char *what, bt_error *error) {
  const bt_rule_verdict *verdict = NULL;
  decided *share = share_of(d, number);
  if (!share) return BT_OK;
  bt_status status = bt_doctor_judge(d->rule, spans, &verdict, error);
  if (status != BT_OK) return status;
  if (verdict->verdict != BT_SATISFIED && verdict->verdict != BT_NOT_APPLICABLE) return BT_OK;
  share->decided++;
  return d->rule->violated >> number & 1 ? say_undecided(d, share, number, what, error) : BT_OK;
}

static bt_status take_some(void *context, const bt_read_trace *read, bt_error *error) {
  if (read->needs_by_id || !read->trace) return BT_OK;
  return decide_probe(context, read->index, read->trace, "by the spans of a read it does not", error);
}

static bt_status take_spans(void *context, const bt_found_spans *spans, bt_error *error) {
  deciding *d = context;
  const bt_probes *probes = &d->doctor->report->probes;
  size_t number = bt_probes_find(probes, &spans->found.id);
  if (number == probes->count) return BT_OK;
  d->given |= UINT64_C(1) << number;
  return spans->needs_by_id ? BT_OK
                            : decide_probe(d, number, spans->trace, "by the spans of a search it does not", error);
}

static bool is_decided_by_spans(const bt_doctor_rule *rule) {
  const bt_over_query *spans = &rule->plan->spans;
  return spans->asked.filter && !rule->projection.whole_trace &&
         !rule->plan->dialect->why_no_spans(spans->asked.filter);
}

/* A rule whose candidates such a search may find (server/replay/spans_first.c). Of keys it would show nothing that a
 * read does not. */
static bool is_found_by_spans(const deciding *d) {
  return !d->topic->is_of_key && bt_plan_is_found_by_spans(d->rule->plan) &&
         d->rule->plan->dialect->reads(&d->rule->projection) == 1;
}

static bt_status read_some(deciding *d, bt_error *error) {
  bt_doctor_read read = {.which = d->shares[VALUES].mask | d->shares[ARRAYS].mask,
                         .projection = &d->rule->projection,
                         .spans = d->rule->plan->spans,
                         .sink = take_some,
                         .context = d};
  bt_doctor_read_end end;
  bt_status status = bt_doctor_read_probes(d->doctor, &read, &end, error);
  if (status == BT_OK && end.reason[0]) d->refused++; /* then they are read whole */
  return status;
}

static bt_status find_some(deciding *d, bt_error *error) {
  const bt_doctor_options *options = d->doctor->options;
  bt_spans_request request = {.spans = d->rule->plan->spans,
                              .range = bt_doctor_narrow(d->doctor),
                              .projection = &d->rule->projection,
                              .tenant = options->tenant,
                              .cancel = options->cancel,
                              .rule_id = "doctor",
                              .priority = BT_PRIORITY_PEOPLE};
  bt_source_account account = {0};
  bt_error why = {0};
  d->given = 0;
  bt_status status = bt_source_find_spans(options->store, &request, take_spans, d, &account, &why);
  bt_source_account_dispose(&account);
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) return *error = why, status;
  if (status != BT_OK) return d->refused++, BT_OK; /* then it is searched in other ways */
  for (size_t i = 0; status == BT_OK && i < d->doctor->report->probes.count; i++) {
    decided *share = share_of(d, i);
    bool is_lacking = share && (d->rule->violated & ~d->given) >> i & 1;
    if (is_lacking) status = say_undecided(d, share, i, "a search for its spans does not give it", error);
  }
  return status;
}

static void close_decided(const deciding *d, const decided *share) {
  bt_doctor *doctor = d->doctor;
  const char *seen = bt_doctor_text(doctor, "none of %zu", share->decided);
  if (!share->fact) return;
  if (d->refused) seen = bt_doctor_text(doctor, "none; %zu questions refused", d->refused);
  if (share->wrong) seen = bt_doctor_text(doctor, "%zu wrong", share->wrong);
  share->fact->expected = "none wrong";
  bt_fact_close(doctor, share->fact, share->wrong ? BT_FACT_FAILS : BT_FACT_HOLDS, seen,
                bt_doctor_aspects[BT_ASPECT_SOME_SPANS].means);
}

static size_t count_decided_by_spans(const bt_doctor_rules *topic) {
  size_t count = 0;
  for (size_t i = 0; i < topic->count; i++) count += is_decided_by_spans(&topic->items[i]);
  return count;
}

static bt_status check_all(deciding *d, bt_error *error) {
  bt_status status = BT_OK;
  if (!count_decided_by_spans(d->topic)) return BT_OK;
  for (size_t i = 0; status == BT_OK && i < DECIDED; i++)
    if (d->shares[i].mask)
      status = bt_fact_open(d->doctor, d->topic, BT_ASPECT_SOME_SPANS, d->shares[i].detail, &d->shares[i].fact, error);
  if (status != BT_OK || (!d->shares[VALUES].fact && !d->shares[ARRAYS].fact)) return status;
  for (size_t i = 0; status == BT_OK && i < d->topic->count; i++) {
    d->rule = &d->topic->items[i];
    if (!is_decided_by_spans(d->rule)) continue;
    status = read_some(d, error);
    if (status == BT_OK && is_found_by_spans(d)) status = find_some(d, error);
  }
  for (size_t i = 0; status == BT_OK && i < DECIDED; i++) close_decided(d, &d->shares[i]);
  return status;
}

bt_status bt_doctor_check_some_spans(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) {
  const bt_probes *probes = &doctor->report->probes;
  uint64_t values = topic->is_of_key ? bt_probes_with(probes, BT_PROBE_VALUE) : bt_probes_all(probes);
  uint64_t arrays = topic->is_of_key ? bt_probes_with(probes, BT_PROBE_ARRAY) : 0;
  deciding d = {.doctor = doctor, .topic = topic, .shares = {{.mask = values}, {.mask = arrays, .detail = "arrays"}}};
  return check_all(&d, error);
}

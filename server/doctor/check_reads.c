/* Compares whole traces that the store gives in batches with what doctor pushed. Where a batch says that a trace has to
 * be read by id, it says nothing wrong about it: that only costs a read. */
#include "server/doctor/store_probes.h"
#include "server/doctor/trace_comparison.h"
#include "server/doctor/doctor_parts.h"

/* The traces of one fact. */
typedef struct share {
  const char *detail; /* NULL: all that are not special */
  uint64_t mask;
  bt_fact *fact; /* NULL: not looked at */
} share;
enum { SHARES_MAX = 6 };

typedef struct batch {
  bt_doctor *doctor;
  const bt_doctor_rules *topic;
  share shares[SHARES_MAX];
  size_t count;
  uint64_t lacking, by_id, wrong;
  uint64_t undecided; /* by a rule, because the store does not keep types */
} batch;

static bt_fact *fact_of(const batch *b, uint64_t bit) {
  for (size_t i = 0; i < b->count; i++)
    if (b->shares[i].mask & bit) return b->shares[i].fact;
  return NULL;
}

static bt_status say_wrong(batch *b, size_t number, const char *rule, const char *what, bt_error *error) {
  uint64_t bit = UINT64_C(1) << number;
  bt_fact *fact = fact_of(b, bit);
  b->wrong |= bit;
  return fact ? bt_fact_add(b->doctor, fact, rule, (bt_str){0}, error, "trace \"%s\": %s",
                            b->doctor->report->probes.items[number].label, what)
              : BT_OK;
}

static bt_status compare_verdicts(batch *b, size_t number, const bt_trace *trace, bt_error *error) {
  const bt_rule_verdict *verdict = NULL;
  for (size_t i = 0; i < b->topic->count; i++) {
    const bt_doctor_rule *rule = &b->topic->items[i];
    if (rule->projection.whole_trace) continue;
    bt_status status = bt_doctor_judge(rule, trace, &verdict, error);
    if (status != BT_OK) return status;
    bool is_violated = verdict->verdict == BT_VIOLATED, should_be = rule->violated >> number & 1;
    bool is_said = verdict->verdict == BT_INCONCLUSIVE && verdict->reason == BT_REASON_TYPE;
    if (is_said) b->undecided |= UINT64_C(1) << number;
    if (is_violated == should_be || is_said) continue;
    return say_wrong(b, number, rule->text, should_be ? "its violation is missed" : "a violation is made up", error);
  }
  return BT_OK;
}

static bt_status take_trace(void *context, const bt_read_trace *read, bt_error *error) {
  batch *b = context;
  uint64_t bit = UINT64_C(1) << read->index;
  const bt_trace *pushed = b->doctor->report->probes.items[read->index].trace;
  if (read->needs_by_id) return b->by_id |= bit, BT_OK;
  if (!read->trace) return b->lacking |= bit, BT_OK;
  bt_buffer why = {0};
  bool is_same =
      bt_doctor_same_trace(pushed, read->trace, &b->topic->projection, b->doctor->report->store->tells_doubles, &why);
  bt_status status = is_same ? BT_OK : say_wrong(b, read->index, NULL, why.ptr ? why.ptr : "it differs", error);
  if (status == BT_OK) status = compare_verdicts(b, read->index, read->trace, error);
  bt_buffer_dispose(&why);
  return status;
}

static bt_status say_lacking(const batch *b, bt_fact *fact, uint64_t lacking, bt_error *error) {
  bt_buffer labels = {0};
  if (!lacking) return BT_OK;
  bt_doctor_write_labels(&b->doctor->report->probes, lacking, &labels);
  bt_status status =
      bt_fact_add(b->doctor, fact, NULL, (bt_str){0}, error, "not given: %s", labels.ptr ? labels.ptr : "");
  bt_buffer_dispose(&labels);
  return status;
}

static bt_status close_share(const batch *b, const share *of, const bt_doctor_read_end *end, bt_error *error) {
  bt_doctor *doctor = b->doctor;
  bt_fact *fact = of->fact;
  unsigned count = bt_doctor_count(of->mask), by_id = bt_doctor_count(b->by_id & of->mask);
  unsigned wrong = bt_doctor_count(b->wrong & of->mask), lacking = bt_doctor_count(b->lacking & of->mask);
  unsigned unread = bt_doctor_count(of->mask & ~end->given);
  if (!fact) return BT_OK;
  bt_status status = say_lacking(b, fact, b->lacking & of->mask, error);
  if (unread && status == BT_OK) status = bt_fact_add(doctor, fact, NULL, (bt_str){0}, error, "%s", end->reason);
  fact->expected = bt_doctor_text(doctor, "%u trace%s", count, count == 1 ? "" : "s");
  unsigned undecided = bt_doctor_count(b->undecided & of->mask);
  const char *seen = by_id       ? bt_doctor_text(doctor, "%u right, %u left to by id", count - by_id, by_id)
                     : undecided ? bt_doctor_text(doctor, "%u right, %u undecided", count - undecided, undecided)
                                 : "all";
  const char *means = bt_doctor_aspects[BT_ASPECT_READ].means;
  bt_fact_outcome outcome = wrong || lacking ? BT_FACT_FAILS : BT_FACT_HOLDS;
  if (wrong || lacking) {
    seen = bt_doctor_text(doctor, lacking ? "%u wrong, %u not given" : "%u wrong", wrong, lacking);
  } else if (unread) {
    seen = bt_doctor_text(doctor, "%u not read", unread);
    outcome = end->is_refused ? BT_FACT_FAILS : BT_FACT_UNKNOWN;
    means = end->is_refused ? bt_doctor_means_refused : bt_doctor_means_unknown;
  }
  bt_fact_close(doctor, fact, outcome, seen, means);
  if (wrong) bt_fact_now(doctor, fact)->is_final = true;
  return status;
}

/* Special traces are shares of their own in one topic. */
static void set_shares(batch *b) {
  const bt_probes *probes = &b->doctor->report->probes;
  const share special[] = {{"split trace", bt_probes_with(probes, BT_PROBE_SPLIT), NULL},
                           {"ids with zeros", bt_probes_with(probes, BT_PROBE_ZEROS), NULL},
                           {"two spans of one id", bt_probes_with(probes, BT_PROBE_HALVES), NULL},
                           {"many spans", bt_probes_with(probes, BT_PROBE_MANY), NULL}};
  uint64_t rest = bt_probes_all(probes);
  b->count = 1;
  if (b->topic->is_of_key) {
    rest = bt_probes_with(probes, BT_PROBE_VALUE);
    b->shares[b->count++] = (share){"arrays", bt_probes_with(probes, BT_PROBE_ARRAY), NULL};
  }
  for (size_t i = 0; b->topic->has_special && i < sizeof special / sizeof *special; i++)
    b->shares[b->count++] = special[i];
  for (size_t i = 1; i < b->count; i++) rest &= ~b->shares[i].mask;
  b->shares[0] = (share){NULL, rest, NULL};
}

bt_status bt_doctor_check_reads(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) {
  batch b = {.doctor = doctor, .topic = topic};
  bt_doctor_read read = {.projection = &topic->projection, .sink = take_trace, .context = &b};
  bt_doctor_read_end end;
  bt_status status = BT_OK;
  bool is_asked = false;
  set_shares(&b);
  for (size_t i = 0; status == BT_OK && i < b.count; i++) {
    status = bt_fact_open(doctor, topic, BT_ASPECT_READ, b.shares[i].detail, &b.shares[i].fact, error);
    is_asked = is_asked || b.shares[i].fact;
    read.which |= b.shares[i].mask;
  }
  if (status != BT_OK || !is_asked) return status;
  status = bt_doctor_read_probes(doctor, &read, &end, error);
  for (size_t i = 0; status == BT_OK && i < b.count; i++) status = close_share(&b, &b.shares[i], &end, error);
  return status;
}

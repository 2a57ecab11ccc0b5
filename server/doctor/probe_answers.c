/* Asking about the probes: searches, each once, and reads, through the same source as everybody's. */
#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/doctor/doctor_parts.h"

/* Of a search that finds more than this the probes cannot be told for sure: others' traces crowd them. */
const size_t bt_doctor_max_found = 5000;
static const int64_t second_ns = 1000000000;

bt_time_range bt_doctor_narrow(const bt_doctor *doctor) {
  int64_t base_ns = doctor->report->probes.base_ns;
  return (bt_time_range){base_ns - second_ns, base_ns + 2 * second_ns};
}

bt_time_range bt_doctor_wide(const bt_doctor *doctor) {
  int64_t base_ns = doctor->report->probes.base_ns;
  return (bt_time_range){base_ns - BT_PROBE_LONG_NS - 10 * second_ns, bt_clock_wall_ns() + second_ns};
}

bool bt_doctor_is_refusal(const bt_doctor *doctor) {
  int status = bt_exchanges_last_status(doctor->options->exchanges);
  bool is_access = status == 401 || status == 403, is_busy = status == 408 || status == 429 || status == 503;
  return status >= 200 && !is_access && !is_busy;
}

/* Why, with what the store said of it, which a client does not pass on to everybody. */
static void set_reason(const bt_doctor *doctor, const char *why, char out[200]) {
  const bt_exchanges *made = doctor->options->exchanges;
  const char *sentence = made->count ? made->items[made->count - 1].sentence : "";
  bool is_said = !sentence[0] || strstr(why, sentence);
  snprintf(out, 200, is_said ? "%.99s" : "%.99s: %.99s", why, sentence);
}

/* ---- searches ---- */

bt_status bt_doctor_search_at(const bt_doctor *doctor, bt_source *source, bt_time_range range, bt_doctor_answer *out,
                              bt_error *error) {
  const bt_probes *probes = &doctor->report->probes;
  bt_search_request request = {.query = out->query,
                               .range = range,
                               .may_widen = out->may_widen,
                               .max_found = source == doctor->options->small_store ? 0 : bt_doctor_max_found,
                               .tenant = doctor->options->tenant,
                               .cancel = doctor->options->cancel,
                               .rule_id = "doctor",
                               .priority = BT_PRIORITY_PEOPLE};
  bt_found_list found = {0};
  bt_source_account account = {0};
  bt_error why = {0};
  *out = (bt_doctor_answer){.query = request.query, .may_widen = request.may_widen};
  bt_status status = bt_source_search(source, &request, &found, &account, &why);
  for (size_t i = 0; i < found.count; i++) {
    size_t number = bt_probes_find(probes, &found.items[i].id);
    if (number < probes->count) out->found |= UINT64_C(1) << number;
  }
  out->was_widened = account.was_widened;
  out->is_answered = status == BT_OK && !account.failed_count;
  if (status == BT_LIMIT)
    snprintf(out->reason, sizeof out->reason,
             "more than %zu traces match in the seconds of the probes: ask a quieter tenant (--tenant)",
             bt_doctor_max_found);
  else if (!out->is_answered)
    set_reason(doctor, account.failed_count ? account.failed[0].reason : why.message, out->reason);
  out->is_refused = !out->is_answered && status != BT_LIMIT && bt_doctor_is_refusal(doctor);
  bt_source_account_dispose(&account);
  bt_found_list_dispose(&found);
  if (status != BT_CANCELLED && status != BT_NO_MEMORY) return BT_OK;
  *error = why;
  return status;
}

static const bt_doctor_answer *find_answer(const bt_doctor *doctor, bt_query query, bool may_widen) {
  for (size_t i = 0; i < doctor->answer_count; i++) {
    const bt_doctor_answer *answer = &doctor->answers[i];
    if (answer->may_widen == may_widen && bt_query_equal(answer->query, query)) return answer;
  }
  return NULL;
}

bt_status bt_doctor_search(bt_doctor *doctor, bt_query query, bool may_widen, const bt_doctor_answer **out,
                           bt_error *error) {
  *out = find_answer(doctor, query, may_widen);
  if (*out) return BT_OK;
  bt_doctor_answer *answers =
      bt_grow_array(doctor->answers, doctor->answer_count, &doctor->answer_capacity, sizeof *answers);
  if (!answers) return bt_error_no_memory(error);
  doctor->answers = answers;
  bt_doctor_answer *made = &answers[doctor->answer_count];
  *made = (bt_doctor_answer){.query = query, .may_widen = may_widen};
  bt_status status = bt_doctor_search_at(doctor, doctor->options->store, bt_doctor_narrow(doctor), made, error);
  if (status != BT_OK) return status;
  doctor->answer_count++;
  *out = made;
  return BT_OK;
}

void bt_doctor_forget(bt_doctor *doctor) {
  doctor->answer_count = 0;
}

/* ---- reads ---- */

typedef struct reading {
  const bt_doctor_read *read;
  size_t numbers[BT_PROBES_MAX]; /* of the probes, in the order of the request's ids */
  uint64_t given;
} reading;

static bt_status pass_on(void *context, const bt_read_trace *read, bt_error *error) {
  reading *r = context;
  bt_read_trace passed = *read;
  passed.index = r->numbers[read->index];
  r->given |= UINT64_C(1) << passed.index;
  return r->read->sink(r->read->context, &passed, error);
}

static size_t take_ids(const bt_probes *probes, uint64_t which, bt_trace_id *ids, size_t *numbers) {
  size_t count = 0;
  for (size_t i = 0; i < probes->count; i++) {
    if (!(which >> i & 1)) continue;
    ids[count] = probes->items[i].id;
    numbers[count++] = i;
  }
  return count;
}

bt_status bt_doctor_read_probes(const bt_doctor *doctor, const bt_doctor_read *read, bt_doctor_read_end *end,
                                bt_error *error) {
  reading r = {.read = read};
  bt_trace_id ids[BT_PROBES_MAX];
  bt_error why = {0};
  bt_source_account account = {0};
  bt_read_request request = {.ids = ids,
                             .count = take_ids(&doctor->report->probes, read->which, ids, r.numbers),
                             .range = bt_doctor_wide(doctor),
                             .projection = read->projection,
                             .spans = read->spans,
                             .by_id = !read->projection,
                             .tenant = doctor->options->tenant,
                             .cancel = doctor->options->cancel,
                             .rule_id = "doctor",
                             .priority = BT_PRIORITY_PEOPLE};
  bt_status status = bt_source_read(doctor->options->store, &request, pass_on, &r, &account, &why);
  bt_source_account_dispose(&account);
  *end = (bt_doctor_read_end){.given = r.given};
  if (status == BT_OK) return BT_OK;
  set_reason(doctor, why.message, end->reason);
  end->is_refused = status == BT_REFUSED || bt_doctor_is_refusal(doctor);
  if (status == BT_UNAVAILABLE || status == BT_REFUSED || status == BT_LIMIT) return BT_OK;
  *error = why;
  return status;
}

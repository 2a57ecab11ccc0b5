/* The parts of a run share this. Only server/doctor/ includes it. Thread: one. Errors, where nothing else is said:
 * BT_CANCELLED, BT_NO_MEMORY, or what a sink or judging a probe returned; what the store does not answer is in the
 * report. */
#ifndef BT_SERVER_DOCTOR_DOCTOR_PARTS_H
#define BT_SERVER_DOCTOR_DOCTOR_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/eval.h"
#include "dsl/plan/plan.h"
#include "dsl/rule/rule.h"
#include "dsl/trace/trace.h"
#include "server/doctor/doctor.h"
#include "server/doctor/facts.h"
#include "server/doctor/probes.h"
#include "tempo/wire/source.h"

/* A rule, what the planner makes of it, and what is true of it, as bits of the probes. */
typedef struct bt_doctor_rule {
  const char *text;
  bt_rule *rule;
  bt_plan *plan;
  bt_projection projection;
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  uint64_t violated, exercised;
} bt_doctor_rule;

typedef struct bt_doctor_rules {
  const char *id, *title; /* of the topic, or of the key */
  bool is_of_key;
  bool has_special; /* traces that are special as a whole are told apart here */
  bt_doctor_rule *items;
  size_t count, capacity;
  bt_projection projection; /* of all whose traces a batch can give */
} bt_doctor_rules;

/* What a search for the probes gave. */
typedef struct bt_doctor_answer {
  bt_query query; /* borrowed from the plan, or constant */
  uint64_t found;
  bool is_answered;
  bool is_refused;             /* else: it was not answered, or too much was */
  bool may_widen, was_widened; /* as of searches (tempo/wire/source.h) */
  char reason[200];
} bt_doctor_answer;

typedef struct bt_doctor {
  const bt_doctor_options *options;
  bt_doctor_report *report;
  bt_doctor_rules *topics;
  size_t topic_count;
  bt_doctor_answer *answers; /* of this attempt */
  size_t answer_count, answer_capacity;
  unsigned pass, attempt;
  uint64_t shown;             /* probes that a search shows */
  uint64_t by_id;             /* probes that are there by their id */
  int64_t shown_ns, by_id_ns; /* how long after the push */
} bt_doctor;

/* ---- rules.c ---- */

/* All rules of all topics and keys, with what is true of them. BT_CONFLICT: one does not compile. BT_NO_MEMORY. */
bt_status bt_doctor_rules_make(bt_doctor *doctor, bt_error *error) BT_MUST_CHECK;
void bt_doctor_rules_dispose(bt_doctor *doctor);
/* *out is borrowed until the next call for this rule. BT_LIMIT: the trace is too large. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_doctor_judge(const bt_doctor_rule *rule, const bt_trace *trace, const bt_rule_verdict **out,
                          bt_error *error) BT_MUST_CHECK;

/* ---- probe_answers.c ---- */

extern const size_t bt_doctor_max_found;
/* Where the probes lie: a search over the first has little else to find; the second holds all that they are. */
bt_time_range bt_doctor_narrow(const bt_doctor *doctor);
bt_time_range bt_doctor_wide(const bt_doctor *doctor);
/* Asks, or remembers. *out is borrowed until the next call. Only what stops the run is an error. may_widen: as a
 * replay asks for what may violate, and not for what it subtracts. */
bt_status bt_doctor_search(bt_doctor *doctor, bt_query query, bool may_widen, const bt_doctor_answer **out,
                           bt_error *error) BT_MUST_CHECK;
/* The same of a range and a source, and nothing is remembered. out->query and out->may_widen say what is asked. */
bt_status bt_doctor_search_at(const bt_doctor *doctor, bt_source *source, bt_time_range range, bt_doctor_answer *out,
                              bt_error *error) BT_MUST_CHECK;
void bt_doctor_forget(bt_doctor *doctor);
/* A read of the probes in `which`. *seen: those that the sink was given; the sink is called with the number of the
 * probe in `index`. */
typedef struct bt_doctor_read {
  uint64_t which;
  const bt_projection *projection; /* NULL: by id */
  bt_over_query spans;             /* as in bt_read_request */
  bt_read_sink sink;
  void *context;
} bt_doctor_read;
typedef struct bt_doctor_read_end {
  uint64_t given;
  bool is_refused;
  char reason[200]; /* "": all was answered */
} bt_doctor_read_end;
bt_status bt_doctor_read_probes(const bt_doctor *doctor, const bt_doctor_read *read, bt_doctor_read_end *end,
                                bt_error *error) BT_MUST_CHECK;
/* Whether the last request says that the store refuses for good (400, 404, 5xx), and not that it was not reached or
 * is busy. */
bool bt_doctor_is_refusal(const bt_doctor *doctor);

/* ---- report.c ---- */

/* The place where this attempt says what it saw of a fact; NULL in *out: an earlier attempt of this pass saw that it
 * holds, so it need not be asked; owned by the report. id: of the aspect, behind the topic's where there is one. */
bt_status bt_fact_open(bt_doctor *doctor, const bt_doctor_rules *topic, bt_doctor_aspect aspect, const char *detail,
                       bt_fact **out, bt_error *error) BT_MUST_CHECK;
/* The same of a fact that has an id and a title of its own, which are constant. */
bt_status bt_fact_open_named(bt_doctor *doctor, const char *id, const char *title, bt_fact **out,
                             bt_error *error) BT_MUST_CHECK;
/* Owned by the fact; never NULL. */
bt_fact_seen *bt_fact_now(const bt_doctor *doctor, bt_fact *fact);
/* Texts that live as long as the report. NULL: no memory. */
const char *bt_doctor_text(bt_doctor *doctor, const char *format, ...) __attribute__((format(printf, 2, 3)));
bt_status bt_fact_add(bt_doctor *doctor, bt_fact *fact, const char *rule, bt_str query, bt_error *error,
                      const char *format, ...) __attribute__((format(printf, 6, 7))) BT_MUST_CHECK;
/* As a fact says it; likewise. "": no memory. */
bt_str bt_doctor_query_text(bt_doctor *doctor, bt_query query);
/* Ends it. */
void bt_fact_close(const bt_doctor *doctor, bt_fact *fact, bt_fact_outcome outcome, const char *seen,
                   const char *means);

/* "int 500, NaN": the probes in `which`. */
void bt_doctor_write_labels(const bt_probes *probes, uint64_t which, bt_buffer *out);
unsigned bt_doctor_count(uint64_t bits);

/* ---- what is looked at ---- */

bt_status bt_doctor_check_searches(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) BT_MUST_CHECK;
bt_status bt_doctor_check_reads(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) BT_MUST_CHECK;
bt_status bt_doctor_check_some_spans(bt_doctor *doctor, const bt_doctor_rules *topic, bt_error *error) BT_MUST_CHECK;
bt_status bt_doctor_check_store(bt_doctor *doctor, bt_error *error) BT_MUST_CHECK; /* what is of no topic */

/* ---- wait.c ---- */

/* Pushes, and waits until by id and then by search all probes show, or the time is over. BT_UNAVAILABLE: none shows.
 * BT_REFUSED: the receiver does not take them. BT_INVALID: its address or headers are wrong. */
bt_status bt_doctor_push_and_wait(bt_doctor *doctor, bt_error *error) BT_MUST_CHECK;
/* BT_CANCELLED alone. */
bt_status bt_doctor_pause(const bt_doctor *doctor, int64_t duration_ns, bt_error *error) BT_MUST_CHECK;
void bt_doctor_say(const bt_doctor *doctor, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- odd_times.c ---- */

/* Names the probes of odd times, by the run. BT_NO_MEMORY. */
bt_status bt_doctor_make_odd(bt_doctor *doctor, bt_error *error) BT_MUST_CHECK;
/* Pushes those that come at once (part 0), or what comes late (part 1). Errors as of bt_doctor_push_and_wait. */
bt_status bt_doctor_push_odd(bt_doctor *doctor, unsigned part, bt_error *error) BT_MUST_CHECK;
/* Searches for those that were not found yet, each over its own time. is_last: reads them by id too. */
bt_status bt_doctor_look_for_odd(bt_doctor *doctor, bool is_last, bt_error *error) BT_MUST_CHECK;

#endif

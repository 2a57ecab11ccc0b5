/* What a replay is going to do, worked out once from its request, its rules and its source, and changed by nobody
 * afterwards: the rules with their plans and windows, what is searched. It has every mode as one plain answer (does it
 * compare some traces in any case? does it ask for the listing?), so that no other file asks which kinds of request
 * these are. Owns what it points to, except for what the request borrows. Thread: made by one; then any may read it. */
#ifndef BT_SERVER_REPLAY_PLAN_H
#define BT_SERVER_REPLAY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/evaluate/eval.h"
#include "dsl/evaluate/link_reach.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/base/eval_limit.h"
#include "server/replay/replay.h"
#include "server/replay/trust.h"
#include "server/replay/window.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/source.h"

/* Why a source whose version was not checked is asked for whole traces only, for people. */
#define BT_NOT_CHECKED "it rests on what was not checked on this version of Tempo"

enum { BT_JOINED_FILTERS_BYTES = 64 * 1024 * 1024 }; /* of an arena for filters of several rules, at most */

typedef struct bt_planned_rule {
  const bt_rule_definition *definition;
  bt_plan *plan;
  const bt_window *window; /* its own, of the plan's: what belongs to it and what of that is settled */
  int64_t settle_ns;
  int64_t provisional_from_ns; /* bt_rule_result */
  int64_t stored_ns;           /* settle_ns without the time in which links are followed */
  bt_link_reach reach;
  bool require_complete;
  bool whole_trace;                        /* batches cannot give what it reads */
  bool counts_by_search;                   /* exercised traces that are not read are counted by searches */
  bt_eval_options options;                 /* of each trace, which says itself whether it is incomplete */
  bool shows_links;                        /* spans alone may show that linked ones are there (bt_plan_evidence), */
  bt_projection own_fields, linked_fields; /* read with these fields */
  bool lacks_links_alone;    /* with own_fields a batch gives all that it reads of its own traces but links */
  const char *no_projection; /* why spans alone cannot decide it, for people; "": they can */
  bt_strategy strategy;      /* the way that its candidates have to go; AUTO: the cheapest */
} bt_planned_rule;

typedef struct bt_replay_plan {
  bt_replay_request request; /* with its defaults filled in, and the widest assumptions among the rules */
  bt_source_about about;     /* the source, as it was at the beginning */
  bool has_source;
  const bt_dialect *dialect; /* how it is asked */
  bool filters;              /* the source searches by filters; else it gives every trace */
  bool projects;             /* reads may ask for some spans of each trace only */
  const char *lacks;         /* of the source */
  bool is_static;            /* nothing comes later, and each read gives whole traces: files */
  bool has_copies;           /* batches may lack spans of what is young (bt_promises) */
  bool reads_agree;          /* of it (bt_promises), */
  bool batches_show_kept;    /* as this */
  uint64_t apart_threshold;  /* of it (bt_promises) */
  bt_sampling_setting sampling;
  bool is_checked; /* the source's version was: more may be rested on than what every version does right */
  bt_source_costs costs;
  bt_window window;   /* what is searched and read: the widest margin, and the latest effective end among its rules */
  bt_window *windows; /* the distinct ones of its rules */
  size_t window_count;
  bt_time_range search_range;
  bt_time_range spans_range; /* late fragments lie in blocks dated by their arrival, so that it goes on to now */
  bt_planned_rule *rules;    /* in the order of the request */
  size_t rule_count;
  bt_projection projection;        /* what batches give */
  bt_projection marked_projection; /* with the marks of pruned traces, too */
  bt_query linking;            /* finds every span whose link matters to any rule (bt_plan); without filter: any may */
  bt_arena filters_of_all;     /* has its filter */
  bt_query *linking_searches;  /* of all rules (bt_plan), borrowed from them */
  size_t linking_search_count; /* 0: any trace may have such a span */

  /* The modes, each as what it means. */
  bool needs_every_trace; /* some rule has to read all: the listing finds candidates */
  bool asks_listing;      /* all traces are listed, to be counted or read */
  bool counts_all;        /* however many traces the listing has, else up to a number */
  bool counts_exercised;  /* searches that do nothing but count are asked */
  bool projects_first;    /* the one rule's spans may be asked for before anything else */
  bool weighs_ways;       /* a way that decides little is left */
  bool joins_searches;    /* one search may stand for those of several rules */
  bool shows_links;       /* of some rule spans alone may show linked ones */
  bool compares_some;     /* a few candidates are held against a read by id whatever their batch says of them */
  bool reads_at_random;   /* in parts of a random order, until somebody has enough; */
  size_t first_part;      /* so many traces are in the first one */
  size_t most_reads;      /* where more are to be read, the range is cut; 0: never */
  bool judges_batches;    /* some rule can be judged in a batch */
  bool sample_is_fixed;   /* the request says how many violating traces are read by id */
  bool wants_earliest;    /* only the earliest violation matters */
  int64_t gap_step_ns;    /* each step of this length is told whether it holds any trace; 0: a few windows are */
  bool gap_is_whole;      /* a step that a trace reaches over is none without a trace */
  bool takes_notes;       /* says what in the data a rule does not fit */
  bt_data_notes *const *notes_of_whole; /* or adds it to these */
  uint32_t sample_times;                /* samples hold so many times as many traces */
  bool keeps_trust;                     /* what earlier replays compared counts */

  /* Where it does: */
  bt_trust_question question; /* of what comparisons are evidence */
  uint64_t generation;        /* of the source */
  bt_trust_grant trust;       /* as it was at the beginning */
} bt_replay_plan;

/* Checks the request and makes the plan. A source of NULL is as a Tempo. Dispose it in every case. BT_INVALID: the
 * request; BT_NO_MEMORY. */
bt_status bt_replay_plan_make(bt_source *source, const bt_replay_request *request, bt_replay_plan *out,
                              bt_error *error) BT_MUST_CHECK;
void bt_replay_plan_dispose(bt_replay_plan *plan);

/* Whether something may be subtracted from its candidates. */
bool bt_planned_rule_subtracts(const bt_replay_plan *plan, const bt_planned_rule *rule);
/* Whether the rule can be decided from the spans that it speaks of at all. */
bool bt_planned_rule_projects(const bt_replay_plan *plan, const bt_planned_rule *rule);
/* Spans are asked for first of formulas with so many filters at most. */
enum { BT_SPANS_FIRST_FILTERS = 8 };

bool bt_replay_plan_is_cancelled(const bt_replay_plan *plan);
/* BT_CANCELLED, with the sentence that says so. */
bt_status bt_replay_plan_cancelled(bt_error *error) BT_MUST_CHECK;
/* Asks the source what it is; waits for it, as a replay waits for its source anyway. */
void bt_replay_plan_describe(const bt_replay_plan *plan, bt_source *source, bt_source_about *out);
/* Requests with everything that is the same for all of a replay. */
bt_search_request bt_replay_plan_search(const bt_replay_plan *plan, bt_query query, bt_time_range range);
bt_read_request bt_replay_plan_read(const bt_replay_plan *plan, const bt_trace_id *ids, size_t count,
                                    bt_time_range range);
bt_spans_request bt_replay_plan_spans(const bt_replay_plan *plan, bt_over_query spans, bt_time_range range);
bt_links_request bt_replay_plan_links(const bt_replay_plan *plan, const bt_trace_id *ids, size_t count,
                                      bt_time_range range);
/* A number that depends on the replay's seed and the id alone. */
uint64_t bt_replay_plan_sample_key(const bt_replay_plan *plan, const bt_trace_id *id);

/* ---- the rules, compiled, and what they say of one trace after another. Thread: the replay's. ---- */

typedef struct bt_rule_evaluator {
  bt_ruleset *ruleset;
  bt_evaluator *evaluator;
  bt_eval_options *options; /* of the trace that comes next, one for each rule: `incomplete` is the caller's to set */
  bt_eval_limit limit;
} bt_rule_evaluator;

/* Dispose it in every case. BT_NO_MEMORY alone. */
bt_status bt_rule_evaluator_make(const bt_replay_plan *plan, bt_rule_evaluator *out, bt_error *error) BT_MUST_CHECK;
void bt_rule_evaluator_dispose(bt_rule_evaluator *evaluator);
/* *verdicts: one for each rule, there until the next call. BT_LIMIT: the trace is too much, and nothing is said of
 * it. */
bt_status bt_rule_evaluator_run(bt_rule_evaluator *evaluator, const bt_trace *trace, const bt_rule_verdict **verdicts,
                                bt_error *error) BT_MUST_CHECK;
/* The same of a family's first trace. */
bt_status bt_rule_evaluator_run_family(bt_rule_evaluator *evaluator, const bt_family *family,
                                       const bt_rule_verdict **verdicts, bt_error *error) BT_MUST_CHECK;

#endif

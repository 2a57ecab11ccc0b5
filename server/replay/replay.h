/* One replay: plan → search → subtract → read → evaluate → confirm → sink. The service's jobs, the CLI and later
 * watch call it. Never false: what could not be read is in the coverage, and then the outcome is `incomplete`, never
 * `completed`; a range without any trace is incomplete with reason no_data. Thread: runs on the caller's thread; the
 * source may use others. */
#ifndef BT_SERVER_REPLAY_H
#define BT_SERVER_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/data_notes.h"
#include "dsl/evaluate/eval.h"
#include "dsl/trace/trace.h"
#include "server/memory/account.h"
#include "server/replay/kept_traces.h"
#include "server/replay/policy_seen.h"
#include "server/replay/price.h"
#include "server/replay/trust.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/source.h"

/* Some seconds of the processor, where all rules on one trace have ten. */
#define BT_MOST_RULE_BUDGET UINT64_C(100000000)

typedef struct bt_assumptions { /* defaults by bt_assumptions_default: 15 min, 15 min, 2 min, 0, 1 h, false, false, 0, 0
                                 */
  int64_t margin_ns, lateness_ns, settle_ns, clock_skew_ns, handover_ns;
  int64_t settle_floor_ns; /* settle is never less: what the source's searches do not show cannot be settled */
  /* An answer that decides calls nothing settled that is younger, either: until then the source's searches may hide
   * spans that came late (bt_late_hides_ns); 0: they hide none. */
  int64_t late_ns;
  int64_t clock_ahead_ns;  /* of the source's clock, part of settle_ns: what is settled is counted by the earlier one */
  int64_t links_within_ns; /* of one rule, part of settle_ns: what links lead to may come so much later */
  bool require_complete;
  bool links_sampled;         /* traces are dropped one by one (bt_eval_options) */
  bool coarse_clocks_unknown; /* of rules that say nothing of it (bt_eval_options) */
  const char *sampling;       /* as bt_sampling_setting_parse takes it; borrowed. NULL: auto */
  /* Of reports: where traces were sampled, a rule that is violated by this share of what exercises it at most passes
   * all the same; as bt_share_parse takes it, borrowed. NULL: it does not pass. */
  const char *max_rate;
  uint64_t step_budget;      /* of one rule on one trace (bt_eval_options) */
  uint64_t least_steps;      /* of a rule that has a budget of its own (bt_eval_options); 0 for the service */
  uint64_t most_rule_budget; /* what such a budget may come to, in steps; by default BT_MOST_RULE_BUDGET */
} bt_assumptions;
bt_assumptions bt_assumptions_default(void);
#define BT_COARSE_CLOCKS_HELP "unknown: order of equal starts that are whole milliseconds is unknown"
/* "unknown" or "exact"; false: neither. */
bool bt_coarse_clocks_take(const char *word, bool *is_unknown);
/* The service's with the floor, the clock and what is hidden of late spans of a source that promises that. Such may be
 * given once more. */
bt_assumptions bt_assumptions_over(const bt_assumptions *service, const bt_promises *promises);
/* For a clock of ours that is so much ahead, and not by the wall clock. */
void bt_assumptions_set_clock(bt_assumptions *all, int64_t ahead_ns);
/* What an answer that decides calls settled ends so long before now. */
int64_t bt_assumptions_decided_ns(const bt_assumptions *own);
/* Those of one rule: its own where it says some, else the service's; not below the floor, and by
 * the source's clock. */
bt_assumptions bt_assumptions_of(const bt_assumptions *service, const bt_rule_definition *rule);
/* How a rule with these is evaluated, on a trace of which every span is there. */
bt_eval_options bt_assumptions_options(const bt_assumptions *own);

typedef enum bt_count_mode {
  BT_COUNT_AUTO /* exact up to 100,000 traces */,
  BT_COUNT_EXACT,
  BT_COUNT_AT_LEAST
} bt_count_mode;

/* How the candidates of a rule are decided. Every one gives the same answer; they differ in what they cost. */
typedef enum bt_strategy {
  BT_STRATEGY_AUTO,      /* the one that is estimated to be the cheapest, from what the first searches found */
  BT_STRATEGY_READ,      /* every candidate is read whole, in batches */
  BT_STRATEGY_ID_SETS,   /* what under-queries find is subtracted, the rest is read */
  BT_STRATEGY_PROJECTION /* from the spans that the rule speaks of alone; what they do not show to be no violation is
                            read */
} bt_strategy;
const char *bt_strategy_name(bt_strategy strategy); /* "auto", "read", "id_sets", "projection" */
bool bt_strategy_parse(const char *name, bt_strategy *out);

/* Traces that were looked at, by id, each once. Whoever made it disposes of it. */
typedef struct bt_seen_traces { /* all-zero is empty */
  bt_trace_id *items;
  size_t count, capacity;
} bt_seen_traces;
void bt_seen_traces_sort(bt_seen_traces *seen); /* by id */
bool bt_seen_traces_has(const bt_seen_traces *seen, const bt_trace_id *id);
void bt_seen_traces_dispose(bt_seen_traces *seen);

typedef struct bt_replay_request {
  const bt_rule_definition *const *rules; /* borrowed */
  size_t rule_count;
  bt_time_range range;        /* [start, end) */
  int64_t now_ns;             /* 0: the clock */
  bt_assumptions assumptions; /* of the service; rules may override theirs */
  bt_count_mode count;
  const char *tenant;   /* or NULL */
  uint64_t sample_seed; /* of the sample that is read again by id */
  /* 0: in order of time. Else in an order that follows from sample_seed, and in parts: the first of so many traces,
   * each next one twice as large. A part is judged to its end, also by id, before the observer is asked whether that
   * is enough; so what was told by then is a random sample. Not of files, which are read in order of time and to the
   * end. */
  size_t random_part;
  /* Exactly so many traces, where there are; 0: the root of their number, at least 8 and at most 50. BT_UNCHECKED_TIMES
   * as many where the source is of a version that was not checked. */
  uint32_t sample_size;
  size_t memory_limit_bytes; /* of one trace and of one page of reads; 0: 256 MiB */
  bt_memory_account *memory; /* what it holds while it runs is asked for there; NULL: there is no limit */
  bt_priority priority;      /* of its requests to the source */
  int64_t gap_step_ns; /* > 0: coverage.windows_empty is exact for steps of this length from the start of the range up
                          end, settled or not; 0: for a grid of a few windows of what is settled */
  bool gap_is_whole;   /* no step that a trace reaches over is empty; else none that its time may lie in */
  /* Of each rule: once so many violations were told, those of traces whose time is later than that of all of them are
   * counted alone (listed_until_ns). 0: all are told. */
  uint64_t most_listed;
  /* The observer lets go of violations, and is told of each that is read, however many. Of those that are counted and
   * not read his `verdict` is told at the end; without this, who has a `verdict` has all of them read. */
  bool tells_counted;
  bool wants_earliest; /* only the earliest violation matters: the sample is of the earliest, and data are looked for
                          once, not in parts */
  size_t most_reads; /* with more traces to read, none is read: result->cut_ns says up to where there are about as many;
                        0: any number */
  /* Of a replay that looks at a part of a greater range: that one (bt_window.whole); empty: it is no part. */
  bt_time_range whole;
  /* That part is a shard, which nobody looks at again: windows that are empty are those of the whole, and traces that
   * other shards may have, too, are told as such (bt_trace_verdict.may_be_elsewhere). */
  bool is_shard;
  /* What earlier parts decided is not read again; what this one decides is added. Or NULL. */
  bt_seen_traces *seen;
  /* Traces that a search showed to begin before halves_until_ns, and of which it found a part of what violates the
   * rule and not the rest, which may lie beyond the range: they are added. Or NULL. */
  bt_seen_traces *halves;
  int64_t halves_until_ns;
  /* No others are read. A search that is not answered in full, or finds more than most_found (0: any number), leaves
   * none of them out then; and with every_part no search does. Or NULL. */
  const bt_seen_traces *only;
  size_t most_found;
  bool every_part;
  const bt_cancel *cancel; /* or NULL */
  bt_strategy strategy;   /* forces one, where the rule and the source's version allow it (else it reads); 0: by cost */
  bt_price_table *prices; /* what the replay cost is added to it; or NULL */
  bool takes_notes;       /* for people: the result says what names and comparisons met in the traces that are read */
  /* Of a replay that looks at a part: with takes_notes what it met is added to these, rule_count of them, and its
   * result says nothing of it. Or NULL. */
  bt_data_notes *const *notes_of_whole;
  /* What earlier replays compared counts, and what this one compares is left to later ones; or NULL: the sample is as
   * large each time. Only with another sample_seed for each, so that other traces are compared. */
  bt_trust *trust;
  bool is_live; /* as prompt as can be: it shows what is visible now, and calls it settled after `settle` alone */
  bool joins_searches; /* many rules, a short range: their candidates are found by one search where that can be
                          (filter_union.h) */
} bt_replay_request;

typedef enum bt_replay_outcome {
  BT_REPLAY_COMPLETED,
  BT_REPLAY_INCOMPLETE,
  BT_REPLAY_CANCELLED,
  BT_REPLAY_FAILED
} bt_replay_outcome;

/* For most_listed, where people read what was found: a violation takes some 5 KiB. */
enum { BT_MOST_LISTED = 10000 };

/* Samples of a source whose version was not checked are so much larger: they are what stands in for the checks. */
enum { BT_UNCHECKED_TIMES = 4 };
enum { BT_LONG_TRACES_NAMED = 100, BT_DIFFERING_TRACES_NAMED = 20, BT_CONTRADICTED_NAMED = 20 };

/* Traces of which the batch was held against a read by id: what the trust in the others rests on. */
typedef struct bt_compared {
  uint64_t here;                /* by this replay */
  uint64_t before;              /* by earlier ones of the same rules and tenant over the same Tempo, in the last day */
  int64_t oldest_ns, newest_ns; /* of these: when it was; 0: there are none */
} bt_compared;

/* A trace of which the source says what contradicts itself: a search showed a span that no read has, or a read by id
 * says otherwise than the batch. Its verdicts are inconclusive, but for violations that are there all the same. */
typedef struct bt_contradicted {
  bt_trace_id trace_id;
  bool copies_explain; /* it has copies of one span that do not agree */
} bt_contradicted;

typedef struct bt_coverage {
  bool complete;
  bt_source_about source; /* whose answers these are */
  bt_time_range asked;
  /* min(end, now − settle, now − late): what every rule's settings call settled; each rule has its own. */
  int64_t effective_end_ns;
  /* When all of the range will be older than the source may hide late spans for. Set where it is not yet, and that is
   * why effective_end lies before the end; 0: else. */
  int64_t late_until_ns;
  /* Of live answers: from here on what is called settled may still lack spans that came late, which the source's
   * searches may hide, so what is counted there is provisional. 0: it lacks none. */
  int64_t provisional_from_ns;
  /* From here on Tempo may still hand blocks over, during which its search and even its reads by id can lack spans
   * for a moment: what was found is as sure as ever, but that nothing was missed rests on Tempo. 0: the range has no
   * such part, or the source hands nothing over. */
  int64_t handover_from_ns;
  bool has_data_from;
  int64_t data_from_ns; /* earliest trace that the source still has in the range */
  /* Where the range begins before that: what is older, the source may have deleted by its retention; 0: no such part,
   * or it does not say. */
  int64_t kept_from_ns;
  /* When the source last took traces out that somebody named (bt_losses), where the range begins before that: some of
   * its traces may be among them; 0: it did not, or does not say. */
  int64_t redacted_ns;
  bt_time_range *windows_empty;
  size_t windows_empty_count;
  bt_failed_window *windows_failed;
  size_t windows_failed_count;
  uint64_t unsettled;       /* traces in the tail that is not settled yet, of any rule */
  uint64_t outside;         /* candidates that turned out to lie outside the window */
  bt_trace_id *long_traces; /* longer than margin; the first BT_LONG_TRACES_NAMED by id are named */
  size_t long_trace_count;  /* all */
  /* Traces with copies of one span that do not agree: a rule that does not say the same whichever is right is
   * inconclusive there. The first so many by id are named. */
  bt_trace_id differing_traces[BT_DIFFERING_TRACES_NAMED];
  size_t differing_trace_count;                        /* all */
  bt_contradicted contradicted[BT_CONTRADICTED_NAMED]; /* the first so many by id */
  size_t contradicted_count;                           /* all */
  uint64_t batches_lacking; /* traces of which a batch lacked a span that a search had shown: read by id then */
  /* Traces that were read and have a span without an end. Tempo's searches never show a trace whose spans all lack one,
   * so there may be such as well. 0 for files and memory. */
  uint64_t unended;
  /* Traces whose spans have neither a start nor an end. Nobody knows when they were, so they are judged in every range.
   */
  uint64_t without_time;
  bt_assumptions assumptions; /* the widest among the rules */
  bt_compared compared;
  bt_sampled_traces sampling;
} bt_coverage;
/* Adds what an adjacent window says, later ones after earlier ones; `asked` and `complete` are the caller's. Traces
 * are counted where they were met: `outside` is the sum over the windows. BT_NO_MEMORY alone. */
bt_status bt_coverage_join(bt_coverage *into, const bt_coverage *from, bt_error *error) BT_MUST_CHECK;
/* Sets of a range that begins at coverage->asked what these say: whoever asks adds it to what is there. */
void bt_coverage_add_losses(bt_coverage *coverage, const bt_losses *losses, int64_t now_ns);
enum { BT_LOSSES_BYTES = 160 };
/* "retention may have deleted traces from before T; some traces were redacted, last at T"; "": neither. */
void bt_coverage_say_losses(const bt_coverage *coverage, char out[BT_LOSSES_BYTES]);
/* Where the range shows no trace at its beginning, or at the end of its settled part: for more than a minute, and
 * longer than a trace may be (margin) and than a 24th of it, or most of it. False: it does, or that is not known. */
bool bt_coverage_begins_late(const bt_coverage *coverage, bt_time_range *out);
bool bt_coverage_ends_early(const bt_coverage *coverage, bt_time_range *out);
/* Whether a gap at an end of a range is that long. A trace that is as long as margin may reach there, and a quiet
 * minute is nothing to speak of; most of the range is. */
bool bt_gap_is_worth_saying(bt_time_range whole, bt_time_range gap, int64_t margin_ns);
enum { BT_ENDS_BYTES = 120 };
/* "no trace before T", "no trace before T and none from U on", "no trace from U on"; "": it has traces at both ends.
 * from_ns and until_ns: where its traces begin and end; NULL: with the range. */
void bt_ends_say(const int64_t *from_ns, const int64_t *until_ns, char out[BT_ENDS_BYTES]);
/* Says in one sentence, behind the word partial_data, that the range has no trace at an end, or that the source may
 * have taken some away. False: neither. */
bool bt_coverage_say_partial(const bt_coverage *coverage, char *out, size_t size);
/* To what needs least memory: one window for all that could not be read, and none that are empty, no long traces by
 * name. */
void bt_coverage_coarsen(bt_coverage *coverage);
void bt_coverage_dispose(bt_coverage *coverage);

typedef struct bt_moment {
  bool is_set;
  bt_trace_id trace_id;
  int64_t time_ns;
} bt_moment;

/* Why a replay of a range without any trace is incomplete. */
#define BT_REPLAY_NO_DATA                                                                                              \
  "no_data: the source shows no trace in this range; a wrong tenant, an outage, a passed retention, and spans that "   \
  "came "                                                                                                              \
  "too late to be shown yet look the same"

/* Why one is that lies in the time for which late spans may be hidden, and in which something was found; the time. */
#define BT_REPLAY_LATE_FOUND                                                                                           \
  "unsettled: nothing in the range is final yet, until %.19sZ the source may hide spans that came late"

/* Why one is in which a read by id showed that something was dropped which a rule asks for; of how many traces. */
#define BT_REPLAY_DROPPED                                                                                              \
  "dropped: %llu traces that were read whole have spans of which something was dropped that a rule asks for; the "     \
  "others were not read whole, and nothing else shows it"

/* Why one is in which a violation rests on what is not there, where services drop spans each for itself. */
#define BT_REPLAY_SAMPLED_APART                                                                                        \
  "sampled_apart: services sample for themselves here, so what a violation lacks may have been dropped"

typedef struct bt_rule_result { /* per rule of the request */
  uint64_t traces_candidate, traces_exercised, traces_evaluated, traces_read;
  bool evaluated_is_exact, exercised_is_exact;
  uint64_t violations_found, inconclusive; /* inconclusive: of settled traces */
  uint64_t inconclusive_open;              /* of inconclusive: of traces that go on after now − settle */
  uint64_t violations_provisional;         /* of violations_found: those in the unsettled tail */
  uint64_t violations_without_link;        /* of violations_found: those that rest on no trace linking to a span */
  uint64_t violations_listed;              /* of violations_found: those that the observer was told */
  int64_t listed_until_ns; /* all of traces up to this time were; those of later ones were counted alone. 0: all */
  /* What the rule's own settle and margin call settled ends there, and so many traces of the range come after it. */
  int64_t effective_end_ns;    /* 0: it was not begun */
  int64_t provisional_from_ns; /* as in bt_coverage, of this rule, and also where it lies before the range */
  uint64_t unsettled;
  int64_t open_ns;             /* the earliest time of one of inconclusive_open; only where there are any */
  uint64_t sample_differences; /* by-id sample that judged otherwise than the batch */
  bt_strategy strategy;        /* the one that was taken */
  uint64_t decided_unread;     /* candidates that were decided without reading them whole */
  uint64_t unread_sampled;     /* traces judged without reading that were read all the same, to compare */
  uint64_t unread_differences; /* of those: violations that would have been missed */
  bt_moment first_violation, last_violation;
  bt_moment first_inconclusive; /* of settled traces, by the trace's time */
  /* Of violations_found and of traces_exercised: how those were kept that were read whole. */
  bt_kept_traces violations_kept, exercised_kept;
  bt_policy_seen policy; /* of the traces of the range that were read whole */
} bt_rule_result;

const char *bt_replay_outcome_name(bt_replay_outcome outcome); /* "completed", … */

/* What a rule's name or comparison met in the data (dsl/evaluate/data_notes.h). */
enum { BT_REPLAY_NOTES_MAX = 50, BT_REPLAY_NOTE_BYTES = 320 };
typedef struct bt_replay_note {
  size_t rule;      /* number in the request */
  bt_range place;   /* in the rule's text */
  bool is_searched; /* a search says it (unseen_names.h), and no trace that was read */
  char text[BT_REPLAY_NOTE_BYTES];
} bt_replay_note;
/* Appends what `notes` of that rule have to say to *items, which is the caller's to free; at most BT_REPLAY_NOTES_MAX
 * in all. BT_NO_MEMORY alone. */
bt_status bt_replay_notes_say(const bt_data_notes *notes, size_t rule, bt_replay_note **items, size_t *count,
                              bt_error *error) BT_MUST_CHECK;

/* A rule that nothing exercised, or of which that could not be found out, and why. */
typedef struct bt_idle_note {
  size_t rule; /* number in the request */
  bool is_known;
  char text[BT_REPLAY_NOTE_BYTES];
} bt_idle_note;

typedef struct bt_replay_result {
  bt_replay_outcome outcome;
  char reason[240]; /* of incomplete and failed: "no_data", … as a sentence that starts with a stable word and ": " */
  bt_coverage coverage;
  bt_rule_result *rules; /* rule_count of them */
  size_t rule_count;
  uint64_t requests, bytes_inspected, bytes_received;
  int64_t duration_ns;
  uint64_t open_traces; /* settled by their time, and some rule waits for spans that may still come */
  int64_t open_ns;      /* the earliest time of one; only where there are any */
  /* What differs (sample_differences, unread_differences) says something of other traces, too: then it is incomplete.
   * Else it makes single traces inconclusive, and they are named (coverage.contradicted). */
  bool differences_spread;
  /* Traces that a read by id left open, because what a rule asks for may have been dropped, where others were judged by
   * reads that do not show it: then it is incomplete. */
  uint64_t dropped;
  bool is_sampled; /* the observer had enough: incomplete, and what was judged is a random sample of what had to be */
  /* Incomplete, and all that is missing is that of some rules nothing in the range is settled: the others' numbers
   * stand. */
  bool others_stand;
  bt_replay_note *notes; /* with takes_notes */
  size_t note_count;
  uint64_t noted_traces; /* that they are about: the first that were read */
  bt_idle_note *idle;    /* what bt_replay_explain_idle found; in the order of the rules */
  size_t idle_count;
  bool has_traces;    /* the time of some trace lies in the range, settled or not */
  bool is_cut;        /* by most_reads: incomplete, and nothing was read */
  bool needs_several; /* the first rule: what breaks it is found by several searches together */
  bool may_lack;      /* with `only`: what it was searched for was not told in full, so some may have been missed */
  int64_t cut_ns;
} bt_replay_result;
void bt_replay_result_dispose(bt_replay_result *result);
/* Sets how it ended, and why. */
void bt_replay_result_conclude(bt_replay_result *result, bt_replay_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether all that there is to know of that rule in the range is known: the replay completed, or what is missing is
 * other rules'. */
bool bt_replay_has_whole(const bt_replay_result *result, size_t rule);
/* For who is asked about the range, and not about what traces there are: where nothing was found, and the range has no
 * trace at its beginning or its end, or some may have been taken away, that is no "none in this range". Makes such a
 * result incomplete. */
void bt_replay_hold_range(bt_replay_result *result);
/* For who shows a result to people: verdicts that only wait for the rest of a trace are not settled, and not
 * undecidable. Takes them out of `inconclusive`, and ends the rule's settled part before the first such trace
 * (effective_end); what was found after it stays, and is true. Who asks whether a verdict is missing looks at the
 * result without this. */
void bt_replay_leave_open(bt_replay_result *result);

/* What is known of one trace and one rule, without anything built for people: for counts and series. */
typedef struct bt_trace_verdict {
  size_t rule; /* number in the request */
  bt_trace_id trace_id;
  /* The trace's time, which says in which window (and in which step of a series) it counts, lies in [time_ns,
   * time_latest_ns]. Both are equal for a trace that was read; for one that was not, they come from the listing of
   * all traces, and differ only where the trace is about as long as margin. */
  int64_t time_ns, time_latest_ns;
  int64_t violation_ns; /* of violated: the time that the violation is reported with */
  bt_verdict verdict;
  bt_reason reason;   /* of inconclusive */
  bt_truth exercised; /* BT_UNKNOWN: the trace was not read, and no search tells; then counts of exercised traces are at
                         least so many */
  bool rests_on_no_link; /* of violated, as in bt_rule_verdict */
  bool is_settled;       /* false: in the tail that is not settled yet */
  /* Its last span ended after now − settle, so that not all of it may be there yet. It can be in the settled part,
   * when it began there. */
  bool is_young;
  /* Of a part of a greater range: an adjacent or later one may tell of this trace, too, because it is longer than the
   * rule's margin, has no time, or what is said of it contradicts itself. */
  bool may_be_elsewhere;
  bool is_long; /* it is among coverage.long_traces */
  bool is_read; /* false: decided without reading the trace; the verdict is BT_SATISFIED, which then means "not
                   violated", or with tells_counted BT_VIOLATED */
} bt_trace_verdict;

typedef struct bt_part_read { /* of random_part: what was read so far */
  uint64_t last_key; /* the largest bt_seeded_key of it: everything that has to be read and has a smaller one was */
  /* Traces that will be told at the end as not violating, because that needs no reading: those that exercised the
   * first rule, and those of which nobody knows that; of all, and of keys up to last_key. */
  size_t later, later_unsure, within, within_unsure;
} bt_part_read;

typedef struct bt_replay_observer { /* any function may be NULL; called on the replay's thread */
  void *context;
  void (*progress)(void *context, double fraction, const bt_replay_result *so_far);
  bt_status (*violation)(void *context, size_t rule, bt_violation *violation /* takes */, bt_error *error);
  /* Of each violation that is counted and not told (most_listed): its trace, and when what was seen of that begins. */
  bt_status (*counted)(void *context, size_t rule, const bt_moment *moment, bt_error *error);
  /* Once for each trace of the window and rule, when its verdict is final: of traces that were read as they are
   * judged; at the end, of those that were not read but are known to be in the window and not to violate (without a
   * listing, only those that a filter found). Traces that could not be read or placed are not told: the result's
   * `evaluated_is_exact` and `exercised_is_exact` say whether the counts that follow are exact. Nothing but OK goes
   * on. With `violation` NULL nothing is built for people. */
  bt_status (*verdict)(void *context, const bt_trace_verdict *verdict, bt_error *error);
  /* With random_part, after each part. True: nothing more is read, and the result says `is_sampled`. */
  bool (*enough)(void *context, const bt_part_read *so_far);
} bt_replay_observer;

/* A number made of a seed and an id: the traces with the smallest ones are a random sample, the same in whatever
 * order they come. */
uint64_t bt_seeded_key(uint64_t seed, const bt_trace_id *id);

/* Up to when what the source has is decided now, for all rules of the request: what is later may still get spans, or
 * the source may not show it yet. INT64_MAX: nothing gets any, as in files. Asks the source what it promises. */
int64_t bt_decided_until_ns(bt_source *source, const bt_replay_request *request);
/* BT_OK: result->outcome says how it ended, also for failed and cancelled. Else: the request was wrong (BT_INVALID)
 * or no memory, and the result says what it cost and found until then; there may be no counts of rules in it.
 * Dispose it in each case. */
bt_status bt_replay_run(bt_source *source, const bt_replay_request *request, const bt_replay_observer *observer,
                        bt_replay_result *result, bt_error *error) BT_MUST_CHECK;

#endif

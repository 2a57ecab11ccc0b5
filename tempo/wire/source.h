/* The trace source: where traces come from. One face for Tempo, OTLP files and pushed spans, so that replay, watch and
 * one-trace checks are written once. Everything a source could not read is said in its result, never passed over.
 * Thread: a source may be used by several worker threads at once; each call blocks its caller. */
#ifndef BT_TEMPO_WIRE_SOURCE_H
#define BT_TEMPO_WIRE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/promises.h"
#include "tempo/wire/shown_spans.h"

/* Who waits for an answer: where requests queue, the higher goes first. */
typedef enum bt_priority { BT_PRIORITY_REPLAY = 0, BT_PRIORITY_PEOPLE, BT_PRIORITY_WATCH } bt_priority;

typedef struct bt_time_range {
  int64_t start_ns, end_ns;
} bt_time_range; /* [start, end) unless said otherwise */

/* A trace as a search saw it: bounds of those of its spans that lie in blocks with a match (a fragment), not of the
 * whole trace. */
typedef struct bt_found {
  bt_trace_id id;
  int64_t start_ns, end_ns; /* earliest start and latest end seen */
  /* The source said what cannot be: a start of 0, or bounds beyond the range that was asked for. Then these are bounds
   * of what was seen, and the trace lies anywhere. */
  bool in_doubt;
  uint32_t entry : 24; /* which service its root span is of (bt_entry_of), as the source says it */
  /* As many spans at least, because of a trace in several fragments Tempo gives the largest count of each service. 0:
   * not known. */
  uint32_t span_count;
  bt_shown shown; /* some of the spans for which it was found; none: the source has them itself */
} bt_found;

/* Services are told apart by a number of 24 bits; two that have one number count as one service. */
enum { BT_ENTRY_UNKNOWN, BT_ENTRY_SEVERAL /* fragments name different ones */, BT_ENTRY_FIRST };
uint32_t bt_entry_of(bt_str service);

typedef struct bt_found_list { /* by id, each id once (joined) */
  bt_found *items;
  size_t count, capacity;
} bt_found_list;
void bt_found_list_dispose(bt_found_list *list);
bool bt_found_list_add(bt_found_list *list,
                       const bt_found *found) BT_MUST_CHECK; /* appends; sort when done. False: no memory */
void bt_found_list_sort(bt_found_list *list);                /* by id; joins what was seen of equal ids */
void bt_found_join(bt_found *into, const bt_found *from);    /* what both saw of one trace */
/* Of a source that has the spans itself. Both 0: no span has a time, so that the trace lies in any range. */
bt_found bt_found_of_bounds(const bt_trace_id *id, int64_t start_ns, int64_t end_ns);
/* The bounds of a source's own spans of a trace: from the earliest start, or where none is known the latest end, to the
 * latest end or start, since a span may end before it starts, or have no end. */
bt_found bt_found_of_trace(const bt_trace *trace);
/* Whether it may lie there: as `search` of bt_source_operations has it. */
bool bt_found_overlaps(const bt_found *found, bt_time_range range);
/* Widens the bounds to those of the spans in hand: of a trace in several fragments Tempo gives the earliest start and
 * the longest fragment's duration. */
void bt_found_widen(bt_found *found, const bt_trace *spans);
const bt_found *bt_found_list_get(const bt_found_list *list,
                                  const bt_trace_id *id); /* of a sorted list; NULL: not in it */

typedef struct bt_failed_window {
  bt_time_range range;
  char reason[200]; /* for people; no addresses, no text of upstream beyond its own error sentence */
} bt_failed_window;

/* What a source did and what it could not do; added up over calls. All-zero is empty. */
typedef struct bt_source_account {
  bt_failed_window *failed;
  size_t failed_count, failed_capacity;
  uint64_t requests;        /* sent upstream */
  uint64_t bytes_inspected; /* as Tempo says */
  uint64_t bytes_received;
  bool was_widened; /* a search that may find more did: it was not answered as it was asked */
} bt_source_account;
void bt_source_account_dispose(bt_source_account *account);
bool bt_source_account_fail(bt_source_account *account, bt_time_range range, const char *reason);

/* A question that is asked before somebody takes what it gives: it goes on beside what its caller does. Whoever asks
 * the same gives it along in the request (`ahead`), and is given what he would have got without it. The head of what a
 * source keeps of it. */
typedef enum bt_ahead_kind {
  BT_AHEAD_SEARCH,       /* taken once, */
  BT_AHEAD_BATCHES,      /* as is a read in batches; */
  BT_AHEAD_BY_ID,        /* traces by id, as many as the source keeps under way at once: a read by id takes each of them
                            once, whatever else it reads */
  BT_AHEAD_BEFORE_SPANS, /* what has to be known before spans of this query are asked for in this range or a part of it,
                            for all of them */
  BT_AHEAD_SPANS         /* taken once */
} bt_ahead_kind;
enum { BT_AHEAD_KINDS = BT_AHEAD_SPANS + 1 };
typedef struct bt_ahead {
  bt_ahead_kind kind;
  bt_status status; /* BT_OK: it goes on. Else it has ended like that, which is told to who takes it, */
  bt_error why;     /* and why */
  void (*drop)(struct bt_ahead *ahead);
} bt_ahead;

enum { BT_EXPECTS_FEW = 1 }; /* for `expected` */

typedef struct bt_search_request {
  bt_query query;      /* of an over- or under-query; that of all spans finds every trace */
  bt_time_range range; /* fragments that overlap it */
  size_t max_found;    /* stop above it with BT_LIMIT; 0: no maximum */
  uint64_t expected;   /* traces, about: a source asks for many in several parts at once; 0: not known */
  int64_t late_ns;     /* spans may have come so much later than their own time: a source that divides the range divides
                          it so that they are found all the same */
  bool may_widen;  /* traces that the filter does not mean do no harm: it may be asked in a wider form where the data do
                      not let it be answered */
  bt_ahead *ahead; /* of this search; or NULL */
  const char *tenant;      /* X-Scope-OrgID or NULL */
  const bt_cancel *cancel; /* or NULL */
  const char *rule_id;     /* for X-Query-Tags: whose price it is; or NULL */
  bt_priority priority;
} bt_search_request;

typedef struct bt_read_request {
  const bt_trace_id *ids;
  size_t count;
  /* Of each of ids, as searches saw it (bt_found); 0: not known; NULL: of none. Large ones are not read in batches
   * where that costs the source much more, and given as needs_by_id. */
  const uint32_t *span_counts;
  bt_time_range
      range; /* for batch reads: where to look; by id: all blocks and what is still in memory, whatever the range */
  const bt_projection *projection; /* what is needed of a span; NULL: everything */
  /* Only the spans that this query finds, of each trace (an over-query's; needs a projection); without filter: all. A
   * trace that has none is given without one. Spans that it should not find may come too. Only where the source
   * promises it (`projects`). */
  bt_over_query spans;
  bool by_id;      /* one request a trace; else in batches where the source can */
  bool are_most;   /* of what lies in the range, about: a source may read that, and pass over the others */
  bt_ahead *ahead; /* of these batches, or of some traces by id; or NULL */
  bool with_own;   /* give BeTrace's own traces too: emission looks up what it sent */
  const char *tenant;
  const bt_cancel *cancel;
  const char *rule_id;
  bt_priority priority;
} bt_read_request;

/* One trace of a read. `trace` is borrowed until the call returns; NULL: the source has no such trace (any more).
 * needs_by_id (look at it first): a batch could not give it right (an array value, too large): read it by id; `trace`
 * is then what the batch gave, not to be judged, or NULL, which then says nothing. Returning anything but BT_OK stops
 * the read with it. */
typedef struct bt_read_trace {
  size_t index; /* in ids */
  const bt_trace *trace;
  bool needs_by_id;
  int64_t start_ns, end_ns; /* of reads with `spans`: bounds of the fragments that have some of them */
} bt_read_trace;
typedef bt_status (*bt_read_sink)(void *context, const bt_read_trace *read, bt_error *error);

/* For find_spans. */
typedef struct bt_spans_request {
  bt_over_query spans;
  bt_time_range range;
  bt_ahead *ahead; /* of such spans, or of what has to be known before; or NULL. What is of others is passed over. */
  const bt_projection *projection;
  uint64_t expected;  /* traces, about; 0: not known */
  int64_t longest_ns; /* a source that divides the range may give a longer trace several times, each time with what that
                         part saw of it: what was given, joined, is longer then; 0: each is given once */
  int64_t late_ns;    /* as in bt_search_request */
  bool is_beside;     /* another such question is asked at the same time */
  const char *tenant;
  const bt_cancel *cancel;
  const char *rule_id;
  bt_priority priority;
} bt_spans_request;

/* One trace and those of its spans that the filter finds; others may come too. `trace` is borrowed until the call
 * returns. needs_by_id: as in bt_read_trace. */
typedef struct bt_found_spans {
  bt_found found;
  const bt_trace *trace;
  bool needs_by_id;
} bt_found_spans;
typedef bt_status (*bt_spans_sink)(void *context, const bt_found_spans *spans, bt_error *error);

/* For find_linking. */
typedef struct bt_links_request {
  const bt_trace_id *ids; /* an id of zeros is nobody's */
  /* One for each of ids: the trace, as far as it is known, or NULL. NULL in place of the array: no trace is known. Of a
   * known trace only the links to one of these spans have to be found. */
  const bt_trace *const *traces;
  size_t count;
  bt_query query; /* only links of spans that it finds have to be found; without filter: of any */
  bt_time_range range;
  int64_t late_ns; /* as in bt_search_request */
  const char *tenant;
  const bt_cancel *cancel;
  const char *rule_id;
  bt_priority priority;
} bt_links_request;

/* What is to be asked ahead: the request of that kind. It is copied; what it points to stays until it is dropped, but
 * for the ids of a read and what is known of them. */
typedef struct bt_asked {
  bt_ahead_kind kind;
  union {
    const bt_search_request *search;
    const bt_read_request *read;
    const bt_spans_request *spans; /* also of what comes before them */
  };
} bt_asked;

/* What the source says it takes away of a tenant's traces. All-zero: nothing, or it does not say. */
typedef struct bt_losses {
  int64_t retention_ns; /* what is older than so much may be deleted */
  int64_t redacted_ns;  /* when it last took some traces out that somebody named; of what was there by then */
} bt_losses;

typedef struct bt_source bt_source;
struct bt_tag_request;
struct bt_tag_list;

typedef struct bt_source_operations {
  /* All traces with a fragment that meets the query's filter and overlaps the range: one that starts at range.end_ns
   * does not, one that ends at range.start_ns does, and an empty range finds nothing. A source that counts in seconds
   * may give traces beyond by a second, never fewer. Complete, or what is missing is in account->failed. BT_OK also
   * with failed windows. BT_INVALID: a range or a tenant that cannot be asked for. BT_CANCELLED, BT_LIMIT (max_found),
   * BT_NO_MEMORY stop it. found comes sorted. */
  bt_status (*search)(bt_source *source, const bt_search_request *request, bt_found_list *found,
                      bt_source_account *account, bt_error *error);
  /* Asks what comes first of it, and waits only for what has to be known before that: what is asked next waits for no
   * other than these. new; NULL, as where there is no operation: the source cannot, or there is no memory, and it is
   * asked when somebody asks for it. What is counted until it is taken goes into account, which stays until then or
   * until it is dropped. What nobody takes costs what it costs. */
  bt_ahead *(*begin)(bt_source *source, const bt_asked *asked, bt_source_account *account);
  /* Each trace of the request is given to the sink once, in any order. BT_OK: every id was
   * answered. BT_UNAVAILABLE, BT_REFUSED: not; what could be read was given before, and ids that the sink was not given
   * are unread. */
  bt_status (*read)(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                    bt_source_account *account, bt_error *error);
  /* All traces of the range, as `search` finds them, each once (but for longest_ns) and with its spans, in any order.
   * Everything or nothing: what was given counts only with BT_OK. BT_LIMIT: more than answers hold, too long a range,
   * or a projection of several groups; BT_UNAVAILABLE, BT_REFUSED: it failed; BT_INVALID: a range or a tenant that
   * cannot be asked for. NULL: the source cannot. */
  bt_status (*find_spans)(bt_source *source, const bt_spans_request *request, bt_spans_sink sink, void *context,
                          bt_source_account *account, bt_error *error);
  /* All traces of the range, as `search` finds them, with a span that has a link to one of these; a trace may link to
   * itself. Others may be among them, so whoever asks looks at the links of what it reads. Account and statuses are
   * those of `search`. */
  bt_status (*find_linking)(bt_source *source, const bt_links_request *request, bt_found_list *found,
                            bt_source_account *account, bt_error *error);
  /* Keys and values for completion (tags.h), into a list that is set up; NULL: the source knows none. */
  bt_status (*tags)(bt_source *source, const struct bt_tag_request *request, struct bt_tag_list *list, bt_error *error);
  /* Can it be reached and does it answer? cancel may be NULL. */
  bt_status (*check)(bt_source *source, const bt_cancel *cancel, bt_error *error);
  /* How it is asked: the same until its generation changes. Never waits. NULL: it searches nothing. */
  const bt_dialect *(*dialect)(bt_source *source);
  /* Says what it promises, into promises of a source of our own that hides nothing and has plain costs. With a cancel
   * flag it may ask what is wanted, and wait until the flag is set; without one it never waits and says what is known
   * so far. NULL: it promises no more. */
  void (*promise)(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel, bt_promises *out);
  /* What it says now that it takes away, into all-zero losses. With a cancel flag it may ask, and wait until the flag
   * is set; without one it says what is known so far. NULL: it never says. */
  void (*losses)(bt_source *source, const char *tenant, const bt_cancel *cancel, bt_losses *out);
  void (*free)(bt_source *source);
} bt_source_operations;

struct bt_source { /* the head of every source */
  const bt_source_operations *operations;
  const char *name;   /* "tempo", "files", "memory" */
  const char *store;  /* its name among several, of who opened it; NULL: it is the only one */
  bool is_of_tenants; /* whoever opened it lets those tenants alone ask it whose it is: it need not tell them apart */
};

/* What bt_source_operations says of each, with its errors. */
bt_status bt_source_search(bt_source *source, const bt_search_request *request, bt_found_list *found,
                           bt_source_account *account, bt_error *error) BT_MUST_CHECK;
/* NULL: it is asked when somebody asks for it. Else it is dropped in the end, taken or not. */
bt_ahead *bt_source_begin(bt_source *source, bt_asked asked, bt_source_account *account);
void bt_source_drop(bt_ahead *ahead); /* NULL is fine */
/* How many searches are worth beginning before one is finished; at least 1. */
enum { BT_SEARCHES_AT_ONCE = 8 };
size_t bt_source_searches_at_once(const bt_source *source);
/* Of these too bt_source_operations says what they do, with their errors. */
bt_status bt_source_read(bt_source *source, const bt_read_request *request, bt_read_sink sink, void *context,
                         bt_source_account *account, bt_error *error) BT_MUST_CHECK;
bt_status bt_source_find_spans(bt_source *source, const bt_spans_request *request, bt_spans_sink sink, void *context,
                               bt_source_account *account, bt_error *error) BT_MUST_CHECK;
bt_status bt_source_find_linking(bt_source *source, const bt_links_request *request, bt_found_list *found,
                                 bt_source_account *account, bt_error *error) BT_MUST_CHECK;
bt_status bt_source_check(bt_source *source, const bt_cancel *cancel, bt_error *error) BT_MUST_CHECK;
/* The source's dialect; of one that searches nothing, and of NULL, that in which plans are shown all the same. */
const bt_dialect *bt_source_dialect(bt_source *source);
/* Plans that ask nobody are shown in this one. Before there are threads; until then in bt_dialect_none. */
void bt_source_use_dialect(const bt_dialect *shown);
bt_promises bt_source_promises(bt_source *source, bt_promises_wanted wanted, const bt_cancel *cancel);
bt_promises bt_source_known(bt_source *source); /* never waits */
bt_losses bt_source_losses(bt_source *source, const char *tenant, const bt_cancel *cancel);
/* By how much the wall clock is ahead of the source's, as far as it is known. */
int64_t bt_source_clock_ahead_ns(bt_source *source);
void bt_source_free(bt_source *source); /* NULL is fine */
/* For stores that keep no tenants apart: whoever asks for one may not be given the traces of all. who: "a table of X
 * keeps". BT_INVALID, BT_CANCELLED. */
bt_status bt_source_check_asker(const bt_source *source, const char *who, const char *tenant, const bt_cancel *cancel,
                                bt_error *error) BT_MUST_CHECK;

/* Where nobody knows what would be asked: BT_UNAVAILABLE and BT_REFUSED leave the range out, in the account. Else the
 * status is handed on. */
bt_status bt_source_pass_over(bt_source_account *account, bt_time_range range, bt_status status, const bt_error *why,
                              bt_error *error);
/* BT_LIMIT: there are more than so many. 0: there is no maximum. */
bt_status bt_found_list_check(bt_found_list *list, size_t max_found, bt_error *error) BT_MUST_CHECK;
/* Sets the bounds of a read of some spans; without a trace nothing. */
void bt_read_trace_set_bounds(bt_read_trace *read);

/* BeTrace's own traces (violations, checkpoints, reports) have ids derived from what they are about (api.md, Violation
 * spans). Sources leave out traces of one span that is named betrace.violation, betrace.watch or betrace.report and
 * whose id is the derived one. */

#endif

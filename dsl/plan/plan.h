/* The plan: what to search so that no violating trace is missed, and what to subtract unread. Two types keep the
 * directions apart. An over-query finds at least every trace that it is about, and code may only weaken it. An
 * under-query finds only traces that certainly do not violate, and code may only strengthen it. Nothing converts one
 * into the other. A plan belongs to one rule and borrows from it. Thread: immutable once made. */
#ifndef BT_DSL_PLAN_PLAN_H
#define BT_DSL_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/plan/filter.h"
#include "dsl/rule/rule.h"

/* What an answer must keep apart of the spans of one trace. What it does not, it may lose where the trace lies in
 * several pieces. The first may cost a store most. */
typedef enum bt_apart {
  BT_APART_BY_KIND, /* the client's and the server's half of one span id are kept, too */
  BT_APART_BY_ID,   /* enough where the filter finds spans of one kind */
  BT_APART_NOT      /* enough where nothing follows from a span that is missing */
} bt_apart;

/* A filter as a store is asked for it. Equal ones are one question. A filter is borrowed from the plan that it belongs
 * to, or constant. */
typedef struct bt_query {
  const bt_filter *filter; /* NULL: there is none */
  uint8_t manner;          /* how it is asked: its dialect's affair; 0: as it stands */
} bt_query;
/* Whether they ask the same. */
bool bt_query_equal(bt_query a, bt_query b);
uint64_t bt_query_hash(bt_query query); /* of one with a filter */
/* `{}`: every span. */
bt_query bt_query_all(void);

/* Made by the planner only. */
typedef struct bt_over_query {
  bt_query asked;
  bt_apart apart; /* what keeps all spans that it finds; told of filters of spans alone */
} bt_over_query;
typedef struct bt_under_query {
  bt_query asked;
} bt_under_query;

typedef enum bt_over_kind {
  BT_OVER_ALL,   /* no restriction: every trace has to be read */
  BT_OVER_NONE,  /* no trace can be meant */
  BT_OVER_QUERY, /* the traces that `query` finds */
  BT_OVER_AND,   /* traces in all of items */
  BT_OVER_OR     /* traces in any of items */
} bt_over_kind;

typedef struct bt_over {
  bt_over_kind kind;
  bt_over_query query;
  /* Of QUERY, in an OR: only there to miss nothing; what no other item finds need not be meant, where the others are
   * exact. */
  bool is_surplus;
  bool is_found_twice; /* of QUERY, in an OR: another item finds all that it finds, and more that need not be meant */
  const struct bt_over **items; /* two or more */
  uint32_t item_count;
} bt_over;

/* No restriction; constant. */
const bt_over *bt_over_all(void);

enum { BT_PROJECTED_KEYS_MAX = 64 };

typedef enum bt_projected_scope { BT_PROJECTED_SPAN, BT_PROJECTED_RESOURCE, BT_PROJECTED_EITHER } bt_projected_scope;

typedef struct bt_projected {
  bt_projected_scope scope;
  bt_str key;
} bt_projected;

/* The fields that evaluating the rules reads. Ids, name, kind, start and duration are always read; status, parent and
 * service in reads of all spans. */
typedef struct bt_projection {
  bool whole_trace; /* a projection cannot give what is needed (events, links, scopes): read by id */
  bool status_message;
  bool links;                   /* in reads of some spans: one link of each, the last that it has */
  bool status, parent, service; /* some rule looks at it: reads of some spans give it too */
  bt_projected *attributes;     /* distinct, at most BT_PROJECTED_KEYS_MAX */
  uint32_t attribute_count;
  bt_arena arena;
} bt_projection;

/* Of a rule whose relations over links are all `linked to`: what can show that linked spans are there, although no
 * trace is read whole. */
typedef struct bt_plan_evidence {
  /* The verdict on a settled trace follows from the spans that this finds, and from its family with all that links to
   * it. Of which links to it, own spans among them, nothing absent is known. */
  bt_over_query own;
  bt_over_query linked; /* spans with a link that may stand in such a relation; tests fields alone */
} bt_plan_evidence;

typedef struct bt_plan {
  const bt_dialect *dialect;      /* how its queries are asked */
  const bt_over *violating;       /* every trace that violates is in it */
  const bt_over *exercising;      /* every trace that exercises the rule is in it */
  bool exercising_is_exact;       /* and only those, but for what surplus queries alone find: they can be counted */
  const bt_under_query *subtract; /* a trace that any of these finds does not violate */
  uint32_t subtract_count;
  /* Verdict and exercised of a settled trace, of which no more spans come, follow from the spans that this finds: the
   * others may be left unread. No filter: this rule needs more than that. */
  bt_over_query spans;
  bt_plan_evidence evidence; /* without filters: nothing can be shown so */
  /* Of a rule whose relations over links are all `linked to`: finds every span whose link may matter. It tests fields
   * alone. No filter: any may. */
  bt_query linking;
  /* One search for each finds every trace that has such a span, all together. They may test attributes, too, and do not
   * always ask for a link. 0: any trace may. */
  const bt_query *linking_searches;
  uint32_t linking_search_count;
  bool follows_linked_to_only; /* all its relations over links are `linked to`, and no bound span has to link */
  bool rests_on_absence;       /* a violation can rest on a span that was not seen, or on a number that may grow */
} bt_plan;

/* One formula that finds what any of these finds: their filters in one query, or in as few as hold them. Each is a
 * query or an OR of such, and tests fields only. It belongs to the arena; NULL: there was no room. */
const bt_over *bt_over_union(bt_arena *arena, const bt_dialect *dialect, const bt_over *const *overs, size_t count);
/* One query that finds what any of these finds, whose filter belongs to the arena. None: it does not fit into one, or
 * there are none. BT_NO_MEMORY alone. */
bt_status bt_query_union(bt_arena *arena, const bt_dialect *dialect, const bt_query *queries, size_t count,
                         bt_query *out, bt_error *error) BT_MUST_CHECK;

/* new: for a store that is asked so. BT_NO_MEMORY alone. */
bt_status bt_plan_new(const bt_rule *rule, const bt_dialect *dialect, bt_plan **out, bt_error *error) BT_MUST_CHECK;
void bt_plan_free(bt_plan *plan);
/* Whether `spans` may be asked for before the candidates: a trace without any of them neither violates nor exercises
 * the rule, or every trace exercises it. */
bool bt_plan_is_found_by_spans(const bt_plan *plan);
/* *finds: there is something to search for that the traces that can violate the rule have, so not every trace has to be
 * read. BT_NO_MEMORY alone. */
bt_status bt_plan_finds(const bt_rule *rule, bool *finds, bt_error *error) BT_MUST_CHECK;

void bt_projection_init(bt_projection *projection);
/* Adds what the rule reads. BT_NO_MEMORY alone. */
bt_status bt_projection_add(bt_projection *projection, const bt_rule *rule, bt_error *error) BT_MUST_CHECK;
/* The same for one rule of several that share a projection, which never becomes a whole trace by it. *whole_trace: this
 * rule's traces have to be read by id, because a projection cannot give what it reads, or has no room left for it.
 * BT_NO_MEMORY alone. */
bt_status bt_projection_share(bt_projection *shared, const bt_rule *rule, bool *whole_trace,
                              bt_error *error) BT_MUST_CHECK;
/* Adds what evidence of linked spans needs (bt_plan_evidence): what the rule reads of linked spans, and links, or what
 * it reads of the others. whole_trace: that is not enough. BT_NO_MEMORY alone. */
bt_status bt_projection_add_evidence(bt_projection *projection, const bt_rule *rule, bool of_linked,
                                     bt_error *error) BT_MUST_CHECK;
/* Adds the attributes by which pruning is known (dsl/trace/trace_pruned.h), whatever room there is. BT_NO_MEMORY alone.
 */
bt_status bt_projection_add_pruning(bt_projection *projection, bt_error *error) BT_MUST_CHECK;
void bt_projection_dispose(bt_projection *projection);

/* A readable outline for explain and for the text cases: strategy, what is searched, what is subtracted, what is
 * projected. */
void bt_plan_print(const bt_plan *plan, const bt_projection *projection, bt_buffer *out);

#endif

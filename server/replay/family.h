/* Families of linked traces (dsl/trace/family.h), gathered from the source hop by hop: who links to the traces at hand,
 * and whom their spans link to. Many traces share the look-ups. A family claims to know no more than what was asked,
 * answered in full, read and kept. The account names failed look-ups. What is kept at once is held in the account of
 * memory. Thread: the replay's. */
#ifndef BT_SERVER_REPLAY_FAMILY_H
#define BT_SERVER_REPLAY_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/evaluate/link_reach.h"
#include "dsl/trace/family.h"
#include "dsl/trace/trace.h"
#include "server/replay/linking_index.h"
#include "server/replay/questions.h"
#include "tempo/wire/source.h"

typedef struct bt_family_request {
  bt_questions *questions;
  bt_link_reach reach;
  int64_t settled_ns; /* what starts before it is all there; INT64_MAX: everything is */
  bool require_complete;
  size_t most_bytes;                 /* that the traces of one look-up may take */
  bool *lacked_memory;               /* set before a family is given: there was no memory for all of it; or NULL */
  const int64_t *starts_ns;          /* of each id, in their order, which is that of these times; NULL: not known */
  const bt_trace *const *own_traces; /* of each id, in their order, what was read already, borrowed; NULL: it is read.
                                        The list NULL: each is */
  /* Of each id, in their order: its trace as it was read shows no links, though its spans may have some. Only where
   * nothing is asked about whom they link to but for the family's own traces (reach.from is 0). NULL: none. */
  const bool *own_hide_links;
  /* Only spans that this query finds are looked for where what is looked through lies in this range; without filter:
   * all that link. */
  bt_query linking;
  bt_time_range linking_range;
  const bt_linking_index *index; /* these, where somebody looked for all of them before; or NULL */
} bt_family_request;

/* What all rules of the plan ask for: of each trace it is gathered once. */
bt_family_request bt_family_request_of(bt_questions *questions);

/* `index` of the ids; borrowed until it returns. NULL: the source has no such trace (any more). */
typedef bt_status (*bt_family_sink)(void *context, size_t index, const bt_family *family, bt_error *error);

/* The sink is called once for each id, in any order. BT_CANCELLED, BT_NO_MEMORY, or what the sink returned. */
bt_status bt_families_gather(const bt_family_request *request, const bt_trace_id *ids, size_t count,
                             bt_family_sink sink, void *context, bt_error *error) BT_MUST_CHECK;

#endif

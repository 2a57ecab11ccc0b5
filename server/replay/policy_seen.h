/* Whether a tail sampler kept all that may violate a rule. Its policy writes its own name into each trace that it keeps
 * (the Collector's feature gate processor.tailsamplingprocessor.recordpolicy). The name says of which condition it is
 * (server/rules/policy_name.h). A trace with the present one shows that the policy was in effect when the trace was
 * decided. Nothing shows that it was everywhere, or that it stayed: that has to be declared (sampling_setting.h), and
 * what speaks against it counts more. Thread: values, no state. */
#ifndef BT_SERVER_REPLAY_POLICY_SEEN_H
#define BT_SERVER_REPLAY_POLICY_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/trace/trace.h"
#include "server/replay/sampling_setting.h"
#include "server/rules/rule_definition.h"

enum { BT_POLICY_SIGHTINGS = 32, BT_POLICY_NAME_BYTES = BT_RULE_ID_MAX + 24 };

/* A trace that the policy kept. It was decided at start_ns or later, since nothing of it was there before, and by
 * decided_ns, when the first of its spans had arrived: spans arrive within `lateness`. Of a trace that has late spans
 * alone (tailsampling.cached_decision) nobody knows when it was decided: it is none. */
typedef struct bt_policy_sighting {
  int64_t start_ns, decided_ns;
} bt_policy_sighting;

typedef struct bt_policy_seen {    /* all-zero: none was looked at */
  char name[BT_POLICY_NAME_BYTES]; /* "betrace/ID/HASH", of the condition that the rule has now */
  uint64_t traces;                 /* that it kept */
  int64_t last_ns;                 /* of these: the latest start */
  /* By then a trace was decided that shows that the policy was not in effect everywhere: one that another condition's
   * policy of the rule kept, or one that violates the rule and that no policy kept but that of the rest. 0: none. */
  int64_t other_ns;
  bt_policy_sighting sightings[BT_POLICY_SIGHTINGS]; /* some of the traces, by start; the first is among them */
  size_t count;
} bt_policy_seen;

/* Sets the name. */
void bt_policy_seen_begin(bt_policy_seen *seen, const bt_rule_definition *rule);
/* A trace that some policy kept. */
void bt_policy_seen_look(bt_policy_seen *seen, const bt_trace *trace, int64_t lateness_ns);
/* A trace that violates the rule and that its policy did not keep; decided by then. */
void bt_policy_seen_lacks(bt_policy_seen *seen, int64_t decided_ns);
void bt_policy_seen_add(bt_policy_seen *seen, const bt_policy_sighting *sighting);
void bt_policy_seen_join(bt_policy_seen *into, const bt_policy_seen *from);
/* Whether no policy says that it kept the trace, or only that of the rest. */
bool bt_policy_is_of_none(const bt_trace *trace);

/* From when on all that may violate the rule was kept, as it is declared and as far as nothing speaks against it. 0:
 * that cannot be said. Without a declaration it never can. */
int64_t bt_policy_since(const bt_policy_seen *seen, const bt_declared_sampling *declared);
/* In words, a part of a sentence: "its policy betrace/… kept 57 of them, from … to …", or "all candidates kept since …
 * (policy betrace/…, as --sampling policy says)". Nothing where there is nothing to say. */
void bt_policy_say(const bt_policy_seen *seen, const bt_declared_sampling *declared, bt_buffer *out);

#endif

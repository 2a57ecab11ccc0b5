/* Names inside rules that no trace of a range has: `never { retry }` holds where nothing is called retry, and
 * nobody sees that retry has another name now. What only reads show replays say themselves (bt_replay_note); this asks
 * searches. Of a request the range, tenant, cancel and priority are used. Thread: the caller's. */
#ifndef BT_SERVER_REPLAY_UNSEEN_NAMES_H
#define BT_SERVER_REPLAY_UNSEEN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "dsl/rule/rule.h"
#include "server/replay/first_violation.h"
#include "server/replay/idle_rules.h"
#include "server/replay/replay.h"
#include "tempo/wire/source.h"

enum { BT_UNSEEN_NAMES = 4 /* of one rule that are looked for */, BT_UNSEEN_DAYS = 30 /* before the range */ };

/* Of `never`, `always` and bare conditions; what exercises a rule is idle_rules.h's. Appends "no span and no service is
 * named retry in this range; the last one was seen on 12 November 2026", one after the other; nothing where all are
 * there, or that is not known. place: of the first, in the rule's text. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_unseen_names_write(bt_source *source, const bt_replay_request *asked, const bt_rule *rule, bt_buffer *out,
                                bt_range *place, bt_error *error) BT_MUST_CHECK;

/* A note for each of the rules that `is_asked` names; of a source that searches for the first BT_IDLE_EXPLAINED alone.
 * *notes is the caller's to free, also after an error. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_unseen_names_note(bt_source *source, const bt_replay_request *asked, const bool *is_asked,
                               bt_replay_note **notes, size_t *count, bt_error *error) BT_MUST_CHECK;
/* Of the rules of a replay that were exercised and not violated; its notes get more. Of a source that does not search
 * the replay has read all, and said it. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_unseen_names_of_replay(bt_source *source, const bt_replay_request *asked, bt_replay_result *result,
                                    bt_error *error) BT_MUST_CHECK;
/* The same of a first violation. BT_CANCELLED, BT_NO_MEMORY. */
bt_status bt_unseen_names_of_first(bt_source *source, const bt_replay_request *asked, bt_first_result *result,
                                   bt_error *error) BT_MUST_CHECK;

/* What is said of rules besides numbers: what nothing exercised, and names that none of the others' traces has. */
typedef struct bt_rule_words { /* all-zero is nothing; bt_rule_words_dispose */
  bt_idle_note *idle;
  size_t idle_count;
  bt_replay_note *notes;
  size_t note_count;
} bt_rule_words;
/* For people who ask a service. exercise: one for each rule, changed; is_clean: which were exercised and not violated.
 * What is not found out before it is cancelled, or for want of memory, is not said. */
void bt_rule_words_find(bt_source *source, const bt_replay_request *asked, bt_exercise *exercise, const bool *is_clean,
                        bt_rule_words *out);
void bt_rule_words_dispose(bt_rule_words *words);

#endif

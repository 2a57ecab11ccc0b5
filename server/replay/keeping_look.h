/* How the traces of a replay came to be kept: what those say that are read whole, or in batches of a source that shows
 * it there. Others do not show their trace state.
 * Thread: the replay's. Errors: BT_CANCELLED, BT_NO_MEMORY. */
#ifndef BT_SERVER_REPLAY_KEEPING_LOOK_H
#define BT_SERVER_REPLAY_KEEPING_LOOK_H

#include "server/replay/judgement.h"

/* Once for each known trace that lies in the window and was read whole. */
void bt_keeping_note(bt_judge *judge, size_t known, const bt_trace *trace);
/* Into the counts of the verdict's rule: how that trace was kept, where it was noted. */
void bt_keeping_count(const bt_judge *judge, const bt_known *known, const bt_trace_verdict *verdict);
/* A seeded sample of the known ones, of each part of the range: where batches show how traces were kept, it is read
 * with what a batch is to read (`known`, with room enough), and not counted alone (`later`). */
void bt_keeping_add(bt_judge *judge, bt_known_list *known, bt_known_list *later);
/* A seeded sample of the known ones by id: where none was read whole and nobody looked in the last day, and where those
 * that were read say that traces were sampled by chance. */
bt_status bt_keeping_look(bt_judge *judge, bt_error *error) BT_MUST_CHECK;

#endif

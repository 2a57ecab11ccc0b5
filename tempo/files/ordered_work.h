/* Pieces of work that several threads do, and whose results are taken in the order in which the pieces were cut. The
 * caller gives three functions: one that cuts the next piece and one that takes a result, which the calling thread
 * runs, and one that does the work, which any thread runs. With one job all is done on the calling thread, one piece
 * after another, and the answer is the same. So many pieces are under way at once as there are places, and together
 * they weigh no more than the given weight, or are a single one. Thread: the calling one waits until all threads that
 * were started have ended. Only tempo/ includes this. */
#ifndef BT_TEMPO_FILES_ORDERED_WORK_H
#define BT_TEMPO_FILES_ORDERED_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"

typedef struct bt_ordered_work {
  unsigned jobs;        /* threads, the calling one among them; 0 is 1 */
  uint64_t most_weight; /* of all pieces under way, in bytes or what else `cut` weighs in; one alone may be heavier */
  /* Cuts the next piece into this place. *found false: there is none left. Never for a place whose piece is under way.
   */
  bt_status (*cut)(void *context, size_t place, bool *found, uint64_t *weight, bt_error *error);
  bt_status (*work)(void *context, size_t place, bt_error *error);
  /* Also for a piece whose work failed, before that failure ends the run. */
  bt_status (*take)(void *context, size_t place, bt_error *error);
  void *context;
} bt_ordered_work;

/* Places for that many jobs: numbers from 0. */
size_t bt_ordered_work_places(unsigned jobs);
/* The first failure in the order of the pieces, whichever thread met it first. Pieces that were cut and not taken are
 * let go. Where the system gives fewer threads, those that there are do all of it. BT_NO_MEMORY, or what one of the
 * three functions returned. */
bt_status bt_ordered_work_run(const bt_ordered_work *work, bt_error *error) BT_MUST_CHECK;

#endif

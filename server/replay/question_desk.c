/* Two questions under way at once: the replay's thread asks what it needs. A helper in a lane asks next to it what can
 * wait (the listing of all traces, counts), then helps with the rest. That is as many as the client's budget lets
 * through by default; more would only queue there. Invariants: a question belongs to whoever has begun it until it is
 * answered; then to the replay's thread, which alone takes answers. What nobody has begun when the replay's thread
 * needs it, it asks itself: a lane without a free place costs time and never an answer. Thread: as said. */
#include "server/replay/question_desk.h"

#include <stdlib.h>

#include "server/base/condition.h"
#include "server/work/crew.h"

#include "dsl/arena.h"

struct bt_question_desk {
  bt_question_desk_options options;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bt_crew helper; /* of one */
  bool has_helper;
  bool is_lost;      /* the source is gone: what is not begun is skipped, */
  bt_error lost_why; /* for this reason */
  bt_question **items;
  size_t count, capacity;
};

bt_status bt_question_desk_new(const bt_question_desk_options *options, bt_question_desk **out, bt_error *error) {
  *out = NULL;
  bt_question_desk *desk = calloc(1, sizeof *desk);
  if (!desk) return bt_error_no_memory(error);
  desk->options = *options;
  pthread_mutex_init(&desk->lock, NULL);
  bt_condition_init(&desk->changed);
  *out = desk;
  return BT_OK;
}

/* The next one to begin; NULL: none. Both begin with what is theirs; the search for own traces is left to the helper,
 * which has the shorter list. */
static bt_question *find_next(const bt_question_desk *desk, bool for_helper) {
  bt_question *other = NULL;
  for (size_t i = 0; i < desk->count; i++) {
    bt_question *question = desk->items[i];
    if (question->state != BT_QUESTION_WAITING || (question->is_aside && !for_helper)) continue;
    if (question->can_wait == for_helper && !question->is_aside && !question->is_own) return question;
    if ((for_helper || question->is_own) && (!other || other->is_aside)) other = question;
  }
  return other;
}

/* Whoever finds the source gone says why at once: its own answer may be taken long after those of the skipped. */
static void note_loss(bt_question_desk *desk, const bt_question *question) {
  const char *reason = question->status != BT_OK ? question->why.message : question->account.failed[0].reason;
  if (!desk->is_lost) bt_error_set(&desk->lost_why, BT_UNAVAILABLE, "%s", reason);
  desk->is_lost = true;
}

void bt_question_desk_note(bt_question_desk *desk, const bt_question *question) {
  pthread_mutex_lock(&desk->lock);
  if (question->source_is_gone) note_loss(desk, question);
  pthread_mutex_unlock(&desk->lock);
}

/* Called with the lock held; lets go of it while the source is asked. */
static void ask_question(bt_question_desk *desk, bt_question *question) {
  question->state = BT_QUESTION_BEGUN;
  question->is_skipped = desk->is_lost;
  if (!question->is_skipped) {
    pthread_mutex_unlock(&desk->lock);
    desk->options.search(desk->options.context, question);
    pthread_mutex_lock(&desk->lock);
    if (question->source_is_gone) note_loss(desk, question);
  } else
    question->why = desk->lost_why;
  question->state = BT_QUESTION_ANSWERED;
  pthread_cond_broadcast(&desk->changed);
}

static bool help_once(void *context, int64_t *again_ns) {
  bt_question_desk *desk = context;
  bt_question *question = find_next(desk, true);
  (void)again_ns;
  if (question) ask_question(desk, question);
  return question != NULL;
}

bt_status bt_question_desk_add(bt_question_desk *desk, bt_question *question, bool can_wait, bt_error *error) {
  pthread_mutex_lock(&desk->lock);
  bt_question **items = bt_grow_array(desk->items, desk->count, &desk->capacity, sizeof *items);
  if (items) {
    desk->items = items;
    question->can_wait = can_wait;
    if (!question->is_asked) items[desk->count++] = question;
    question->is_asked = true;
    if (desk->has_helper) bt_crew_wake_all(&desk->helper);
    pthread_cond_broadcast(&desk->changed);
  }
  pthread_mutex_unlock(&desk->lock);
  return items ? BT_OK : bt_error_no_memory(error);
}

/* Without a helper everything is asked by the replay's thread, one after the other. */
void bt_question_desk_help(bt_question_desk *desk) {
  bt_crew_options crew = {.work = desk->options.work,
                          .lane = desk->options.lane,
                          .size = 1,
                          .mutex = &desk->lock,
                          .do_piece = help_once,
                          .context = desk};
  if (desk->has_helper || !desk->count || !desk->options.work) return;
  bt_error error;
  desk->has_helper = bt_crew_init(&desk->helper, &crew, &error) == BT_OK;
  if (!desk->has_helper) return;
  pthread_mutex_lock(&desk->lock);
  bt_crew_wake_all(&desk->helper);
  pthread_mutex_unlock(&desk->lock);
}

static bool is_open(const bt_question_desk *desk, bool with_those_that_can_wait) {
  for (size_t i = 0; i < desk->count; i++) {
    const bt_question *question = desk->items[i];
    if (question->is_aside) continue;
    if ((with_those_that_can_wait || !question->can_wait) && question->state != BT_QUESTION_ANSWERED) return true;
  }
  return false;
}

void bt_question_desk_wait(bt_question_desk *desk, bool with_those_that_can_wait) {
  pthread_mutex_lock(&desk->lock);
  while (is_open(desk, with_those_that_can_wait)) {
    bt_question *question = find_next(desk, false);
    if (!question && with_those_that_can_wait) question = find_next(desk, true);
    if (question)
      ask_question(desk, question);
    else
      pthread_cond_wait(&desk->changed, &desk->lock);
  }
  pthread_mutex_unlock(&desk->lock);
}

void bt_question_desk_wait_for(bt_question_desk *desk, bt_question *question) {
  pthread_mutex_lock(&desk->lock);
  if (question->state == BT_QUESTION_WAITING) ask_question(desk, question);
  while (question->state != BT_QUESTION_ANSWERED) pthread_cond_wait(&desk->changed, &desk->lock);
  pthread_mutex_unlock(&desk->lock);
}

void bt_question_free(bt_question *question) {
  if (!question) return;
  bt_found_list_dispose(&question->found);
  bt_source_account_dispose(&question->account);
  free(question->bits);
  free(question);
}

void bt_question_desk_free(bt_question_desk *desk) {
  if (!desk) return;
  if (desk->has_helper) bt_crew_end(&desk->helper);
  pthread_cond_destroy(&desk->changed);
  pthread_mutex_destroy(&desk->lock);
  free(desk->items);
  free(desk);
}

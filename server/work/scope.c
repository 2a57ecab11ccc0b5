/* The tree of scopes, under one lock: it is held for a few pointers, or while a cancel goes down. See scope.h. */
#include "server/work/scope.h"

#include <assert.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t tree = PTHREAD_MUTEX_INITIALIZER; /* guards the links of all scopes */

/* The reason is there when somebody sees the cancel. What is cancelled has nothing below it that is not. */
static void cancel_below(bt_work_scope *scope, bt_work_scope_reason reason) {
  if (bt_is_cancelled(&scope->cancel)) return;
  atomic_store(&scope->reason, reason);
  atomic_store(&scope->cancel.requested, true);
  if (scope->listener) scope->listener(scope->listener_context);
  for (bt_work_scope *child = scope->children; child; child = child->next) cancel_below(child, reason);
}

static void meet_deadline(bt_timer_entry *entry) {
  bt_work_scope *scope = (bt_work_scope *)((char *)entry - offsetof(bt_work_scope, deadline));
  bt_work_scope_cancel(scope, BT_SCOPE_DEADLINE);
}

static void init_scope(bt_work_scope *scope, bt_timer *timer) {
  *scope = (bt_work_scope){.timer = timer, .deadline.fire = meet_deadline};
}

void bt_work_scope_begin_root(bt_work_scope *root, bt_timer *timer) {
  init_scope(root, timer);
}

void bt_work_scope_begin(bt_work_scope *scope, bt_work_scope *parent, int64_t deadline_ns) {
  init_scope(scope, parent ? parent->timer : NULL);
  if (!parent) return;
  scope->cancel.span = parent->cancel.span;
  pthread_mutex_lock(&tree);
  scope->parent = parent;
  scope->next = parent->children;
  if (scope->next) scope->next->previous = scope;
  parent->children = scope;
  if (bt_is_cancelled(&parent->cancel)) cancel_below(scope, bt_work_scope_why(parent));
  pthread_mutex_unlock(&tree);
  bt_work_scope_set_deadline(scope, deadline_ns);
}

void bt_work_scope_set_deadline(bt_work_scope *scope, int64_t deadline_ns) {
  if (scope->has_deadline && !deadline_ns) bt_timer_clear(scope->timer, &scope->deadline);
  scope->has_deadline = scope->timer && deadline_ns;
  if (scope->has_deadline) bt_timer_set(scope->timer, &scope->deadline, deadline_ns);
}

void bt_work_scope_cancel(bt_work_scope *scope, bt_work_scope_reason reason) {
  pthread_mutex_lock(&tree);
  cancel_below(scope, reason);
  pthread_mutex_unlock(&tree);
}

void bt_work_scope_listen(bt_work_scope *scope, void (*listener)(void *context), void *context) {
  pthread_mutex_lock(&tree);
  scope->listener = listener;
  scope->listener_context = context;
  if (listener && bt_is_cancelled(&scope->cancel)) listener(context);
  pthread_mutex_unlock(&tree);
}

bt_work_scope_reason bt_work_scope_why(const bt_work_scope *scope) {
  return (bt_work_scope_reason)atomic_load(&scope->reason);
}

void bt_work_scope_end(bt_work_scope *scope) {
  /* Without the lock of the tree, which a deadline that is being met takes. */
  if (scope->has_deadline) bt_timer_clear(scope->timer, &scope->deadline);
  pthread_mutex_lock(&tree);
  assert(!scope->children);
  if (scope->previous)
    scope->previous->next = scope->next;
  else if (scope->parent)
    scope->parent->children = scope->next;
  if (scope->next) scope->next->previous = scope->previous;
  scope->parent = scope->previous = scope->next = NULL;
  pthread_mutex_unlock(&tree);
}

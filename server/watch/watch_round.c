/* See watch_round.h. */
#include "server/watch/watch_round.h"

void bt_watch_cost_add(bt_watch_cost *cost, const bt_source_account *account) {
  cost->requests += account->requests;
  cost->bytes_inspected += account->bytes_inspected;
}

const char *bt_watch_round_scope(const bt_watch_round *round) {
  return round->tenant[0] ? round->tenant : NULL;
}

/* What an answer leaves behind it. */
static bt_status end_asking(bt_status status, const char *what, bt_source_account *account, bt_watch_cost *cost,
                            bt_error *error) {
  if (status == BT_OK && account->failed_count)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s%.190s", what, account->failed[0].reason);
  bt_watch_cost_add(cost, account);
  bt_source_account_dispose(account);
  return status;
}

bt_status bt_watch_round_search(const bt_watch_round *round, bt_source *source, bt_search_request request,
                                const char *what, bt_found_list *found, bt_watch_cost *cost, bt_error *error) {
  bt_source_account account = {0};
  request.tenant = bt_watch_round_scope(round);
  request.cancel = round->cancel;
  bt_status status = bt_source_search(source, &request, found, &account, error);
  return end_asking(status, what, &account, cost, error);
}

bt_status bt_watch_round_read(const bt_watch_round *round, bt_source *source, bt_read_request request, const char *what,
                              bt_read_sink sink, void *context, bt_watch_cost *cost, bt_error *error) {
  bt_source_account account = {0};
  request.tenant = bt_watch_round_scope(round);
  request.cancel = round->cancel;
  request.priority = BT_PRIORITY_WATCH;
  bt_status status = bt_source_read(source, &request, sink, context, &account, error);
  return end_asking(status, what, &account, cost, error);
}

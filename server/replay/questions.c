/* What a replay asks. See questions.h. Asking and taking are two steps: what follows from an answer is taken when all
 * are gathered, in the order of the table, so that the same answers always give the same coverage. */
#include "server/replay/questions.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/base/arena.h"

/* Sets, and answers that were taken and are not joined with the table yet. */
static size_t count_bytes(const void *context) {
  const bt_questions *questions = context;
  size_t sets = 0, found = 0;
  for (size_t i = 0; i < questions->count; i++) {
    const bt_question *question = questions->items[i];
    sets += question->bits ? 1 : 0;
    if (question->is_taken && !question->is_gathered) found += question->found.capacity;
  }
  return sets * questions->table->word_count * sizeof(uint64_t) + found * sizeof(bt_found);
}

void bt_questions_open(bt_questions *questions) {
  questions->projection = &questions->plan->projection;
  questions->own_are_known = !questions->plan->filters;
  bt_trace_table_register(questions->table, (bt_trace_holder){questions, count_bytes});
}

/* ---- the table of distinct filters ---- */

size_t bt_questions_find(const bt_questions *questions, bt_query query) {
  bt_table_walk walk = bt_table_find(&questions->numbers, bt_query_hash(query));
  while (bt_table_next(&questions->numbers, &walk))
    if (bt_query_equal(questions->items[walk.number]->query, query)) return walk.number;
  return questions->count;
}

const bt_question *bt_questions_get(const bt_questions *questions, bt_query query) {
  size_t number = bt_questions_find(questions, query);
  assert(number < questions->count);
  return questions->items[number];
}

static bt_status append_query(bt_questions *questions, bt_query query, bt_error *error) {
  bt_question **items =
      bt_grow_array(questions->items, questions->count, &questions->capacity, sizeof *questions->items);
  if (!items) return bt_error_no_memory(error);
  questions->items = items;
  bt_question *question = calloc(1, sizeof *question);
  if (!question || !bt_table_reserve(&questions->numbers, questions->count + 1)) {
    free(question);
    return bt_error_no_memory(error);
  }
  question->query = query;
  bt_table_add(&questions->numbers, bt_query_hash(query), questions->count);
  items[questions->count++] = question;
  return BT_OK;
}

bt_status bt_questions_add(bt_questions *questions, bt_query query, bool is_over, size_t *index, bt_error *error) {
  *index = bt_questions_find(questions, query);
  bt_status status = *index == questions->count ? append_query(questions, query, error) : BT_OK;
  if (status == BT_OK && is_over) questions->items[*index]->is_over = true;
  return status;
}

static void free_question(bt_question *question) {
  bt_source_drop(question->search.ahead);
  bt_found_list_dispose(&question->found);
  bt_source_account_dispose(&question->account);
  free(question->bits);
  free(question);
}

void bt_questions_drop_last(bt_questions *questions) {
  questions->count--;
  bt_table_remove(&questions->numbers, bt_query_hash(questions->items[questions->count]->query), questions->count);
  free_question(questions->items[questions->count]);
}

void bt_questions_add_untaken(bt_questions *questions) {
  bt_questions_end_ahead(questions);
  for (size_t i = 0; i < questions->count; i++) {
    bt_question *question = questions->items[i];
    if (question->is_taken || !(question->is_answered || question->is_begun)) continue;
    question->is_taken = true;
    bt_account_add_cost(questions->account, &question->account);
  }
}

void bt_questions_dispose(bt_questions *questions) {
  while (questions->count) free_question(questions->items[--questions->count]); /* their filters may be gone */
  bt_table_dispose(&questions->numbers);
  free(questions->items);
}

/* ---- asking ---- */

static int compare_failed(const void *a, const void *b) {
  const bt_failed_window *x = a, *y = b;
  return (x->range.start_ns > y->range.start_ns) - (x->range.start_ns < y->range.start_ns);
}

/* Whether the failed windows leave nothing of the range; sorts them. */
static bool failed_everywhere(bt_source_account *account, bt_time_range range) {
  if (!account->failed_count) return false;
  qsort(account->failed, account->failed_count, sizeof *account->failed, compare_failed);
  int64_t reached_ns = range.start_ns;
  for (size_t i = 0; i < account->failed_count && account->failed[i].range.start_ns <= reached_ns; i++)
    if (account->failed[i].range.end_ns > reached_ns) reached_ns = account->failed[i].range.end_ns;
  return reached_ns >= range.end_ns;
}

/* Nothing of a search was answered: is the source gone? Then nothing more is asked, because every question would
 * wait for its retries. */
static bool is_gone(const bt_questions *questions, const bt_question *question) {
  bt_error error = {0};
  if (question->status == BT_UNAVAILABLE) return true;
  return question->status == BT_OK && question->is_lost &&
         bt_source_check(questions->source, questions->plan->request.cancel, &error) != BT_OK;
}

/* The reason of the first loss is what the outcome and later losses say. */
static void remember_loss(bt_questions *questions, const char *reason) {
  if (!questions->lost_reason[0]) snprintf(questions->lost_reason, sizeof questions->lost_reason, "%.190s", reason);
}

static void skip_question(const bt_questions *questions, bt_question *question) {
  question->is_answered = question->is_skipped = true;
  question->status = bt_error_set(&question->why, BT_UNAVAILABLE, "%s", questions->lost_reason);
}

static bt_search_request search_of(const bt_questions *questions, const bt_question *question) {
  size_t room = questions->plan->request.memory_limit_bytes / sizeof(bt_known);
  bt_time_range range =
      question->range.start_ns < question->range.end_ns ? question->range : questions->plan->search_range;
  bt_search_request search = bt_replay_plan_search(questions->plan, question->query, range);
  search.max_found = question->max_found && question->max_found < room ? question->max_found : room;
  search.expected = question->expected;
  search.may_widen = !question->is_subtracted;
  return search;
}

/* Looks at what a search came to. */
static void take_search(bt_questions *questions, bt_question *question) {
  if (question->status != BT_OK) bt_found_list_sort(&question->found);
  question->is_lost = question->status == BT_OK && failed_everywhere(&question->account, question->search.range);
  question->is_answered = true;
  if (questions->source_lost || !is_gone(questions, question)) return;
  remember_loss(questions, question->is_lost ? question->account.failed[0].reason : question->why.message);
  questions->source_lost = true;
}

void bt_questions_begin(bt_questions *questions, bt_question *question) {
  if (question->is_begun || questions->source_lost) return;
  question->is_begun = true;
  question->search = search_of(questions, question);
  question->search.ahead =
      bt_source_begin(questions->source, (bt_asked){BT_AHEAD_SEARCH, .search = &question->search}, &question->account);
}

static void finish_question(bt_questions *questions, bt_question *question) {
  question->status =
      bt_source_search(questions->source, &question->search, &question->found, &question->account, &question->why);
  bt_source_drop(question->search.ahead);
  question->search.ahead = NULL;
  question->is_begun = false;
  take_search(questions, question);
}

/* At most as many as the source takes at once. */
static void ask_together(bt_questions *questions, bt_question *const *asked, size_t count) {
  for (size_t i = 0; i < count; i++) bt_questions_begin(questions, asked[i]);
  for (size_t i = 0; i < count; i++) finish_question(questions, asked[i]);
}

void bt_questions_ask(bt_questions *questions, bt_question *question) {
  if (questions->source_lost && !question->is_begun)
    skip_question(questions, question);
  else
    ask_together(questions, &question, 1);
}

bt_status bt_questions_ask_apart(bt_questions *questions, bt_question *question, bt_found_list *found,
                                 bt_error *error) {
  bt_questions_ask(questions, question);
  bt_source_account *account = &question->account;
  *found = question->found;
  question->found = (bt_found_list){0};
  bt_account_add_cost(questions->account, account);
  bt_status status = question->status;
  if (status != BT_OK) status = bt_error_set(error, status, "%s", question->why.message);
  if ((status == BT_OK || status == BT_LIMIT) && account->failed_count)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s", account->failed[0].reason);
  bt_source_account_dispose(account);
  return status;
}

bt_status bt_questions_try(bt_questions *questions, bt_query query, bt_time_range range, size_t max_found,
                           bt_found_list *found, bt_error *error) {
  bt_search_request search = bt_replay_plan_search(questions->plan, query, range);
  bt_source_account account = {0};
  search.max_found = max_found;
  search.expected = BT_EXPECTS_FEW;
  bt_status status = bt_source_search(questions->source, &search, found, &account, error);
  if (status == BT_OK && account.failed_count)
    status = bt_error_set(error, BT_UNAVAILABLE, "%s", account.failed[0].reason);
  bt_account_add_cost(questions->account, &account);
  bt_source_account_dispose(&account);
  return status;
}

/* ---- taking ---- */

/* The source did not answer at all: one failed window with its reason. */
static bt_status take_loss(bt_questions *questions, bt_question *question, const char *reason, bt_error *error) {
  question->is_lost = true;
  question->is_complete = false;
  if (!question->is_over) return BT_OK;
  return bt_account_fail(questions->account, questions->plan->search_range, reason, error);
}

static bt_status take_answer(bt_questions *questions, bt_question *question, bt_error *error) {
  bt_status status = question->status;
  question->is_taken = true;
  if (question->is_skipped) return take_loss(questions, question, questions->lost_reason, error);
  if (status == BT_OK) {
    question->is_complete = question->account.failed_count == 0;
    if (question->is_lost) remember_loss(questions, question->account.failed[0].reason);
    return bt_account_add(questions->account, &question->account, question->is_over, error);
  }
  bt_account_add_cost(questions->account, &question->account); /* it was asked all the same */
  if (status == BT_CANCELLED || status == BT_NO_MEMORY) {
    if (error) *error = question->why;
    return status;
  }
  if (status == BT_LIMIT && question->max_found) { /* more than was wanted */
    question->is_exceeded = true;
    if (!question->keeps_part) bt_found_list_dispose(&question->found);
    return BT_OK;
  }
  remember_loss(questions, question->why.message);
  return take_loss(questions, question, question->why.message, error);
}

/* ---- gathering ---- */

static bt_status make_bits(bt_questions *questions, bt_question *question, bt_error *error) {
  if (!(question->bits = bt_bits_new(questions->table))) return bt_error_no_memory(error);
  size_t known = 0;
  for (size_t i = 0; i < question->found.count; i++) {
    const bt_trace_id *id = &question->found.items[i].id;
    int order = -1;
    while (known < questions->table->count &&
           (order = bt_trace_id_compare(&questions->table->traces[known].matched.id, id)) < 0)
      known++;
    if (order == 0 && known < questions->table->count) bt_bit_set(question->bits, known);
  }
  bt_found_list_dispose(&question->found);
  return BT_OK;
}

/* The old table and the new one are there at the same time. */
static bt_status hold_both_tables(bt_questions *questions, bt_error *error) {
  size_t most = questions->table->count;
  for (size_t i = 0; i < questions->count; i++)
    if (questions->items[i]->is_taken && !questions->items[i]->is_gathered) most += questions->items[i]->found.count;
  return bt_trace_table_hold(questions->table, most * sizeof *questions->table->traces, error);
}

/* What is subtracted only finds traces to leave out: it makes none known. */
static bt_status gather_found(bt_questions *questions, bt_error *error) {
  questions->table->word_count = questions->table->count / 64 + 1;
  bt_status status = hold_both_tables(questions, error);
  for (size_t i = 0; status == BT_OK && i < questions->count; i++) {
    const bt_question *question = questions->items[i];
    if (!question->is_taken || question->is_gathered || question->is_subtracted || !question->found.count) continue;
    status = bt_trace_table_join(questions->table, &question->found,
                                 i == BT_QUESTION_ALL ? BT_KNOWN_LISTED : BT_KNOWN_MATCHED, error);
  }
  for (size_t i = 0; status == BT_OK && i < questions->count; i++) {
    bt_question *question = questions->items[i];
    if (!question->is_taken || question->is_gathered) continue;
    question->is_gathered = true;
    status = make_bits(questions, question, error);
  }
  return status == BT_OK ? bt_trace_table_hold(questions->table, 0, error) : status;
}

/* The n-th in the order in which they are asked: the listing comes last. */
static bt_question *question_at(const bt_questions *questions, size_t n) {
  return questions->items[(n + 1) % questions->count];
}

static bool ends_all(const bt_question *question) {
  return question->status == BT_CANCELLED || question->status == BT_NO_MEMORY;
}

/* Only where it is known that what is subtracted can go beside what finds the candidates is there more than one at
 * once: each keeps a place of the client's budget, of which there may be two for everybody. */
static size_t most_at_once(const bt_questions *questions) {
  bool is_one = questions->source_lost || !questions->plan->trust.subtracted_from;
  return is_one ? 1 : bt_source_searches_at_once(questions->source);
}

/* More traces are known than it may list: it would end as one that exceeds that. */
static bool is_surely_exceeded(const bt_questions *questions, const bt_question *question) {
  if (question != questions->items[BT_QUESTION_ALL] || !question->max_found || question->is_begun) return false;
  for (size_t i = BT_QUESTION_ALL + 1; i < questions->count; i++) {
    const bt_question *other = questions->items[i];
    bool is_of_range =
        other->range.start_ns == question->range.start_ns && other->range.end_ns == question->range.end_ns;
    if (other->is_answered && is_of_range && other->found.count > question->max_found) return true;
  }
  return false;
}

static void leave_exceeded(bt_question *question) {
  question->is_answered = true;
  question->status = BT_LIMIT;
}

/* The next that wait; those that follow on a lost source are skipped. */
static size_t take_waiting(bt_questions *questions, size_t *n, bt_question *waiting[BT_SEARCHES_AT_ONCE]) {
  size_t count = 0, most = most_at_once(questions);
  for (; *n < questions->count && count < most; ++*n) {
    bt_question *question = question_at(questions, *n);
    if (!question->is_asked || question->is_answered) continue;
    if (questions->source_lost && !question->is_begun)
      skip_question(questions, question);
    else if (is_surely_exceeded(questions, question))
      leave_exceeded(question);
    else
      waiting[count++] = question;
  }
  return count;
}

/* Until one ends all: what follows it has no answer then, and nobody looks for one. */
static void ask_waiting(bt_questions *questions) {
  bt_question *waiting[BT_SEARCHES_AT_ONCE];
  bool goes_on = true;
  for (size_t n = 0, count; goes_on && (count = take_waiting(questions, &n, waiting)) > 0;) {
    ask_together(questions, waiting, count);
    for (size_t i = 0; i < count; i++) goes_on = goes_on && !ends_all(waiting[i]);
  }
}

bt_status bt_questions_gather(bt_questions *questions, bt_error *error) {
  bt_status status = BT_OK;
  ask_waiting(questions);
  for (size_t n = 0; status == BT_OK && n < questions->count; n++) {
    bt_question *question = question_at(questions, n);
    if (question->is_asked && !question->is_taken) status = take_answer(questions, question, error);
  }
  if (status != BT_OK) return status;
  const bt_question *all = questions->items[BT_QUESTION_ALL];
  questions->table->is_listed = all->is_taken && all->is_complete && !all->is_exceeded;
  return gather_found(questions, error);
}

bool bt_questions_all_lost(const bt_questions *questions) {
  size_t needed = 0;
  for (size_t i = 0; i < questions->count; i++) {
    const bt_question *question = questions->items[i];
    bool is_needed = i == BT_QUESTION_ALL ? questions->plan->needs_every_trace : question->is_over;
    if (is_needed && !question->is_lost) return false;
    if (is_needed) needed++;
  }
  /* Rules that cannot be violated need no search: then the listing alone tells whether the source is there. */
  return needed || questions->items[BT_QUESTION_ALL]->is_lost;
}

/* ---- others ---- */

bt_ahead *bt_questions_ahead(bt_questions *questions, bt_asked asked) {
  return questions->source_lost ? NULL : bt_source_begin(questions->source, asked, &questions->ahead_account);
}

void bt_questions_keep_ahead(bt_questions *questions, bt_asked asked) {
  if (questions->ahead[asked.kind]) return;
  bt_ahead *ahead = bt_questions_ahead(questions, asked);
  bool goes_on = ahead && ahead->status == BT_OK;
  if (!goes_on) bt_source_drop(ahead);
  questions->ahead[asked.kind] = goes_on ? ahead : NULL;
}

void bt_questions_end_ahead(bt_questions *questions) {
  for (size_t kind = BT_AHEAD_KINDS; kind-- > 0; questions->ahead[kind] = NULL)
    bt_source_drop(questions->ahead[kind]); /* spans rest on what came before them */
  bt_account_add_cost(questions->account, &questions->ahead_account);
  bt_source_account_dispose(&questions->ahead_account);
}

/* So that the source works on both while the answers to the first are decoded. */
static bt_ahead *begin_both(bt_questions *questions, const bt_spans_request *first, const bt_spans_request *second) {
  bt_spans_request beside = *second;
  bt_ahead *ahead = bt_questions_ahead(questions, (bt_asked){BT_AHEAD_SPANS, .spans = first});
  beside.ahead = first->ahead;
  if (ahead && ahead->status == BT_OK) bt_questions_keep_ahead(questions, (bt_asked){BT_AHEAD_SPANS, .spans = &beside});
  return ahead;
}

bt_status bt_questions_find_spans(bt_questions *questions, const bt_spans_request *request,
                                  const bt_spans_request *beside, bt_spans_sink sink, void *context, bt_error *error) {
  bt_source_account account = {0};
  bt_spans_request asked = *request;
  bt_ahead *begun = NULL;
  asked.ahead =
      questions->ahead[BT_AHEAD_SPANS] ? questions->ahead[BT_AHEAD_SPANS] : questions->ahead[BT_AHEAD_BEFORE_SPANS];
  if (beside && asked.ahead) begun = begin_both(questions, &asked, beside);
  if (begun) asked.ahead = begun;
  bt_status status = bt_source_find_spans(questions->source, &asked, sink, context, &account, error);
  bt_source_drop(begun);
  bt_account_add_cost(questions->account, &account);
  bt_source_account_dispose(&account);
  return status;
}

bt_status bt_questions_read(bt_questions *questions, const bt_read_request *request, bt_read_sink sink, void *context,
                            bool is_over, bt_answer *answer, bt_error *error) {
  bt_source_account account = {0};
  bt_read_request asked = *request;
  *answer = (bt_answer){0};
  if (request->by_id) asked.ahead = questions->ahead[BT_AHEAD_BY_ID];
  answer->status = bt_source_read(questions->source, &asked, sink, context, &account, &answer->why);
  answer->is_whole = !account.failed_count;
  bt_source_drop(request->ahead);
  bt_status added = bt_account_add(questions->account, &account, is_over, error);
  bt_source_account_dispose(&account);
  return added;
}

bt_status bt_questions_find_linking(bt_questions *questions, const bt_links_request *request, bt_found_list *found,
                                    bt_answer *answer, bt_error *error) {
  bt_source_account account = {0};
  *answer = (bt_answer){0};
  answer->status = bt_source_find_linking(questions->source, request, found, &account, &answer->why);
  answer->is_whole = !account.failed_count;
  bt_status added = bt_account_add(questions->account, &account, true, error);
  bt_source_account_dispose(&account);
  return added;
}

/* One that did not answer at the beginning has been asked nothing before it could say what it is. */
void bt_questions_look_again(bt_questions *questions) {
  bt_coverage *coverage = &questions->account->result->coverage;
  const bt_replay_request *request = &questions->plan->request;
  bt_source_about *said = &coverage->source, now;
  if (!questions->source) return;
  bt_losses losses = bt_source_losses(questions->source, request->tenant, request->cancel);
  bt_coverage_add_losses(coverage, &losses, request->now_ns);
  bt_replay_plan_describe(questions->plan, questions->source, &now);
  if (!said->is_checked && !said->version[0])
    *said = now;
  else
    bt_source_about_join(said, &now);
}

bool bt_questions_are_of_one_source(const bt_questions *questions) {
  return questions->source && bt_source_known(questions->source).generation == questions->plan->generation;
}

void bt_questions_lose_source(bt_questions *questions, const char *reason) {
  questions->source_lost = true;
  snprintf(questions->lost_reason, sizeof questions->lost_reason, "%.190s", reason);
}

/* An assistant that answers customers with tools (OpenTelemetry's conventions for generative AI). From the last quarter
 * of the range on version 2.1.0 of it sends mail that nobody allowed, and at times does not come to an end. */
#include "server/cli/lab/sample_maker.h"

static const int64_t MS = BT_SAMPLE_MS;
enum { MOST_QUESTIONS = 5, RUNAWAY_QUESTIONS = 28, TURN_MS = 900 };

static const char *const WEB = "support-web", *const AGENT = "support-agent", *const MODEL = "large-2";
static const char *const tools[] = {"search_orders", "read_faq", "lookup_customer"};

static void ask_model(bt_sample_maker *m, const bt_sample_span *agent, int64_t turn) {
  bt_sample_span *chat = bt_sample_add_span(m, AGENT, "chat large-2", BT_KIND_CLIENT, agent, (5 + turn * TURN_MS) * MS,
                                            bt_sample_between(m, 200, 600) * MS);
  bt_sample_set_string(chat, "gen_ai.operation.name", "chat");
  bt_sample_set_string(chat, "gen_ai.request.model", MODEL);
  bt_sample_set_int(chat, "gen_ai.usage.input_tokens", 600 + turn * bt_sample_between(m, 100, 300));
  bt_sample_set_int(chat, "gen_ai.request.max_tokens", 800);
  bt_sample_set_int(chat, "gen_ai.usage.output_tokens", bt_sample_between(m, 20, 400));
}

static bt_sample_span *use_tool(bt_sample_maker *m, const bt_sample_span *agent, const char *span, const char *tool,
                                int64_t turn) {
  bt_sample_span *used = bt_sample_add_span(m, AGENT, span, BT_KIND_INTERNAL, agent, (650 + turn * TURN_MS) * MS,
                                            bt_sample_between(m, 10, 200) * MS);
  bt_sample_set_string(used, "gen_ai.operation.name", "execute_tool");
  bt_sample_set_string(used, "gen_ai.tool.name", tool);
  return used;
}

/* The mail at the end, which somebody has to allow. */
static void send_mail(bt_sample_maker *m, const bt_sample_span *agent, int64_t turn, bool is_allowed) {
  if (is_allowed) {
    bt_sample_span *grant =
        bt_sample_add_span(m, AGENT, "approval.grant", BT_KIND_INTERNAL, agent, (610 + turn * TURN_MS) * MS, 20 * MS);
    bt_sample_set_string(grant, "gen_ai.tool.name", "send_email");
    bt_sample_set_string(grant, "approved.by", "shift-lead");
  } else {
    m->trace->faults |= 1u << BT_SAMPLE_UNAPPROVED;
  }
  use_tool(m, agent, "execute_tool send_email", "send_email", turn);
}

static void add_turns(bt_sample_maker *m, const bt_sample_span *agent, int64_t questions) {
  static const char *const names[] = {"execute_tool search_orders", "execute_tool read_faq",
                                      "execute_tool lookup_customer"};
  for (int64_t turn = 0; turn < questions; turn++) {
    ask_model(m, agent, turn);
    size_t tool = (size_t)bt_sample_between(m, 0, 3);
    if (turn < MOST_QUESTIONS && turn + 1 < questions) use_tool(m, agent, names[tool], tools[tool], turn);
  }
}

void bt_sample_make_agent(bt_sample_maker *m, const bt_sample_options *options, uint64_t index) {
  (void)index;
  bool is_new = bt_sample_is_new(m, options, m->start_ns);
  m->version = is_new ? "2.1.0" : "2.0.4";
  bool is_runaway = bt_sample_happens(m, 3) && is_new, sends_mail = bt_sample_happens(m, 30);
  int64_t questions = is_runaway ? RUNAWAY_QUESTIONS : bt_sample_between(m, 2, MOST_QUESTIONS + 1);
  int64_t length = (questions + 1) * TURN_MS * MS;
  bt_sample_span *root = bt_sample_add_span(m, WEB, "POST /assist", BT_KIND_SERVER, NULL, 0, length);
  bt_sample_span *agent =
      bt_sample_add_span(m, AGENT, "invoke_agent support", BT_KIND_INTERNAL, root, MS, length - 2 * MS);
  bt_sample_set_string(agent, "gen_ai.operation.name", "invoke_agent");
  bt_sample_set_string(agent, "gen_ai.agent.name", "support");
  if (is_runaway) m->trace->faults |= 1u << BT_SAMPLE_RUNAWAY;
  add_turns(m, agent, questions);
  if (sends_mail) send_mail(m, agent, questions - 1, !is_new || !bt_sample_happens(m, 40));
}

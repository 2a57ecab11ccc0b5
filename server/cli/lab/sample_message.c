/* Orders through a queue. Order k is published in trace 2k and processed in trace 2k + 1, which links to the span that
 * published it. From the last quarter of the range on a new version of the consumer, 2.4.1, puts nothing aside when
 * processing fails, and loses a message now and then: then there is no second trace. */
#include "server/cli/lab/sample_maker.h"

static const int64_t MS = BT_SAMPLE_MS;
enum { PUBLISH_SPAN = 2, LONGEST_WAIT_MS = 2000 };

static const char *const SHOP = "order-service", *const WORKER = "fulfilment-worker", *const TOPIC = "orders";

static void describe_message(bt_sample_span *span, const char *operation, const char *destination, uint64_t message) {
  bt_sample_set_string(span, "messaging.system", "kafka");
  bt_sample_set_string(span, "messaging.operation.type", operation);
  bt_sample_set_string(span, "messaging.destination.name", destination);
  bt_sample_set_int(span, "messaging.message.id", (int64_t)message);
}

/* Whether the consumer of an order is the new one, and whether it loses it: by the order alone, so that both of its
 * traces agree. */
typedef struct fate {
  bool is_new, is_lost, fails;
} fate;

static fate fate_of(const bt_sample_options *options, uint64_t order, int64_t at_ns) {
  bt_sample_maker m = {.state = options->seed * 0xD1B54A32D192ED03u ^ (order + 1) * 0x9E3779B97F4A7C15u};
  fate f = {.is_new = bt_sample_is_new(&m, options, at_ns)};
  f.is_lost = bt_sample_happens(&m, 3) && f.is_new;
  f.fails = bt_sample_happens(&m, f.is_new ? 4 : 1);
  return f;
}

static void make_published(bt_sample_maker *m, const bt_sample_options *options, uint64_t order) {
  m->version = "3.0.0";
  m->start_ns -= (LONGEST_WAIT_MS + 200) * MS; /* so that what processes it begins within the range, too */
  bt_sample_span *root =
      bt_sample_add_span(m, SHOP, "POST /orders", BT_KIND_SERVER, NULL, 0, bt_sample_between(m, 30, 120) * MS);
  bt_sample_set_double(root, "order.total", (double)bt_sample_between(m, 500, 250000) / 100);
  bt_sample_add_span(m, SHOP, "db.commit", BT_KIND_CLIENT, root, 5 * MS, bt_sample_between(m, 2, 9) * MS);
  bt_sample_span *sent =
      bt_sample_add_span(m, SHOP, "publish orders", BT_KIND_PRODUCER, root, 16 * MS, bt_sample_between(m, 1, 8) * MS);
  describe_message(sent, "publish", TOPIC, order);
  if (fate_of(options, order, m->start_ns).is_lost) m->trace->faults |= 1u << BT_SAMPLE_LOST;
}

static void make_processed(bt_sample_maker *m, const bt_sample_options *options, uint64_t order) {
  bt_sample_trace published;
  bt_sample_trace_make(options, 2 * order, &published);
  const bt_export_span *sent = &published.spans[PUBLISH_SPAN].span;
  fate f = fate_of(options, order, published.spans[0].span.start_ns);
  if (f.is_lost) return;
  m->version = f.is_new ? "2.4.1" : "2.4.0";
  m->start_ns = sent->end_ns + bt_sample_between(m, 20, LONGEST_WAIT_MS) * MS;
  bt_sample_span *work =
      bt_sample_add_span(m, WORKER, "process orders", BT_KIND_CONSUMER, NULL, 0, bt_sample_between(m, 40, 400) * MS);
  describe_message(work, "process", TOPIC, order);
  work->links[0] = (bt_link){.trace_id = sent->trace_id, .span_id = sent->span_id};
  work->span.link_count = 1;
  bt_sample_add_span(m, WORKER, "shipment.create", BT_KIND_CLIENT, work, 8 * MS, bt_sample_between(m, 5, 30) * MS);
  if (!f.fails) return;
  bt_sample_fail(work, "address cannot be read");
  if (f.is_new) {
    m->trace->faults |= 1u << BT_SAMPLE_NO_DEAD_LETTER;
    return;
  }
  bt_sample_span *aside = bt_sample_add_span(m, WORKER, "publish orders-dead-letter", BT_KIND_PRODUCER, work, 401 * MS,
                                             bt_sample_between(m, 1, 8) * MS);
  describe_message(aside, "publish", "orders-dead-letter", order);
}

void bt_sample_make_message(bt_sample_maker *m, const bt_sample_options *options, uint64_t index) {
  if (index % 2)
    make_processed(m, options, index / 2);
  else
    make_published(m, options, index / 2);
}

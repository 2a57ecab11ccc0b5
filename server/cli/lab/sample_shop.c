/* A checkout in a small shop. In the scenario `rollout` version 1.4.3 comes to eu-west-1, instance by instance: its
 * queries are slower, it does not retry them, it writes no audit span for one tenant, and its payments take longer. In
 * `noise` the same version comes and does nothing wrong; the same faults happen now and then everywhere. In `none`
 * there is one version, and faults stand at even distances. */
#include "server/cli/lab/sample_maker.h"

static const char *const WEB = "web-frontend", *const CHECKOUT = "checkout-service",
                         *const INVENTORY = "inventory-service", *const PAYMENT = "payment-service",
                         *const PROFILE = "profile-service";
static const char *const regions[] = {"eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"};
static const char *const tenants[] = {"acme", "globex", "initech", "umbrella"};
enum { REGIONS = 4, TENANTS = 4, HIT_REGION = 0, HIT_TENANT = 1 };
static const int64_t MS = BT_SAMPLE_MS;

typedef struct purchase {
  bt_sample_maker *m;
  uint64_t index;
  bool has_story; /* not `none`: regions and tenants, and what is wrong depends on them */
  bool is_broken; /* made by the version that brought the incident */
  size_t region, tenant;
} purchase;

static bool has_fault(const purchase *c, bt_sample_fault fault) {
  return c->m->trace->faults & 1u << fault;
}

static void add_fault(purchase *c, bt_sample_fault fault) {
  c->m->trace->faults |= 1u << fault;
}

/* ---- where it happens ---- */

/* `none`: faults at evenly spaced numbers, each kind at its own offset. */
static void plant_evenly(purchase *c, const bt_sample_options *options) {
  if (!options->violations) return;
  uint64_t stride = options->traces / options->violations, place = c->index % stride;
  if (c->index / stride >= options->violations) return;
  if (place == stride / 2)
    add_fault(c, BT_SAMPLE_SLOW_QUERY);
  else if (place == stride / 3)
    add_fault(c, BT_SAMPLE_EU_PAYMENT);
  else if (place == stride / 5)
    add_fault(c, BT_SAMPLE_UNAUDITED);
}

/* What happens now and then, whoever runs: a payment that fails for a user of eu-west-1, and in `noise` the rest. */
static void plant_at_random(purchase *c, bool is_noise) {
  uint64_t number = bt_sample_next(c->m) % 1000;
  if (c->region == HIT_REGION && number < 3) add_fault(c, BT_SAMPLE_EU_PAYMENT);
  if (is_noise && number >= 10 && number < 13) add_fault(c, BT_SAMPLE_SLOW_QUERY);
  if (is_noise && number >= 20 && number < 23) add_fault(c, BT_SAMPLE_UNAUDITED);
}

/* Two of five users are of eu-west-1, the others of one of the three other regions. */
static void choose_place(purchase *c, const bt_sample_options *options) {
  bt_sample_maker *m = c->m;
  c->region = bt_sample_happens(m, 40) ? HIT_REGION : (size_t)bt_sample_between(m, HIT_REGION + 1, REGIONS);
  c->tenant = (size_t)bt_sample_between(m, 0, TENANTS);
  bool is_new = bt_sample_is_new(m, options, m->start_ns) && c->region == HIT_REGION;
  m->version = is_new ? "1.4.3" : "1.4.2";
  m->region = regions[c->region];
  c->is_broken = is_new && options->scenario == BT_SAMPLE_ROLLOUT;
  plant_at_random(c, options->scenario == BT_SAMPLE_NOISE);
}

/* ---- spans ---- */

/* The query, slow with a retry in some right traces, slow without one where that is the fault. */
static void add_query(purchase *c, const bt_sample_span *parent) {
  bt_sample_maker *m = c->m;
  bool is_slow = has_fault(c, BT_SAMPLE_SLOW_QUERY) || bt_sample_happens(m, c->is_broken ? 25 : 5);
  if (is_slow && c->is_broken) add_fault(c, BT_SAMPLE_SLOW_QUERY);
  int64_t duration = is_slow ? bt_sample_between(m, 1050, 4000) * MS : bt_sample_between(m, 5, 900) * MS;
  if (!is_slow && c->index % 97 == 0) duration = 1000 * MS; /* exactly 1 s is not over 1 s */
  bt_sample_span *query = bt_sample_add_span(m, INVENTORY, "db.query", BT_KIND_CLIENT, parent, 12 * MS, duration);
  bt_sample_set_string(query, "db.system", "postgresql");
  bt_sample_set_int(query, "db.rows", bt_sample_between(m, 0, 500));
  if (!is_slow || has_fault(c, BT_SAMPLE_SLOW_QUERY)) return;
  bt_sample_fail(query, "statement timeout");
  bt_sample_span *retry = bt_sample_add_span(m, INVENTORY, "retry", BT_KIND_CLIENT, parent, 14 * MS + duration,
                                             bt_sample_between(m, 5, 60) * MS);
  bt_sample_set_int(retry, "retry.attempt", 1);
}

static void add_payment(purchase *c, const bt_sample_span *parent, double amount) {
  bt_sample_maker *m = c->m;
  int64_t duration = bt_sample_between(m, 20, 300) * MS * (c->is_broken ? 3 : 1);
  bt_sample_span *payment =
      bt_sample_add_span(m, PAYMENT, "payment.process", BT_KIND_SERVER, parent, 40 * MS, duration);
  bt_sample_set_double(payment, "amount", amount);
  bt_sample_set_string(payment, "currency", bt_sample_happens(m, 70) ? "EUR" : "USD");
  if (amount > 1000)
    bt_sample_add_span(m, PAYMENT, "fraud-check", BT_KIND_INTERNAL, payment, 42 * MS, bt_sample_between(m, 2, 15) * MS);
}

static void fail_payment(bt_sample_trace *trace) {
  for (size_t i = 0; i < trace->span_count; i++)
    if (bt_str_equal(trace->spans[i].span.name, BT_STR("payment.process")))
      bt_sample_fail(&trace->spans[i], "card declined");
}

/* Failed payments happen everywhere; together with eu-west-1 only where that is the fault. */
static const char *settle_region(purchase *c) {
  bool is_fault = has_fault(c, BT_SAMPLE_EU_PAYMENT), fails = is_fault || bt_sample_happens(c->m, 3);
  if (c->has_story) {
    if (is_fault || (fails && c->region != HIT_REGION)) fail_payment(c->m->trace);
    return regions[c->region];
  }
  const char *region = is_fault ? regions[HIT_REGION] : regions[bt_sample_between(c->m, fails ? 1 : 0, REGIONS)];
  if (fails) fail_payment(c->m->trace);
  return region;
}

static void add_data_access(purchase *c, const bt_sample_span *parent) {
  bt_sample_maker *m = c->m;
  bool is_fault = has_fault(c, BT_SAMPLE_UNAUDITED);
  if (!is_fault && !bt_sample_happens(m, 30)) return;
  bool is_personal = is_fault || bt_sample_happens(m, 50);
  bt_sample_span *access =
      bt_sample_add_span(m, PROFILE, "data.access", BT_KIND_SERVER, parent, 6 * MS, bt_sample_between(m, 2, 40) * MS);
  bt_sample_set_string(access, "data.classification", is_personal ? "PII" : "public");
  if (is_personal && c->is_broken && c->tenant == HIT_TENANT) add_fault(c, BT_SAMPLE_UNAUDITED);
  if (is_personal && !has_fault(c, BT_SAMPLE_UNAUDITED))
    bt_sample_add_span(m, PROFILE, "audit.log", BT_KIND_INTERNAL, access, 7 * MS, MS);
}

/* ---- the whole ---- */

/* The span whose coming late matters most: the one that makes a trace right, or the one that makes it wrong. */
static void mark_late(bt_sample_trace *trace) {
  static const char *const names[] = {"retry", "audit.log", "db.query"};
  for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
    for (size_t i = 0; i < trace->span_count; i++) {
      if (!bt_str_equal(trace->spans[i].span.name, bt_str_from(names[n]))) continue;
      trace->spans[i].is_late = true;
      return;
    }
  }
}

/* A parent ends after its children. */
static void stretch_parents(bt_sample_trace *trace) {
  int64_t latest = 0;
  for (size_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].span.end_ns > latest) latest = trace->spans[i].span.end_ns;
  trace->spans[1].span.end_ns = latest + MS;
  trace->spans[0].span.end_ns = latest + 2 * MS;
}

void bt_sample_make_shop(bt_sample_maker *m, const bt_sample_options *options, uint64_t index) {
  purchase c = {.m = m, .index = index, .has_story = options->scenario != BT_SAMPLE_NONE};
  m->version = "1.4.2";
  if (c.has_story)
    choose_place(&c, options);
  else
    plant_evenly(&c, options);
  double amount = (double)bt_sample_between(m, 500, 250000) / 100;
  bt_sample_span *root = bt_sample_add_span(m, WEB, "POST /checkout", BT_KIND_SERVER, NULL, 0, MS);
  bt_sample_span *checkout = bt_sample_add_span(m, CHECKOUT, "checkout", BT_KIND_INTERNAL, root, 3 * MS, MS);
  bt_sample_set_double(checkout, "amount", amount);
  add_data_access(&c, checkout);
  add_query(&c, checkout);
  add_payment(&c, checkout, amount);
  bt_sample_set_string(root, "user.region", settle_region(&c));
  bt_sample_set_string(root, "http.request.method", "POST");
  if (c.has_story) bt_sample_set_string(root, "tenant", tenants[c.tenant]);
  if (index % 20 == 7 || (m->trace->faults && index % 3 == 0)) mark_late(m->trace);
  stretch_parents(m->trace);
}

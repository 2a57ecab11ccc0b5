/* Making sample traces. See sample_traces.h. Every value of a trace comes from a generator that is seeded by the seed
 * and the trace's number, so that any trace can be made alone. */
#include "server/cli/lab/sample_traces.h"

#include <string.h>

const char *const bt_sample_services[BT_SAMPLE_SERVICES] = {"web-frontend", "checkout-service", "inventory-service",
                                                            "payment-service", "profile-service"};
const char *const bt_sample_fault_names[BT_SAMPLE_FAULTS] = {"", "slow-db-no-retry", "incident-pattern", "pii-audit"};

enum { WEB, CHECKOUT, INVENTORY, PAYMENT, PROFILE };

static const int64_t MS = 1000000;

typedef struct maker {
  uint64_t state; /* of splitmix64 */
  bt_sample_trace *trace;
  bt_trace_id trace_id;
  int64_t start_ns;
} maker;

static uint64_t next_number(maker *m) {
  m->state += 0x9E3779B97F4A7C15u;
  uint64_t z = m->state;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/* From low up to and without high. */
static int64_t number_between(maker *m, int64_t low, int64_t high) {
  return low + (int64_t)(next_number(m) % (uint64_t)(high - low));
}

static bool happens(maker *m, unsigned percent) {
  return next_number(m) % 100 < percent;
}

static void write_bytes(uint8_t *out, size_t count, uint64_t number) {
  for (size_t i = 0; i < count; i++) out[i] = (uint8_t)(number >> (8 * i));
}

/* Every 50th id begins with a zero digit or byte, as one in sixteen does in real life: Tempo strips leading zeros. */
static void make_trace_id(maker *m, uint64_t index) {
  write_bytes(m->trace_id.bytes, 8, next_number(m));
  write_bytes(m->trace_id.bytes + 8, 8, next_number(m) | 1);
  if (index % 50 == 3) m->trace_id.bytes[0] = 0;
  if (index % 50 == 4) m->trace_id.bytes[0] &= 0x0F;
}

static bt_sample_span *add_span(maker *m, uint32_t service, const char *name, bt_span_kind kind,
                                const bt_sample_span *parent, int64_t at_ns, int64_t duration_ns) {
  bt_sample_span *added = &m->trace->spans[m->trace->span_count++];
  *added = (bt_sample_span){.service = service};
  added->span = (bt_export_span){.trace_id = m->trace_id,
                                 .name = bt_str_from(name),
                                 .kind = kind,
                                 .start_ns = m->start_ns + at_ns,
                                 .end_ns = m->start_ns + at_ns + duration_ns,
                                 .attributes = added->attributes};
  write_bytes(added->span.span_id.bytes, 8, next_number(m) | 1);
  if (parent) added->span.parent_id = parent->span.span_id;
  return added;
}

static bt_value *add_attribute(bt_sample_span *span, const char *key) {
  bt_attribute *attribute = &span->attributes[span->span.attribute_count++];
  *attribute = (bt_attribute){.key = bt_str_from(key)};
  return &attribute->value;
}

static void set_string(bt_sample_span *span, const char *key, const char *value) {
  *add_attribute(span, key) = (bt_value){.type = BT_VALUE_STRING, .string = bt_str_from(value)};
}

/* The query, slow with a retry in some right traces, slow without one where that is the fault. */
static void add_query(maker *m, const bt_sample_span *parent, uint64_t index) {
  bool is_fault = m->trace->fault == BT_SAMPLE_SLOW_QUERY, is_slow = is_fault || happens(m, 5);
  int64_t duration = is_slow ? number_between(m, 1050, 4000) * MS : number_between(m, 5, 900) * MS;
  if (!is_slow && index % 97 == 0) duration = 1000 * MS; /* exactly 1 s is not over 1 s */
  bt_sample_span *query = add_span(m, INVENTORY, "db.query", BT_KIND_CLIENT, parent, 12 * MS, duration);
  set_string(query, "db.system", "postgresql");
  *add_attribute(query, "db.rows") = (bt_value){.type = BT_VALUE_INT, .integer = number_between(m, 0, 500)};
  if (!is_slow || is_fault) return;
  query->span.status = BT_SPAN_STATUS_ERROR;
  query->span.status_message = BT_STR("statement timeout");
  bt_sample_span *retry =
      add_span(m, INVENTORY, "retry", BT_KIND_CLIENT, parent, 14 * MS + duration, number_between(m, 5, 60) * MS);
  *add_attribute(retry, "retry.attempt") = (bt_value){.type = BT_VALUE_INT, .integer = 1};
}

static void add_payment(maker *m, const bt_sample_span *parent, double amount) {
  bt_sample_span *payment =
      add_span(m, PAYMENT, "payment.process", BT_KIND_SERVER, parent, 40 * MS, number_between(m, 20, 300) * MS);
  *add_attribute(payment, "amount") = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = amount};
  set_string(payment, "currency", happens(m, 70) ? "EUR" : "USD");
  if (amount > 1000)
    add_span(m, PAYMENT, "fraud-check", BT_KIND_INTERNAL, payment, 42 * MS, number_between(m, 2, 15) * MS);
}

/* Failed payments happen everywhere; together with eu-west-1 only where that is the fault. */
static const char *settle_region(maker *m) {
  static const char *const regions[] = {"eu-west-1", "eu-central-1", "us-east-1", "ap-south-1"};
  bool is_fault = m->trace->fault == BT_SAMPLE_EU_PAYMENT, fails = is_fault || happens(m, 3);
  const char *region = is_fault ? regions[0] : regions[number_between(m, fails ? 1 : 0, 4)];
  for (size_t i = 0; i < m->trace->span_count && fails; i++) {
    bt_export_span *span = &m->trace->spans[i].span;
    if (!bt_str_equal(span->name, BT_STR("payment.process"))) continue;
    span->status = BT_SPAN_STATUS_ERROR;
    span->status_message = BT_STR("card declined");
  }
  return region;
}

static void add_data_access(maker *m, const bt_sample_span *parent) {
  bool is_fault = m->trace->fault == BT_SAMPLE_UNAUDITED;
  if (!is_fault && !happens(m, 30)) return;
  bool is_personal = is_fault || happens(m, 50);
  bt_sample_span *access =
      add_span(m, PROFILE, "data.access", BT_KIND_SERVER, parent, 6 * MS, number_between(m, 2, 40) * MS);
  set_string(access, "data.classification", is_personal ? "PII" : "public");
  if (is_personal && !is_fault) add_span(m, PROFILE, "audit.log", BT_KIND_INTERNAL, access, 7 * MS, MS);
}

/* The span whose coming late matters most: the one that makes a trace right, or the one that makes it wrong. */
static void mark_late(maker *m) {
  static const char *const names[] = {"retry", "audit.log", "db.query"};
  for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
    for (size_t i = 0; i < m->trace->span_count; i++) {
      if (!bt_str_equal(m->trace->spans[i].span.name, bt_str_from(names[n]))) continue;
      m->trace->spans[i].is_late = true;
      return;
    }
  }
}

/* Faults are planted at evenly spaced numbers, each kind at its own offset. */
static bt_sample_fault fault_of(const bt_sample_options *options, uint64_t index) {
  if (!options->violations) return BT_SAMPLE_FAULTLESS;
  uint64_t stride = options->traces / options->violations, place = index % stride;
  if (index / stride >= options->violations) return BT_SAMPLE_FAULTLESS;
  if (place == stride / 2) return BT_SAMPLE_SLOW_QUERY;
  if (place == stride / 3) return BT_SAMPLE_EU_PAYMENT;
  if (place == stride / 5) return BT_SAMPLE_UNAUDITED;
  return BT_SAMPLE_FAULTLESS;
}

/* A parent ends after its children. */
static void stretch_parents(bt_sample_trace *trace) {
  int64_t latest = 0;
  for (size_t i = 0; i < trace->span_count; i++)
    if (trace->spans[i].span.end_ns > latest) latest = trace->spans[i].span.end_ns;
  trace->spans[1].span.end_ns = latest + MS;
  trace->spans[0].span.end_ns = latest + 2 * MS;
}

void bt_sample_trace_make(const bt_sample_options *options, uint64_t index, bt_sample_trace *out) {
  maker m = {.state = options->seed * 0x9E3779B97F4A7C15u ^ (index + 1) * 0xD1B54A32D192ED03u, .trace = out};
  *out = (bt_sample_trace){.fault = fault_of(options, index)};
  int64_t slot = (options->end_ns - options->start_ns) / (int64_t)(options->traces ? options->traces : 1);
  m.start_ns = options->start_ns + slot * (int64_t)index + (slot > 1 ? number_between(&m, 0, slot) : 0);
  make_trace_id(&m, index);
  double amount = (double)number_between(&m, 500, 250000) / 100;
  bt_sample_span *root = add_span(&m, WEB, "POST /checkout", BT_KIND_SERVER, NULL, 0, MS);
  bt_sample_span *checkout = add_span(&m, CHECKOUT, "checkout", BT_KIND_INTERNAL, root, 3 * MS, MS);
  *add_attribute(checkout, "amount") = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = amount};
  add_data_access(&m, checkout);
  add_query(&m, checkout, index);
  add_payment(&m, checkout, amount);
  set_string(root, "user.region", settle_region(&m));
  set_string(root, "http.request.method", "POST");
  if (index % 20 == 7 || (out->fault && index % 3 == 0)) mark_late(&m);
  stretch_parents(out);
  for (size_t i = 0; i < out->span_count; i++) out->spans[i].span.attributes = out->spans[i].attributes;
}

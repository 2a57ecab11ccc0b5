/* See foreign_names.h. */
#include "dsl/check/foreign_names.h"

#include <string.h>

#include "dsl/syntax/ast.h"

enum {
  BARE = BT_FOREIGN_BARE,
  SPAN = BT_FOREIGN_SPAN,
  EVENT = BT_FOREIGN_EVENT,
  LINK = BT_FOREIGN_LINK,
  RESOURCE = BT_FOREIGN_RESOURCE,
  OWN = BARE | SPAN /* hardly anybody has an attribute of that name */
};

typedef struct foreign_row {
  const char *name; /* lower case, without `_` and `-` */
  const char *ours; /* a field, a head, or advice: by the table */
  int owners;
} foreign_row;

/* A name that many programs give to attributes of their own stands under SPAN alone. */
static const foreign_row fields[] = {
    {"servicename", "span.service", OWN | RESOURCE},
    {"service.name", "span.service", SPAN}, /* bare it is where it should be: in the resource */
    {"resource.service.name", "span.service", OWN},
    {"service", "span.service", RESOURCE},
    {"localendpoint.servicename", "span.service", OWN}, /* Zipkin */
    {"process.servicename", "span.service", OWN},       /* Jaeger */
    {"spanname", "span.name", OWN},
    {"operationname", "span.name", OWN},    /* Jaeger */
    {"operation", "span.name", SPAN},       /* Jaeger, SigNoz */
    {"operation.name", "span.name", SPAN},  /* Datadog */
    {"resourcename", "span.name", OWN},     /* Datadog */
    {"transaction.name", "span.name", OWN}, /* Elastic APM */
    {"displayname", "span.name", SPAN},     /* Cloud Trace */
    {"spankind", "span.kind", OWN},
    {"type", "span.kind", SPAN}, /* Datadog, Elastic APM */
    {"spanstatus", "span.status", OWN},
    {"statuscode", "span.status", OWN},
    {"status.code", "span.status", OWN},
    {"otel.statuscode", "span.status", OWN},  /* Jaeger, Zipkin */
    {"statuscodestring", "span.status", OWN}, /* SigNoz */
    {"haserror", "span.status", OWN},         /* SigNoz */
    {"statusmessage", "span.status_message", OWN},
    {"status.message", "span.status_message", OWN},
    {"status.description", "span.status_message", OWN},
    {"statusdescription", "span.status_message", OWN},
    {"otel.statusdescription", "span.status_message", OWN},
    {"spanid", "span.id", OWN},
    {"traceid", "span.trace_id", OWN},
    {"trace.id", "span.trace_id", OWN}, /* Elastic APM */
    {"traceflags", "span.flags", OWN},
    {"droppedattributescount", "span.dropped_attributes_count", OWN},
    {"droppedattributes", "span.dropped_attributes_count", SPAN},
    {"otel.droppedattributescount", "span.dropped_attributes_count", OWN}, /* Jaeger, Zipkin */
    {"droppedeventscount", "span.dropped_events_count", OWN},
    {"droppedevents", "span.dropped_events_count", SPAN},
    {"otel.droppedeventscount", "span.dropped_events_count", OWN},
    {"droppedlinkscount", "span.dropped_links_count", OWN},
    {"droppedlinks", "span.dropped_links_count", SPAN},
    {"otel.droppedlinkscount", "span.dropped_links_count", OWN},
    {"parentspanid", "span.parent_id", OWN},
    {"parentid", "span.parent_id", OWN},
    {"parent", "span.parent_id", SPAN},
    {"parent.id", "span.parent_id", SPAN}, /* Elastic APM */
    {"durationms", "span.duration", OWN},
    {"durationus", "span.duration", OWN},
    {"durationns", "span.duration", OWN},
    {"durationnano", "span.duration", OWN}, /* SigNoz */
    {"durationnanos", "span.duration", OWN},
    {"durationmicros", "span.duration", OWN},
    {"durationmillis", "span.duration", OWN},
    {"durationseconds", "span.duration", SPAN},
    {"duration.us", "span.duration", OWN}, /* Elastic APM */
    {"transaction.duration.us", "span.duration", OWN},
    {"latency", "span.duration", SPAN},
    {"elapsed", "span.duration", SPAN},
    {"starttime", "span.start", SPAN},
    {"starttimestamp", "span.start", SPAN},
    {"starttimeunixnano", "span.start", OWN},
    {"timestamp", "span.start", SPAN}, /* Zipkin, SigNoz */
    {"timestamp.us", "span.start", OWN},
    {"endtime", "span.end", SPAN},
    {"endtimestamp", "span.end", SPAN},
    {"endtimeunixnano", "span.end", OWN},
    {"instrumentationscope.name", "scope.name", OWN},
    {"instrumentationlibrary.name", "scope.name", OWN},
    {"otel.scope.name", "scope.name", OWN},
    {"otel.library.name", "scope.name", OWN},
    {"rootservicename", "trace.root.service", OWN},
    {"rootservice", "trace.root.service", OWN},
    {"rootname", "trace.root.name", OWN},
    {"rootspanname", "trace.root.name", OWN},
    {"roottracename", "trace.root.name", OWN},
    {"traceduration", "trace.duration", OWN},
    {"spancount", "trace.span_count", OWN},
    {"timestamp", "event.time", EVENT},
    {"timeunixnano", "event.time", EVENT},
    {"eventname", "event.name", EVENT},
    {"event.name", "event.name", SPAN},
};

static const foreign_row heads[] = {
    {"tags", "span.", OWN},           /* Jaeger, Zipkin */
    {"attribute", "span.", SPAN},     /* its plural is an error, which names the fix */
    {"meta", "span.", SPAN},          /* Datadog */
    {"metrics", "span.", SPAN},       /* Datadog */
    {"labels", "span.", SPAN},        /* Elastic APM */
    {"annotations", "span.", SPAN},   /* X-Ray */
    {"spanattributes", "span.", OWN}, /* ClickHouse */
    {"stringtagmap", "span.", OWN},   /* SigNoz */
    {"attributesstring", "span.", OWN},
    {"resource", "resource.", SPAN},
    {"resourceattributes", "resource.", OWN},
    {"resourcesstring", "resource.", OWN},
    {"process.tags", "resource.", OWN}, /* Jaeger */
    {"scope", "scope.", SPAN},
    {"events", "event.", OWN},
    {"logs", "event.", SPAN}, /* Jaeger */
    {"links", "link.", OWN},
    {"references", "link.", SPAN}, /* Jaeger */
};

static const char children[] =
    "how many children a span has is count(span(true) child of c), with `as c` behind its selection";
static const char nesting[] =
    "how spans hang together is said with under, above, child of and parent of behind a selection";
static const char state[] = "a member of the trace state is span.trace_state[\"vendor\"]";
static const char root[] =
    "the root is asked with trace.root.name and the like, and a span without a parent with not exists(span.parent_id)";
static const char outcome[] = "whether a span failed is span.status == error";
static const char number_of_events[] =
    "how many events of the span meet a test is event.count(test), and event.count(true) counts all";
static const char number_of_links[] =
    "how many links of the span meet a test is link.count(test), and link.count(true) counts all";

static const foreign_row advices[] = {
    {"childcount", children, OWN},
    {"spanchildcount", children, OWN},
    {"nestedsetparent", nesting, OWN},
    {"nestedsetleft", nesting, OWN},
    {"nestedsetright", nesting, OWN},
    {"tracestate", state, OWN},
    {"w3c.tracestate", state, OWN}, /* Jaeger, Zipkin */
    {"isroot", root, OWN},
    {"isentrypoint", root, OWN},
    {"outcome", outcome, EVENT},
    {"count", number_of_events, EVENT},
    {"length", number_of_events, EVENT},
    {"count", number_of_links, LINK},
    {"length", number_of_links, LINK},
    {"iserror", outcome, SPAN},
};

bool bt_is_spelled(bt_str written, const char *plain) {
  size_t at = 0;
  for (size_t i = 0; i < written.len; i++) {
    char c = written.ptr[i];
    if (c == '_' || c == '-') continue;
    if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
    if (c != plain[at]) return false;
    at++;
  }
  return plain[at] == '\0';
}

static const char *find_row(const foreign_row *rows, size_t count, bt_str key, bt_foreign_owner owner) {
  for (size_t i = 0; i < count; i++)
    if ((rows[i].owners & (int)owner) && bt_is_spelled(key, rows[i].name)) return rows[i].ours;
  return NULL;
}

const char *bt_foreign_field(bt_str key, bt_foreign_owner owner) {
  return find_row(fields, sizeof fields / sizeof *fields, key, owner);
}

const char *bt_foreign_head(bt_str key, bt_foreign_owner owner, bt_str *rest) {
  for (size_t i = 1; i + 1 < key.len; i++) {
    if (key.ptr[i] != '.') continue;
    const char *ours = find_row(heads, sizeof heads / sizeof *heads, (bt_str){key.ptr, i}, owner);
    *rest = (bt_str){key.ptr + i + 1, key.len - i - 1};
    if (ours) return ours;
  }
  return NULL;
}

const char *bt_foreign_hint(bt_str key, bt_foreign_owner owner) {
  const char *advice = find_row(advices, sizeof advices / sizeof *advices, key, owner);
  if (advice || owner != BT_FOREIGN_BARE) return advice;
  bool is_of_parent = bt_str_equal(bt_path_head(key), BT_STR("parent")) && bt_path_rest(key).len;
  return is_of_parent ? "what its parent has to be is said behind the selection, as in x child of (y.where(…))" : NULL;
}

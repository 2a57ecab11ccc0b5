/* Writing rules with a mistake. See broken_rule.h. Both texts come from one template with the same random parts. */
#include "tests/diff/broken_rule.h"

typedef enum expectation {
  FIXED,  /* a fix has to be offered somewhere, and is right wherever it is */
  UNSAID, /* nobody can know what was meant: what is offered must be right, and mostly nothing is */
} expectation;

typedef enum extent { PART, WHOLE } extent; /* of a rule: a condition somewhere in it, or all of it */

typedef struct mistake_row {
  const char *broken, *right;
  expectation expectation;
  extent extent;
} mistake_row;

/* $n $m: names, $k $l: keys, $v: a string, $i: an integer, $c: a comparison, $d: a duration, $s: a status. */
static const mistake_row mistakes[] = {
    /* whose span it is was left out */
    {"span.$k $c $i", "trace.has(span.$k $c $i)", FIXED, PART},
    {"span.name == \"$n\" and span.attributes[\"$k\"] $c $i",
     "trace.has(span.name == \"$n\" and span.attributes[\"$k\"] $c $i)", FIXED, PART},
    {"(span.name == \"$n\" and span.$k $c $i)", "trace.has(span.name == \"$n\" and span.$k $c $i)", FIXED, PART},
    {"(span.$k $c $i or span.status == $s)", "trace.has(span.$k $c $i or span.status == $s)", FIXED, PART},
    {"($n and span.$k $c $i)", "$n.where(span.$k $c $i)", UNSAID, PART},
    {"not(span.$k $c $i)", "not trace.has(span.$k $c $i)", FIXED, PART},
    {"not(span.$k $c $i and $l $c $i)", "not trace.has(span.$k $c $i and $l $c $i)", FIXED, PART},
    {"exists(span.$k)", "trace.has(exists(span.$k))", FIXED, PART},
    {"exists($n)", "$n", UNSAID, PART},
    {"span.duration > $i000000000", "trace.has(span.duration > $i000000000ns)", UNSAID, PART},
    {"span.name", "\"span.name\"", UNSAID, PART},
    {"span.duration.where($k $c $i)", "\"span.duration\".where($k $c $i)", UNSAID, PART},
    {"when { $n } never { span.$k $c $i }", "when { $n } never { $n.where(span.$k $c $i) }", UNSAID, WHOLE},
    /* fields behind a name */
    {"$n.span.status == $s", "$n.where(span.status == $s)", FIXED, PART},
    {"$n.span.duration > $d", "$n.where(span.duration > $d)", FIXED, PART},
    {"$n.span.$k $c $i", "$n.where(span.$k $c $i)", FIXED, PART},
    {"$n.resource.$k $c $i", "$n.where(resource.$k $c $i)", FIXED, PART},
    {"$n.span.attributes[\"$k\"] $c $i", "$n.where(span.attributes[\"$k\"] $c $i)", FIXED, PART},
    {"$n.attributes[\"$k\"] $c $i", "$n.where(span.attributes[\"$k\"] $c $i)", FIXED, PART},
    {"$n.count > $i", "count($n) > $i", FIXED, PART},
    {"trace.has($n.$k $c $i)", "$n.where($k $c $i)", FIXED, PART},
    {"$n.where($k $c $i) and trace.has($m.$l $c $i)", "$n.where($k $c $i) and $m.where($l $c $i)", FIXED, PART},
    /* fields with another name */
    {"trace.has(span.service_name == \"$n\")", "trace.has(span.service == \"$n\")", FIXED, PART},
    {"$n.where(service_name == \"$m\")", "$n.where(span.service == \"$m\")", FIXED, PART},
    {"$n.where(spanName == \"$m\")", "$n.where(span.name == \"$m\")", FIXED, PART},
    {"$n.where(rootServiceName == \"$m\")", "$n.where(trace.root.service == \"$m\")", FIXED, PART},
    {"trace.has(rootName == \"$m\")", "trace.has(trace.root.name == \"$m\")", FIXED, PART},
    {"$n.where(parent.name == \"$m\")", "$n child of (span(span.name == \"$m\"))", UNSAID, PART},
    {"$n.where(childCount > $i)", "$n as x and count(span(true) child of x) > $i", UNSAID, PART},
    {"$n.where(status == $s)", "$n.where(span.status == $s)", FIXED, PART},
    {"$n.where(span.statusMessage == \"$v\")", "$n.where(span.status_message == \"$v\")", FIXED, PART},
    {"$n.where(span.attributes.$k $c $i)", "$n.where(span.attributes[\"$k\"] $c $i)", FIXED, PART},
    /* units */
    {"trace.has(span.duration > $i000000)", "trace.has(span.duration > $i000000ns)", UNSAID, PART},
    {"$n.where(span.duration > $i)", "$n.where(span.duration > $is)", UNSAID, PART},
    {"$n after $m within $i", "$n after $m within $is", UNSAID, PART},
    {"$n after $m within $i ms", "$n after $m within $ims", FIXED, PART},
    {"$n.where(span.duration > \"$d\")", "$n.where(span.duration > $d)", FIXED, PART},
    /* functions */
    {"cnt($n) > $i", "count($n) > $i", FIXED, PART},
    {"cout($n.where($k $c $i)) > 0", "count($n.where($k $c $i)) > 0", FIXED, PART},
    {"count($n) > 0 and mean($n, $k) > $i", "count($n) > 0 and avg($n, $k) > $i", FIXED, PART},
    {"when { $m } always { max($n, $k) > $i }", "when { $m } always { count($n) > 0 and max($n, $k) > $i }", FIXED,
     WHOLE},
    {"$n.$k $c $i and $n.$l $c $i", "$n.where($k $c $i and $l $c $i)", FIXED, WHOLE},
    {"has($n)", "trace.has($n)", FIXED, PART},
    {"$n($k $c $i)", "$n.where($k $c $i)", FIXED, PART},
    {"first($n)", "$n", UNSAID, PART},
    {"length($k) > $i", "trace.has(exists(span.$k))", UNSAID, PART},
    {"$n.where(length($k) > $i)", "$n.where($k $c $i)", UNSAID, PART},
    {"$n.where(lower($k) == \"$v\")", "$n.where($k =~ \"(?i)$v\")", UNSAID, PART},
    {"rate($n) > $i", "count($n) > $i", UNSAID, PART},
    {"count($n).where($k $c $i) > $i", "count($n.where($k $c $i)) > $i", FIXED, PART},
    {"trace.count($n).where($k $c $i) > $i", "trace.count($n.where($k $c $i)) > $i", FIXED, PART},
    {"sum($n after $m, $k).where($l $c $i) > $i", "sum($n after $m where($l $c $i), $k) > $i", FIXED, PART},
    {"count(trace.has($n)).where($k $c $i) > $i", "count(trace.has($n).where($k $c $i)) > $i", FIXED, PART},
    {"count(span.$l $c $i).where($k $c $i) > $i", "count(span(span.$l $c $i).where($k $c $i)) > $i", UNSAID, PART},
    {"every($n, $k $c $i)", "$n and every($n, $k $c $i)", FIXED, WHOLE},
    {"$m and every($n.where($l $c $i), $k $c $i)", "$m and $n.where($l $c $i) and every($n.where($l $c $i), $k $c $i)",
     FIXED, WHOLE},
    {"when { $m } never { every($n, $k $c $i) }", "when { $m } never { $n and every($n, $k $c $i) }", FIXED, WHOLE},
    {"when { $m as x } always { every($n after x, $k $c $i) }",
     "when { $m as x and $n after x } always { every($n after x, $k $c $i) }", FIXED, WHOLE},
    {"always { every($n, $k $c $i) }", "when { $n } always { every($n, $k $c $i) }", FIXED, WHOLE},
    {"when { $m or $n } always { every($n, $k $c $i) }", "when { $m or $n } always { every($n, $k $c $i) }", UNSAID,
     WHOLE},
    {"evry($n, $k $c $i) and $n", "every($n, $k $c $i) and $n", FIXED, PART},
    {"all($n, $k $c $i) and $n", "every($n, $k $c $i) and $n", UNSAID, PART},
    {"sum($n, $k * $l).where($k $c $i) > $i", "sum($n.where($k $c $i), $k * $l) > $i", FIXED, PART},
    {"count_distinct($n, $k).where($l $c $i) > $i", "count_distinct($n.where($l $c $i), $k) > $i", FIXED, PART},
    {"countdistinct($n, $k) > $i", "count_distinct($n, $k) > $i", UNSAID, PART},
    {"unique($n, $k) > $i", "count_distinct($n, $k) > $i", UNSAID, PART},
    /* one of several */
    {"first($n).$k $c $i", "first($n).where($k $c $i)", FIXED, PART},
    {"last($n.where($l $c $i)).$k $c $i and $m", "last($n.where($l $c $i)).where($k $c $i) and $m", FIXED, PART},
    {"$m as x and next($n after x).where($l $c $i).$k $c $i",
     "$m as x and next($n after x).where($l $c $i).where($k $c $i)", FIXED, WHOLE},
    {"first($n).span.status == $s", "first($n).where(span.status == $s)", FIXED, PART},
    {"\"$n\".$k $c $i", "\"$n\".where($k $c $i)", FIXED, PART},
    {"trace.has($n).$k $c $i", "trace.has($n).where($k $c $i)", FIXED, PART},
    {"first($n).start > trace.start", "first($n) as x and x.start > trace.start", UNSAID, WHOLE},
    {"earliest($n).where($k $c $i)", "first($n).where($k $c $i)", FIXED, PART},
    {"latest($n).where($k $c $i)", "last($n).where($k $c $i)", FIXED, PART},
    {"next($n).where($k $c $i)", "first($n).where($k $c $i)", UNSAID, PART},
    {"frist($n).where($k $c $i)", "first($n).where($k $c $i)", FIXED, PART},
    /* events */
    {"$n as x and $m.where(event.time > $i)", "$n as x and $m.where(event.attributes[\"time\"] > $i)", UNSAID, WHOLE},
    {"$n.where(event.where(time $c $i))", "$n.where(event.where(event.attributes[\"time\"] $c $i))", FIXED, PART},
    {"$n as x and event.time after x within $d", "$n as x and trace.has(event.time after x within $d)", UNSAID, WHOLE},
    {"event.time > trace.start", "trace.has(event.time > trace.start)", FIXED, PART},
    {"$n.where(event.time after $m)", "$m as x and $n.where(event.time after x)", UNSAID, WHOLE},
    {"$n.where(event.time > $d)", "$n.where(event.time - span.start > $d)", UNSAID, PART},
    {"$n.where(event.time within $i ms of span.start)", "$n.where(event.time within $ims of span.start)", FIXED, PART},
    {"event.time.where($k $c $i)", "\"event.time\".where($k $c $i)", UNSAID, PART},
    {"event.time as x and $n after x", "\"event.time\" as x and $n after x", UNSAID, PART},
    {"$n after event.time", "$n after \"event.time\"", FIXED, PART},
    /* operators */
    {"$n.where($k is null)", "$n.where(not exists($k))", FIXED, PART},
    {"$n.where($k is not null)", "$n.where(exists($k))", FIXED, PART},
    {"$n.where($k == null)", "$n.where(not exists($k))", FIXED, PART},
    {"$n.where(span.$k != null and $l $c $i)", "$n.where(exists(span.$k) and $l $c $i)", FIXED, PART},
    {"$n.$k == null", "$n.where(not exists($k))", FIXED, PART},
    {"$n.$k is not null", "$n.where(exists($k))", FIXED, PART},
    {"trace.has(event.$k == null)", "trace.has(event.where(not exists(event.$k)))", UNSAID, PART},
    {"$n.where($k is $i)", "$n.where($k == $i)", FIXED, PART},
    {"$n.where($k is not $i)", "$n.where($k != $i)", FIXED, PART},
    {"$n.where($k like \"$v%\")", "$n.where($k starts_with \"$v\")", FIXED, PART},
    {"$n.where($k like \"%$v\")", "$n.where($k ends_with \"$v\")", FIXED, PART},
    {"$n.where($k like \"%$v%\")", "$n.where($k contains \"$v\")", FIXED, PART},
    {"$n.where($k like \"$v\")", "$n.where($k == \"$v\")", FIXED, PART},
    {"$n.where($k like \"$v%u\")", "$n.where($k =~ \"$v.*u\")", UNSAID, PART},
    {"$n.where($k like \"$v_\")", "$n.where($k =~ \"$v.\")", UNSAID, PART},
    {"$n.where($k => $i)", "$n.where($k >= $i)", FIXED, PART},
    {"$n.where($k === $i)", "$n.where($k == $i)", FIXED, PART},
    {"$n.where($k gte $i)", "$n.where($k >= $i)", FIXED, PART},
    {"$n.where($k == '$v')", "$n.where($k == \"$v\")", FIXED, PART},
    {"$n.where($i < $k)", "$n.where($k > $i)", FIXED, PART},
    {"$n & $m", "$n and $m", FIXED, PART},
    {"$n.where($k == \"$v\" or \"u\")", "$n.where($k in [\"$v\", \"u\"])", FIXED, PART},
    {"$n.where(span.status == erorr)", "$n.where(span.status == error)", FIXED, PART},
    {"$n.where($k mathces \"$v\")", "$n.where($k matches \"$v\")", FIXED, PART},
    {"$n and and $m", "$n and $m", FIXED, PART},
    {"($n) as x and $m after x", "$n as x and $m after x", FIXED, PART},
    {"$n as x and $m after x.where($k $c $i)", "$n as x and $m after x where($k $c $i)", UNSAID, PART},
    {"$n as x and ($m after (x).end within $d)", "$n as x and $m after x.end within $d", UNSAID, PART},
    /* names */
    {"GET /cart", "\"GET /cart\"", FIXED, PART},
    {"GET /cart.where($k $c $i)", "\"GET /cart\".where($k $c $i)", FIXED, PART},
    {"count(GET /cart) > $i", "count(\"GET /cart\") > $i", FIXED, PART},
    {"grpc.health.v1/Check", "\"grpc.health.v1/Check\"", FIXED, PART},
    {"(/cart)", "\"/cart\"", FIXED, PART},
    {"$n:$k", "\"$n:$k\"", FIXED, PART},
    {"$n@$k", "\"$n@$k\"", FIXED, PART},
    {"$n#12", "\"$n#12\"", FIXED, WHOLE},
    {"\"$n*\"", "span(span.name starts_with \"$n\" or span.service starts_with \"$n\")", FIXED, PART},
    {"x y", "\"x y\"", UNSAID, PART},
    {"x y", "x and y", UNSAID, PART},
    {"$n café", "\"$n café\"", UNSAID, PART},
    /* TraceQL */
    {"{ span.$k = $i }", "trace.has(span.$k == $i)", FIXED, PART},
    {"{ .$k = $i }", "trace.has($k == $i)", FIXED, PART},
    {"{ span.$k = $i && span:name = \"$n\" }", "trace.has(span.$k == $i and span.name == \"$n\")", FIXED, PART},
    {"trace.has(.$k == $i)", "trace.has($k == $i)", FIXED, PART},
    {"$n.where(.$k == $i)", "$n.where($k == $i)", FIXED, PART},
    {".$k.$l == $i", "trace.has($k.$l == $i)", UNSAID, PART},
    {"$n.where(span:duration > $d)", "$n.where(span.duration > $d)", FIXED, PART},
    {"trace:duration > $d", "trace.duration > $d", FIXED, PART},
    {"{ span.$k = $i } | count() > $i", "count(span.$k == $i) > $i", FIXED, WHOLE},
    {"{ name = \"$n\" && status = $s }", "trace.has(span.name == \"$n\" and span.status == $s)", FIXED, PART},
    {"{ rootName = \"$n\" || kind = server || duration > $d }",
     "trace.has(trace.root.name == \"$n\" or span.kind == server or span.duration > $d)", FIXED, PART},
    {"{ .name = \"$n\" }", "trace.has(\"name\" == \"$n\")", UNSAID, PART},
    {"{ span.$k = $i } >> { span.$l = $i }", "span(span.$l == $i) under (span(span.$k == $i))", UNSAID, PART},
    {"{ childCount > $i }", "span(true) as x and count(span(true) child of x) > $i", UNSAID, PART},
    {"$n | count() > $i", "count($n) > $i", UNSAID, WHOLE},
    /* whole rules */
    {"when { $n } then { $m }", "when { $n } always { $m }", FIXED, WHOLE},
    {"if { $n } then { $m }", "when { $n } always { $m }", FIXED, WHOLE},
    {"wehn { $n } always { $m }", "when { $n } always { $m }", FIXED, WHOLE},
    {"when { $n and $k.$l $c $i }", "$n and $k.$l $c $i", FIXED, WHOLE},
    {"when { $n } always { $m } within $d of $n", "when { $n } always { $m within $d of $n }", UNSAID, WHOLE},
    {"@severity(high) when { $n as x and not ($m after x) }", "@severity(high) $n as x and not ($m after x)", FIXED,
     WHOLE},
};

enum { MISTAKES = sizeof mistakes / sizeof mistakes[0] };

/* $F is the part with the mistake. */
static const char *const hosts[] = {
    "$F",
    "$F",
    "$F",
    "$F or b",
    "$F and count(a) > 0",
    "c.where(m == 1) or ($F)",
    "not ($F) or c",
    "when { $F } always { b }",
    "when { $F } never { b.where(ok == true) }",
    "when { a } always { $F }",
    "when { a } never { $F }",
    "when { not a } always { b or $F } never { c }",
};

static const char *const names[] = {"a", "a", "b", "b", "c", "s", "t"};
static const char *const keys[] = {"k", "m", "ok"};
static const char *const strings[] = {"u", "v", "uv", "server"};
static const char *const integers[] = {"0", "1", "2", "3"};
static const char *const comparisons[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const durations[] = {"1ms", "2ms", "500us", "5ms"};
static const char *const statuses[] = {"error", "ok", "unset"};

typedef struct parts {
  const char *of[128]; /* by the letter behind $ */
} parts;

#define PICK(random, table) (table)[test_random_below(random, sizeof(table) / sizeof((table)[0]))]

static parts pick_parts(test_random *random) {
  parts picked = {0};
  picked.of['n'] = PICK(random, names);
  picked.of['m'] = PICK(random, names);
  picked.of['k'] = PICK(random, keys);
  picked.of['l'] = PICK(random, keys);
  picked.of['v'] = PICK(random, strings);
  picked.of['i'] = PICK(random, integers);
  picked.of['c'] = PICK(random, comparisons);
  picked.of['d'] = PICK(random, durations);
  picked.of['s'] = PICK(random, statuses);
  return picked;
}

static void write_template(const char *text, const parts *picked, bt_buffer *out) {
  for (; *text; text++) {
    const char *part = *text == '$' ? picked->of[(unsigned char)text[1] & 127] : NULL;
    if (part)
      bt_buffer_append(out, bt_str_from(part)), text++;
    else
      bt_buffer_append_char(out, *text);
  }
}

size_t broken_rule_mistake_count(void) {
  return MISTAKES;
}

const char *broken_rule_mistake(size_t mistake) {
  return mistakes[mistake].broken;
}

bool broken_rule_has_fix(size_t mistake) {
  return mistakes[mistake].expectation == FIXED;
}

void broken_rule_write(test_random *random, size_t mistake, bt_buffer *right, bt_buffer *broken) {
  parts picked = pick_parts(random), in_host = {0};
  const mistake_row *row = &mistakes[mistake];
  const char *host = row->extent == WHOLE ? "$F" : PICK(random, hosts);
  bt_buffer part = {0};
  write_template(row->right, &picked, &part);
  in_host.of['F'] = part.ptr;
  write_template(host, &in_host, right);
  bt_buffer_clear(&part);
  write_template(row->broken, &picked, &part);
  in_host.of['F'] = part.ptr;
  write_template(host, &in_host, broken);
  bt_buffer_dispose(&part);
}

/* A record of every request. See exchange.h. */
#include "server/doctor/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"

/* How long a number is that may be an address: 10.0.3.7, or with a port. 0: it is none. */
static size_t address_length(bt_str text) {
  size_t length = 0, dots = 0;
  while (length < text.len && strchr("0123456789.:", text.ptr[length])) dots += text.ptr[length++] == '.';
  return dots >= 3 ? length : 0;
}

/* One line of printable ASCII, without addresses. */
static void set_sentence(bt_exchange *made, bt_str text) {
  size_t length = 0;
  while (text.len && text.ptr[text.len - 1] == '\n') text.len--;
  while (text.len && length + sizeof "(address)" < sizeof made->sentence) {
    size_t address = address_length(text), taken = address ? address : 1;
    char c = text.ptr[0] >= ' ' && text.ptr[0] <= '~' ? text.ptr[0] : ' ';
    length +=
        (size_t)snprintf(made->sentence + length, sizeof made->sentence - length, address ? "(address)" : "%c", c);
    text = (bt_str){text.ptr + taken, text.len - taken};
  }
}

static void set_answer(bt_exchange *made, const bt_http_exchange *exchange) {
  const bt_http_response *response = exchange->response;
  made->took_ms = exchange->took_ms;
  if (exchange->status != BT_OK) {
    set_sentence(made, bt_str_from(exchange->error->message));
    return;
  }
  made->status = response->status;
  made->answer_bytes = response->body.len;
  snprintf(made->content_type, sizeof made->content_type, "%.47s", response->content_type);
  if (response->status != 200) set_sentence(made, bt_buffer_str(&response->body));
}

void bt_exchanges_take(void *exchanges, const bt_http_exchange *exchange) {
  bt_exchanges *all = exchanges;
  bt_exchange *items = bt_grow_array(all->items, all->count, &all->capacity, sizeof *items);
  if (!items) {
    all->no_memory = true;
    return;
  }
  all->items = items;
  bt_exchange *made = &items[all->count++];
  *made = (bt_exchange){.at_ns = bt_clock_wall_ns() - exchange->took_ms * 1000000};
  made->what = exchange->request->kind == BT_HTTP_EXPORT ? "push" : "other";
  if (all->read_question) all->read_question(exchange->request, made);
  set_answer(made, exchange);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *bt_exchange_parameter(const char *url, const char *name) {
  const char *at = strchr(url, '?');
  size_t length = strlen(name);
  for (; at; at = strchr(at, '&')) {
    at++;
    if (strncmp(at, name, length) == 0 && at[length] == '=') break;
  }
  if (!at) return NULL;
  at += length + 1;
  char *value = malloc(strlen(at) + 1), *to = value;
  for (; value && *at && *at != '&'; at++) {
    bool is_escaped = *at == '%' && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;
    *to++ = is_escaped ? (char)(hex_digit(at[1]) * 16 + hex_digit(at[2])) : *at;
    if (is_escaped) at += 2;
  }
  if (value) *to = '\0';
  return value;
}

void bt_exchanges_dispose(bt_exchanges *exchanges) {
  for (size_t i = 0; i < exchanges->count; i++) free(exchanges->items[i].query);
  free(exchanges->items);
  *exchanges = (bt_exchanges){0};
}

int bt_exchanges_last_status(const bt_exchanges *exchanges) {
  return exchanges->count ? exchanges->items[exchanges->count - 1].status : 0;
}

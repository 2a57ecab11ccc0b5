/* `betrace serve`: the service until SIGINT or SIGTERM. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/cli.h"
#include "server/log.h"
#include "server/server.h"

static void print_buffer(const bt_buffer *text, FILE *out) {
  if (text->ptr) fwrite(text->ptr, 1, text->len, out);
}

/* Signals are waited for by the main thread alone: blocked before any thread starts, so that all inherit it. */
static void block_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int serve(const bt_config *config) {
  bt_server *server = NULL;
  bt_error error = {0};
  sigset_t signals;
  int received = 0;
  block_signals(&signals);
  bt_status status = bt_server_start(config, BETRACE_VERSION, &server, &error);
  if (status) return bt_cli_fail("serve", status, &error);
  const char *colon = strrchr(config->listen, ':');
  bt_log(BT_LOG_INFO, "betrace %s listening on http://%.*s:%u", BETRACE_VERSION, (int)(colon - config->listen),
         config->listen, bt_server_port(server));
  sigwait(&signals, &received);
  bt_log(BT_LOG_INFO, "stopping on signal %d", received);
  bt_server_stop(server);
  bt_log(BT_LOG_INFO, "stopped");
  return BT_EXIT_FINE;
}

int bt_cmd_serve(int argc, char **argv) {
  bt_config config;
  bt_error error = {0};
  bt_buffer text = {0};
  int code = BT_EXIT_FINE;
  bt_config_outcome outcome = bt_config_read(argc, argv, &config, &error);
  if (outcome == BT_CONFIG_WRONG) return bt_cli_usage_error("serve", "%s", error.message);
  if (outcome == BT_CONFIG_HELP)
    bt_config_help(&text);
  else if (config.print_only)
    bt_config_print(&config, &text);
  else
    code = serve(&config);
  print_buffer(&text, stdout);
  bt_buffer_dispose(&text);
  return code;
}

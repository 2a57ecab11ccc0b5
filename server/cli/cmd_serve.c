/* `betrace serve`: the service until SIGINT or SIGTERM. */
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/base/log.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "server/server.h"

/* Signals are waited for by the main thread alone: blocked before any thread starts, so that all inherit it. */
static void block_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

/* A file that cannot be used changes nothing. What only a start can change is named. */
static void reload_settings(bt_server *server, const bt_config *running, int argc, char **argv) {
  bt_config fresh;
  bt_error error = {0};
  bt_buffer later = {0};
  bt_status status = bt_config_read(argc, argv, &fresh, &error) == BT_CONFIG_READY ? BT_OK : BT_INVALID;
  if (!status) status = bt_server_reload(server, &fresh, &error);
  if (status) {
    bt_log(BT_LOG_ERROR, "reload refused, and nothing was changed: %s", error.message);
  } else {
    bt_config_name_changes(running, &fresh, &later);
    bt_log(BT_LOG_INFO, "reloaded: tokens, certificates, host names, origins and pages");
    if (later.len) bt_log(BT_LOG_WARNING, "these settings were changed and need a restart: %s", later.ptr);
  }
  bt_buffer_dispose(&later);
  bt_config_dispose(&fresh);
}

/* Threads would have arenas of their own, and each of them pages that one small block pins: after half an hour of mixed
 * load two thirds of the heap were free and scattered (tests/faults/soak.py). Few arenas share what is free. A fixed
 * threshold gives large bodies back at once: glibc's own rises with the largest block that was ever freed (mallopt(3)).
 */
static void keep_memory_together(void) {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

/* What replays and answers leave free stays with the C library. Given back once a minute, memory follows the work. */
static void give_back_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

/* The next signal; 0: the wait itself failed. */
static int wait_for_signal(const sigset_t *signals) {
  static const struct timespec minute = {.tv_sec = 60};
  for (;;) {
    int received = sigtimedwait(signals, NULL, &minute);
    if (received > 0) return received;
    if (errno != EAGAIN && errno != EINTR) return 0;
    if (errno == EAGAIN) give_back_memory();
  }
}

static int run_service(const bt_config *config, int argc, char **argv) {
  bt_server *server = NULL;
  bt_error error = {0};
  sigset_t signals;
  int received;
  keep_memory_together();
  block_signals(&signals);
  bt_status status = bt_server_start(config, BETRACE_VERSION, &server, &error);
  if (status) return bt_cli_fail("serve", status, &error);
  const char *colon = strrchr(config->listen, ':');
  bt_log(BT_LOG_INFO, "betrace %s listening on http%s://%.*s:%u", BETRACE_VERSION, config->tls_cert ? "s" : "",
         (int)(colon - config->listen), config->listen, bt_server_port(server));
  while ((received = wait_for_signal(&signals)) == SIGHUP) reload_settings(server, config, argc, argv);
  bt_log(BT_LOG_INFO, "stopping on signal %d", received);
  bt_server_stop(server);
  bt_log(BT_LOG_INFO, "stopped");
  return BT_EXIT_FINE;
}

static int serve_command(const bt_command *self, int argc, char **argv) {
  bt_config config;
  bt_error error = {0};
  bt_buffer text = {0};
  int code = BT_EXIT_FINE;
  if (bt_arguments_check_names(self, argc, argv)) return BT_EXIT_USAGE;
  bt_config_outcome outcome = bt_config_read(argc, argv, &config, &error);
  if (outcome == BT_CONFIG_WRONG)
    code = bt_cli_usage_error("serve", "%s", error.message);
  else if (outcome == BT_CONFIG_HELP)
    bt_help_print(self, &text);
  else if (config.print_only)
    bt_config_print(&config, &text);
  else
    code = run_service(&config, argc, argv);
  bt_print_styled(bt_buffer_str(&text));
  bt_buffer_dispose(&text);
  bt_config_dispose(&config);
  return code;
}

/* ---- the row ---- */

enum { MAX_SETTINGS = 100 };

/* The settings as flags, with the defaults that the table of settings has. */
static const bt_flag *settings_as_flags(void) {
  static bt_flag flags[MAX_SETTINGS + 1];
  static char defaults[MAX_SETTINGS][64];
  if (flags[0].name) return flags;
  bt_config_row row;
  for (size_t i = 0; i < MAX_SETTINGS && bt_config_row_at(i, &row); i++) {
    snprintf(defaults[i], sizeof defaults[i], "%s", row.otherwise);
    flags[i] =
        (bt_flag){row.flag, BT_FLAG_OWN, row.value, defaults[i][0] ? defaults[i] : NULL, row.help, row.environment};
  }
  return flags;
}

static const bt_flag_group groups[] = {
    {"Settings (flag over environment over file over default):", NULL, settings_as_flags}, {0}};
static const bt_example examples[] = {
    {"With a Tempo, and with a place to send violation spans to",
     "betrace serve --tempo http://127.0.0.1:3200 --otlp http://127.0.0.1:4318 --db rules.db"},
    {"With trace files, and nothing else", "betrace serve --traces traces.jsonl"},
    {"With the web pages at / (make ui builds them)",
     "betrace serve --tempo http://127.0.0.1:3200 --ui grafana-betrace-app/dist-ui"},
    {"Which settings are in force, and where do they come from?", "betrace serve --print-config"},
    {0}};
const bt_command bt_command_serve = {.name = "serve",
                                     .summary = "the service: rules, replays and their violations over HTTP",
                                     .usage = "[flags]",
                                     .about = "Serves rules, replays and their violations over HTTP until SIGINT or "
                                              "SIGTERM. SIGHUP reads the file of settings, the tokens, the "
                                              "certificates and the web pages again.",
                                     .examples = examples,
                                     .groups = groups,
                                     .fine = "it was told to stop, and did",
                                     .unknown = "it cannot serve: the address is taken, the database cannot be opened",
                                     .has_no_json = true,
                                     .run = serve_command};

"""The shipped alert files in a real Grafana, which BETRACE_GRAFANA names: a folder with bin/grafana, conf and public (as /usr/share/grafana). Over a real
Tempo, a real Prometheus and a real betrace on watch, every alert fires for a violation. Then BeTrace ends by a kill, Tempo does not answer, or traffic
stops, each for longer than the alerts look back. Meanwhile every alert goes on firing, in the Alertmanager too, and "BeTrace cannot look" of each file
fires. After it, with traffic that violates nothing, all of it ends. The copies that Grafana reads have shorter ranges, go on for
a shorter time, and it evaluates rules every 10 seconds, as often as it allows. States and expressions stay as they are shipped.

The plugin has to be built: npm run build, and `python3 tests/app/go_backend.py build`. Everything listens on loopback. Takes about 20 minutes.
"""
import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.client import HTTPException

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in ("support", "tempo", "facts", "prometheus"):
    sys.path.insert(0, str(HERE.parent / folder))
from python_packages import run_again_with  # noqa: E402

GRAFANA = os.environ.get("BETRACE_GRAFANA")
if __name__ == "__main__":
    if not GRAFANA:
        print("skipped: no Grafana: BETRACE_GRAFANA names no folder with bin/grafana, conf and public")
        sys.exit(77)
    run_again_with(HERE.parent / "http/requirements.txt")
import yaml  # noqa: E402
import differences  # noqa: E402
import facts_metrics  # noqa: E402
import otlp  # noqa: E402
import prometheus_binary  # noqa: E402
import variants  # noqa: E402
from betrace_process import Betrace, _die_with_parent  # noqa: E402
from run_tempo import TempoServer, config_text_of, free_ports, http  # noqa: E402
from switch_proxy import SwitchProxy  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

ALERTING = ROOT / "distribution/grafana/provisioning/alerting"
DSL = "when { db.slow } always { retry }"
# What alerts on violations are about, by the uid of the alert, and which files they come from.
VIOLATED = {"betrace-ds-violation": "slow", "betrace-ds-violation-low": "low", "betrace-violation": "slow", "betrace-budget-burns-fast": "slow",
            "betrace-budget-burns-slowly": "slow", "betrace-ds-budget-burns-fast": "slow", "betrace-violation-spans": "slow"}
# A copy that looks back longer than watch says 0 without traffic (5 minutes): as shipped, where it is 10 minutes.
LONG, LONG_SECONDS = "betrace-violation-spans-long", 390
WATCH = ("--watch", "--interval", "2s", "--settle", "2s", "--sweep", "20s", "--lookback", "60s")
HOLD_SECONDS = 130  # longer than every range below, but for that one
PATIENCE_SECONDS = 300
# Windows of Prometheus stay longer than what passes until nobody is said to look, as they are shipped. A watch on a busy machine is 40 s behind.
PROMETHEUS_TIMES = (*((f"[{window}]", "[120s]") for window in ("5m", "10m", "30m", "1h", "2h", "6h", "1d", "3d")),
                    ("> 900", "> 80"), ("> 600", "> 80"), ("> 300", "> 80"), ("interval: 1m", "interval: 5s"))


def shorter(text):
    for shipped, tried in PROMETHEUS_TIMES:
        text = text.replace(shipped, tried)
    return text


def shorten(query):
    """Of the data source ten minutes become one, and more a minute and a half; of Tempo a tenth is left."""
    model, span = query["model"], query.get("relativeTimeRange", {})
    if query["datasourceUid"] == "betrace":
        span.update({"to": 10, "from": 10 + (60 if span["from"] - span["to"] <= 600 else 90)})
    elif query["datasourceUid"] == "tempo":
        span["from"] //= 10
        model["step"] = "10s"
    elif "expr" in model:
        span["from"] = 120
        model["expr"] = shorter(model["expr"])
    elif model["type"] == "threshold" and model["conditions"][0]["evaluator"]["params"] == [900]:
        model["conditions"][0]["evaluator"]["params"] = [80]
        model["conditions"][0]["unloadEvaluator"]["params"] = [60]


def shortened(path):
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in document["groups"]:
        group["interval"] = "10s"
        for rule in group["rules"]:
            rule["for"] = "0s" if rule["for"] == "0s" else "10s"
            if "keepFiringFor" in rule:
                rule["keepFiringFor"] = "10s"
            if rule["uid"] == "betrace-violation-spans":
                rule["missing_series_evals_to_resolve"] = 2
            for query in rule["data"]:
                shorten(query)
        for rule in [rule for rule in group["rules"] if rule["uid"] == "betrace-violation-spans"]:
            copy = {**json.loads(json.dumps(rule)), "uid": LONG, "title": "BeTrace violation spans (long)"}
            copy["data"][0]["relativeTimeRange"]["from"] = LONG_SECONDS
            group["rules"].append(copy)
    return document


class Prometheus:
    """Scrapes BeTrace each second as the job "betrace", with the recording rules of objectives over shorter windows."""

    def __init__(self, target):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-prometheus-")
        at = pathlib.Path(self.folder.name)
        (at / "slo.yaml").write_text(shorter((ROOT / "distribution/prometheus/betrace-slo.yaml").read_text(encoding="utf-8")), encoding="utf-8")
        config = {"global": {"scrape_interval": "1s", "evaluation_interval": "5s"}, "rule_files": ["slo.yaml"],
                  "scrape_configs": [{"job_name": "betrace", "static_configs": [{"targets": [target]}]}]}
        (at / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.command = [PROMETHEUS / "prometheus", f"--config.file={at}/prometheus.yml", f"--storage.tsdb.path={at}/data", f"--web.listen-address=127.0.0.1:{port}"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Grafana:
    """With a data folder of its own and the built plugin. urls: of the data sources, by uid."""

    def __init__(self, urls):
        self.folder = tempfile.TemporaryDirectory(prefix="betrace-grafana-")
        self.at = pathlib.Path(self.folder.name)
        (self.at / "plugins").mkdir()
        (self.at / "plugins/betrace-app").symlink_to(ROOT / "grafana-betrace-app/dist")
        types = {"betrace": "betrace-datasource", "tempo": "tempo", "prometheus": "prometheus"}
        self._write("datasources/all.yaml", {"apiVersion": 1, "datasources": [
            {"uid": uid, "name": uid, "type": types[uid], "access": "proxy", "url": url} for uid, url in urls.items()]})
        for path in [path for path in ALERTING.glob("*.yaml") if "groups" in yaml.safe_load(path.read_text(encoding="utf-8"))]:
            self._write(f"alerting/{path.name}", shortened(path))
        (self.port,) = free_ports(1)

    def _write(self, name, document):
        path = self.at / "provisioning" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")

    def _settings(self):
        """Nothing but loopback is listened on, and nothing outside is asked."""
        return {"SERVER_HTTP_ADDR": "127.0.0.1", "SERVER_HTTP_PORT": str(self.port), "SERVER_ROOT_URL": f"http://127.0.0.1:{self.port}/",
                "PATHS_DATA": self.at / "data", "PATHS_LOGS": self.at / "logs", "PATHS_PLUGINS": self.at / "plugins", "PATHS_PROVISIONING": self.at / "provisioning",
                "SECURITY_ADMIN_PASSWORD": "admin", "ANALYTICS_REPORTING_ENABLED": "false", "ANALYTICS_CHECK_FOR_UPDATES": "false",
                "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false", "NEWS_NEWS_FEED_ENABLED": "false", "SECURITY_DISABLE_GRAVATAR": "true", "LOG_MODE": "file",
                "PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS": "betrace-app,betrace-datasource", "PLUGINS_PREINSTALL_DISABLED": "true",
                "PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true", "PLUGINS_PLUGIN_ADMIN_ENABLED": "false", "GRPC_SERVER_ADDRESS": "127.0.0.1:0",
                "UNIFIED_ALERTING_HA_LISTEN_ADDRESS": "127.0.0.1:0", "FEATURE_TOGGLES_TEMPOALERTING": "true"}

    def __enter__(self):
        environment = {**os.environ, **{f"GF_{key}": str(value) for key, value in self._settings().items()}}
        self.process = subprocess.Popen([f"{GRAFANA}/bin/grafana", "server", f"--homepath={GRAFANA}"], env=environment, cwd=self.at, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=_die_with_parent)
        deadline = time.monotonic() + 300
        while not self._is_up():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Grafana did not start: {(self.at / 'logs/grafana.log').read_text(encoding='utf-8')[-3000:]}")
            time.sleep(1)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()

    def _is_up(self):
        try:
            return self.get("/api/health")["database"] == "ok" and len(self.rules()) > len(VIOLATED)
        except (OSError, ValueError, KeyError, AssertionError):
            return False

    def get(self, path):
        status, _, body = http("GET", f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()})
        assert status == 200, (path, status, body[:300])
        return json.loads(body)

    def rules(self):
        groups = self.get("/api/prometheus/grafana/api/v1/rules")["data"]["groups"]
        return {rule["uid"]: rule for group in groups for rule in group["rules"]}

    def firing(self):
        """{uid: {rule_id}} of the alerts that fire, in Grafana's own states; those that say that nobody looks have no rule or one."""
        found = {}
        for uid, rule in self.rules().items():
            for alert in rule.get("alerts") or []:
                if alert["state"].startswith("Alerting"):
                    labels = alert["labels"]
                    found.setdefault(uid, set()).add((labels.get("rule_id") or labels.get("span.betrace.violation.rule_id") or "").strip('"'))
        return found

    def active(self):
        """Which of them the Alertmanager holds as active, as somebody who is paged has them."""
        return {alert["labels"]["__alert_rule_uid__"] for alert in self.get("/api/alertmanager/grafana/api/v2/alerts?active=true&silenced=false&inhibited=false")}


class Traffic:
    """A trace each second, that violates both rules or none; or none at all."""

    def __init__(self, tempo):
        self.tempo, self.violates, self.is_on, self.ends = tempo, True, True, False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()

    def _run(self):
        while not self.ends:
            if self.is_on:
                trace_id, now = otlp.new_trace_id(), time.time_ns()
                names = ["db.slow"] if self.violates else ["db.slow", "retry"]
                with contextlib.suppress(OSError, HTTPException):  # a Tempo on a busy machine; the next one comes in a second
                    self.tempo.push([otlp.span(trace_id, name, now) for name in names], service="shop")
            time.sleep(1)


class AlertsInGrafana(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        enter = cls.enterClassContext
        generator = differences.of("TraceQL metrics need a metrics generator", variants.current())
        cls.tempo = enter(TempoServer(config_text=facts_metrics.config_with_generator() if generator else config_text_of("fast")))
        cls.ways = [enter(SwitchProxy(url)) for url in (cls.tempo.url, cls.tempo.otlp_url)]
        cls.service = enter(Betrace("--tempo", cls.ways[0].url, "--otlp", cls.ways[1].url, *WATCH))
        for rule_id, severity in (("slow", "critical"), ("low", "low")):
            assert cls.service.post("/v1/rules", {"id": rule_id, "dsl": DSL, "severity": severity}).status == 201
        cls.way_to_betrace = enter(SwitchProxy(f"http://127.0.0.1:{cls.service.port}"))
        prometheus = enter(Prometheus(cls.way_to_betrace.url.removeprefix("http://")))
        cls.traffic = enter(Traffic(cls.tempo))
        cls.grafana = enter(Grafana({"betrace": cls.way_to_betrace.url, "tempo": cls.ways[0].url, "prometheus": prometheus.url}))

    def cannot_look(self):
        return {uid for uid in self.grafana.rules() if uid.endswith("cannot-look")}

    def wait(self, what, is_so):
        """is_so gives what is still lacking; empty: it is so. Says how long it took."""
        begun = time.monotonic()
        while lacking := is_so():
            self.assertLess(time.monotonic() - begun, PATIENCE_SECONDS, f"{what}: still lacking {lacking}")
            time.sleep(2)
        print(f"  {what}: after {time.monotonic() - begun:.0f} s", flush=True)

    def not_firing(self, uids):
        firing, active = self.grafana.firing(), self.grafana.active()
        return [uid for uid in uids if VIOLATED[uid.removesuffix("-long")] not in firing.get(uid, ()) or uid not in active]

    def still_firing(self, uids):
        firing, active = self.grafana.firing(), self.grafana.active()
        return sorted((set(firing) | active) & set(uids))

    def hold(self, begin, end, seconds=HOLD_SECONDS, besides=()):
        kept = [uid for uid in VIOLATED if uid not in besides] + [LONG for _ in besides]
        self.traffic.violates = self.traffic.is_on = True
        self.wait("every alert fires", lambda: self.not_firing(kept))
        self.wait("somebody looks", lambda: self.still_firing(self.cannot_look()))
        begin()
        until, said = time.monotonic() + seconds, {}
        while time.monotonic() < until or len(said) < len(self.cannot_look()):
            self.assertEqual(self.not_firing(kept), [], f"{seconds - (until - time.monotonic()):.0f} s after it began")
            for uid in set(self.grafana.firing()) & self.cannot_look():
                said.setdefault(uid, round(seconds - (until - time.monotonic())))
            self.assertLess(time.monotonic(), until + PATIENCE_SECONDS, f"only {said} say that nobody looks")
            time.sleep(2)
        print(f"  {len(kept)} alerts were held for {seconds} s; that nobody looks was said after (s): {dict(sorted(said.items()))}", flush=True)
        self.traffic.violates, self.traffic.is_on = False, True
        end()
        self.wait("somebody looks again", lambda: self.still_firing(self.cannot_look()))
        self.wait("every alert ends", lambda: self.still_firing(kept))

    def test_betrace_is_down(self):
        def restart():
            self.service.start()
            self.way_to_betrace.target = ("127.0.0.1", self.service.port)

        self.hold(self.service.kill, restart)

    def test_tempo_is_down(self):
        def switch(mode):
            for way in self.ways:
                way.mode = mode

        self.hold(lambda: switch("refuse"), lambda: switch("pass"))

    def test_traffic_stops(self):
        """Watch says 0 for the five minutes in which a pause is nothing unusual: so the copy that looks back for longer is held."""
        def stop():
            self.traffic.is_on = False

        self.hold(stop, lambda: None, LONG_SECONDS + 60, besides=("betrace-violation-spans",))


if __name__ == "__main__":
    require_tempo()
    PROMETHEUS = prometheus_binary.require()
    unittest.main(verbosity=2)

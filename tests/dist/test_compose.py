"""The compose file and the settings next to it, without an engine: docker-compose accepts it, every file that it
mounts is there, names and ports are the quick start's, images are pinned. Each file of settings is read by the
program it is for where that can be had (Tempo, promtool, betrace; the collector in full_collector.py). Of Loki's
and Pyroscope's files only YAML and ports are checked: their programs are not here. What an engine does with it is
not tested."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent / "tempo"), str(HERE.parent / "prometheus")]
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "requirements.txt")
import yaml  # noqa: E402

import prometheus_binary  # noqa: E402
from betrace_process import Betrace, binary, run_cli  # noqa: E402
from evidence import key_id, make_key  # noqa: E402
from run_tempo import TempoServer  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402

DOCKER = ROOT / "distribution" / "docker"
COMPOSE, EVIDENCE = DOCKER / "docker-compose.yml", DOCKER / "docker-compose.evidence.yml"
CLICKHOUSE = DOCKER / "docker-compose.clickhouse.yml"
OPENSEARCH = DOCKER / "docker-compose.opensearch.yml"
VERSION = (ROOT / "VERSION").read_text(encoding="ascii").strip()
SOURCES = {"betrace": "betrace-datasource", "tempo": "tempo", "prometheus": "prometheus", "loki": "loki", "pyroscope": "grafana-pyroscope-datasource"}


def compose_raw(*files, **environment):
    flags = [word for file in files for word in ("-f", file)]
    return subprocess.run(["docker-compose", *flags, "config"], capture_output=True, text=True, env={**os.environ, "GRAFANA_ADMIN_PASSWORD": "", **environment})


def compose(*files, **environment):
    """The files as docker-compose understands them."""
    done = compose_raw(*(files or [COMPOSE]), **environment)
    if done.returncode:
        raise AssertionError(done.stderr)
    return yaml.safe_load(done.stdout)


def read(name):
    return yaml.safe_load((DOCKER / name).read_text(encoding="utf-8"))


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.services = compose()["services"]

    def ports(self, service):
        return {re.sub(r"/tcp$", "", port) for port in self.services[service].get("ports", [])}

    def test_names_and_ports_of_the_quick_start(self):
        names = {service["container_name"] for service in self.services.values()}
        self.assertLessEqual({"betrace-backend", "betrace-grafana"}, names)
        self.assertEqual(len(names), len(self.services))
        for service, port in (("betrace-backend", 8080), ("betrace-grafana", 3000), ("tempo", 3200), ("otel-collector", 4318)):
            self.assertIn(f"127.0.0.1:{port}:{port}", self.ports(service))

    def test_nothing_is_published_beyond_loopback(self):
        for name in self.services:
            for port in self.ports(name):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")

    def test_images_are_pinned(self):
        for name, service in self.services.items():
            self.assertRegex(service["image"], r"^[\w./-]+:v?\d+\.\d+\.\d+$", name)
        for name in ("betrace-backend", "betrace-generator", "volumes"):
            self.assertEqual(self.services[name]["image"], f"betrace:{VERSION}")
            self.assertIn("build", self.services[name], "or compose would try to pull it")

    def test_images_by_digest(self):
        """As a release gives them: every image that is pulled is named by its digest, and the rest is as before."""
        pin = [sys.executable, ROOT / "distribution/pin_images.py"]
        values = ROOT / "distribution/helm/betrace/values.yaml"
        names = subprocess.run([*pin, "-", "names", values, COMPOSE], capture_output=True, text=True, check=True).stdout.split()
        with tempfile.TemporaryDirectory() as folder:
            digests = pathlib.Path(folder) / "digests"
            digests.write_text("".join(f"{name} sha256:{number:064x}\n" for number, name in enumerate(names, 1)), encoding="utf-8")
            variables = subprocess.run([*pin, digests, "env", COMPOSE], capture_output=True, text=True, check=True).stdout
        pinned = compose(COMPOSE, **dict(line.split("=", 1) for line in variables.splitlines()))["services"]
        for name, service in pinned.items():
            if "build" not in service:
                self.assertRegex(service["image"], r"@sha256:[0-9a-f]{64}$", name)
                self.assertEqual(service["image"].split("@")[0], self.services[name]["image"])
            self.assertEqual({**service, "image": ""}, {**self.services[name], "image": ""})

    def test_the_same_images_as_in_the_chart(self):
        chart = (ROOT / "distribution/helm/betrace/values.yaml").read_text(encoding="utf-8")
        for name in ("betrace-grafana", "tempo", "prometheus", "loki", "pyroscope"):
            self.assertIn(self.services[name]["image"], chart)

    def test_what_is_mounted_is_there(self):
        built = {str(ROOT / "grafana-betrace-app/dist")}  # by npm run build
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source, target = volume.split(":")[:2]
                if source.startswith("/") and source not in built:
                    self.assertTrue(os.path.exists(source), f"{name}: {source} at {target}")

    def test_hardened(self):
        for name, service in self.services.items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            self.assertFalse(service.get("privileged"), name)
        self.assertTrue(self.services["betrace-backend"]["read_only"])
        self.assertEqual(self.services["volumes"]["cap_add"], ["CHOWN"])

    def test_the_image_and_dockerfile_have_the_version(self):
        self.assertIn(f"ARG VERSION={VERSION}\n", (DOCKER / "Dockerfile").read_text(encoding="utf-8"))

    def test_betrace_accepts_its_variables(self):
        service = self.services["betrace-backend"]
        done = run_cli(*service["command"], "--print-config", env=service["environment"])
        self.assertEqual(done.returncode, 0, done.stderr)
        for expected in ("http://tempo:3200", "http://tempo:4318", "betrace-backend"):
            self.assertIn(expected, done.stdout)

    def test_grafana_and_prometheus_use_names_that_betrace_answers_to(self):
        hosts = self.services["betrace-backend"]["environment"]["BETRACE_HOST"].split(",")
        self.assertIn("betrace-backend", hosts)
        for file in ("prometheus.yml", "grafana/datasources/betrace.yaml", "grafana/plugins/betrace.yaml"):
            self.assertIn("betrace-backend:8080", (DOCKER / file).read_text(encoding="utf-8"))


class Evidence(unittest.TestCase):
    """The second file, with which reports are signed."""

    def test_it_needs_a_key(self):
        done = compose_raw(COMPOSE, EVIDENCE, BETRACE_EVIDENCE_KEY_FILE="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("say where the private key is", done.stderr)

    def test_the_key_is_mounted_where_the_service_reads_it(self):
        with tempfile.TemporaryDirectory() as folder:
            private, public = make_key(folder)
            both = compose(COMPOSE, EVIDENCE, BETRACE_EVIDENCE_KEY_FILE=private)
            self.assertEqual(both["secrets"]["evidence"]["file"], private)
            backend = both["services"]["betrace-backend"]
            (secret,) = backend["secrets"]
            path = backend["environment"]["BETRACE_EVIDENCE_KEY"]
            self.assertEqual((secret["source"], path), ("evidence", f"/run/secrets/{secret['target']}"))
            self.assertEqual({name for name, one in both["services"].items() if "secrets" in one}, {"betrace-backend"}, "nobody else has it")
            alone = compose()["services"]["betrace-backend"]
            self.assertEqual({**backend, "environment": {k: v for k, v in backend["environment"].items() if k != "BETRACE_EVIDENCE_KEY"}, "secrets": None},
                             {**alone, "secrets": None}, "nothing else is different")
            # The variable that the container is given, with the file where it is here.
            with Betrace("--memory-source", env={"BETRACE_EVIDENCE_KEY": both["secrets"]["evidence"]["file"]}) as server:
                evidence = server.get("/v1/compliance/reports/soc2").json()["evidence"]
            self.assertEqual((evidence["signed"], evidence["key_id"]), ("ed25519", key_id(public)))


class OverClickHouse(unittest.TestCase):
    """The file that stands alone: ClickHouse, a collector that writes into it, and BeTrace."""

    @classmethod
    def setUpClass(cls):
        cls.services = compose(CLICKHOUSE, CLICKHOUSE_PASSWORD="choose-one")["services"]

    def test_it_needs_a_password(self):
        done = compose_raw(CLICKHOUSE, CLICKHOUSE_PASSWORD="")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("choose one", done.stderr)

    def test_pinned_hardened_and_on_loopback(self):
        self.assertEqual(set(self.services), {"clickhouse", "otel-collector", "betrace-backend"})
        for name, service in self.services.items():
            self.assertRegex(service["image"], r"^[\w./-]+:v?\d+\.\d+\.\d+$", name)
            self.assertEqual((service["cap_drop"], service["security_opt"]), (["ALL"], ["no-new-privileges:true"]), name)
            self.assertTrue(all(port.startswith("127.0.0.1:") for port in service["ports"]), name)
        self.assertEqual(self.services["betrace-backend"]["image"], f"betrace:{VERSION}")
        alone = compose()["services"]["otel-collector"]["image"]
        self.assertEqual(self.services["otel-collector"]["image"], alone.replace("collector:", "collector-contrib:"), "one version of the collector")

    def test_images_by_digest(self):
        with tempfile.NamedTemporaryFile("w", suffix=".digests") as file:
            pulled = [service["image"] for service in self.services.values() if "build" not in service]
            file.write("".join(f"{image} sha256:{number:064x}\n" for number, image in enumerate(pulled, 1)))
            file.flush()
            done = subprocess.run([sys.executable, ROOT / "distribution/pin_images.py", file.name, "env", CLICKHOUSE], capture_output=True, text=True, check=True)
        pinned = compose(CLICKHOUSE, CLICKHOUSE_PASSWORD="x", **dict(line.split("=", 1) for line in done.stdout.splitlines()))["services"]
        self.assertEqual({name for name, service in pinned.items() if "@sha256:" in service["image"]}, {"clickhouse", "otel-collector"})

    def test_they_speak_of_one_table_and_one_user(self):
        server, backend = self.services["clickhouse"]["environment"], self.services["betrace-backend"]["environment"]
        exporter = read("otel-collector.clickhouse.yaml")["exporters"]["clickhouse"]
        self.assertEqual((exporter["database"], exporter["username"]), (server["CLICKHOUSE_DB"], server["CLICKHOUSE_USER"]))
        self.assertEqual(backend["BETRACE_STORE"], f"clickhouse+http://clickhouse:8123/{server['CLICKHOUSE_DB']}?table=otel_traces")
        self.assertEqual((backend["CLICKHOUSE_USER"], backend["CLICKHOUSE_PASSWORD"]), (server["CLICKHOUSE_USER"], server["CLICKHOUSE_PASSWORD"]))
        self.assertEqual((exporter["endpoint"], exporter["password"]), ("tcp://clickhouse:9000", "${env:CLICKHOUSE_PASSWORD}"))
        self.assertEqual(self.services["otel-collector"]["environment"]["CLICKHOUSE_PASSWORD"], server["CLICKHOUSE_PASSWORD"])
        self.assertTrue((DOCKER / "otel-collector.clickhouse.yaml").exists())

    def test_betrace_accepts_its_variables(self):
        service = self.services["betrace-backend"]
        done = run_cli(*service["command"], "--print-config", env=service["environment"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("clickhouse+http://clickhouse:8123/otel", done.stdout)
        self.assertNotIn("choose-one", done.stdout)


class ComposeOpenSearch(unittest.TestCase):
    """docker-compose.opensearch.yml and the settings beside it: that they speak of one another. What Data Prepper makes of its file is not tested."""

    @classmethod
    def setUpClass(cls):
        cls.services = compose(OPENSEARCH)["services"]

    def test_pinned_hardened_and_on_loopback(self):
        self.assertEqual(set(self.services), {"opensearch", "data-prepper", "otel-collector", "betrace-backend"})
        for name, service in self.services.items():
            self.assertRegex(service["image"], r"^[\w./-]+:v?\d+\.\d+\.\d+$", name)
            self.assertEqual((service["cap_drop"], service["security_opt"]), (["ALL"], ["no-new-privileges:true"]), name)
            self.assertTrue(all(port["host_ip"] == "127.0.0.1" if isinstance(port, dict) else port.startswith("127.0.0.1:") for port in service.get("ports", [])), name)
        self.assertEqual(self.services["betrace-backend"]["image"], f"betrace:{VERSION}")
        self.assertEqual(self.services["otel-collector"]["image"], compose()["services"]["otel-collector"]["image"], "one version of the collector")

    def test_traces_go_from_one_to_the_next(self):
        collector, pipeline = read("otel-collector.opensearch.yaml"), read("data-prepper.pipelines.yaml")["otel-traces"]
        source, (sink,) = pipeline["source"]["otel_trace_source"], pipeline["sink"]
        self.assertEqual(collector["exporters"]["otlp"]["endpoint"], f"data-prepper:{source['port']}")
        self.assertEqual((source["output_format"], sink["opensearch"]["index_type"]), ("otel", "trace-analytics-plain-raw"))
        self.assertEqual(sink["opensearch"]["hosts"], ["http://opensearch:9200"])
        backend = self.services["betrace-backend"]["environment"]
        self.assertEqual(backend["BETRACE_STORE"], "opensearch+http://opensearch:9200?index=otel-v1-apm-span-*")
        self.assertEqual(backend["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://otel-collector:4318")
        for service in self.services.values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0] if isinstance(volume, str) else volume["source"]
                self.assertTrue("/" not in source or os.path.exists(source), source)

    def test_betrace_accepts_its_variables(self):
        service = self.services["betrace-backend"]
        done = run_cli(*service["command"], "--print-config", env=service["environment"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("opensearch+http://opensearch:9200", done.stdout)


class Settings(unittest.TestCase):
    def test_tempo(self):
        done = subprocess.run([TEMPO, f"-config.file={DOCKER}/tempo.yaml", "-config.verify=true"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus(self):
        with tempfile.TemporaryDirectory() as folder:  # as the compose file mounts them
            shutil.copy(DOCKER / "prometheus.yml", folder)
            shutil.copytree(ROOT / "distribution/prometheus", f"{folder}/rules")
            done = subprocess.run([PROMETHEUS / "promtool", "check", "config", f"{folder}/prometheus.yml"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("rules found"), len(list((ROOT / "distribution/prometheus").glob("*.yaml"))), done.stdout)

    def test_targets_and_sources_are_services(self):
        services = set(compose()["services"])
        targets = [target for job in read("prometheus.yml")["scrape_configs"] for one in job["static_configs"] for target in one["targets"]]
        urls = [one["url"] for one in read("grafana/datasources/betrace.yaml")["datasources"]]
        urls += [one["endpoint"] for one in read("otel-collector.yaml")["exporters"].values()]
        hosts = {target.split(":")[0] for target in targets} | {re.match(r"http://([^:/]+):\d+", url).group(1) for url in urls}
        self.assertLessEqual(hosts, services)

    def test_loki_and_pyroscope_are_the_charts(self):
        for name, port in (("loki", 3100), ("pyroscope", 4040)):
            self.assertEqual(read(f"{name}.yaml")["server"]["http_listen_port"], port)
            self.assertEqual((DOCKER / f"{name}.yaml").read_bytes(), (ROOT / f"distribution/helm/betrace/files/{name}.yaml").read_bytes())

    def test_provisioning_has_the_shape_that_grafana_reads(self):
        document = read("grafana/datasources/betrace.yaml")
        self.assertEqual(document["apiVersion"], 1)
        self.assertEqual({one["uid"]: one["type"] for one in document["datasources"]}, SOURCES)
        for one in document["datasources"]:
            self.assertLessEqual(one.keys(), {"name", "uid", "type", "access", "url", "isDefault", "jsonData", "secureJsonData"})
            self.assertEqual(one["access"], "proxy")
        (shipped,) = yaml.safe_load((ROOT / "distribution/grafana/provisioning/datasources/betrace.yaml").read_text(encoding="utf-8"))["datasources"]
        (ours,) = [one for one in document["datasources"] if one["uid"] == shipped["uid"]]
        self.assertEqual(ours["type"], shipped["type"])
        self.assertLessEqual(ours["jsonData"].keys(), shipped["jsonData"].keys())
        used = re.findall(r"(?:datasourceUid|tempoDatasourceUid): ([\w-]+)", (DOCKER / "grafana/datasources/betrace.yaml").read_text(encoding="utf-8"))
        self.assertLessEqual(set(used), SOURCES.keys())
        (app,) = read("grafana/plugins/betrace.yaml")["apps"]
        self.assertEqual((app["type"], app["org_id"], app["disabled"]), ("betrace-app", 1, False))

    def test_each_source_says_whether_it_is_the_default(self):
        """What new panels ask must not rest on what Grafana does where nothing is said: it is Tempo in our stack, and in others never BeTrace."""
        for file in (DOCKER / "grafana/datasources/betrace.yaml", ROOT / "distribution/grafana/provisioning/datasources/betrace.yaml"):
            for one in yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]:
                with self.subTest(file=file.name, source=one["name"]):
                    self.assertIs(one.get("isDefault"), one["uid"] == "tempo")

    def test_only_the_app_brings_its_dashboard(self):
        """Grafana imports what plugin.json includes. A provider over the same file would be a second owner."""
        included = json.loads((ROOT / "grafana-betrace-app/src/plugin.json").read_text(encoding="utf-8"))["includes"]
        self.assertIn("dashboards/violations.json", [one["path"] for one in included if one["type"] == "dashboard"])
        providers = [file for file in (ROOT / "distribution").rglob("*.y*ml") if "templates" not in file.parts
                     and re.search(r"^providers:", file.read_text(encoding="utf-8"), re.M)]
        self.assertEqual(providers, [])

    def test_both_plugins_may_be_unsigned(self):
        environment = compose()["services"]["betrace-grafana"]["environment"]
        self.assertEqual(environment["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"], "betrace-app,betrace-datasource")

    def test_alerts_refer_to_sources_that_are_there(self):
        for file in (ROOT / "distribution/grafana/provisioning/alerting").glob("*.yaml"):
            used = set(re.findall(r"datasourceUid: (\S+)", file.read_text(encoding="utf-8"))) - {"__expr__"}
            self.assertLessEqual(used, SOURCES.keys(), file.name)


class Generator(unittest.TestCase):
    def test_pushes_a_day_and_goes_on(self):
        """generate.sh for one round, against a Tempo with the settings of the stack: its traces of yesterday are found at their own time."""
        text = (DOCKER / "tempo.yaml").read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder, TempoServer(config_text=self.on_loopback(text)) as tempo:
            os.symlink(os.path.abspath(binary()), os.path.join(folder, "betrace"))
            done = subprocess.run(["sh", DOCKER / "generate.sh", tempo.otlp_url, "1"], capture_output=True, text=True, timeout=120,
                                  env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PAUSE": "1"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("going on", done.stderr)
            found = []

            def replay():
                found[:] = [run_cli("replay", "--dsl", "trace.has(span.name == \"db.query\" and span.duration > 1s) and not trace.has(span.name == \"retry\")",
                                    "--tempo", tempo.url, "--since", "24h", "--settle", "0s", "--json")]
                return '"violations_found": 21' in found[0].stdout or '"violations_found":21' in found[0].stdout
            tempo.wait_until(replay, "20 violations of the day and one of the round", seconds=60, pause=1)

    @staticmethod
    def on_loopback(text):
        """The same settings on the test's ports and folder."""
        settings = yaml.safe_load(text)
        settings["server"].update(http_listen_address="127.0.0.1", http_listen_port="${HTTP_PORT}", grpc_listen_address="127.0.0.1", grpc_listen_port="${GRPC_PORT}")
        protocols = settings["distributor"]["receivers"]["otlp"]["protocols"]
        protocols["grpc"]["endpoint"], protocols["http"]["endpoint"] = "127.0.0.1:${OTLP_GRPC_PORT}", "127.0.0.1:${OTLP_HTTP_PORT}"
        settings["storage"]["trace"]["local"]["path"], settings["storage"]["trace"]["wal"]["path"] = "${DATA}/blocks", "${DATA}/wal"
        ring = {"kvstore": {"store": "inmemory"}}
        settings["memberlist"] = {"bind_addr": ["127.0.0.1"], "bind_port": "${ML_PORT}", "advertise_addr": "127.0.0.1"}
        settings["distributor"]["ring"] = {**ring, "instance_addr": "127.0.0.1"}
        settings["ingester"]["lifecycler"] = {"address": "127.0.0.1", "min_ready_duration": "0s", "ring": {**ring, "replication_factor": 1}}
        settings["compactor"]["ring"] = {**ring, "instance_addr": "127.0.0.1", "wait_stability_min_duration": "1ms", "wait_stability_max_duration": "1ms"}
        return yaml.safe_dump(settings).replace("'${", "${").replace("}'", "}")


if __name__ == "__main__":
    if not shutil.which("docker-compose"):
        print("skipped: Debian's package docker-compose is not installed")
        sys.exit(77)
    PROMETHEUS = prometheus_binary.require()
    TEMPO = require_tempo()
    unittest.main(verbosity=1)

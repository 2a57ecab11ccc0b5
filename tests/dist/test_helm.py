"""The Helm chart without a cluster: lint, and its sets of values rendered. They must fit the Kubernetes schemas of
three versions and what the chart promises: names, probes, the restricted security profile, no secret in plain text.
The test also asserts what the chart refuses and why, and lets the programs parse the files in it. What a real
cluster does with it is not tested here."""
import base64
import copy
import functools
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
import kubernetes_validate  # noqa: E402
import kubernetes_validate.utils  # noqa: E402
import yaml  # noqa: E402

import helm_binary  # noqa: E402
import prometheus_binary  # noqa: E402
from betrace_process import Betrace, binary, run_cli, sanitizer_environment  # noqa: E402
from tempo_binary import require_tempo  # noqa: E402
from tls_tempo import make_certificate  # noqa: E402

CHART = ROOT / "distribution" / "helm" / "betrace"
KUBERNETES = ("1.25", "1.31", "1.37")
PASSWORD = "correct-horse-battery"
SECRET_TEXTS = (PASSWORD, base64.b64encode(PASSWORD.encode()).decode())
RULES = {"slow.yaml": "rules:\n- {id: slow, dsl: 'trace.has(span.duration > 1s)'}\n"}
TOKENS = {"tokensSecret": "betrace-tokens", "grafanaTokenSecret": {"name": "grafana-token"}, "metricsTokenSecret": {"name": "metrics-token"}}
WITH_PASSWORD = {"config": {"security": {"admin_password": PASSWORD}}}
OPERATOR = {"serviceMonitor": {"enabled": True, "labels": {"release": "prom"}}, "prometheusRule": {"enabled": True}}

SETS = {
    "the quick start": {"grafana": WITH_PASSWORD},
    "everything bundled": {"grafana": {**WITH_PASSWORD, "storage": {"enabled": True}}, "observability": {"enabled": True}, **OPERATOR},
    "existing Tempo with a token, existing Grafana": {
        "tempo": {"url": "https://tempo.example.org/tempo", "otlp": "https://otlp.example.org:4318", "tokenSecret": {"name": "tempo-token"},
                  "otlpHeadersSecret": {"name": "otlp-headers"}},
        "grafana": {"enabled": False, "existing": {"enabled": True, "namespace": "monitoring", "tempoUid": "tempo-prod", "tempoName": "Prod"}}, "access": TOKENS,
        "evidence": {"keySecret": {"name": "evidence-key", "key": "soc2.pem"}}, **OPERATOR},
    "three replicas": {"grafana": {"enabled": False}, "replicas": 3, "rules": {"files": RULES}, "persistence": {"enabled": False},
                       "service": {"sessionAffinity": "ClientIP"}},
    "tokens, rules as code, basic authentication": {
        "grafana": {"admin": {"existingSecret": "grafana-admin", "key": "pw"}}, "access": {**TOKENS, "hosts": ["betrace.example.org"]},
        "rules": {"existingConfigMap": "my-rules", "tokenSecret": {"name": "rules-token"}}, "observability": {"enabled": True, "storage": {"enabled": False}},
        "tempo": {"url": "http://tempo:3200", "otlp": "http://tempo:4318", "user": "betrace", "passwordSecret": {"name": "tempo-password"}}},
    "alone": {"grafana": {"enabled": False}, "watch": {"enabled": False}, "tempo": {"url": "http://tempo.monitoring.svc:3200"}, "settings": {"settle": "3m"},
              "networkPolicy": {"enabled": False}, "access": {"allowAnonymous": True}, "podDisruptionBudget": {"enabled": False},
              "persistence": {"existingClaim": "my-claim"}, "imagePullSecrets": [{"name": "pull"}], "nodeSelector": {"disk": "ssd"},
              "tolerations": [{"key": "x", "operator": "Exists"}], "podAnnotations": {"a": "b"}, "affinity": {"nodeAffinity": {}}},
}
STORE = "clickhouse+https://clickhouse.example.org:8443/otel?table=otel_traces"
SETS["a ClickHouse"] = {"grafana": {"enabled": False}, "tempo": {"otlp": "http://collector:4318"},
                        "store": {"url": STORE, "user": "betrace", "passwordSecret": {"name": "clickhouse", "key": "pw"}, "caSecret": {"name": "authority", "key": "root.pem"}}}
OPENSEARCH = "opensearch+https://opensearch.example.org:9200?index=otel-v1-apm-span-*"
SETS["an OpenSearch"] = {"grafana": {"enabled": False}, "tempo": {"otlp": "http://collector:4318"}, "settings": {"settle": "5m"},
                         "store": {"url": OPENSEARCH, "apiKeySecret": {"name": "opensearch", "key": "key"}, "caSecret": {"name": "authority"}}}
HTTPS = {"secret": "betrace-tls", "caSecret": {"name": "authority", "key": "root.pem"}}
PEERS = [{"ipBlock": {"cidr": "10.1.2.3/32"}}]
SETS["https, for all that ask it"] = {"grafana": WITH_PASSWORD, "observability": {"enabled": True}, **OPERATOR, "tls": HTTPS, "rules": {"files": RULES}}
SETS["https with a public authority, a Tempo behind a private one"] = {
    "grafana": {"enabled": False, "existing": {"enabled": True}}, "tls": {"secret": "betrace-tls"}, **OPERATOR, "evidence": {"keySecret": {"name": "evidence-key", "key": "soc2.pem"}}, "settings": {"timestamp-url": "https://tsa.example.org:8443/stamp"},
    "tempo": {"url": "https://tempo.example.org", "otlp": "https://otlp.example.org:4318", "caSecret": {"name": "authority"}}, "networkPolicy": {"egressTo": PEERS}}
LABELLED = {"enabled": True, "namespaces": ["checkout", "payments"]}
SETS["rules of labelled ConfigMaps, three replicas"] = {**SETS["three replicas"], "rules": {"sidecar": LABELLED}}
SETS["rules of labelled ConfigMaps everywhere, https and tokens"] = {
    "grafana": {"enabled": False}, "tls": HTTPS, "access": TOKENS, "tempo": {"url": "http://tempo:3200", "otlp": "http://tempo:4318"},
    "rules": {"sidecar": {"enabled": True, "namespaces": ["ALL"], "label": "example.org/rules", "labelValue": ""}, "tokenSecret": {"name": "rules-token"}}}
REFUSED = [
    ({"rules": {"files": RULES, "sidecar": LABELLED}}, "exclude each other"),
    ({"rules": {"existingConfigMap": "x", "sidecar": LABELLED}}, "exclude each other"),
    ({"rules": {"sidecar": {**LABELLED, "namespaces": ["ALL", "x"]}}}, "ALL stands alone"),
    ({"rules": {"sidecar": {**LABELLED, "every": "soon"}}}, "pattern"),
    ({"tls": {"caSecret": {"name": "authority"}}}, "set both"),
    ({"tempo": {"caSecret": {"name": "authority"}}}, "set tempo.url"),
    ({"tempo": {"url": "http://tempo:3200", "otlp": "http://tempo:4318", "caSecret": {"name": "authority"}}}, "over https"),
    ({"settings": {"tls-cert": "/x"}}, "settings.tls-cert is set by the chart"),
    ({"networkPolicy": {"egressTo": [{}]}}, "minProperties"),
    ({"store": {"url": STORE, "apiKeySecret": {"name": "x"}}, "tempo": {"otlp": "http://collector:4318"}, "grafana": {"enabled": False}}, "has no API keys"),
    ({"store": {"url": "opensearch+https://u:secret@opensearch:9200"}}, "pattern"),
    ({"store": {"url": STORE}, "tempo": {"url": "http://tempo:3200", "otlp": "http://tempo:4318"}, "grafana": {"enabled": False}}, "exclude each other"),
    ({"store": {"url": STORE}, "tempo": {"otlp": "http://collector:4318"}, "grafana": WITH_PASSWORD}, "grafana.enabled false"),
    ({"store": {"url": STORE}, "grafana": {"enabled": False}}, "watch needs tempo.otlp"),
    ({"store": {"user": "betrace"}}, "set store.url"),
    ({"store": {"url": "clickhouse+https://u:secret@clickhouse:8443/otel"}}, "pattern"),
    ({"store": {"url": "http://clickhouse:8123/otel"}}, "pattern"),
    ({"replicas": 2}, "needs rules as code"),
    ({"replicas": 2, "rules": {"files": RULES}}, "sessionAffinity ClientIP"),
    ({"replicas": 2, "rules": {"files": RULES}, "service": {"sessionAffinity": "ClientIP"}}, "persistence.enabled false"),
    ({"settings": {"replica": 1}}, "settings.replica is set by the chart"),
    ({"settings": {"evidence-key": "/etc/betrace/key.pem"}}, "settings.evidence-key is set by the chart"),
    ({"evidence": {"key": "-----BEGIN PRIVATE KEY-----"}}, "additional properties 'key' not allowed"),
    ({"networkPolicy": {"enabled": False}}, "access.tokensSecret"),
    ({"access": {"tokensSecret": "t"}, "rules": {"files": RULES}}, "rules.tokenSecret"),
    ({"access": {"tokensSecret": "t"}, **OPERATOR}, "access.metricsTokenSecret"),
    ({"access": {"tokensSecret": "t"}, "observability": {"enabled": True}}, "access.metricsTokenSecret"),
    ({"tempo": {"url": "http://tempo:3200"}}, "watch needs tempo.otlp"),
    ({"tempo": {"tokenSecret": {"name": "t"}}}, "set tempo.url"),
    ({"grafana": {**WITH_PASSWORD, "existing": {"enabled": True}}}, "exclude each other"),
    ({"grafana": {"config": {"security": {"admin_password": ""}}}}, "no default password"),
    ({"replica": 1}, "additional properties 'replica' not allowed"),
    ({"replicas": 0}, "minimum"),
    ({"tempo": {"url": "tempo:3200"}}, "pattern"),
    ({"tempo": {"url": "http://user:secret@tempo:3200"}}, "pattern"),
    ({"grafana": {"image": "grafana/grafana"}}, "pattern"),
    ({"image": {"digest": "sha256:12"}}, "pattern"),
]


def run(*arguments, check=True):
    done = subprocess.run([HELM, *map(str, arguments)], capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"helm {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")
    return done


def render_raw(values, *more, chart=CHART, check=True):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        return run("template", "betrace", chart, "--namespace", "betrace", "--values", file.name, *more, check=check)


@functools.lru_cache
def rendered(name):
    """{(kind, name): object} of one of the sets."""
    objects = [one for one in yaml.safe_load_all(render_raw(SETS[name]).stdout) if one]
    in_namespace = {"Role", "RoleBinding"}  # one of the same name in each
    found = {(one["kind"], (one["metadata"]["namespace"] + "/" if one["kind"] in in_namespace else "") + one["metadata"]["name"]): one for one in objects}
    assert len(found) == len(objects), "two objects have one name"
    return found


def pod_specs(objects):
    """(name, pod metadata, pod spec) of everything that runs."""
    for (kind, name), one in objects.items():
        if kind in ("Deployment", "StatefulSet"):
            yield name, one["spec"]["template"]["metadata"], one["spec"]["template"]["spec"]
        elif kind == "Pod":
            yield name, one["metadata"], one["spec"]


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


class Rendered(unittest.TestCase):
    def each(self):
        for name in SETS:
            with self.subTest(values=name):
                yield rendered(name)

    def test_lint(self):
        for values in SETS.values():
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(values, file)
                file.flush()
                out = run("lint", "--strict", CHART, "--values", file.name).stdout
                self.assertIn("0 chart(s) failed", out)

    def test_schemas_of_kubernetes(self):
        kubernetes_validate.utils.schema_contents = functools.lru_cache(maxsize=None)(kubernetes_validate.utils.schema_contents)
        checked = 0
        for objects in self.each():
            for (kind, name), one in objects.items():
                if one["apiVersion"].startswith("monitoring.coreos.com/"):
                    continue  # of the operator, not of Kubernetes
                for version in KUBERNETES:
                    with self.subTest(object=f"{kind}/{name}", version=version):
                        kubernetes_validate.validate(copy.deepcopy(one), version, strict=True)
                        checked += 1
        self.assertGreater(checked, 200)
        with self.assertRaises(kubernetes_validate.ValidationError, msg="the validation can fail"):
            kubernetes_validate.validate({"apiVersion": "v1", "kind": "Service", "metadata": {"nom": "x"}}, KUBERNETES[0], strict=True)

    def test_names_of_the_quick_start(self):
        objects = rendered("the quick start")
        backend = objects["Deployment", "betrace-backend"]
        self.assertEqual(backend["spec"]["template"]["metadata"]["labels"]["app"], "betrace-backend")
        self.assertEqual(objects["Service", "betrace-backend"]["spec"]["ports"][0]["port"], 8080)
        self.assertEqual(objects["Service", "betrace-grafana"]["spec"]["ports"][0]["port"], 3000)
        self.assertIn(("StatefulSet", "betrace-tempo"), objects)
        self.assertNotIn(("StatefulSet", "betrace-prometheus"), objects)

    def test_services_reach_pods(self):
        for objects in self.each():
            pods = list(pod_specs(objects))
            for (kind, name), one in objects.items():
                if kind not in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
                    continue
                selector = one["spec"].get("selector") or one["spec"]["podSelector"]
                selector = selector.get("matchLabels", selector)
                met = [spec for _, meta, spec in pods if selector.items() <= meta["labels"].items()]
                self.assertEqual(len(met), 1, f"{kind} {name}")
                if kind == "Service":
                    ports = {port["name"] for port in met[0]["containers"][0]["ports"]}
                    self.assertLessEqual({port["targetPort"] for port in one["spec"]["ports"]}, ports)
            for (kind, name), one in objects.items():
                if kind in ("Deployment", "StatefulSet"):
                    self.assertLessEqual(one["spec"]["selector"]["matchLabels"].items(), one["spec"]["template"]["metadata"]["labels"].items())

    def test_restricted_security(self):
        for objects in self.each():
            for name, _, spec in pod_specs(objects):
                with self.subTest(pod=name):
                    self.assertIs(spec["automountServiceAccountToken"], False)
                    self.assertIs(spec["securityContext"]["runAsNonRoot"], True)
                    self.assertGreater(spec["securityContext"]["runAsUser"], 0)
                    self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                    self.assertFalse({"hostNetwork", "hostPID", "hostIPC"} & spec.keys())
                    for container in containers(spec):
                        self.assertEqual(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                                        "capabilities": {"drop": ["ALL"]}})
                        self.assertIn("memory", container["resources"]["limits"])
                        self.assertIn("memory", container["resources"]["requests"])
                    for volume in spec.get("volumes", []):
                        self.assertLessEqual(volume.keys() - {"name"}, {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"})
                        if "projected" in volume:  # a token of the API server: for the programs that ask it alone
                            having = {one["name"] for one in containers(spec) if volume["name"] in [mount["name"] for mount in one["volumeMounts"]]}
                            self.assertEqual(having, {"rules-first", "rules-files"})

    def test_rules_of_labelled_config_maps(self):
        """The sidecar writes, betrace reads, nobody else writes; what it may read is what it looks at. Its health page does not take the service's port."""
        for name, namespaces, kind in (("rules of labelled ConfigMaps, three replicas", "checkout,payments", "Role"),
                                       ("rules of labelled ConfigMaps everywhere, https and tokens", "ALL", "ClusterRole")):
            objects = rendered(name)
            ((_, _, spec),) = [one for one in pod_specs(objects) if one[0] == "betrace-backend"]
            (first,), (service, files, sync) = spec["initContainers"], spec["containers"]
            self.assertEqual(spec["serviceAccountName"], "betrace-backend")
            for one, method in ((first, "LIST"), (files, "WATCH")):
                env = {variable["name"]: variable["value"] for variable in one["env"]}
                self.assertEqual((env["METHOD"], env["NAMESPACE"], env["UNIQUE_FILENAMES"], env["FOLDER"], env["RESOURCE"]),
                                 (method, namespaces, "true", "/etc/betrace/rules", "configmap"))
                self.assertEqual((env["LABEL"], env.get("LABEL_VALUE")), ("betrace_rules", "1") if kind == "Role" else ("example.org/rules", None))
                self.assertNotIn(int(env["HEALTH_PORT"]), [port["containerPort"] for port in service["ports"]])
            self.assertEqual({one["name"]: mount.get("readOnly", False) for one in (service, files, sync) for mount in one["volumeMounts"] if mount["name"] == "rules"},
                             {"betrace": True, "rules-files": False, "rules-sync": True})
            self.assertIn("betrace sync /etc/betrace/rules --apply --prune --every 10s", sync["command"][2])
            self.assertNotIn("--prune", service["lifecycle"]["postStart"]["exec"]["command"][2])
            self.assertEqual("--ca /etc/betrace/authority/ca.crt" in sync["command"][2], kind == "ClusterRole")
            roles = [one for (of, _), one in objects.items() if of in ("Role", "ClusterRole")]
            self.assertEqual({(one["kind"], one["metadata"].get("namespace")) for one in roles},
                             {("Role", "checkout"), ("Role", "payments")} if kind == "Role" else {("ClusterRole", None)})
            for role in roles:
                self.assertEqual(role["rules"], [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}])
            ports = {port["port"] for rule in objects["NetworkPolicy", "betrace-backend"]["spec"]["egress"] for port in rule["ports"]}
            self.assertLessEqual({443, 6443}, ports, "the API server can be asked")

    def test_probes(self):
        for objects in self.each():
            for name, _, spec in pod_specs(objects):
                if name.endswith("-test-ready"):
                    continue
                main = spec["containers"][0]
                self.assertIn("livenessProbe", main, name)
                self.assertIn("readinessProbe", main, name)
            (backend,) = [spec for name, _, spec in pod_specs(objects) if name == "betrace-backend"]
            probes = {probe: backend["containers"][0][probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
            self.assertEqual(probes, {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"})

    def test_mounts_have_volumes_and_volumes_have_sources(self):
        outside = {"betrace-tls", "betrace-tokens", "metrics-token", "evidence-key", "authority", "my-rules", "my-claim"}
        for objects in self.each():
            names = {name for _, name in objects} | outside
            for pod, _, spec in pod_specs(objects):
                claims = [claim["metadata"]["name"] for claim in objects.get(("StatefulSet", pod), {"spec": {}})["spec"].get("volumeClaimTemplates", [])]
                volumes = {volume["name"] for volume in spec.get("volumes", [])} | set(claims)
                mounted = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
                self.assertEqual(mounted - volumes, set(), pod)
                for volume in spec.get("volumes", []):
                    source = (volume.get("configMap", {}).get("name") or volume.get("secret", {}).get("secretName")
                              or volume.get("persistentVolumeClaim", {}).get("claimName"))
                    self.assertTrue(source is None or source in names, f"{pod}: {source}")

    def test_no_secret_in_plain_text(self):
        for objects in self.each():
            for (kind, name), one in objects.items():
                text = json.dumps(one)
                for secret in SECRET_TEXTS:
                    if kind == "Secret":
                        text = text.replace(secret, "")
                    self.assertNotIn(secret, text, f"{kind} {name}")
            for _, _, spec in pod_specs(objects):
                for variable in (variable for container in containers(spec) for variable in container.get("env", [])):
                    if re.search(r"PASSWORD|TOKEN|HEADERS", variable["name"]):
                        self.assertIn("secretKeyRef", variable["valueFrom"], variable["name"])
        secret = rendered("the quick start")["Secret", "betrace-grafana"]
        self.assertEqual(base64.b64decode(secret["data"]["admin-password"]).decode(), PASSWORD)

    def test_images_are_pinned(self):
        for objects in self.each():
            for _, _, spec in pod_specs(objects):
                for container in containers(spec):
                    self.assertRegex(container["image"], r":v?\d+\.\d+\.\d+$")

    def test_images_by_digest(self):
        """As a release pins them: whatever the chart starts is named by its digest, its own image and the app's too."""
        names = subprocess.run([sys.executable, ROOT / "distribution/pin_images.py", "-", "names", CHART / "values.yaml", ROOT / "distribution/docker/docker-compose.yml"],
                               capture_output=True, text=True, check=True).stdout.split()
        with tempfile.TemporaryDirectory() as folder:
            chart, digests = pathlib.Path(folder) / "betrace", pathlib.Path(folder) / "digests"
            shutil.copytree(CHART, chart)
            digests.write_text("".join(f"{name} sha256:{number:064x}\n" for number, name in enumerate(names, 1)), encoding="utf-8")
            pinned = subprocess.run([sys.executable, ROOT / "distribution/pin_images.py", digests, "values", chart / "values.yaml"], capture_output=True, text=True, check=True)
            (chart / "values.yaml").write_text(pinned.stdout, encoding="utf-8")
            values = pathlib.Path(folder) / "set.yaml"
            values.write_text(json.dumps(SETS["everything bundled"]), encoding="utf-8")
            done = subprocess.run([helm_binary.require(), "template", "betrace", chart, "-f", values], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        images = re.findall(r"image: \"?([^\s\"]+)", done.stdout)
        self.assertGreaterEqual(len(images), 7)
        for image in images:
            self.assertRegex(image, r"@sha256:[0-9a-f]{64}$")

    def test_secrets_are_passed_by_reference(self):
        objects = rendered("existing Tempo with a token, existing Grafana")
        variables = {variable["name"]: variable for variable in objects["Deployment", "betrace-backend"]["spec"]["template"]["spec"]["containers"][0]["env"]}
        self.assertEqual(variables["BETRACE_TEMPO_TOKEN"]["valueFrom"]["secretKeyRef"], {"name": "tempo-token", "key": "token"})
        self.assertEqual(variables["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"]["secretKeyRef"], {"name": "otlp-headers", "key": "headers"})
        self.assertNotIn("allow-anonymous", objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"])

    def test_reports_are_signed_by_a_secret(self):
        """The key that the Secret's entry becomes is the one that the service reads, and nobody but the pod's own group; without a Secret nothing is mounted."""
        objects = rendered("existing Tempo with a token, existing Grafana")
        spec = objects["Deployment", "betrace-backend"]["spec"]["template"]["spec"]
        (volume,) = [one["secret"] for one in spec["volumes"] if one["name"] == "evidence"]
        (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "evidence"]
        self.assertEqual(volume, {"secretName": "evidence-key", "defaultMode": 0o440, "items": [{"key": "soc2.pem", "path": "evidence.pem"}]})
        self.assertIs(mount["readOnly"], True)
        conf = objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"]
        self.assertIn(f"evidence-key = {mount['mountPath']}/evidence.pem\n", conf)
        unsigned = rendered("the quick start")
        self.assertNotIn("evidence", json.dumps([unsigned["ConfigMap", "betrace-backend"], unsigned["Deployment", "betrace-backend"]]))

    def test_a_clickhouse_is_the_store(self):
        """With its user, a password that is a reference, and authorities that are mounted; and no Tempo comes along."""
        objects = rendered("a ClickHouse")
        self.assertIn(f"store = {STORE}\n", objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"])
        self.assertNotIn("tempo", objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"])
        self.assertFalse([name for _, name in objects if "tempo" in name])
        spec = objects["Deployment", "betrace-backend"]["spec"]["template"]["spec"]
        variables = {one["name"]: one for one in spec["containers"][0]["env"]}
        self.assertEqual(variables["CLICKHOUSE_USER"]["value"], "betrace")
        self.assertEqual(variables["CLICKHOUSE_PASSWORD"]["valueFrom"]["secretKeyRef"], {"name": "clickhouse", "key": "pw"})
        (mount,) = [one for one in spec["containers"][0]["volumeMounts"] if one["name"] == "store"]
        (volume,) = [one for one in spec["volumes"] if one["name"] == "store"]
        self.assertEqual((volume["secret"]["secretName"], volume["secret"]["items"]), ("authority", [{"key": "root.pem", "path": "ca.crt"}]))
        self.assertEqual(variables["CLICKHOUSE_CA"]["value"], f"{mount['mountPath']}/ca.crt")
        (_, out) = objects["NetworkPolicy", "betrace-backend"]["spec"]["egress"]
        self.assertEqual({one["port"] for one in out["ports"]}, {8443, 4318})
        self.assertNotIn("to", out)

    def test_an_opensearch_is_the_store(self):
        """With a key that is a reference, authorities that are mounted, variables by the store's own name, and settings that betrace takes."""
        objects = rendered("an OpenSearch")
        conf = objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"]
        self.assertIn(f"store = {OPENSEARCH}\n", conf)
        self.assertFalse([name for _, name in objects if "tempo" in name])
        spec = objects["Deployment", "betrace-backend"]["spec"]["template"]["spec"]
        variables = {one["name"]: one for one in spec["containers"][0]["env"]}
        self.assertEqual(variables["OPENSEARCH_API_KEY"]["valueFrom"]["secretKeyRef"], {"name": "opensearch", "key": "key"})
        self.assertEqual(variables["OPENSEARCH_CA"]["value"], "/etc/betrace/store/ca.crt")
        self.assertFalse({name for name in variables if name.startswith("CLICKHOUSE") or name == "OPENSEARCH_USER"})
        (_, out) = objects["NetworkPolicy", "betrace-backend"]["spec"]["egress"]
        self.assertEqual({one["port"] for one in out["ports"]}, {9200, 4318})
        store = [line for line in conf.splitlines() if line.startswith("store")]
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("\n".join(store) + "\n")
            file.flush()
            done = run_cli("serve", "--config", file.name, "--print-config")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(OPENSEARCH.partition("?")[0] + "?(hidden)", done.stdout)

    def test_replicas_have_numbers_and_no_deployment(self):
        objects = rendered("three replicas")
        self.assertNotIn(("Deployment", "betrace-backend"), objects)
        spec = objects["StatefulSet", "betrace-backend"]["spec"]
        self.assertEqual(spec["replicas"], 3)
        (line,) = spec["template"]["spec"]["containers"][0]["args"]
        # The very line, run by a shell whose betrace says what it was given.
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "betrace")
            program.write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
            program.chmod(0o755)
            done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=True,
                                  env={"PATH": f"{folder}:/usr/bin:/bin", "HOSTNAME": "betrace-backend-2"})
        self.assertEqual(done.stdout, "serve --config /etc/betrace/betrace.conf --replicas 3 --replica 2\n")
        self.assertEqual(objects["Service", "betrace-backend"]["spec"]["sessionAffinity"], "ClientIP")

    def test_network_policy_lets_out_what_is_needed(self):
        policy = rendered("existing Tempo with a token, existing Grafana")["NetworkPolicy", "betrace-backend"]["spec"]
        self.assertEqual({port["port"] for rule in policy["egress"] for port in rule["ports"]}, {53, 443, 4318})
        policy = rendered("the quick start")["NetworkPolicy", "betrace-backend"]["spec"]
        self.assertEqual({port["port"] for rule in policy["egress"] for port in rule["ports"]}, {53, 3200, 4318})

    def test_network_policy_goes_nowhere_else(self):
        """Out of the release go only calls on the ports of what is set, and where peers are given, to these alone."""
        names, tempo = rendered("the quick start")["NetworkPolicy", "betrace-backend"]["spec"]["egress"]
        self.assertEqual((names["ports"][0]["port"], tempo["to"][0]["podSelector"]["matchLabels"]["app"]), (53, "betrace-tempo"))
        objects = rendered("https with a public authority, a Tempo behind a private one")
        names, outside = objects["NetworkPolicy", "betrace-backend"]["spec"]["egress"]
        self.assertEqual((sorted(port["port"] for port in outside["ports"]), outside["to"]), ([443, 4318, 8443], PEERS))
        values = {"grafana": WITH_PASSWORD, "settings": {"timestamp-url": "http://tsa.example.org/stamp"}}
        (policy,) = [one for one in yaml.safe_load_all(render_raw(values).stdout) if one and one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "betrace-backend"]
        self.assertEqual([[port["port"] for port in rule["ports"]] for rule in policy["spec"]["egress"]], [[53, 53], [3200, 4318], [80]])
        self.assertEqual(["to" in rule for rule in policy["spec"]["egress"]], [False, True, False])

    def test_https_is_asked_for_by_all_that_ask(self):
        """Probes, both ways of Prometheus, Grafana's data source and pages, the start hook and `helm test`. Those that check certificates know the authority."""
        objects = rendered("https, for all that ask it")
        conf = objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"]
        self.assertIn("tls-cert = /etc/betrace/tls/tls.crt\ntls-key = /etc/betrace/tls/tls.key\n", conf)
        specs = {name: spec for name, _, spec in pod_specs(objects)}
        main = specs["betrace-backend"]["containers"][0]
        self.assertEqual({main[probe]["httpGet"].get("scheme") for probe in ("startupProbe", "livenessProbe", "readinessProbe")}, {"HTTPS"})
        self.assertEqual(specs["betrace-backend"]["hostAliases"], [{"ip": "127.0.0.1", "hostnames": ["betrace-backend"]}])
        for name in ("betrace-backend", "betrace-prometheus", "betrace-grafana", "betrace-test-ready"):
            with self.subTest(pod=name):
                self.assertIn({"name": "authority", "mountPath": "/etc/betrace/authority", "readOnly": True}, specs[name]["containers"][0]["volumeMounts"])
                self.assertIn({"name": "authority", "secret": {"secretName": "authority", "items": [{"key": "root.pem", "path": "ca.crt"}]}}, specs[name]["volumes"])
        self.assertEqual(specs["betrace-test-ready"]["containers"][0]["args"], ["health", "--ready", "--url", "https://betrace-backend:8080", "--ca", "/etc/betrace/authority/ca.crt"])
        (scrape,) = [one for one in yaml.safe_load(objects["ConfigMap", "betrace-prometheus"]["data"]["prometheus.yml"])["scrape_configs"] if one["job_name"] == "betrace"]
        self.assertEqual((scrape["scheme"], scrape["tls_config"]), ("https", {"ca_file": "/etc/betrace/authority/ca.crt"}))
        (endpoint,) = objects["ServiceMonitor", "betrace-backend"]["spec"]["endpoints"]
        self.assertEqual((endpoint["scheme"], endpoint["tlsConfig"]),
                         ("https", {"serverName": "betrace-backend.betrace.svc", "ca": {"secret": {"name": "authority", "key": "root.pem"}}}))
        source = yaml.safe_load(objects["ConfigMap", "betrace-grafana"]["data"]["datasources.yaml"])["datasources"][0]
        self.assertEqual((source["url"], source["jsonData"]["tlsAuthWithCACert"], source["secureJsonData"]), ("https://betrace-backend:8080", True, {"tlsCACert": "$BETRACE_CA"}))
        (app,) = yaml.safe_load(objects["ConfigMap", "betrace-grafana"]["data"]["apps.yaml"])["apps"]
        self.assertEqual(app["jsonData"]["apiUrl"], "https://betrace-backend:8080")
        variables = {one["name"]: one for one in specs["betrace-grafana"]["containers"][0]["env"]}
        self.assertEqual(variables["BETRACE_CA"]["valueFrom"]["secretKeyRef"], {"name": "authority", "key": "root.pem"})
        self.assertEqual(variables["SSL_CERT_DIR"]["value"], "/etc/ssl/certs:/etc/betrace/authority")
        self.assertNotIn("http://betrace-backend", json.dumps([list(objects.values())]))

    def test_https_of_a_public_authority_and_a_tempo_of_a_private_one(self):
        objects = rendered("https with a public authority, a Tempo behind a private one")
        self.assertIn("tempo-ca = /etc/betrace/tempo/ca.crt\n", objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"])
        spec = objects["Deployment", "betrace-backend"]["spec"]["template"]["spec"]
        self.assertIn({"name": "tempo", "secret": {"secretName": "authority", "defaultMode": 0o440, "items": [{"key": "ca.crt", "path": "ca.crt"}]}}, spec["volumes"])
        self.assertIn({"name": "tempo", "mountPath": "/etc/betrace/tempo", "readOnly": True}, spec["containers"][0]["volumeMounts"])
        self.assertNotIn("/etc/betrace/authority", json.dumps(list(objects.values())))
        self.assertEqual(objects["ServiceMonitor", "betrace-backend"]["spec"]["endpoints"][0]["tlsConfig"], {"serverName": "betrace-backend.betrace.svc"})
        source = yaml.safe_load(objects["ConfigMap", "betrace-grafana-datasources"]["data"]["betrace-datasources.yaml"])["datasources"][0]
        self.assertEqual(source["url"], "https://betrace-backend.betrace.svc:8080")

    def test_a_new_setting_starts_the_pods_anew(self):
        def checksum(values):
            objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(render_raw(values).stdout) if one}
            return objects["Deployment", "betrace-backend"]["spec"]["template"]["metadata"]["annotations"]["checksum/settings"]
        self.assertNotEqual(checksum(SETS["the quick start"]), checksum({**SETS["the quick start"], "settings": {"settle": "3m"}}))

    def test_uninstall_keeps_the_rules(self):
        claim = rendered("the quick start")["PersistentVolumeClaim", "betrace-backend"]
        self.assertEqual(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")


class Refused(unittest.TestCase):
    def test_each_with_its_reason(self):
        for values, reason in REFUSED:
            with self.subTest(values=values):
                done = render_raw({"grafana": WITH_PASSWORD, **values}, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(reason, done.stderr)

    def test_the_schema_knows_every_value(self):
        """values.yaml and values.schema.json have the same names, and nothing else is taken."""
        schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
        values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

        def compare(part, value, path):
            if "$ref" in part:
                part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
            if "properties" in part and part.get("additionalProperties") is False:
                self.assertEqual(part["properties"].keys() - {"global"}, set(value), path)
                for key in value:
                    compare(part["properties"][key], value[key], f"{path}.{key}")
        compare(schema, values, "values")


class FilesInIt(unittest.TestCase):
    """Each file of settings, read by the program it is for."""

    def settings(self, objects):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(objects["ConfigMap", "betrace-backend"]["data"]["betrace.conf"])
            file.flush()
            done = run_cli("serve", "--config", file.name, "--print-config")
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

    def test_betrace_accepts_its_settings(self):
        for name in SETS:
            with self.subTest(values=name):
                self.settings(rendered(name))
        printed = self.settings(rendered("alone"))
        self.assertRegex(printed, r"settle\s*=?\s*3m")

    def test_betrace_accepts_the_names_that_the_pod_is_given(self):
        (value,) = [variable["value"] for variable in rendered("the quick start")["Deployment", "betrace-backend"]["spec"]["template"]["spec"]["containers"][0]["env"]
                    if variable["name"] == "BETRACE_HOST"]
        done = run_cli("serve", "--print-config", env={"BETRACE_HOST": value.replace("$(POD_IP)", "10.1.2.3")})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("10.1.2.3", done.stdout)

    def test_the_start_hook_writes_the_rules(self):
        """The very command of the pod's postStart, against a running service: rules are made those of the files, and others go."""
        (command,) = [spec["containers"][0]["lifecycle"]["postStart"]["exec"]["command"] for name, _, spec in pod_specs(rendered("three replicas")) if name == "betrace-backend"]
        with tempfile.TemporaryDirectory() as folder:
            rules = pathlib.Path(folder, "rules")
            rules.mkdir()
            for name, text in RULES.items():
                (rules / name).write_text(text, encoding="utf-8")
            pathlib.Path(folder, "betrace").symlink_to(pathlib.Path(binary()).resolve())
            with Betrace("--memory-source") as service:
                self.assertEqual(service.post("/v1/rules", {"id": "other", "dsl": "trace.has(span.name == \"x\")"}).status, 201)
                done = subprocess.run([*command[:2], command[2].replace("/etc/betrace/rules", str(rules))], capture_output=True, text=True, timeout=90,
                                      env={**sanitizer_environment(), "PATH": f"{folder}:/usr/bin:/bin", "BETRACE_URL": f"http://127.0.0.1:{service.port}"})
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual([rule["id"] for rule in service.get("/v1/rules").json()["rules"]], ["slow"])

    def test_the_start_hook_asks_by_https(self):
        """The same with a certificate of an authority that nobody trusts yet. Without the authority it must fail, or the test says nothing."""
        (command,) = [spec["containers"][0]["lifecycle"]["postStart"]["exec"]["command"][2]
                      for name, _, spec in pod_specs(rendered("https, for all that ask it")) if name == "betrace-backend"]
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "slow.yaml").write_text(RULES["slow.yaml"], encoding="utf-8")
            certificate, key = make_certificate(folder)
            with Betrace("--memory-source", "--tls-cert", certificate, "--tls-key", key) as service:
                sync = command.split(" && exec ")[1].replace("/etc/betrace/rules", f"{folder}/slow.yaml").replace("betrace-backend:8080", f"localhost:{service.port}").split()[1:]
                self.assertEqual(sync.count("/etc/betrace/authority/ca.crt"), 1)
                trusting = [certificate if word == "/etc/betrace/authority/ca.crt" else word for word in sync]
                self.assertNotEqual(run_cli(*[word for word in trusting if word not in ("--ca", certificate)]).returncode, 0)
                done = run_cli(*trusting)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("slow", done.stdout)

    def test_betrace_reads_rules_through_the_links_of_a_configmap(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "..2026_11_20")
            data.mkdir()
            for name, text in RULES.items():
                (data / name).write_text(text, encoding="utf-8")
                pathlib.Path(folder, name).symlink_to(pathlib.Path("..data", name))
            pathlib.Path(folder, "..data").symlink_to(data.name)
            done = run_cli("check", folder)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_tempo_accepts_its_settings(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(rendered("the quick start")["ConfigMap", "betrace-tempo"]["data"]["tempo.yaml"])
            file.flush()
            done = subprocess.run([TEMPO, f"-config.file={file.name}", "-config.verify=true"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_prometheus_accepts_its_settings(self):
        for name in ("everything bundled", "tokens, rules as code, basic authentication"):
            with tempfile.TemporaryDirectory() as folder:
                for file, text in rendered(name)["ConfigMap", "betrace-prometheus"]["data"].items():
                    text = text.replace("/etc/betrace-secret", folder)
                    pathlib.Path(folder, file).write_text(text, encoding="utf-8")
                pathlib.Path(folder, "token").touch()
                done = subprocess.run([PROMETHEUS / "promtool", "check", "config", f"{folder}/prometheus.yml"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertEqual(done.stdout.count("rules found"), len(list((ROOT / "distribution" / "prometheus").glob("*.yaml"))), done.stdout)

    def test_alerts_are_those_of_distribution_prometheus(self):
        shipped = ROOT / "distribution" / "prometheus"
        groups = []
        names = sorted(file.name for file in shipped.glob("*.yaml"))
        self.assertEqual(sorted(file.name for file in (CHART / "files" / "rules").iterdir()), names)
        for file in names:
            text = (shipped / file).read_text(encoding="utf-8")
            self.assertEqual(rendered("everything bundled")["ConfigMap", "betrace-prometheus"]["data"][file], text)
            groups += yaml.safe_load(text)["groups"]
        objects = rendered("everything bundled")
        self.assertEqual(objects["PrometheusRule", "betrace"]["spec"]["groups"], groups)
        monitor = objects["ServiceMonitor", "betrace-backend"]["spec"]
        service = objects["Service", "betrace-backend"]["metadata"]["labels"]
        self.assertEqual(service[monitor["jobLabel"]], "betrace", "the alerts ask for job=\"betrace\"")
        self.assertLessEqual(monitor["selector"]["matchLabels"].items(), service.items())

    def test_loki_and_pyroscope_are_yaml_on_the_port_of_their_service(self):
        """Their programs are not here, so this is all that can be said of them."""
        objects = rendered("everything bundled")
        for name, data in (("loki", "/var/loki"), ("pyroscope", "/var/pyroscope")):
            settings = yaml.safe_load(objects["ConfigMap", f"betrace-{name}"]["data"][f"{name}.yaml"])
            self.assertEqual(settings["server"]["http_listen_port"], objects["Service", f"betrace-{name}"]["spec"]["ports"][0]["port"])
            container = objects["StatefulSet", f"betrace-{name}"]["spec"]["template"]["spec"]["containers"][0]
            self.assertIn(data, [mount["mountPath"] for mount in container["volumeMounts"]])
            self.assertEqual(container["args"], [f"-config.file=/etc/{name}/{name}.yaml"])
            self.assertIn({"name": "settings", "mountPath": f"/etc/{name}", "readOnly": True}, container["volumeMounts"])

    def test_provisioning_of_grafana(self):
        objects = rendered("everything bundled")
        data = objects["ConfigMap", "betrace-grafana"]["data"]
        sources = {one["uid"]: one for one in yaml.safe_load(data["datasources.yaml"])["datasources"]}
        self.assertEqual({uid: one["type"] for uid, one in sources.items()}, {
            "betrace": "betrace-datasource", "tempo": "tempo", "prometheus": "prometheus", "loki": "loki", "pyroscope": "grafana-pyroscope-datasource"})
        self.assertEqual(sources["betrace"]["jsonData"], {"tempoDatasourceUid": "tempo", "tempoDatasourceName": "Tempo"})
        for uid, source in sources.items():
            self.assertIs(source.get("isDefault"), uid == "tempo", uid)
            host, port = re.fullmatch(r"http://([a-z-]+):(\d+)", source["url"]).groups()
            self.assertIn(int(port), [one["port"] for one in objects["Service", host]["spec"]["ports"]], "it leads to a service of the chart")
        (app,) = yaml.safe_load(data["apps.yaml"])["apps"]
        self.assertEqual((app["type"], app["jsonData"]["apiUrl"]), ("betrace-app", "http://betrace-backend:8080"))
        variables = {one["name"]: one.get("value") for one in objects["Deployment", "betrace-grafana"]["spec"]["template"]["spec"]["containers"][0]["env"]}
        self.assertEqual(variables["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"], "betrace-app,betrace-datasource")

    def test_provisioning_of_an_existing_grafana(self):
        objects = rendered("existing Tempo with a token, existing Grafana")
        for name, label in (("datasources", "grafana_datasource"), ("apps", "grafana_plugin")):
            one = objects["ConfigMap", f"betrace-grafana-{name}"]
            self.assertEqual((one["metadata"]["namespace"], one["metadata"]["labels"][label]), ("monitoring", "1"))
        (source,) = yaml.safe_load(objects["ConfigMap", "betrace-grafana-datasources"]["data"]["betrace-datasources.yaml"])["datasources"]
        self.assertEqual(source["url"], "http://betrace-backend.betrace.svc:8080")
        self.assertIs(source.get("isDefault"), False)
        self.assertEqual(source["jsonData"], {"tempoDatasourceUid": "tempo-prod", "tempoDatasourceName": "Prod"})
        self.assertEqual(source["secureJsonData"], {"apiToken": "$BETRACE_TOKEN"})


if __name__ == "__main__":
    HELM = helm_binary.require()
    PROMETHEUS = prometheus_binary.require()
    TEMPO = require_tempo()
    unittest.main(verbosity=1)

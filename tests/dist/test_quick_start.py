"""The blocks of docs/ that need Docker or Kubernetes (`sh checked=rendering`): each command is taken apart and held to what is here. The compose file renders, the chart
renders with the same flags, and services, ports, labels, deployments and containers that the page names are in what was rendered. An unknown command fails."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import doc_pages  # noqa: E402
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "requirements.txt")
import yaml  # noqa: E402

import helm_binary  # noqa: E402

CHART = ROOT / "distribution" / "helm" / "betrace"
MANIFESTS = ROOT / "distribution" / "kubernetes"


def blocks():
    """(page, text) of each block that is only rendered."""
    for page in doc_pages.pages():
        for info, text in re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S):
            if "checked=rendering" in info.split():
                yield page.name, text


def commands(text):
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return [shlex.split(one, comments=True) for line in lines for one in line.split("&&")]


def option(words, *names):
    """The value of a flag, given as `--flag value` or `--flag=value`; None."""
    for place, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else words[place + 1]
    return None


class QuickStart(unittest.TestCase):
    """What one block installs is what its later commands, and those of later blocks of the same page, talk to."""

    def setUp(self):
        self.compose, self.objects, self.namespace = {}, [], None

    def do_git(self, words):
        self.assertEqual(words[1:], ["clone", "https://github.com/betracehq/betrace"])

    def do_cd(self, words):
        self.assertEqual(words[1:], ["betrace"])

    def do_docker_compose(self, words):
        file = ROOT / option(words, "-f")
        done = subprocess.run(["docker-compose", "-f", file, "config"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.compose = yaml.safe_load(done.stdout)["services"]
        self.assertIn(words[3], ("up", "down", "stop"))

    def do_docker(self, words):
        self.assertIn(words[1], ("logs", "exec"))
        self.assertIn(words[2], [service["container_name"] for service in self.compose.values()])

    def do_helm(self, words):
        if words[1] == "repo":  # done for real by full_reproducible.py
            return
        self.assertEqual((words[1], words[3]), ("install", "betrace/betrace"))
        flags = [word for word in words[4:] if word != "--create-namespace"]
        done = subprocess.run([HELM, "template", words[2], CHART, *flags], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.namespace = option(words, "--namespace", "-n")
        self.objects = [one for one in yaml.safe_load_all(done.stdout) if one]

    def find(self, kind, name):
        found = [one for one in self.objects if one["kind"].lower() == kind and one["metadata"]["name"] == name]
        self.assertEqual(len(found), 1, f"{kind} {name}")
        return found[0]

    def apply(self, manifest):
        """Its jobs mount what was created before, by this page or by it."""
        made = [one for one in yaml.safe_load_all(manifest.read_text(encoding="utf-8")) if one]
        self.objects += made
        for job in (one for one in made if one["kind"] == "Job"):
            for volume in job["spec"]["template"]["spec"].get("volumes", []):
                if "configMap" in volume:
                    self.find("configmap", volume["configMap"]["name"])

    def do_kubectl(self, words):
        self.assertEqual(option(words, "-n", "--namespace"), self.namespace)
        if words[1] == "create":  # what the jobs mount
            self.assertEqual(words[2], "configmap")
            self.objects.append({"kind": "ConfigMap", "metadata": {"name": words[3]}})
        elif words[1] == "apply":
            self.apply(MANIFESTS / option(words, "-f"))
        elif words[1] == "wait" and option(words, "-l") is None:
            self.find(*words[3].split("/"))
        elif words[1] == "wait":
            key, _, value = option(words, "-l").partition("=")
            pods = [one for one in self.objects if one["kind"] in ("Deployment", "StatefulSet") and one["spec"]["template"]["metadata"]["labels"].get(key) == value]
            self.assertEqual(len(pods), 1)
        elif words[1] == "port-forward":
            (target, ports) = words[-2:]
            self.assertTrue(target.startswith("svc/"))
            service = self.find("service", target[4:])
            self.assertIn(int(ports.split(":")[1]), [port["port"] for port in service["spec"]["ports"]])
        else:
            self.assertIn(words[1], ("logs", "exec"))
            (target,) = [word for word in words if "/" in word and not word.startswith("/")]
            self.find(*target.split("/"))

    def test_every_block(self):
        seen, seen_page = 0, None
        for page, text in blocks():
            if page != seen_page:
                self.setUp()
            seen_page = page
            for words in commands(text):
                with self.subTest(page=page, command=" ".join(words)):
                    run = getattr(self, "do_" + words[0].replace("-", "_"), None)
                    self.assertIsNotNone(run, "nobody knows how to check this command")
                    run(words)
                    seen += 1
        self.assertGreaterEqual(seen, 10)


if __name__ == "__main__":
    if not shutil.which("docker-compose"):
        print("skipped: Debian's package docker-compose is not installed")
        sys.exit(77)
    HELM = helm_binary.require()
    os.environ.pop("GRAFANA_ADMIN_PASSWORD", None)
    unittest.main(verbosity=1)

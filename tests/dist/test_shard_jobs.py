"""distribution/kubernetes: the indexed job of shards and the job that merges them. They fit the Kubernetes schemas, run as nobody, and their commands, run
here as a pod of each index would, give what one replay of the range gives. What a real cluster does with them is not tested here."""
import copy
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent / "support"), str(HERE)]
import python_packages  # noqa: E402

if __name__ == "__main__":
    python_packages.run_again_with(HERE / "requirements.txt")
import kubernetes_validate  # noqa: E402
import yaml  # noqa: E402
from betrace_process import binary, run_cli, sanitizer_environment  # noqa: E402
from shard_runs import differences  # noqa: E402
from trace_files import span, trace  # noqa: E402

FOLDER = ROOT / "distribution/kubernetes"
KUBERNETES = ("1.31", "1.37")  # backoffLimitPerIndex is on by default from 1.29 on
RULES = "rules:\n- {id: late, dsl: 'when { a } always { b }'}\n"


def documents(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def job_of(name):
    return next(one for one in documents(name) if one["kind"] == "Job")


def container_of(name):
    return job_of(name)["spec"]["template"]["spec"]["containers"][0]


class ShardJobs(unittest.TestCase):
    def test_they_fit_the_schemas(self):
        for name in sorted(path.name for path in FOLDER.iterdir()):
            for one in documents(name):
                for version in KUBERNETES:
                    with self.subTest(file=name, kind=one["kind"], version=version):
                        kubernetes_validate.validate(copy.deepcopy(one), version, strict=True)
        with self.assertRaises(kubernetes_validate.ValidationError, msg="the validation can fail"):
            kubernetes_validate.validate({**documents("merge-shards.yaml")[0], "spek": {}}, KUBERNETES[0], strict=True)

    def test_pods_are_restricted(self):
        for name in ("replay-shards.yaml", "merge-shards.yaml"):
            pod, container = job_of(name)["spec"]["template"]["spec"], container_of(name)
            self.assertTrue(pod["securityContext"]["runAsNonRoot"])
            self.assertEqual(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault")
            self.assertEqual(container["securityContext"], {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
            self.assertFalse(pod["automountServiceAccountToken"])

    def test_the_numbers_of_shards_agree(self):
        spec = job_of("replay-shards.yaml")["spec"]
        environment = {one["name"]: one["value"] for one in container_of("replay-shards.yaml")["env"]}
        self.assertEqual((spec["completionMode"], str(spec["completions"])), ("Indexed", environment["SHARDS"]))
        self.assertGreaterEqual(spec["maxFailedIndexes"], spec["completions"], "one shard that fails ends none of the others")

    def run_pod(self, name, folder, **variables):
        """The container's command, with its folders below this one; betrace reads a file instead of the store."""
        container = container_of(name)
        script = "\n".join(container["args"]).replace("/shards/", f"{folder}/shards/").replace(" /rules ", f" {folder}/rules ")
        environment = {one["name"]: one["value"] for one in container.get("env", ()) if one["name"] != "BETRACE_STORE"}
        path = f"{folder}/bin:{os.environ['PATH']}"
        return subprocess.run([*container["command"], script], env={**sanitizer_environment(), **environment, **variables, "PATH": path}, capture_output=True, text=True,
                              timeout=300, check=False)

    def prepare(self, folder):
        for name in ("bin", "rules", "shards"):
            (folder / name).mkdir()
        (folder / "rules/rules.yaml").write_text(RULES, encoding="utf-8")
        days = [trace(day + 1, span("a"), *([span("b", at=1)] if day % 3 else []), at=day * 24 * 3600 * 1000 + 5000) for day in range(31)]
        (folder / "traces.jsonl").write_text("".join(days), encoding="utf-8")
        program = folder / "bin/betrace"
        program.write_text(f'#!/bin/sh\nif [ "$1" = replay ]; then exec {binary()} "$@" --traces {folder}/traces.jsonl; fi\nexec {binary()} "$@"\n', encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def test_all_indexes_give_the_whole(self):
        with tempfile.TemporaryDirectory(prefix="betrace-pods-") as name:
            folder = pathlib.Path(name)
            self.prepare(folder)
            for index in range(16):
                done = self.run_pod("replay-shards.yaml", folder, JOB_COMPLETION_INDEX=str(index))
                self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
            files = sorted(folder.glob("shards/*"))
            self.assertEqual(len(files), 16, "no part of a file is left behind")
            merged = json.loads(run_cli("merge", "--json", *files).stdout)
            whole = run_cli("replay", folder / "rules", folder / "traces.jsonl", "--start", "2026-01-01T00:00:00Z", "--end", "2026-02-01T00:00:00Z", "--json")
            self.assertEqual(differences(json.loads(whole.stdout), merged), [])
            self.assertEqual(len(merged["violations"]), 11)
            done = self.run_pod("merge-shards.yaml", folder)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("late: 11 violations", done.stdout)
            files[4].unlink()
            self.assertIn("missing: shard", self.run_pod("merge-shards.yaml", folder).stdout)

    def test_a_store_that_does_not_answer_is_tried_again(self):
        with tempfile.TemporaryDirectory(prefix="betrace-pods-") as name:
            folder = pathlib.Path(name)
            self.prepare(folder)
            (folder / "bin/betrace").write_text(f'#!/bin/sh\nexec {binary()} "$@"\n', encoding="utf-8")
            done = self.run_pod("replay-shards.yaml", folder, JOB_COMPLETION_INDEX="2", BETRACE_STORE="tempo+http://127.0.0.1:1")
            self.assertEqual(done.returncode, 3, done.stderr)
            kept = json.loads((folder / "shards/3-of-16.json").read_text(encoding="utf-8"))
            self.assertEqual((kept["status"], kept["shard"]["number"]), ("failed", 3))


if __name__ == "__main__":
    unittest.main(verbosity=1)

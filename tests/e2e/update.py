# SPDX-License-Identifier: Apache-2.0
"""A changed command: pods are replaced one by one, and an unchanged file changes nothing."""
import threading
import time

from harness import check, equal, fetch, has, run, step, wait

N = 4


def compose(w, port, version):
    return ("services:\n"
            "  web:\n" + w.run_server("http", "VERSION: v%d" % version) + "    ports: [\"%d:80\"]\n    scale: %d\n" % (port, N) +
            "  worker:\n" + w.run_worker())


class Watcher(threading.Thread):
    """The fewest ready pods of web, and the requests that nobody answered."""

    def __init__(self, w, port):
        super().__init__()
        self.w, self.port, self.end = w, port, threading.Event()
        self.fewest, self.most, self.failed, self.asked = N, N, 0, 0

    def run(self):
        while not self.end.is_set():
            pods = self.w.ok("ps", "--json", "shop/web").json()
            ready = [p for p in pods if p["state"] == "ready"]
            self.fewest = min(self.fewest, len(ready))
            self.most = max(self.most, sum(p["state"] in ("starting", "running", "ready", "stopping") for p in pods))
            for _ in range(3):
                self.asked += 1
                self.failed += fetch(self.port) is None
            time.sleep(0.02)


def scenario(w):
    w.start()
    port = w.port()
    w.up(compose(w, port, 1))
    first = w.wait_pods("web", N)
    worker = w.wait_pods("worker", 1)[0]

    again = w.up(compose(w, port, 1))
    equal({p["pod"]: p["pid"] for p in w.ps("web")}, {p["pod"]: p["pid"] for p in first}, "pods after an unchanged up")
    equal(len(w.starts()), N + 1, "starts after an unchanged up")
    has(again.out + again.err, "unchanged", "what an unchanged up says")
    plan = w.ok("up", "--dry-run", "--json", "-f", w.files + "/shop/compose.yaml").json()["plan"]
    equal({p["app"]: p["action"] for p in plan}, {"web": "none", "worker": "none"}, "the plan of an unchanged file")
    step("an unchanged up changes nothing")

    w.write("shop/compose.yaml", "name: shop\n" + compose(w, port, 2))
    plan = w.ok("up", "--dry-run", "--json", "-f", w.files + "/shop/compose.yaml").json()["plan"]
    equal({p["app"]: p["action"] for p in plan}, {"web": "replace", "worker": "none"}, "the plan of a change")
    equal(len(w.starts()), N + 1, "starts after --dry-run")
    watcher = Watcher(w, port)
    watcher.start()
    try:
        w.up(compose(w, port, 2))
    finally:
        watcher.end.set()
        watcher.join()
    pods = w.wait_pods("web", N)
    check(not {p["pod"] for p in pods} & {p["pod"] for p in first}, "every pod of web is new")
    equal([p["slot"] for p in pods], list(range(1, N + 1)), "slots")
    check(watcher.fewest >= N - 1, "never fewer than %d ready" % (N - 1), watcher.fewest)
    equal({(fetch(port) or "").split()[-1] for _ in range(3 * N)}, {"v2"}, "who answers")
    equal(w.wait_pods("worker", 1)[0]["pid"], worker["pid"], "the app that did not change")
    equal(len(w.starts("web")), 2 * N, "starts of web")
    step("one by one: at least %d ready, %d of %d requests without an answer" % (watcher.fewest, watcher.failed, watcher.asked))
    check(watcher.failed <= watcher.asked // 20, "requests without an answer", watcher.failed, watcher.asked)

    # The number is no change of the pods.
    w.up(compose(w, port, 2).replace("scale: %d" % N, "scale: %d" % (N - 2)))
    left = w.wait_pods("web", N - 2)
    equal([p["pod"] for p in left], [p["pod"] for p in pods[:N - 2]], "pods that stay when there are fewer")
    # An app that the file no longer names goes.
    w.up("services:\n  worker:\n" + w.run_worker())
    wait(lambda: [p["app"] for p in w.ps()] == ["worker"], "web is gone")
    equal(w.wait_pods("worker", 1)[0]["pid"], worker["pid"], "the app that did not change")
    step("scaled down, an app removed")
    w.ok("down", "shop")


run(scenario)

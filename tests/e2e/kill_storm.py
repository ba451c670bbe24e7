# SPDX-License-Identifier: Apache-2.0
"""kill -9 of gantryd at random moments of up, scale, change and down: what was asked comes true, and nothing begins twice."""
import os
import random
import time
from collections import Counter

from harness import SLOW, alive, check, equal, run, step, wait

ROUNDS = 20


def compose(w, version, web, worker):
    return ("services:\n"
            "  web:\n" + w.run_server("http", "VERSION: v%d" % version) + "    ports: [\"80\"]\n    scale: %d\n" % web +
            "    stop_grace_period: 5s\n"
            "  worker:\n" + w.run_worker() + "    scale: %d\n" % worker)


def ask(w, *args):
    """Until the server has taken it: a client does not know whether a request that broke off was.  Returns nothing."""
    end = time.monotonic() + SLOW
    while True:
        result = w.gantry(*args)
        if result.code == 0 or (args[0] == "down" and result.code == 4):
            return
        check(result.code in (1, 5), "an answer other than broken off: %s" % result)
        check(time.monotonic() < end, "the server takes it: %s" % result)
        if w.daemon is None:
            w.start()


def scenario(w):
    seed = int(os.environ.get("GANTRY_E2E_SEED", random.SystemRandom().randrange(1 << 30)))
    step("seed %d (GANTRY_E2E_SEED)" % seed)
    rng = random.Random(seed)
    version, web, worker, up = 1, 2, 2, False
    w.start()
    for i in range(ROUNDS):
        what = rng.choice(["up", "scale", "change", "down"]) if up else "up"
        args = None
        if what == "scale":
            web, worker = rng.randrange(1, 6), rng.randrange(0, 4)
            args = ["scale", "--detach", "web=%d" % web, "worker=%d" % worker]
        elif what == "down":
            args, up = ["down", "--detach", "shop"], False
        else:
            if what == "change":
                version += 1
            up = True
            path = w.write("shop.yaml", "name: shop\n" + compose(w, version, web, worker))
            args = ["up", "--detach", "-f", path]
        client = w.popen(*args, stdin=-3, stdout=-3, stderr=-3)
        time.sleep(rng.choice([0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.7]) * rng.random() * 2)
        w.kill9()
        client.wait(SLOW)
        w.start(ready=rng.random() < 0.5)
        ask(w, *args)
        step("kill %d during %s" % (i + 1, what))
    if w.daemon.poll() is None:
        w.wait_ready()
    path = w.write("shop.yaml", "name: shop\n" + compose(w, version, web, worker))
    w.ok("up", "-f", path)
    pods = w.wait_pods("web", web) + w.wait_pods("worker", worker)
    equal(Counter((p["app"], p["slot"]) for p in pods),
          Counter([("web", s + 1) for s in range(web)] + [("worker", s + 1) for s in range(worker)]), "slots")
    for p in pods:
        check(alive(p["pid"]), "its process runs", p)
        equal(p["restarts"], 0, "restarts of %s.%d: nothing ended by itself" % (p["app"], p["slot"]))
    starts = w.starts()
    step("%d starts" % len(starts))
    twice = {pod: n for pod, n in Counter(s[2] for s in starts).items() if n > 1}
    equal(twice, {}, "pods that began more than once")
    running = sorted(s[3] for s in starts if alive(s[3]))
    wait(lambda: sorted(s[3] for s in w.starts() if alive(s[3])) == sorted(p["pid"] for p in pods),
         "only the pods that are wanted run: %r, %r" % (running, pods))
    w.ok("down", "shop")
    w.wait_nothing_left()


run(scenario)

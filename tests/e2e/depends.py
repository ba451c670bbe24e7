# SPDX-License-Identifier: Apache-2.0
"""Who waits for whom: started, healthy, completed; jobs that complete and jobs that fail."""
import os

from harness import check, equal, has, run, step

NOTE = "echo %s >> %s; %s"


def note(w, what, then):
    return '["/bin/sh", "-c", "' + NOTE % (what, w.shared + "/order", then) + '"]'


def order(w):
    try:
        with open(w.shared + "/order") as f:
            return f.read().split()
    except OSError:
        return []


def scenario(w):
    with open(w.shared + "/order", "w"):
        pass
    os.chmod(w.shared + "/order", 0o666)
    w.start()
    w.up("services:\n"
         "  migrate:\n    command: %s\n" % note(w, "migrate", "sleep 1; echo migrated >> %s/order; exit 0" % w.shared) +
         "    depends_on: {db: {condition: service_healthy}}\n"
         "  db:\n    command: %s\n" % note(w, "db", "sleep 1; touch %s/db-up; exec sleep 100000" % w.shared) +
         "    healthcheck: {test: [CMD, test, -e, %s/db-up], interval: 200ms, retries: 100}\n" % w.shared +
         "  web:\n    command: %s\n" % note(w, "web", "exec sleep 100000") +
         "    depends_on: {migrate: {condition: service_completed_successfully}, side: {condition: service_started}}\n"
         "  side:\n    command: %s\n" % note(w, "side", "exec sleep 100000"))
    said = order(w)
    for a, b in (("db", "migrate"), ("migrated", "web"), ("side", "web")):
        check(said.index(a) < said.index(b), "%s before %s" % (a, b), said)
    equal(said.count("migrate"), 1, "runs of the job")
    apps = {a["app"]: a for a in w.ok("apps", "--json").json()}
    equal((apps["migrate"]["mode"], apps["migrate"]["completed"]), ("job", 1), "the job")
    ended = [p for p in w.ps("migrate", "-a")]
    equal([(p["state"], p["outcome"]) for p in ended], [("ended", "completed")], "the job's pod")
    step("started, healthy and completed are waited for")
    # It is not run again, whatever happens to gantryd.
    w.kill9()
    w.start()
    w.ok("up", "-f", w.files + "/shop/compose.yaml")
    equal(order(w).count("migrate"), 1, "runs of the job after a restart of gantryd")
    w.ok("down", "shop")

    # A job that fails for good holds back what waits for it; up says why and ends with 3.
    result = w.up("services:\n"
                  "  job:\n    command: [/bin/sh, -c, 'echo broken >&2; exit 7']\n    restart: \"no\"\n"
                  "    x-gantry: {job: true}\n"
                  "  web:\n    command: %s\n" % note(w, "late", "exec sleep 100000") +
                  "    depends_on: {job: {condition: service_completed_successfully}}\n", "--timeout", "60s", project="fails", code=3)
    has(result.out + result.err, "code 7", "what up says")
    check("late" not in order(w), "web has not begun")
    explained = w.ok("explain", "fails/web").out
    has(explained, "job", "explain of what waits")
    has(w.ok("explain", "fails/job").out, "code 7", "explain of the job")
    w.wait_event("pod.ended", "code 7", "job")
    step("a failed job is explained: %s" % explained.splitlines()[0])
    w.ok("down", "fails")

    # on-failure with a bound.
    result = w.up("services:\n  job:\n    command: %s\n" % note(w, "try", "exit 9") +
                  "    restart: on-failure:2\n    x-gantry: {job: true}\n", "--timeout", "90s", project="tries", code=3)
    has(result.out + result.err, "code 9", "what up says")
    equal(order(w).count("try"), 3, "attempts: one and two more")
    step("attempts have an end")
    w.ok("down", "tries")

    # What cannot be ready in time: 3, and the deployment stays.
    w.up("services:\n  web:\n    command: [sleep, '100000']\n    healthcheck: {test: [CMD, 'false'], interval: 1s, retries: 1000}\n",
         "--timeout", "2s", project="slow", code=3)
    equal(len(w.ps("web")), 1, "the pod after up gave up")
    w.ok("down", "slow")


run(scenario)

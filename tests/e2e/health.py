# SPDX-License-Identifier: Apache-2.0
"""Health checks: by command, TCP and HTTP; what is unhealthy is restarted, what only starts is forgiven."""
import os

from harness import PYTHON, check, equal, fetch, has, run, step, wait

# Listens a while after it began, and only then makes the file READY.
LATE = """
import os, socket, time
time.sleep(2)
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(os.environ["PORT"])))
s.listen()
while True:
    s.accept()[0].close()
"""


def scenario(w):
    w.start()
    fail = {name: w.shared + "/fail-" + name for name in ("http", "command")}
    late = w.write("late.py", LATE)
    w.up("services:\n"
         "  by-http:\n" + w.run_server("http", "FAIL_FILE: " + fail["http"]) + "    ports: [\"80\"]\n"
         "  by-tcp:\n" + w.run_server("tcp") + "    ports: [\"80\"]\n"
         "  by-command:\n" + w.run_server("command", "FAIL_FILE: " + fail["command"]) + "    ports: [\"80\"]\n"
         "  late:\n    command: [%s, -SE, %s]\n    ports: [\"80\"]\n" % (PYTHON, late) +
         "    healthcheck: {interval: 200ms, retries: 1, start_period: 60s}\n"
         "    x-gantry: {health: {tcp: {port: 80}}}\n"
         "  forever:\n    command: [sleep, '100000']\n", "--timeout", "100s")
    pods = {p["app"]: p for p in w.ps()}
    equal({a: (p["health"], p["restarts"]) for a, p in pods.items()},
          {"by-http": ("healthy", 0), "by-tcp": ("healthy", 0), "by-command": ("healthy", 0), "late": ("healthy", 0),
           "forever": ("none", 0)}, "health")
    step("checks by http, tcp and command; start_period forgives")

    for name in ("http", "command"):
        app = "by-" + name
        before = w.ps(app)[0]
        with open(fail[name], "w"):
            pass
        event = w.wait_event("pod.unhealthy", "health check", app)[0]
        equal(event["pod"], before["pod"], "pod of the event")
        if name == "http":
            has(event["text"], "503", "why the check failed")
        wait(lambda: w.ps(app)[0]["restarts"] > 0, app + " is restarted")
        has(w.wait_event("pod.restarting", "unhealthy", app)[0]["text"], "restart", "the event")
        has(w.ok("explain", "shop/" + app).out, "unhealthy", "explain")
        os.unlink(fail[name])

        def well():
            p = w.ps(app)[0]
            return p if p["health"] == "healthy" and p["state"] == "ready" else None
        after = wait(well, app + " is healthy again")
        equal(after["pod"], before["pod"], "pod id")
        check(after["pid"] != before["pid"], "a new process")
        step("%s: unhealthy, restarted, healthy after %d restarts" % (app, after["restarts"]))
    equal({p["app"]: p["pid"] for p in w.ps() if p["app"] in ("by-tcp", "late", "forever")},
          {a: p["pid"] for a, p in pods.items() if a in ("by-tcp", "late", "forever")}, "the others")

    # What is not healthy gets no request.
    port = w.port()
    fail_one = w.shared + "/fail-one"
    w.up("services:\n"
         "  web:\n" + w.run_server("http", 'FAIL_FILE: "%s-$${GANTRY_SLOT}"' % fail_one) +
         "    ports: [\"%d:80\"]\n    scale: 2\n    restart: \"no\"\n" % port, project="two")
    with open(fail_one + "-1", "w"):
        pass
    wait(lambda: any(p["app"] == "web" and p["health"] == "unhealthy" for p in w.ps()), "slot 1 is unhealthy")
    wait(lambda: all((fetch(port) or "1")[0] == "2" for _ in range(10)), "slot 2 alone is asked")
    step("the relay leaves out what is not healthy")
    w.ok("down", "two")
    w.ok("down", "shop")


run(scenario)

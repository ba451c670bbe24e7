# SPDX-License-Identifier: Apache-2.0
"""The main job: three services up, scaled, healed, through kill -9 of gantryd, and down without a trace."""
import os
import signal

from harness import alive, check, equal, fetch, has, listening, run, step, wait


def compose(w, port):
    return ("services:\n"
            "  web:\n" + w.run_server("http") + "    ports: [\"%d:80\"]\n    scale: 2\n" % port +
            "  api:\n" + w.run_server("tcp") + "    ports: [\"80\"]\n"
            "    depends_on: {web: {condition: service_healthy}}\n"
            "  worker:\n" + w.run_worker())


def scenario(w):
    w.start()
    port = w.port()
    w.up(compose(w, port))
    pods = w.ps()
    equal([(p["app"], p["slot"], p["state"]) for p in pods],
          [("api", 1, "ready"), ("web", 1, "ready"), ("web", 2, "ready"), ("worker", 1, "ready")], "pods after up")
    equal([p["health"] for p in pods], ["healthy", "healthy", "healthy", "none"], "health after up")
    check(fetch(port), "the published port answers")
    order = [s[0] for s in w.starts()]
    check(order.index("api") > max(i for i, a in enumerate(order) if a == "web"), "api began before web", order)
    # What is looked for at the end is seen while it is there.
    seen = {pid for pid, _ in w.processes()}
    check({p["pid"] for p in pods} <= seen, "pods among the processes", pods, seen)
    check(port in {p for p, _ in listening()[0]}, "the published port among those that listen")
    if any(os.path.isdir(d) for d in ("/sys/fs/cgroup/gantry", "/sys/fs/cgroup/pids/gantry")):
        check(all(any(p["pod"] in g for g in w.cgroups()) for p in pods), "control groups of the pods", w.cgroups())
    step("three services are healthy")

    w.ok("scale", "web=5")
    web = w.wait_pods("web", 5)
    equal({p["health"] for p in web}, {"healthy"}, "health of web")
    answered = set()
    wait(lambda: answered.add((fetch(port) or "").partition(" ")[0]) or answered >= set("12345"),
         "all five pods answer on the one port")
    step("five pods answer on the one port")

    victim = web[2]
    os.kill(victim["pid"], signal.SIGKILL)

    def back():
        p = w.ps("web")[2]
        return p if p["state"] == "ready" and p["restarts"] == victim["restarts"] + 1 else None
    after = wait(back, "the killed pod is ready again")
    equal(after["pod"], victim["pod"], "pod id after a restart")
    check(after["pid"] != victim["pid"], "a new process")
    event = w.wait_event("pod.restarting", "signal", "web")[0]
    equal((event["pod"], event["slot"]), (victim["pod"], 3), "pod of the event")
    has(event["text"], "9", "the event")
    has(w.ok("events", "shop").out, "signal", "gantry events")
    explained = w.ok("explain", victim["pod"])
    has(explained.out.lower(), "restart", "gantry explain POD")
    has(explained.out, "signal 9", "gantry explain POD")
    equal(sorted(p["pid"] for p in w.ps("web") if p["slot"] != 3),
          sorted(p["pid"] for p in web if p["slot"] != 3), "the other pods of web")
    step("a killed process is restarted and explained")

    before = w.ps()
    equal(len(w.starts()), 8, "starts so far")
    w.kill9()
    for p in before:
        check(alive(p["pid"]), "outlives gantryd", p["app"], p["slot"])
    step("gantryd is gone, the pods run")
    lost = next(p for p in before if p["app"] == "worker")
    os.kill(lost["pid"], signal.SIGKILL)
    wait(lambda: not alive(lost["pid"]), "the worker's end")
    w.start()

    def known():
        p = w.ps("worker")
        return p if len(p) == 1 and p[0]["state"] == "ready" and p[0]["restarts"] == 1 else None
    worker = wait(known, "the worker that ended meanwhile is restarted")[0]
    equal(worker["pod"], lost["pod"], "the worker's pod id")
    check(any(e["pod"] == lost["pod"] and "signal 9" in e["text"] for e in w.wait_event("pod.restarting", app="worker")),
          "the event of the exit that happened meanwhile", w.events())
    w.wait_pods("web", 5)
    w.wait_pods("api", 1)
    same = {p["pod"]: p["pid"] for p in before if p["app"] != "worker"}
    equal({p["pod"]: p["pid"] for p in w.ps() if p["app"] != "worker"}, same, "processes after kill -9 of gantryd")
    equal(len(w.starts()), 9, "starts: nothing twice, the worker once more")
    check(fetch(port), "the published port answers again")
    step("gantryd is back: the same processes, the exit is known")

    w.ok("down", "shop")
    equal(w.ps(), [], "pods after down")
    check(fetch(port) is None, "nobody answers on the port")
    w.wait_nothing_left()
    step("down: nothing is left")


run(scenario)

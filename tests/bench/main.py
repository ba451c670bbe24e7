# SPDX-License-Identifier: Apache-2.0
"""The main job on one machine: deploying, idle memory, the API's cost.

Everything runs below one temporary folder.  Nothing here asserts a time: it measures and says."""
import glob
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

PODS, SLEEPERS, RUNS = 200, 1000, 3
SHIMS_AT_ONCE = 16
TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = """node = { max_pods = %d; };
limits = { rate_per_second = 1000000; rate_burst = 1000000; };
log = { level = "warn"; };
"""


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, bin_dir, folder):
        self.bin, self.dir = bin_dir, folder
        self.socket = folder + "/d/gantry.sock"
        with open(folder + "/bench.conf", "w") as f:
            f.write(CONFIG % (SLEEPERS + PODS))
        self.log = open(folder + "/gantryd.log", "w")
        self.process = subprocess.Popen([bin_dir + "/gantryd", "--dev", folder + "/d", "--config",
                                         folder + "/bench.conf"], stdout=self.log, stderr=self.log)
        for _ in range(200):
            try:
                if self.get("/v1/nodes")["items"]:
                    return
            except (OSError, KeyError):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.process.kill()
        self.process.wait()
        raise RuntimeError("gantryd does not start; see its log:\n" + self.log_text())

    def log_text(self):
        with open(self.dir + "/gantryd.log") as f:
            return f.read()[-2000:]

    def get(self, path, connection=None):
        c = connection or Unix(self.socket)
        c.request("GET", path)
        answer = c.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise KeyError("%s: %d %s" % (path, answer.status, text[:200]))
        return json.loads(text)

    def cli(self, *words):
        env = dict(os.environ, GANTRY_HOST="unix://" + self.socket)
        done = subprocess.run([self.bin + "/gantry", *words], env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        if done.returncode:
            raise RuntimeError("gantry %s: exit %d\n%s" % (" ".join(words), done.returncode,
                                                          done.stdout[-2000:]))

    def up(self, project, replicas):
        path = "%s/%s.yaml" % (self.dir, project)
        with open(path, "w") as f:
            f.write("name: %s\nservices:\n  s:\n    command: [sleep, '100000']\n"
                    "    deploy: {replicas: %d}\n" % (project, replicas))
        self.cli("up", "-f", path)

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def memory(pid):
    kb = {}
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for name, n in re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M):
            kb[name] = int(n)
    return kb["Private_Clean"] + kb["Private_Dirty"], kb["Rss"]


def shim_pids(folder):
    pids = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if len(words) > 1 and words[0].endswith(b"/gantry-shim") and folder.encode() in words[1]:
            pids.append(int(path.split("/")[2]))
    return pids


def finish_shim(pid, read):
    line = os.read(read, 600)
    os.close(read)
    os.waitpid(pid, 0)
    if not line.startswith(b"R"):
        raise RuntimeError("gantry-shim does not start: %r" % line)


def loop_over_shim(bin_dir, folder, like):
    """Seconds for PODS shims, each with the config of a pod that was deployed."""
    base, pids = tempfile.mkdtemp(prefix="loop.", dir=folder), []
    for i in range(PODS):
        os.makedirs("%s/%d" % (base, i))
        shutil.copy(like + "/config", "%s/%d/config" % (base, i))
    begun, out = time.monotonic(), []
    for i in range(PODS):
        if len(out) >= SHIMS_AT_ONCE:  # as many as the driver starts side by side
            finish_shim(*out.pop(0))
        read, write = os.pipe()
        os.set_inheritable(write, True)
        keeps = [(os.POSIX_SPAWN_OPEN, n, "/dev/null", os.O_RDWR, 0) for n in range(3)]
        pid = os.posix_spawn(bin_dir + "/gantry-shim",
                             ["gantry-shim", "%s/%d" % (base, i), "1"], {},
                             file_actions=keeps + [(os.POSIX_SPAWN_DUP2, write, 3)])
        os.close(write)
        out.append((pid, read))
    for shim in out:
        finish_shim(*shim)
    took = time.monotonic() - begun
    for i in range(PODS):
        with open("%s/%d/attempts" % (base, i)) as f:
            pids.append(int(f.read().split()[2]))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    while shim_pids(base):
        time.sleep(0.05)
    return took


def deploy(d, out):
    walls, cpus, parts, loops = [], [], [], []
    for _ in range(RUNS):
        cpu, begun, wall_ms = d.cpu_s(), time.monotonic(), time.time() * 1000
        d.up("bench", PODS)
        walls.append(time.monotonic() - begun)
        cpus.append(d.cpu_s() - cpu)
        pods = d.get("/v1/pods?project=bench&limit=1000")["items"]
        placed = max(p["created_ms"] for p in pods)
        started = max(c["started_ms"] for p in pods for c in p["containers"])
        parts.append((placed - wall_ms, started - placed, wall_ms + walls[-1] * 1000 - started))
        like = os.path.dirname(glob.glob(d.dir + "/d/**/config", recursive=True)[0])
        loops.append(loop_over_shim(d.bin, d.dir, like))
        d.cli("down", "bench")
    mid = statistics.median
    per = 1000 / PODS
    out("up_wall", mid(walls) * per, "ms/pod")
    for i, name in enumerate(("store", "spawn", "report")):
        out("up_part_" + name, mid(p[i] for p in parts) / PODS, "ms/pod")
    out("shim_loop", mid(loops) * per, "ms/pod")
    out("up_beyond_shim_loop", mid(w - l for w, l in zip(walls, loops)) * per, "ms/pod")
    out("up_gantryd_cpu", mid(cpus) * per, "ms/pod")


def answered(d, route):
    """(count, sum in microseconds) of a route, by the server's own histogram."""
    for r in d.get("/v1/stats")["http"]["routes"]:
        if r["route"] == route and r["method"] == "GET":
            return r["count"], r["sum_us"]
    return 0, 0


def while_deploying(d, out):
    """The server's own latency of three routes while 200 pods are deployed, as ratio to GET /v1/version."""
    routes = {"version": ("/v1/version", "/v1/version"), "pods": ("/v1/pods", "/v1/pods?limit=1000"),
              "apps": ("/v1/apps", "/v1/apps")}
    before = {name: answered(d, route) for name, (route, _) in routes.items()}
    stop, client = threading.Event(), Unix(d.socket)

    def ask():
        while not stop.is_set():
            for _, path in routes.values():
                d.get(path, client)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        d.up("busy", PODS)
    finally:
        stop.set()
        asker.join()
        client.close()
    mean = {}
    for name, (route, _) in routes.items():
        count, total = (a - b for a, b in zip(answered(d, route), before[name]))
        mean[name] = total / max(count, 1)
    out("deploying_version_latency", mean["version"], "us")
    for name in ("pods", "apps"):
        out("deploying_%s_latency" % name, mean[name] / max(mean["version"], 1e-9), "x version")
    d.cli("down", "busy")


def requests(d, out, name, path, n):
    rates = []
    for _ in range(RUNS):
        c, cpu = Unix(d.socket), d.cpu_s()
        for _ in range(n):
            d.get(path, c)
        rates.append(n / max(d.cpu_s() - cpu, 1 / TICKS))
        c.close()
    out("get_" + name, statistics.median(rates), "requests/cpu-s")


def run(bin_dir, out):
    folder = tempfile.mkdtemp(prefix="gantry-bench.")
    d = None
    try:
        d = Daemon(bin_dir, folder)
        time.sleep(3)
        for name, kb in zip(("private", "rss"), memory(d.process.pid)):
            out("idle_" + name, kb / 1024, "MB")
        deploy(d, out)
        while_deploying(d, out)
        d.up("sleepers", SLEEPERS)
        time.sleep(3)
        for name, kb in zip(("private", "rss"), memory(d.process.pid)):
            out("pods1000_" + name, kb / 1024, "MB")
        shims = [memory(pid) for pid in shim_pids(folder)]
        out("shim_private", statistics.median(m[0] for m in shims) * 1024, "bytes")
        out("shim_rss", statistics.median(m[1] for m in shims) * 1024, "bytes")
        pod = d.get("/v1/pods?limit=1")["items"][0]["id"]
        requests(d, out, "version", "/v1/version", 20000)
        requests(d, out, "pod", "/v1/pods/" + pod, 20000)
        requests(d, out, "pods1000", "/v1/pods?limit=1000", 200)
    finally:
        if d:
            if d.process.poll() is None:
                for project in ("bench", "sleepers"):
                    try:
                        d.cli("down", project)
                    except (RuntimeError, subprocess.TimeoutExpired):
                        pass
                d.stop()
        left = shim_pids(folder)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)

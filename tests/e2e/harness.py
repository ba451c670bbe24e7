# SPDX-License-Identifier: Apache-2.0
"""One gantryd in a folder of its own, the command beside it, and what must be left of both: nothing.

    BUILD/bin/{gantryd,gantry}      the build tree is the first argument of a scenario, or GANTRY_BUILD
    BASE/                           a new folder in /tmp
    BASE/gantry                     --dev BASE/gantry
    BASE/files                      Compose files, the scenarios' programs
    BASE/shared                     written by pods, whoever they run as

A scenario is a script that calls run(function).  It waits for states with bounds that only a hang reaches, and
may run beside others: its ports are its own."""
import glob
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PYTHON = "/usr/bin/python3"  # of pods: they run as nobody, who may not reach the one that runs this
SLOW = 90  # s; a bound for anything that happens at all

# Notes its start, then answers one request after the other with its slot.  FAIL_FILE: not healthy while it is there.
SERVER = r"""
import os, signal, socket
env = os.environ
with open(env["STARTS"], "a") as f:
    f.write("%s %s %s %d\n" % (env["GANTRY_APP"], env["GANTRY_SLOT"], env["GANTRY_POD_ID"], os.getpid()))
print("serving slot", env["GANTRY_SLOT"], flush=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(env["PORT"])))
s.listen(64)
while True:
    c, _ = s.accept()
    try:
        c.settimeout(10)
        if c.recv(4096):
            bad = os.path.exists(env.get("FAIL_FILE", "/nowhere"))
            body = "%s %s %s\n" % (env["GANTRY_SLOT"], env["GANTRY_POD_ID"], env.get("VERSION", ""))
            c.sendall(("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                       % ("503 No" if bad else "200 OK", len(body), body)).encode())
    except OSError:
        pass
    c.close()
"""
# Notes its start, then sleeps.
WORKER = r"""
import os, signal
env = os.environ
with open(env["STARTS"], "a") as f:
    f.write("%s %s %s %d\n" % (env["GANTRY_APP"], env["GANTRY_SLOT"], env["GANTRY_POD_ID"], os.getpid()))
print("working", flush=True)
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    signal.pause()
"""


class Failed(Exception):
    pass


def check(true, what, *more):
    if not true:
        raise Failed(" ".join([what] + [repr(m) for m in more]))


def equal(have, want, what):
    check(have == want, "%s: %r, not %r" % (what, have, want))


def has(text, part, what="text"):
    check(part in text, "%s lacks %r: %s" % (what, part, text))


def wait(function, what, seconds=SLOW):
    """Until function() is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = function()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed("not in %d s: %s" % (seconds, what))
        time.sleep(0.05)


def alive(pid):
    """A zombie is not."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def free_port():
    """Below the range that connections take theirs from, where it begins as usual."""
    for _ in range(1000):
        port = random.SystemRandom().randrange(10000, 30000)
        with socket.socket() as a, socket.socket(socket.AF_INET6) as b:
            try:
                a.bind(("0.0.0.0", port))
                b.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                b.bind(("::", port))
            except OSError:
                continue
            return port
    raise Failed("no free port")


def listening():
    """What listens: {(port, inode)} of TCP, {inode: path} of unix sockets."""
    tcp, unix = set(), {}
    for name in ("tcp", "tcp6"):
        try:
            with open("/proc/net/" + name) as f:
                rows = [line.split() for line in f][1:]
        except OSError:
            continue
        tcp |= {(int(r[1].rpartition(":")[2], 16), r[9]) for r in rows if r[3] == "0A"}
    with open("/proc/net/unix") as f:
        rows = [line.split() for line in f][1:]
    unix = {r[6]: r[7] for r in rows if len(r) > 7 and int(r[3], 16) & 0x10000}
    return tcp, unix


def fetch(port, path="/", host="127.0.0.1", timeout=10):
    """Body of a GET, or None."""
    try:
        with socket.create_connection((host, port), timeout) as s:
            s.settimeout(timeout)
            s.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)).encode())
            text = b""
            while True:
                more = s.recv(65536)
                if not more:
                    break
                text += more
    except OSError:
        return None
    head, _, body = text.partition(b"\r\n\r\n")
    return body.decode() if b" 200 " in head.partition(b"\r\n")[0] else None


class Result:
    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return "gantry %s: %d\n%s%s" % (" ".join(self.args), self.code, self.out, self.err)


class World:
    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.base = tempfile.mkdtemp(prefix="gantry-e2e-")
        os.chmod(self.base, 0o711)
        self.dir = self.base + "/gantry"
        self.sock = self.dir + "/gantry.sock"
        self.files = self.base + "/files"
        self.shared = self.base + "/shared"
        for folder, mode in ((self.files, 0o755), (self.shared, 0o1777)):
            os.mkdir(folder)
            os.chmod(folder, mode)
        self.starts_file = self.shared + "/starts"
        with open(self.starts_file, "w"):
            os.chmod(self.starts_file, 0o666)
        self.server = self.program("server.py", SERVER)
        self.worker = self.program("worker.py", WORKER)
        self.config = None
        self.daemon = None
        self.log = self.base + "/gantryd.log"
        self.pods_seen, self.ports = set(), set()
        self.prefix = []  # before gantryd: a namespace of its own
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("GANTRY_", "COMPOSE_", "XDG_")) and k != "NOTIFY_SOCKET"}
        self.env.update(GANTRY_HOST="unix://" + self.sock, HOME=self.base, NO_COLOR="1", LC_ALL="C.UTF-8")

    # ---- files ----
    def write(self, name, text):
        path = os.path.join(self.files, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    program = write

    def port(self):
        port = free_port()
        while port in self.ports:
            port = free_port()
        self.ports.add(port)
        return port

    def run_server(self, health="http", environment=""):
        """The part of a service that runs SERVER; its port in the app is 80."""
        text = "    command: [%s, -SE, %s]\n    environment: {STARTS: %s%s}\n" % (
            PYTHON, self.server, self.starts_file, environment and ", " + environment)
        if health == "command":
            text += "    healthcheck: {test: [CMD, %s, -SEc, %s], interval: 500ms, timeout: 20s, retries: 3}\n" % (
                PYTHON, json.dumps(CHECK))
        elif health:
            text += "    healthcheck: {interval: 300ms, timeout: 5s, retries: 3}\n"
            text += "    x-gantry: {health: {%s: {port: 80}}}\n" % health
        return text

    def run_worker(self, environment=""):
        return "    command: [%s, -SE, %s]\n    environment: {STARTS: %s%s}\n" % (
            PYTHON, self.worker, self.starts_file, environment and ", " + environment)

    # ---- gantryd ----
    def start(self, *args, ready=True):
        check(not self.daemon, "gantryd runs already")
        argv = self.prefix + [self.build + "/bin/gantryd", "--dev", self.dir]
        argv += (["--config", self.config] if self.config else []) + list(args)
        with open(self.log, "a") as log:
            self.daemon = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                           cwd=self.base, start_new_session=True)
        if ready:
            self.wait_ready()

    def wait_ready(self):
        def answers():
            check(self.daemon.poll() is None, "gantryd ended", self.daemon.returncode)
            return self.gantry("ps", "--json").code == 0
        wait(answers, "gantryd answers")

    def kill9(self):
        self.daemon.kill()
        self.daemon.wait()
        self.daemon = None

    def stop(self):
        self.daemon.terminate()
        code = self.daemon.wait(SLOW)
        self.daemon = None
        equal(code, 0, "gantryd's exit status")

    def said(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    # ---- gantry ----
    def popen(self, *args, **more):
        return subprocess.Popen([self.build + "/bin/gantry", *args], env=self.env, cwd=self.files, **more)

    def gantry(self, *args, stdin=None, timeout=SLOW, env=None):
        p = subprocess.run([self.build + "/bin/gantry", *args], input=stdin, text=True, capture_output=True,
                           env=dict(self.env, **(env or {})), cwd=self.files, timeout=timeout,
                           **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
        return Result(args, p.returncode, p.stdout, p.stderr)

    def ok(self, *args, code=0, **more):
        result = self.gantry(*args, **more)
        check(result.code == code, "not %d: %s" % (code, result))
        return result

    def up(self, text, *args, project="shop", code=0, name="compose.yaml"):
        path = self.write(project + "/" + name, "name: %s\n%s" % (project, text))
        return self.ok("up", "-f", path, *args, code=code)

    def ps(self, app=None, *args):
        pods = self.ok("ps", "--json", *args).json()
        self.pods_seen |= {p["pod"] for p in pods if p["pod"]}
        return sorted((p for p in pods if app in (None, p["app"])), key=lambda p: (p["app"], p["slot"]))

    def wait_pods(self, app, n, state="ready", seconds=SLOW):
        """Exactly n pods of the app, all in that state."""
        def there():
            pods = self.ps(app)
            return [pods] if len(pods) == n and all(p["state"] == state for p in pods) else None
        try:
            return wait(there, "%d %s pods of %s" % (n, state, app), seconds)[0]
        except Failed as e:
            raise Failed("%s; %r" % (e, self.ps(app)))

    def starts(self, app=None):
        """[(app, slot, pod, pid)], one for each time that a program of a pod began."""
        with open(self.starts_file) as f:
            rows = [line.split() for line in f]
        return [(r[0], int(r[1]), r[2], int(r[3])) for r in rows if app in (None, r[0])]

    def events(self, *args):
        return [json.loads(line) for line in self.ok("events", "--json", *args).out.splitlines()]

    def wait_event(self, kind, part="", app=None):
        def there():
            return [e for e in self.events() if e["kind"] == kind and part in e["text"] and app in (None, e.get("app"))]
        return wait(there, "an event %s with %r" % (kind, part))

    # ---- what is left ----
    def processes(self):
        """[(pid, command)] of what belongs to this folder: by name, by environment."""
        mine, found = {self.daemon.pid if self.daemon else 0, os.getpid()}, []
        for path in glob.glob("/proc/[0-9]*"):
            pid = int(path[6:])
            if pid in mine or not alive(pid):
                continue
            try:
                with open(path + "/cmdline", "rb") as f:
                    command = f.read()
                with open(path + "/environ", "rb") as f:
                    environ = f.read()
                cwd = os.readlink(path + "/cwd")
            except OSError:
                continue
            pod = re.search(rb"(?:^|\0)GANTRY_POD_ID=([^\0]*)", environ)
            ours = self.base.encode() in command or cwd.startswith(self.base + "/gantry")
            if ours or (pod and pod.group(1).decode() in self.pods_seen):
                found.append((pid, command.replace(b"\0", b" ").decode(errors="replace").strip()))
        return found

    def cgroups(self):
        """Groups of this folder's driver, or of a pod of ours."""
        text = 2166136261
        for c in (self.dir + "/data/plugins/driver/process").encode():
            text = ((text ^ c) * 16777619) & 0xFFFFFFFF
        found = []
        for root in {p for pattern in ("/sys/fs/cgroup/gantry", "/sys/fs/cgroup/*/gantry") for p in glob.glob(pattern)}:
            for folder, _, _ in os.walk(root):
                parts = folder[len(root):].split("/")
                if (len(parts) == 3 and parts[1] == "%08x" % text) or (len(parts) > 2 and parts[2] in self.pods_seen):
                    found.append(folder)
        return found

    def mounts(self):
        with open("/proc/self/mountinfo") as f:
            return [line for line in f if self.base in line]

    def nothing_left(self):
        """After a down: gantryd itself may run."""
        tcp, _ = listening()
        left = {"processes": self.processes(), "cgroups": self.cgroups(), "mounts": self.mounts(),
                "ports": sorted(p for p, _ in tcp if p in self.ports)}
        check(not any(left.values()), "left over", {k: v for k, v in left.items() if v})

    def wait_nothing_left(self):
        def gone():
            try:
                self.nothing_left()
                return True
            except Failed:
                return False
        try:
            wait(gone, "nothing is left", 30)
        except Failed:
            self.nothing_left()

    def sweep(self):
        """After a failure: kill what is ours, one by one."""
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None
        for _ in range(20):
            left = self.processes()
            for pid, _ in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            if not left:
                break
            time.sleep(0.1)
        for group in sorted(self.cgroups(), key=len, reverse=True):
            try:
                os.rmdir(group)
            except OSError:
                pass
        remove_base_groups(self)

    def remove(self):
        shutil.rmtree(self.base, ignore_errors=True)


CHECK = ('import os,socket;s=socket.create_connection(("127.0.0.1",int(os.environ["PORT"])),9);'
         's.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n");raise SystemExit(b" 200 " not in s.recv(99))')


def remove_base_groups(world):
    text = 2166136261
    for c in (world.dir + "/data/plugins/driver/process").encode():
        text = ((text ^ c) * 16777619) & 0xFFFFFFFF
    for path in glob.glob("/sys/fs/cgroup/gantry/%08x" % text) + glob.glob("/sys/fs/cgroup/*/gantry/%08x" % text):
        try:
            os.rmdir(path)
        except OSError:
            pass


def step(text):
    print("%7.1f  %s" % (time.monotonic() - BEGAN, text), flush=True)


BEGAN = time.monotonic()


def run(scenario, leave=()):
    """The whole script: 0, or 1 with what failed and what gantryd said."""
    build = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GANTRY_BUILD")
    if not build or not os.access(build + "/bin/gantryd", os.X_OK):
        sys.exit("usage: %s BUILD, a build tree with bin/gantryd" % sys.argv[0])
    if os.geteuid() != 0:
        sys.exit("%s: pods of nobody, control groups and mounts need root" % sys.argv[0])
    if not os.access(PYTHON, os.X_OK):
        sys.exit("%s: pods of the test run %s, which is not there (package python3)" % (sys.argv[0], PYTHON))
    world = World(build)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    try:
        scenario(world)
        if world.daemon:
            world.stop()
        world.wait_nothing_left()
        said = world.said()
        for bad in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer"):
            check(bad not in said, "gantryd's log has %s" % bad)
        step("ok")
    except BaseException as e:
        traceback.print_exc(file=sys.stdout)
        if isinstance(e, subprocess.TimeoutExpired):
            print(e.stdout, e.stderr)
        print("---- the end of gantryd's log")
        print("\n".join(world.said().splitlines()[-60:]) if os.path.exists(world.log) else "none")
        if not os.environ.get("GANTRY_E2E_KEEP"):
            world.sweep()
            world.remove()
        sys.exit(1)
    remove_base_groups(world)
    world.remove()

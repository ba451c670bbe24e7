# SPDX-License-Identifier: Apache-2.0
"""What other scripts rely on: one folder, one socket, field names, work folders that their pods can use."""
import os
import re
import stat

from harness import check, equal, fetch, has, listening, run, step, wait


def sockets_of(pid):
    """Inodes of the sockets that a process holds."""
    found = set()
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            link = os.readlink("/proc/%d/fd/%s" % (pid, fd))
        except OSError:
            continue
        if link.startswith("socket:["):
            found.add(link[8:-1])
    return found


def opened_outside(w):
    """Files that gantryd holds open for writing and that are not below DIR."""
    pid, out = w.daemon.pid, []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            link = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            with open("/proc/%d/fdinfo/%s" % (pid, fd)) as f:
                flags = int(re.search(r"flags:\s*(\d+)", f.read()).group(1), 8)
        except OSError:
            continue
        if link.startswith("/") and flags & 3 and not link.startswith((w.dir + "/", "/dev/", w.log, "/proc/")):
            out.append(link)
    return out


def scenario(w):
    before = {p: set(os.listdir(p)) for p in ("/run", "/var/lib", "/etc") if os.path.isdir(p)}
    w.start()
    tcp, unix = listening()
    mine = sockets_of(w.daemon.pid)
    equal([p for p, inode in tcp if inode in mine], [], "ports that gantryd listens on without an app")
    # It is bound under another name beside, then renamed.
    equal([path for inode, path in unix.items() if inode in mine], [w.sock + ".new"], "unix sockets that it listens on")
    check(stat.S_ISSOCK(os.stat(w.sock).st_mode), "the socket DIR/gantry.sock")
    equal(stat.S_IMODE(os.stat(w.sock).st_mode) & 0o007, 0, "what others may on the socket")
    step("it listens on its socket alone")

    port = w.port()
    home = ('["/bin/sh", "-c", "cd \\"$$HOME\\" && pwd && id -un && touch made && ls -ld . && exec sleep 1000000"]')
    w.up("services:\n  web:\n" + w.run_server() + "    ports: [\"%d:80\"]\n" % port +
         "  home:\n    command: %s\n" % home)
    tcp, _ = listening()
    mine = sockets_of(w.daemon.pid)
    equal(sorted({p for p, inode in tcp if inode in mine}), [port], "ports that gantryd listens on with one published")
    check(fetch(port), "the published port answers")
    equal(opened_outside(w), [], "open for writing outside of DIR")

    pods = w.ps()
    want = {"namespace": str, "project": str, "app": str, "slot": int, "pod": str, "node": str, "state": str, "health": str,
            "outcome": str, "restarts": int, "addresses": list, "pid": int, "reason": str, "since_ms": int, "generation": int}
    equal(len(pods), 2, "pods")
    for pod in pods:
        for name, kind in want.items():
            check(type(pod.get(name)) is kind, "ps --json: field %s of %r" % (name, pod))
        check(os.path.exists("/proc/%d" % pod["pid"]), "pid")
    web = pods[1]
    equal((web["namespace"], web["project"], web["app"], web["slot"]), ("default", "shop", "web", 1), "names")
    address = web["addresses"][0]
    equal(sorted(k for k in address if k in ("family", "text", "port", "target")), ["family", "port", "target", "text"],
          "fields of an address")
    equal(address["target"], 80, "target")
    check(fetch(address["port"], host=address["text"]), "the pod answers at its own address")
    app = {a["app"]: a for a in w.ok("apps", "--json").json()}["web"]
    for name in ("mode", "desired", "pods", "running", "ready", "updated", "completed", "waiting", "reason", "ports",
                 "generation", "revision", "created_ms"):
        check(name in app, "apps --json: field " + name, app)
    node = w.ok("nodes", "--json").json()[0]
    for name in ("name", "pods", "max_pods", "cpu_milli", "memory_bytes", "drivers", "os", "arch", "version"):
        check(name in node, "nodes --json: field " + name, node)
    event = w.events()[0]
    for name in ("time_ms", "kind", "text"):
        check(name in event, "events --json: field " + name, event)
    version = w.ok("version", "--json").json()
    equal(version["client"]["version"], version["server"]["version"], "versions")
    step("the fields are there")

    # A pod runs as nobody and can use its work folder by its path.
    said = wait(lambda: (lambda o: o if "drwx" in o else None)(w.ok("logs", "home").out), "the pod's words")
    lines = said.splitlines()
    check(lines[0].startswith(w.dir + "/"), "HOME is below DIR", said)
    equal(lines[1], "nobody", "who it is")
    check(os.path.exists(lines[0] + "/made"), "a file made in HOME")
    # Nobody reads anything of gantryd's: not the store, not the other pods' settings.
    for folder, _, names in os.walk(w.dir):
        if "/work" in folder:
            continue
        for name in names:
            mode = os.lstat(os.path.join(folder, name)).st_mode
            check(not stat.S_ISREG(mode) or not mode & 0o077, "others may use %s/%s" % (folder, name), oct(mode))
    for folder, names, _ in os.walk(w.dir):
        for name in names:
            mode = stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode)
            check(not mode & 0o022, "others may write in %s/%s" % (folder, name), oct(mode))
    step("pods reach their folders, and no others")

    # Where the server is: GANTRY_HOST, --host, and ./.gantry below this folder.
    equal(w.gantry("--host", "unix://" + w.sock, "ps", env={"GANTRY_HOST": "unix:///nowhere"}).code, 0, "--host wins")
    os.symlink(w.dir, w.files + "/.gantry")
    equal(w.gantry("ps", env={"GANTRY_HOST": ""}).code, 0, "./.gantry/gantry.sock")
    os.unlink(w.files + "/.gantry")

    w.ok("down", "shop")
    w.wait_nothing_left()
    w.stop()
    check(not os.path.exists(w.sock), "the socket is gone with gantryd")
    for path, names in before.items():
        new = [n for n in set(os.listdir(path)) - names if "gantry" in n]
        equal(new, [], "made in " + path)
    step("nothing was written but below DIR")


run(scenario)

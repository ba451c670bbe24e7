# SPDX-License-Identifier: Apache-2.0
"""The store: a full disk loses nothing that was acknowledged, backup and restore, one gantryd a folder."""
import os
import subprocess

from harness import SLOW, alive, check, equal, has, run, step, wait

BIG = "x" * 60000


def project(w, name, size=len(BIG)):
    return w.write(name + ".yaml", "name: %s\nservices:\n  app:\n    command: [sleep, '100000']\n    scale: 0\n"
                                   "    environment: {BIG: %s}\n" % (name, BIG[:size]))


def full_disk(w):
    store = w.dir + "/data/plugins/store/sqlite"
    os.makedirs(store)
    os.chmod(w.dir + "/data", 0o711)
    holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c",
                               "mount -t tmpfs -o size=6m,mode=700 tmpfs '%s' && echo ready && exec sleep 100000" % store],
                              stdout=subprocess.PIPE)
    inside = ["nsenter", "-t", str(holder.pid), "-m", "--"]
    try:
        equal(holder.stdout.readline(), b"ready\n", "a small file system in a mount namespace of its own")
        w.prefix = inside
        w.start()
        w.up("services:\n  keep:\n" + w.run_worker())
        pid = w.ps("keep")[0]["pid"]
        kept = []
        for i in range(3):
            w.ok("up", "-d", "-f", project(w, "p%d" % i))
            kept.append("p%d" % i)
        subprocess.run(inside + ["sh", "-c", "head -c 4M /dev/zero > '%s/filler'" % store], stderr=subprocess.DEVNULL)
        refused = None
        for i in range(3, 200):
            result = w.gantry("up", "-d", "-f", project(w, "p%d" % i), timeout=60)
            if result.code:
                refused = result
                break
            kept.append("p%d" % i)
        check(refused, "a write is refused when the disk is full", len(kept))
        check("full" in refused.err or "space" in refused.err, "the sentence says why", str(refused))
        check(alive(pid), "the pod runs on")
        equal({a["project"] for a in w.ok("apps", "--json").json()}, set(kept) | {"shop"}, "apps while the disk is full")
        step("%d projects taken, the next one refused: %s" % (len(kept), refused.err.strip().splitlines()[-1]))
        w.kill9()
        # The file system is full, too, for the start after a crash.
        subprocess.run(inside + ["rm", store + "/filler"], check=True)
        w.start()
        equal({a["project"] for a in w.ok("apps", "--json").json()}, set(kept) | {"shop"}, "apps after kill -9")
        equal(w.wait_pods("keep", 1)[0]["pid"], pid, "the pod's process")
        again = "p%d" % len(kept)
        wait(lambda: w.gantry("up", "-d", "-f", project(w, again)).code == 0, "a write when there is space again")
        w.kill9()
        w.start()
        equal({a["project"] for a in w.ok("apps", "--json").json()}, set(kept) | {"shop", again}, "apps after the last write")
        # Full and free again without a crash between.
        subprocess.run(inside + ["sh", "-c", "cat /dev/zero > '%s/filler'" % store], stderr=subprocess.DEVNULL)
        last = "q"
        result = w.gantry("up", "-d", "-f", project(w, last), timeout=60)
        subprocess.run(inside + ["rm", store + "/filler"], check=True)
        check(result.code in (0, 1), "an answer", str(result))
        wait(lambda: w.gantry("up", "-d", "-f", project(w, last)).code == 0, "a write without a new start")
        w.ok("down", "shop")
        step("nothing acknowledged was lost")
        w.stop()
    finally:
        w.prefix = []
        if w.daemon:
            w.kill9()
        holder.kill()
        holder.wait()
        holder.stdout.close()


def backup_and_restore(w):
    w.start()
    w.up("services:\n  web:\n" + w.run_worker() + "    scale: 2\n")
    before = w.wait_pods("web", 2)
    saved = w.base + "/saved.backup"
    w.ok("backup", saved)
    equal(os.stat(saved).st_mode & 0o777, 0o600, "mode of a backup")
    w.ok("scale", "web=3")
    w.up("services:\n  late:\n" + w.run_worker(), project="late")
    has(w.ok("restore", saved).out, "--restore", "gantry restore")
    # Not while another one runs.
    second = subprocess.run([w.build + "/bin/gantryd", "--dev", w.dir, "--restore", saved], env=w.env, capture_output=True,
                            text=True, timeout=SLOW)
    equal(second.returncode, 1, "--restore beside a gantryd")
    has(second.stderr, "another gantryd (pid %d)" % w.daemon.pid, "what it says")
    second = subprocess.run([w.build + "/bin/gantryd", "--dev", w.dir], env=w.env, capture_output=True, text=True, timeout=SLOW)
    equal(second.returncode, 1, "a second gantryd")
    has(second.stderr, "another gantryd (pid %d)" % w.daemon.pid, "what it says")
    equal(len(w.ps()), 4, "the first one serves on")
    w.stop()
    done = subprocess.run([w.build + "/bin/gantryd", "--dev", w.dir, "--restore", saved], env=w.env, capture_output=True,
                          text=True, timeout=SLOW)
    equal(done.returncode, 0, "--restore: " + done.stderr)
    bad = w.write("bad.backup", "this is none")
    w_bad = subprocess.run([w.build + "/bin/gantryd", "--dev", w.dir, "--restore", bad], env=w.env, capture_output=True,
                           text=True, timeout=SLOW)
    equal(w_bad.returncode, 1, "--restore of what is no backup: " + w_bad.stderr)
    w.start()
    after = w.wait_pods("web", 2)
    equal([(p["pod"], p["pid"]) for p in after], [(p["pod"], p["pid"]) for p in before], "the pods of the backup")
    equal({a["app"] for a in w.ok("apps", "--json").json()}, {"web"}, "the apps of the backup")
    # What the backup does not know of is stopped.
    wait(lambda: sorted(s[3] for s in w.starts() if alive(s[3])) == sorted(p["pid"] for p in after),
         "pods that came after the backup end")
    step("backup and restore")
    w.ok("down", "shop")
    w.stop()


def damage(w):
    path = w.dir + "/data/plugins/store/sqlite/store.db"
    check(os.path.exists(path), "the store's file")
    with open(path, "rb") as f:
        whole = f.read()
    with open(path, "r+b") as f:
        f.write(b"not a database at all" * 100)
    done = subprocess.run([w.build + "/bin/gantryd", "--dev", w.dir], env=w.env, capture_output=True, text=True, timeout=SLOW)
    equal(done.returncode, 1, "a damaged store: " + done.stderr)
    has(done.stderr, path, "what is said of a damaged store")
    with open(path, "wb") as f:
        f.write(whole)
    w.start()
    equal(w.ps(), [], "pods")
    step("a damaged store is refused")


def scenario(w):
    full_disk(w)
    # On the disk itself from here on.
    backup_and_restore(w)
    damage(w)


run(scenario)

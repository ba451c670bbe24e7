# SPDX-License-Identifier: Apache-2.0
"""logs, exec, events and explain, as a person and as a script use them."""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

from harness import SLOW, Failed, check, equal, has, run, step, wait


def read_until(fd, part, seconds=SLOW):
    text, end = b"", time.monotonic() + seconds
    while part not in text:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            raise Failed("no %r in %r" % (part, text))
        try:
            more = os.read(fd, 4096)
        except OSError:
            more = b""
        if not more:
            raise Failed("ended without %r: %r" % (part, text))
        text += more
    return text


def logs(w):
    talk = ('["/bin/sh", "-c", "for i in 1 2 3 4 5; do echo line $$i of $$GANTRY_SLOT; done; echo bad words >&2; '
            'while ! test -e %s/go; do sleep 0.1; done; echo more of $$GANTRY_SLOT; exec sleep 100000"]' % w.shared)
    w.up("services:\n  talk:\n    command: %s\n    scale: 2\n" % talk)
    one = wait(lambda: (lambda r: r if "bad words" in r.err else None)(w.ok("logs", "talk.1")), "the log of slot 1")
    equal(one.out.splitlines(), ["line %d of 1" % i for i in range(1, 6)], "logs of one pod")
    equal(one.err.splitlines(), ["bad words"], "its standard error")
    wait(lambda: "bad words" in w.ok("logs", "talk.2").err, "the log of slot 2")
    both = w.ok("logs", "talk").out.splitlines()
    equal(sorted(line.split("|")[0].strip() + line.split("|")[1] for line in both),
          sorted("talk.%d line %d of %d" % (s, i, s) for s in (1, 2) for i in range(1, 6)), "logs of two pods, with names")
    tail = w.ok("logs", "--tail", "2", "talk.1")
    equal(tail.out.splitlines() + tail.err.splitlines(), ["line 5 of 1", "bad words"], "--tail 2")
    equal(w.gantry("logs", "nothing").code, 4, "logs of what is not there")
    follow = w.popen("logs", "-f", "talk", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        read_until(follow.stdout.fileno(), b"line 5 of 2")
        with open(w.shared + "/go", "w"):
            pass
        text = read_until(follow.stdout.fileno(), b"more of")
        if text.count(b"more of") < 2:
            read_until(follow.stdout.fileno(), b"more of")
        follow.send_signal(signal.SIGINT)
        equal(follow.wait(SLOW), 130, "logs -f after Ctrl-C")
    finally:
        follow.kill()
        follow.wait()
        follow.stdout.close()
    victim = w.ps("talk")[0]
    os.kill(victim["pid"], signal.SIGKILL)
    wait(lambda: w.ps("talk")[0]["restarts"] == 1 and w.ps("talk")[0]["state"] == "ready", "slot 1 is restarted")
    wait(lambda: "more of 1" in w.ok("logs", "talk.1").out, "the log of the second attempt")
    previous = w.ok("logs", "--previous", "talk.1").out.splitlines()
    equal(previous[0], "line 1 of 1", "--previous")
    equal(previous[-1], "more of 1", "--previous")
    stamped = w.ok("logs", "--timestamps", "--tail", "1", "talk.2").out
    check(stamped[:4].isdigit() and stamped[4] == "-" and stamped.rstrip().endswith("more of 2"), "--timestamps", stamped)
    step("logs")


def execute(w):
    pod = w.ps("talk")[0]["pod"]
    equal(w.gantry("exec", pod, "--", "sh", "-c", "echo out; echo err >&2; exit 7").code, 7, "exit code")
    r = w.gantry("exec", "talk.2", "--", "sh", "-c", "echo out $GANTRY_SLOT; echo err >&2; id -un")
    equal((r.code, r.out, r.err), (0, "out 2\nnobody\n", "err\n"), "exec")
    equal(w.gantry("exec", "talk", "--", "sh", "-c", "kill -9 $$").code, 137, "exit code after a signal")
    missing = w.gantry("exec", "talk", "--", "no-such-program")
    check(missing.code in (1, 127) and "no-such-program" in missing.err, "a program that is not there", str(missing))
    equal(w.gantry("exec", "nothing", "--", "true").code, 4, "exec in what is not there")
    text = "".join("%d\n" % i for i in range(20000))
    r = w.gantry("exec", "-i", "talk.1", "--", "cat", stdin=text)
    equal(r.code, 0, "exec -i")
    check(r.out == text, "standard input comes back as it went", len(r.out), len(text))
    r = w.gantry("exec", "talk.1", "--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\\\0' x")
    equal((r.code, len(r.out)), (0, 3000000), "much output")
    # A terminal: the program has one, its size is ours, Ctrl-C is the program's.
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
    shell = w.popen("exec", "-it", "talk.1", "--", "sh", stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        os.write(master, b"test -t 0 && echo is-a-$((1))-tty; stty size\n")
        # Both may come at once.
        check(b"is-a-1-tty" in read_until(master, b"33 101"), "the program has a terminal")
        os.write(master, b"sleep 1000\n")
        time.sleep(0.3)
        os.write(master, b"\x03")
        os.write(master, b"echo after-$((2))\n")
        read_until(master, b"after-2")
        os.write(master, b"exit 5\n")
        end = time.monotonic() + SLOW
        while shell.poll() is None and time.monotonic() < end:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    os.read(master, 4096)
                except OSError:
                    break
        equal(shell.wait(SLOW), 5, "exit code of the shell")
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
    # It outlives nobody: a command that is broken off ends in the pod too.
    broken = w.popen("exec", "talk.1", "--", "sleep", "54321", stdout=-3, stderr=-3)
    wait(lambda: any("54321" in c and "gantry " not in c and "/gantry" not in c for _, c in w.processes()), "sleep runs")
    broken.kill()
    broken.wait()
    wait(lambda: not any("54321" in c for _, c in w.processes()), "it ends with its client", 30)
    step("exec")


def explain(w):
    w.up("services:\n  talk:\n    command: [sleep, '100000']\n  pic:\n    image: nginx\n", "--detach", project="waits")
    text = wait(lambda: (lambda o: o if "images" in o else None)(w.ok("explain", "waits/pic").out), "the reason")
    has(text, "no node has a driver that runs images; 1 node has only process", "explain of an image")
    pod = [p for p in w.ps("pic")]
    equal([(p["state"], p["pod"], p["node"]) for p in pod], [("pending", "", "")], "a pod that waits")
    has(pod[0]["reason"], "no node has a driver that runs images", "its reason")
    result = w.gantry("up", "-f", w.files + "/waits/compose.yaml", "--timeout", "1s")
    equal(result.code, 3, "up of what cannot be placed")
    has(result.out + result.err, "no node has a driver that runs images", "what up says")
    w.up("services:\n  far:\n    command: [sleep, '100000']\n    deploy: {placement: {constraints: [node.labels.disk == ssd]}}\n",
         "--detach", project="waits")
    text = wait(lambda: (lambda o: o if "constraint" in o else None)(w.ok("explain", "waits/far").out), "the reason")
    has(text, "disk", "explain of a constraint")
    node = w.ok("nodes", "--json").json()[0]["name"]
    w.ok("node", "label", node, "disk=ssd")
    placed = w.wait_pods("far", 1)[0]
    has(w.ok("explain", placed["pod"]).out, "nodes fit", "explain of a placed pod")
    has(json.dumps(w.ok("inspect", "pod/" + placed["pod"]).json()), placed["pod"], "inspect")
    w.ok("node", "label", node, "disk-")
    w.ok("down", "waits")
    step("explain")


def events(w):
    follow = w.popen("events", "-f", "--json", stdout=subprocess.PIPE)
    try:
        w.ok("scale", "shop/talk=3")
        text = read_until(follow.stdout.fileno(), b"2 \xe2\x86\x92 3")
        for line in text.decode().splitlines()[:-1]:
            check("time_ms" in json.loads(line), "an event", line)
    finally:
        follow.kill()
        follow.wait()
        follow.stdout.close()
    kinds = {e["kind"] for e in w.events("shop")}
    check({"app.created", "pod.placed", "pod.restarting", "app.scaled"} <= kinds, "kinds of events", sorted(kinds))
    equal({e["project"] for e in w.events("shop")}, {"shop"}, "events of one project")
    times = [e["time_ms"] for e in w.events()]
    # As they reached the recorder, from three threads with a clock read in each: a few ms may be swapped.
    check(all(b > a - 1000 for a, b in zip(times, times[1:])), "order of events", times)
    check(w.ok("events", "--since", "1h").out, "--since")
    step("events")


def scenario(w):
    w.start()
    logs(w)
    execute(w)
    explain(w)
    events(w)
    w.ok("down", "shop")


run(scenario)

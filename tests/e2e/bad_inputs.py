# SPDX-License-Identifier: Apache-2.0
"""What is wrong is told by a sentence and by an exit code."""
import os
import subprocess

from harness import SLOW, check, equal, has, run, step


def gantryd(w, *args):
    return subprocess.run([w.build + "/bin/gantryd", *args], env=w.env, cwd=w.base, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=SLOW)


# text of the file, line, part of the sentence
CONFIGS = [
    ("lissten = [\"127.0.0.1:1\"];\n", 1, "did you mean \"listen\""),
    ("\nnode: { max_pods = \"many\"; };\n", 2, "must be a number"),
    ("node: { max_pods = 0; };\n", 1, "from 1 to"),
    ("listen = \"127.0.0.1:1\";\n", 1, "list"),
    ("log: { level = \"loud\"; };\n", 1, "debug"),
    ("data_dir = \"a\"\ndata_dir = \"b\";\n", 2, "once"),
    ("drivers = ( { plugin = \"proces\"; } );\n", 1, "proces"),
    ("drivers = ( { plugin = \"process\"; uzer = \"x\"; } );\n", 1, "uzer"),
    ("drivers = ( { plugin = \"process\"; }, { plugin = \"process\"; } );\n", 1, "used already"),
    ("drivers = ( { user = \"x\"; } );\n", 1, "plugin"),
    ("this is no configuration\n", 1, "name = value"),
    ("tokens_file = \"/nowhere/tokens\";\nlisten = [\"127.0.0.1:1\"];\n", 0, "/nowhere/tokens"),
]
# text, the command's exit code, part of the sentence
FILES = [
    ("services:\n  web:\n    gpus: all\n    command: [sleep, '1']\n", 1, "services.web.gpus (line 3): not supported yet"),
    ("services:\n  web:\n    build: .\n", 1, "build"),
    ("services:\n  web:\n    comand: [sleep, '1']\n", 1, "services.web.comand (line 3)"),
    ("services:\n  web: {}\n", 1, "services.web"),
    ("services:\n  a: {command: [x], depends_on: [b]}\n  b: {command: [x], depends_on: [a]}\n", 1, "depends_on"),
    ("services:\n  web:\n    command: [x]\n    ports: ['99999:80']\n", 1, "99999"),
    ("services:\n\tweb: {}\n", 1, "line 2"),
    ("", 1, "services"),
    ("services:\n  web:\n    command: ['${NOT_SET:?say it}']\n", 1, "say it"),
    ("services:\n  web: {command: [x], user: root}\n", 0, ""),  # the driver says no, below
]


def scenario(w):
    for text, line, part in CONFIGS:
        path = w.write("gantry.conf", text)
        for more in (["--check-config"], []):
            done = gantryd(w, "--dev", w.dir, "--config", path, *more)
            equal(done.returncode, 78, "exit status for %r: %s" % (text, done.stderr))
            has(done.stderr, part, "the sentence for %r" % text)
            if line:
                has(done.stderr, "%s:%d: " % (path, line), "the place for %r" % text)
    equal(gantryd(w, "--dev", w.dir, "--config", "/nowhere.conf").returncode, 78, "a configuration that is not there")
    equal(gantryd(w, "--nonsense").returncode, 64, "an unknown option")
    equal(gantryd(w, "--dev", w.dir, "more", "words").returncode, 64, "an unknown argument")
    equal(gantryd(w, "--make-token", "a:king").returncode, 64, "an unknown role")
    equal(gantryd(w, "--restore", "/nowhere", "--dev", w.dir).returncode, 1, "a backup that is not there")
    blocked = w.write("a-file", "")
    done = gantryd(w, "--dev", blocked + "/below")
    equal(done.returncode, 1, "a folder that cannot be made: " + done.stderr)
    has(done.stderr, blocked, "the sentence")
    good = gantryd(w, "--dev", w.dir, "--check-config")
    equal(good.returncode, 0, "a right configuration: " + good.stderr)
    step("%d configurations: 78 and a sentence with its place" % len(CONFIGS))

    equal(w.gantry("ps").code, 5, "no server")
    has(w.gantry("ps").err, w.sock, "no server")
    equal(w.gantry("nonsense").code, 2, "an unknown command")
    equal(w.gantry("ps", "--nonsense").code, 2, "an unknown option")
    equal(w.gantry("scale", "web").code, 2, "scale without a number")
    equal(w.gantry("scale", "web=-1").code, 2, "scale to less than nothing")
    equal(w.gantry().code, 2, "no command")
    equal(w.gantry("version").code, 0, "version without a server")
    equal(w.gantry("up", "-f", "nowhere.yaml").code, 4, "a file that is not there")
    w.start()
    for text, code, part in FILES:
        path = w.write("bad/compose.yaml", text)
        if code == 0:
            continue
        result = w.gantry("up", "-f", path)
        equal(result.code, code, "exit code for %r: %s" % (text, result))
        has(result.err, part, "the sentence for %r" % text)
        equal(w.gantry("compose", "check", "-f", path).code, code, "compose check of %r" % text)
    equal(w.ok("apps", "--json").json(), [], "apps")
    step("%d Compose files" % len(FILES))
    for args in (("ps", "nothing"), ("down", "nothing"), ("logs", "nothing"), ("exec", "nothing", "--", "true"),
                 ("explain", "nothing"), ("inspect", "nothing"), ("scale", "nothing=2"), ("plugin", "info", "nothing"),
                 ("context", "use", "nothing"), ("node", "drain", "nothing")):
        result = w.gantry(*args)
        equal(result.code, 4, "exit code: %s" % result)
        check(result.err.strip(), "a sentence", str(result))
    # What the driver refuses, and what cannot be run: said where people look.
    for name, service, part in (("root", "{command: [sleep, '1'], user: root, restart: 'no'}", "root"),
                                ("none", "{command: [/no/such/program], restart: 'no'}", "/no/such/program"),
                                ("cwd", "{command: [sleep, '1'], working_dir: /no/such/folder, restart: 'no'}", "/no/such/folder")):
        path = w.write(name + ".yaml", "name: %s\nservices:\n  app: %s\n" % (name, service))
        result = w.gantry("up", "-f", path, "--timeout", "5s")
        equal(result.code, 3, "exit code: %s" % result)
        has(result.out + result.err, part, "what up says")
        w.ok("down", name)
    step("names that are not there, programs that cannot run")
    # Two projects cannot have the same published port.
    port = w.port()
    w.up("services:\n  web:\n" + w.run_server("http") + "    ports: [\"%d:80\"]\n" % port)
    path = w.write("second.yaml", "name: second\nservices:\n  web:\n" + w.run_server("http") + "    ports: [\"%d:80\"]\n" % port)
    result = w.gantry("up", "-f", path, "--timeout", "3s")
    check(result.code != 0 and str(port) in result.out + result.err, "a published port that is taken", str(result))
    check(os.path.exists(w.sock), "it serves on")
    w.gantry("down", "second")
    w.ok("down", "shop")


run(scenario)

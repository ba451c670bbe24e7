# SPDX-License-Identifier: Apache-2.0
"""The API over TCP: tokens and roles, limits, hosts and origins, the watch."""
import http.client
import json
import os
import socket
import subprocess

from harness import SLOW, check, equal, has, run, step, wait


def make_token(w, text):
    out = subprocess.run([w.build + "/bin/gantryd", "--make-token", text], env=w.env, capture_output=True, text=True, check=True)
    first, line = out.stdout.splitlines()
    return first.rpartition(" ")[2], line


def request(port, method, path, token=None, body=None, headers=None, host="127.0.0.1"):
    c = http.client.HTTPConnection(host, port, timeout=SLOW)
    all_headers = dict(headers or {})
    if token:
        all_headers["Authorization"] = "Bearer " + token
    try:
        c.request(method, path, body=json.dumps(body) if isinstance(body, (dict, list)) else body, headers=all_headers)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has answered before it had all
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text, dict(answer.getheaders())


APP = {"name": "web", "replicas": 0, "pod": {"containers": [{"name": "web", "command": ["sleep", "100000"]}]}}
PROJECT = "/v1/namespaces/default/projects/shop"


def lines(port, path, token):
    s = socket.create_connection(("127.0.0.1", port), timeout=SLOW)
    s.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n" % (path, port, token)).encode())
    f = s.makefile("rb")
    status = int(f.readline().split()[1])
    chunked = False
    while True:
        head = f.readline().strip().lower()
        chunked = chunked or head == b"transfer-encoding: chunked"
        if not head:
            break

    def chunks():
        rest = b""
        while True:
            if chunked:
                size = int(f.readline(), 16)
                data = f.read(size)
                f.readline()
            else:
                size, data = 1, f.readline()
            if not size or not data:
                return
            rest += data
            while b"\n" in rest:
                line, rest = rest.split(b"\n", 1)
                if line.strip():
                    yield json.loads(line)
    return s, status, chunks()


def scenario(w):
    port = w.port()
    tokens = {}
    entries = []
    for name, more in (("admin", ""), ("edit", ""), ("view", ""), ("other", "namespaces = [\"other\"];")):
        tokens[name], line = make_token(w, "%s:%s" % (name, "edit" if name == "other" else name))
        entries.append(line.rstrip("}").rstrip() + " " + more + " }")
    path = w.write("tokens", "tokens = (\n  %s\n);\n" % ",\n  ".join(entries).replace("; },", " },"))
    os.chmod(path, 0o600)
    w.config = w.write("gantry.conf", 'listen = ["127.0.0.1:%d"];\ntokens_file = "%s";\nallowed_hosts = ["known.example"];\n'
                                      'limits: { rate_per_second = 20; rate_burst = 60; };\n' % (port, path))
    w.start()
    # Who may.
    equal(request(port, "GET", "/v1/pods")[0], 401, "no token")
    equal(request(port, "GET", "/v1/pods", "gt_wrong")[0], 401, "a wrong token")
    equal(request(port, "GET", "/v1/pods", tokens["view"])[0], 200, "view reads")
    equal(request(port, "PUT", PROJECT, tokens["view"], {"apps": [APP]})[0], 403, "view writes")
    equal(request(port, "GET", "/v1/config", tokens["edit"])[0], 403, "edit reads the configuration")
    equal(request(port, "POST", "/v1/backup", tokens["edit"])[0], 403, "edit makes a backup")
    equal(request(port, "PUT", PROJECT, tokens["other"], {"apps": [APP]})[0], 403, "edit of another namespace")
    equal(request(port, "PUT", PROJECT, tokens["edit"], {"apps": [APP]})[0], 200, "edit writes")
    equal(request(port, "GET", PROJECT + "/apps/web", tokens["other"])[0] in (403, 404), True, "reading another namespace")
    equal(request(port, "GET", "/v1/apps", tokens["other"])[1]["items"], [], "listing another namespace")
    status, config, _ = request(port, "GET", "/v1/config", tokens["admin"])
    equal(status, 200, "admin reads the configuration")
    for token in tokens.values():
        check(token not in json.dumps(config), "a token in the configuration")
    check(tokens["admin"] not in w.said(), "a token in the log")
    step("roles")
    # From where.
    equal(request(port, "GET", "/v1/version", tokens["view"], headers={"Origin": "http://evil.example"})[0], 403, "an Origin")
    equal(request(port, "GET", "/v1/version", tokens["view"], headers={"Host": "evil.example"})[0], 403, "a Host that is not known")
    equal(request(port, "GET", "/v1/version", tokens["view"], headers={"Host": "known.example"})[0], 200, "allowed_hosts")
    step("hosts and origins")
    # Errors name the place.
    for body, place in (({"apps": [dict(APP, nmae="x")]}, "apps[0].nmae"), ({"apps": [dict(APP, replicas="two")]}, "apps[0].replicas")):
        status, answer, _ = request(port, "PUT", PROJECT, tokens["edit"], body)
        equal((status, answer["error"]["path"]), (400, place), "a wrong body")
    for body in ("{", "[]", "", "\0"):
        equal(request(port, "PUT", PROJECT, tokens["edit"], body)[0], 400, "the body %r" % body)
    equal(request(port, "GET", "/v1/pods?nmae=x", tokens["view"])[0], 400, "an unknown parameter")
    equal(request(port, "GET", "/v1/nothing", tokens["view"])[0], 404, "an unknown path")
    equal(request(port, "POST", "/v1/pods", tokens["admin"])[0], 405, "a method")
    equal(request(port, "PUT", PROJECT, tokens["edit"], "x" * (5 << 20))[0], 413, "too large")
    # Optimistic concurrency.
    _, app, headers = request(port, "GET", PROJECT + "/apps/web", tokens["admin"])
    tag = {k.lower(): v for k, v in headers.items()}["etag"]
    equal(request(port, "PUT", PROJECT + "/apps/web", tokens["admin"], dict(APP, labels={"a": "1"}), {"If-Match": tag})[0], 200, "If-Match")
    equal(request(port, "PUT", PROJECT + "/apps/web", tokens["admin"], dict(APP, labels={"a": "2"}), {"If-Match": tag})[0], 409,
          "If-Match of an old revision")
    status, document, _ = request(port, "GET", "/v1/openapi.json", tokens["view"])
    equal((status, document["openapi"][0]), (200, "3"), "OpenAPI")
    step("errors and revisions")
    # The watch.
    s, status, stream = lines(port, "/v1/watch?kinds=app", tokens["admin"])
    equal(status, 200, "watch")
    seen = []
    for line in stream:
        seen.append(line)
        if line["type"] == "synced":
            break
    equal([l["object"]["name"] for l in seen if l["type"] == "put"], ["web"], "what is there")
    since = seen[-1]["revision"]
    w.ok("scale", "--detach", "web=1")
    line = next(l for l in stream if l["type"] == "put" and l["object"].get("replicas", 1) == 1)
    check(line["revision"] > since, "revision of a change", line["revision"], since)
    s.close()
    s, status, stream = lines(port, "/v1/watch?kinds=app&from=%d" % since, tokens["admin"])
    first = next(stream)
    equal((status, first["type"], first["object"].get("replicas", 1)), (200, "put", 1), "what happened since")
    s.close()
    # Revisions of the future and of another time are told.
    status = request(port, "GET", "/v1/watch?kinds=app&from=99999999", tokens["admin"])[0]
    check(status in (400, 410), "a revision that is not there yet", status)
    step("the watch")
    # Rates: of one identity.
    codes = [request(port, "GET", "/v1/version", tokens["view"])[0] for _ in range(200)]
    check(429 in codes and 200 in codes, "429 after the burst", sorted(set(codes)))
    equal(request(port, "GET", "/v1/version", tokens["other"])[0], 200, "another identity")
    wait(lambda: request(port, "GET", "/v1/version", tokens["view"])[0] == 200, "after a while")
    step("rates")
    # The command over TCP.
    url = {"GANTRY_HOST": "http://127.0.0.1:%d" % port}
    equal(w.gantry("ps", env=url).code, 6, "the command without a token")
    equal(w.gantry("ps", env=dict(url, GANTRY_TOKEN=tokens["edit"])).code, 0, "the command with a token")
    # 1 as long as its requests are used up.
    wait(lambda: w.gantry("scale", "web=0", env=dict(url, GANTRY_TOKEN=tokens["view"])).code == 6, "refused: without the right")
    w.wait_pods("web", 1)
    result = w.gantry("exec", "web", "--", "echo", "hello", env=dict(url, GANTRY_TOKEN=tokens["edit"]))
    equal((result.code, result.out), (0, "hello\n"), "exec over TCP: " + result.err)
    # A token that is taken away, on SIGHUP.
    with open(path, "w") as f:
        f.write("tokens = (\n  %s\n);\n" % entries[0])
    w.daemon.send_signal(1)
    wait(lambda: request(port, "GET", "/v1/version", tokens["edit"])[0] == 401, "the token is gone after SIGHUP")
    equal(request(port, "GET", "/v1/version", tokens["admin"])[0], 200, "the other one")
    has(w.said(), "reloaded", "the log")
    w.ok("down", "shop")


run(scenario)

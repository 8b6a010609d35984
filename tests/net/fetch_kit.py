# SPDX-License-Identifier: GPL-2.0-or-later
"""Registries on loopback: nginx over HTTPS with a CA of our own, a server beside it
that does what nginx would not, and a proxy.  All in the network namespace that the
test is in."""
import atexit
import hashlib
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit

NGINX = "/usr/sbin/nginx"
HOSTS = ("localhost", "ftp.afrinic.net", "ftp.apnic.net", "ftp.arin.net",
         "ftp.lacnic.net", "ftp.ripe.net")
GOOD, MIRROR, EXPIRED, WRONG_NAME, UNTRUSTED, PLAIN, ODD, PROXY, DEAD = range(8441, 8450)
REGISTRIES = ("afrinic", "apnic", "arin", "lacnic", "ripencc")


def small(registry, *records, date=20260101, count=None):
    """A delegation file of our own."""
    v4 = [r for r in records if "|ipv4|" in r]
    v6 = [r for r in records if "|ipv6|" in r]
    lines = [f"2|{registry}|{date}|{len(records)}|19700101|{date}|+0000",
             f"{registry}|*|ipv4|*|{len(v4) if count is None else count}|summary",
             f"{registry}|*|ipv6|*|{len(v6)}|summary",
             f"{registry}|*|asn|*|0|summary"]
    return "\n".join(lines + [f"{registry}|{r}" for r in records]) + "\n"


def openssl(*arguments):
    kit.run("openssl", *arguments, check=0)


class Certificates:
    """ca.pem signs good, expired and wrong-name; other.pem is somebody else's."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("ca", "other"):
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                    f"/CN={name} of a test", "-keyout", self.path(name + ".key"),
                    "-out", self.path(name + ".pem"))
        self.make("good", HOSTS)
        self.make("expired", HOSTS, days="-1")
        self.make("wrong-name", ("elsewhere.example",))
        self.make("untrusted", HOSTS, ca="other")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, hosts, days="30", ca="ca"):
        with open(self.path("ext"), "w") as f:
            f.write("subjectAltName=" + ",".join(f"DNS:{h}" for h in hosts))
            f.write(",IP:127.0.0.1\n" if "localhost" in hosts else "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", f"/CN={hosts[0]}", "-keyout",
                self.path(name + ".key"), "-out", self.path("csr"))
        openssl("x509", "-req", "-in", self.path("csr"), "-CA", self.path(ca + ".pem"),
                "-CAkey", self.path(ca + ".key"), "-days", days, "-extfile",
                self.path("ext"), "-out", self.path(name + ".pem"))


CONF = """daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log combined;
  default_type text/plain;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  ssl_protocols TLSv1.2 TLSv1.3;
  gzip_types text/plain;
  root {www};
  {servers}
  server {{ listen 127.0.0.1:{plain}; }}
}}
"""
SERVER = """server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/{name}.pem;
    ssl_certificate_key {folder}/{name}.key;
    {more}
  }}
"""
MORE = f"""
    location /circle/ {{ return 302 /circle/$request_id; }}
    location /http/ {{ return 302 http://localhost:{PLAIN}/plain$request_uri; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /data/$1 redirect; }}
    location /slow/ {{ limit_rate 1k; }}
    location /zip/ {{ gzip on; }}
"""


OK = b"HTTP/1.1 200 OK\r\n"
RAW = {  # what comes once, and what comes for ever
    "header": (OK + b"X-Long: ", b"x" * 65536),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "escape": (b"HTTP/1.1 404 \x1b]0;owned\x07\x1b[2J\r\nContent-Length: 0\r\n\r\n", b""),
    "smtp": (b"220 mx.example.com ESMTP\r\n", b""),
}


class Odd(http.server.BaseHTTPRequestHandler):
    """/hang/, /cut/, /break/, /endless/, /drip/, /bomb/ and more: then the path of a
    file."""
    protocol_version = "HTTP/1.1"
    www = None
    ranges = []  # headers of requests for a part

    def log_message(self, *_):
        pass

    def do_GET(self):
        how, rest = self.path[1:].split("/", 1)
        path = os.path.join(self.www, how, rest)
        data = open(path, "rb").read() if os.path.exists(path) else None
        self.close_connection = True
        if path.endswith(".md5") and how == "sum":
            self.endless(b"0" * 65536, 10 << 30)
        elif path.endswith(".md5"):
            self.answer(404 if data is None else 200, data or b"")
        elif how == "hang":
            time.sleep(kit.PATIENCE)
        elif how == "cut":
            self.answer(200, data[:len(data) // 2], len(data))
        elif how in ("break", "swap", "mix"):
            self.part(data, how)
        elif how == "endless":
            self.endless(b"x" * 65536, 10 << 30)
        elif how == "half":  # a part that nobody asked for
            self.answer(206, data[:len(data) // 2], None, (
                "Content-Range", f"bytes 0-{len(data) // 2 - 1}/{len(data)}"))
        elif how in RAW:
            self.raw(*RAW[how])
        elif how.startswith("drip"):
            self.drip()
        elif how == "bomb":
            self.bomb()

    def answer(self, status, data, length=None, *headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def part(self, data, how):
        """Breaks off in the middle; the rest is to be had, unless it was swapped."""
        wanted = self.headers.get("Range")
        tag = ("ETag", '"one"')
        if wanted:
            Odd.ranges.append((wanted, self.headers.get("If-Range")))
        if wanted and how in ("break", "mix"):
            first = int(wanted.split("=")[1].rstrip("-"))
            if how == "mix":  # against RFC 9110 13.1.5
                tag = ("ETag", '"two"')
            return self.answer(206, data[first:], None, tag, (
                "Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}"))
        if wanted:  # another file by now: from its beginning
            return self.answer(200, data, None, ("ETag", '"two"'))
        return self.answer(200, data[:len(data) // 2], len(data), tag)

    def endless(self, chunk, count):
        self.send_response(200)
        self.end_headers()
        sent = 0
        try:
            while sent < count:
                self.wfile.write(chunk)
                sent += len(chunk)
        except OSError:
            pass  # enough, said the other side

    def raw(self, start, more):
        """Bytes as they are, and some without end."""
        try:
            self.wfile.write(start)
            while more:
                self.wfile.write(more)
        except OSError:
            pass

    def drip(self):
        """Never too slow, never done."""
        self.send_response(200)
        self.send_header("Content-Length", str(100 << 20))
        self.end_headers()
        try:
            for _ in range(600):
                self.wfile.write(b"#" * 1023 + b"\n")
                time.sleep(0.1)
        except OSError:
            pass

    def bomb(self):
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros = b"0" * (1 << 20)
        try:
            for _ in range(10240):
                self.wfile.write(pack.compress(zeros) + pack.flush(zlib.Z_SYNC_FLUSH))
        except OSError:
            pass


class Proxy(threading.Thread):
    """CONNECT to anywhere ends at nginx, but for hosts that are down."""

    def __init__(self):
        super().__init__(daemon=True)
        self.down, self.asked = set(), []
        self.socket = socket.create_server(("127.0.0.1", PROXY))
        self.start()

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            more = client.recv(4096)
            if not more:
                return
            head += more
        host = head.split()[1].decode().split(":")[0]
        self.asked.append(host)
        if host in self.down:
            client.sendall(b"HTTP/1.1 502 down\r\nContent-Length: 0\r\n\r\n")
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", GOOD))
        client.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        back = threading.Thread(target=self.pump, args=(server, client), daemon=True)
        back.start()
        self.pump(client, server)

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Site:
    """The servers, and the folder that they publish."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "nginx")
        self.www = os.path.join(folder, "www")
        os.mkdir(self.folder)
        os.mkdir(self.www)
        self.ca = os.path.join(self.folder, "ca.pem")
        Certificates(self.folder)
        self.start_nginx()
        self.start_odd()
        self.proxy = Proxy()

    def start_nginx(self):
        servers = "".join(
            SERVER.format(port=port, name=name, folder=self.folder, more=MORE)
            for port, name in ((GOOD, "good"), (MIRROR, "good"), (EXPIRED, "expired"),
                               (WRONG_NAME, "wrong-name"), (UNTRUSTED, "untrusted")))
        conf = os.path.join(self.folder, "nginx.conf")
        with open(conf, "w") as f:
            f.write(CONF.format(folder=self.folder, www=self.www, servers=servers,
                                plain=PLAIN))
        self.nginx = subprocess.Popen(
            [NGINX, "-p", self.folder, "-c", conf, "-e", self.folder + "/error.log"],
            stderr=subprocess.DEVNULL)
        atexit.register(self.stop)
        if not kit.until(self.answers):
            raise AssertionError(open(self.folder + "/error.log").read())

    def answers(self, path="/up"):
        try:
            with socket.create_connection(("127.0.0.1", PLAIN)) as client:
                client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                return client.recv(4096)
        except OSError:
            return b""

    def stop(self):
        self.nginx.terminate()
        self.nginx.wait()

    def start_odd(self):
        Odd.www = self.www
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(self.folder, "good.pem"),
                                os.path.join(self.folder, "good.key"))

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # clients that go away are what is tested

        server = Server(("127.0.0.1", ODD), Odd)
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def put(self, where, data, md5="bsd", when=None, sum_when=None):
        """Publish a file and, in one of two styles, its checksum."""
        path = os.path.join(self.www, where)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = data.encode() if isinstance(data, str) else data
        name, digest = os.path.basename(where), hashlib.md5(data).hexdigest()
        dated = name.replace("-latest", "-20260131")
        lines = {"bsd": f"MD5 ({name}) = {digest}", "gnu": f"{digest}  {dated}\n",
                 "wrong": f"MD5 ({name}) = {'0' * 32}\n"}
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.rename(path + ".new", path)
        if when:
            os.utime(path, (when, when))
        if md5 in lines:
            with open(path + ".md5", "w") as f:
                f.write(lines[md5])
            if sum_when:
                os.utime(path + ".md5", (sum_when, sum_when))
        elif md5 is None and os.path.exists(path + ".md5"):
            os.unlink(path + ".md5")

    def logged(self):
        with open(os.path.join(self.folder, "access.log")) as f:
            return f.read()

    def log(self):
        """[(status, path)] of nginx since the last time."""
        path = os.path.join(self.folder, "access.log")
        # it writes when it has answered; and does one thing after the other
        self.answers("/last")
        assert kit.until(lambda: "GET /last " in self.logged())
        lines = [line.split('"') for line in open(path)]
        os.truncate(path, 0)
        asked = [(int(part[2].split()[0]), part[1].split()[1]) for part in lines]
        return [one for one in asked if one[1] not in ("/up", "/last")]


def url(port, where, host="localhost"):
    return f"https://{host}:{port}/{where}"


class Case:
    """A configuration and a state folder of its own."""

    def __init__(self, site, urls=(), countries=("US",), extra=""):
        self.site = site
        self.folder = kit.folder()
        self.state = os.path.join(self.folder, "state")
        self.table = "t" + hashlib.md5(self.folder.encode()).hexdigest()[:10]
        self.env = {}
        self.set(urls, countries, extra)

    def set(self, urls, countries=("US",), extra="", timeout=10):
        """timeout: in seconds; a slow machine may need some for a handshake"""
        words = ", ".join(f'"{u}"' for u in urls)
        listed = f"urls = {{{words}}}" if urls else ""
        self.conf = kit.write_conf(
            self.folder, countries,
            extra=f'table = "{self.table}"\ngeo {{ max-age = 520w  timeout = {timeout}s\n'
            f'ca-file = "{self.site.ca}"\n{listed}\n{extra} }}')

    def sync(self, *arguments):
        command = [kit.SYNC, "--config", self.conf, *arguments]
        env = {**os.environ, **self.env}
        return subprocess.run(command, capture_output=True, text=True, timeout=300,
                              env=env)

    def names(self):
        """Files of the cache."""
        folder = os.path.join(self.state, "cache")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def cached(self, name):
        path = os.path.join(self.state, "cache", name)
        return open(path, "rb").read() if os.path.exists(path) else None

    def snapshot(self):
        """Image and kernel sets: what must not change when an update fails."""
        image = os.path.join(self.state, "geo.img")
        digest = (hashlib.sha256(open(image, "rb").read()).hexdigest(),
                  os.stat(image).st_ino) if os.path.exists(image) else None
        table = kit.run("nft", "list", "table", "inet", self.table).stdout
        return digest, table

    def addresses(self, countries="US"):
        return kit.run(kit.GEOBLOCK, "export", "--config", self.conf, "--format", "cidr",
                       "--countries", countries).stdout.split()

#!/usr/bin/env python3
"""Whole runs: imagelint over an image, beside decompressors over the same layers one after the other, in one go.

  benches/whole.py make OUT DIR...            an OCI layout with one gzip layer for each directory
  benches/whole.py run LAYOUT [--runs N] [--imagelint PATH]

Prints a line a command: median wall and CPU seconds, MB/s of compressed input, peak resident memory, and the ratio of
its wall time to that of `igzip -dc`. gzip, pigz and igzip (Debian: pigz, isal) are used where they are installed.
"""
import argparse, gzip, hashlib, json, os, platform, shutil, statistics, subprocess, sys, tarfile, time

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def put(out, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(out, "blobs/sha256", digest), "wb") as f:
        f.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


class Hashed:
    """Writes through to a file and hashes on the way."""

    def __init__(self, f=None):
        self.f, self.h, self.n = f, hashlib.sha256(), 0

    def write(self, data):
        self.h.update(data)
        self.n += len(data)
        if self.f:
            self.f.write(data)
        return len(data)

    def flush(self):
        pass


class Tee:
    def __init__(self, *to):
        self.to = to

    def write(self, data):
        for t in self.to:
            t.write(data)
        return len(data)


def layer(out, directory):
    path = os.path.join(out, "layer.part")
    with open(path, "wb") as f:
        blob, raw = Hashed(f), Hashed()
        with gzip.GzipFile(filename="", fileobj=blob, mode="wb", compresslevel=6, mtime=0) as z:
            with tarfile.open(fileobj=Tee(z, raw), mode="w|", format=tarfile.PAX_FORMAT) as tar:
                tar.add(directory, arcname=directory.strip("/"))
    digest = blob.h.hexdigest()
    os.rename(path, os.path.join(out, "blobs/sha256", digest))
    return {"digest": "sha256:" + digest, "size": blob.n}, "sha256:" + raw.h.hexdigest()


def make(out, directories):
    os.makedirs(os.path.join(out, "blobs/sha256"))
    layers = [layer(out, d) for d in directories]
    oci = "application/vnd.oci.image."
    config = put(out, json.dumps({
        "architecture": ARCHITECTURE, "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}}).encode())
    manifest = put(out, json.dumps({
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": dict(config, mediaType=oci + "config.v1+json"),
        "layers": [dict(l, mediaType=oci + "layer.v1.tar+gzip") for l, _ in layers]}).encode())
    index = {"schemaVersion": 2, "manifests": [dict(manifest, mediaType=oci + "manifest.v1+json")]}
    for name, doc in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", index)):
        with open(os.path.join(out, name), "w") as f:
            json.dump(doc, f)


def blobs(layout):
    read = lambda digest: json.load(open(os.path.join(layout, "blobs", digest.replace(":", "/"))))
    index = json.load(open(os.path.join(layout, "index.json")))
    manifest = read(index["manifests"][0]["digest"])
    return [os.path.join(layout, "blobs", l["digest"].replace(":", "/")) for l in manifest["layers"]]


def resident(pid):
    """High-water mark in KiB. Not ru_maxrss: that begins with the size of the process that forked."""
    try:
        with open("/proc/%d/status" % pid) as f:
            return next((int(l.split()[1]) for l in f if l.startswith("VmHWM")), 0)
    except OSError:
        return 0


def once(commands):
    """Wall and CPU seconds of commands run one after the other, and the largest resident set in KiB."""
    start, cpu, rss = time.monotonic(), 0.0, 0
    for command in commands:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = 0
        while not done:
            rss = max(rss, resident(child.pid))
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            time.sleep(0 if done else 0.005)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            sys.exit("%s: exit code %d" % (" ".join(command), child.returncode))
        cpu += usage.ru_utime + usage.ru_stime
    return time.monotonic() - start, cpu, rss


def run(layout, runs, imagelint):
    layers = blobs(layout)
    size = sum(map(os.path.getsize, layers))
    tools = {"imagelint": [[imagelint, "trace", "--format", "json", "--no-progress", "oci:" + layout]]}
    for tool in ("igzip", "pigz", "gzip"):
        if shutil.which(tool):
            tools[tool + " -dc"] = [[tool, "-dc", l] for l in layers]
    times = {name: [] for name in tools}
    for path in layers:                     # into the page cache
        with open(path, "rb") as f:
            while f.read(1 << 20):
                pass
    for _ in range(runs):                   # interleaved, so that a busy moment hits all alike
        for name, commands in tools.items():
            times[name].append(once(commands))
    median = {n: [statistics.median(x) for x in zip(*t)] for n, t in times.items()}
    base = median.get("igzip -dc", median["imagelint"])[0]
    print("%d layers, %.1f MB compressed, %d runs" % (len(layers), size / 1e6, runs))
    for name, (wall, cpu, rss) in median.items():
        print("%-12s wall %6.2f s  cpu %6.2f s  %7.1f MB/s  peak %6.1f MiB  wall ratio %.2f" %
              (name, wall, cpu, size / 1e6 / wall, rss / 1024, wall / base))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["make", "run"])
    p.add_argument("layout")
    p.add_argument("directories", nargs="*")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--imagelint", default="target/release/imagelint")
    a = p.parse_intermixed_args()
    make(a.layout, a.directories) if a.command == "make" else run(a.layout, a.runs, a.imagelint)


if __name__ == "__main__":
    main()

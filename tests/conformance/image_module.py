#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where decant looks for the decoders of images: image_module.py DECANT BUILD   (in the environment that tools/venv.sh onnx makes)

Installs the build into a folder, runs a model with ImageDecoder there, takes the module away and looks at what is said. A module in the current folder or on
LD_LIBRARY_PATH must never be loaded.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

IMAGES = pathlib.Path(__file__).resolve().parent.parent / "golden" / "images"


def main():
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        subprocess.run(["cmake", "--install", sys.argv[2], "--prefix", str(place / "installed")], check=True, capture_output=True)
        decant, module = place / "installed/bin/decant", place / "installed/lib/decant/decant_images.so"
        graph = helper.make_graph([helper.make_node("ImageDecoder", ["data"], ["image"])], "decode", [helper.make_tensor_value_info("data", TensorProto.UINT8, [None])],
                                  [helper.make_tensor_value_info("image", TensorProto.UINT8, [None, None, 3])])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), place / "decode.onnx")
        np.save(place / "data.npy", np.frombuffer((IMAGES / "rgb.png").read_bytes(), np.uint8))
        elsewhere = place / "elsewhere"
        elsewhere.mkdir()

        def run(**environment):
            command = [str(decant), "predict", str(place / "decode.onnx"), str(place / "data.npy"), "-o", str(place / "image.npy")]
            return subprocess.run(command, cwd=elsewhere, capture_output=True, text=True, env=os.environ | environment)

        done = run()
        assert done.returncode == 0, done.stderr
        assert np.load(place / "image.npy").shape == (13, 21, 3)

        shutil.move(module, elsewhere / module.name)
        done = run(LD_LIBRARY_PATH=str(elsewhere))
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done
        assert f"which is not there (looked for {decant.parent}/{module.name}, " in done.stderr and str(module) in done.stderr, done.stderr

        module.write_bytes(b"no library")
        done = run()
        assert done.returncode == 2 and done.stderr.count("\n") == 1 and str(module) in done.stderr, done
    print("the module is found beside the program, and nowhere else")
    return 0


sys.exit(main())

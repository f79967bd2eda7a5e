#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random images through decant_images.so and Pillow: images_pillow.py MODULE [--images N] [--seed S]   (in the environment images of tools/venv.sh)

Every pixel must be Pillow's, but within 1 where JPEG 2000 computes in floating point or rounds gray of 16 bits (docs/formats/onnx.md). Then the
files are cut and damaged: whatever the module answers, it must come back. Part of ./dev test-all.
"""
import argparse
import collections
import ctypes
import io
import sys

import numpy as np
from PIL import Image


class Info(ctypes.Structure):
    _fields_ = [("width", ctypes.c_uint32), ("height", ctypes.c_uint32), ("channels", ctypes.c_uint32), ("working", ctypes.c_uint64), ("format", ctypes.c_char_p)]


class Api(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32),
                ("probe", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Info), ctypes.c_char_p, ctypes.c_size_t)),
                ("decode", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(Info), ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t))]


def open_module(path):
    entry = ctypes.CDLL(path).decant_images
    entry.restype = ctypes.POINTER(Api)
    api = entry().contents

    def decode(data, most=1 << 24):
        info, why = Info(), ctypes.create_string_buffer(300)
        if api.probe(data, len(data), info, why, 300):
            return why.value.decode()
        if info.width * info.height > most or info.working > 1 << 28:
            return "too large"
        pixels = ctypes.create_string_buffer(info.width * info.height * info.channels)
        if api.decode(data, len(data), info, info.working, pixels, why, 300):
            return why.value.decode()
        out = np.frombuffer(pixels.raw, np.uint8).reshape(info.height, info.width, info.channels)
        return np.repeat(out, 3, axis=2) if info.channels == 1 else out
    return decode


def picture(random, mode):
    """Waves, edges and noise of a random size."""
    w, h = (int(v) for v in random.integers(1, 90, 2))
    n = {"1": 1, "L": 1, "P": 3, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4, "I;16": 1}[mode]
    y, x = np.mgrid[0:h, 0:w]
    planes = np.stack([128 + 70 * np.sin(x / random.uniform(1, 20) + c) + 50 * (y > h * random.uniform(0, 1)) + random.normal(0, random.uniform(0, 40), (h, w)) for c in range(n)], axis=2)
    if mode == "I;16":
        return Image.fromarray((np.clip(planes[:, :, 0], 0, 255) * 257).astype(np.uint16))
    pixels = np.clip(planes, 0, 255).astype(np.uint8)
    if mode == "1":
        return Image.fromarray(pixels[:, :, 0]).convert("1")
    if mode == "P":
        return Image.fromarray(pixels).quantize(int(random.integers(1, 257)))
    return Image.fromarray(pixels[:, :, 0] if n == 1 else pixels, mode)


def options(random, kind, mode):
    pick = lambda *v: v[int(random.integers(len(v)))]  # noqa: E731
    if kind == "JPEG":
        return {"quality": int(random.integers(1, 101)), "progressive": bool(random.integers(2)), "optimize": bool(random.integers(2)), "restart_marker_blocks": int(random.integers(3)),
                **({"subsampling": int(random.integers(3))} if mode == "RGB" else {})}
    if kind == "TIFF":
        ways = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma"] + (["group3", "group4"] if mode == "1" else []) + (["jpeg"] if mode in ("RGB", "L") else [])
        return {"compression": pick(*ways), "tiffinfo": {274: int(random.integers(1, 9))}, **({"big_tiff": True} if random.integers(4) == 0 else {})}
    if kind == "WEBP":
        return {"lossless": bool(random.integers(2)), "quality": int(random.integers(0, 101)), "exact": True, "method": int(random.integers(0, 7))}
    if kind == "JPEG2000":
        return {"irreversible": bool(random.integers(2)), "no_jp2": bool(random.integers(2)), "num_resolutions": int(random.integers(1, 6)), "progression": pick("LRCP", "RLCP", "RPCL", "PCRL", "CPRL"),
                **({"tile_size": (32, 48)} if random.integers(3) == 0 else {}), **({"codeblock_size": (16, 16), "precinct_size": (32, 32)} if random.integers(3) == 0 else {})}
    return {}


def expected(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    if image.mode in ("I;16", "I;16B", "I"):
        return np.repeat((np.array(image).astype(np.int64) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    return np.array(image.convert("RGB"))


MODES = {"BMP": ("1", "L", "P", "RGB", "RGBA"), "JPEG": ("L", "RGB", "CMYK"), "JPEG2000": ("L", "LA", "RGB", "RGBA", "I;16"), "PNG": ("1", "L", "P", "LA", "RGB", "RGBA", "I;16"),
         "PPM": ("1", "L", "RGB"), "TIFF": ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"), "WEBP": ("RGB", "RGBA")}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("module")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--damaged", type=int, default=4, help="of each")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    decode, random = open_module(args.module), np.random.default_rng(args.seed)
    apart, failed, count, both = 0, 0, collections.Counter(), collections.Counter()
    for number in range(args.images):
        kind = list(MODES)[number % len(MODES)]
        mode = MODES[kind][int(random.integers(len(MODES[kind])))]
        image, how, out = picture(random, mode), options(random, kind, mode), io.BytesIO()
        try:
            image.save(out, kind, **how)
        except (OSError, ValueError):  # this kind of image in this way is nothing that Pillow writes
            continue
        data = out.getvalue()
        got, want = decode(data), expected(data)
        rounded = kind == "JPEG2000" and (how["irreversible"] or mode == "I;16")
        if isinstance(got, str) or got.shape != want.shape:
            print(f"{number}: {kind} {mode} {image.size} {how}: {got if isinstance(got, str) else got.shape}")
            failed += 1
            continue
        difference = int(np.max(np.abs(got.astype(int) - want)))
        apart = max(apart, difference) if rounded else apart
        count[kind] += 1
        if difference > (1 if rounded else 0):
            print(f"{number}: {kind} {mode} {image.size} {how}: {difference} apart")
            failed += 1
        for _ in range(args.damaged):
            hurt = bytearray(data)
            if random.integers(2):
                del hurt[int(random.integers(len(hurt))):]
            for _ in range(int(random.integers(4))):
                if hurt:
                    hurt[int(random.integers(len(hurt)))] = int(random.integers(256))
            both["read" if not isinstance(decode(bytes(hurt)), str) else "refused"] += 1
    print(f"{sum(count.values())} images ({', '.join(f'{k} {v}' for k, v in count.items())}), {failed} differ (where JPEG 2000 rounds: {apart} apart at most); damaged: {dict(both)}")
    return 1 if failed else 0


sys.exit(main())

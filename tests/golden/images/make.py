# SPDX-License-Identifier: Apache-2.0
"""Images of every kind that ImageDecoder reads, and what Pillow says is in them: "$(tools/venv.sh images)/bin/python" tests/golden/images/make.py

Writes the images beside itself; cases.tsv: file, width, height, largest difference allowed; and answers.bin: of each case in this order
height x width x 3 bytes of colours, then height x width of luminance. Seeds are fixed, so that it always writes the same. Pillow's answer is convert("RGB") and
convert("L"), but for gray of 16 bits (modes I;16 and I), which Pillow clips at 255: there the upper 8 bits count, as Pillow itself takes
them of 16-bit colours. Damaged images are in cases.tsv with a size of 0: the answer is an empty matrix.
"""
import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
W, H = 21, 13
random = np.random.default_rng(20)
cases = []


def smooth(channels):
    """Waves and some noise: something that a lossy format can keep."""
    y, x = np.mgrid[0:H, 0:W]
    planes = [128 + 80 * np.sin(x / (3 + c) + c) * np.cos(y / (4 - c / 2)) + random.normal(0, 6, (H, W)) for c in range(channels)]
    out = np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)
    return out[:, :, 0] if channels == 1 else out


GRAY, RGB, RGBA, LA = (Image.fromarray(smooth(n), mode) for n, mode in ((1, "L"), (3, "RGB"), (4, "RGBA"), (2, "LA")))
BITS = Image.fromarray((smooth(1) > 128).astype(np.uint8) * 255).convert("1")
PALETTE = RGB.quantize(37)
SIXTEEN = random.integers(0, 65536, (H, W), dtype=np.uint16)


def answer(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    if image.mode in ("I;16", "I;16B", "I"):
        values = np.array(image).astype(np.int64)
        image = Image.fromarray((values >> 8).astype(np.uint8) if data[:1] != b"P" else np.round(values / 65535 * 255).astype(np.uint8))
    return image.width, image.height, np.array(image.convert("RGB")).tobytes() + np.array(image.convert("L")).tobytes()


def case(name, data, difference=0):
    width, height, pixels = answer(data)
    (HERE / name).write_bytes(data)
    cases.append((name, width, height, difference, pixels))


def saved(name, image, difference=0, **options):
    out = io.BytesIO()
    image.save(out, {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "j2k": "JPEG2000"}.get(name.rsplit(".", 1)[1], name.rsplit(".", 1)[1].upper()), **options)
    case(name, out.getvalue(), difference)
    return out.getvalue()


def damaged(name, data):
    (HERE / name).write_bytes(data)
    cases.append((name, 0, 0, 0, b""))


# --- PNM ----------------------------------------------------------------------------------------------------------------------------

def pnm():
    gray, rgb = np.array(GRAY), np.array(RGB)
    packed = np.packbits(1 - np.array(BITS), axis=1).tobytes()
    words = lambda a: "\n".join(" ".join(map(str, row)) for row in a.reshape(H, -1))  # noqa: E731
    case("bits.pbm", b"P4\n# a comment\n%d %d\n" % (W, H) + packed)
    case("bits_plain.pbm", (f"P1 {W} {H}\n" + "\n".join("".join(map(str, row)) for row in (1 - np.array(BITS)))).encode())
    case("gray.pgm", b"P5 %d %d 255\n" % (W, H) + gray.tobytes())
    case("gray_31.pgm", b"P5\n%d\n%d # w h\n31\n" % (W, H) + (gray // 8).tobytes())
    case("gray_plain.pgm", f"P2\n{W} {H}\n# in between\n255\n{words(gray)}\n".encode())
    case("gray_16.pgm", b"P5 %d %d 65535\n" % (W, H) + SIXTEEN.astype(">u2").tobytes())
    case("rgb.ppm", b"P6 %d %d 255\n" % (W, H) + rgb.tobytes())
    case("rgb_100.ppm", b"P6 %d %d 100\n" % (W, H) + (rgb // 3).tobytes())
    case("rgb_1000.ppm", b"P6 %d %d 1000\n" % (W, H) + (rgb.astype(">u2") * 3).tobytes())
    case("rgb_plain.ppm", f"P3 {W} {H} 255\n{words(rgb)}\n".encode())
    damaged("short.ppm", b"P6 %d %d 255\n" % (W, H) + rgb.tobytes()[:-1])
    damaged("huge.ppm", b"P6 4000000000 4000000000 255\n1234")
    damaged("above.pgm", b"P2 2 1 10 4 11")
    damaged("no_number.pgm", b"P2 2 x 10 4 11")


# --- BMP ----------------------------------------------------------------------------------------------------------------------------

def bitmap(bits, rows, palette=b"", compression=0, fields=b"", top_down=False, header=40, colours=0):
    body = fields + palette
    offset = 14 + header + len(body)
    if header == 12:
        info = struct.pack("<IHHHH", 12, W, H, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, W, -H if top_down else H, 1, bits, compression, len(rows), 2835, 2835, colours, 0)
        info += fields.ljust(header - 40, b"\0") if header > 40 else b""
        if header > 40:
            body, offset = palette, 14 + header + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + body + rows


def packed_rows(indices, bits, bottom_up=True):
    per = 8 // bits
    out = b""
    for row in indices[::-1] if bottom_up else indices:
        row = np.pad(row, (0, -len(row) % per)).reshape(-1, per)
        line = bytes(int(sum(int(v) << (8 - bits * (i + 1)) for i, v in enumerate(group))) for group in row)
        out += line + b"\0" * (-len(line) % 4)
    return out


def run_lengths(indices, four):
    """Runs, plain stretches, a step over what stays 0, and ends of rows."""
    out = b""
    for number, row in enumerate(indices[::-1]):
        at = 0
        while at < len(row):
            run = 1
            while at + run < len(row) and row[at + run] == row[at] and run < 200:
                run += 1
            rest = len(row) - at
            if run >= 3 or rest < 3:
                out += bytes([run, row[at] * 17 if four else row[at]])
                at += run
            else:
                n = min(rest, 5)
                part = list(row[at:at + n])
                data = bytes((part + [0])[i] << 4 | (part + [0])[i + 1] for i in range(0, n, 2)) if four else bytes(part)
                out += bytes([0, n]) + data + b"\0" * (len(data) % 2)
                at += n
        out += b"\0\0" if number + 1 < len(indices) else b"\0\1"
    return out


def bmp():
    saved("rgb.bmp", RGB)
    saved("gray.bmp", GRAY)
    saved("bits.bmp", BITS)
    saved("palette.bmp", PALETTE)
    saved("rgba.bmp", RGBA)
    colours = random.integers(0, 256, (256, 3), dtype=np.uint8)
    four = np.hstack([colours, np.zeros((256, 1), np.uint8)])
    for bits in (1, 4, 8):
        index = random.integers(0, 1 << bits, (H, W))
        case(f"index_{bits}.bmp", bitmap(bits, packed_rows(index, bits), four[:1 << bits].tobytes()))
        case(f"os2_{bits}.bmp", bitmap(bits, packed_rows(index, bits), colours[:1 << bits].tobytes(), header=12))
    index = random.integers(0, 10, (H, W))
    case("few_colours.bmp", bitmap(4, packed_rows(index, 4), four[:10].tobytes(), colours=10))
    case("top_down.bmp", bitmap(8, packed_rows(index, 8, bottom_up=False), four.tobytes(), top_down=True))
    runs = np.repeat(random.integers(0, 16, (H, 7)), 3, axis=1)[:, :W]
    runs[:, 9:14] = random.integers(0, 16, (H, 5))
    case("runs_8.bmp", bitmap(8, run_lengths(runs, False), four.tobytes(), compression=1))
    case("runs_4.bmp", bitmap(4, run_lengths(np.repeat(runs[:, ::3], 3, axis=1), True), four[:16].tobytes(), compression=2))
    rows16 = b"".join(row.astype("<u2").tobytes() + b"\0\0" * (W % 2) for row in SIXTEEN[::-1])
    case("555.bmp", bitmap(16, rows16))
    masks = lambda *m: struct.pack("<III", *m)  # noqa: E731
    case("565.bmp", bitmap(16, rows16, compression=3, fields=masks(0xF800, 0x7E0, 0x1F)))
    rows32 = b"".join(np.dstack([row, 255 - row]).astype("<u2").tobytes() for row in SIXTEEN[::-1])
    case("bgrx.bmp", bitmap(32, rows32))
    case("fields_32.bmp", bitmap(32, rows32, compression=3, fields=masks(0xFF000000, 0xFF0000, 0xFF00)))
    case("header_108.bmp", bitmap(32, rows32, compression=3, fields=masks(0xFF0000, 0xFF00, 0xFF) + struct.pack("<I", 0xFF000000), header=108))
    whole = bitmap(8, packed_rows(index, 8), four.tobytes())
    damaged("short.bmp", whole[:-30])
    damaged("deep.bmp", whole[:28] + b"\7\0" + whole[30:])
    damaged("wide.bmp", whole[:18] + b"\xff\xff\xff\x7f" + whole[22:])
    damaged("runs_end.bmp", bitmap(8, run_lengths(runs, False)[:40], four.tobytes(), compression=1))


# --- PNG ----------------------------------------------------------------------------------------------------------------------------

def png_of(depth, colour, rows, palette=b"", interlace=0, extra=b""):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))  # noqa: E731
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, colour, 0, 0, interlace))
    return b"\x89PNG\r\n\x1a\n" + head + extra + (chunk(b"PLTE", palette) if palette else b"") + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def adam7(values):
    """The seven passes of `values` (height x width x bytes), each row with filter 0."""
    out = b""
    for x, y, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in values[y::dy, x::dx]:
            out += b"\0" + row.tobytes() if row.size else b""
    return out


def png():
    whole = saved("rgb.png", RGB)
    for name, image in (("gray", GRAY), ("gray_alpha", LA), ("rgba", RGBA), ("bits", BITS), ("palette", PALETTE)):
        saved(f"{name}.png", image)
    saved("palette_clear.png", PALETTE, transparency=3)
    saved("gray_16.png", Image.fromarray(SIXTEEN))
    plain = lambda rows: b"".join(b"\0" + row for row in rows)  # noqa: E731
    for bits in (1, 2, 4):
        index = random.integers(0, 1 << bits, (H, W))
        rows = [packed_rows(index[y:y + 1], bits)[:(W * bits + 7) // 8] for y in range(H)]
        case(f"gray_{bits}.png", png_of(bits, 0, plain(rows)))
        case(f"palette_{bits}.png", png_of(bits, 3, plain(rows), palette=random.integers(0, 256, 3 << bits, dtype=np.uint8).tobytes()))
    deep = random.integers(0, 65536, (H, W, 3), dtype=np.uint16).astype(">u2")
    case("rgb_16.png", png_of(16, 2, plain([row.tobytes() for row in deep])))
    case("interlaced.png", png_of(8, 2, adam7(np.array(RGB)), interlace=1))
    case("interlaced_gray.png", png_of(8, 0, adam7(np.array(GRAY)[:, :, None]), interlace=1))
    saved("gamma.png", RGB, dpi=(72, 72), comment="words")
    damaged("short.png", whole[:-60])
    damaged("crc.png", whole[:-30] + bytes([whole[-30] ^ 1]) + whole[-29:])
    damaged("header.png", whole[:30])
    damaged("zero.png", png_of(8, 2, b"").replace(struct.pack(">I", W), struct.pack(">I", 0), 1))


# --- JPEG ---------------------------------------------------------------------------------------------------------------------------

def jpeg():
    whole = saved("rgb.jpg", RGB, quality=90)
    for way in ("4:4:4", "4:2:2", "4:2:0"):
        saved(f"rgb_{way.replace(':', '')}.jpg", RGB, quality=75, subsampling=way)
    saved("gray.jpg", GRAY, quality=60)
    saved("progressive.jpg", RGB, quality=80, progressive=True)
    saved("progressive_gray.jpg", GRAY, progressive=True)
    saved("restarts.jpg", RGB, restart_marker_blocks=1)
    saved("cmyk.jpg", RGB.convert("CMYK"), quality=90)
    saved("kept_rgb.jpg", RGB, quality=85, keep_rgb=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    saved("turned.jpg", RGB, quality=85, exif=exif)
    damaged("short.jpg", whole[:-80])
    damaged("header.jpg", whole[:100])
    at = whole.index(b"\xff\xc0")
    damaged("components.jpg", whole[:at + 9] + b"\x02" + whole[at + 10:])


# --- WebP, TIFF, JPEG 2000 ------------------------------------------------------------------------------------------------------------

def webp():
    whole = saved("rgb.webp", RGB, quality=80)
    saved("lossless.webp", RGB, lossless=True)
    saved("rgba.webp", RGBA, lossless=True, exact=True)
    saved("rgba_lossy.webp", RGBA, quality=70, exact=True)
    saved("animation.webp", RGB, save_all=True, append_images=[Image.fromarray(smooth(3))], lossless=True)
    damaged("short.webp", whole[:-40])
    damaged("header.webp", whole[:20])


def tiff():
    whole = saved("rgb.tif", RGB)
    for name, image in (("gray", GRAY), ("rgba", RGBA), ("bits", BITS), ("palette", PALETTE), ("gray_16", Image.fromarray(SIXTEEN)), ("cmyk", RGB.convert("CMYK"))):
        saved(f"{name}.tif", image)
    for way in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"):
        saved(f"{way}.tif", RGB, compression=way)
    saved("group4.tif", BITS, compression="group4")
    saved("jpeg.tif", RGB, compression="jpeg", quality=90)
    saved("strips.tif", RGB, strip_size=W * 3 * 4)
    saved("predictor.tif", RGB, compression="tiff_lzw", tiffinfo={317: 2})
    for turn in range(2, 9):
        saved(f"turn_{turn}.tif", RGB, tiffinfo={274: turn})
    big, deep = np.array(RGB), random.integers(0, 65536, (H, W, 3), dtype=np.uint16)
    case("big_endian.tif", tiff_of(big.tobytes(), 8, 3, 2, order=">"))
    case("rgb_16.tif", tiff_of(deep.tobytes(), 16, 3, 2))
    case("rgb_16_big.tif", tiff_of(deep.astype(">u2").tobytes(), 16, 3, 2, order=">"))
    case("white.tif", tiff_of(np.array(GRAY).tobytes(), 8, 1, 0))
    case("planes.tif", tiff_of(big.transpose(2, 0, 1).tobytes(), 8, 3, 2, planes=True))
    case("tiles.tif", tiff_of(tiles(big), 8, 3, 2, tile=16))
    case("gray_4.tif", tiff_of(b"".join(packed_rows(np.array(GRAY)[y:y + 1] // 16, 4)[:(W + 1) // 2] for y in range(H)), 4, 1, 1))
    damaged("short.tif", whole[:len(whole) - 500] if whole[4:8] == struct.pack("<I", 8) else whole[:400])
    damaged("header.tif", whole[:10])
    damaged("float.tif", tiff_of(np.zeros((H, W), "<f4").tobytes(), 32, 1, 1, extra={339: 3}))


def tiles(pixels):
    padded = np.pad(pixels, ((0, -H % 16), (0, -W % 16), (0, 0)))
    return b"".join(padded[y:y + 16, x:x + 16].tobytes() for y in range(0, H, 16) for x in range(0, W, 16))


def tiff_of(body, bits, samples, photometric, order="<", planes=False, tile=0, extra=None):
    """A TIFF of one directory by hand, for what Pillow does not write."""
    count = -(-W // tile) * -(-H // tile) if tile else samples if planes else 1
    size = len(body) // count
    tags = {256: W, 257: H, 258: [bits] * samples, 259: 1, 262: photometric, 277: samples, 284: 2 if planes else 1, **(extra or {})}
    places = [8 + i * size for i in range(count)]
    if tile:
        tags.update({322: tile, 323: tile, 324: places, 325: [size] * count})
    else:
        tags.update({273: places, 278: H, 279: [size] * count})
    at = 8 + len(body)
    entries, tail, tail_at = b"", b"", at + 2 + 12 * len(tags) + 4
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        kind = 4 if tag in (273, 279, 324, 325) else 3
        raw = struct.pack(f"{order}{len(values)}{'I' if kind == 4 else 'H'}", *values)
        if len(raw) > 4:
            entries += struct.pack(f"{order}HHII", tag, kind, len(values), tail_at + len(tail))
            tail += raw
        else:
            entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + raw.ljust(4, b"\0")
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", at) + body + struct.pack(f"{order}H", len(tags)) + entries + b"\0\0\0\0" + tail


def jpeg2000():
    whole = saved("rgb.jp2", RGB)
    saved("rgb.j2k", RGB, no_jp2=True)
    saved("gray.jp2", GRAY)
    saved("gray_alpha.jp2", LA)
    saved("rgba.jp2", RGBA)
    saved("gray_16.jp2", Image.fromarray(SIXTEEN), difference=1)  # the upper 8 bits are rounded, as Pillow does for 16-bit colours
    saved("tiles.jp2", RGB, tile_size=(16, 8))
    saved("no_colour_transform.jp2", RGB, mct=0)
    saved("lossy.jp2", RGB, difference=1, irreversible=True, quality_mode="dB", quality_layers=[40])  # wavelets of floating-point numbers
    damaged("short.jp2", whole[:200])


if __name__ == "__main__":
    for old in HERE.iterdir():
        if old.suffix not in (".py", ".tsv"):
            old.unlink()
    for make in (pnm, bmp, png, jpeg, webp, tiff, jpeg2000):
        make()
    damaged("nothing.bin", b"")
    damaged("text.bin", b"this is no image")
    with open(HERE / "cases.tsv", "w", encoding="utf-8") as f:
        f.write("file\twidth\theight\tdifference\n")
        f.writelines("\t".join(map(str, c[:4])) + "\n" for c in sorted(cases))
    (HERE / "answers.bin").write_bytes(b"".join(c[4] for c in sorted(cases)))
    print(len(cases), "cases")

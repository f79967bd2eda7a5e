# SPDX-License-Identifier: Apache-2.0
"""The tables and targets that the golden models are fitted on, and the inputs that they answer.

Everything comes from RandomState.random_sample, whose stream NumPy keeps frozen, and from additions, so that every NumPy gives the
same numbers. An input is written once to inputs/ and from then on read back from there: all versions see identical bytes.
"""
import functools
import io
import json
import pathlib

import numpy as np
import pandas as pd
from scipy import sparse

HERE = pathlib.Path(__file__).resolve().parent
TRAIN, INPUT = 90, 40


class Table:
    """Rows to fit on, rows to answer, and the file (relative to this folder) that holds the latter."""

    def __init__(self, train, given, path):
        self.train, self.input, self.path = train, given, path


def _normal(seed, *shape):
    """Nearly normal numbers, by sums of twelve uniform ones: no libm, hence the same bits everywhere."""
    uniform = np.random.RandomState(seed).random_sample((12,) + shape)
    total = uniform[0]
    for one in uniform[1:]:
        total = total + one
    return total - 6.0


def _columns(noise):
    """Five features of different kinds: continuous, correlated, far from zero, on a grid of 1/8, and small integers."""
    return np.column_stack([
        np.round(noise[:, 0], 3),
        2.0 * noise[:, 1] + 0.5 * noise[:, 0],
        10.0 + 3.0 * noise[:, 2],
        np.round(noise[:, 3] * 8.0) / 8.0,
        np.clip(np.round(noise[:, 4] * 1.2 + 2.0), 0.0, 4.0),
    ])


@functools.lru_cache(maxsize=None)
def _base():
    """Training rows, and input rows: new, seen, on split points, scaled, zero, equal, huge and tiny ones."""
    train = _columns(_normal(1, TRAIN, 5))
    new = _columns(_normal(2, 20, 5))
    given = np.empty((INPUT, 5))
    given[0:16] = new[0:16]
    given[16:21] = train[[0, 7, 21, 40, 88]]
    # Points between two neighbouring training values, where a tree's threshold lies: the float32 cast decides the side.
    ordered = np.sort(train.astype(np.float32), axis=0)
    for row, at in enumerate((10, 25, 44, 45, 60, 75)):
        given[21 + row] = ordered[at] / 2.0 + ordered[at + 1].astype(np.float64) / 2.0
    given[27:31] = 10.0 * new[16:20]
    given[31] = 0.0
    given[32] = -0.0
    given[33] = 1.0
    given[34] = -train[3]
    given[35] = 1e4 * new[0]
    given[36] = [1e-40, -1e-40, 1e-300, 0.0, 2.0]
    given[37] = given[38] = new[5]
    given[39] = 3.0
    return train, given


def _missing(rows, seed, columns):
    rows = rows.copy()
    holes = np.random.RandomState(seed).random_sample(rows.shape) < 0.15
    holes[:, [c for c in range(rows.shape[1]) if c not in columns]] = False
    rows[holes] = np.nan
    return rows


def _wide(rows, seed):
    """Twelve features: the five, five of noise, a copy, and a constant."""
    return np.column_stack([rows, _normal(seed, len(rows), 5), rows[:, 0], np.full(len(rows), 2.5)])


def _codes(rows):
    """Category codes 0 to 3."""
    return np.clip(np.floor(np.abs(rows) * 3.0) % 4.0, 0.0, 3.0)


def _gram(rows, train):
    """A precomputed kernel, rounded so that no matrix product's order of summation shows."""
    scale = np.array([1.0, 0.5, 0.1, 1.0, 0.5])
    return np.round(((rows * scale)[:, None, :] * (train * scale)[None, :, :]).sum(axis=2), 6)


def _distances(rows, train):
    return np.round(np.abs(rows[:, None, :] - train[None, :, :]).sum(axis=2), 6)


ARRAYS = {
    "base": lambda rows, train: rows,
    "one": lambda rows, train: rows[:, 1:2],
    "wide": lambda rows, train: _wide(rows, len(rows)),
    "positive": lambda rows, train: np.abs(rows) + 0.25,
    "unit": lambda rows, train: np.clip(np.abs(rows) / 16.0, 0.0, 1.0),
    "counts": lambda rows, train: np.clip(np.floor(np.abs(rows) * 2.0), 0.0, 9.0),
    "bits": lambda rows, train: (rows > np.median(train, axis=0)).astype(np.float64),
    "codes": lambda rows, train: _codes(rows),
    "gram": _gram,
    "distances": _distances,
    "few": lambda rows, train: np.clip(rows, -20.0, 20.0),
    "ranged": lambda rows, train: np.clip(rows, train.min(axis=0), train.max(axis=0)),
    "mild": lambda rows, train: (1.5 * np.median(train, axis=0) + np.clip(rows, train.min(axis=0), train.max(axis=0))) / 2.5,
    "line": lambda rows, train: rows[:, 1],
    "gray": lambda rows, train: rows[:24].reshape(2, 10, 6),  # two images of 10 by 6
    "tall": lambda rows, train: np.concatenate([rows, train]).reshape(-1)[:400].reshape(1, 40, 10),
    "images": lambda rows, train: rows[:36].reshape(3, 5, 4, 3),  # three of 5 by 4, three channels
}


def _array(name):
    train, given = _base()
    if name in ("missing", "missing_anywhere"):
        holed = _missing(given, 4, (0, 1, 3))
        holed[5] = [np.nan, np.nan, 10.0, np.nan, 1.0]
        if name == "missing_anywhere":  # also where no training row misses a value
            holed[6, 2] = holed[7, 4] = np.nan
            holed[8] = np.nan
        return _missing(train, 3, (0, 1, 3)), holed
    if name in ("categories", "categories_unknown"):
        # Two categorical columns before the five; the second input table has codes that no training row has, and missing ones.
        kinds = lambda rows: np.column_stack([np.clip(np.round(np.abs(rows[:, 1])), 0, 6), np.clip(rows[:, 4], 0, 4), rows])
        known = kinds(given)
        if name == "categories":
            return kinds(train), known
        known[3, 0], known[4, 0], known[5, 1], known[6, 0], known[7, 1] = 9.0, np.nan, np.nan, -1.0, 200.0
        holed = _missing(kinds(train), 5, (0, 2))
        return holed, known
    if name == "hollow":  # a column without any value in training, and one more in the input
        trained, holed = _missing(train, 6, (0, 1)), _missing(given, 7, (0, 1, 2))
        trained[:, 2] = holed[:, 4] = np.nan
        return trained, holed
    if name == "codes_unknown":
        holed = _codes(given)
        holed[2, 0], holed[5, 1], holed[7] = 7.0, 9.0, 8.0
        return _codes(train), holed
    if name == "codes_missing":
        holed = _codes(given)
        holed[2, 0], holed[5, 1] = np.nan, np.nan
        trained = _codes(train)
        trained[[3, 30], 0] = trained[[8, 9], 1] = np.nan
        return trained, holed
    if name == "mild":  # nearer to the middle than any training row may be, so that no probability is next to 0 or 1
        return train, ARRAYS[name](given, train)
    return ARRAYS[name](train, train), ARRAYS[name](given, train)


LABELS = {
    "labels_text": (np.array(["pear", "fig", "apple", "fig"]), np.array(["fig", "pear", "apple", "apple", "pear"])),
    "labels_int": (np.array([4, -3, 12, 4, 0]), np.array([0, 12, -3, 4, 4, 0])),
    "labels_two": (np.array(["no", "yes", "no"]), np.array(["yes", "no", "no", "yes"])),
}

NAMES = ["sepal length (cm)", "sepal width", "größe", 'a "quoted", name', "level"]


def _csv(header, rows):
    """CSV text with every number in full, quoting as RFC 4180 says."""
    quote = lambda text: '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
    cell = lambda value: "" if value is None else quote(value) if isinstance(value, str) else repr(value)
    lines = [[quote(name) for name in header]] + [[cell(value) for value in row] for row in rows]
    return "".join(",".join(line) + "\n" for line in lines)


def _mixed_rows(base, gaps):
    """Rows of text, numbers and truth values; with gaps, categories that training never saw and missing cells too."""
    rows = []
    for i, row in enumerate(base):
        pick = abs(int(row[1] * 8.0))
        rows.append([
            ["red", "green", "blue"][pick % 3],
            ["S", "M", "L", "XL"][int(row[4]) % 4],
            ["Oslo", "Bern", "Rome", "Kyiv", "Lima", "Oslo", "Oslo", "Bern"][pick % 8],
            float(np.round(30.0 + 8.0 * row[0], 1)),
            float(np.round(1000.0 * abs(row[1]), 2)),
            int(abs(row[4])),
            bool(row[3] > 0),
        ])
        if gaps:
            if i % 11 == 3:
                rows[-1][0] = None
            if i % 9 == 4:
                rows[-1][3] = None
            if i % 13 == 5:
                rows[-1][2] = None
    return rows


MIXED = ["color", "size", "city", "age", "income", "visits", "member"]


def _text_table(name):
    train, given = _base()
    if name == "frame":
        return _csv(NAMES, train.tolist()), _csv(NAMES, given.tolist())
    if name == "mixed":
        return _csv(MIXED, _mixed_rows(train, False)), _csv(MIXED, _mixed_rows(given, False))
    if name == "gaps":
        rows = _mixed_rows(given, True)
        rows[2][0], rows[6][2], rows[9][1] = "violet", "Paris, TX", "XXL"
        return _csv(MIXED, _mixed_rows(train, True)), _csv(MIXED, rows)
    if name == "colors":  # text columns only, all known
        return _csv(MIXED[:3], [r[:3] for r in _mixed_rows(train, False)]), _csv(MIXED[:3], [r[:3] for r in _mixed_rows(given, False)])
    if name == "colors_unknown":
        rows = [r[:3] for r in _mixed_rows(given, False)]
        rows[2][0], rows[6][2], rows[9] = "violet", "Paris", ["ultra", "XXL", "Nice"]
        return _csv(MIXED[:3], [r[:3] for r in _mixed_rows(train, False)]), _csv(MIXED[:3], rows)
    if name == "colors_missing":
        return _csv(MIXED[:3], [r[:3] for r in _mixed_rows(train, True)]), _csv(MIXED[:3], [r[:3] for r in _mixed_rows(given, True)])
    if name == "dates":  # a day, a moment, a code of letters and digits, and numbers in blocks
        rows = lambda base: [[f"{1960 + i}-{1 + i % 12:02d}-{1 + (7 * i) % 28:02d}", f"20{i % 90:02d}-02-{1 + i % 28:02d}T{i % 24:02d}:{(13 * i) % 60:02d}:{(29 * i) % 60:02d}",
                               f"{['Ab', ' cd ', 'äöŨ'][i % 3]}-{(i * i) % 97}{'x' * (i % 4)}", ["north", "south"][abs(int(row[1] * 8)) % 2], float(row[0])] for i, row in enumerate(base)]
        return _csv(["day", "moment", "code", "side", "level"], rows(train)), _csv(["day", "moment", "code", "side", "level"], rows(given))
    if name == "texts":
        return _csv(["review"], [[text] for text in _texts(TRAIN, 11)]), _csv(["review"], [[text] for text in _texts(INPUT, 12)])
    return None


WORDS = ("the a is was not very good bad wine red white Great awful taste fruity dry café Crème brûlée naïve über Straße İstanbul "
         "oak 2019 2020 x1 it's well-made ... !! price/value 10% don't UPPER lower ﬁne ½ été ναι да 日本 I we and or of").split()


def _texts(rows, seed):
    """Sentences of a small vocabulary, with the letters at which lower-casing and accent stripping go wrong."""
    random = np.random.RandomState(seed)
    texts = [" ".join(WORDS[int(u * u * len(WORDS))] for u in random.random_sample(3 + i % 9)) for i in range(rows)]
    if seed == 12:
        texts[3], texts[4], texts[5] = "unseen nothing known here", "  spaces\t and\u00a0no-break  spaces ", "-"
    return texts


def _records(rows, seed):
    """What DictVectorizer and FeatureHasher take: an object a row, with numbers, text, and absent or unknown keys."""
    random = np.random.RandomState(seed)
    records = []
    for i in range(rows):
        u = random.random_sample(4)
        record = {"city": ["Oslo", "Bern", "Rome"][int(u[0] * 3)], "age": float(np.round(20 + 50 * u[1], 1)), "visits": int(u[2] * 5)}
        if u[3] < 0.3:
            record["größe"] = "XL"
        if seed == 14 and i % 7 == 2:
            record.update({"unknown": 3.5, "city": "Lima"})
        if seed == 14 and i == 5:
            record = {}
        records.append(record)
    return records


def _tags(rows, seed):
    random = np.random.RandomState(seed)
    return [[tag for tag in ("comedy", "drama", "sci-fi", "noir") if random.random_sample() < 0.4] for _ in range(rows)]


LINES = {"records": _records, "tags": _tags}  # tables of one JSON value a line


@functools.lru_cache(maxsize=None)
def table(name):
    """A table by name. "sparse" is "base" fitted as a scipy matrix."""
    if name == "sparse":
        base = table("base")
        return Table(sparse.csr_matrix(base.train), base.input, base.path)
    if name in LINES:
        path = HERE / "inputs" / f"{name}.ndjson"
        if not path.exists():
            path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in LINES[name](INPUT, 14)), encoding="utf-8")
        given = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return Table(LINES[name](TRAIN, 13), given, f"inputs/{path.name}")
    texts = _text_table(name)
    path = HERE / "inputs" / (name + (".csv" if texts else ".npy"))
    path.parent.mkdir(exist_ok=True)
    if texts:
        if not path.exists():
            path.write_text(texts[1], encoding="utf-8")
        # The default parser of pandas before 3 misses the nearest double by a unit here and there.
        train, given = (pd.read_csv(f, float_precision="round_trip") for f in (io.StringIO(texts[0]), path))
        if name == "texts":  # a vectoriser takes a list of texts
            train, given = list(train["review"]), list(given["review"])
        return Table(train, given, f"inputs/{path.name}")
    train, given = LABELS[name] if name in LABELS else _array(name)
    if not path.exists():
        np.save(path, given)
    return Table(train, np.load(path), f"inputs/{path.name}")


@functools.lru_cache(maxsize=None)
def target(name):
    """A target for the training rows, of which every table has the same number."""
    train, _ = _base()
    noise = _normal(9, TRAIN, 3)
    score = np.round(train[:, 0] + 0.5 * train[:, 1] + 0.2 * (train[:, 2] - 10.0) + 0.3 * train[:, 3] + 0.4 * noise[:, 0], 4)
    other = np.round(train[:, 1] - 0.7 * train[:, 0] + 0.5 * train[:, 4] + 0.4 * noise[:, 1], 4)
    third = np.round(0.1 * train[:, 2] * train[:, 3] + 0.4 * noise[:, 2], 4)
    binary = (score > 0.3).astype(np.int64)
    multi = (score > -0.9).astype(np.int64) + (score > 0.8) + ((other > 2.0) & (score > 0.8))
    return {
        "binary": binary,
        "multi": np.minimum(multi, 2),
        "four": multi,
        "text": np.array(["setosa", "versicolor", "virginica"])[::-1][np.minimum(multi, 2)],
        "text_object": np.array(["yes", "no"], dtype=object)[binary],
        "bool": binary.astype(bool),
        "negative": np.array([-7, -1, 30])[np.minimum(multi, 2)],
        "floats": np.array([0.0, 5.0, -2.0])[np.minimum(multi, 2)],
        "single": np.zeros(TRAIN, dtype=np.int64),
        "signs": 2 * binary - 1,
        "real": score,
        "real2": np.column_stack([score, other]),
        "real3": np.column_stack([score, other, third]),
        "column": score.reshape(-1, 1),
        "above_zero": np.round(np.abs(score) + 0.1, 4),
        "events": np.floor(np.abs(score) * 2.0),
        "labels3": np.column_stack([binary, (other > 1.0).astype(np.int64), (third > 0.0).astype(np.int64)]),
        "classes2": np.column_stack([np.minimum(multi, 2), (other > 1.0).astype(np.int64)]),
        "classes2_text": np.column_stack([np.array(["a", "b", "c"])[np.minimum(multi, 2)], np.array(["no", "yes"])[binary]]),
    }[name]

# SPDX-License-Identifier: Apache-2.0
"""CatBoost: features that it makes from texts and from embeddings, with every tokenizer, dictionary and estimator. Only .cbm holds them."""
import pickle

import catboost as cb
import numpy as np
import pandas as pd

from registry import REL12, Table, case

COMMON = {"iterations": 6, "depth": 4, "verbose": 0, "thread_count": 1, "random_seed": 0, "allow_writing_files": False, "learning_rate": 0.3}
WORDS = "the quick brown fox jumps over a lazy dog red green blue 12 3.5 007 Über CAFÉ naïve Ωmega data model tree forest boost x,y".split()
BETWEEN = (" ", " ", "  ", ",", "o")


def texts(state, count, words):
    return ["".join(word + BETWEEN[state.randint(5)] for word in state.choice(words, state.randint(0, 10))) for _ in range(count)]


def text_table():
    state = np.random.RandomState(11)

    def frame(count, words):
        return pd.DataFrame({"n0": np.round(state.standard_normal(count), 2), "words": texts(state, count, words), "colour": state.choice(["red", "green", "blue"], count),
                             "title": texts(state, count, words)})

    x, ask = frame(300, WORDS), frame(80, WORDS + ["unseen", "ÜBER", "fo"])
    ask.loc[0, "words"], ask.loc[1, "words"], ask.loc[2, "title"] = "the", " ", "boost boost boost"
    score = x.n0 + x.words.str.contains("fox") * 2 - x.title.str.contains("red") + x.words.str.len() / 30
    return Table(x, ask, ".csv", real=score, binary=(score > 1).astype(int), multi=np.digitize(score, [0.5, 2.0]))


def text(name, target="binary", tokenizer=None, dictionary=None, estimators=("NaiveBayes", "BM25", "BoW"), how="cbm", estimator=None, **options):
    @case("cat_text_" + name, "plain", REL12, estimator="catboost")
    def _(train, stem):
        table = text_table()
        train.name, train.ask, train.suffix = "texts", table.ask, ".csv"
        more = dict(options)
        if tokenizer is not None or dictionary is not None:
            more["text_processing"] = {"tokenizers": [dict(tokenizer or {}, tokenizer_id="T")], "dictionaries": [dict(dictionary or {}, dictionary_id="D", occurrence_lower_bound="1")],
                                       "feature_processing": {"default": [{"tokenizers_names": ["T"], "dictionaries_names": ["D"], "feature_calcers": list(estimators)}]}}
        columns = {"text_features": ["words", "title"], "cat_features": ["colour"]}
        model = (cb.CatBoostRegressor if target == "real" else cb.CatBoostClassifier)(**COMMON, **columns, **more).fit(table.x, getattr(table, target))
        answers = {"predict": model.predict(train.ask), "apply": model.calc_leaf_indexes(cb.Pool(train.ask, **columns))}
        if target != "real":
            answers["predict_proba"] = model.predict_proba(train.ask)
        if how == "pickle":
            path = stem.with_name(stem.name + ".pkl")
            path.write_bytes(pickle.dumps(model, protocol=4))
            return path, answers
        if target != "real":
            answers["RawFormulaVal"] = model.predict(train.ask, prediction_type="RawFormulaVal")
        path = stem.with_name(stem.name + ".cbm")
        model.save_model(str(path))
        return path, answers


text("default")
text("default_multi", "multi")
text("default_real", "real")
text("pickle", "multi", how="pickle")
text("depthwise", "multi", dictionary={}, grow_policy="Depthwise")
for one in ("NaiveBayes", "BM25", "BoW"):
    text(one.lower(), dictionary={}, estimators=[one])
    text(one.lower() + "_multi", "multi", dictionary={}, estimators=[one])
text("bigrams", "multi", dictionary={"gram_order": "2"})
text("trigrams_skip", "multi", dictionary={"gram_order": "3", "skip_step": "1", "start_token_id": "7"})
text("end_of_sentence", "multi", dictionary={"end_of_sentence_token_policy": "Insert"})
text("bigrams_end_of_sentence", "multi", dictionary={"gram_order": "2", "end_of_sentence_token_policy": "Insert"})
for order in "1", "3":
    text("letters" + order, "multi", dictionary={"token_level_type": "Letter", "gram_order": order})
    text("letters" + order + "_inside", "multi", dictionary={"token_level_type": "Letter", "gram_order": order, "end_of_word_token_policy": "Skip"})
text("lower", "multi", {"lowercasing": "true"})
text("set", "multi", {"split_by_set": "true", "delimiter": " ,o"})
text("delimiter", "multi", {"delimiter": ", "})
text("empty_tokens", "multi", {"skip_empty": "false"})
text("empty_tokens_bigrams", "multi", {"skip_empty": "false"}, {"gram_order": "2"})
text("numbers_left_out", "multi", {"number_process_policy": "Skip"})
text("numbers_replaced", "multi", {"number_process_policy": "Replace", "number_token": "N"})


def embedding(name, estimators=None, target="binary", width=4, rows=200, equal=False, mixed=False, **options):
    @case("cat_embedding_" + name, "plain", REL12, estimator="catboost")
    def _(train, stem):
        state = np.random.RandomState(5)

        def draw(count):
            vectors = state.standard_normal((count, width))
            # Many vectors are the same where they are rounded: which are found then depends on the order of the search.
            return state.standard_normal(count).round(2), (vectors.round() if equal else vectors).astype(np.float32), texts(state, count, WORDS), state.choice(["red", "green"], count)

        (n, v, t, c), asked = draw(rows), draw(60)
        score = n + v[:, 0] + (np.array(["fox" in one for one in t]) * 2 if mixed else 0)
        y = {"binary": (score > 0).astype(int), "multi": np.digitize(score, [-0.5, 0.7]), "real": score}[target]

        def pool(numbers, vectors, words, colours, y=None):
            data = [[float(a), list(map(float, b))] + ([w, k] if mixed else []) for a, b, w, k in zip(numbers, vectors, words, colours)]
            return cb.Pool(data, y, embedding_features=[1], **({"text_features": [2], "cat_features": [3]} if mixed else {}))

        loss = {"binary": "Logloss", "multi": "MultiClass", "real": "RMSE"}[target]
        more = {"embedding_calcers": estimators} if estimators else {}
        model = cb.CatBoost(dict(COMMON, loss_function=loss, **more, **options)).fit(pool(n, v, t, c, y))
        path = stem.with_name(stem.name + ".cbm")
        model.save_model(str(path))
        model = cb.CatBoost().load_model(str(path))
        ask = pool(*asked)
        train.name, train.suffix = "vectors_" + name, ".npz"
        train.ask = {"0": asked[0][:, None], "1": asked[1]}
        if mixed:
            train.ask |= {"2": np.array(asked[2])[:, None], "3": np.array(asked[3])[:, None]}
        raw = model.predict(ask, prediction_type="RawFormulaVal")
        return path, {"predict" if target == "real" else "RawFormulaVal": raw, "apply": model.calc_leaf_indexes(ask)}


embedding("lda", ["LDA"])
embedding("lda_lines", ["LDA:components=3"], "multi", width=9)
embedding("lda_likelihood", ["LDA:likelihood=true"])
embedding("knn", ["KNN"])
embedding("knn_multi", ["KNN:k=7"], "multi", width=11, rows=600)
embedding("knn_equal", ["KNN:k=3"], "multi", width=2, rows=900, equal=True, iterations=20)
embedding("knn_real", ["KNN"], "real", rows=400)
embedding("default", None, "multi")
embedding("default_real", None, "real")
embedding("mixed", None, "multi", mixed=True, iterations=12)

# SPDX-License-Identifier: Apache-2.0
"""Makes the example models of the documentation, with scikit-learn 1.9.1.

    $(tools/venv.sh sklearn-1.9)/bin/python examples/make.py

random_forest_model.pkl   RandomForestClassifier() fitted on make_classification(n_samples=100, n_features=4, random_state=42).
                          The forest itself gets random_state=42 too, as without it every run would give another model.
svc_iris.pkl, .joblib     svm.SVC() fitted on the iris flowers; one model, saved in both ways.

Beside each model lie the rows to answer (a header of feature names, then the rows) and what scikit-learn answered, in the columns
in which decant writes its answers, with every number in full.
"""
import csv
import pathlib
import pickle

import joblib
import numpy as np
from sklearn import svm
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import RandomForestClassifier

HERE = pathlib.Path(__file__).resolve().parent


def write_csv(name, header, rows):
    with open(HERE / name, "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([repr(value) for value in row] for row in rows)


def write_answers(name, model, rows):
    """One column for each one-dimensional answer, and one for each class of the others."""
    header, columns = [], []
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            values = np.asarray(getattr(model, method)(rows))
            if values.ndim == 1:
                header.append(method)
                columns.append(values)
            else:
                header += [f"{method}[{label}]" for label in model.classes_]
                columns += list(values.T)
    write_csv(name, header, zip(*(column.tolist() for column in columns)))


def main():
    rows, labels = make_classification(n_samples=100, n_features=4, random_state=42)
    forest = RandomForestClassifier(random_state=42).fit(rows, labels)
    with open(HERE / "random_forest_model.pkl", "wb") as out:
        pickle.dump(forest, out)
    write_csv("random_forest_input.csv", [f"feature_{i}" for i in range(4)], rows.tolist())
    write_answers("random_forest_expected.csv", forest, rows)

    iris = load_iris()
    classifier = svm.SVC().fit(iris.data, iris.target)
    with open(HERE / "svc_iris.pkl", "wb") as out:
        pickle.dump(classifier, out)
    joblib.dump(classifier, HERE / "svc_iris.joblib")
    write_csv("svc_iris_input.csv", iris.feature_names, iris.data.tolist())
    write_answers("svc_iris_expected.csv", classifier, iris.data)


if __name__ == "__main__":
    main()

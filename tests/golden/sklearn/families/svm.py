# SPDX-License-Identifier: Apache-2.0
"""Support vector machines, of libsvm and of liblinear."""
from registry import E, REL9, REL12, case

# libsvm's pairwise coupling iterates until the probabilities move by less than 0.005 / classes.

for kernel, options in (("linear", {}), ("poly", {}), ("poly", {"degree": 2, "coef0": 1.5, "gamma": 0.05}), ("rbf", {}), ("sigmoid", {"coef0": -0.5, "gamma": 0.01}),
                        ("rbf", {"gamma": "auto"}), ("rbf", {"gamma": 0.3}), ("linear", {"C": 0.05})):
    name = "_".join([kernel] + [f"{key}_{value}".replace(".", "p").replace("-", "m") for key, value in sorted(options.items())])
    case(f"svc_{name}_binary", E.SVC(kernel=kernel, **options), "few", "binary", REL12)
    case(f"svc_{name}_multi", E.SVC(kernel=kernel, **options), "few", "multi", REL12)
    case(f"svr_{name}", E.SVR(kernel=kernel, **options), "few", "real", REL12)
for y in ("text", "text_object", "negative", "bool", "four", "floats"):
    case(f"svc_labels_{y}", E.SVC(), "few", y, REL12)
    case(f"svc_probability_{y}", E.SVC(probability=True), "few", y, REL9)
case("svc_probability_binary", E.SVC(probability=True), "few", "binary", REL9)
case("svc_probability_linear", E.SVC(kernel="linear", probability=True), "few", "multi", REL9)
case("svc_probability_sparse", E.SVC(probability=True), "sparse", "multi", REL9)
case("svc_ovo", E.SVC(decision_function_shape="ovo"), "few", "four", REL12)
case("svc_ovo_binary", E.SVC(decision_function_shape="ovo"), "few", "binary", REL12)
case("svc_break_ties", E.SVC(break_ties=True), "few", "four", REL12)
case("svc_balanced", E.SVC(class_weight="balanced"), "few", "multi", REL12)
case("svc_class_weight", E.SVC(class_weight={0: 0.3, 2: 4.0}), "few", "multi", REL12)
case("svc_sparse", E.SVC(), "sparse", "multi", REL12)
case("svc_sparse_linear", E.SVC(kernel="linear"), "sparse", "multi", REL12)
case("svc_sparse_binary", E.SVC(), "sparse", "binary", REL12)
case("svc_precomputed", E.SVC(kernel="precomputed"), "gram", "multi", REL12)
case("svc_precomputed_binary", E.SVC(kernel="precomputed"), "gram", "binary", REL12)
case("svc_one_feature", E.SVC(), "one", "binary", REL12)
case("svc_frame", E.SVC(), "frame", "text", REL12)
case("svc_extreme_rows", E.SVC(), "base", "multi", REL12)
case("nusvc", E.NuSVC(nu=0.2), "few", "multi", REL12)
case("nusvc_binary", E.NuSVC(nu=0.3, kernel="poly", degree=2), "few", "binary", REL12)
case("nusvc_probability", E.NuSVC(nu=0.2, probability=True), "few", "text", REL9)
case("nusvc_ovo", E.NuSVC(nu=0.2, decision_function_shape="ovo"), "few", "multi", REL12)
case("nusvc_sparse", E.NuSVC(nu=0.2), "sparse", "multi", REL12)
case("svr_sparse", E.SVR(), "sparse", "real", REL12)
case("svr_precomputed", E.SVR(kernel="precomputed"), "gram", "real", REL12)
case("svr_epsilon", E.SVR(C=10.0, epsilon=0.5), "few", "real", REL12)
case("svr_no_support", E.SVR(epsilon=1e6), "few", "real", REL12)
case("svr_linear_no_support", E.SVR(kernel="linear", epsilon=1e6), "few", "real", REL12)
case("nusvr", E.NuSVR(), "few", "real", REL12)
case("nusvr_linear", E.NuSVR(kernel="linear", nu=0.3), "few", "real", REL12)
case("nusvr_sparse", E.NuSVR(kernel="sigmoid", gamma=0.01), "sparse", "real", REL12)
for kernel in ("linear", "poly", "rbf", "sigmoid"):
    case(f"one_class_svm_{kernel}", E.OneClassSVM(kernel=kernel, nu=0.2, gamma=0.02), "few", None, REL12)
case("one_class_svm_scale", E.OneClassSVM(), "few", None, REL12)
case("one_class_svm_precomputed", E.OneClassSVM(kernel="precomputed", nu=0.3), "gram", None, REL12)
case("one_class_svm_sparse", E.OneClassSVM(nu=0.3), "sparse", None, REL12)
case("one_class_svm_frame", E.OneClassSVM(nu=0.3), "frame", None, REL12)

LINEAR = {"max_iter": 500}
for y in ("binary", "multi", "text", "bool"):
    case(f"linear_svc_{y}", E.LinearSVC(dual=True, **LINEAR), "base", y, REL12)
    case(f"linear_svc_crammer_singer_{y}", E.LinearSVC(multi_class="crammer_singer", dual=True, **LINEAR), "base", y, REL12)
case("linear_svc_hinge", E.LinearSVC(loss="hinge", dual=True, **LINEAR), "base", "multi", REL12)
case("linear_svc_l1", E.LinearSVC(penalty="l1", dual=False, **LINEAR), "base", "multi", REL12)
case("linear_svc_no_intercept", E.LinearSVC(fit_intercept=False, dual=True, **LINEAR), "base", "multi", REL12)
case("linear_svc_balanced", E.LinearSVC(class_weight="balanced", intercept_scaling=5.0, dual=True, **LINEAR), "base", "multi", REL12)
case("linear_svc_frame", E.LinearSVC(dual=False, **LINEAR), "frame", "text", REL12)
case("linear_svr", E.LinearSVR(**LINEAR), "base", "real", REL12)
case("linear_svr_squared", E.LinearSVR(loss="squared_epsilon_insensitive", epsilon=0.2, **LINEAR), "base", "real", REL12)
case("linear_svr_no_intercept", E.LinearSVR(fit_intercept=False, **LINEAR), "base", "real", REL12)

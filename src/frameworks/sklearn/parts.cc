// SPDX-License-Identifier: Apache-2.0
#include "frameworks/sklearn/parts.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "base/text.h"
#include "ops/decant/power.h"
#include "frameworks/known.h"
#include "frameworks/python/pandas.h"

namespace decant::sklearn {

Expr row_of(const Object& self, std::string_view attribute, Expr like) {
  const std::vector<double> values = self[attribute].list();
  if (like.dim(1) >= 0 && static_cast<std::int64_t>(values.size()) != like.dim(1)) {
    self.fail(Code::corrupt, format("{} has {} numbers for {} columns", attribute, values.size(), like.dim(1)));
  }
  return like.row(values);
}

Expr require(Expr value, Expr holds, std::string_view message) {
  return apply("decant", "Require", {value, holds}, {{"message", std::string(message)}});
}

bool is_missing(const Object& value) {
  if (value.is_none()) return true;
  if (value.is_number()) return std::isnan(value.real());
  return value.name() == "NAType" || value.name() == "NA";
}

Missing::Missing(const Object& value) {
  if (is_missing(value) || value.is_text("NaN")) is_nan = true;  // Imputer (to 0.21) spells it "NaN"
  else if (value.is_number()) number = value.real();
  else is_text = true, text = value.text();
}

Expr Missing::in(Expr column) const {
  const bool texts = column.dtype() == DType::string;
  if (texts) return equal(column, column.constant(Tensor::scalar(is_nan ? std::string() : is_text ? text : format("{}", number))));
  if (is_nan) return decant::is_nan(column);
  if (is_text) throw Error(Code::unsupported, "a text stands for missing values in a column of numbers");
  return equal(column, column.scalar(number));
}



namespace {

Expr unary(std::string_view op, Expr x) { return apply(op, {x}); }

std::optional<Expr> named_function(std::string_view name, Expr x) {
  struct Direct { std::string_view name, op; };
  static constexpr Direct kDirect[] = {
      {"absolute", "Abs"}, {"abs", "Abs"}, {"fabs", "Abs"}, {"ceil", "Ceil"}, {"floor", "Floor"}, {"rint", "Round"}, {"negative", "Neg"},
      {"sign", "Sign"}, {"sqrt", "Sqrt"}, {"exp", "Exp"}, {"log", "Log"}, {"sin", "Sin"}, {"cos", "Cos"}, {"tan", "Tan"},
      {"arcsin", "Asin"}, {"arccos", "Acos"}, {"arctan", "Atan"}, {"sinh", "Sinh"}, {"cosh", "Cosh"}, {"tanh", "Tanh"},
      {"arcsinh", "Asinh"}, {"arccosh", "Acosh"}, {"arctanh", "Atanh"}, {"reciprocal", "Reciprocal"}, {"isnan", "IsNaN"}, {"isinf", "IsInf"}};
  for (const Direct& d : kDirect) {
    if (d.name == name) return unary(d.op, x);
  }
  if (name == "positive" || name == "asarray" || name == "array" || name == "_identity") return x;
  if (name == "square") return x * x;
  if (name == "log1p") return decant::log1p(x);
  if (name == "expm1") return decant::expm1(x);
  if (name == "log2") return log(x) / std::numbers::ln2;
  if (name == "log10") return log(x) / std::numbers::ln10;
  if (name == "exp2") return pow(x.scalar(2), x);
  if (name == "cbrt") return unary("Sign", x) * pow(abs(x), 1.0 / 3.0);
  if (name == "deg2rad" || name == "radians") return x * (std::numbers::pi / 180.0);
  if (name == "rad2deg" || name == "degrees") return x * (180.0 / std::numbers::pi);
  if (name == "trunc" || name == "fix") return where(less(x, x.scalar(0)), ceil(x), floor(x));
  if (name == "isfinite") return logical_not(logical_or(is_nan(x), unary("IsInf", x)));
  if (name == "logical_not") return equal(x, x.scalar(0));
  return std::nullopt;
}

}  // namespace

Expr numpy_function(const Object& self, const Object& function, const Object& arguments, Expr x) {
  std::string_view module = function.module(), name = function.name();
  const bool reconstructed = name == "_ufunc_reconstruct" && (module == "numpy.core" || module == "numpy._core");
  bool genuine = reconstructed || is_genuine("numpy", module, name) || (name == "_identity" && is_genuine("sklearn", module, name));
  if (reconstructed && function.args().size() == 2) {  // ufuncs before NumPy 1.22: (module, name), the module that happened to hold it
    module = function.args()[0].node().text();
    name = function.args()[1].node().text();
    genuine = (module == "numpy" || module == "scipy" || module.starts_with("numpy.")) && is_genuine("numpy", "numpy", name);
  }
  const auto refuse = [&] { unsupported(self, format("decant cannot run the function {}.{}", printable(module), printable(name))); };
  if (!genuine) refuse();
  const auto given = arguments.is_none() ? std::vector<std::pair<Object, Object>>{} : arguments.entries();
  if (name == "clip" || name == "nan_to_num") {
    Expr out = name == "clip" ? x : where(is_nan(x), x.scalar(0), x);
    for (const auto& [key, value] : given) {
      if (value.is_none()) continue;
      const std::string argument = key.text();
      if (name == "nan_to_num" && argument == "nan") out = where(is_nan(x), x.scalar(value.real()), x);
      else if (name == "clip" && (argument == "a_min" || argument == "min")) out = maximum(out, x.scalar(value.real()));
      else if (!(name == "clip" && (argument == "a_max" || argument == "max")) && argument != "copy") unsupported(self, format("argument {} of {}", printable(argument), name));
    }
    for (const auto& [key, value] : given) {  // the upper bound last: it wins, as in NumPy
      if (name == "clip" && !value.is_none() && (key.is_text("a_max") || key.is_text("max"))) out = minimum(out, x.scalar(value.real()));
    }
    if (name == "nan_to_num") out = clip(out, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
    return out;
  }
  if (!given.empty()) unsupported(self, format("arguments for the function {}", printable(name)));
  const auto out = named_function(name, x);
  if (!out) refuse();
  return *out;
}

void must_be_known(const Object& estimator) {
  if (estimator.is_instance() && find_estimator(estimator) == nullptr) unsupported(estimator, "decant does not run this class yet");
}

Expr each_row(Expr like, Expr value) { return where(equal(like, like), value, value); }

Expr zero_rows(const Table& x) {
  const Expr column = x.column(0, x.is_text(0));
  if (column.dtype() == DType::string) return cast(logical_not(equal(column, column)), DType::float64);
  const Expr number = cast(column, DType::float64);
  return cast(less(number, number.scalar(-std::numeric_limits<double>::infinity())), DType::float64);
}

Tensor classes_within(const Object& self, int depth) {
  if (depth > 100) self.fail(Code::limit, "estimators nested deeper than 100 levels");
  if (self.set("classes_")) return classes_of(self);
  if (const Tensor known = facts_of(self).classes; known.defined()) return known;
  if (self.has("steps") && !self["steps"].elements().empty()) return classes_within(self["steps"].elements().back().item(1), depth + 1);
  for (const char* inner : {"label_binarizer_", "_label_binarizer", "best_estimator_", "estimator_", "estimator", "base_estimator_"}) {
    if (self.set(inner)) return classes_within(self[inner], depth + 1);
  }
  unsupported(self, "cannot tell its classes");
}

std::optional<Tensor> stored_classes(const Object& self, std::initializer_list<const char*> attributes) {
  for (const char* name : attributes) {
    if (!self.set(name)) continue;
    const Object holder = self[name];
    const Tensor classes = holder.is_instance() && !holder.array() ? holder["classes_"].tensor() : holder.tensor();
    if (classes.rank() == 1 && classes.size() > 0) return classes;
  }
  return std::nullopt;
}

Expr beside(std::vector<Expr> vectors) {
  if (vectors.empty()) throw Error(Code::corrupt, "no columns");
  for (Expr& v : vectors) v = unsqueeze(cast(v, vectors[0].dtype()), 1);
  return concat(vectors, 1);
}

Result as_result(std::vector<Expr> parts) {
  for (Expr& p : parts) p = cast(p, DType::float64);
  return concat(parts, 1);
}

namespace {

/// The bytes of pyarrow.py_buffer(bytearray(...)).
std::string_view arrow_bytes(const Object& buffer) {
  Object at = buffer;
  while (at.node().kind == pickle::Kind::call && at.args().size() >= 1) at = at.args()[0];
  if (at.node().kind != pickle::Kind::bytes && at.node().kind != pickle::Kind::bytearray) buffer.fail(Code::unsupported, "a buffer of Arrow that holds no bytes");
  return at.node().text();
}

/// pyarrow.lib._restore_array((type, length, nulls, offset, [validity, offsets, data], …)) of texts (Arrow's columnar format, variable-size layout).
std::vector<std::string> arrow_texts(const Object& array) {
  const std::vector<Object> data = array.args().empty() ? std::vector<Object>{} : array.args()[0].elements();
  if (data.size() < 5 || data[2].integer() != 0 || data[3].integer() != 0) array.fail(Code::unsupported, "an array of Arrow with missing values or an offset");
  const std::string type = data[0].args().empty() ? std::string() : data[0].args()[0].text();
  const std::size_t width = type == "large_string" ? 8 : type == "string" ? 4 : 0;
  const std::vector<Object> buffers = data[4].elements();
  const std::int64_t count = data[1].integer();
  if (width == 0 || buffers.size() != 3) array.fail(Code::unsupported, format("an array of Arrow of type {}", printable(type)));
  const std::string_view offsets = arrow_bytes(buffers[1]), text = count == 0 ? std::string_view{} : arrow_bytes(buffers[2]);
  if (count < 0 || static_cast<std::uint64_t>(count) >= offsets.size() / width) array.fail(Code::corrupt, format("{} texts in {} bytes of offsets", count, offsets.size()));
  const auto offset = [&](std::size_t i) {
    std::uint64_t out = 0;
    for (std::size_t b = width; b-- > 0;) out = out << 8 | static_cast<unsigned char>(offsets[i * width + b]);
    return out;
  };
  std::vector<std::string> out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const std::uint64_t begin = offset(i), end = offset(i + 1);
    if (begin > end || end > text.size()) array.fail(Code::corrupt, format("text {} from {} to {} of {}", i, begin, end, text.size()));
    out.emplace_back(text.substr(begin, end - begin));
  }
  return out;
}

}  // namespace

std::vector<std::string> names_in(const Object& names) {
  if (names.is_text()) return {names.text()};
  const Object labels = python::labels_of(names);
  if (labels.set("_pa_array")) return arrow_texts(labels["_pa_array"]);
  const Tensor out = labels.tensor();
  if (out.size() == 0) return {};
  if (out.dtype() != DType::string) names.fail(Code::unsupported, "columns that are not named by texts");
  return {out.data<std::string>().begin(), out.data<std::string>().end()};
}

std::int64_t seed_of(const Object& self, std::string_view what) {
  if (!self.set("random_state") || !self["random_state"].is_number()) unsupported(self, format("{} without a number as random_state: it is drawn anew at each call", what));
  return self["random_state"].integer();
}

Table chosen_by(const Object& self, std::string_view attribute, const Table& x) {
  const auto size = self[attribute].integers().size();
  if (size != x.width()) self.fail(Code::corrupt, format("selects among {} columns, where {} come in", size, x.width()));
  return x.select(positions(self[attribute]));
}

Facts facts_through(const Object& inner) {
  Facts out = facts_of(inner);
  if (!out.features && inner.set("n_features_in_")) out.features = inner["n_features_in_"].integer();
  return out;
}

std::vector<std::int64_t> positions(const Object& mask) {
  const std::vector<std::int64_t> flags = mask.integers();
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    if (flags[i] != 0) out.push_back(static_cast<std::int64_t>(i));
  }
  return out;
}

}  // namespace decant::sklearn

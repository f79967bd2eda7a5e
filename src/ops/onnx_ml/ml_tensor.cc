// SPDX-License-Identifier: Apache-2.0
// ai.onnx.ml operators that prepare tables (onnx/docs/Operators-ml.md, version 5): ArrayFeatureExtractor, Binarizer, CategoryMapper,
// FeatureVectorizer, Imputer, LabelEncoder, Normalizer, OneHotEncoder, Scaler, ZipMap.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "ops/kernel.h"

namespace decant {
namespace {

using Numbers = Types<float, double, std::int64_t, std::int32_t>;

// --- ArrayFeatureExtractor ----------------------------------------------------------------------------------------------------------------

void array_feature_extractor(KernelContext& c) {
  const Tensor& x = c.input(0);
  want(c, 1, DType::int64);
  if (x.rank() == 0) c.fail(Code::mismatch, "the input is a scalar");
  const std::span<const std::int64_t> which = c.input(1).data<std::int64_t>();
  const std::int64_t width = x.shape().back(), count = static_cast<std::int64_t>(which.size());
  for (const std::int64_t i : which) {
    if (i < 0 || i >= width) c.fail(Code::mismatch, format("column {} of {}", i, width));
  }
  Shape shape = x.rank() == 1 ? Shape{1} : Shape(x.shape().begin(), x.shape().end() - 1);
  shape.push_back(count);
  Tensor& out = c.output(0, x.dtype(), shape);
  dispatch_move(c, x.dtype(), [&]<class T>() {
    const T* from = raw<T>(x);
    T* to = raw<T>(out);
    for (std::size_t r = 0; r + 1 <= (width == 0 ? 0 : x.size() / static_cast<std::size_t>(width)); ++r, from += width) {
      for (const std::int64_t i : which) *to++ = from[i];
    }
  });
}
void infer_array_feature_extractor(InferContext& c) {
  const Type &x = c.input(0), &y = c.input(1);
  c.outputs[0] = unknown_shape(x.dtype);
  if (!x.has_rank || x.shape.empty()) return;
  c.outputs[0] = x;
  if (x.shape.size() == 1) c.outputs[0].shape.insert(c.outputs[0].shape.begin(), dim(1));
  std::int64_t count = y.has_rank ? 1 : -1;
  for (const Dim& d : y.shape) count = count < 0 || !d.known() || d.value > (1 << 30) ? -1 : count * d.value;
  c.outputs[0].shape.back() = dim(count);
}

// --- Binarizer, Scaler, Normalizer, Imputer ----------------------------------------------------------------------------------------------

void binarizer(KernelContext& c) {
  const double threshold = c.real("threshold", 0.0);
  dispatch(c, c.input(0).dtype(), Numbers{}, [&]<class T>() {
    const std::span<const T> in = c.input(0).data<T>();
    const std::span<T> out = c.output(0, dtype_of<T>, c.input(0).shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<double>(in[i]) > threshold ? T{1} : T{0};
  });
}

std::size_t columns_of(const KernelContext& c) {
  if (c.input(0).rank() == 0) c.fail(Code::mismatch, "the input is a scalar");
  return static_cast<std::size_t>(c.input(0).shape().back());
}
// One number for all columns, or one for each.
double per_column(const std::vector<double>& values, std::size_t column) { return values.size() == 1 ? values[0] : values[column]; }
std::vector<double> per_column_list(const KernelContext& c, std::string_view name, double otherwise) {
  std::vector<double> out = c.reals(name);
  if (out.empty()) out = {otherwise};
  if (out.size() != 1 && out.size() != columns_of(c)) c.fail(Code::mismatch, format("{} has {} numbers for {} columns", name, out.size(), columns_of(c)));
  return out;
}

// The result is float32 whatever the input is (Scaler-1, Normalizer-1).
template <class F>
void to_floats(KernelContext& c, F&& f) {
  dispatch(c, c.input(0).dtype(), Numbers{}, [&]<class T>() {
    f.template operator()<T>(c.input(0).data<T>(), c.output(0, DType::float32, c.input(0).shape()).template mutable_data<float>());
  });
}
void infer_floats(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::float32;
}

void scaler(KernelContext& c) {
  const std::vector<double> offset = per_column_list(c, "offset", 0.0), scale = per_column_list(c, "scale", 1.0);
  const std::size_t columns = columns_of(c);
  to_floats(c, [&]<class T>(std::span<const T> in, std::span<float> out) {
    for (std::size_t i = 0; i < in.size(); ++i) {
      out[i] = (static_cast<float>(in[i]) - static_cast<float>(per_column(offset, i % columns))) * static_cast<float>(per_column(scale, i % columns));
    }
  });
}

void normalizer(KernelContext& c) {
  const std::string_view norm = c.text("norm", "MAX");
  if (norm != "MAX" && norm != "L1" && norm != "L2") c.fail(Code::unsupported, format("norm {}", norm));
  const std::size_t columns = columns_of(c);
  to_floats(c, [&]<class T>(std::span<const T> in, std::span<float> out) {
    for (std::size_t r = 0; columns != 0 && r < in.size(); r += columns) {
      float size = norm == "MAX" ? std::numeric_limits<float>::lowest() : 0;
      for (std::size_t i = r; i < r + columns; ++i) {
        const auto x = static_cast<float>(in[i]);
        if (norm == "MAX") size = std::max(size, x);
        else size += norm == "L1" ? std::fabs(x) : x * x;
      }
      if (norm == "L2") size = std::sqrt(size);
      for (std::size_t i = r; i < r + columns; ++i) out[i] = size == 0 ? static_cast<float>(in[i]) : static_cast<float>(in[i]) / size;
    }
  });
}

void imputer(KernelContext& c) {
  const Tensor& x = c.input(0);
  const std::size_t columns = columns_of(c);
  if (x.dtype() == DType::int64 || x.dtype() == DType::int32) {
    std::vector<std::int64_t> values = c.integers("imputed_value_int64s");
    if (values.size() != 1 && values.size() != columns) c.fail(Code::corrupt, format("{} values for {} columns", values.size(), columns));
    const std::int64_t missing = c.integer("replaced_value_int64", 0);
    dispatch(c, x.dtype(), Types<std::int64_t, std::int32_t>{}, [&]<class T>() {
      const std::span<const T> in = x.data<T>();
      const std::span<T> out = c.output(0, dtype_of<T>, x.shape()).template mutable_data<T>();
      for (std::size_t i = 0; i < in.size(); ++i) out[i] = in[i] == missing ? static_cast<T>(values.size() == 1 ? values[0] : values[i % columns]) : in[i];
    });
    return;
  }
  const std::vector<double> values = c.reals("imputed_value_floats");
  if (values.size() != 1 && values.size() != columns) c.fail(Code::corrupt, format("{} values for {} columns", values.size(), columns));
  const double missing = c.real("replaced_value_float", 0.0);
  dispatch(c, x.dtype(), Types<float, double>{}, [&]<class T>() {
    const std::span<const T> in = x.data<T>();
    const std::span<T> out = c.output(0, dtype_of<T>, x.shape()).template mutable_data<T>();
    for (std::size_t i = 0; i < in.size(); ++i) {
      const bool gone = std::isnan(missing) ? std::isnan(in[i]) : in[i] == static_cast<T>(missing);
      out[i] = gone ? static_cast<T>(per_column(values, i % columns)) : in[i];
    }
  });
}

// --- LabelEncoder, CategoryMapper ---------------------------------------------------------------------------------------------------------

// keys_*, values_* and default_* as tensors, whichever kind they are given as (LabelEncoder-4).
std::optional<Tensor> list_of(const AttributeView& c, std::string_view prefix) {
  const auto name = [&](const char* suffix) { return std::string(prefix) + suffix; };
  if (c.has(name("_tensor"))) return c.tensor(name("_tensor"));
  if (c.has(name("_strings"))) return Tensor::vector(c.texts(name("_strings")));
  if (c.has(name("_int64s"))) return Tensor::vector(c.integers(name("_int64s")));
  if (c.has(name("_floats"))) {
    const std::vector<double> wide = c.reals(name("_floats"));
    return Tensor::vector(std::vector<float>(wide.begin(), wide.end()));
  }
  return std::nullopt;
}

struct Mapping {
  Tensor keys, values, otherwise;
};
Mapping mapping_of(const AttributeView& c) {
  const std::optional<Tensor> keys = list_of(c, "keys"), values = list_of(c, "values");
  if (!keys || !values || keys->size() != values->size() || values->size() == 0) c.fail(Code::corrupt, "keys and values do not go together");
  Mapping out{*keys, *values, {}};
  if (c.has("default_tensor")) out.otherwise = c.tensor("default_tensor");
  else if (values->dtype() == DType::string) out.otherwise = Tensor::scalar<std::string>(std::string(c.text("default_string", "_Unused")));
  else if (values->dtype() == DType::int64) out.otherwise = Tensor::scalar<std::int64_t>(c.integer("default_int64", -1));
  else if (values->dtype() == DType::float32) out.otherwise = Tensor::scalar<float>(static_cast<float>(c.real("default_float", -0.0)));
  else if (values->dtype() == DType::float64) out.otherwise = Tensor::scalar<double>(c.real("default_float", -0.0));
  else c.fail(Code::corrupt, format("values of {} without a default", name_of(values->dtype())));
  if (out.otherwise.dtype() != values->dtype() || out.otherwise.size() != 1) c.fail(Code::corrupt, "the default is not of the values' kind");
  return out;
}

// What each key's place is found by: NaN is one key.
template <class T>
std::string key_text(const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else {
    T v = value == T{0} ? T{0} : value;  // -0 and 0 are one
    if constexpr (is_real<T>) v = std::isnan(v) ? std::numeric_limits<T>::quiet_NaN() : v;
    return {reinterpret_cast<const char*>(&v), sizeof v};
  }
}
using MapTypes = Types<std::string, std::int64_t, float, double, std::int32_t, std::int16_t, bool>;

struct Prepared {
  Mapping mapping;
  std::unordered_map<std::string, std::size_t> places;
};
State prepare_label_encoder(const PrepareContext& c) {
  auto out = std::make_shared<Prepared>();
  out->mapping = mapping_of(c);
  dispatch(c, out->mapping.keys.dtype(), MapTypes{}, [&]<class T>() {
    const std::span<const T> keys = out->mapping.keys.data<T>();
    for (std::size_t i = 0; i < keys.size(); ++i) out->places.insert_or_assign(key_text(keys[i]), i);
  });
  return out;
}
void label_encoder(KernelContext& c) {
  const auto& p = c.state<Prepared>();
  want(c, 0, p.mapping.keys.dtype());
  const Tensor& x = c.input(0);
  Tensor& out = c.output(0, p.mapping.values.dtype(), x.shape());
  dispatch(c, x.dtype(), MapTypes{}, [&]<class T>() {
    const std::span<const T> in = x.data<T>();
    dispatch_move(c, out.dtype(), [&]<class V>() {
      for (std::size_t i = 0; i < in.size(); ++i) {
        const auto at = p.places.find(key_text(in[i]));
        raw<V>(out)[i] = at == p.places.end() ? *raw<V>(p.mapping.otherwise) : raw<V>(p.mapping.values)[at->second];
      }
    });
  });
}
void infer_label_encoder(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = mapping_of(c).values.dtype();
}

void category_mapper(KernelContext& c) {
  const std::vector<std::string> texts = c.texts("cats_strings");
  const std::vector<std::int64_t> numbers = c.integers("cats_int64s");
  if (texts.size() != numbers.size()) c.fail(Code::corrupt, "two lists of different length");
  const Tensor& x = c.input(0);
  if (x.dtype() == DType::string) {
    const std::int64_t otherwise = c.integer("default_int64", -1);
    const std::span<std::int64_t> out = c.output(0, DType::int64, x.shape()).mutable_data<std::int64_t>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto at = std::ranges::find(texts, x.data<std::string>()[i]);
      out[i] = at == texts.end() ? otherwise : numbers[static_cast<std::size_t>(at - texts.begin())];
    }
  } else {
    want(c, 0, DType::int64);
    const std::string otherwise(c.text("default_string", "_Unused"));
    const std::span<std::string> out = c.output(0, DType::string, x.shape()).mutable_data<std::string>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto at = std::ranges::find(numbers, x.data<std::int64_t>()[i]);
      out[i] = at == numbers.end() ? otherwise : texts[static_cast<std::size_t>(at - numbers.begin())];
    }
  }
}
void infer_category_mapper(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = c.input(0).dtype == DType::string ? DType::int64 : c.input(0).dtype == DType::int64 ? DType::string : DType::undefined;
}

// --- OneHotEncoder ------------------------------------------------------------------------------------------------------------------------

std::size_t category_count(const AttributeView& c) { return c.has("cats_strings") ? c.texts("cats_strings").size() : c.integers("cats_int64s").size(); }
void one_hot_encoder(KernelContext& c) {
  const Tensor& x = c.input(0);
  const bool unknown_is_zero = c.integer("zeros", 1) != 0;
  const std::size_t count = category_count(c);
  Shape shape = x.shape();
  shape.push_back(static_cast<std::int64_t>(count));
  const std::span<float> out = c.output(0, DType::float32, shape).mutable_data<float>();
  std::ranges::fill(out, 0.0f);
  const auto set = [&](std::size_t i, std::size_t place) {
    if (place < count) out[i * count + place] = 1.0f;
    else if (!unknown_is_zero) c.fail(Code::mismatch, format("element {} is no known category", i));
  };
  if (x.dtype() == DType::string) {
    const std::vector<std::string> names = c.texts("cats_strings");
    for (std::size_t i = 0; i < x.size(); ++i) set(i, static_cast<std::size_t>(std::ranges::find(names, x.data<std::string>()[i]) - names.begin()));
  } else {
    const std::vector<std::int64_t> numbers = c.integers("cats_int64s");
    dispatch(c, x.dtype(), Numbers{}, [&]<class T>() {
      for (std::size_t i = 0; i < x.size(); ++i) {
        const T v = x.data<T>()[i];
        const bool whole = !is_real<T> || (static_cast<double>(v) > -9e18 && static_cast<double>(v) < 9e18);
        set(i, whole ? static_cast<std::size_t>(std::ranges::find(numbers, static_cast<std::int64_t>(v)) - numbers.begin()) : count);
      }
    });
  }
}
void infer_one_hot_encoder(InferContext& c) {
  c.outputs[0] = c.input(0);
  c.outputs[0].dtype = DType::float32;
  if (c.outputs[0].has_rank) c.outputs[0].shape.push_back(dim(static_cast<std::int64_t>(category_count(c))));
}

// --- FeatureVectorizer, ZipMap --------------------------------------------------------------------------------------------------------------

void feature_vectorizer(KernelContext& c) {
  if (c.input_count() == 0) c.fail(Code::corrupt, "no inputs");
  std::int64_t rows = -1, width = 0;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    const Shape& s = c.input(k).shape();
    if (s.size() != 2 || (rows >= 0 && s[0] != rows)) c.fail(Code::mismatch, format("an input of shape {}", text_of(s)));
    rows = s[0];
    width += s[1];
  }
  const std::span<float> out = c.output(0, DType::float32, {rows, width}).mutable_data<float>();
  std::int64_t done = 0;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    const Tensor& x = c.input(k);
    dispatch(c, x.dtype(), Numbers{}, [&]<class T>() {
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t j = 0; j < x.dim(1); ++j) out[static_cast<std::size_t>(r * width + done + j)] = static_cast<float>(x.data<T>()[static_cast<std::size_t>(r * x.dim(1) + j)]);
      }
    });
    done += x.dim(1);
  }
}
void infer_feature_vectorizer(InferContext& c) {
  Dim rows;
  std::int64_t width = 0;
  for (std::size_t k = 0; k < c.input_count(); ++k) {
    const Type& t = c.input(k);
    const bool known = t.has_rank && t.shape.size() == 2;
    if (known && !rows.known()) rows = t.shape[0];
    width = width < 0 || !known || !t.shape[1].known() ? -1 : width + t.shape[1].value;
  }
  c.outputs[0] = Type::tensor(DType::float32, {rows, dim(width)});
}

constexpr Op kOps[] = {
    {"ai.onnx.ml", "ArrayFeatureExtractor", "Columns of the last dimension, by index.", infer_array_feature_extractor, array_feature_extractor},
    {"ai.onnx.ml", "Binarizer", "1 above `threshold`, else 0.", infer_same, binarizer},
    {"ai.onnx.ml", "CategoryMapper", "Strings to integers, or integers to strings.", infer_category_mapper, category_mapper},
    {"ai.onnx.ml", "FeatureVectorizer", "The columns of all inputs side by side, as float32.", infer_feature_vectorizer, feature_vectorizer},
    {"ai.onnx.ml", "Imputer", "The missing value replaced, for all columns or for each.", infer_same, imputer},
    {"ai.onnx.ml", "LabelEncoder", "Each key's value, or the default (LabelEncoder-4).", infer_label_encoder, label_encoder, prepare_label_encoder},
    {"ai.onnx.ml", "Normalizer", "Rows divided by their norm MAX, L1 or L2, as float32.", infer_floats, normalizer},
    {"ai.onnx.ml", "OneHotEncoder", "A new last dimension: 1 at the category, else 0.", infer_one_hot_encoder, one_hot_encoder},
    {"ai.onnx.ml", "Scaler", "(x - offset) * scale by columns, as float32.", infer_floats, scaler},
    // ONNX makes a sequence of maps from class to score out of it; here the scores stay the matrix that they are.
    {"ai.onnx.ml", "ZipMap", "The matrix of scores itself, instead of a sequence of maps.", infer_same, [](KernelContext& c) { c.set_output(0, c.input(0)); }},
};

}  // namespace

DECANT_AT_START std::span<const Op> ml_tensor_ops() { return kOps; }

}  // namespace decant

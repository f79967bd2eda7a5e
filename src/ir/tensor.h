// SPDX-License-Identifier: Apache-2.0
// A dense, row-major array. Its bytes are a Blob: a view of a mapped file, or memory of its own; copies of a Tensor share them.
// What else a value can be (ONNX's sequences, maps and optionals) is a Tensor of a special type, so that everything that hands values on
// needs to know of one class only.
#pragma once

#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "io/source.h"
#include "ir/dtype.h"

namespace decant {

using Shape = std::vector<std::int64_t>;  // all dimensions known and not negative

/// Product of the dimensions, saturating at 2^64-1; an empty shape is a scalar, 1.
std::uint64_t count_of(const Shape& shape);
std::string text_of(const Shape& shape);  // "[3, 4]"

class Tensor {
 public:
  Tensor() = default;
  /// Uninitialised memory (strings: empty), to be filled through mutable_data() before anybody else sees it.
  Tensor(DType dtype, Shape shape);
  /// A view of `data`, which must hold exactly the bytes of `shape`; copies only where the element type needs a better alignment.
  Tensor(DType dtype, Shape shape, Blob data);

  template <class T>
  static Tensor of(Shape shape, std::span<const T> values) {
    Tensor out(dtype_of<T>, std::move(shape));
    out.check_count(values.size());
    std::copy(values.begin(), values.end(), out.mutable_data<T>().begin());
    return out;
  }
  template <class T>
  static Tensor vector(const std::vector<T>& values) {
    Tensor out(dtype_of<T>, Shape{static_cast<std::int64_t>(values.size())});
    std::copy(values.begin(), values.end(), out.mutable_data<T>().begin());
    return out;
  }
  template <class T>
  static Tensor scalar(T value) {
    Tensor out(dtype_of<T>, Shape{});
    out.mutable_data<T>()[0] = std::move(value);
    return out;
  }

  /// A list of values, of shape [n] and type DType::sequence.
  static Tensor sequence(std::vector<Tensor> items);
  /// Keys and values, of shape [2] and type DType::map.
  static Tensor map(Tensor keys, Tensor values);
  /// An optional without a value.
  static Tensor nothing();
  /// The values that a sequence or a map holds.
  std::span<const Tensor> items() const;
  /// Bytes of the elements, those of all items of a sequence included.
  std::uint64_t total_bytes() const;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::int64_t dim(std::size_t i) const { return shape_.at(i); }
  std::size_t rank() const { return shape_.size(); }
  std::size_t size() const { return size_; }  // elements
  const Blob& blob() const { return data_; }
  bool defined() const { return dtype_ != DType::undefined; }

  /// The elements. T must be the tensor's element type; anything else is our own mistake and throws std::logic_error.
  template <class T>
  std::span<const T> data() const {
    check_type(dtype_of<T>);
    return {reinterpret_cast<const T*>(data_.bytes.data()), size_};
  }
  /// Writable elements; only for a tensor made with Tensor(dtype, shape), before it is shared.
  template <class T>
  std::span<T> mutable_data() {
    check_type(dtype_of<T>);
    return {reinterpret_cast<T*>(const_cast<std::byte*>(data_.bytes.data())), size_};
  }

  /// The same elements under another shape of the same count.
  Tensor reshaped(Shape shape) const;

  /// Element `i` converted to double or int64: for small parameters, not for loops over data. Strings throw mismatch.
  double number(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;

  bool same_as(const Tensor& other) const;  // dtype, shape and bytes

 private:
  void check_type(DType asked) const;
  void check_count(std::size_t count) const;

  DType dtype_ = DType::undefined;
  Shape shape_;
  std::size_t size_ = 0;
  Blob data_;
};

}  // namespace decant

// SPDX-License-Identifier: Apache-2.0
#include "ir/tensor.h"

#include <algorithm>
#include <stdexcept>

#include "base/checked.h"
#include "base/text.h"
#include "ir/half.h"

namespace decant {

std::uint64_t count_of(const Shape& shape) {
  std::uint64_t out = 1;
  for (const std::int64_t d : shape) out = sat_mul(out, d < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(d));
  return out;
}

std::string text_of(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += format("{}{}", i ? ", " : "", shape[i]);
  return out + "]";
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)) {
  const std::uint64_t count = count_of(shape_), bytes = sat_mul(count, size_of(dtype));
  if (bytes > (std::uint64_t{1} << 46)) throw Error(Code::limit, format("a tensor of shape {} does not fit into memory", text_of(shape_)));
  size_ = count;
  if (dtype == DType::string) {
    auto strings = std::make_shared<std::vector<std::string>>(size_);
    const Bytes raw = std::as_bytes(std::span(*strings));
    data_ = {strings, raw};
  } else {
    std::byte* unused = nullptr;
    data_ = Blob::allocate(bytes, unused);
  }
}

Tensor::Tensor(DType dtype, Shape shape, Blob data) : dtype_(dtype), shape_(std::move(shape)), size_(count_of(shape_)), data_(std::move(data)) {
  if (sat_mul(count_of(shape_), size_of(dtype)) != data_.size()) {
    throw Error(Code::corrupt, format("a tensor {} of {} needs {} bytes, given {}", text_of(shape_), name_of(dtype),
                                      sat_mul(count_of(shape_), size_of(dtype)), data_.size()));
  }
  if (dtype != DType::string && reinterpret_cast<std::uintptr_t>(data_.bytes.data()) % std::min<std::size_t>(size_of(dtype), 8) != 0) {
    data_ = Blob::copy_of(data_.bytes);
  }
}

Tensor Tensor::reshaped(Shape shape) const {
  Tensor out = *this;
  out.shape_ = std::move(shape);
  if (count_of(out.shape_) != size_) throw Error(Code::mismatch, format("cannot view shape {} as {}", text_of(shape_), text_of(out.shape_)));
  return out;
}

void Tensor::check_type(DType asked) const {
  if (asked != dtype_) throw std::logic_error(format("tensor of {} read as {}", name_of(dtype_), name_of(asked)));
}

void Tensor::check_count(std::size_t count) const {
  if (count != size_) throw std::logic_error(format("{} values for a tensor of shape {}", count, text_of(shape_)));
}

namespace {

template <class To>
To element(const Tensor& t, std::size_t i) {
  switch (t.dtype()) {
    case DType::float32: return static_cast<To>(t.data<float>()[i]);
    case DType::float64: return static_cast<To>(t.data<double>()[i]);
    case DType::int8: return static_cast<To>(t.data<std::int8_t>()[i]);
    case DType::int16: return static_cast<To>(t.data<std::int16_t>()[i]);
    case DType::int32: return static_cast<To>(t.data<std::int32_t>()[i]);
    case DType::int64: return static_cast<To>(t.data<std::int64_t>()[i]);
    case DType::uint8: return static_cast<To>(t.data<std::uint8_t>()[i]);
    case DType::uint16: return static_cast<To>(t.data<std::uint16_t>()[i]);
    case DType::uint32: return static_cast<To>(t.data<std::uint32_t>()[i]);
    case DType::uint64: return static_cast<To>(t.data<std::uint64_t>()[i]);
    case DType::boolean: return static_cast<To>(t.data<bool>()[i]);
    case DType::float16: return static_cast<To>(static_cast<float>(t.data<Half>()[i]));
    case DType::bfloat16: return static_cast<To>(static_cast<float>(t.data<BFloat16>()[i]));
    default: throw Error(Code::mismatch, format("a number is wanted, and there is a tensor of {}", name_of(t.dtype())));  // files decide what is where
  }
}

}  // namespace

double Tensor::number(std::size_t i) const { return element<double>(*this, i); }
std::int64_t Tensor::integer(std::size_t i) const { return element<std::int64_t>(*this, i); }

bool Tensor::same_as(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (dtype_ == DType::string) return std::ranges::equal(data<std::string>(), other.data<std::string>());
  return size_ == 0 || std::memcmp(data_.bytes.data(), other.data_.bytes.data(), data_.size()) == 0;
}

}  // namespace decant

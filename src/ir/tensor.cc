// SPDX-License-Identifier: Apache-2.0
#include "ir/tensor.h"

#include <algorithm>
#include <stdexcept>

#include "base/checked.h"
#include "base/text.h"
#include "ir/half.h"
#include "ir/small.h"

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
  if (!is_tensor(dtype)) throw Error(Code::unsupported, format("a tensor of {}", name_of(dtype)));  // files decide which type is asked for
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

Tensor Tensor::sequence(std::vector<Tensor> items) {
  Tensor out;
  out.dtype_ = DType::sequence;
  out.shape_ = {static_cast<std::int64_t>(items.size())};
  out.size_ = items.size();
  auto kept = std::make_shared<const std::vector<Tensor>>(std::move(items));
  const Bytes raw = std::as_bytes(std::span(*kept));
  out.data_ = {std::move(kept), raw};
  return out;
}

Tensor Tensor::map(Tensor keys, Tensor values) {
  Tensor out = sequence({std::move(keys), std::move(values)});
  out.dtype_ = DType::map;
  return out;
}

Tensor Tensor::nothing() {
  Tensor out;
  out.dtype_ = DType::nothing;
  out.shape_ = {0};
  return out;
}

std::span<const Tensor> Tensor::items() const {
  if (dtype_ != DType::sequence && dtype_ != DType::map) throw Error(Code::mismatch, format("a sequence is wanted, and there is a tensor of {}", name_of(dtype_)));
  return {reinterpret_cast<const Tensor*>(data_.bytes.data()), size_};
}

std::uint64_t Tensor::total_bytes() const {
  std::uint64_t out = data_.size();
  if (dtype_ == DType::sequence || dtype_ == DType::map) {
    for (const Tensor& t : items()) out = sat_add(out, t.total_bytes());
  }
  return out;
}

Tensor Tensor::reshaped(Shape shape) const {
  Tensor out = *this;
  out.shape_ = std::move(shape);
  if (count_of(out.shape_) != size_) throw Error(Code::mismatch, format("cannot view shape {} as {}", text_of(shape_), text_of(out.shape_)));
  return out;
}

void Tensor::check_type(DType asked) const {
  // A sequence where a kernel expects a tensor is the file's doing.
  if (asked != dtype_ && !is_tensor(dtype_)) throw Error(Code::mismatch, format("a tensor of {} is wanted, and there is a {}", name_of(asked), name_of(dtype_)));
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
    case DType::float8e4m3fn: return static_cast<To>(static_cast<float>(t.data<Float8E4M3FN>()[i]));
    case DType::float8e4m3fnuz: return static_cast<To>(static_cast<float>(t.data<Float8E4M3FNUZ>()[i]));
    case DType::float8e5m2: return static_cast<To>(static_cast<float>(t.data<Float8E5M2>()[i]));
    case DType::float8e5m2fnuz: return static_cast<To>(static_cast<float>(t.data<Float8E5M2FNUZ>()[i]));
    case DType::float8e8m0: return static_cast<To>(static_cast<float>(t.data<Float8E8M0>()[i]));
    case DType::float4e2m1: return static_cast<To>(static_cast<float>(t.data<Float4E2M1>()[i]));
    case DType::float6e2m3: return static_cast<To>(static_cast<float>(t.data<Float6E2M3>()[i]));
    case DType::float6e3m2: return static_cast<To>(static_cast<float>(t.data<Float6E3M2>()[i]));
    case DType::int4: return static_cast<To>(static_cast<int>(t.data<Int4>()[i]));
    case DType::uint4: return static_cast<To>(static_cast<int>(t.data<UInt4>()[i]));
    case DType::int2: return static_cast<To>(static_cast<int>(t.data<Int2>()[i]));
    case DType::uint2: return static_cast<To>(static_cast<int>(t.data<UInt2>()[i]));
    default: throw Error(Code::mismatch, format("a number is wanted, and there is a tensor of {}", name_of(t.dtype())));  // files decide what is where
  }
}

}  // namespace

double Tensor::number(std::size_t i) const { return element<double>(*this, i); }
std::int64_t Tensor::integer(std::size_t i) const { return element<std::int64_t>(*this, i); }

bool Tensor::same_as(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (dtype_ == DType::sequence || dtype_ == DType::map) {
    return std::ranges::equal(items(), other.items(), [](const Tensor& a, const Tensor& b) { return a.same_as(b); });
  }
  if (dtype_ == DType::string) return std::ranges::equal(data<std::string>(), other.data<std::string>());
  return size_ == 0 || std::memcmp(data_.bytes.data(), other.data_.bytes.data(), data_.size()) == 0;
}

}  // namespace decant

// SPDX-License-Identifier: Apache-2.0
// CategoryHash: a text as the number by which CatBoost knows a category: the low 32 bits of CityHash64 (version 1.0, as in util/digest/city.cpp),
// read as a signed number (CalcCatFeatureHash in catboost/libs/cat_feature/cat_feature.cpp). Standard ONNX has no operator that hashes.
#include <bit>
#include <cstring>

#include "ops/kernel.h"

namespace decant {
namespace {

constexpr std::uint64_t kA = 0xc3a5c85c97cb3127, kB = 0xb492b66fbe98f273, kC = 0x9ae16a3b2f90404f, kD = 0xc949d7c7509e6557;

std::uint64_t fold(std::uint64_t v) { return v ^ (v >> 47); }

std::uint64_t mix(std::uint64_t low, std::uint64_t high) {
  constexpr std::uint64_t kFactor = 0x9ddfea08eb382d69;
  return fold((high ^ fold((low ^ high) * kFactor)) * kFactor) * kFactor;
}

struct Pair {
  std::uint64_t first, second;
};

class Text {
 public:
  explicit Text(std::string_view text) : text_(text), size_(text.size()) {}

  std::uint64_t hash() const {
    if (size_ <= 16) return tiny();
    if (size_ <= 32) return small();
    return size_ <= 64 ? middle() : large();
  }

 private:
  template <class T = std::uint64_t>
  std::uint64_t at(std::uint64_t offset) const {
    T out;
    std::memcpy(&out, text_.data() + offset, sizeof out);
    return out;
  }
  std::uint64_t byte(std::uint64_t offset) const { return static_cast<std::uint8_t>(text_[offset]); }

  std::uint64_t tiny() const {
    if (size_ > 8) {
      const std::uint64_t last = at(size_ - 8);
      return mix(at(0), std::rotr(last + size_, static_cast<int>(size_))) ^ last;
    }
    if (size_ >= 4) return mix(size_ + (at<std::uint32_t>(0) << 3), at<std::uint32_t>(size_ - 4));
    if (size_ == 0) return kC;
    const std::uint64_t y = byte(0) + (byte(size_ >> 1) << 8), z = size_ + (byte(size_ - 1) << 2);
    return fold((y * kC) ^ (z * kD)) * kC;
  }

  std::uint64_t small() const {
    const std::uint64_t a = at(0) * kB, b = at(8), c = at(size_ - 8) * kC, d = at(size_ - 16) * kA;
    return mix(std::rotr(a - b, 43) + std::rotr(c, 30) + d, a + std::rotr(b ^ kD, 20) - c + size_);
  }

  /// Four numbers on top of `a`; `z` is mixed in at the end.
  Pair four(std::uint64_t offset, std::uint64_t a, std::uint64_t z) const {
    const std::uint64_t b = std::rotr(a + z, 52);
    std::uint64_t c = std::rotr(a, 37);
    a += at(offset);
    c += std::rotr(a, 7);
    a += at(offset + 8);
    return {a + z, b + std::rotr(a, 31) + c};
  }

  std::uint64_t middle() const {
    const Pair v = four(8, at(0) + (size_ + at(size_ - 16)) * kA, at(24));
    const Pair w = four(size_ - 24, at(16) + at(size_ - 32), at(size_ - 8));
    const std::uint64_t r = fold((v.first + w.second) * kC + (w.first + v.second) * kA);
    return fold(r * kA + v.second) * kC;
  }

  Pair weak(std::uint64_t offset, std::uint64_t a, std::uint64_t b) const {
    a += at(offset);
    b = std::rotr(b + a + at(offset + 24), 21);
    const std::uint64_t c = a;
    a += at(offset + 8) + at(offset + 16);
    b += std::rotr(a, 44);
    return {a + at(offset + 24), b + c};
  }

  std::uint64_t large() const {
    std::uint64_t x = at(0), y = at(size_ - 16) ^ kB, z = at(size_ - 56) ^ kA;
    Pair v = weak(size_ - 64, size_, y), w = weak(size_ - 32, size_ * kB, kA);
    z += fold(v.second) * kB;
    x = std::rotr(z + x, 39) * kB;
    y = std::rotr(y, 33) * kB;
    for (std::uint64_t offset = 0; offset < ((size_ - 1) & ~std::uint64_t{63}); offset += 64) {
      x = std::rotr(x + y + v.first + at(offset + 16), 37) * kB;
      y = std::rotr(y + v.second + at(offset + 48), 42) * kB;
      x ^= w.second;
      y ^= v.first;
      z = std::rotr(z ^ w.first, 33);
      v = weak(offset, v.second * kB, x + w.first);
      w = weak(offset + 32, z + w.second, y);
      std::swap(z, x);
    }
    return mix(mix(v.first, w.first) + fold(y) * kB + z, mix(v.second, w.second) + x);
  }

  std::string_view text_;
  std::uint64_t size_;
};

void category_hash(KernelContext& c) {
  want(c, 0, DType::string);
  const std::span<const std::string> in = c.input(0).data<std::string>();
  const std::span<std::int64_t> out = c.output(0, DType::int64, c.input(0).shape()).mutable_data<std::int64_t>();
  for (std::size_t i = 0; i < in.size(); ++i) out[i] = static_cast<std::int32_t>(Text(in[i]).hash());
}

void infer(InferContext& c) {
  infer_same(c);
  c.outputs[0].dtype = DType::int64;
}

constexpr Op kOps[] = {{"decant", "CategoryHash", "Texts as CatBoost's numbers of categories: 32 bits of CityHash64, as int64.", infer, category_hash}};

}  // namespace

DECANT_AT_START std::span<const Op> category_hash_ops() { return kOps; }

}  // namespace decant

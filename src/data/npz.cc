// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "codecs/zip/zip.h"
#include "data/data.h"
#include "data/npz.h"
#include "frameworks/python/numpy.h"

namespace decant {
namespace {

npy::Type type_of(const Tensor& tensor, std::size_t longest) {
  npy::Type type;
  type.itemsize = static_cast<std::uint32_t>(size_of(tensor.dtype()));
  switch (tensor.dtype()) {
    case DType::boolean: type.kind = 'b'; break;
    case DType::string: type.kind = 'U'; type.itemsize = static_cast<std::uint32_t>(4 * std::max<std::size_t>(longest, 1)); break;
    case DType::float16: case DType::float32: case DType::float64: type.kind = 'f'; break;
    case DType::complex64: case DType::complex128: type.kind = 'c'; break;
    case DType::uint8: case DType::uint16: case DType::uint32: case DType::uint64: type.kind = 'u'; break;
    case DType::int8: case DType::int16: case DType::int32: case DType::int64: type.kind = 'i'; break;
    default: throw Error(Code::unsupported, format("NumPy has no type for {}", name_of(tensor.dtype())));
  }
  return type;
}

/// Code points of UTF-8 text; what is no UTF-8 becomes U+FFFD.
std::vector<std::uint32_t> code_points(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto b = static_cast<unsigned char>(text[i]);
    const std::size_t n = b < 0x80 ? 1 : b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC2 ? 2 : 0;
    if (n == 0 || i + n > text.size()) {
      out.push_back(0xFFFD);
      ++i;
      continue;
    }
    std::uint32_t c = n == 1 ? b : b & (0xFFu >> (n + 1));
    for (std::size_t k = 1; k < n; ++k) c = c << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    out.push_back(c);
    i += n;
  }
  return out;
}

}  // namespace

std::string npy_file(const Tensor& tensor) {
  if (tensor.dtype() != DType::string) {
    std::string out = npy::write_header(type_of(tensor, 0), tensor.shape());
    out += as_text(tensor.blob().bytes);
    return out;
  }
  std::vector<std::vector<std::uint32_t>> texts;
  std::size_t longest = 1;
  for (const std::string& s : tensor.data<std::string>()) {
    texts.push_back(code_points(s));
    longest = std::max(longest, texts.back().size());
  }
  std::string out = npy::write_header(type_of(tensor, longest), tensor.shape());
  for (std::vector<std::uint32_t>& t : texts) {
    t.resize(longest);
    out += as_text(std::as_bytes(std::span(t)));
  }
  return out;
}

Tensor read_npy(const Source& source) {
  Cursor cursor(source);
  return python::read_npy(cursor).array.tensor();
}

std::vector<NamedTensor> read_npz(const Source& source) {
  const zip::Archive archive(source);
  std::vector<NamedTensor> out;
  for (const zip::Entry& entry : archive.entries()) {
    if (entry.is_folder()) continue;
    std::string name = entry.name;
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    out.push_back({std::move(name), read_npy(archive.read(entry))});
  }
  return out;
}

void write_npz(Sink& sink, std::span<const Output> outputs, std::span<const Tensor> tensors) {
  zip::Writer writer(sink);
  for (std::size_t i = 0; i < tensors.size(); ++i) writer.add(outputs[i].name + ".npy", as_bytes(npy_file(tensors[i])));
  writer.finish();
}

}  // namespace decant

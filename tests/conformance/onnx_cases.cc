// SPDX-License-Identifier: Apache-2.0
// Runs the test cases of the onnx package, laid out by onnx_cases.py, and says of each in a line whether decant gives the answers that
// stand there: "KIND/NAME<tab>pass" or "KIND/NAME<tab>fail<tab>why". The rules of comparison are those of onnx/backend/test/runner (1.23).
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>

#include "base/text.h"
#include "codecs/protobuf/wire.h"
#include "exec/session.h"
#include "formats/onnx/onnx_raw.h"
#include "formats/onnx/onnx_reader.h"
#include "ops/interpret.h"

namespace decant {
namespace {

namespace fs = std::filesystem;

struct Tolerance {
  double relative = 1e-3, absolute = 1e-7;
};

Tensor value_of(const Source& source, const std::string& kind);

// The message in the current field, as a value of its own.
Tensor inner(protobuf::Reader& r, const std::string& kind) { return value_of(r.source().member(kind, r.blob()), kind); }

// SequenceProto and OptionalProto have the same field for each kind of value.
Tensor value_of(const Source& source, const std::string& kind) {
  if (kind == "tensor") return onnx::to_tensor(onnx::parse_tensor(source), source);
  std::vector<Tensor> items;
  protobuf::Reader r(source);
  while (r.next()) {
    switch (r.field()) {
      case 3: items.push_back(inner(r, "tensor")); break;
      case 4: case 6: r.fail(Code::unsupported, "a sparse tensor or a map in a test case");
      case 5: items.push_back(inner(r, "sequence")); break;
      case 7: items.push_back(inner(r, "optional")); break;
      default: break;
    }
  }
  if (kind == "sequence") return Tensor::sequence(std::move(items));
  return items.empty() ? Tensor::nothing() : items[0];
}

// "" where the two are the same within the tolerance.
std::string difference(const Tensor& got, const Tensor& wanted, Tolerance tolerance) {
  if (got.dtype() != wanted.dtype()) return format("{} instead of {}", name_of(got.dtype()), name_of(wanted.dtype()));
  if (wanted.dtype() == DType::sequence) {
    if (got.size() != wanted.size()) return format("{} items instead of {}", got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (const std::string why = difference(got.items()[i], wanted.items()[i], tolerance); !why.empty()) return format("item {}: {}", i, why);
    }
    return {};
  }
  if (got.shape() != wanted.shape()) return format("shape {} instead of {}", text_of(got.shape()), text_of(wanted.shape()));
  if (wanted.dtype() == DType::string) return got.same_as(wanted) ? "" : "other strings";
  if (wanted.dtype() == DType::bfloat16) tolerance.relative = std::max(tolerance.relative, 1.0 / 64);
  const bool complex = wanted.dtype() == DType::complex64 || wanted.dtype() == DType::complex128;
  if (complex) return got.same_as(wanted) ? "" : "other complex numbers";
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double g = got.number(i), w = wanted.number(i);
    if (std::isnan(g) && std::isnan(w)) continue;
    if (g == w || std::fabs(g - w) <= tolerance.absolute + tolerance.relative * std::fabs(w)) continue;
    return format("element {}: {} instead of {}", i, g, w);
  }
  return {};
}

// The files "0.in.3.tensor" of one data set, in order.
std::vector<Tensor> values_in(const fs::path& folder, const std::string& prefix) {
  std::vector<std::pair<int, fs::path>> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix)) files.emplace_back(std::stoi(name.substr(prefix.size())), entry.path());
  }
  std::ranges::sort(files);
  std::vector<Tensor> out;
  for (const auto& [index, path] : files) out.push_back(value_of(Source::open(path), path.extension().string().substr(1)));
  return out;
}

std::string run_with(const fs::path& folder, std::uint64_t memory) {
  Tolerance tolerance;
  std::ifstream(folder / "tolerance") >> tolerance.relative >> tolerance.absolute;
  try {
    const auto model = std::make_shared<const Model>(onnx::read(Source::open(folder / "model.onnx")));
    SessionOptions options;
    options.memory = memory;
    const Session session(model, options);
    for (int set = 0;; ++set) {
      const std::vector<Tensor> wanted = values_in(folder, format("{}.out.", set));
      if (wanted.empty()) return set == 0 ? "no data" : "";
      const std::vector<Tensor> got = session.run(values_in(folder, format("{}.in.", set)), {}, {});
      if (got.size() != wanted.size()) return format("{} outputs instead of {}", got.size(), wanted.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (const std::string why = difference(got[i], wanted[i], tolerance); !why.empty()) return format("output {}: {}", i, why);
      }
    }
  } catch (const Error& error) {
    return error.text().empty() ? "error" : format("{}: {}", name_of(error.code()), error.text());
  } catch (const std::exception& error) {
    return format("BUG: {}", error.what());
  }
}

// A case may need memory that only the user can allow: then it must be refused without.
std::string run_case(const fs::path& folder) {
  std::uint64_t memory = 0;
  std::ifstream(folder / "memory") >> memory;
  if (memory != 0 && !run_with(folder, 0).starts_with(name_of(Code::limit))) return "is not refused without --max-memory";
  return run_with(folder, memory);
}

// --- damage: models and inputs changed at random must be answered or refused, whatever they are ----------------------------------------------

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::string bytes(std::string_view from) {
    std::string out(from);
    for (std::size_t n = below(3); n-- > 0 && !out.empty();) {
      char& at = out[below(out.size())];
      at = below(2) == 0 ? static_cast<char>(below(256)) : static_cast<char>(at + static_cast<char>(below(5)) - 2);
    }
    return out;
  }
  // Another shape, another element type, other numbers; or as it is.
  Tensor tensor(const Tensor& from) {
    if (!is_tensor(from.dtype()) || from.dtype() == DType::string || below(2) == 0) return from;
    static constexpr DType kTypes[] = {DType::float32, DType::int64, DType::uint8, DType::float16, DType::int32, DType::float64, DType::int4, DType::float8e4m3fn};
    const DType dtype = below(8) == 0 ? kTypes[below(std::size(kTypes))] : from.dtype();
    Shape shape = from.shape();
    if (below(2) == 0 && !shape.empty()) {
      std::int64_t& d = shape[below(shape.size())];
      d = std::max<std::int64_t>(0, d + static_cast<std::int64_t>(below(3)) - 1);
    }
    if (below(8) == 0) shape.insert(shape.begin(), 1);
    if (below(8) == 0 && !shape.empty()) shape.pop_back();
    if (count_of(shape) > 100'000) return from;
    Tensor out(dtype, shape);
    auto* to = const_cast<std::byte*>(out.blob().bytes.data());
    const std::size_t size = out.blob().size(), have = from.blob().size();
    for (std::size_t i = 0; i < size; ++i) to[i] = have > 0 ? from.blob().bytes[i % have] : std::byte{0};
    if (dtype == DType::boolean) std::fill_n(to, size, std::byte{1});
    if (below(3) == 0 && size > 0 && dtype != DType::boolean) to[below(size)] = static_cast<std::byte>(below(256));
    if (dtype == DType::int64 && below(3) == 0 && size > 0) out.mutable_data<std::int64_t>()[below(out.size())] = static_cast<std::int64_t>(below(7)) - 3;
    return out;
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

 private:
  std::mt19937_64 random_;
};

void run_damaged(const fs::path& folder, std::size_t times, std::uint64_t seed) {
  if (folder.parent_path().filename() == "light") return;  // whole networks take long, and have the same operators
  const Source file = Source::open(folder / "model.onnx");
  const std::vector<Tensor> inputs = values_in(folder, "0.in.");
  for (std::size_t i = 0; i < times; ++i) {
    Damage damage(seed + i);
    try {
      const std::string bytes = damage.below(2) == 0 ? std::string(as_text(file.bytes())) : damage.bytes(as_text(file.bytes()));
      std::vector<Tensor> given;
      for (const Tensor& t : inputs) given.push_back(damage.tensor(t));
      const Model model = onnx::read(Source::memory(Blob::copy_of(as_bytes(bytes)), "damaged"));
      Turns turns(1000);
      GraphRunner(model.graph).run(given, {}, turns);
    } catch (const Error&) {  // as it should be
    }
  }
}

}  // namespace
}  // namespace decant

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: onnx_cases FOLDER [PART OF A NAME [TIMES SEED]]\nWith TIMES, each case is run so often with damage, and must only not crash.\n";
    return 64;
  }
  const std::filesystem::path root = arguments[1];
  const std::string filter = count > 2 ? arguments[2] : "";
  std::vector<std::string> names;
  for (const auto& kind : std::filesystem::directory_iterator(root)) {
    if (!kind.is_directory()) continue;
    for (const auto& one : std::filesystem::directory_iterator(kind)) names.push_back(kind.path().filename().string() + "/" + one.path().filename().string());
  }
  std::ranges::sort(names);
  for (const std::string& name : names) {
    if (name.find(filter) == std::string::npos) continue;
    std::cout << name << '\t' << std::flush;  // before the run: a crash shows which case it was
    if (count > 4) {
      decant::run_damaged(root / name, std::stoul(arguments[3]), std::stoull(arguments[4]));
      std::cout << "survived\n";
      continue;
    }
    const std::string why = decant::run_case(root / name);
    std::cout << (why.empty() ? "pass" : "fail\t" + decant::printable(why, 300)) << '\n';
  }
}

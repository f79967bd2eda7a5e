// SPDX-License-Identifier: Apache-2.0
// Runs the test cases of the onnx package, laid out by onnx_cases.py, and says of each in a line whether decant gives the answers that
// stand there: "KIND/NAME<tab>pass" or "KIND/NAME<tab>fail<tab>why". The rules of comparison are those of onnx/backend/test/runner (1.23).
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/text.h"
#include "codecs/protobuf/wire.h"
#include "exec/session.h"
#include "formats/onnx/onnx_raw.h"
#include "formats/onnx/onnx_reader.h"

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

std::string run_case(const fs::path& folder) {
  Tolerance tolerance;
  std::ifstream(folder / "tolerance") >> tolerance.relative >> tolerance.absolute;
  try {
    const auto model = std::make_shared<const Model>(onnx::read(Source::open(folder / "model.onnx")));
    const Session session(model, {});
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

}  // namespace
}  // namespace decant

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: onnx_cases FOLDER [PART OF A NAME]\n";
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
    const std::string why = decant::run_case(root / name);
    std::cout << (why.empty() ? "pass" : "fail\t" + decant::printable(why, 300)) << '\n';
  }
}

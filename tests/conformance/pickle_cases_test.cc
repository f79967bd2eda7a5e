// SPDX-License-Identifier: Apache-2.0
// Pickles, archives and attacks that others have gathered.
#include <gtest/gtest.h>

#include "base/text.h"
#include "cases.h"
#include "codecs/compress/compress.h"
#include "codecs/tar/tar.h"
#include "formats/onnx/onnx_reader.h"
#include "formats/scan.h"
#include "frameworks/python/numpy.h"

namespace decant::conformance {
namespace {

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 30;

#define NEED(variable, name)                \
  const std::string variable = cases(name); \
  if (variable.empty()) GTEST_SKIP() << "SKIPPED: there is no " << name << " at $DECANT_CASES"

void used(const char* what, std::size_t n) { std::printf("             used %zu %s\n", n, what); }

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t n = std::min(text.find(at), text.size());
    out.push_back(text.substr(0, n));
    if (n == text.size()) return out;
    text.remove_prefix(n + 1);
  }
}

/// Members of a .tar.gz, each as a file of its own.
struct Tarball {
  explicit Tarball(const std::string& path) : source(compress::unpack_all(Source::open(path, kPlenty))), archive(tar::read(source)) {}
  Source file(const tar::Entry& entry) const { return Source::memory(tar::member(source, entry).data(), entry.name); }
  Source source;
  tar::Archive archive;
};

Report scanned(const Source& source) {
  Report report;
  scan_source(source, report);
  return report;
}

std::string explained(const Report& report) {
  std::string out(report.verdict());
  for (const Finding& f : report.findings()) out += format("\n  {} {}: {}", name_of(f.severity), f.rule, f.text);
  return out;
}

bool fits(std::string_view expected, std::string_view verdict) {
  if (expected == "any") return true;
  if (expected == "any-but-malicious") return verdict != "malicious";
  for (const std::string_view one : split(expected, '-')) {
    if (one == verdict) return true;  // "clean-or-error"
  }
  return false;
}

// The formats whose scan is built here; the others have tests of their own.
bool is_ours(std::string_view format) {
  for (const std::string_view ours : {"pickle", "joblib", "npy", "npz", "zip", "7z", "nemo", "torch", "torchscript", "onnx"}) {
    if (format == ours || (format.starts_with(ours) && format[ours.size()] == '-')) return true;
  }
  return false;
}

TEST(Cases, HostileFilesGetTheVerdictThatTheirManifestStates) {
  NEED(path, "hostile-dev.tar.gz");
  const Tarball tarball(path);
  std::vector<std::string_view> manifest;
  Source manifest_file = tarball.source;
  for (const tar::Entry& entry : tarball.archive.entries) {
    if (entry.name.ends_with("/manifest.tsv")) manifest_file = tarball.file(entry);
  }
  std::size_t n = 0;
  for (const std::string_view row : split(as_text(manifest_file.bytes()), '\n')) {
    const auto fields = split(row, '\t');  // path, format, category, expect, note
    if (fields.size() < 4 || !is_ours(fields[1])) continue;
    const auto entry =
        std::ranges::find_if(tarball.archive.entries, [&](const tar::Entry& e) { return e.name.ends_with("/" + std::string(fields[0])); });
    ASSERT_NE(entry, tarball.archive.entries.end()) << fields[0];
    // Weights beside a model are no model: by themselves they cannot be called clean (docs/scan.md).
    if (fields[2] == "sidecar") continue;
    const std::string_view expected = split(fields[3], ';')[0].substr(5);
    const Report report = scanned(tarball.file(*entry));
    EXPECT_TRUE(fits(expected, report.verdict())) << fields[0] << " should be " << expected << ", is " << explained(report);
    ++n;
  }
  used("hostile and benign files", n);
  EXPECT_GT(n, 200u);
}

TEST(Cases, HostileOnnxFilesAreOpenedOrRefusedAsTheirManifestStates) {
  NEED(path, "hostile-dev.tar.gz");
  const Tarball tarball(path);
  Source manifest_file = tarball.source;
  for (const tar::Entry& entry : tarball.archive.entries) {
    if (entry.name.ends_with("/manifest.tsv")) manifest_file = tarball.file(entry);
  }
  std::size_t n = 0;
  for (const std::string_view row : split(as_text(manifest_file.bytes()), '\n')) {
    const auto fields = split(row, '\t');
    if (fields.size() < 4 || fields[1] != "onnx") continue;
    const auto entry =
        std::ranges::find_if(tarball.archive.entries, [&](const tar::Entry& e) { return e.name.ends_with("/" + std::string(fields[0])); });
    ASSERT_NE(entry, tarball.archive.entries.end()) << fields[0];
    const std::string_view expected = split(fields[3], ';')[1].substr(5);
    std::string refusal;
    try {
      onnx::read(tarball.file(*entry));
    } catch (const Error& error) {
      refusal = error.what();
      EXPECT_EQ(refusal.find('\n'), std::string::npos) << fields[0];
    }
    if (expected == "ok") {
      EXPECT_EQ(refusal, "") << fields[0];
    }
    if (expected == "refuse" || expected == "error-not-crash") {
      EXPECT_NE(refusal, "") << fields[0];
    }
    ++n;
  }
  used("hostile ONNX files", n);
  EXPECT_GT(n, 30u);
}

TEST(Cases, PicklescansFilesAreWhatTheirNamesSay) {
  NEED(path, "picklescan");
  std::size_t n = 0;
  for (const std::string& file : files_below(path)) {
    const std::string name = std::filesystem::path(file).filename();
    const Report report = scanned(Source::open(file));
    ++n;
    if (name.starts_with("malicious") || name == "broken_model.pkl" || name == "pytorch_magic_bypass.pt") {
      EXPECT_EQ(report.verdict(), "malicious") << name << " " << explained(report);
    } else if (name.starts_with("sys_module_override") || name.starts_with("benign_password")) {
      EXPECT_NE(report.verdict(), "clean") << name;
    } else if (name == "bad_pytorch.pt" || name == "not_a_pickle.bin") {
      EXPECT_EQ(report.verdict(), "error") << name << " " << explained(report);
    } else {
      EXPECT_EQ(report.verdict(), "clean") << name << " " << explained(report);
    }
  }
  used("files of picklescan", n);
}

TEST(Cases, TorchsFilesAreClean) {
  NEED(path, "torch-gopickle");
  std::size_t n = 0;
  for (const std::string& file : files_below(path)) {
    if (!file.ends_with(".pt")) continue;
    const Report report = scanned(Source::open(file));
    EXPECT_EQ(report.verdict(), "clean") << file << " " << explained(report);
    ++n;
  }
  used("files of torch", n);
}

TEST(Cases, PicklesOfEveryProtocolAndBothPythons) {
  NEED(path, "pickle-serde");
  std::size_t n = 0;
  for (const std::string& file : files_below(path)) {
    if (!file.ends_with(".pickle")) continue;
    Cursor cursor(Source::open(file));
    pickle::Tree tree;
    ASSERT_NO_THROW(tree = pickle::parse(cursor)) << file;
    EXPECT_TRUE(cursor.at_end()) << file;
    EXPECT_TRUE(tree.oddities.empty()) << file << ": " << tree.oddities[0].text;
    ++n;
  }
  used("pickles of serde-pickle", n);
}

TEST(Cases, FuzzedPicklesAreReadOrRefused) {
  NEED(path, "pickle-ogrek-fuzz-corpus.tar.gz");
  const Tarball tarball(path);
  std::size_t n = 0, read = 0;
  for (const tar::Entry& entry : tarball.archive.entries) {
    if (!entry.is_file()) continue;
    Cursor cursor(tarball.file(entry));
    read += !pickle::parse_partial(cursor, python::pickle_options()).broke;
    scanned(tarball.file(entry));
    ++n;
  }
  used(format("fuzzed pickles, {} of them readable", read).c_str(), n);
}

// joblib's own test data: [arange(5, int64), arange(5, float64), objects, bytes, matrix([0, 1, 2]), text].
TEST(Cases, JoblibFilesOfEveryVersion) {
  NEED(path, "joblib/joblib/test/data");
  std::size_t n = 0;
  for (const std::string& file : files_below(path)) {
    const std::string name = std::filesystem::path(file).filename();
    if (!name.starts_with("joblib_") || name.find(".npy") != std::string::npos) continue;
    SCOPED_TRACE(name);
    ++n;
    Source source = Source::open(file);
    EXPECT_EQ(scanned(source).verdict(), "clean") << explained(scanned(source));
    if (compress::recognise(source.bytes())) source = compress::unpack_all(source);
    Cursor cursor(source);
    const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
    EXPECT_TRUE(cursor.at_end());
    EXPECT_TRUE(tree.oddities.empty());
    std::size_t arrays = 0;
    for (const pickle::Ref item : tree.root->items) {
      const auto array = python::as_array(tree, *item);
      if (!array || array->type.kind == 'O') continue;
      const Tensor tensor = array->tensor();
      for (std::size_t i = 0; i < tensor.size(); ++i) EXPECT_EQ(tensor.number(i), static_cast<double>(i));
      const bool matrix = tensor.rank() == 2;
      EXPECT_EQ(tensor.size(), matrix ? 3u : 5u);
      EXPECT_EQ(tensor.dtype(), arrays == 1 ? DType::float64 : DType::int64);
      ++arrays;
    }
    EXPECT_GE(arrays, 2u);
  }
  used("files of joblib", n);
  EXPECT_GT(n, 50u);
}

}  // namespace
}  // namespace decant::conformance

// SPDX-License-Identifier: Apache-2.0
// One small attack for each rule, and what must stay clean.
#include "formats/scan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "codecs/npy/npy.h"

namespace decant {
namespace {

using namespace std::string_literals;

Source source_of(std::string_view bytes) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "f"); }

Report scan(std::string_view bytes, std::string_view allowed = "") {
  Report report;
  if (!allowed.empty()) report.allowed.insert(std::string(allowed));
  scan_source(source_of(bytes), report);
  return report;
}

/// "verdict: rule rule", rules in the order of the findings.
std::string verdict(std::string_view bytes, std::string_view allowed = "") {
  const Report report = scan(bytes, allowed);
  std::string out(report.verdict());
  for (const Finding& f : report.findings()) out += (&f == &report.findings()[0] ? ": " : " ") + f.rule;
  return out;
}

std::string zip_of(const std::vector<std::pair<std::string, std::string>>& members) {
  const std::string path = ::testing::TempDir() + "scan_test_" + std::to_string(::getpid()) + ".zip";
  {
    Sink sink(path);
    zip::Writer writer(sink);
    for (const auto& [name, data] : members) writer.add(name, as_bytes(data));
    writer.finish();
    sink.commit();
  }
  std::string out(as_text(Source::open(path).bytes()));
  std::filesystem::remove(path);
  return out;
}

std::string tar_of(const std::string& name, const std::string& data, char type = '0') {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  char size[13], sum[9];
  std::snprintf(size, sizeof size, "%011zo", data.size());
  header.replace(124, 12, std::string(size, 12));
  header[156] = type;
  header.replace(148, 8, 8, ' ');
  unsigned total = 0;
  for (const char c : header) total += static_cast<unsigned char>(c);
  std::snprintf(sum, sizeof sum, "%06o", total);
  header.replace(148, 7, std::string(sum, 7));
  return header + data + std::string((512 - data.size() % 512) % 512, '\0') + std::string(1024, '\0');
}

const std::string kEvil =
    "\x80\x02"
    "cos\nsystem\nX\x02\0\0\0id\x85R."s;
const std::string kGood =
    "\x80\x02]K\x01"
    "a."s;

TEST(Scan, Globals) {
  EXPECT_EQ(verdict(kGood), "clean");
  EXPECT_EQ(verdict(kEvil), "malicious: dangerous-global");
  EXPECT_EQ(verdict(kEvil.substr(2)), "malicious: dangerous-global");  // protocol 0, which has no mark
  EXPECT_EQ(verdict("\x80\x02"
                    "cmy.layers\nScaler\n)R."),
            "suspicious: unknown-global");
  EXPECT_EQ(verdict("\x80\x02"
                    "cmy.layers\nScaler\n)R.",
                    "my.layers.Scaler"),
            "clean");
  EXPECT_EQ(verdict("\x80\x02"
                    "ccollections\nOrderedDict\n)R."),
            "clean");
  EXPECT_EQ(verdict("\x80\x02X\x09\0\0\0os.system."s), "clean");  // a text is no call
  EXPECT_EQ(verdict("\x80\x02"
                    "cos\nsystem\n0N."),
            "malicious: dangerous-global");  // named, popped, never called
}

TEST(Scan, WhatALoaderHasDoneByTheTimeThatAPickleBreaks) {
  EXPECT_EQ(verdict(kEvil.substr(0, kEvil.size() - 1)), "malicious: dangerous-global truncated");
  EXPECT_EQ(verdict(kEvil.substr(0, kEvil.size() - 1) + "\xff"), "malicious: dangerous-global corrupt");
  EXPECT_EQ(verdict(kGood.substr(0, 3)), "error: truncated");
}

TEST(Scan, HarmlessGlobalsInHarmfulUse) {
  EXPECT_EQ(verdict("\x80\x02"
                    "ccollections\nOrderedDict\n}X\x01\0\0\0aK\x01sb."s),
            "malicious: changes-global");
  EXPECT_EQ(verdict("\x80\x02"
                    "ccollections\nOrderedDict\n)R)R."),
            "suspicious: call-of-result");
  EXPECT_EQ(verdict("\x80\x02"
                    "ccollections\nOrderedDict\n)R}X\x09\0\0\0__class__K\x01sb."s),
            "suspicious: state-sets-hook");
  EXPECT_EQ(verdict("\x80\x02"
                    "ccollections\nOrderedDict\n)RX\x01\0\0\0b\x93."s),
            "malicious: computed-global");
  EXPECT_EQ(verdict("\x80\x02\x82\x01."), "suspicious: extension-code");
}

TEST(Scan, FunctionsThatAreHarmlessByWhatTheyAreGiven) {
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\ntype\nN\x85R."),
            "clean");  // NoneType
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\ntype\nK\x01\x85R."),
            "suspicious: unknown-global");
  EXPECT_EQ(verdict("\x80\x02"
                    "cfunctools\npartial\nccollections\nOrderedDict\n\x85R."),
            "clean");
  EXPECT_EQ(verdict("\x80\x02"
                    "cfunctools\npartial\ncos\nsystem\n\x85R."),
            "malicious: dangerous-global dangerous-global");
  // The state sets the function once more: both must be the same.
  EXPECT_EQ(verdict("\x80\x02"
                    "cfunctools\npartial\nccollections\nOrderedDict\n\x85R(ccollections\nCounter\n)}}tb."),
            "malicious: dangerous-global");
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\ngetattr\nccollections\nOrderedDict\nX\x04\0\0\0evil\x86R."s),
            "malicious: dangerous-global");
}

TEST(Scan, HarmlessFunctionsThatAskForMemory) {
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\nbytearray\n\x8a\x06\0\0\0\0\0\x01\x85R."s),
            "error: memory-bomb");
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\nbytearray\nK\x05\x85R."),
            "clean");
  EXPECT_EQ(verdict("\x80\x02"
                    "c__builtin__\nlist\nc__builtin__\nxrange\n\x8a\x06\0\0\0\0\0\x01\x85R\x85R."s),
            "error: memory-bomb");
}

TEST(Scan, SeveralPicklesAndWhatFollowsThem) {
  EXPECT_EQ(verdict(kGood + kGood), "clean: several-pickles");
  EXPECT_EQ(verdict(kGood + kEvil), "malicious: several-pickles dangerous-global");
  EXPECT_EQ(verdict(kGood + "junk"), "suspicious: trailing-data");
  EXPECT_EQ(verdict(kGood + std::string(8, '\0')), "suspicious: trailing-data");
  EXPECT_EQ(verdict(kGood + zip_of({{"a.pkl", kEvil}})).substr(0, 26), "malicious: trailing-data d");
}

TEST(Scan, TwoReadings) {
  // For joblib, two bytes of an array; for pickle.load, opcodes. Here the array holds the start of another call.
  const std::string payload = "cos\nsystem\n)R0";
  const std::string wrapper =
      "\x80\x02"
      "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(U\x05shapeK" +
      std::string(1, static_cast<char>(payload.size())) +
      "\x85U\x05orderU\x01"
      "CU\x05"
      "dtypecnumpy\ndtype\nU\x02u1\x85Rub";
  EXPECT_EQ(verdict(wrapper + std::string(payload.size(), 'x') + "."), "clean");
  EXPECT_EQ(verdict(wrapper + payload + "."), "malicious: two-readings");
}

TEST(Scan, Arrays) {
  const std::string header = npy::write_header(npy::parse_type("<f8", Where{}), {1});
  EXPECT_EQ(verdict(header + std::string(8, '\0')), "clean");
  EXPECT_EQ(verdict(header), "error: truncated");
  EXPECT_EQ(verdict(header + std::string(9, '\0')), "suspicious: trailing-data");
  const std::string objects = npy::write_header(npy::parse_type("|O", Where{}), {1});
  EXPECT_EQ(verdict(objects + kEvil), "malicious: dangerous-global");
  EXPECT_EQ(verdict("\x80\x02"
                    "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1b\x87R(K\1K\5\x85"
                    "cnumpy\ndtype\nU\2u1\x85R\x89U\1atb."s),
            "error: corrupt");
}

TEST(Scan, Containers) {
  EXPECT_EQ(verdict(zip_of({{"archive/data.pkl", kGood}, {"archive/version", "3\n"}})), "clean");
  EXPECT_EQ(verdict(zip_of({{"archive/data.pkl", kEvil}})), "malicious: dangerous-global");
  EXPECT_EQ(verdict(zip_of({{"notes.bin", kEvil}})), "malicious: dangerous-global");  // whatever it is called
  EXPECT_EQ(verdict(zip_of({{"notes.txt", kEvil.substr(2)}})), "malicious: dangerous-global");
  EXPECT_EQ(verdict(zip_of({{"inner.zip", zip_of({{"a", kEvil}})}})), "malicious: dangerous-global");
  EXPECT_EQ(verdict(zip_of({{"weights.bin", "\x01\x02\x03\x04"}})), "error: unknown-format");
  EXPECT_EQ(verdict(zip_of({{"../up", "x"}})), "malicious: unsafe-name");
  EXPECT_EQ(verdict(zip_of({{"a/data/0", "\x01\x02\x03\x04"}})), "clean");  // tensor data mean nothing by themselves
  EXPECT_EQ(verdict(zip_of({{"a/data/0", kEvil}})), "suspicious: hidden-pickle");
  EXPECT_EQ(verdict(zip_of({{"a/code/__torch__.py", "def forward(self):\n  return torch.from_file(\"/etc/passwd\")\n"}})),
            "malicious: dangerous-operator");
  EXPECT_EQ(verdict(tar_of("data.pkl", kEvil)), "malicious: dangerous-global");
  EXPECT_EQ(verdict(tar_of("data.pkl", kGood)), "clean");
  EXPECT_EQ(verdict(tar_of("../data.pkl", kGood)), "malicious: unsafe-name");
  EXPECT_EQ(verdict(tar_of("data.pkl", "", '2')), "malicious: link");
  std::string nested = kEvil;
  for (int i = 0; i < 10; ++i) nested = zip_of({{"a", nested}});
  EXPECT_EQ(verdict(nested), "error: limit");
}

TEST(Scan, JsonThatNamesClasses) {
  const auto skops = [](const std::string& schema) { return verdict(zip_of({{"schema.json", schema}})); };
  EXPECT_EQ(skops(R"({"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {}})"), "clean");
  EXPECT_EQ(skops(R"({"__class__": "LinearRegression", "__module__": "sklearn.linear_model._base", "__loader__": "ObjectNode"})"), "clean");
  EXPECT_EQ(skops(R"({"a": [{"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode"}]})"),
            "malicious: dangerous-global");
  EXPECT_EQ(skops(R"({"__class__": "call", "__module__": "builtins", "__loader__": "OperatorFuncNode"})"),
            "malicious: unknown-global dangerous-global");
  EXPECT_EQ(skops(R"({"__class__": "Scaler", "__module__": "mine", "__loader__": "ObjectNode"})"), "suspicious: unknown-global");
  EXPECT_EQ(skops(R"({"__class__": "function", "__module__": "os", "__loader__": "FunctionNode", "content": "system"})"),
            "malicious: dangerous-global");
  EXPECT_EQ(skops(std::string(100'000, '[')), "error: limit");
  EXPECT_EQ(skops("{"), "error: corrupt");
  const auto keras = [](const std::string& config) { return verdict(zip_of({{"config.json", config}})); };
  EXPECT_EQ(keras(R"({"module": "keras.layers", "class_name": "Dense", "config": {}})"), "clean");
  EXPECT_EQ(keras(R"({"module": "keras.layers", "class_name": "Lambda", "config": {}})"), "malicious: dangerous-layer");
  EXPECT_EQ(keras(R"({"class_name": "\u004cambda", "class_name": "Dense"})"), "malicious: dangerous-layer");  // either value may be taken
  EXPECT_EQ(keras(R"({"module": "os", "class_name": "function", "config": "system"})"), "malicious: dangerous-global");
  EXPECT_EQ(keras(R"({"vocabulary": "http://127.0.0.1/v"})"), "malicious: reads-elsewhere");
}

TEST(Scan, SignaturesInWhatIsNotRead) {
  EXPECT_EQ(verdict("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><PMML/>"), "malicious: external-entity unknown-format");
  EXPECT_EQ(verdict("<PMML/>"), "error: unknown-format");
  EXPECT_EQ(verdict("\x0a\x01n\x12\x09WriteFile"), "malicious: dangerous-operator unknown-format");
}

TEST(Scan, NothingUnreadIsClean) {
  EXPECT_EQ(verdict(""), "error: truncated");
  EXPECT_EQ(verdict("7z\xbc\xaf\x27\x1c"), "malicious: foreign-container");
  EXPECT_EQ(verdict("Hello, I am no model.\n"), "error: unknown-format");
  EXPECT_EQ(verdict("config\nvalue\n"), "error: unknown-format");  // begins like a GLOBAL
  EXPECT_EQ(verdict(std::string(100, '\0')), "error: unknown-format");
}

TEST(Scan, FindingsSayWhere) {
  const Report report = scan(zip_of({{"a/data.pkl", kEvil}}));
  ASSERT_EQ(report.findings().size(), 1u);
  EXPECT_EQ(report.findings()[0].member, "a/data.pkl");
  EXPECT_EQ(report.findings()[0].offset, 2u);
  EXPECT_EQ(report.findings()[0].text, "os.system: runs commands or changes files and processes");
  EXPECT_EQ(report.depth, 0u);
}

TEST(Scan, ADroppedFindingIsNeverTheWorst) {
  std::string bytes = "\x80\x02";
  for (int i = 0; i < 2000; ++i) bytes += "cunknown" + std::to_string(i) + "\nname\n0";
  const Report report = scan(bytes + kEvil.substr(2));
  EXPECT_LT(report.findings().size(), 600u);
  EXPECT_EQ(report.findings().back().rule, "dangerous-global");
  EXPECT_EQ(report.verdict(), "malicious");
}

}  // namespace
}  // namespace decant

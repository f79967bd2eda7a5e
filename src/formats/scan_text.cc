// SPDX-License-Identifier: Apache-2.0
#include "formats/scan_text.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "frameworks/known.h"

namespace decant {
namespace {

using namespace std::string_view_literals;
using Json = nlohmann::json;

// Classes of plain values that skops names besides those that pickles do (skops/io/_general.py, _numpy.py).
bool is_plain_class(std::string_view module, std::string_view name) {
  if (module == "builtins") {
    static constexpr std::array<std::string_view, 20> kPlain{
        "str",   "int",   "float",     "bool",    "NoneType", "dict", "list",     "tuple",  "set",    "frozenset",
        "slice", "bytes", "bytearray", "complex", "range",    "type", "function", "method", "object", "builtin_function_or_method"};
    return std::ranges::find(kPlain, name) != kPlain.end();
  }
  if (module == "numpy.dtypes") return true;
  if (module.starts_with("numpy.random.")) {
    static constexpr std::array<std::string_view, 7> kRandom{"RandomState", "Generator", "MT19937", "PCG64",
                                                             "PCG64DXSM",   "Philox",    "SFC64"};
    return std::ranges::find(kRandom, name) != kRandom.end();
  }
  return false;
}

// Walks the text without building it: depth is bounded, and of a repeated key every value counts, whichever a reader takes.
class Handler : public nlohmann::json_sax<Json> {
 public:
  Handler(const Source& source, Report& report) : source_(source), report_(report) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool string(string_t& text) override {
    if (!frames_.empty() && !key_.empty()) text_value(frames_.back(), text);
    return value();
  }
  bool key(string_t& text) override {
    key_ = text;
    return true;
  }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(true); }
  bool end_array() override { return close(false); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    report_.add(Error(Code::corrupt, source_.where(position), "is no JSON"));
    return false;
  }

 private:
  struct Frame {
    std::string module, name, loader, content;  // skops
    std::string keras_module, keras_class, keras_config;
  };

  bool value() {
    key_.clear();
    return true;
  }
  bool open() {
    source_.budget().check_depth(static_cast<std::uint32_t>(frames_.size()), source_.where());
    source_.budget().charge_items(1, source_.where());
    frames_.emplace_back();
    return value();
  }
  bool close(bool object) {
    if (object) judge_frame(frames_.back());
    frames_.pop_back();
    return value();
  }

  void add(Severity severity, std::string_view rule, std::string text) { report_.add(severity, rule, std::move(text), source_.where()); }

  void text_value(Frame& frame, const std::string& text) {
    if (key_ == "__module__")
      frame.module = text;
    else if (key_ == "__class__")
      frame.name = text;
    else if (key_ == "__loader__")
      frame.loader = text;
    else if (key_ == "content")
      frame.content = text;
    else if (key_ == "module")
      frame.keras_module = text;
    else if (key_ == "config")
      frame.keras_config = text;
    else if (key_ == "class_name") {
      frame.keras_class = text;
      for (const std::string_view bad : {"Lambda", "__lambda__", "TFSMLayer", "TorchModuleWrapper"}) {
        if (text == bad) add(Severity::malicious, "dangerous-layer", format("a layer {}: runs code that the file brings along", bad));
      }
    } else if (key_ == "vocabulary" &&
               (text.find("://") != std::string::npos || text.starts_with('/') || text.find("..") != std::string::npos)) {
      add(Severity::malicious, "reads-elsewhere", format("a vocabulary is read from {}", printable(text, 80)));
    }
  }

  void judge_global(const std::string& module, const std::string& name) {
    const Judgement judgement = judge(module, name);
    const std::string full = format("{}.{}", printable(module, 100), printable(name, 100));
    if (judgement.known == Known::harmless || is_plain_class(module, name) || report_.allowed.contains(full)) return;
    if (judgement.known == Known::dangerous) {
      add(Severity::malicious, "dangerous-global", format("{}: {}", full, judgement.what));
    } else {
      add(Severity::suspicious, "unknown-global", format("{} is not known to be harmless", full));
    }
  }

  void judge_frame(const Frame& frame) {
    if (!frame.name.empty()) {
      const bool function =
          frame.loader == "FunctionNode" || frame.name == "function" || frame.name == "ufunc" || frame.name == "builtin_function_or_method";
      judge_global(frame.module, function && !frame.content.empty() ? frame.content : frame.name);
      if (frame.loader == "OperatorFuncNode") judge_global("operator", frame.name);  // whatever module it says (CVE-2025-54412)
      if (frame.loader == "MethodNode") add(Severity::suspicious, "unknown-global", "a method of an object, by name");
    }
    // Keras' own classes are what it deserialises by itself; of all others only what is known to be dangerous counts.
    const bool own = frame.keras_module == "keras" || frame.keras_module.starts_with("keras.") ||
                     frame.keras_module.starts_with("tensorflow.") || frame.keras_module.starts_with("tf_keras");
    if (frame.keras_module.empty() || frame.keras_class.empty() || own) return;
    const std::string& name = frame.keras_class == "function" && !frame.keras_config.empty() ? frame.keras_config : frame.keras_class;
    if (const Judgement judgement = judge(frame.keras_module, name); judgement.known == Known::dangerous) {
      add(Severity::malicious, "dangerous-global",
          format("{}.{}: {}", printable(frame.keras_module, 100), printable(name, 100), judgement.what));
    }
  }

  const Source& source_;
  Report& report_;
  std::string key_;
  std::vector<Frame> frames_;
};

struct Signature {
  std::string_view bytes, text;
};

// Operators of TensorFlow that run code or touch files, as NodeDef holds them: field 2, the length, the name.
constexpr Signature kOperators[] = {
    {"\x12\x06PyFunc"sv, "PyFunc: calls Python"},
    {"\x12\x0fPyFuncStateless"sv, "PyFuncStateless: calls Python"},
    {"\x12\x0b"
     "EagerPyFunc"sv,
     "EagerPyFunc: calls Python"},
    {"\x12\x08ReadFile"sv, "ReadFile: reads a file"},
    {"\x12\x09WriteFile"sv, "WriteFile: writes a file"},
    {"\x12\x0dMatchingFiles"sv, "MatchingFiles: lists files"},
    {"\x12\x11WholeFileReaderV2"sv, "WholeFileReaderV2: reads a file"},
    {"\x12\x0f"
     "DebugIdentityV3"sv,
     "DebugIdentityV3: writes to an address"},
    {"\x12\x0f"
     "DebugIdentityV2"sv,
     "DebugIdentityV2: writes to an address"},
    {"\x12\x17"
     "CreateSummaryFileWriter"sv,
     "CreateSummaryFileWriter: writes a file"},
};

constexpr Signature kXml[] = {
    {"http://www.w3.org/2001/XInclude"sv, "XInclude: reads another document"},
};

}  // namespace

void scan_json(const Source& source, Report& report) {
  Handler handler(source, report);
  const std::string_view text = as_text(source.bytes());
  Json::sax_parse(text.begin(), text.end(), &handler);
}

void scan_signatures(const Source& source, Report& report) {
  const std::string_view text = as_text(source.bytes());
  const auto find = [&](const auto& signatures) {
    for (const Signature& s : signatures) {
      if (const std::size_t at = text.find(s.bytes); at != std::string_view::npos)
        report.add(Severity::malicious, "dangerous-operator", std::string(s.text), source.where(at));
    }
  };
  if (text.starts_with("\x89HDF\r\n\x1a\n"sv)) {
    for (const std::string_view layer : {"\"class_name\": \"Lambda\""sv, "\"class_name\":\"Lambda\""sv}) {
      if (const std::size_t at = text.find(layer); at != std::string_view::npos) {
        report.add(Severity::malicious, "dangerous-layer", "a layer Lambda: runs code that the file brings along", source.where(at));
      }
    }
  } else if (const std::size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
             first != std::string_view::npos && text[first] == '<') {
    find(kXml);
    for (std::size_t at = text.find("<!ENTITY"); at != std::string_view::npos; at = text.find("<!ENTITY", at + 1)) {
      const std::string_view declaration = text.substr(at, std::min(text.find('>', at), text.size()) - at);
      if (declaration.find("SYSTEM") != std::string_view::npos || declaration.find("PUBLIC") != std::string_view::npos) {
        report.add(Severity::malicious, "external-entity", "an XML entity that is read from a file or an address", source.where(at));
      }
    }
  } else {
    find(kOperators);
  }
}

}  // namespace decant

// SPDX-License-Identifier: Apache-2.0
// What a pickle would do when it is loaded. Every global that it names is judged, used or not, popped or not, up to where the pickle
// breaks: a loader has run all of that by then. Then what genuine writers never do: calls of what a call returned, state set on
// classes, and every place where real loaders would read other opcodes than this one.
#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "codecs/npy/npy.h"
#include "formats/scan.h"
#include "formats/scan_torch.h"
#include "frameworks/known.h"
#include "frameworks/python/numpy.h"
#include "frameworks/python/objects.h"

namespace decant {
namespace {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Tree;

constexpr std::size_t kMostDistinct = 20'000;  // genuine pickles name a few hundred
constexpr std::int64_t kMostMemory = std::int64_t{1} << 31;

struct OddityRule {
  std::string_view rule;
  Severity severity;
};

// Severity of what the pickle machine found odd.
constexpr OddityRule kOddities[] = {
    {"changes-global", Severity::malicious}, {"computed-global", Severity::malicious},
    {"sparse-memo", Severity::error},        {"unknown-protocol", Severity::error},
    {"out-of-band", Severity::error},        {"stack-not-clean", Severity::error},  // a call that is left there is said to be discarded
};

Severity severity_of(const pickle::Oddity& oddity) {
  const auto* found = std::ranges::find(kOddities, std::string_view(oddity.rule), &OddityRule::rule);
  return found == std::end(kOddities) ? Severity::suspicious : found->severity;
}

bool is_named_text(const Node& global) { return global.items[0]->is_text() && global.items[1]->is_text(); }

// Attributes whose value decides what Python does with an object: setting one is more than giving it data.
bool is_hook(std::string_view name) {
  static constexpr std::string_view kHooks[] = {"__class__",         "__reduce__",     "__reduce_ex__", "__setstate__",   "__getstate__",
                                                "__getattribute__",  "__getattr__",    "__setattr__",   "__delattr__",    "__del__",
                                                "__code__",          "__globals__",    "__builtins__",  "__subclasses__", "__bases__",
                                                "__mro__",           "__init__",       "__new__",       "__call__",       "__getitem__",
                                                "__init_subclass__", "__set_name__",   "__import__",    "__loader__",     "__spec__",
                                                "__defaults__",      "__kwdefaults__", "__closure__",   "__wrapped__"};
  return std::ranges::find(kHooks, name) != std::end(kHooks);
}

bool is_path(std::string_view text) {
  return text.starts_with('/') || text.find("..") != std::string_view::npos || text.find('\\') != std::string_view::npos;
}

class Scan {
 public:
  Scan(const Tree& tree, Report& report) : tree_(tree), report_(report) {}

  void run() {
    for (const Ref call : tree_.calls) excuse(*call);
    // The class of a storage is data to torch's loader: one that it does not know is an error there, never a call.
    for (const Ref id : tree_.persistents) {
      const Node& tuple = *id->items[0];
      if (tuple.kind == Kind::tuple && tuple.items.size() > 1 && torch::is_unknown_storage(*tuple.items[1]))
        excused_.push_back(tuple.items[1]);
    }
    std::ranges::sort(excused_);
    std::ranges::sort(types_);
    for (const Ref global : tree_.globals) judge_global(*global);
    for (const Ref call : tree_.calls) judge_call(*call);
    for (const pickle::Oddity& oddity : tree_.oddities) {
      report_.add(severity_of(oddity), oddity.rule, oddity.text, tree_.source.where(oddity.offset));
    }
  }

 private:
  void add(Severity severity, std::string_view rule, std::string text, const Node& node) {
    report_.add(severity, rule, std::move(text), tree_.where(node));
  }

  bool allowed(const Node& global) const { return report_.allowed.contains(format("{}.{}", global.module(), global.name())); }

  bool harmless(const Node& global) const {
    return global.kind == Kind::global && is_named_text(global) &&
           (judge(global.module(), global.name()).known == Known::harmless || allowed(global));
  }

  // Functions that are dangerous by themselves, but that libraries do write with arguments that make them harmless. What is named
  // here as a global is excused at this one place only: the node of this call's callee.
  void excuse(const Node& call) {
    const Node& callee = *call.callee();
    const Node& args = *call.args();
    if (callee.kind != Kind::global || args.kind != Kind::tuple || call.kwargs() != nullptr) return;
    const auto text = [&](std::size_t i) {
      return i < args.items.size() && args.items[i]->is_text() ? args.items[i]->text() : std::string_view();
    };
    const bool builtin = is_named_text(callee) && (callee.module() == "builtins" || callee.module() == "__builtin__");
    bool good = false;
    if (callee.is_global("functools", "partial")) {
      // A call for later of what is harmless now; every global is judged by itself. BUILD sets the function once more.
      const Ref state = python::state_of(call);
      const bool same = state == nullptr || (state->kind == Kind::tuple && state->items.size() == 4 && state->items[0] == args.items[0]);
      good = args.items.size() == 1 && harmless(*args.items[0]) && same;
    } else if (builtin && callee.name() == "type") {
      good = args.items.size() == 1 && args.items[0]->kind == Kind::none;  // NoneType, as save_type writes it
    } else if (builtin && callee.name() == "getattr") {
      // Protocols below 4 write a method as getattr(class, name); the tables list it as class.name.
      good = args.items.size() == 2 && harmless(*args.items[0]) &&
             judge(args.items[0]->module(), format("{}.{}", args.items[0]->name(), text(1))).known == Known::harmless;
    } else if (callee.is_global("numpy.core", "_ufunc_reconstruct") || callee.is_global("numpy._core", "_ufunc_reconstruct")) {
      // NumPy before 1.20 wrote a ufunc so; it imports its first argument.
      good = args.items.size() == 2 && (judge(text(0), text(1)).known == Known::harmless ||
                                        (text(0).starts_with("numpy") && judge("numpy", text(1)).known == Known::harmless));
    } else if (callee.is_global("dill._dill", "_load_type") || callee.is_global("dill.dill", "_load_type")) {
      static constexpr std::array<std::string_view, 14> kTypes{"slice", "range", "list", "tuple", "dict", "set",     "frozenset",
                                                               "int",   "float", "str",  "bytes", "bool", "complex", "NoneType"};
      good = args.items.size() == 1 && std::ranges::find(kTypes, text(0)) != kTypes.end();
      if (good) types_.push_back(&call);
    } else if (callee.is_global("pytz", "_p") || callee.is_global("zoneinfo", "ZoneInfo") ||
               callee.is_global("zoneinfo", "ZoneInfo._unpickle")) {
      good = !args.items.empty() && !is_path(text(0)) && !text(0).empty();
    } else if (callee.is_global("torch.storage", "_load_from_bytes")) {
      good = args.items.size() == 1 && args.items[0]->kind == Kind::bytes;  // a whole torch file: scanned below
    }
    if (good) excused_.push_back(&callee);
    // The class of a mapped array, where NumPy only asks for its type.
    const bool reconstruct = is_named_text(callee) && callee.name() == "_reconstruct" &&
                             (callee.module() == "numpy.core.multiarray" || callee.module() == "numpy._core.multiarray");
    if (reconstruct && !args.items.empty() && args.items[0]->kind == Kind::global && is_named_text(*args.items[0]) &&
        args.items[0]->name() == "memmap" && args.items[0]->module().starts_with("numpy")) {
      excused_.push_back(args.items[0]);
    }
  }

  void judge_global(const Node& global) {
    if (!is_named_text(global)) return;  // the machine said so: computed-global
    if (std::ranges::binary_search(excused_, &global)) return;
    const std::string_view module = global.module(), name = global.name();
    if (judged_.size() >= kMostDistinct) {
      add(Severity::suspicious, "too-many-globals", format("names more than {} different globals", kMostDistinct), global);
      return;
    }
    std::string key(module);
    key += '\0';
    key += name;
    if (!judged_.insert(std::move(key)).second) return;  // the first place says it
    const Judgement judgement = judge(module, name);
    if (judgement.known == Known::harmless || allowed(global)) return;
    const std::string full = format("{}.{}", printable(module, 100), printable(name, 100));
    if (judgement.known == Known::dangerous) {
      add(Severity::malicious, "dangerous-global", format("{}: {}", full, judgement.what), global);
    } else {
      add(Severity::suspicious, "unknown-global", format("{} is not known to be harmless", full), global);
    }
  }

  void judge_call(const Node& call) {
    const Node& callee = *call.callee();
    if (callee.kind != Kind::global && callee.kind != Kind::extension && !std::ranges::binary_search(types_, &callee)) {
      add(Severity::suspicious, "call-of-result", "calls what another call returned", call);
    }
    if (asks_for_memory(callee, *call.args())) add(Severity::error, "memory-bomb", "asks for gigabytes of memory when it is loaded", call);
    if (call.extra != nullptr) {
      for (const Ref state : call.extra->states) judge_state(*state);
    }
    if (callee.is_global("torch.storage", "_load_from_bytes") && call.args()->kind == Kind::tuple && call.args()->items.size() == 1) {
      if (const auto bytes = python::bytes_of(*call.args()->items[0], tree_.source, tree_.owner)) {
        ++report_.depth;
        scan_source(tree_.source.member("_load_from_bytes", *bytes), report_);
        --report_.depth;
      }
    }
    if (const Ref type = python::class_of(call); type != nullptr && (type->name() == "NDArrayWrapper" || type->name() == "ZNDArrayWrapper"))
      scan_beside(call);
    // Arrays that lie about their size are caught here, and files beside this one are read.
    try {
      if (const auto array = python::as_array(tree_, call); array) return;
      if (callee.kind == Kind::global && callee.name() == "dtype") {
        python::as_type(tree_, call);
      } else if (callee.kind == Kind::global && callee.name() == "scalar") {
        python::as_scalar(tree_, call);
      }
    } catch (const Error& error) {
      if (error.code() != Code::unsupported || error.text().find("out-of-band") != std::string::npos) report_.add(error);
    }
  }

  // bytearray(10**15), list(range(10**15)): harmless functions, harmful numbers.
  static bool asks_for_memory(const Node& callee, const Node& args) {
    if (callee.kind != Kind::global || args.kind != Kind::tuple || args.items.empty()) return false;
    if (callee.module() != "builtins" && callee.module() != "__builtin__" && callee.module() != "collections") return false;
    const auto huge = [](const Node& node) {
      return node.kind == Kind::big_integer || (node.kind == Kind::integer && node.integer > kMostMemory);
    };
    const Node& first = *args.items[0];
    if (callee.name() == "bytes" || callee.name() == "bytearray") return huge(first);
    const bool range = first.kind == Kind::call && first.callee()->kind == Kind::global &&
                       (first.callee()->name() == "range" || first.callee()->name() == "xrange");
    return range && first.args()->kind == Kind::tuple && std::ranges::any_of(first.args()->items, [&](Ref item) { return huge(*item); });
  }

  // joblib before 0.10 put arrays into files beside the pickle; an array of objects there is a pickle again.
  void scan_beside(const Node& call) {
    try {
      const auto name = python::text_of(python::attribute(call, "filename"));
      const auto sibling = name ? tree_.source.sibling(*name) : std::nullopt;
      if (sibling && npy::looks_like(sibling->bytes())) scan_source(*sibling, report_);
    } catch (const Error& error) {
      report_.add(error);
    }
  }

  void judge_state(const Node& state) {
    const auto keys = [&](const Node& dict) {
      if (dict.kind != Kind::dict) return;
      for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
        const Node& key = *dict.items[i];
        if (key.is_text() && is_hook(key.text()))
          add(Severity::suspicious, "state-sets-hook", format("the state of an object sets {}", printable(key.text(), 60)), key);
      }
    };
    keys(state);
    if (state.kind == Kind::tuple && state.items.size() == 2) keys(*state.items[0]), keys(*state.items[1]);
  }

  const Tree& tree_;
  Report& report_;
  std::vector<Ref> excused_;  // globals that are harmless where they stand
  std::vector<Ref> types_;    // calls that only name a type
  std::unordered_set<std::string> judged_;
};

// Whether what follows a STOP is a pickle too, as far as its beginning tells.
bool looks_like_pickle(Bytes bytes) {
  return bytes.size() > 2 && bytes[0] == std::byte{0x80} && std::to_integer<unsigned>(bytes[1]) >= 1 &&
         std::to_integer<unsigned>(bytes[1]) <= 5;
}

/// The same bytes as a plain unpickler reads them, which knows nothing of joblib's raw arrays. Only what is known to be dangerous
/// counts: it runs into the first array and reads numbers as opcodes.
void scan_without_joblib(const Source& source, std::uint64_t start, Report& report) {
  Cursor cursor(source, start);
  const pickle::Partial partial = pickle::parse_partial(cursor);
  for (const Ref global : partial.tree.globals) {
    if (!is_named_text(*global) || judge(global->module(), global->name()).known != Known::dangerous) continue;
    if (report.allowed.contains(format("{}.{}", global->module(), global->name()))) continue;
    report.add(Severity::malicious, "two-readings",
               format("{}.{}, where pickle.load reads opcodes in what joblib reads as an array", printable(global->module(), 100),
                      printable(global->name(), 100)),
               partial.tree.where(*global));
  }
}

}  // namespace

pickle::Partial scan_pickle(Cursor& cursor, Report& report) {
  static const pickle::Options kOptions = python::pickle_options();
  const std::uint64_t start = cursor.offset();
  pickle::Partial partial = pickle::parse_partial(cursor, kOptions);
  const auto has_raw = [](Ref call) { return call->extra != nullptr && call->extra->raw.data() != nullptr; };
  try {
    Scan(partial.tree, report).run();
    if (std::ranges::any_of(partial.tree.calls, has_raw)) scan_without_joblib(cursor.source(), start, report);
  } catch (const Error& error) {
    report.add(error);
  }
  if (partial.broke) report.add(*partial.broke);
  return partial;
}

void scan_pickles(Cursor& cursor, Report& report) {
  for (bool first = true;; first = false) {
    const pickle::Partial partial = scan_pickle(cursor, report);
    if (partial.broke || cursor.at_end()) return;
    if (first && torch::is_legacy(partial.tree)) {
      torch::scan_legacy(cursor, report);
      if (cursor.at_end()) return;
    }
    const Bytes rest = cursor.peek(cursor.left());
    if (!looks_like_pickle(rest)) {
      const bool zeros = std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{0}; });
      report.add(Severity::suspicious, "trailing-data",
                 format("{} bytes{} follow the end of the pickle", rest.size(), zeros ? ", all zero," : ""), cursor.where());
      scan_opaque(cursor.source().member("behind the pickle", cursor.take(cursor.left())), report);
      return;
    }
    report.add(Severity::note, "several-pickles", "more than one pickle in a row", cursor.where());
  }
}

void scan_pickles(const Source& source, Report& report) {
  Cursor cursor(source);
  scan_pickles(cursor, report);
}

void scan_opaque(const Source& source, Report& report) {
  const Bytes bytes = source.bytes();
  if (zip::looks_like(bytes)) {
    scan_source(source, report);
    return;
  }
  // A pickle of protocol 0 has no mark of its own; those that attack name a global in a line that starts with 'c'.
  const std::string_view text = as_text(bytes.first(std::min<std::size_t>(bytes.size(), 4096)));
  const bool old = text.size() > 4 && (text[0] == 'c' || text[0] == '(') && text.find('\n') != std::string_view::npos;
  if (!looks_like_pickle(bytes) && !old) return;
  Cursor cursor(source);
  const pickle::Partial partial = pickle::parse_partial(cursor);
  for (const Ref global : partial.tree.globals) {
    if (!is_named_text(*global)) continue;
    const bool dangerous = judge(global->module(), global->name()).known == Known::dangerous;
    if (!dangerous && partial.broke) continue;  // numbers that happened to look like opcodes
    report.add(Severity::suspicious, "hidden-pickle",
               format("a pickle that names {}.{} is hidden in the data", printable(global->module(), 100), printable(global->name(), 100)),
               partial.tree.where(*global));
  }
}

}  // namespace decant

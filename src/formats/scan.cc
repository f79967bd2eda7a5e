// SPDX-License-Identifier: Apache-2.0
#include "formats/scan.h"

#include <algorithm>
#include <new>

#include "base/text.h"
#include "codecs/compress/compress.h"
#include "codecs/npy/npy.h"
#include "codecs/tar/tar.h"
#include "formats/format.h"
#include "formats/scan_text.h"
#include "formats/scan_torch.h"
#include "frameworks/known.h"
#include "frameworks/python/numpy.h"

namespace decant {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMostFindings = 500;  // of a file that repeats itself a million times, the first say it all
constexpr std::uint32_t kMostDepth = 6;     // containers in containers: a pickle in gzip in zip in zip is 3

bool starts_with(const Source& source, std::string_view magic) { return as_text(source.bytes()).starts_with(magic); }

// Containers that no loader of models reads. Attackers use them so that scanners give up (nullifAI, February 2025).
std::string_view foreign_container(const Source& source) {
  if (starts_with(source, "7z\xbc\xaf\x27\x1c"sv)) return "7z";
  if (starts_with(source, "Rar!\x1a\x07"sv)) return "RAR";
  if (starts_with(source, "MSCF\0\0\0\0"sv)) return "cabinet";
  if (starts_with(source, "xar!"sv)) return "xar";
  return {};
}

bool ends_as_zip(Bytes bytes) {
  const std::string_view tail = as_text(bytes.last(std::min<std::size_t>(bytes.size(), 22 + 0xFFFF)));
  return tail.find("PK\x05\x06"sv) != std::string_view::npos;
}

void scan_compressed(const Source& source, compress::Method method, Report& report) {
  Cursor cursor(source);
  compress::Unpacked unpacked = compress::unpack(cursor, method);
  if (!cursor.at_end()) {
    report.add(Severity::suspicious, "trailing-data", format("{} bytes follow the compressed data", cursor.left()), cursor.where());
    scan_opaque(source.member("behind the compressed data", cursor.take(cursor.left())), report);
  }
  scan_source(source.unpacked(compress::name_of(method), std::move(unpacked.data)), report);
}

void scan_tar(const Source& source, Report& report) {
  const tar::Archive archive = tar::read(source);
  for (const tar::Entry& entry : archive.entries) {
    const Where where = source.where(entry.offset, entry.name);
    if (entry.unsafe_name())
      report.add(Severity::malicious, "unsafe-name", format("\"{}\" is a name that leads out of the archive", printable(entry.name, 80)),
                 where);
    if (entry.is_link()) report.add(Severity::malicious, "link", format("\"{}\" is a link", printable(entry.name, 80)), where);
    if (!entry.is_file()) continue;
    if (entry.size != 0) scan_source(tar::member(source, entry), report);
  }
  if (archive.end != source.size())
    report.add(Severity::suspicious, "trailing-data", format("{} bytes follow the archive", source.size() - archive.end),
               source.where(archive.end));
}

void scan_npy(const Source& source, Report& report) {
  Cursor cursor(source);
  const npy::Header header = npy::read_header(cursor);
  if (header.type.has_objects()) {
    scan_pickles(cursor, report);
    return;
  }
  cursor.seek(0);
  python::read_npy(cursor);
  if (!cursor.at_end())
    report.add(Severity::suspicious, "trailing-data", format("{} bytes follow the array", cursor.left()), cursor.where());
}

bool is_text(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  return text.find('\0') == std::string_view::npos && printable(text.substr(0, 4096), 1 << 16).find("\\x"sv) == std::string_view::npos;
}

// Pickles of protocol 0 and 1 have no magic number: they are recognised by being readable, or by a known name before they break.
bool try_old_pickle(const Source& source, Report& report) {
  Cursor cursor(source);
  const pickle::Partial partial = pickle::parse_partial(cursor, python::pickle_options());
  const auto is_known = [](pickle::Ref global) { return judge(global->module(), global->name()).known != Known::unknown; };
  const bool reads = partial.broke
                         ? std::ranges::any_of(partial.tree.globals, is_known)
                         : cursor.at_end() || !partial.tree.globals.empty() || torch::is_legacy(partial.tree) || source.size() < 64;
  if (!reads) return false;
  cursor.seek(0);
  scan_pickles(cursor, report);
  return true;
}

void scan_formats(const Source& source, Report& report) {
  Probe best = Probe::maybe;
  std::vector<const Format*> fitting;
  for (const Format* f : all_formats()) {
    if (f->scan == nullptr) continue;
    const Probe probe = f->probe(source);
    if (probe == Probe::no || probe < best) continue;
    if (probe > best) fitting.clear();
    best = probe;
    fitting.push_back(f);
  }
  // When two fit equally well, loaders may take either: both are scanned.
  for (const Format* f : fitting) f->scan(source, report);
  if (!fitting.empty()) return;
  if (ends_as_zip(source.bytes())) {
    scan_zip(source, report);
  } else if (!try_old_pickle(source, report)) {
    scan_signatures(source, report);
    std::string first;
    for (const std::byte b : source.bytes().first(std::min<std::size_t>(source.size(), 8)))
      first += format("{:02x}", std::to_integer<unsigned>(b));
    report.add(Severity::error, "unknown-format", format("looks like nothing that is known (first bytes {})", first), source.where());
  }
}

void scan_content(const Source& source, Report& report) {
  if (report.depth > kMostDepth) throw Error(Code::limit, source.where(), format("containers nested deeper than {}", kMostDepth));
  if (source.size() == 0) throw Error(Code::truncated, source.where(), "is empty");
  if (const std::string_view foreign = foreign_container(source); !foreign.empty()) {
    report.add(Severity::malicious, "foreign-container",
               format("a {} archive, which no loader of models reads: it hides what is in it", foreign), source.where());
  } else if (const auto method = compress::recognise(source.bytes())) {
    scan_compressed(source, *method, report);
  } else if (npy::looks_like(source.bytes())) {
    scan_npy(source, report);
  } else if (tar::looks_like(source.bytes())) {
    scan_tar(source, report);
  } else {
    scan_formats(source, report);
  }
}

// Members of archives that are no models by themselves, but that archives of models are full of.
bool is_plain_member(std::string_view name, const Source& content) {
  const std::string_view base = name.substr(name.rfind('/') + 1);
  for (const std::string_view plain : {"version", "byteorder", ".format_version", ".storage_alignment", "serialization_id", ".version"}) {
    if (base == plain && content.size() <= 64) return true;
  }
  return is_text(content.bytes());
}

// TorchScript's own code is no Python, but its operators read files.
void scan_torchscript(const Source& content, Report& report) {
  static constexpr std::string_view kBad[] = {"torch.from_file(", "aten::from_file",     "ops.aten.from_file",   "torch.save(",
                                              "aten::save",       "ops.image.read_file", "ops.image.write_file", "ops.torchaudio.",
                                              "prim::PythonOp",   "__import__"};
  const std::string_view text = as_text(content.bytes());
  for (const std::string_view bad : kBad) {
    if (const std::size_t at = text.find(bad); at != std::string_view::npos) {
      report.add(Severity::malicious, "dangerous-operator", format("{} reads or writes files when the model runs", bad), content.where(at));
    }
  }
}

void scan_member(const zip::Archive& archive, const zip::Entry& entry, const Source& content, Report& report) {
  const std::string_view name = entry.name;
  const std::size_t slash = name.rfind('/');
  const std::string_view base = name.substr(slash == std::string_view::npos ? 0 : slash + 1);
  const std::string_view folder = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  const bool tensor =
      (folder == "data" || folder.ends_with("/data") || folder.ends_with("/constants") || folder.ends_with("/xl_model_weights")) &&
      base.find_first_not_of("0123456789") == std::string_view::npos;
  if (content.size() == 0) return;
  if (tensor) {
    scan_opaque(content, report);
  } else if (base.ends_with(".pkl") || base.ends_with(".debug_pkl")) {
    Cursor cursor(content);
    const pickle::Partial partial = scan_pickle(cursor, report);
    // Storages are members beside data.pkl: data/0, data/1, …
    torch::check_tensors(partial.tree, report, [&](std::string_view key) -> std::optional<std::uint64_t> {
      const zip::Entry* storage = archive.find(format("{}{}data/{}", folder, folder.empty() ? "" : "/", key));
      if (storage == nullptr) return std::nullopt;
      return storage->size;
    });
    if (!partial.broke && !cursor.at_end()) scan_pickles(cursor, report);
  } else if (base.ends_with(".py") && name.find("/code/") != std::string_view::npos) {
    scan_torchscript(content, report);
  } else if (base == "schema.json" || base == "config.json" || base == "metadata.json") {
    scan_json(content, report);
  } else if (is_plain_member(name, content)) {
    try_old_pickle(content, report);
  } else {
    scan_source(content, report);
  }
}

class Deeper {
 public:
  explicit Deeper(Report& report) : report_(report) { ++report_.depth; }
  ~Deeper() { --report_.depth; }

 private:
  Report& report_;
};

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::error:
      return "error";
    case Severity::suspicious:
      return "suspicious";
    case Severity::malicious:
      return "malicious";
  }
  return "?";
}

void Report::add(Severity severity, std::string_view rule, std::string text, const Where& where) {
  const auto same = [&](const Finding& f) { return f.rule == rule && f.text == text && f.member == where.member; };
  const bool worse = severity > worst_;
  worst_ = std::max(worst_, severity);
  if ((findings_.size() >= kMostFindings && !worse) || std::any_of(findings_.begin(), findings_.end(), same)) return;
  findings_.push_back({severity, std::string(rule), std::move(text), where.member, where.offset});
}

void Report::add(const Error& error) { add(Severity::error, name_of(error.code()), error.text(), error.where()); }

void scan_source(const Source& source, Report& report) {
  const Deeper deeper(report);
  try {
    scan_content(source, report);
  } catch (const Error& error) {
    report.add(error);
  } catch (const std::bad_alloc&) {
    report.add(Error(Code::limit, source.where(), "not enough memory"));
  }
}

void scan_zip(const Source& source, Report& report, const ScanMember& own) {
  const zip::Archive archive(source);
  for (const zip::Oddity& oddity : archive.oddities()) {
    const bool leads_out = oddity.rule == "unsafe-name" || oddity.rule == "link";
    report.add(leads_out ? Severity::malicious : Severity::suspicious, oddity.rule, oddity.text, source.where(oddity.offset));
  }
  for (const zip::Entry& entry : archive.entries()) {
    if (entry.is_folder() && entry.size == 0) continue;
    try {
      const Source content = [&] {
        try {
          return archive.read(entry);
        } catch (const Error& error) {
          // torch checks no checksums and other readers no sizes: what they would see is scanned all the same.
          report.add(error);
          return archive.read_unchecked(entry);
        }
      }();
      if (!own || !own(entry, content, report)) scan_member(archive, entry, content, report);
    } catch (const Error& error) {
      report.add(error);
    }
  }
  for (const zip::Archive::Gap& gap : archive.gaps()) {
    scan_opaque(source.member(format("hidden at {:#x}", gap.offset), source.data().slice(gap.offset, gap.size)), report);
  }
  if (!archive.comment().empty()) scan_opaque(source.member("comment", Blob::copy_of(archive.comment())), report);
}

}  // namespace decant

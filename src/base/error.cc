// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include "base/text.h"

namespace decant {

std::string_view name_of(Code code) {
  switch (code) {
    case Code::io: return "io";
    case Code::truncated: return "truncated";
    case Code::corrupt: return "corrupt";
    case Code::unsupported: return "unsupported";
    case Code::limit: return "limit";
    case Code::unsafe: return "unsafe";
    case Code::mismatch: return "mismatch";
    case Code::usage: return "usage";
  }
  return "unknown";
}

std::string Where::text() const {
  std::string out = printable(file);
  if (!member.empty()) out += '!' + printable(member);
  if (offset != kNoOffset) out += format("{}@{:#x}", out.empty() ? "" : " ", offset);
  if (!item.empty()) out += (out.empty() ? "" : " ") + printable(item);
  return out;
}

Error::Error(Code code, Where where, std::string_view text) : code_(code), where_(std::move(where)), text_(printable(text, 2000)) {
  const std::string place = where_.text();
  line_ = place.empty() ? format("{}: {}", name_of(code_), text_) : format("{}: {}: {}", place, name_of(code_), text_);
}

}  // namespace decant

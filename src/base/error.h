// SPDX-License-Identifier: Apache-2.0
// The one exception type of decant. Parsers throw it, and it is caught in four places only: the C ABI, the command line, the server
// and the test harnesses. What is expected ("not this format", "this writer cannot say that") is a value, never an Error.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

namespace decant {

enum class Code : std::uint8_t {
  io,           // the operating system refused: no such file, no permission, disk full
  truncated,    // the bytes end before what they promise
  corrupt,      // the bytes contradict their own format
  unsupported,  // well formed, but outside what decant knows
  limit,        // would exceed the budget of memory, items or depth
  unsafe,       // running it would need code out of the file
  mismatch,     // input and model do not fit together
  usage,        // the caller asked for something that does not exist
};

std::string_view name_of(Code code);

/// Where in a file something was found. Filled by Cursor and by whoever holds a parsed item's offset, never typed by hand.
struct Where {
  static constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

  std::string file;    // as the user named it
  std::string member;  // inside an archive, outermost first, joined with '!'
  std::string item;    // a tensor, an attribute, an operator
  std::uint64_t offset = kNoOffset;

  /// `m.pt!archive/data.pkl @0x1f4`
  std::string text() const;
};

class Error : public std::exception {
 public:
  Error(Code code, Where where, std::string_view text);
  Error(Code code, std::string_view text) : Error(code, Where{}, text) {}

  const char* what() const noexcept override { return line_.c_str(); }  // one line: place, code, fact
  Code code() const noexcept { return code_; }
  const Where& where() const noexcept { return where_; }
  const std::string& text() const noexcept { return text_; }  // the fact alone

 private:
  Code code_;
  Where where_;
  std::string text_, line_;
};

}  // namespace decant

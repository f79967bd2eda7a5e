// SPDX-License-Identifier: Apache-2.0
#include "codecs/flatbuffers/table.h"

#include "base/text.h"

namespace decant::flatbuffers {

Table::Table(const Source& source, std::uint64_t at) : source_(source), at_(at) {
  const std::int64_t vtable = static_cast<std::int64_t>(at) - cursor(at).le<std::int32_t>();
  if (vtable < 0) fail(Code::corrupt, "a table whose fields lie before the buffer");
  vtable_ = static_cast<std::uint64_t>(vtable);
  vtable_size_ = cursor(vtable_).le<std::uint16_t>();
  if (vtable_size_ < 4 || vtable_size_ % 2 != 0) fail(Code::corrupt, format("a table of fields of {} bytes", vtable_size_));
}

Table Table::root(const Source& source) { return {source, Cursor(source).le<std::uint32_t>()}; }

Cursor Table::cursor(std::uint64_t at) const {
  Cursor out(source_);
  out.seek(at);
  return out;
}

std::uint64_t Table::field(unsigned slot) const {
  const std::uint64_t entry = 4 + std::uint64_t{2} * slot;
  if (entry + 2 > vtable_size_) return 0;
  const auto offset = cursor(vtable_ + entry).le<std::uint16_t>();
  return offset == 0 ? 0 : at_ + offset;
}

std::uint64_t Table::follow(std::uint64_t at) const { return at + cursor(at).le<std::uint32_t>(); }

std::string_view Table::text(unsigned slot) const {
  const std::uint64_t at = field(slot);
  if (at == 0) return {};
  Cursor c = cursor(follow(at));
  const auto n = c.le<std::uint32_t>();
  return c.text(n);
}

std::string Table::inlined(unsigned slot, std::uint64_t size) const {
  const std::uint64_t at = field(slot);
  if (at == 0) return {};
  return std::string(cursor(at).text(size));
}

std::optional<Table> Table::table(unsigned slot) const {
  const std::uint64_t at = field(slot);
  if (at == 0) return std::nullopt;
  return Table(source_, follow(at));
}

std::vector<Table> Table::tables(unsigned slot) const {
  std::vector<Table> out;
  const std::uint64_t at = field(slot);
  if (at == 0) return out;
  Cursor c = cursor(follow(at));
  const std::size_t n = c.count(c.le<std::uint32_t>(), 4);
  c.budget().charge_items(n, c.where());
  c.budget().charge(std::uint64_t{n} * sizeof(Table), "tables", c.where());
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t here = c.offset();
    out.push_back(Table(source_, here + c.le<std::uint32_t>()));
  }
  return out;
}

}  // namespace decant::flatbuffers

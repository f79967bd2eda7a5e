// SPDX-License-Identifier: Apache-2.0
#include "codecs/tar/tar.h"
#include "codecs/zip/zip.h"
#include "fuzz.h"

using namespace decant;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Source source = fuzz::source(data, size);
  fuzz::accept([&] {
    const zip::Archive archive(source);
    for (const zip::Entry& entry : archive.entries()) {
      fuzz::require(archive.find(entry.name) != nullptr);
      fuzz::accept([&] { fuzz::require(archive.read(entry).size() == entry.size); });
      fuzz::accept([&] { archive.read_unchecked(entry); });
    }
  });
  return fuzz::accept([&] {
    const tar::Archive archive = tar::read(source);
    for (const tar::Entry& entry : archive.entries) fuzz::require(tar::member(source, entry).size() == entry.size);
  });
}

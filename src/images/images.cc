// SPDX-License-Identifier: Apache-2.0
#include "images/images.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace decant {
namespace {

constexpr const char* kFile = "decant_images.so";

// The folder of the file that this code lies in, without links.
std::filesystem::path own_folder() {
  std::error_code none;
  Dl_info info{};
  // A shared library has an absolute path here where it was found by one; the program itself has what it was called by.
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) != 0 && info.dli_fname != nullptr && info.dli_fname[0] == '/') {
    const auto path = std::filesystem::canonical(info.dli_fname, none);
    if (!none) return path.parent_path();
  }
  const auto program = std::filesystem::read_symlink("/proc/self/exe", none);
  return none ? std::filesystem::path() : program.parent_path();
}

const decant_image_api& load() {
  std::string tried;
  for (const std::string& place : image_module_places()) {
    std::error_code none;
    tried += (tried.empty() ? "" : ", ") + place;
    if (!std::filesystem::is_regular_file(place, none)) continue;
    void* module = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (module == nullptr) {
      const char* why = dlerror();
      throw Error(Code::unsupported, format("images cannot be decoded: {}", printable(why != nullptr ? why : place)));
    }
    // POSIX: what dlsym gives for a function may be converted to a pointer to it.
    const auto entry = reinterpret_cast<decant_image_entry>(dlsym(module, DECANT_IMAGE_ENTRY));
    const decant_image_api* api = entry != nullptr ? entry() : nullptr;
    if (api == nullptr || api->version != DECANT_IMAGE_API_VERSION) throw Error(Code::unsupported, format("{} belongs to another version of decant", printable(place)));
    return *api;
  }
  throw Error(Code::unsupported, format("images are decoded by {}, which is not there (looked for {}); build it with the development packages of libjpeg, libpng, libtiff, libwebp and libopenjp2", kFile, printable(tried, 2000)));
}

}  // namespace

std::vector<std::string> image_module_places() {
  const std::filesystem::path folder = own_folder();
  std::vector<std::string> out;
  if (!folder.is_absolute()) return out;
  for (const auto& place : {folder, folder / "lib" / "decant", folder.parent_path() / "lib" / "decant", folder / "decant"}) out.push_back((place / kFile).string());
  return out;
}

const decant_image_api& image_api() {
  static const decant_image_api& api = load();
  return api;
}

}  // namespace decant

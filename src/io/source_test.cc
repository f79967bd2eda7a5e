// SPDX-License-Identifier: Apache-2.0
#include "io/source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace decant {
namespace {

namespace fs = std::filesystem;

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "decant-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("model.pkl", 10);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, std::size_t size) { std::ofstream(folder_ / name) << std::string(size, 'x'); }
  Source open(std::uint64_t memory = 0) const { return Source::open((folder_ / "model.pkl").string(), memory); }

  fs::path folder_;
};

std::string refusal(const Source& source, std::string_view name) {
  try {
    source.sibling(name);
  } catch (const Error& e) {
    return e.what();
  }
  return "opened";
}

TEST_F(Folder, AFileBesideTheModelIsOpenedAndItsBytesCountOnce) {
  write("part.npy", 1 << 20);
  const Source model = open();
  const std::uint64_t before = model.budget().limits().memory;
  ASSERT_TRUE(model.sibling("part.npy"));
  ASSERT_TRUE(model.sibling("part.npy"));
  EXPECT_EQ(model.budget().limits().memory, Limits::for_size(10 + (1 << 20)).memory);
  EXPECT_GT(model.budget().limits().memory, before);
  EXPECT_FALSE(model.sibling("none.npy"));
}

TEST_F(Folder, WhatTheUserAllowsIsNotRaised) {
  write("part.npy", 1 << 20);
  const Source model = open(1000);
  ASSERT_TRUE(model.sibling("part.npy"));
  EXPECT_EQ(model.budget().limits().memory, 1000U);
}

TEST_F(Folder, NothingButAPlainFileBesideTheModel) {
  fs::create_symlink("/etc/passwd", folder_ / "link");
  write("named", 5);
  fs::create_hard_link(folder_ / "named", folder_ / "twice");
  fs::create_directory(folder_ / "below");
  const Source model = open();
  EXPECT_NE(refusal(model, "../model.pkl").find("refers to a file that is not beside the model"), std::string::npos);
  EXPECT_NE(refusal(model, "/etc/passwd").find("refers to a file that is not beside the model"), std::string::npos);
  EXPECT_NE(refusal(model, "link").find("or is a link"), std::string::npos);
  EXPECT_NE(refusal(model, "twice").find("has a second name"), std::string::npos);
  EXPECT_NE(refusal(model, "below").find("is no regular file"), std::string::npos);
  EXPECT_FALSE(model.member("inner", model.data()).sibling("named")) << "an archive's member has nothing beside it";
}

}  // namespace
}  // namespace decant

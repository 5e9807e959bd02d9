// The subcommands as a person types them, in a directory of their own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/paths.h"
#include "system/command.h"

namespace sendoff::test {

class Terminal : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "/sendoff-app-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // `arguments` with file names relative to the directory.
  [[nodiscard]] Ran shell(const std::string& command) const {
    return run("cd " + directory_ + " && { " + command + "; }");
  }
  [[nodiscard]] Ran sendoff(const std::string& arguments) const {
    return shell(program() + " " + arguments);
  }
  // It must succeed.
  void make(const std::string& arguments) const {
    const Ran ran = sendoff(arguments);
    ASSERT_EQ(ran.status, 0) << arguments << "\n" << ran.output;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }

 private:
  std::string directory_;
};

}  // namespace sendoff::test

// What a data path is told when it is opened.
#pragma once

#include <string>
#include <vector>

#include "datapath/settings.h"
#include "net/linux_host.h"

namespace sendoff::datapath {

struct Config : Settings {
  bool router = false;
  std::vector<net::HostConfig::Interface> interfaces;
  std::string runtime_directory;  // exists and is ours
};

}  // namespace sendoff::datapath
